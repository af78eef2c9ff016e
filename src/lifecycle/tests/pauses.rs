//! What is remembered of a session that nobody uses any more.

use super::{world::*, *};
use crate::protocol::login::Reason;

/// The last handle goes and another one comes, with the same credentials.
fn come_back(w: &mut World) {
    w.machine = match w.machine.pauses(w.now) {
        Some(pauses) => Machine::with_pauses(7, pauses),
        None => Machine::new(7),
    };
    w.machine.clear_failures();
}

#[test]
fn after_a_success_there_is_nothing_to_remember() {
    let mut w = World::new();
    assert!(w.machine.pauses(w.now).is_none());
    w.log_in(100.0);
    assert!(w.machine.pauses(w.now).is_none());
    w.machine.server_unreachable(w.now);
    assert!(w.machine.pauses(w.now).is_none());
    // Failures before it count no more.
    let mut w = World::new();
    w.fail(LoginError::Unreachable);
    w.now += s(1.0);
    w.log_in(100.0);
    assert!(w.machine.pauses(w.now).is_none());
}

#[test]
fn pauses_that_are_no_fault_of_the_credentials_are_kept() {
    let minute = Some(s(60.0));
    for error in [
        LoginError::Unreachable,
        LoginError::Slow,
        LoginError::NoCredentials,
        LoginError::Answered(Reason::Overloaded, minute),
        LoginError::Answered(Reason::NotNacos, None),
    ] {
        let mut w = World::new();
        w.fail(error);
        let (state, retry_at) = (w.machine.refresh_state(), w.machine.retry_at());
        for _ in 0..10 {
            come_back(&mut w);
            assert_eq!((w.machine.refresh_state(), w.machine.retry_at()), (state, retry_at), "{error:?}");
            w.demand();
            assert_eq!((w.machine.start(w.now), w.machine.next_due(w.now)), (None, retry_at), "{error:?}");
        }
        w.now = retry_at.unwrap();
        w.start();
    }
}

#[test]
fn pauses_grow_over_handles_that_come_and_go() {
    let mut w = World::new();
    let mut pauses = Vec::new();
    for _ in 0..3 {
        w.fail(LoginError::Slow);
        pauses.push(w.machine.retry_at().unwrap() - w.now);
        w.now = w.machine.retry_at().unwrap() + s(1.0);
        come_back(&mut w);
    }
    assert!(pauses[1] >= s(30.0) && pauses[2] >= s(120.0), "{pauses:?}");
}

#[test]
fn refusals_are_forgotten_but_not_the_second_between_two_attempts() {
    let mut w = World::new();
    let (start, mut last) = (w.now, None);
    // A handle for each of a hundred requests a second, with a wrong password.
    while w.now < start + s(60.0) {
        come_back(&mut w);
        assert_eq!(w.demand(), Demand::Wait { patience: None });
        if let Some(login) = w.machine.start(w.now) {
            assert!(last.is_none_or(|at| w.now - at >= BETWEEN_ATTEMPTS), "two logins within a second");
            (last, w.logins) = (Some(w.now), w.logins + 1);
            w.machine.failed(login, REFUSED, w.now);
        }
        w.now += s(0.01);
    }
    assert!((59..=60).contains(&w.logins), "{} logins", w.logins);
}

#[test]
fn refusals_cleared_on_the_same_handle_keep_the_second_too() {
    let mut w = World::new();
    w.fail(REFUSED);
    w.now += s(0.2);
    w.machine.clear_failures();
    assert_eq!(w.demand(), Demand::Wait { patience: None });
    assert_eq!(w.machine.start(w.now), None);
    assert_eq!(w.machine.next_due(w.now), Some(w.now - s(0.2) + BETWEEN_ATTEMPTS));
    w.now += s(0.8);
    w.start();
}

#[test]
fn a_login_that_nobody_waits_for_counts_as_an_attempt() {
    let mut w = World::new();
    w.demand();
    w.start();
    w.now += s(0.5);
    come_back(&mut w);
    w.demand();
    assert_eq!(w.machine.start(w.now), None);
    w.now += s(0.5);
    w.start();
}

#[test]
fn two_tokens_refused_in_a_row_are_remembered() {
    let mut w = World::new();
    for _ in 0..2 {
        w.demand();
        let login = w.start();
        w.succeed(login, 100.0);
        w.now += s(1.0);
        w.refused(w.generation, None);
    }
    let retry_at = w.machine.retry_at();
    assert!(w.machine.is_refused_everywhere() && retry_at.is_some());
    come_back(&mut w);
    assert!(w.machine.is_refused_everywhere() && w.machine.retry_at() == retry_at);
    assert!(w.machine.cacheable(w.now).is_none());
}

#[test]
fn a_login_that_a_suspended_machine_slept_through_is_no_slow_one() {
    for slept in [60.0, 3600.0, 8.0 * 3600.0, 1e7] {
        let mut world = World::new();
        world.demand();
        let login = world.start();
        world.now += s(slept);
        assert!(world.machine.failed(login, REFUSED, world.now));
        let pause = world.machine.retry_at().unwrap() - world.now;
        assert!(pause <= s(25.0 + 3.0 * 95.0), "{slept} s asleep: {pause:?}");
    }
}
