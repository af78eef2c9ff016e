//! The connections to one cluster: how many may be in use, and the idle ones, last used first.

use std::{
    collections::VecDeque,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::Wake,
    time::Duration,
};

use super::{
    Endpoint,
    connection::Connection,
    error::{Error, ErrorKind, Phase},
};
use crate::sys::lock::Mutex;
use crate::wait::{Executor, Limits, Parker};

/// How many idle connections are kept for long.
const MOST_IDLE: usize = 16;
/// How long the others are: many requests may end at the same time, and be followed by as many.
const KEPT_SHORTLY: Duration = Duration::from_secs(2);

#[derive(Default)]
pub(super) struct Pool(Mutex<State>);

#[derive(Default)]
struct State {
    in_use: usize,
    /// Last used at the end.
    idle: Vec<Connection>,
    /// Calls that wait for their turn, the first at the front.
    queue: VecDeque<Arc<Turn>>,
}

struct Turn {
    granted: AtomicBool,
    parker: Arc<Parker>,
}

/// The right to use one connection. Given back when dropped.
pub(super) struct Permit<'a>(&'a Pool);

impl Pool {
    /// Waits until fewer than `most` connections are in use.
    pub(super) async fn acquire(&self, most: usize, limits: &Limits<'_>) -> Result<Permit<'_>, Error> {
        let waiting = {
            let mut state = self.0.lock();
            if state.in_use < most && state.queue.is_empty() {
                state.in_use += 1;
                return Ok(Permit(self));
            }
            if limits.no_wait {
                let cause = format!("all {most} connections are in use");
                return Err(Error::new(Phase::Prepare, ErrorKind::WouldBlock, cause));
            }
            let turn = Arc::new(Turn { granted: AtomicBool::new(false), parker: Parker::new() });
            state.queue.push_back(turn.clone());
            Waiting { pool: self, turn, has_gone: false }
        };
        let parker = &waiting.turn.parker;
        let _parked = limits.park(parker);
        while !waiting.is_granted() {
            let interrupted = limits.check().is_err();
            if interrupted || limits.remaining().is_zero() {
                return Err(match interrupted {
                    true => Error::new(Phase::Prepare, ErrorKind::Interrupted, "interrupted"),
                    false => {
                        let cause = format!("all {most} connections were in use; raise max_connections");
                        Error::new(Phase::Prepare, ErrorKind::Timeout, cause)
                    }
                });
            }
            limits.wait(parker, limits.deadline).await;
        }
        Ok(waiting.into_permit())
    }

    /// An idle connection of `executor` to `endpoint`, made with TLS settings of `tls_version`, if there is one.
    pub(super) fn take_idle(
        &self,
        endpoint: &Arc<Endpoint>,
        tls_version: u64,
        executor: Executor,
    ) -> Option<Connection> {
        let mut state = self.0.lock();
        let fits = |c: &Connection| c.executor == executor && c.endpoint == *endpoint && c.tls_version == tls_version;
        let at = state.idle.iter().rposition(fits)?;
        Some(state.idle.remove(at))
    }

    /// Keeps `connection` for the next request: for a short time beside all others that fit into `most`, for longer if it is one
    /// of the few that were used last.
    pub(super) fn put_back(&self, connection: Connection, most: usize) {
        let surplus = {
            let mut state = self.0.lock();
            state.idle.push(connection);
            let too_many = state.idle.len() > MOST_IDLE
                && (state.idle.len() > most || !state.idle[0].was_used_within(KEPT_SHORTLY));
            too_many.then(|| state.idle.remove(0))
        };
        drop(surplus); // closed under no lock
    }

    /// Closes what is idle beyond the few that are kept for long.
    pub(super) fn trim(&self) {
        let surplus: Vec<_> = {
            let mut state = self.0.lock();
            let idle = &mut state.idle;
            let old = idle.iter().take_while(|connection| !connection.was_used_within(KEPT_SHORTLY)).count();
            let surplus = old.min(idle.len().saturating_sub(MOST_IDLE));
            idle.drain(..surplus).collect()
        };
        drop(surplus); // closed under no lock
    }

    /// Closes the idle connections for which `closes` holds, and gives them out.
    pub(super) fn close_idle(&self, closes: impl Fn(&Connection) -> bool) -> Vec<Connection> {
        let mut gone = Vec::new();
        let mut state = self.0.lock();
        let mut at = 0;
        while at < state.idle.len() {
            if closes(&state.idle[at]) {
                gone.push(state.idle.remove(at));
            } else {
                at += 1;
            }
        }
        gone
    }

    /// How many calls wait for their turn.
    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        self.0.lock().queue.len()
    }

    pub(super) fn has_idle(&self) -> bool {
        !self.0.lock().idle.is_empty()
    }
}

/// A call that waits for its turn. Leaves the queue when dropped.
struct Waiting<'a> {
    pool: &'a Pool,
    turn: Arc<Turn>,
    has_gone: bool,
}

impl<'a> Waiting<'a> {
    fn is_granted(&self) -> bool {
        self.turn.granted.load(Ordering::Acquire)
    }

    fn into_permit(mut self) -> Permit<'a> {
        self.has_gone = true;
        Permit(self.pool)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if self.has_gone {
            return;
        }
        let mut state = self.pool.0.lock();
        let at = state.queue.iter().position(|other| Arc::ptr_eq(other, &self.turn));
        let was_waiting = at.map(|at| state.queue.remove(at)).is_some();
        drop(state);
        if !was_waiting {
            // Granted just now: for the next one.
            drop(Permit(self.pool));
        }
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        let mut state = self.0.0.lock();
        match state.queue.pop_front() {
            // Handed on: others must not overtake those who have waited.
            Some(next) => {
                next.granted.store(true, Ordering::Release);
                drop(state);
                next.parker.wake_by_ref();
            }
            None => state.in_use -= 1,
        }
    }
}
