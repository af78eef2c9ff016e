//! Getting a token, and waiting for a login if there is none.

use std::{sync::Arc, time::Instant};

use super::{
    handle::{Handle, Lease},
    process::{Here, Process},
    session::{Ask, Session},
};
use crate::{
    cause::Cause,
    error::{Error, Kind, Result},
    sys::clock,
    wait::{Limits, Parker},
};

/// What a token is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To be given out.
    Token,
    /// A request of this library's own, which sees what becomes of it: it may try a token that has been given up.
    Request,
}

/// A usable token for `handle`, after waiting for a login if need be. `session` tells the handle's session of the moment: a
/// call that waits goes over to new credentials with its handle.
pub(crate) async fn lease(
    process: &'static Process,
    handle: &Handle,
    session: impl Fn() -> Arc<Session>,
    limits: &Limits<'_>,
    purpose: Purpose,
) -> Result<Lease> {
    let parker = Parker::new();
    let mut parked = None;
    // The session that was waited for, and how many of its logins had ended.
    let mut waited_for: Option<(Arc<Session>, u64)> = None;
    let mut has_moved = false;
    loop {
        limits.check()?;
        let session = session();
        if let Some((before, ended)) = &waited_for {
            has_moved |= !Arc::ptr_eq(before, &session);
            if Arc::ptr_eq(before, &session)
                && session.logins_ended() != *ended
                && let Some(outcome) = session.outcome()
                && !(has_moved && is_unjudged(&outcome))
                && !session.may_still_succeed()
            {
                // What a login brings is for all who waited for it, a failure too.
                limits.check()?;
                return outcome;
            }
        }
        let cacheable = process.ensure_refresher().is_ok();
        let (ended, patience) = match session.ask(handle, limits.remaining(), cacheable, waited_for.is_some(), purpose)
        {
            Ask::Answered(answer) => return answer,
            Ask::Wait { ended, patience } => (ended, patience),
        };
        if limits.no_wait {
            if cacheable {
                process.wake();
            }
            return session.outcome().filter(Result::is_ok).unwrap_or_else(|| Err(would_block(&session)));
        }
        if parked.is_none() {
            // From here on nothing is missed; so look once more before sleeping.
            parked = Some((limits.park(&parker), handle.counters.waits()));
            waited_for = Some((session, ended));
            continue;
        }
        let mut until = patience.map(|patience| Instant::now() + patience);
        if cacheable {
            process.wake();
        } else {
            // No thread can be had, so this one does it.
            match process.refresh_here(&session, limits) {
                Here::Done => {
                    waited_for = Some((session, ended));
                    continue;
                }
                Here::NotDue(next) => {
                    let next = next.map(|at| Instant::now() + at.saturating_sub(clock::now()));
                    until = [until, next].into_iter().flatten().min();
                }
            }
        }
        limits.wait(&parker, until.map_or(limits.deadline, |at| at.min(limits.deadline))).await;
        if limits.remaining().is_zero() {
            limits.check()?;
            // There may be a token to fall back on, or the last error to tell.
            return session.outcome().unwrap_or_else(|| Err(too_slow(&session)));
        }
        waited_for = Some((session, ended));
    }
}

/// Whether no server has seen the credentials yet. A call that waited for others and went over to these waits on then.
fn is_unjudged(outcome: &Result<Lease>) -> bool {
    matches!(outcome, Err(error) if error.kind() == Kind::Connect)
}

fn too_slow(session: &Session) -> Error {
    if let Some(cause) = session.condition().waits_for {
        let message = "no token in time: what gives the credentials for the login has not answered yet";
        return Error::new(Kind::Timeout, message).because(cause);
    }
    let names = session.servers.names();
    let message = format!("no token in time: the login at {names} has not been answered yet");
    Error::new(Kind::Timeout, message).because(Cause::NoAnswer)
}

fn would_block(session: &Session) -> Error {
    let names = session.servers.names();
    let message = format!("there is no token yet, and the call was told not to wait for the login at {names}");
    Error::new(Kind::WouldBlock, message)
}
