//! Tokens that come from elsewhere: served until they are refused, never renewed.

use super::{world::*, *};

fn given(ttl: Option<f64>) -> World {
    let mut w = World { machine: Machine::external(42), ..World::new() };
    give(&mut w, ttl);
    w
}

fn give(w: &mut World, ttl: Option<f64>) {
    w.generation += 1;
    let ttl = ttl.map(s);
    w.machine.give(Issued { generation: w.generation, ttl, same: false, sent: w.now, server: None }, w.now);
}

#[test]
fn before_a_token_is_given_callers_fail_at_once() {
    let mut w = World { machine: Machine::external(42), ..World::new() };
    assert_eq!(w.demand(), Demand::Fail { retry_at: Time::MAX });
    assert_eq!((w.machine.start(w.now), w.machine.next_due(w.now)), (None, None));
    assert_eq!((w.machine.token_state(w.now), w.machine.occasion()), (TokenState::None, Occasion::First));
}

#[test]
fn a_token_lives_exactly_as_long_as_it_is_said_to() {
    // Longer than a day, and shorter than the second that is taken off the life of a token from a login.
    for ttl in [0.5, 90.0, 400_000.0] {
        let mut w = given(Some(ttl));
        let end = w.now + s(ttl);
        assert_eq!((w.machine.expiry(), w.machine.next_due(w.now)), (Some(end), Some(end)));
        w.now = end - s(0.001);
        assert_eq!(w.demand(), Demand::Serve { expired: false });
        assert_eq!((w.machine.token_state(w.now), w.machine.cacheable(w.now)), (TokenState::Fresh, Some(1)));
        w.now = end;
        assert_eq!(w.demand(), Demand::Serve { expired: true });
        assert_eq!((w.machine.token_state(w.now), w.machine.cacheable(w.now)), (TokenState::Expired, None));
        assert_eq!((w.machine.start(w.now), w.machine.next_due(w.now)), (None, None));
    }
}

#[test]
fn a_token_of_unknown_life_never_expires() {
    for ttl in [None, Some(Duration::MAX)] {
        let mut w = World { machine: Machine::external(42), ..World::new() };
        w.machine.give(Issued { generation: 1, ttl, same: false, sent: w.now, server: None }, w.now);
        assert_eq!((w.machine.expiry(), w.machine.next_due(w.now)), (None, None));
        w.now += s(1e9);
        assert_eq!((w.demand(), w.machine.cacheable(w.now)), (Demand::Serve { expired: false }, Some(1)));
        let mut child = w.machine.forked(7);
        assert_eq!((child.demand(w.now), child.next_due(w.now)), (Demand::Serve { expired: false }, None));
    }
}

#[test]
fn a_token_that_is_refused_is_not_used_again() {
    let mut w = given(Some(100.0));
    w.machine.accepted(&Attempts::default(), 1, w.now);
    for _ in 0..3 {
        assert_eq!(
            w.machine.rejected(&mut Attempts::default(), 1, Rejection::Identity, Some(1), w.now),
            Verdict::Replay
        );
        assert_eq!(w.demand(), Demand::Fail { retry_at: Time::MAX });
        assert_eq!((w.machine.cacheable(w.now), w.machine.token_state(w.now)), (None, TokenState::Rejected));
        assert_eq!((w.machine.start(w.now), w.machine.next_due(w.now)), (None, None));
        w.now += s(1.0);
    }
    assert_eq!((w.machine.refresh_state(), w.machine.retry_at()), (RefreshState::Idle, None));
    // Another one is a new beginning, and an answer to the first comes too late to harm it.
    give(&mut w, None);
    assert_eq!(w.machine.rejected(&mut Attempts::default(), 1, Rejection::Identity, None, w.now), Verdict::Replay);
    assert_eq!(
        w.machine.rejected(&mut Attempts::default(), 1, Rejection::Unknown, None, w.now),
        Verdict::ReplayIfIdempotent
    );
    assert_eq!((w.demand(), w.machine.cacheable(w.now)), (Demand::Serve { expired: false }, Some(2)));
}

#[test]
fn a_refusal_for_another_reason_or_none_takes_no_token_away() {
    let mut w = given(Some(100.0));
    for why in [Rejection::Unknown, Rejection::Permission, Rejection::Misconfigured] {
        assert_eq!(w.machine.rejected(&mut Attempts::default(), 1, why, None, w.now), Verdict::Return);
        assert_eq!((w.demand(), w.machine.cacheable(w.now)), (Demand::Serve { expired: false }, Some(1)));
    }
}

#[test]
fn whatever_happens_no_login_is_due() {
    let mut w = given(Some(10.0));
    w.machine.server_unreachable(w.now);
    assert!(!w.machine.auth_switched_on(w.now));
    w.machine.clear_failures();
    w.machine.credentials_changed();
    for _ in 0..100 {
        w.demand();
        w.machine.rejected(&mut Attempts::default(), 1, Rejection::Unknown, None, w.now);
        assert_eq!(w.machine.start(w.now), None);
        w.now += s(0.3);
    }
    assert!(w.machine.pauses(w.now).is_none());
}

#[test]
fn a_token_from_elsewhere_is_not_taken_over_by_other_credentials() {
    let (outside, mut inside) = (given(None), Machine::new(1));
    assert!(!inside.inherit(&outside.machine));
    let mut logged_in = World::new();
    logged_in.log_in(100.0);
    assert!(!Machine::external(1).inherit(&logged_in.machine));
}
