//! One login: with which credentials, at which server, and what its failure means.

use std::{sync::Arc, time::Duration};

use super::{
    asker::{ATTEMPT, Engine, LATE, LOGIN},
    credentials::{Credentials, Supplied},
    exchange::{self, NoToken},
    failure,
    question::Asked,
    search::find_login,
    session::{LoginOutcome, Session},
    verdict::token_refused,
};
use crate::{
    cause::Cause,
    error::{Error, Kind, Result},
    http::ErrorKind,
    lifecycle::{LoginError, Time, retry_after},
    protocol::login::{IssuedToken, Reason},
    sys::clock,
    wait::{Executor, Limits, here},
};

/// The longest one server may take over a login that renews a token, as long as there is another server to ask: these do not
/// come all at once, so that a second one costs little.
const RENEWAL: Duration = Duration::from_secs(5);

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
