//! What happened to one handle, counted. Events of a shared token count for every handle that shares it.

use std::sync::atomic::{AtomicU64, Ordering};

/// What is counted.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Count {
    LoginsFirst,
    LoginsRenewal,
    LoginsRejection,
    FailuresUnreachable,
    FailuresOverloaded,
    FailuresRefused,
    FailuresOther,
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

#[derive(Default)]
pub(crate) struct Counters([AtomicU64; COUNTS]);

impl Counters {
    pub(crate) fn count(&self, what: Count) {
        self.0[what as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn get(&self, what: Count) -> u64 {
        self.0[what as usize].load(Ordering::Relaxed)
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
        self.0.0[Count::Waiting as usize].fetch_sub(1, Ordering::Relaxed);
    }
}
