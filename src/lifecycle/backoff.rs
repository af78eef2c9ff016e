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
pub enum Setback {
    /// No answer: refused, no route, reset, unknown host, TLS.
    Unreachable,
    /// No answer in time.
    Slow,
    /// No server was asked, because there was nothing to log in with.
    Unsupplied,
    /// An answer without a token; the server may have said when to come back.
    Answered(Reason, Option<Duration>),
}

/// The state after a failed login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pause {
    pub(crate) until: Time,
    pub(crate) class: Class,
}

/// The classes of failure, each with a ladder of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    Unreachable,
    /// A server that has just come up knows no users yet, for some 5 s: a good password is refused until then.
    Starting,
    Overloaded,
    /// One refusal: may be a node that has not heard of a new password. A second opinion is asked for.
    Suspect,
    /// Two refusals: the credentials are wrong until proven otherwise.
    Latched,
    Protocol,
}

/// The longest Retry-After obeyed.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(3600);
/// How long after a server was unreachable its refusals are taken for those of a starting server.
const STARTING_AFTER: Duration = Duration::from_secs(60);
/// And for how long at the most.
const STARTING_FOR: Duration = Duration::from_secs(20);

/// Counts failures in a row and says when to try again.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ladder {
    unreachable: u32,
    overloaded: u32,
    refused: u32,
    protocol: u32,
    /// When a server was last seen unreachable, and when it then began to refuse.
    down_at: Option<Time>,
    starting_since: Option<Time>,
}

impl Ladder {
    /// A login succeeded: all is forgiven.
    pub(crate) fn reset(&mut self) {
        *self = Self::default();
    }

    /// A server was seen to be down, by a login or by a request.
    pub(crate) fn saw_down(&mut self, now: Time) {
        self.down_at = Some(now);
        self.starting_since = None;
    }

    /// A login failed. `was_good`: a login with these credentials has succeeded before. `starving`: there is no usable
    /// token, so callers fail until the next success.
    pub(crate) fn pause(
        &mut self,
        rng: &mut Rng,
        now: Time,
        setback: Setback,
        was_good: bool,
        starving: bool,
    ) -> Pause {
        let class = self.classify(now, setback, was_good);
        let seconds = match class {
            Class::Unreachable => {
                self.saw_down(now);
                self.unreachable += 1;
                match self.unreachable {
                    // A refused connection costs nobody anything: callers in need may ask every second.
                    _ if starving => (0.5, 1.0),
                    n @ 1..=5 => (0.25 * f64::from(1 << n), 0.5 * f64::from(1 << n)),
                    _ => (15.0, 30.0),
                }
            }
            Class::Starting => (1.0, 2.0),
            Class::Overloaded => {
                self.overloaded += 1;
                match self.overloaded {
                    // Of a server that has restarted unseen: it takes 5 s to load its users.
                    1 if matches!(setback, Setback::Answered(Reason::Fault, _)) => (6.0, 15.0),
                    1 => (1.0, 30.0),
                    2 => (30.0, 120.0),
                    _ => (300.0, 600.0),
                }
            }
            Class::Suspect => (17.0, 25.0),
            Class::Latched => {
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
        if let Setback::Answered(_, Some(asked)) = setback {
            wait = wait.max(asked.min(LONGEST_RETRY_AFTER)).mul_f64(1.0 + 0.2 * rng.f64());
        }
        Pause { until: now + wait, class }
    }

    fn classify(&mut self, now: Time, setback: Setback, was_good: bool) -> Class {
        let reason = match setback {
            Setback::Unreachable => return Class::Unreachable,
            Setback::Slow => return Class::Overloaded,
            Setback::Unsupplied => return Class::Protocol,
            Setback::Answered(reason, _) => reason,
        };
        if matches!(reason, Reason::Refused | Reason::Fault) && was_good && self.is_starting(now) {
            return Class::Starting;
        }
        match reason {
            Reason::Overloaded => Class::Overloaded,
            Reason::Fault if was_good => Class::Overloaded,
            Reason::Fault | Reason::Refused => {
                self.refused += 1;
                if self.refused == 1 { Class::Suspect } else { Class::Latched }
            }
            Reason::MissingApi | Reason::NotNacos => Class::Protocol,
        }
    }

    /// Whether a server was seen to be down a short while ago.
    pub(crate) fn saw_outage(&self, now: Time) -> bool {
        self.down_at.is_some_and(|at| now.saturating_sub(at) <= STARTING_AFTER)
    }

    fn is_starting(&mut self, now: Time) -> bool {
        if !self.saw_outage(now) {
            return false;
        }
        now - *self.starting_since.get_or_insert(now) < STARTING_FOR
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T0: Time = Duration::from_secs(100);

    fn waits(setback: Setback, was_good: bool, times: usize) -> Vec<f64> {
        let (mut ladder, mut rng) = (Ladder::default(), Rng::with_seed(3));
        (0..times).map(|_| (ladder.pause(&mut rng, T0, setback, was_good, false).until - T0).as_secs_f64()).collect()
    }

    fn within(waits: &[f64], steps: &[(f64, f64)]) {
        for (i, wait) in waits.iter().enumerate() {
            let (low, high) = steps[i.min(steps.len() - 1)];
            assert!((low..=high).contains(wait), "step {i}: {wait} not in {low}..{high}");
        }
    }

    #[test]
    fn each_class_climbs_its_own_ladder() {
        let steps = [(0.5, 1.0), (1.0, 2.0), (2.0, 4.0), (4.0, 8.0), (8.0, 16.0), (15.0, 30.0)];
        within(&waits(Setback::Unreachable, true, 9), &steps);
        within(&waits(Setback::Slow, true, 5), &[(1.0, 30.0), (30.0, 120.0), (300.0, 600.0)]);
        let fault = Setback::Answered(Reason::Fault, None);
        within(&waits(fault, true, 3), &[(6.0, 15.0), (30.0, 120.0), (300.0, 600.0)]);
        within(&waits(fault, false, 5), &[(17.0, 25.0), (720.0, 1080.0), (1440.0, 2160.0), (2880.0, 4320.0)]);
    }

    #[test]
    fn retry_after_is_obeyed_and_capped() {
        let asked = |s| Setback::Answered(Reason::Overloaded, Some(Duration::from_secs(s)));
        within(&waits(asked(120), true, 1), &[(120.0, 144.0)]);
        within(&waits(asked(10 * 365 * 86_400), true, 1), &[(3600.0, 4320.0)]);
    }

    #[test]
    fn a_starting_server_is_asked_again_soon_but_not_for_ever() {
        let (mut ladder, mut rng) = (Ladder::default(), Rng::with_seed(3));
        let refused = Setback::Answered(Reason::Refused, None);
        ladder.saw_down(T0);
        let first = ladder.pause(&mut rng, T0, refused, true, true);
        assert_eq!(first.class, Class::Starting);
        assert!(first.until <= T0 + Duration::from_secs(2));
        assert_eq!(ladder.pause(&mut rng, T0 + STARTING_FOR, refused, true, true).class, Class::Suspect);
        assert_eq!(Ladder::default().pause(&mut rng, T0, refused, true, true).class, Class::Suspect);
    }
}
