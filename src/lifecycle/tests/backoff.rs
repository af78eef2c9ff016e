use std::time::Duration;

use fastrand::Rng;

use crate::{
    lifecycle::{
        LoginError, Time,
        backoff::{Backoff, Class, Pause, STARTING_AT_MOST, STARTING_FOR, Situation},
    },
    protocol::login::Reason,
};

const T0: Time = Duration::from_secs(100);
const SERVED: Situation = Situation { was_good: true, starving: false, took: Duration::ZERO };
const STARVING: Situation = Situation { starving: true, ..SERVED };
const REFUSED: LoginError = LoginError::Answered(Reason::Refused, None);

fn wait(pause: Pause) -> f64 {
    (pause.until - T0).as_secs_f64()
}

fn waits(error: LoginError, situation: Situation, times: usize) -> Vec<f64> {
    let (mut backoff, mut rng) = (Backoff::default(), Rng::with_seed(3));
    (0..times).map(|_| wait(backoff.pause(&mut rng, T0, error, situation))).collect()
}

fn within(waits: &[f64], steps: &[(f64, f64)]) {
    for (i, wait) in waits.iter().enumerate() {
        let (low, high) = steps[i.min(steps.len() - 1)];
        assert!((low..=high).contains(wait), "step {i}: {wait} not in {low}..{high}");
    }
}

#[test]
fn each_class_has_steps_of_its_own() {
    let outage = [(0.5, 1.0), (1.0, 2.0), (2.0, 4.0), (4.0, 8.0), (8.0, 16.0), (15.0, 30.0)];
    within(&waits(LoginError::Unreachable, SERVED, 9), &outage);
    within(&waits(LoginError::Answered(Reason::Gateway, None), SERVED, 9), &outage);
    within(&waits(LoginError::Slow, SERVED, 5), &[(1.0, 40.0), (30.0, 120.0), (300.0, 600.0)]);
    let throttled = LoginError::Answered(Reason::Overloaded, None);
    within(&waits(throttled, SERVED, 5), &[(1.0, 30.0), (30.0, 120.0), (300.0, 600.0)]);
    let fault = LoginError::Answered(Reason::Fault, None);
    within(&waits(fault, SERVED, 3), &[(6.0, 15.0), (30.0, 120.0), (300.0, 600.0)]);
}

#[test]
fn refusals_have_a_second_chance_and_then_one_every_few_minutes() {
    for error in [REFUSED, LoginError::Answered(Reason::Fault, None)] {
        let waits = waits(error, Situation { was_good: false, ..STARVING }, 40);
        within(&waits[..1], &[(17.0, 25.0)]);
        within(&waits[1..8], &[(400.0, 500.0)]);
        within(&waits[8..24], &[(600.0, 840.0)]);
        within(&waits[24..], &[(1200.0, 1800.0)]);
    }
}

#[test]
fn while_nobody_has_a_token_pauses_are_short() {
    within(&waits(LoginError::Unreachable, STARVING, 50), &[(0.5, 1.0)]);
    let gateway = LoginError::Answered(Reason::Gateway, None);
    within(&waits(gateway, STARVING, 50), &[(0.5, 1.0), (1.0, 2.0), (1.5, 3.0)]);
    let throttled = LoginError::Answered(Reason::Overloaded, None);
    within(&waits(throttled, STARVING, 50), &[(1.0, 30.0), (15.0, 35.0)]);
    // Less so where each attempt costs the servers a login, ...
    for slow in [LoginError::Slow, LoginError::Overdue] {
        within(&waits(slow, STARVING, 50), &[(1.0, 40.0), (30.0, 120.0), (120.0, 360.0), (300.0, 600.0)]);
    }
    // ... and not after a 500, by which old servers refuse a password.
    let fault = LoginError::Answered(Reason::Fault, None);
    within(&waits(fault, STARVING, 50), &[(6.0, 15.0), (30.0, 120.0), (300.0, 600.0)]);
}

#[test]
fn a_second_opinion_waits_longer_at_servers_that_have_much_to_do() {
    let after = |seconds| {
        let took = Duration::from_secs(seconds);
        waits(REFUSED, Situation { took, ..SERVED }, 1)
    };
    within(&after(10), &[(27.0, 55.0)]);
    within(&after(30), &[(47.0, 115.0)]);
}

#[test]
fn retry_after_takes_the_place_of_a_step_and_is_kept_within_reason() {
    for reason in [Reason::Overloaded, Reason::Gateway] {
        for situation in [SERVED, STARVING] {
            let asked = |s| waits(LoginError::Answered(reason, Some(Duration::from_secs(s))), situation, 5);
            within(&asked(120), &[(120.0, 144.0)]);
            // Shorter than the third step of the class, and than none at all.
            within(&asked(3), &[(3.0, 3.6)]);
            within(&asked(0), &[(1.0, 1.2)]);
            within(&asked(10 * 365 * 86_400), &[(3600.0, 4320.0)]);
        }
    }
}

#[test]
fn retry_after_only_lengthens_the_pause_after_a_look_at_the_password() {
    for reason in [Reason::Refused, Reason::Fault, Reason::NotNacos] {
        for was_good in [true, false] {
            let situation = Situation { was_good, ..STARVING };
            let plain = waits(LoginError::Answered(reason, None), situation, 1)[0];
            let asked = |s| waits(LoginError::Answered(reason, Some(Duration::from_secs(s))), situation, 1);
            within(&asked(0), &[(plain.max(1.0), plain.max(1.0) * 1.2)]);
            within(&asked(1000), &[(1000.0, 1200.0)]);
        }
    }
}

#[test]
fn a_starting_server_is_asked_again_soon_but_not_for_ever() {
    for down in [LoginError::Unreachable, LoginError::Answered(Reason::Gateway, None)] {
        let (mut backoff, mut rng) = (Backoff::default(), Rng::with_seed(3));
        backoff.pause(&mut rng, T0, down, STARVING);
        let first = backoff.pause(&mut rng, T0, REFUSED, STARVING);
        assert_eq!(first.class, Class::Starting);
        within(&[wait(first)], &[(1.0, 2.0)]);
        assert_eq!(backoff.pause(&mut rng, T0 + STARTING_FOR, REFUSED, STARVING).class, Class::RefusedOnce);
        assert_eq!(Backoff::default().pause(&mut rng, T0, REFUSED, STARVING).class, Class::RefusedOnce);
    }
}

#[test]
fn what_comes_and_goes_behind_a_gateway_is_no_starting_server_for_ever() {
    let (mut backoff, mut rng) = (Backoff::default(), Rng::with_seed(3));
    let gateway = LoginError::Answered(Reason::Gateway, None);
    let (mut now, mut starting) = (T0, 0);
    while now < T0 + Duration::from_secs(900) {
        for error in [gateway, REFUSED] {
            let pause = backoff.pause(&mut rng, now, error, STARVING);
            starting += u32::from(pause.class == Class::Starting);
            now = pause.until;
        }
    }
    assert_eq!(starting, STARTING_AT_MOST);
}
