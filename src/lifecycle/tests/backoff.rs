use std::time::Duration;

use fastrand::Rng;

use crate::{
    lifecycle::{
        LoginError, Time,
        backoff::{Backoff, Class, STARTING_FOR},
    },
    protocol::login::Reason,
};

const T0: Time = Duration::from_secs(100);

fn waits(error: LoginError, was_good: bool, times: usize) -> Vec<f64> {
    let (mut backoff, mut rng) = (Backoff::default(), Rng::with_seed(3));
    (0..times).map(|_| (backoff.pause(&mut rng, T0, error, was_good, false).until - T0).as_secs_f64()).collect()
}

fn within(waits: &[f64], steps: &[(f64, f64)]) {
    for (i, wait) in waits.iter().enumerate() {
        let (low, high) = steps[i.min(steps.len() - 1)];
        assert!((low..=high).contains(wait), "step {i}: {wait} not in {low}..{high}");
    }
}

#[test]
fn each_class_has_steps_of_its_own() {
    let steps = [(0.5, 1.0), (1.0, 2.0), (2.0, 4.0), (4.0, 8.0), (8.0, 16.0), (15.0, 30.0)];
    within(&waits(LoginError::Unreachable, true, 9), &steps);
    within(&waits(LoginError::Slow, true, 5), &[(1.0, 30.0), (30.0, 120.0), (300.0, 600.0)]);
    let fault = LoginError::Answered(Reason::Fault, None);
    within(&waits(fault, true, 3), &[(6.0, 15.0), (30.0, 120.0), (300.0, 600.0)]);
    within(&waits(fault, false, 5), &[(17.0, 25.0), (720.0, 1080.0), (1440.0, 2160.0), (2880.0, 4320.0)]);
}

#[test]
fn retry_after_is_obeyed_and_capped() {
    let asked = |s| LoginError::Answered(Reason::Overloaded, Some(Duration::from_secs(s)));
    within(&waits(asked(120), true, 1), &[(120.0, 144.0)]);
    within(&waits(asked(10 * 365 * 86_400), true, 1), &[(3600.0, 4320.0)]);
}

#[test]
fn a_starting_server_is_asked_again_soon_but_not_for_ever() {
    let (mut backoff, mut rng) = (Backoff::default(), Rng::with_seed(3));
    let refused = LoginError::Answered(Reason::Refused, None);
    backoff.server_unreachable(T0);
    let first = backoff.pause(&mut rng, T0, refused, true, true);
    assert_eq!(first.class, Class::Starting);
    assert!(first.until <= T0 + Duration::from_secs(2));
    assert_eq!(backoff.pause(&mut rng, T0 + STARTING_FOR, refused, true, true).class, Class::RefusedOnce);
    assert_eq!(Backoff::default().pause(&mut rng, T0, refused, true, true).class, Class::RefusedOnce);
}
