//! How long to leave the servers alone after a login that failed.
//!
//! The steps are chosen so that many clients rejected at once spread their logins over what a cluster can serve
//! (a login costs a server some 70 ms of a core), and so that a wrong password never means more than three logins in a
//! quarter of an hour.

use std::time::Duration;

use fastrand::Rng;

use super::Time;
use crate::protocol::login::Reason;

/// What went wrong with a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginError {
    /// No answer: refused, no route, reset, unknown host, TLS.
    Unreachable,
    /// No answer in time.
    Slow,
    /// No server was asked, because there was nothing to log in with.
    NoCredentials,
    /// An answer without a token; the server may have said when to come back.
    Answered(Reason, Option<Duration>),
}

/// The state after a failed login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pause {
    pub(super) until: Time,
    pub(super) class: Class,
}

/// The classes of failure, each with steps of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    Unreachable,
    /// A server that has just come up knows no users yet, for some 5 s: a good password is refused until then.
    Starting,
    Overloaded,
    /// One refusal: may be a node that has not heard of a new password. One more login shows it.
    RefusedOnce,
    /// Two refusals: the credentials are wrong until proven otherwise.
    CredentialsRejected,
    Protocol,
}

impl Class {
    /// Whether the credentials were refused.
    pub(super) fn is_refusal(self) -> bool {
        matches!(self, Self::RefusedOnce | Self::CredentialsRejected)
    }
}

/// The longest Retry-After obeyed.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(3600);
/// How long after a server was unreachable its refusals are taken for those of a starting server.
const STARTING_AFTER: Duration = Duration::from_secs(60);
/// And for how long at the most.
pub(super) const STARTING_FOR: Duration = Duration::from_secs(20);

/// Counts failures in a row and says when to try again.
#[derive(Clone, Debug, Default)]
pub(super) struct Backoff {
    unreachable: u32,
    overloaded: u32,
    refused: u32,
    protocol: u32,
    /// When a server was last seen unreachable, and when it then began to refuse.
    down_at: Option<Time>,
    starting_since: Option<Time>,
}

impl Backoff {
    /// A login succeeded: all is forgotten.
    pub(super) fn reset(&mut self) {
        *self = Self::default();
    }

    /// A server was seen to be down, by a login or by a request.
    pub(super) fn server_unreachable(&mut self, now: Time) {
        self.down_at = Some(now);
        self.starting_since = None;
    }

    /// A login failed. `was_good`: a login with these credentials has succeeded before. `without_token`: there is no usable
    /// token, so callers fail until the next success.
    pub(super) fn pause(
        &mut self,
        rng: &mut Rng,
        now: Time,
        error: LoginError,
        was_good: bool,
        without_token: bool,
    ) -> Pause {
        let class = self.classify(now, error, was_good);
        let seconds = match class {
            Class::Unreachable => {
                self.server_unreachable(now);
                self.unreachable += 1;
                match self.unreachable {
                    // A refused connection costs nobody anything: callers without a token may ask every second.
                    _ if without_token => (0.5, 1.0),
                    n @ 1..=5 => (0.25 * f64::from(1 << n), 0.5 * f64::from(1 << n)),
                    _ => (15.0, 30.0),
                }
            }
            Class::Starting => (1.0, 2.0),
            Class::Overloaded => {
                self.overloaded += 1;
                match self.overloaded {
                    // Of a server that has restarted unseen: it takes 5 s to load its users.
                    1 if matches!(error, LoginError::Answered(Reason::Fault, _)) => (6.0, 15.0),
                    1 => (1.0, 30.0),
                    2 => (30.0, 120.0),
                    _ => (300.0, 600.0),
                }
            }
            Class::RefusedOnce => (17.0, 25.0),
            Class::CredentialsRejected => {
                let quarter_hours = 1 << (self.refused - 2).min(2);
                (720.0 * f64::from(quarter_hours), 1080.0 * f64::from(quarter_hours))
            }
            Class::Protocol => {
                self.protocol += 1;
                match self.protocol {
                    n @ 1..=8 => (0.25 * f64::from(1 << n), 0.5 * f64::from(1 << n)),
                    _ => (150.0, 300.0),
                }
            }
        };
        let mut wait = Duration::from_secs_f64(seconds.0 + rng.f64() * (seconds.1 - seconds.0));
        if let LoginError::Answered(_, Some(asked)) = error {
            wait = wait.max(asked.min(LONGEST_RETRY_AFTER)).mul_f64(1.0 + 0.2 * rng.f64());
        }
        Pause { until: now + wait, class }
    }

    fn classify(&mut self, now: Time, error: LoginError, was_good: bool) -> Class {
        let reason = match error {
            LoginError::Unreachable => return Class::Unreachable,
            LoginError::Slow => return Class::Overloaded,
            LoginError::NoCredentials => return Class::Protocol,
            LoginError::Answered(reason, _) => reason,
        };
        if matches!(reason, Reason::Refused | Reason::Fault) && was_good && self.is_starting(now) {
            return Class::Starting;
        }
        match reason {
            Reason::Overloaded => Class::Overloaded,
            Reason::Fault if was_good => Class::Overloaded,
            Reason::Fault | Reason::Refused => {
                self.refused += 1;
                if self.refused == 1 { Class::RefusedOnce } else { Class::CredentialsRejected }
            }
            Reason::Gateway => Class::Unreachable,
            Reason::MissingApi | Reason::NotNacos => Class::Protocol,
        }
    }

    /// Whether any login has failed since the last success.
    pub(super) fn has_failures(&self) -> bool {
        self.unreachable + self.overloaded + self.refused + self.protocol > 0
    }

    /// Whether a server was seen to be down a short while ago.
    pub(super) fn had_outage(&self, now: Time) -> bool {
        self.down_at.is_some_and(|at| now.saturating_sub(at) <= STARTING_AFTER)
    }

    fn is_starting(&mut self, now: Time) -> bool {
        if !self.had_outage(now) {
            return false;
        }
        now - *self.starting_since.get_or_insert(now) < STARTING_FOR
    }
}
