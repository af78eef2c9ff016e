//! What outlives a machine: how long the servers are to be left alone.

use super::{
    Time,
    backoff::{Backoff, Pause},
    machine::{BETWEEN_ATTEMPTS, Machine, Refresh},
};

/// The pauses of a session that nobody uses any more, for the day it comes back. No token is in it.
///
/// Whoever comes back has chosen the credentials anew, and calls `clear_failures`: that forgets refusals of credentials,
/// and keeps the rest (unreachable, overloaded, `Retry-After`, a second between two attempts).
#[derive(Clone, Debug)]
pub(crate) struct Pauses {
    backoff: Backoff,
    pause: Option<Pause>,
    last_attempt: Option<Time>,
    refusals: [Option<Time>; 3],
    guarded: Option<u16>,
    refused_in_a_row: u32,
}

impl Pauses {
    /// See [`Machine::is_ahead_of`].
    pub(crate) fn is_ahead_of(&self, now: Time) -> bool {
        self.last_attempt.is_some_and(|last| last > now)
    }
}

impl Machine {
    /// A machine that goes on with the pauses of one that is gone.
    pub(crate) fn with_pauses(seed: u64, pauses: Pauses) -> Self {
        let Pauses { backoff, pause, last_attempt, refusals, guarded, refused_in_a_row } = pauses;
        let refresh = pause.map_or(Refresh::Idle, Refresh::Pausing);
        Self { backoff, refresh, last_attempt, refusals, guarded, refused_in_a_row, ..Self::new(seed) }
    }

    /// What is to be remembered when the last who uses this session goes. None after a success that no pause followed.
    pub(crate) fn pauses(&self, now: Time) -> Option<Pauses> {
        let pause = match self.refresh {
            Refresh::Pausing(pause) => Some(pause),
            Refresh::Idle | Refresh::LoggingIn { .. } => None,
        };
        // After a success the next login need not wait for anything.
        let unsuccessful = self.last_attempt.filter(|at| self.last_login.is_none_or(|login| login < *at));
        let recent = unsuccessful.is_some_and(|at| now < at + BETWEEN_ATTEMPTS);
        let pausing = pause.is_some_and(|p| now < p.until);
        let failed = self.backoff.has_failures() || self.refusals.iter().any(Option::is_some);
        (recent || pausing || failed).then(|| Pauses {
            backoff: self.backoff.clone(),
            pause,
            last_attempt: self.last_attempt,
            refusals: self.refusals,
            guarded: self.guarded,
            refused_in_a_row: self.refused_in_a_row,
        })
    }
}
