//! Refusals by other servers than the one that gave the token.

use super::{world::*, *};
use crate::protocol::login::Reason;

/// A token of server 0, good for 20 s.
fn issued_by_0(w: &mut World) -> u64 {
    w.demand();
    let login = w.start();
    w.generation += 1;
    let generation = w.generation;
    let issued = Issued { generation, ttl: Some(s(20.0)), same: false, sent: w.now, server: Some(0) };
    assert!(w.machine.issued(login, issued, w.now));
    w.machine.accepted(&Attempts::default(), generation, w.now);
    generation
}

#[test]
fn another_servers_refusals_cost_one_login_in_half_a_minute() {
    let mut w = World::new();
    let first = issued_by_0(&mut w);
    assert_eq!(w.refused(first, Some(1)), Verdict::Replay);
    w.now += s(21.0); // so that the first one has ended, and is not tried
    let second = issued_by_0(&mut w);
    assert_eq!(w.refused(second, Some(1)), Verdict::Return, "the other has another secret");
    assert_eq!(w.demand(), Demand::Serve { expired: false });
    // Where there is a list, the one that gave it is asked too.
    let mut attempts = Attempts::among(2);
    let verdict = w.machine.rejected(&mut attempts, second, Rejection::Identity, Some(1), w.now);
    assert_eq!(verdict, Verdict::Retry { generation: second, after: Duration::ZERO });
    // What that refuses too is good nowhere.
    let verdict = w.machine.rejected(&mut attempts, second, Rejection::Identity, Some(0), w.now);
    assert_eq!((verdict, w.demand()), (Verdict::Replay, Demand::Wait { patience: None }));
}

#[test]
fn where_the_server_that_gave_the_token_is_down_the_others_refusal_costs_a_login() {
    let mut w = World::new();
    let first = issued_by_0(&mut w);
    assert_eq!(w.refused(first, Some(1)), Verdict::Replay);
    w.now += s(21.0); // so that the first one has ended, and is not tried
    let second = issued_by_0(&mut w);
    let mut attempts = Attempts::among(2);
    attempts.note_down(vec![0]);
    let verdict = w.machine.rejected(&mut attempts, second, Rejection::Identity, Some(1), w.now);
    assert_eq!((verdict, w.demand()), (Verdict::Replay, Demand::Wait { patience: None }));
}

#[test]
fn another_servers_refusal_that_somebody_else_reports_is_handed_on() {
    let mut w = World::new();
    let first = issued_by_0(&mut w);
    assert_eq!(w.refused(first, Some(1)), Verdict::Replay);
    w.now += s(21.0);
    let second = issued_by_0(&mut w);
    let mut attempts = Attempts::reported();
    let verdict = w.machine.rejected(&mut attempts, second, Rejection::Identity, Some(1), w.now);
    assert_eq!(verdict, Verdict::Return);
}

#[test]
fn a_token_that_has_ended_is_refused_by_any_server_for_that() {
    let mut w = World::new();
    let first = issued_by_0(&mut w);
    assert_eq!(w.refused(first, Some(1)), Verdict::Replay);
    w.now += s(1.0);
    let second = issued_by_0(&mut w);
    // The renewal is held up, so that it is served beyond its end, at the other server too.
    w.now += s(18.0);
    let login = w.start();
    let asks = LoginError::Answered(Reason::Overloaded, Some(s(30.0)));
    assert!(w.machine.failed(login, asks, w.now));
    w.now += s(3.0);
    assert_eq!(w.demand(), Demand::Serve { expired: true });
    assert_eq!(w.refused(second, Some(1)), Verdict::Replay);
    w.now += s(1.0);
    assert!(matches!(w.demand(), Demand::Fail { .. }), "with the error of the login");
}

#[test]
fn a_token_that_has_ended_is_no_disagreement_either() {
    let mut w = World::new();
    let first = issued_by_0(&mut w);
    assert_eq!(w.refused(first, Some(0)), Verdict::Replay);
    w.now += s(1.0);
    let second = issued_by_0(&mut w);
    let mut attempts = Attempts::default();
    w.machine.rejected(&mut attempts, second, Rejection::Identity, Some(1), w.now);
    w.machine.accepted(&attempts, second, w.now);
    assert!(w.machine.servers_disagree(w.now));
    w.now += s(18.0);
    let login = w.start();
    assert!(w.machine.failed(login, LoginError::Answered(Reason::Overloaded, Some(s(30.0))), w.now));
    w.now += s(3.0);
    assert_eq!(w.demand(), Demand::Serve { expired: true });
    assert_eq!(w.refused(second, Some(1)), Verdict::Replay);
    assert!(matches!(w.demand(), Demand::Fail { .. }), "with the error of the login");
}

#[test]
fn a_server_that_has_not_been_asked_is_asked_though_another_one_was_asked_twice() {
    let mut w = World::new();
    let first = issued_by_0(&mut w);
    assert_eq!(w.refused(first, Some(1)), Verdict::Replay);
    w.now += s(21.0);
    let second = issued_by_0(&mut w);
    let mut attempts = Attempts::among(3);
    for time in 1..=5 {
        let verdict = w.machine.rejected(&mut attempts, second, Rejection::Identity, Some(1), w.now);
        assert_eq!(verdict, Verdict::Retry { generation: second, after: Duration::ZERO }, "time {time}");
    }
    // If the others cannot be asked there is an end to it.
    let verdict = w.machine.rejected(&mut attempts, second, Rejection::Identity, Some(1), w.now);
    assert_eq!(verdict, Verdict::Return);
}

#[test]
fn what_was_read_a_moment_before_others_knew_more_does_no_harm() {
    // Threads look at the clock, and are heard in another order.
    for why in [Rejection::Identity, Rejection::Unknown] {
        let mut w = World::new();
        w.now += s(100.0);
        w.demand();
        let login = w.start();
        assert!(w.succeed(login, 20.0));
        let before = w.now - s(0.5);
        for server in [None, Some(0), Some(1)] {
            let mut attempts = Attempts::among(2);
            attempts.begin(before);
            w.machine.rejected(&mut attempts, w.generation, why, server, before);
            w.machine.accepted(&attempts, w.generation, w.now);
            assert!(!w.machine.servers_disagree(before) || w.machine.servers_disagree(w.now));
        }
    }
}
