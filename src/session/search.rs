//! The login of one server: at which path it is, and whether what stands before the server lets anything through.

use std::time::Duration;

use super::{
    asker::{Asker, Engine},
    credentials::Credentials,
    exchange::{self, Answer, NoToken, Search},
    servers::Server,
    session::Session,
};
use crate::{
    http::{Error as HttpError, ErrorKind},
    protocol::{
        login::{Api, IssuedToken, LoginRefused, Reason},
        state,
    },
    secret::Secret,
};

/// The longest that a state page may take.
const STATE: Duration = Duration::from_secs(5);

/// Asks one server, at every path where a login may be, until a Nacos has judged the credentials: what stands before it
/// answers as it likes to paths that it does not know.
pub(super) async fn find_login(
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

impl Asker<'_> {
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
