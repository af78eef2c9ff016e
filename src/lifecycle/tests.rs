//! Situations in the life of a token, in virtual time.

use super::*;
use crate::protocol::login::Reason;

const REFUSED: Setback = Setback::Answered(Reason::Refused, None);

fn s(seconds: f64) -> Duration {
    Duration::from_secs_f64(seconds)
}

/// A machine with a clock, as its owner would drive it.
struct World {
    machine: Machine,
    now: Time,
    generation: u64,
    logins: u32,
}

impl World {
    fn new() -> Self {
        Self { machine: Machine::new(42), now: s(1000.0), generation: 0, logins: 0 }
    }

    fn demand(&mut self) -> Demand {
        self.machine.demand(self.now)
    }

    fn start(&mut self) -> u64 {
        let flight = self.machine.start(self.now).expect("a login is due");
        self.logins += 1;
        flight
    }

    fn succeed(&mut self, flight: u64, ttl: f64) -> bool {
        self.generation += 1;
        let issued = Issued { generation: self.generation, ttl: Some(s(ttl)), same: false, sent: self.now };
        self.machine.issued(flight, issued, self.now)
    }

    fn log_in(&mut self, ttl: f64) {
        self.demand();
        let flight = self.start();
        assert!(self.succeed(flight, ttl));
        self.machine.accepted(self.generation);
    }

    /// Runs until `end` with a demand each `step`, every login ending at once as `outcome` says; returns how many
    /// demands were not served.
    fn run(&mut self, end: Time, step: Duration, outcome: impl Fn(Time) -> Result<f64, Setback>) -> usize {
        let mut unserved = 0;
        while self.now < end {
            if let Demand::Await { .. } = self.demand() {
                self.try_login(&outcome);
            }
            self.try_login(&outcome);
            unserved += usize::from(!matches!(self.demand(), Demand::Serve { .. }));
            self.now += step;
        }
        unserved
    }

    fn try_login(&mut self, outcome: &impl Fn(Time) -> Result<f64, Setback>) {
        if let Some(flight) = self.machine.start(self.now) {
            self.logins += 1;
            match outcome(self.now) {
                Ok(ttl) => assert!(self.succeed(flight, ttl)),
                Err(setback) => assert!(self.machine.failed(flight, setback, self.now)),
            }
        }
    }
}

#[test]
fn many_callers_share_one_flight() {
    let mut w = World::new();
    for _ in 0..1000 {
        assert_eq!(w.demand(), Demand::Await { patience: None });
    }
    let flight = w.start();
    assert_eq!(w.machine.start(w.now), None);
    assert!(w.succeed(flight, 18_000.0));
    assert_eq!(w.demand(), Demand::Serve { expired: false });
}

#[test]
fn a_failed_refresh_leaves_the_token_alone_for_half_an_hour() {
    let mut w = World::new();
    w.log_in(18_000.0);
    let (start, back) = (w.now, w.now + s(17_000.0 + 1800.0));
    let unserved = w.run(start + s(20_000.0), s(5.0), |now| {
        if now < start + s(1.0) || now > back { Ok(18_000.0) } else { Err(Setback::Unreachable) }
    });
    assert_eq!(unserved, 0);
    assert!(w.logins < 600, "{} logins", w.logins);
    assert_eq!(w.machine.token_state(w.now), TokenState::Fresh);
}

#[test]
fn short_lives_are_renewed_about_once_a_window_without_a_gap() {
    for ttl in [1.0, 2.0, 3.0, 5.0, 10.0] {
        let mut w = World::new();
        w.log_in(ttl);
        let end = w.now + s(100.0);
        assert_eq!(w.run(end, s(0.05), |_| Ok(ttl)), 0, "ttl {ttl}");
        let most = 100.0 / (ttl / 2.0).max(1.0) + 2.0;
        assert!(f64::from(w.logins) <= most, "ttl {ttl}: {} logins", w.logins);
    }
}

#[test]
fn a_wrong_password_costs_at_most_three_logins_in_15_minutes_and_six_in_an_hour() {
    let mut w = World::new();
    let start = w.now;
    w.run(start + s(900.0), s(0.5), |_| Err(REFUSED));
    assert!(w.logins <= 3, "{} logins in 15 min", w.logins);
    w.run(start + s(3600.0), s(0.5), |_| Err(REFUSED));
    assert!(w.logins <= 6, "{} logins in an hour", w.logins);
    assert_eq!(w.machine.refresh_state(), RefreshState::Latched);
}

#[test]
fn an_identity_rejection_costs_one_login_however_many_report_it() {
    let mut w = World::new();
    w.log_in(18_000.0);
    w.now += s(100.0);
    for _ in 0..500 {
        assert_eq!(w.machine.rejected(1, Rejection::Identity, w.now), Verdict::Replay);
        assert_eq!(w.demand(), Demand::Await { patience: None });
    }
    let flight = w.start();
    w.succeed(flight, 18_000.0);
    assert_eq!(w.machine.rejected(1, Rejection::Identity, w.now), Verdict::Replay, "late, with the old token");
    assert_eq!((w.demand(), w.logins), (Demand::Serve { expired: false }, 2));
}

#[test]
fn a_missing_permission_never_costs_a_login() {
    let mut w = World::new();
    w.log_in(18_000.0);
    for _ in 0..10_000 {
        assert_eq!(w.machine.rejected(1, Rejection::Permission, w.now), Verdict::Return);
    }
    assert_eq!(w.machine.cacheable(w.now), Some(1));
}

#[test]
fn a_403_without_words_costs_at_most_one_login_a_minute() {
    let mut w = World::new();
    w.log_in(18_000.0);
    let end = w.now + s(600.0);
    while w.now < end {
        if w.machine.rejected(w.generation, Rejection::Unknown, w.now) == Verdict::ReplayIfIdempotent {
            w.demand();
            w.now += s(1.0);
            let flight = w.start();
            w.succeed(flight, 18_000.0);
            w.machine.accepted(w.generation);
        }
        w.now += s(0.1);
    }
    assert!((9..=11).contains(&w.logins), "{} logins in 10 minutes", w.logins);
}

#[test]
fn two_generations_refused_everywhere_stop_after_two_logins() {
    let mut w = World::new();
    w.log_in(18_000.0);
    w.now += s(10.0);
    assert_eq!(w.machine.rejected(1, Rejection::Identity, w.now), Verdict::Replay);
    w.demand();
    let flight = w.start();
    w.succeed(flight, 18_000.0);
    assert_eq!(w.machine.rejected(2, Rejection::Identity, w.now), Verdict::Return);
    assert!(w.machine.is_refused_everywhere());
    assert!(matches!(w.demand(), Demand::Fail { .. }));
    assert_eq!(w.machine.start(w.now), None);
}

#[test]
fn a_token_refused_late_in_its_life_is_not_one_of_a_row() {
    let mut w = World::new();
    w.log_in(18_000.0);
    // Nobody tells that the tokens work: callers with an HTTP stack of their own report refusals only.
    for generation in 1..10 {
        w.now += s(60.0);
        assert_eq!(w.machine.rejected(generation, Rejection::Identity, w.now), Verdict::Replay);
        w.demand();
        let flight = w.start();
        w.succeed(flight, 18_000.0);
    }
}

#[test]
fn the_same_token_with_less_life_is_no_progress_and_no_hot_loop() {
    let mut w = World::new();
    w.log_in(100.0);
    let (start, sent) = (w.now, w.now);
    let mut same_again = 0;
    while w.now < start + s(99.0) {
        if let Some(flight) = w.machine.start(w.now) {
            same_again += 1;
            w.generation += 1;
            let left = s(100.0) - (w.now - sent);
            let issued = Issued { generation: w.generation, ttl: Some(left), same: true, sent: w.now };
            assert!(w.machine.issued(flight, issued, w.now));
        }
        w.now += s(0.1);
    }
    assert!((1..=2).contains(&same_again), "{same_again} logins for the same token");
}

#[test]
fn a_ttl_that_says_nothing_makes_no_loop() {
    let mut w = World::new();
    w.demand();
    let flight = w.start();
    let issued = Issued { generation: 1, ttl: None, same: false, sent: w.now };
    assert!(w.machine.issued(flight, issued, w.now));
    assert!(w.machine.next_due(w.now).unwrap() > w.now + s(150.0));
    assert_eq!(w.machine.expiry(), Some(w.now + s(299.0)));
}

#[test]
fn a_restarted_server_that_knows_no_users_yet_is_waited_for() {
    let mut w = World::new();
    w.log_in(10.0);
    w.now += s(8.0);
    w.machine.saw_down(w.now);
    let up = w.now + s(5.0);
    let before = w.logins;
    w.run(up + s(10.0), s(0.05), |now| if now < up { Err(REFUSED) } else { Ok(10.0) });
    assert!(matches!(w.demand(), Demand::Serve { expired: false }));
    assert!(w.logins - before <= 12, "{} logins", w.logins - before);
}

#[test]
fn without_a_server_the_expired_token_is_served_and_says_so() {
    let mut w = World::new();
    w.log_in(10.0);
    let end = w.now + s(60.0);
    assert_eq!(w.run(end, s(0.1), |_| Err(Setback::Unreachable)), 0);
    assert_eq!(w.demand(), Demand::Serve { expired: true });
    assert_eq!(w.machine.cacheable(w.now), None);
    // The first rejection proves that a server is back, so the next login need not wait for the ladder.
    assert_eq!(w.machine.rejected(1, Rejection::Identity, w.now), Verdict::Replay);
    w.now += s(1.0);
    w.demand();
    w.start();
}

#[test]
fn callers_are_patient_in_the_mandatory_window_but_not_for_long() {
    let mut w = World::new();
    w.log_in(100.0);
    w.now += s(96.0);
    w.start();
    assert_eq!(w.demand(), Demand::Await { patience: Some(w.now + PATIENCE) });
    w.now += PATIENCE;
    assert_eq!(w.demand(), Demand::Serve { expired: false });
}

#[test]
fn the_answer_of_a_forgotten_flight_is_thrown_away() {
    let mut w = World::new();
    w.demand();
    let flight = w.start();
    assert!(w.machine.failed(flight, Setback::Slow, w.now));
    assert!(!w.succeed(flight, 100.0));
    assert_eq!(w.machine.token_state(w.now), TokenState::None);
}
