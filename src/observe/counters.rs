//! What happened to one handle, counted. Events of a shared token count for every handle that shares it.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::lifecycle::Occasion;

/// What is counted.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Count {
    Requests,
    Replays,
    RejectionsIdentity,
    RejectionsPermission,
    RejectionsUnknown,
    Waits,
    SuppressedByPause,
    SuppressedByRejection,
    SuppressedByGeneration,
    /// Calls that wait for a login right now: the only one that falls.
    Waiting,
}

const COUNTS: usize = Count::Waiting as usize + 1;

/// How a login ended.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Outcome {
    Success,
    Unreachable,
    Overloaded,
    Refused,
    Other,
}

impl Outcome {
    pub(crate) const FAILURES: [Self; 4] = [Self::Unreachable, Self::Overloaded, Self::Refused, Self::Other];
}

const OUTCOMES: usize = Outcome::Other as usize + 1;

#[derive(Default)]
pub(crate) struct Counters {
    counts: [AtomicU64; COUNTS],
    /// By occasion, then by outcome.
    logins: [[AtomicU64; OUTCOMES]; Occasion::ALL.len()],
}

impl Counters {
    pub(crate) fn count(&self, what: Count) {
        self.counts[what as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn get(&self, what: Count) -> u64 {
        self.counts[what as usize].load(Ordering::Relaxed)
    }

    pub(crate) fn count_login(&self, occasion: Occasion, outcome: Outcome) {
        self.logins[occasion as usize][outcome as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn logins(&self, occasion: Occasion, outcome: Outcome) -> u64 {
        self.logins[occasion as usize][outcome as usize].load(Ordering::Relaxed)
    }

    /// Counts a call among those that wait, until the guard is dropped.
    pub(crate) fn waits(&self) -> Waiting<'_> {
        self.count(Count::Waits);
        self.count(Count::Waiting);
        Waiting(self)
    }
}

pub(crate) struct Waiting<'a>(&'a Counters);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.counts[Count::Waiting as usize].fetch_sub(1, Ordering::Relaxed);
    }
}
