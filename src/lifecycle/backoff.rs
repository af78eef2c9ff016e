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
    /// The same, but somebody listens on: the answer may come yet, until another login begins.
    Overdue,
    /// No server was asked, because there was nothing to log in with.
    NoCredentials,
    /// An answer without a token; the server may have said when to come back.
    Answered(Reason, Option<Duration>),
    /// No Nacos's answer, of this status, and the state page, which everybody may read, is answered so too: something before
    /// the server lets nothing through. It may have said when to come back.
    Guarded(u16, Option<Duration>),
}

/// The state after a failed login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pause {
    pub(super) until: Time,
    pub(super) class: Class,
    /// A server has said when to come back.
    pub(super) asked_for: bool,
    /// A server has answered a request well since.
    pub(super) answered_well: bool,
}

/// The classes of failure, each with steps of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    Unreachable,
    /// Something answers in the place of a server that is not there.
    Gateway,
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

    /// Whether no server was there to see the login.
    pub(super) fn is_outage(self) -> bool {
        matches!(self, Self::Unreachable | Self::Gateway)
    }
}

/// What a login that failed meant to the process.
#[derive(Clone, Copy, Debug)]
pub(super) struct Situation {
    /// A login with these credentials has succeeded before.
    pub(super) was_good: bool,
    /// There is no usable token, so callers fail until the next success.
    pub(super) starving: bool,
    /// How long the servers took over the login.
    pub(super) took: Duration,
}

/// A Retry-After is obeyed within these.
const SHORTEST_RETRY_AFTER: Duration = Duration::from_secs(1);
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(3600);
/// How long after a server was unreachable its refusals are taken for those of a starting server.
const STARTING_AFTER: Duration = Duration::from_secs(60);
/// And for how long at the most.
pub(super) const STARTING_FOR: Duration = Duration::from_secs(20);
/// And how many of them in a quarter of an hour without a success: what is behind a gateway may come and go for hours.
pub(super) const STARTING_AT_MOST: u32 = 30;
const QUARTER: Duration = Duration::from_secs(15 * 60);

/// Counts failures in a row and says when to try again.
#[derive(Clone, Debug, Default)]
pub(super) struct Backoff {
    unreachable: u32,
    overloaded: u32,
    refused: u32,
    /// The first of these was that of a starting server, or so it seemed.
    refused_at_start: bool,
    protocol: u32,
    /// When a server was last seen unreachable, and when it then began to refuse.
    down_at: Option<Time>,
    starting_since: Option<Time>,
    /// How many refusals were taken for those of a starting server, and since when they are counted.
    starting: u32,
    starting_counted_since: Option<Time>,
    /// When refusals were last forgotten, because what may have been their only reason is gone.
    forgiven_at: Option<Time>,
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

    /// A login failed.
    pub(super) fn pause(&mut self, rng: &mut Rng, now: Time, error: LoginError, situation: Situation) -> Pause {
        let class = self.classify(now, error, situation.was_good);
        let (shortest, longest) = self.step(now, class, error, situation);
        let mut wait = Duration::from_secs_f64(shortest + rng.f64() * (longest - shortest));
        let asked = match error {
            LoginError::Answered(_, asked) | LoginError::Guarded(_, asked) => asked,
            _ => None,
        };
        if let Some(asked) = asked {
            let asked = retry_after(asked);
            // A server that counts what comes in knows best. One that looked at the password may make it longer only.
            let knows_best = matches!(error, LoginError::Answered(Reason::Overloaded | Reason::Gateway, _));
            wait = if knows_best { asked } else { wait.max(asked) }.mul_f64(1.0 + 0.2 * rng.f64());
        }
        Pause { until: now + wait, class, asked_for: asked.is_some(), answered_well: false }
    }

    /// The next pause of this class in seconds: from, to.
    fn step(&mut self, now: Time, class: Class, error: LoginError, situation: Situation) -> (f64, f64) {
        let Situation { starving, took, .. } = situation;
        let took = took.as_secs_f64();
        match class {
            Class::Unreachable | Class::Gateway => {
                self.server_unreachable(now);
                self.unreachable += 1;
                match self.unreachable {
                    // A refused connection costs nobody anything: callers without a token may ask every second.
                    _ if starving && class == Class::Unreachable => (0.5, 1.0),
                    3.. if starving => (1.5, 3.0),
                    n @ 1..=5 => doubled(n),
                    _ => (15.0, 30.0),
                }
            }
            Class::Starting if situation.was_good => (1.0, 2.0),
            // Once only, so when the users are surely loaded.
            Class::Starting => (5.0, 6.5),
            Class::Overloaded => {
                self.overloaded += 1;
                match (self.overloaded, error) {
                    // Of a server that has restarted unseen: it takes 5 s to load its users.
                    (1, LoginError::Answered(Reason::Fault, _)) => (6.0, 15.0),
                    (1, LoginError::Slow | LoginError::Overdue) => (1.0, 40.0),
                    (1, _) => (1.0, 30.0),
                    // To say that it is too much costs a server little.
                    (_, LoginError::Answered(Reason::Overloaded, _)) if starving => (15.0, 35.0),
                    // A login that it takes in costs it as much as any other, though nobody waits for it any more: the
                    // more clients there are, the more such pauses would keep it from ever catching up.
                    (3, LoginError::Slow | LoginError::Overdue) if starving => (120.0, 360.0),
                    // A 500 may be about the password all the same, however much it is needed.
                    (2, _) => (30.0, 120.0),
                    _ => (300.0, 600.0),
                }
            }
            // The longer the answer took, the more there is to do: everybody's second opinion need not come at once.
            Class::RefusedOnce => (17.0 + took, 25.0 + 3.0 * took),
            // Two of them a quarter of an hour, evenly, leave one for what is learnt meanwhile.
            Class::CredentialsRejected => match self.refused {
                ..=8 => (400.0, 500.0),
                9..=24 => (600.0, 840.0),
                _ => (1200.0, 1800.0),
            },
            Class::Protocol => {
                self.protocol += 1;
                match self.protocol {
                    n @ 1..=8 => doubled(n),
                    _ => (150.0, 300.0),
                }
            }
        }
    }

    /// The answer to the login that was [`LoginError::Overdue`] has come after all, so that step is taken back.
    pub(super) fn was_not_slow(&mut self) {
        self.overloaded = self.overloaded.saturating_sub(1);
    }

    fn classify(&mut self, now: Time, error: LoginError, was_good: bool) -> Class {
        let reason = match error {
            LoginError::Unreachable => return Class::Unreachable,
            LoginError::Slow | LoginError::Overdue => return Class::Overloaded,
            LoginError::NoCredentials => return Class::Protocol,
            LoginError::Guarded(..) => return Class::Gateway,
            LoginError::Answered(reason, _) => reason,
        };
        let refused = matches!(reason, Reason::Refused | Reason::Fault);
        // Credentials never seen to be good have one chance more: there are three in a quarter of an hour.
        if refused && (was_good || self.refused == 0) && self.is_starting(now) {
            if !was_good {
                self.refused += 1;
                self.refused_at_start = true;
            }
            return Class::Starting;
        }
        match reason {
            Reason::Gateway => Class::Gateway,
            Reason::Overloaded => Class::Overloaded,
            Reason::Fault if was_good => Class::Overloaded,
            Reason::Fault | Reason::Refused => {
                self.refused += 1;
                let once = if self.refused_at_start { 2 } else { 1 };
                if self.refused <= once { Class::RefusedOnce } else { Class::CredentialsRejected }
            }
            Reason::MissingApi | Reason::NotNacos => Class::Protocol,
        }
    }

    /// Whether refusals may be forgotten now: once in a quarter of an hour, as what stands before a server may come and go.
    pub(super) fn forgives(&mut self, now: Time) -> bool {
        let may = self.forgiven_at.is_none_or(|at| now.saturating_sub(at) > QUARTER);
        if may {
            self.forgiven_at = Some(now);
        }
        may
    }

    /// Whether any login has failed since the last success.
    pub(super) fn has_failures(&self) -> bool {
        self.unreachable + self.overloaded + self.refused + self.protocol > 0
    }

    /// Whether a server was seen to be down a short while ago.
    pub(super) fn had_outage(&self, now: Time) -> bool {
        self.down_at.is_some_and(|at| now.saturating_sub(at) <= STARTING_AFTER)
    }

    /// Whether a refusal is that of a starting server; counts it if so.
    fn is_starting(&mut self, now: Time) -> bool {
        if !self.had_outage(now) || now.saturating_sub(*self.starting_since.get_or_insert(now)) >= STARTING_FOR {
            return false;
        }
        if self.starting_counted_since.is_none_or(|at| now.saturating_sub(at) > QUARTER) {
            (self.starting_counted_since, self.starting) = (Some(now), 0);
        }
        self.starting += 1;
        self.starting <= STARTING_AT_MOST
    }
}

/// How long a server that asks for `asked` is left alone.
pub(crate) fn retry_after(asked: Duration) -> Duration {
    asked.clamp(SHORTEST_RETRY_AFTER, LONGEST_RETRY_AFTER)
}

/// Half a second to one the first time, twice that the next, and so on.
fn doubled(times: u32) -> (f64, f64) {
    (0.25 * f64::from(1 << times), 0.5 * f64::from(1 << times))
}
