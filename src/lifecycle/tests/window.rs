use std::time::Duration;

use fastrand::Rng;

use crate::lifecycle::{
    Time,
    window::{ASSUMED, LONGEST, Window, believable},
};

const SENT: Time = Duration::from_secs(1000);

#[test]
fn moments_come_in_order_for_every_life() {
    let mut rng = Rng::with_seed(7);
    for seconds in [1, 2, 3, 5, 8, 10, 59, 60, 300, 18_000, 86_400] {
        let life = Duration::from_secs(seconds);
        for first in [true, false] {
            let w = Window::draw(&mut rng, SENT, life, life, first);
            assert!(SENT < w.advisory && w.advisory < w.mandatory && w.mandatory < w.expiry, "{seconds} {w:?}");
            assert!(w.expiry < SENT + life);
        }
    }
}

#[test]
fn later_cycles_renew_inside_the_last_tenth() {
    let mut rng = Rng::with_seed(1);
    let life = Duration::from_secs(18_000);
    for _ in 0..1000 {
        let w = Window::draw(&mut rng, SENT, life, life, false);
        assert!(w.advisory > SENT + life.mul_f64(0.9) && w.advisory < SENT + life.mul_f64(0.94));
    }
}

#[test]
fn absurd_lives_are_clamped() {
    assert_eq!(believable(Some(Duration::MAX)), LONGEST);
    assert_eq!(believable(None), ASSUMED);
}
