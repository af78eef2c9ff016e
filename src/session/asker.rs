//! How a login asks one server: on the library's runtime or in the thread of a caller, and for how long.

use std::time::Duration;

use super::{failure, servers::Server, session::Session};
use crate::{
    cause::Cause,
    http::{Error as HttpError, ErrorKind, Phase, Request, Response},
    lifecycle::{LoginError, Time},
    sys::clock,
    wait::Limits,
};

/// The longest one server may take over a login.
pub(super) const ATTEMPT: Duration = Duration::from_secs(30);
/// The longest a login may take, whatever it meets on its way.
pub(super) const LOGIN: Duration = Duration::from_secs(35);
/// How much longer its answer is still taken, if no other login has begun. The servers work it off all the same.
pub(super) const LATE: Duration = Duration::from_secs(60);

/// How a login sends and waits.
#[derive(Clone, Copy)]
pub(super) enum Engine<'a> {
    /// On the library's runtime: this login (0: none, only the credentials are loaded).
    Background { number: u64, sent: Time },
    /// In the thread of a caller, who blocks.
    Caller(&'a Limits<'a>),
}

/// Who asks one server, and how.
pub(super) struct Asker<'a> {
    pub(super) session: &'a Session,
    pub(super) engine: Engine<'a>,
    pub(super) server: &'a Server,
    /// The longest that one answer may take.
    pub(super) patience: Duration,
}

impl Asker<'_> {
    pub(super) async fn ask(&self, request: Result<Request, HttpError>) -> Result<Response, HttpError> {
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
}

fn no_answer() -> Result<Response, HttpError> {
    Err(HttpError::new(Phase::Answer, ErrorKind::Slow, "no answer in time"))
}
