//! Getting a token, and waiting for a login if there is none.

use std::{sync::Arc, time::Instant};

use super::{
    identity::{Ask, Identity, Lease},
    process::{Here, Process},
    publish::Outlet,
    wait::Limits,
};
use crate::{
    error::{Error, Kind, Result},
    sys::clock,
};

/// A usable token of `identity` for `outlet`'s handle, after waiting for a login if need be.
pub(super) fn lease(
    process: &Arc<Process>,
    identity: &Arc<Identity>,
    outlet: &Outlet,
    limits: &Limits<'_>,
) -> Result<Lease> {
    loop {
        limits.check()?;
        let cacheable = process.ensure_refresher().is_ok();
        let left = limits.deadline.saturating_duration_since(Instant::now());
        let (mut turn, patience) = match identity.ask(outlet, left, cacheable) {
            Ask::Answered(answer) => return answer,
            Ask::Wait { turn, patience } => (turn, patience),
        };
        let _waiting = outlet.counters.waits();
        let mut until = patience.map(|patience| Instant::now() + patience);
        if cacheable {
            process.nudge();
        } else {
            // No thread can be had, so this one does it.
            match process.refresh_here(identity, limits.ended())? {
                Here::Flown => match identity.outcome() {
                    Some(outcome) => return outcome,
                    None => continue,
                },
                Here::NotDue(next) => {
                    let next = next.map(|at| Instant::now() + at.saturating_sub(clock::now()));
                    until = [until, next].into_iter().flatten().min();
                }
            }
        }
        let ended = limits.wait(turn.changed(), until)?.is_some();
        let late = !ended && Instant::now() >= limits.deadline;
        if ended || late {
            // A login may have failed only because its handle was closed.
            limits.check()?;
            match identity.outcome() {
                // Also too late: there may be a token to fall back on, or the last error to tell.
                Some(outcome) => return outcome,
                None if late => return Err(too_slow(identity)),
                None => {}
            }
        }
    }
}

fn too_slow(identity: &Identity) -> Error {
    let names = identity.roster.names();
    Error::new(Kind::Timeout, format!("no token in time: the login at {names} has not been answered yet"))
}
