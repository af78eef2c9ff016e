//! The situations a token must survive, in virtual time. Those that need threads are in the client.

use super::{world::*, *};
use crate::protocol::login::Reason;

#[test]
fn situation_02_ten_thousand_waiters_at_expiry_share_one_login() {
    let mut w = World::new();
    w.log_in(100.0);
    w.now += s(100.0);
    let patience = Some(w.now + PATIENCE);
    for _ in 0..10_000 {
        assert_eq!(w.demand(), Demand::Wait { patience });
    }
    let login = w.start();
    assert_eq!(w.machine.start(w.now), None);
    assert!(w.succeed(login, 100.0));
    assert_eq!(w.demand(), Demand::Serve { expired: false });
}

#[test]
fn situation_03_one_failure_answers_all_waiters_and_is_not_retried_for_each() {
    let mut w = World::new();
    w.demand();
    let login = w.start();
    assert!(w.machine.failed(login, REFUSED, w.now));
    for _ in 0..10_000 {
        assert!(matches!(w.demand(), Demand::Fail { retry_at } if retry_at > w.now + s(15.0)));
        assert_eq!(w.machine.start(w.now), None);
    }
}

#[test]
fn situation_04_a_slow_renewal_keeps_nobody_waiting() {
    let mut w = World::new();
    w.log_in(18_000.0);
    w.now = w.machine.next_due(w.now).unwrap();
    let login = w.start();
    for _ in 0..100 {
        assert_eq!(w.demand(), Demand::Serve { expired: false });
        assert_eq!(w.machine.cacheable(w.now), Some(1));
        w.now += s(0.1);
    }
    assert!(w.succeed(login, 18_000.0));
    assert_eq!(w.machine.cacheable(w.now), Some(2));
}

#[test]
fn situation_05_half_an_hour_of_failed_logins_is_seen_by_nobody() {
    let mut w = World::new();
    w.log_in(18_000.0);
    let (start, back) = (w.now, w.now + s(17_000.0 + 1800.0));
    let unserved = w.run(start + s(20_000.0), s(5.0), |now| {
        if now < start + s(1.0) || now > back { Ok(18_000.0) } else { Err(LoginError::Unreachable) }
    });
    assert_eq!(unserved, 0);
    assert!(w.logins < 600, "{} logins", w.logins);
    assert_eq!(w.machine.token_state(w.now), TokenState::Fresh);
}

#[test]
fn situation_06_without_a_server_the_expired_token_is_served_and_says_so() {
    let mut w = World::new();
    w.log_in(10.0);
    let end = w.now + s(60.0);
    assert_eq!(w.run(end, s(0.1), |_| Err(LoginError::Unreachable)), 0);
    assert_eq!(w.demand(), Demand::Serve { expired: true });
    assert_eq!(w.machine.cacheable(w.now), None);
    // The first rejection proves that a server is back, so the next login need not wait for the backoff.
    assert_eq!(w.refused(1, None), Verdict::Replay);
    w.now += s(1.0);
    w.demand();
    let login = w.start();
    // But it is gone again. Nothing is left to serve: callers wait a second for the next attempt, then they fail.
    assert!(w.machine.failed(login, LoginError::Unreachable, w.now));
    assert_eq!(w.demand(), Demand::Wait { patience: None });
    assert!(w.machine.retry_at().is_some_and(|at| at > w.now && at <= w.now + s(1.0)));
}

#[test]
fn situation_07_a_wrong_password_at_three_servers_costs_three_logins_at_most() {
    // One server is asked per login, so how many there are makes no difference: the kinds of refusal do.
    for reason in [Reason::Refused, Reason::Fault] {
        let mut w = World::new();
        let end = w.now + s(900.0);
        w.run(end, s(0.05), |_| Err(LoginError::Answered(reason, None)));
        assert!((2..=3).contains(&w.logins), "{reason:?}: {} logins", w.logins);
    }
}

#[test]
fn situation_08_a_hundred_calls_a_second_with_a_wrong_password_cost_nine_logins_an_hour() {
    let mut w = World::new();
    let start = w.now;
    let unserved = w.run(start + s(3600.0), s(0.01), |_| Err(REFUSED));
    assert_eq!(unserved, 360_000, "each gets its answer, and it is an error");
    assert!((8..=10).contains(&w.logins), "{} logins in an hour", w.logins);
    assert_eq!(w.machine.refresh_state(), RefreshState::CredentialsRejected);
}

#[test]
fn situation_11_a_restarted_server_that_knows_no_users_yet_is_waited_for() {
    let mut w = World::new();
    w.log_in(10.0);
    w.now += s(8.0);
    w.machine.server_unreachable(w.now);
    let up = w.now + s(5.0);
    let before = w.logins;
    w.run(up + s(10.0), s(0.05), |now| if now < up { Err(REFUSED) } else { Ok(10.0) });
    assert!(matches!(w.demand(), Demand::Serve { expired: false }));
    assert!(w.logins - before <= 12, "{} logins", w.logins - before);
}

#[test]
fn situation_11_a_restart_that_nobody_saw_costs_the_token_25_seconds_at_most() {
    for seed in 0..200 {
        let mut w = World::new();
        w.log_in(100.0);
        w.machine = w.machine.forked(seed);
        w.now = w.machine.next_due(w.now).unwrap();
        let (begin, knows) = (w.now, w.now + s(5.0));
        let fault = LoginError::Answered(Reason::Fault, None);
        let before = w.generation;
        while w.generation == before {
            w.try_login(&|now| if now < knows { Err(fault) } else { Ok(100.0) });
            assert_ne!(w.machine.refresh_state(), RefreshState::CredentialsRejected);
            assert!(matches!(w.demand(), Demand::Serve { .. } | Demand::Wait { patience: Some(_) }), "old token kept");
            assert!(w.now < begin + s(25.0), "seed {seed}");
            w.now += s(0.1);
        }
    }
}

#[test]
fn situation_12_a_password_one_node_does_not_know_yet_is_tried_once_more_and_then_works() {
    for seed in 0..100 {
        let mut w = World::new();
        w.machine = Machine::new(seed);
        let knows = w.now + s(15.0);
        w.run(knows + s(11.0), s(0.1), |now| if now < knows { Err(REFUSED) } else { Ok(18_000.0) });
        assert_eq!((w.logins, w.machine.token_state(w.now)), (2, TokenState::Fresh), "seed {seed}");
    }
}

#[test]
fn situation_13_a_500_to_a_password_known_to_be_good_is_overload() {
    let mut w = World::new();
    w.log_in(18_000.0);
    w.refused(1, None);
    let end = w.now + s(3600.0);
    w.run(end, s(1.0), |_| Err(LoginError::Answered(Reason::Fault, None)));
    assert_eq!(w.machine.refresh_state(), RefreshState::BackingOff);
    assert!((8..=15).contains(&w.logins), "{} logins", w.logins);
}

#[test]
fn situation_14_retry_after_is_obeyed_within_reason() {
    let pause = |after: Option<u64>| {
        let mut w = World::new();
        w.demand();
        let login = w.start();
        let throttled = LoginError::Answered(Reason::Overloaded, after.map(Duration::from_secs));
        assert!(w.machine.failed(login, throttled, w.now));
        w.machine.retry_at().unwrap() - w.now
    };
    assert!((s(120.0)..=s(144.0)).contains(&pause(Some(120))));
    assert!((s(3600.0)..=s(4320.0)).contains(&pause(Some(10 * 365 * 86_400))));
    assert!((s(3600.0)..=s(4320.0)).contains(&pause(Some(u64::MAX))));
    // Garbage and negative numbers do not come this far: the client drops them.
    assert!((s(1.0)..=s(30.0)).contains(&pause(None)));
}

#[test]
fn situation_15_a_ttl_that_says_nothing_does_not_make_logins_repeat() {
    let mut w = World::new();
    w.demand();
    let login = w.start();
    let issued = Issued { generation: 1, ttl: None, same: false, sent: w.now, server: None };
    assert!(w.machine.issued(login, issued, w.now));
    assert!(w.machine.next_due(w.now).unwrap() > w.now + s(150.0));
    assert_eq!(w.machine.expiry(), Some(w.now + s(299.0)));
}

#[test]
fn situation_15_an_absurd_ttl_overflows_nothing() {
    for ttl in [1_000_000_000_000_000_000, 1 << 63, u64::MAX] {
        let mut w = World::new();
        w.log_in(ttl as f64 / 2.0);
        assert_eq!(w.machine.expiry(), Some(w.now + s(86_399.0)));
        let end = w.now + s(86_400.0);
        assert_eq!(w.run(end, s(1.0), |_| Ok(ttl as f64 / 2.0)), 0);
        assert!(w.logins <= 3, "{} logins a day", w.logins);
    }
}

#[test]
fn situation_16_short_lives_are_renewed_about_once_a_window_without_a_gap() {
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
fn situation_17_the_same_token_with_less_life_does_not_make_logins_repeat() {
    let mut w = World::new();
    w.log_in(100.0);
    let (start, sent) = (w.now, w.now);
    let mut same_again = 0;
    while w.now < start + s(99.0) {
        if let Some(login) = w.machine.start(w.now) {
            same_again += 1;
            w.generation += 1;
            let left = s(100.0) - (w.now - sent);
            let issued = Issued { generation: w.generation, ttl: Some(left), same: true, sent: w.now, server: None };
            assert!(w.machine.issued(login, issued, w.now));
        }
        w.now += s(0.1);
    }
    assert!((1..=2).contains(&same_again), "{same_again} logins for the same token");
}

#[test]
fn situation_20_a_late_rejection_is_replayed_without_a_login() {
    let mut w = World::new();
    w.log_in(18_000.0);
    w.now += s(100.0);
    for _ in 0..500 {
        assert_eq!(w.refused(1, None), Verdict::Replay);
        assert_eq!(w.demand(), Demand::Wait { patience: None });
    }
    let login = w.start();
    w.succeed(login, 18_000.0);
    assert_eq!(w.refused(1, None), Verdict::Replay, "late, with the old token");
    assert_eq!((w.demand(), w.logins), (Demand::Serve { expired: false }, 2));
}

#[test]
fn situation_21_a_missing_permission_never_costs_a_login() {
    let mut w = World::new();
    w.log_in(18_000.0);
    for _ in 0..10_000 {
        assert_eq!(
            w.machine.rejected(&mut Attempts::default(), 1, Rejection::Permission, None, w.now),
            Verdict::Return
        );
    }
    assert_eq!(w.machine.cacheable(w.now), Some(1));
}

#[test]
fn situation_22_a_403_without_words_costs_at_most_one_login_a_minute() {
    let mut w = World::new();
    w.log_in(18_000.0);
    let end = w.now + s(600.0);
    while w.now < end {
        if w.machine.rejected(&mut Attempts::default(), w.generation, Rejection::Unknown, None, w.now)
            == Verdict::ReplayIfIdempotent
        {
            w.demand();
            w.now += s(1.0);
            let login = w.start();
            w.succeed(login, 18_000.0);
            w.machine.accepted(&Attempts::default(), w.generation, w.now);
        }
        w.now += s(0.1);
    }
    assert!((9..=11).contains(&w.logins), "{} logins in 10 minutes", w.logins);
}

#[test]
fn situation_22_a_403_without_words_takes_no_token_away() {
    let mut w = World::new();
    w.log_in(18_000.0);
    w.now += s(100.0);
    for _ in 0..100 {
        assert_eq!(
            w.machine.rejected(&mut Attempts::default(), 1, Rejection::Unknown, None, w.now),
            Verdict::ReplayIfIdempotent
        );
        assert_eq!(w.machine.cacheable(w.now), None);
        assert_eq!(w.demand(), Demand::Wait { patience: Some(w.now + PATIENCE) });
    }
    // The login is refused as well, perhaps by the same proxy. Others may still do well with the old token.
    let login = w.start();
    assert!(w.machine.failed(login, REFUSED, w.now));
    assert_eq!((w.demand(), w.machine.cacheable(w.now)), (Demand::Serve { expired: false }, Some(1)));
    let end = w.machine.retry_at().unwrap();
    while w.now < end {
        assert_eq!(w.machine.rejected(&mut Attempts::default(), 1, Rejection::Unknown, None, w.now), Verdict::Return);
        assert_eq!(w.demand(), Demand::Serve { expired: false });
        assert_eq!(w.machine.start(w.now), None);
        w.now += s(0.1);
    }
}

#[test]
fn situation_26_two_generations_refused_everywhere_stop_after_two_logins() {
    let mut w = World::new();
    w.demand();
    let login = w.start();
    w.succeed(login, 18_000.0);
    w.now += s(1.0);
    assert_eq!(w.refused(1, None), Verdict::Replay);
    w.demand();
    let login = w.start();
    w.succeed(login, 18_000.0);
    assert_eq!(w.refused(2, None), Verdict::Return);
    assert!(w.machine.is_refused_everywhere());
    assert!(matches!(w.demand(), Demand::Fail { .. }));
    assert_eq!(w.machine.start(w.now), None);
}

#[test]
fn situation_26_a_path_that_refuses_every_token_keeps_it_from_nobody_else() {
    let mut w = World::new();
    w.log_in(18_000.0);
    let end = w.now + s(600.0);
    while w.now < end {
        // The one that is refused whatever it brings asks more often, and first.
        for _ in 0..10 {
            if w.refused(w.generation, None) == Verdict::Replay {
                w.demand();
                w.now += s(1.0);
                w.try_login(&|_| Ok(18_000.0));
                assert_eq!(w.refused(w.generation, None), Verdict::Return);
            }
        }
        assert_eq!(w.demand(), Demand::Serve { expired: false });
        w.machine.accepted(&Attempts::default(), w.generation, w.now);
        w.now += s(0.1);
    }
    assert!((15..=25).contains(&w.logins), "{} logins in ten minutes", w.logins);
}

/// One thread is served, and each token that a login brings as well, before another asks again for what is refused to everybody.
fn beside_one_that_is_served(between: f64, refused: impl Fn(&mut World) -> bool) -> u32 {
    let mut w = World::new();
    w.log_in(18_000.0);
    let (end, mut served) = (w.now + s(600.0), Time::ZERO);
    while w.now < end {
        if w.now >= served + s(between) || w.machine.cacheable(w.now).is_none() {
            served = w.now;
            w.machine.accepted(&Attempts::default(), w.generation, w.now);
        }
        for _ in 0..3 {
            if !refused(&mut w) {
                break;
            }
            w.next_token();
        }
        assert!(matches!(w.demand(), Demand::Serve { .. }));
        w.now += s(0.5);
    }
    w.logins
}

impl World {
    /// A login for a token that was refused; whoever waited too is served first.
    fn next_token(&mut self) {
        self.demand();
        self.now += s(1.0);
        self.try_login(&|_| Ok(18_000.0));
        self.machine.accepted(&Attempts::default(), self.generation, self.now);
    }
}

/// A request that is refused with every token.
fn forbidden(w: &mut World) -> bool {
    let (mut attempts, mut generation) = (Attempts::default(), w.generation);
    for _ in 0..2 {
        loop {
            attempts.begin(w.now);
            match w.machine.rejected(&mut attempts, generation, Rejection::Identity, None, w.now) {
                Verdict::Retry { generation: next, after } => (generation, w.now) = (next, w.now + after),
                Verdict::Return => return false,
                _ => break,
            }
        }
        w.next_token();
        generation = w.generation;
    }
    false
}

#[test]
fn situation_26_a_path_that_refuses_every_token_costs_no_login_after_the_other_while_others_are_served() {
    for between in [0.5, 3.0] {
        let logins = beside_one_that_is_served(between, forbidden);
        assert!((10..=25).contains(&logins), "served each {between} s: {logins} logins in ten minutes");
    }
    let logins = beside_one_that_is_served(20.0, forbidden);
    assert!(logins <= 70, "{logins} logins in ten minutes");
}

#[test]
fn situation_26_so_it_is_when_somebody_else_sends_the_requests() {
    let report = |w: &mut World| {
        let mut attempts = Attempts::counted(w.generation, 0);
        w.machine.rejected(&mut attempts, w.generation, Rejection::Identity, None, w.now) == Verdict::Replay
    };
    let logins = beside_one_that_is_served(0.5, report);
    assert!(logins <= 30, "{logins} logins in ten minutes");
}

#[test]
fn situation_26_what_others_were_served_before_a_secret_changed_again_says_nothing() {
    let mut w = World::new();
    w.log_in(18_000.0);
    assert_eq!(w.refused(1, None), Verdict::Replay);
    w.next_token();
    w.now += s(6.0);
    // Sent before the second change, and told after another request has been refused for it.
    let mut served = Attempts::default();
    served.begin(w.now);
    let mut attempts = Attempts::default();
    let mut generation = 2;
    while let Verdict::Retry { generation: next, .. } = {
        w.now += s(0.001);
        attempts.begin(w.now);
        w.machine.rejected(&mut attempts, generation, Rejection::Identity, None, w.now)
    } {
        generation = next;
        w.machine.accepted(&served, 2, w.now);
    }
    assert!(attempts.has_refused(1) && attempts.has_refused(2));
    assert_eq!(w.machine.cacheable(w.now), None, "a login is due");
}

#[test]
fn situation_26_a_secret_that_changes_meanwhile_is_noticed_in_seconds() {
    let mut w = World::new();
    w.log_in(18_000.0);
    forbidden(&mut w);
    let kept = w.generation;
    assert!(kept == 2 && w.machine.cacheable(w.now) == Some(2));
    w.now += s(1.0);
    w.machine.accepted(&Attempts::default(), kept, w.now);
    // Now the secret changes.
    let changed = w.now;
    while w.refused(kept, None) != Verdict::Replay && w.now < changed + s(60.0) {
        w.now += s(0.5);
    }
    assert!(w.now - changed <= s(6.0), "{:?}", w.now - changed);
}

#[test]
fn situation_26_tokens_that_no_server_takes_any_more_cost_ever_fewer_logins() {
    let mut w = World::new();
    w.log_in(18_000.0);
    let start = w.now;
    while w.now < start + s(3600.0) {
        w.demand();
        w.try_login(&|_| Ok(18_000.0));
        if w.machine.cacheable(w.now).is_some() {
            w.refused(w.generation, None);
        }
        w.now += s(0.5);
    }
    assert!(w.logins <= 5 + 3600 / 300, "{} logins in an hour", w.logins);
    assert!(w.machine.is_refused_everywhere());
}

#[test]
fn situation_40_eight_hours_of_sleep_cost_one_login() {
    let mut w = World::new();
    w.log_in(18_000.0);
    w.now += s(8.0 * 3600.0);
    assert_eq!(w.machine.cacheable(w.now), None);
    assert!(w.machine.next_due(w.now).is_some_and(|due| due <= w.now));
    let end = w.now + s(3600.0);
    assert_eq!(w.run(end, s(1.0), |_| Ok(18_000.0)), 0);
    assert_eq!(w.logins, 2);
}

#[test]
fn situation_48_a_server_that_begins_to_ask_for_tokens_gets_a_login() {
    let mut w = World::new();
    // Authentication is off, and no login succeeds.
    let on = w.now + s(1800.0);
    w.run(on, s(1.0), |_| Err(REFUSED));
    assert!(w.logins <= 6, "{} logins", w.logins);
    assert_eq!(w.machine.refresh_state(), RefreshState::CredentialsRejected);
    while w.machine.refresh_state() == RefreshState::CredentialsRejected {
        w.machine.auth_switched_on(w.now);
        assert!(w.now < on + THREE_REFUSALS);
        w.now += s(1.0);
    }
    w.log_in(18_000.0);
}

#[test]
fn situation_50_tokens_dead_at_once_cost_two_logins_and_then_ever_fewer() {
    let mut w = World::new();
    let start = w.now;
    let mut by_minute = [0; 60];
    while w.now < start + s(3600.0) {
        w.demand();
        let before = w.logins;
        w.try_login(&|_| Ok(18_000.0));
        by_minute[((w.now - start).as_secs() / 60) as usize] += w.logins - before;
        if w.machine.cacheable(w.now).is_some() {
            w.refused(w.generation, None);
        }
        w.now += s(0.1);
    }
    assert!((2..=4).contains(&by_minute[0]), "{by_minute:?}");
    assert!(w.logins <= 4 + 3600 / 300, "{} logins in an hour: {by_minute:?}", w.logins);
    // A token that is taken ends it.
    while w.machine.cacheable(w.now).is_none() {
        w.demand();
        w.try_login(&|_| Ok(18_000.0));
        w.now += s(1.0);
    }
    w.machine.accepted(&Attempts::default(), w.generation, w.now);
    assert!(!w.machine.is_refused_everywhere());
}

#[test]
fn situation_52_an_expired_token_refused_without_words_is_cured_by_one_login() {
    let mut w = World::new();
    w.log_in(100.0);
    w.now += s(50.0);
    assert_eq!(
        w.machine.rejected(&mut Attempts::default(), 1, Rejection::Unknown, None, w.now),
        Verdict::ReplayIfIdempotent
    );
    assert!(matches!(w.demand(), Demand::Wait { .. }));
    let login = w.start();
    assert!(w.succeed(login, 100.0));
    assert_eq!((w.demand(), w.machine.cacheable(w.now)), (Demand::Serve { expired: false }, Some(2)));
    // Of the same kind, but for want of a permission: 10,000 of them in ten minutes.
    let before = w.logins;
    for _ in 0..10_000 {
        w.machine.rejected(&mut Attempts::default(), w.generation, Rejection::Unknown, None, w.now);
        w.demand();
        w.try_login(&|_| Ok(18_000.0));
        w.now += s(0.06);
    }
    assert!((9..=11).contains(&(w.logins - before)), "{} logins", w.logins - before);
}

#[test]
fn situation_55_a_short_life_with_the_token_cache_is_served_until_it_is_refused() {
    for life in [1.0, 2.0, 3.0, 5.0, 9.0] {
        let mut w = World::new();
        // What the server has: the token of a number, good until a moment. It hands out another only after that.
        let (mut token, mut good_until) = (1, w.now + s(life));
        let mut held = 0;
        let (start, mut refused, mut requests) = (w.now, 0, 0);
        while w.now < start + s(60.0) {
            let demand = w.demand();
            if let Some(login) = w.machine.start(w.now) {
                if w.now >= good_until {
                    (token, good_until) = (token + 1, w.now + s(life));
                }
                w.generation += 1;
                w.logins += 1;
                let left = (good_until - w.now).as_secs();
                let ttl = (left > 0).then(|| Duration::from_secs(left));
                let issued = Issued { generation: w.generation, ttl, same: token == held, sent: w.now, server: None };
                assert!(w.machine.issued(login, issued, w.now));
                held = token;
            } else if matches!(demand, Demand::Serve { .. }) {
                requests += 1;
                if held == token && w.now < good_until {
                    w.machine.accepted(&Attempts::default(), w.generation, w.now);
                } else {
                    refused += 1;
                    assert_eq!(w.refused(w.generation, None), Verdict::Replay);
                }
            }
            w.now += s(0.05);
        }
        assert!(w.logins <= 60 + 1, "life {life}: {} logins", w.logins);
        assert!(f64::from(refused) <= 60.0 / life + 1.0, "life {life}: {refused} of {requests} refused");
    }
}

/// A refusal without words of a request for what has this number.
fn refused_without_words(w: &mut World, request: u64) -> Verdict {
    let mut attempts = Attempts::default();
    attempts.asks_for(Some(request));
    w.machine.rejected(&mut attempts, w.generation, Rejection::Unknown, None, w.now)
}

#[test]
fn situation_52_what_was_served_and_is_refused_without_words_waits_for_no_minute() {
    const OPEN: u64 = 1;
    const FORBIDDEN: u64 = 2;
    let mut w = World::new();
    w.log_in(18_000.0);
    w.machine.note_served(OPEN);
    assert_eq!(refused_without_words(&mut w, FORBIDDEN), Verdict::ReplayIfIdempotent);
    w.now += s(1.0);
    let login = w.start();
    assert!(w.succeed(login, 18_000.0));
    w.now += s(5.0);
    // That is refused to every token, the other to this one only.
    assert_eq!(refused_without_words(&mut w, FORBIDDEN), Verdict::Return);
    assert_eq!(refused_without_words(&mut w, OPEN), Verdict::ReplayIfIdempotent);
    w.now += s(1.0);
    let login = w.start();
    assert!(w.succeed(login, 18_000.0));
    // It did not help.
    assert_eq!(refused_without_words(&mut w, OPEN), Verdict::Return);
}

#[test]
fn situation_52_what_is_served_and_refused_in_turn_costs_few_logins_more() {
    let mut w = World::new();
    w.log_in(18_000.0);
    let (end, mut request) = (w.now + s(900.0), 0);
    while w.now < end {
        request += 1;
        w.machine.note_served(request);
        if refused_without_words(&mut w, request) == Verdict::ReplayIfIdempotent {
            w.demand();
            w.now += s(1.0);
            w.try_login(&|_| Ok(18_000.0));
        }
        w.now += s(0.2);
    }
    assert!((15..=20).contains(&w.logins), "{} logins in a quarter of an hour", w.logins);
}
