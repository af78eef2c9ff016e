//! Details of the machine; what it is for stands in `situations`.

use super::{world::*, *};

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

#[test]
fn other_credentials_of_the_same_user_cost_no_token_and_few_logins() {
    let mut old = World::new();
    old.log_in(18_000.0);
    let mut w = World { machine: Machine::new(7), ..old };
    assert!(w.machine.inherit(&old.machine) && !w.machine.inherit(&old.machine));
    // At once, and callers wait a little for what comes of it.
    let flight = w.start();
    assert_eq!(w.demand(), Demand::Await { patience: Some(w.now + PATIENCE) });
    w.machine.failed(flight, REFUSED, w.now);
    w.logins = 0;
    let end = w.now + s(900.0);
    assert_eq!(w.run(end, s(1.0), |_| Err(REFUSED)), 0, "served all the time");
    assert!((1..=2).contains(&w.logins), "{}", w.logins);
    // When a login succeeds at last, the token is like any other.
    let end = w.now + s(3600.0);
    assert_eq!(w.run(end, s(1.0), |_| Ok(18_000.0)), 0);
    assert_eq!((w.machine.refresh_state(), w.machine.occasion()), (RefreshState::Idle, Occasion::Renewal));
    let logins = w.logins;
    let end = w.now + s(3600.0);
    w.run(end, s(1.0), |_| Ok(18_000.0));
    assert_eq!(w.logins, logins);
}

#[test]
fn time_outs_count_when_the_password_was_never_good() {
    let mut w = World::new();
    let end = w.now + s(900.0);
    w.run(end, s(1.0), |_| Err(Setback::Slow));
    assert_eq!(w.logins, 3);
}
