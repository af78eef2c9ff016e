//! Details of the machine; what it is for stands in `situations`.

use super::{world::*, *};
use crate::protocol::login::Reason;

#[test]
fn a_token_refused_late_in_its_life_is_not_one_of_a_row() {
    let mut w = World::new();
    w.log_in(18_000.0);
    // Nobody tells that the tokens work: callers with an HTTP stack of their own report refusals only.
    for generation in 1..10 {
        w.now += s(60.0);
        assert_eq!(w.refused(generation, None), Verdict::Replay);
        w.demand();
        let login = w.start();
        w.succeed(login, 18_000.0);
    }
}

#[test]
fn callers_are_patient_in_the_mandatory_window_but_not_for_long() {
    let mut w = World::new();
    w.log_in(100.0);
    w.now += s(96.0);
    w.start();
    assert_eq!(w.demand(), Demand::Wait { patience: Some(w.now + PATIENCE) });
    w.now += PATIENCE;
    assert_eq!(w.demand(), Demand::Serve { expired: false });
}

#[test]
fn other_credentials_of_the_same_user_cost_no_token_and_few_logins() {
    let mut old = World::new();
    old.log_in(18_000.0);
    let mut w = World { machine: Machine::new(7), ..old };
    assert!(w.machine.inherit(&old.machine) && !w.machine.inherit(&old.machine));
    // At once, and callers wait a little for what comes of it.
    let login = w.start();
    assert_eq!(w.demand(), Demand::Wait { patience: Some(w.now + PATIENCE) });
    w.machine.failed(login, REFUSED, w.now);
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
    w.run(end, s(1.0), |_| Err(LoginError::Slow));
    assert_eq!(w.logins, 3);
}

#[test]
fn a_token_asked_for_before_the_last_was_given_up_is_no_second_of_a_row() {
    let mut w = World::new();
    w.log_in(100.0);
    w.now += s(91.0);
    let renewal = w.start();
    w.now += s(0.1);
    // The secret changes while the renewal, signed with the old one, is on its way.
    assert_eq!(w.refused(1, Some(0)), Verdict::Replay);
    w.generation = 1;
    let issued = Issued { generation: 2, ttl: Some(s(100.0)), same: false, sent: w.now - s(0.1), server: Some(0) };
    assert!(w.machine.issued(renewal, issued, w.now));
    w.generation = 2;
    assert_eq!(w.refused(2, Some(0)), Verdict::Replay);
    w.demand();
    w.now += s(1.0);
    let login = w.start();
    assert!(w.succeed(login, 100.0));
    // This one was asked for afterwards, so it counts.
    assert_eq!(w.refused(3, Some(0)), Verdict::Return);
}

#[test]
fn situation_25_a_token_is_judged_by_its_own_server() {
    let mut w = World::new();
    let log_in = |w: &mut World, server| {
        w.demand();
        let login = w.start();
        w.generation += 1;
        let issued =
            Issued { generation: w.generation, ttl: Some(s(100.0)), same: false, sent: w.now, server: Some(server) };
        assert!(w.machine.issued(login, issued, w.now));
        w.now += s(1.0);
    };
    let refuse = |w: &mut World, server| w.refused(w.generation, Some(server));
    log_in(&mut w, 0);
    w.machine.accepted(&Attempts::default(), 1, w.now);
    // Node 0 has the new secret; then it goes down, and node 1, with the old one, refuses what node 0 gave.
    assert_eq!(refuse(&mut w, 0), Verdict::Replay);
    log_in(&mut w, 0);
    assert_eq!(refuse(&mut w, 1), Verdict::Replay);
    log_in(&mut w, 1);
    // And back; but no server gets a second login for another server's token within half a minute.
    assert_eq!(refuse(&mut w, 0), Verdict::Replay);
    log_in(&mut w, 0);
    assert_eq!(refuse(&mut w, 1), Verdict::Return);
    assert!(matches!(w.demand(), Demand::Serve { .. }), "its own server may well take it");
    w.now += s(30.0);
    assert_eq!(refuse(&mut w, 1), Verdict::Replay);
}

#[test]
fn a_refused_token_brings_no_fourth_look_at_a_password_never_seen_to_be_good() {
    let slow = [LoginError::Slow, LoginError::Overdue];
    for (first, last) in [REFUSED, slow[0], slow[1]].into_iter().flat_map(|first| slow.map(|last| (first, last))) {
        for why in [Rejection::Identity, Rejection::Unknown] {
            let mut old = World::new();
            old.log_in(18_000.0);
            let mut w = World { machine: Machine::new(7), ..old };
            assert!(w.machine.inherit(&old.machine));
            let mut begun = Vec::new();
            for error in [first, slow[0], last] {
                w.now = w.machine.next_due(w.now).unwrap().max(w.now);
                begun.push(w.now);
                let login = w.start();
                assert!(w.machine.failed(login, error, w.now));
            }
            w.machine.rejected(&mut Attempts::default(), w.generation, why, None, w.now);
            w.demand();
            let next = w.machine.next_due(w.now).unwrap();
            assert!(next - begun[0] >= THREE_REFUSALS, "{first:?} {last:?} {why:?}: after {:?}", next - begun[0]);
        }
    }
}

#[test]
fn tokens_refused_in_a_row_shorten_no_pause_that_a_server_asked_for() {
    let mut w = World::new();
    w.demand();
    let login = w.start();
    w.succeed(login, 100.0);
    w.refused(w.generation, None);
    w.now += s(1.0);
    w.demand();
    let login = w.start();
    w.succeed(login, 9.5);
    w.now += s(8.0);
    let login = w.start();
    let asked = LoginError::Answered(Reason::Overloaded, Some(s(600.0)));
    assert!(w.machine.failed(login, asked, w.now));
    let retry_at = w.machine.retry_at();
    w.refused(w.generation, None);
    assert!(w.machine.is_refused_everywhere());
    assert_eq!(w.machine.retry_at(), retry_at);
}

#[test]
fn an_answer_to_a_request_brings_no_fourth_look_at_a_password_never_seen_to_be_good() {
    for why in [Rejection::Identity, Rejection::Unknown] {
        let mut old = World::new();
        old.log_in(18_000.0);
        let mut w = World::new();
        assert!(w.machine.inherit(&old.machine));
        let first = w.now;
        for error in [LoginError::Slow, LoginError::Slow, LoginError::Overdue] {
            w.demand();
            w.now = w.machine.next_due(w.now).unwrap().max(w.now);
            let login = w.start();
            assert!(w.machine.failed(login, error, w.now));
            if error == LoginError::Overdue {
                assert!(w.machine.failed(login, LoginError::Answered(Reason::Gateway, None), w.now));
            }
        }
        w.machine.rejected(&mut Attempts::default(), 1, why, None, w.now);
        w.demand();
        assert!(w.machine.next_due(w.now).unwrap() - first >= THREE_REFUSALS, "{why:?}");
    }
}

#[test]
fn a_late_answer_brings_no_fourth_look_at_a_password_never_seen_to_be_good() {
    use Reason::*;
    for reason in [MissingApi, Overloaded, Gateway, Fault, Refused, NotNacos] {
        for asked in [None, Some(s(5.0))] {
            let mut w = World::new();
            let mut begun = Vec::new();
            for error in [LoginError::Slow, LoginError::Slow, LoginError::Overdue] {
                w.demand();
                w.now = w.machine.next_due(w.now).unwrap().max(w.now);
                begun.push(w.now);
                let login = w.start();
                w.now += s(30.0);
                assert!(w.machine.failed(login, error, w.now));
                if error == LoginError::Overdue {
                    w.now += s(5.0);
                    assert!(w.machine.failed(login, LoginError::Answered(reason, asked), w.now));
                }
            }
            w.demand();
            let next = w.machine.next_due(w.now).unwrap();
            assert!(next - begun[0] > THREE_REFUSALS, "{reason:?}: after {:?}", next - begun[0]);
        }
    }
}
