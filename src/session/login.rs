//! One login: which server, which API, and what its failure means.

use std::{sync::Arc, time::Duration};

use super::{
    credentials::{Credentials, Supplied},
    exchange::{self, Answer, NoToken, Search},
    failure,
    question::Asked,
    servers::Server,
    session::{LoginOutcome, Session},
    verdict::token_refused,
};
use crate::{
    cause::Cause,
    error::{Error, Kind, Result},
    http::{Error as HttpError, ErrorKind, Phase, Request, Response},
    lifecycle::{LoginError, Time, retry_after},
    protocol::{
        login::{Api, IssuedToken, LoginRefused, Reason},
        state,
    },
    secret::Secret,
    sys::clock,
    wait::{Executor, Limits, here},
};

/// The longest one server may take over a login.
const ATTEMPT: Duration = Duration::from_secs(30);
/// The same of one that renews a token, as long as there is another server to ask: these do not come all at once, so that a
/// second one costs little.
const RENEWAL: Duration = Duration::from_secs(5);
/// The longest a login may take, whatever it meets on its way.
const LOGIN: Duration = Duration::from_secs(35);
/// The longest that a state page may take.
const STATE: Duration = Duration::from_secs(5);
/// How much longer its answer is still taken, if no other login has begun. The servers work it off all the same.
const LATE: Duration = Duration::from_secs(60);

/// How a login sends and waits.
#[derive(Clone, Copy)]
enum Engine<'a> {
    /// On the library's runtime: this login (0: none, only the credentials are loaded).
    Background { number: u64, sent: Time },
    /// In the thread of a caller, who blocks.
    Caller(&'a Limits<'a>),
}

/// Ends login `number` as one that was lost, if it is dropped before: then its runtime is gone.
struct Lost<'a> {
    session: &'a Arc<Session>,
    number: u64,
    sent: Time,
}

impl Lost<'_> {
    fn outcome() -> LoginOutcome {
        Err((LoginError::Unreachable, Error::new(Kind::Internal, "a fault of this library ended the login")))
    }
}

impl Drop for Lost<'_> {
    fn drop(&mut self) {
        self.session.finish(self.number, self.sent, Self::outcome());
    }
}

/// Runs login `number` to its end, on the runtime of the calling task. It ends whatever happens, a panic included, and at
/// once, without an outcome, when nobody wants it any more.
pub(super) async fn run(session: Arc<Session>, number: u64) {
    let sent = clock::now();
    let lost = Lost { session: &session, number, sent };
    let mut attempt = tokio::spawn({
        let session = session.clone();
        async move { tokio::time::timeout(LOGIN + LATE, log_in(&session, Engine::Background { number, sent }, sent)).await }
    });
    let outcome = tokio::select! {
        attempt = &mut attempt => match attempt {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => Err(failure::too_slow(&session.servers.names())),
            Err(_) => Lost::outcome(),
        },
        () = session.abandoned.notified() => {
            // No handle is left to be told, and no server has failed: whoever comes next with these credentials need not wait.
            attempt.abort();
            std::mem::forget(lost);
            return;
        }
    };
    std::mem::forget(lost);
    session.finish(number, sent, outcome);
}

/// Runs login `number` in this thread, until the call has to end at the most.
pub(super) fn run_here(session: &Arc<Session>, number: u64, limits: &Limits<'_>) {
    let sent = clock::now();
    let outcome = here(log_in(session, Engine::Caller(limits), sent));
    session.finish(number, sent, outcome);
}

/// Loads credentials and uses them; and once more, if they are refused and there are others by then.
async fn log_in(session: &Arc<Session>, engine: Engine<'_>, now: Time) -> LoginOutcome {
    let first = load_credentials(session, engine).await?;
    let outcome = log_in_with(session, engine, &first, now).await;
    let refused = matches!(outcome, Err((LoginError::Answered(Reason::Refused | Reason::Fault, _), _)));
    if refused
        && !session.source.is_fixed()
        && let Ok(second) = load_credentials(session, engine).await
        && second != first
    {
        return log_in_with(session, engine, &second, now).await;
    }
    outcome
}

/// Looks whether there are other credentials than those that are being refused.
pub(crate) async fn look(session: &Arc<Session>) {
    if let Ok(supplied) = load_credentials(session, Engine::Background { number: 0, sent: clock::now() }).await {
        session.saw(&supplied);
    }
}

async fn load_credentials(session: &Arc<Session>, engine: Engine<'_>) -> Result<Supplied, (LoginError, Error)> {
    let supplied = if session.source.is_fixed() { session.source.load() } else { ask(session, engine).await };
    supplied.map_err(|error| (LoginError::NoCredentials, error))
}

/// A file, or the caller's function: either may never answer.
async fn ask(session: &Arc<Session>, engine: Engine<'_>) -> Result<Supplied> {
    let hung = |time: Duration| {
        let message = format!("{:?} has not answered for {} s", session.source, time.as_secs());
        Err(Error::new(Kind::NoCredentials, message).because(session.source.cause()))
    };
    let source = session.source.clone();
    let executor = match engine {
        Engine::Background { .. } => Executor::Runtime,
        Engine::Caller(limits) => limits.executor,
    };
    let promise = match session.question.ask(executor, move || source.load()) {
        Asked::Promised(promise) => promise,
        Asked::Hung(time) => return hung(time),
    };
    let answer = match engine {
        Engine::Background { .. } => tokio::time::timeout(ATTEMPT, promise.clone()).await.ok(),
        Engine::Caller(limits) => limits.until(promise.clone()).await,
    };
    match answer {
        Some(answer) => {
            session.question.used(&promise);
            answer
        }
        None => hung(ATTEMPT),
    }
}

async fn log_in_with(session: &Session, engine: Engine<'_>, supplied: &Supplied, now: Time) -> LoginOutcome {
    session.uses(supplied);
    match supplied {
        Supplied::Password(credentials) => try_servers(session, engine, credentials, now).await,
        Supplied::Token { token, .. } if session.has_seen_refused(token) => {
            Err((LoginError::Answered(Reason::Refused, None), token_refused()))
        }
        Supplied::Token { token, ttl } => Ok((IssuedToken { token: token.clone(), ttl: *ttl }, None)),
    }
}

/// Goes from server to server until one has judged the credentials: a password is never sprayed over a cluster.
///
/// One exception: a server that has restarted unseen knows no users for some 5 s, and answers 500 to a password known to
/// be good. Then one other is asked, rather than callers kept waiting.
async fn try_servers(session: &Session, engine: Engine<'_>, credentials: &Credentials, now: Time) -> LoginOutcome {
    let (mut last, mut held) = (None, None);
    let mut may_ask_another = session.trusts_its_password(now);
    let servers = session.servers.for_login(now);
    for (at, server) in servers.iter().enumerate() {
        let may_move = at + 1 < servers.len() && session.is_renewing();
        let patience = if may_move { RENEWAL } else { ATTEMPT };
        let error = match find_login(session, engine, credentials, server, patience).await {
            Ok(issued) => {
                server.mark_up(clock::now());
                return Ok((issued, Some(server.index)));
            }
            Err(NoToken::Refused(answer)) if answer.of_guard => {
                if session.servers.has_choice() {
                    session.mark_down(server, Cause::GatewayRefusal);
                }
                // The others come next: the password may have been looked at, so it is not shown to all of them at once.
                return Err(failure::guarded(server.address.name(), answer));
            }
            Err(NoToken::Refused(answer)) => {
                let (reason, asked) = (answer.refused.reason, answer.retry_after);
                let error = failure::refused(server.address.name(), session.was_good(), answer);
                match reason {
                    Reason::Gateway if session.servers.has_choice() => session.mark_down(server, Cause::Gateway),
                    _ => server.mark_up(clock::now()),
                }
                // It speaks for itself only.
                if let (Some(asked), Reason::Gateway | Reason::Overloaded) = (asked, reason) {
                    server.hold(clock::now() + retry_after(asked));
                    held.get_or_insert((reason, error.1));
                    continue;
                }
                let was_judged = match reason {
                    Reason::MissingApi | Reason::NotNacos | Reason::Gateway => false,
                    Reason::Fault => !std::mem::take(&mut may_ask_another),
                    Reason::Refused | Reason::Overloaded => true,
                };
                if was_judged {
                    return Err(error);
                }
                error
            }
            Err(NoToken::Failed(failure)) => {
                if failure.blames_server() {
                    session.mark_down(server, failure.reason());
                }
                let error = failure::unreachable(server.address.name(), &failure);
                let hung = matches!(failure.kind, ErrorKind::Slow | ErrorKind::Timeout) && failure.was_sent();
                if (hung && !may_move) || !(failure.blames_server() || exchange::is_unreadable(&failure)) {
                    // Too much to do, and it works this login off all the same: the others may be no better. Or the
                    // fault lies on this side.
                    return Err(error);
                }
                error
            }
        };
        // An answer tells more than none.
        let tells_more = last.as_ref().is_none_or(|(_, last): &(_, Error)| last.http_status().is_none());
        if tells_more || error.1.http_status().is_some() {
            last = Some(error);
        }
    }
    // All of them want to be left alone: until the first of them does not any more.
    let all_held = || {
        let (reason, error) = held?;
        let until = session.servers.holds().into_iter().min()?;
        Some((LoginError::Answered(reason, Some(until.saturating_sub(clock::now()))), error))
    };
    Err(last.or_else(all_held).unwrap_or_else(|| failure::too_slow(&session.servers.names())))
}

/// Asks one server, at every path where a login may be, until a Nacos has judged the credentials: what stands before it
/// answers as it likes to paths that it does not know.
async fn find_login(
    session: &Session,
    engine: Engine<'_>,
    credentials: &Credentials,
    server: &Server,
    patience: Duration,
) -> Result<IssuedToken, NoToken> {
    let asker = Asker { session, engine, server, patience };
    let was_guarded = session.with_machine(|machine, _| machine.guarded());
    if let Some(status) = was_guarded {
        asker.look_past_guard(status, &credentials.password).await?;
    }
    let most = most_looks(session, server);
    let (mut search, mut looks) = (Search::default(), 0);
    let mut apis = server.apis();
    for asked in 0..apis.len() {
        let api = apis[asked];
        let timeout = session.connect_timeout();
        let request = exchange::request(&server.address, &server.endpoint, credentials, api, timeout);
        let answer = asker.ask(request).await;
        let why = match exchange::read(answer, &credentials.password) {
            Ok(issued) => {
                server.found(api);
                return Ok(issued);
            }
            Err(why) => why,
        };
        let mut is_away = false;
        if let NoToken::Refused(answer) = &why {
            let LoginRefused { reason, is_verdict, .. } = answer.refused;
            if is_verdict {
                server.found(api);
            }
            // It has been there before; or it wants to be left alone, and another path is another login.
            let is_busy = matches!(reason, Reason::Gateway | Reason::Overloaded);
            is_away = is_busy && (server.has_found(api) || answer.retry_after.is_some());
        }
        let was_look = was_look(&why);
        looks += u32::from(was_look);
        match &mut apis[asked + 1..] {
            [] => server.was_searched(),
            // With one look left: at what a gateway most likely lets through.
            rest if was_look && looks < most && most < u32::MAX => rest.sort_by_key(|api| *api != Api::V1Users),
            _ => {}
        }
        // The other paths have been asked already, when this began.
        let is_enough = was_look && (looks >= most || was_guarded.is_some());
        if !search.goes_on_after(why) || is_away || is_enough {
            break;
        }
    }
    let best = asker.judge(search.best().expect("one is asked at least"), &credentials.password).await;
    if is_no_nacos(&best) {
        server.answered_as_none();
    }
    // What the login ends with is counted where its end is.
    session.with_machine(|machine, _| machine.note_looks(looks - u32::from(was_look(&best))));
    Err(best)
}

/// To how many looks at the password one login may come. The first search for the login of a server that nobody knows needs all
/// there are; where a password that was good is refused without a Nacos's word, one is left for when that has passed.
fn most_looks(session: &Session, server: &Server) -> u32 {
    session.with_machine(|machine, now| match machine.looks_left(now) {
        left if machine.was_good() => left.max(2) - 1,
        left if server.has_been_searched() => left.max(1),
        _ => u32::MAX,
    })
}

/// Whether it may have been a look at the password, though nobody says so. A verdict is counted where its end is.
fn was_look(why: &NoToken) -> bool {
    let NoToken::Refused(answer) = why else { return false };
    let LoginRefused { reason, is_verdict, .. } = answer.refused;
    !answer.of_guard && !is_verdict && matches!(reason, Reason::Refused | Reason::Fault)
}

/// Whether no Nacos has answered, nor what stands before one.
fn is_no_nacos(why: &NoToken) -> bool {
    match why {
        NoToken::Refused(answer) => answer.refused.reason == Reason::NotNacos,
        NoToken::Failed(failure) => exchange::is_unreadable(failure),
    }
}

fn no_answer() -> Result<Response, HttpError> {
    Err(HttpError::new(Phase::Answer, ErrorKind::Slow, "no answer in time"))
}

/// Who asks one server, and how.
struct Asker<'a> {
    session: &'a Session,
    engine: Engine<'a>,
    server: &'a Server,
    /// The longest that one answer may take.
    patience: Duration,
}

impl Asker<'_> {
    async fn ask(&self, request: Result<Request, HttpError>) -> Result<Response, HttpError> {
        let Self { session, server, patience, .. } = *self;
        let request = request?;
        match self.engine {
            Engine::Background { number, sent } => {
                let left = patience.min((sent + LOGIN).saturating_sub(clock::now()));
                if left.is_zero() {
                    return no_answer();
                }
                let limits = Limits::of_library();
                let mut exchange = session.transport.exchange(request, &limits);
                match tokio::time::timeout(left, &mut exchange).await {
                    Ok(answer) => answer,
                    Err(_) if patience < ATTEMPT => no_answer(),
                    Err(_) => {
                        session.mark_down(server, Cause::NoAnswer);
                        let (_, error) = failure::too_slow(server.address.name());
                        session.finish(number, sent, Err((LoginError::Overdue, error)));
                        let late = tokio::time::timeout(LATE, exchange).await.ok().and_then(Result::ok);
                        late.ok_or_else(|| HttpError::new(Phase::Answer, ErrorKind::Interrupted, "no answer at all"))
                    }
                }
            }
            Engine::Caller(limits) => session.transport.exchange(request, &limits.within(patience)).await,
        }
    }

    /// Goes on if the credentials may be shown, although what stands before the server let nothing through when that was last
    /// tried, with `status`: if it lets the state page through by now, or some time has passed.
    async fn look_past_guard(&self, status: u16, password: &Secret) -> Result<(), NoToken> {
        let is_slow = |failure: &HttpError| matches!(failure.kind, ErrorKind::Slow | ErrorKind::Timeout);
        let (is_gone, answer) = match self.guard(status, password).await {
            Ok(answer) => (answer.is_none(), answer),
            Err(failure) if is_slow(&failure) && failure.was_sent() => (false, None),
            Err(failure) => return Err(NoToken::Failed(failure)),
        };
        let may_look = self.session.with_machine(|machine, now| match is_gone {
            true => machine.guard_is_gone(now),
            false => machine.may_look_past_guard(now),
        });
        let unchanged = || exchange::guarded(status, String::new());
        if may_look { Ok(()) } else { Err(NoToken::Refused(answer.unwrap_or_else(unchanged))) }
    }

    /// Looks whether an answer that may have been one to the password is only what everything is answered.
    async fn judge(&self, why: NoToken, password: &Secret) -> NoToken {
        if !was_look(&why) {
            return why;
        }
        let NoToken::Refused(answer) = why else { return why };
        // A success that holds no token has been let through.
        if answer.status < 400 {
            return NoToken::Refused(answer);
        }
        match self.guard(answer.status, password).await {
            Ok(Some(_)) => NoToken::Refused(Answer { of_guard: true, ..answer }),
            Ok(None) | Err(_) => NoToken::Refused(answer),
        }
    }

    /// What the state page is answered, if that is what a login was answered with `status`, or nobody is reached; `None`: it is
    /// let through.
    async fn guard(&self, status: u16, password: &Secret) -> Result<Option<Answer>, HttpError> {
        let Self { session, server, .. } = *self;
        let (asker, mut last) = (Self { patience: STATE, ..*self }, None);
        for path in state::PATHS {
            let question = exchange::question(&server.address, &server.endpoint, path, session.connect_timeout());
            match exchange::guarded_as(status, &asker.ask(question).await?, password) {
                None => return Ok(None),
                answer => last = answer,
            }
        }
        Ok(last)
    }
}
