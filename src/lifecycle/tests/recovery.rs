//! How soon a machine works again after trouble, and what it asks of the servers until then.

use super::{world::*, *};
use crate::protocol::login::Reason;

const GATEWAY: LoginError = LoginError::Answered(Reason::Gateway, None);
const THROTTLED: LoginError = LoginError::Answered(Reason::Overloaded, None);

fn seeded(seed: u64) -> World {
    World { machine: Machine::new(seed), ..World::new() }
}

/// Two renewals failed with `error`, and nothing else is wrong yet.
fn two_renewals_failed(seed: u64, error: LoginError) -> World {
    let mut w = seeded(seed);
    w.log_in(18_000.0);
    for _ in 0..2 {
        w.now = w.machine.next_due(w.now).unwrap().max(w.now);
        while w.machine.refresh_state() != RefreshState::InFlight {
            w.now += s(0.1);
            w.machine.start(w.now);
        }
        let login = w.machine.logins;
        assert!(w.machine.failed(login, error, w.now));
    }
    w
}

/// Seconds until a demand is served, logins ending as `outcome` says.
fn served_after(w: &mut World, outcome: impl Fn(Time) -> Result<f64, LoginError>) -> f64 {
    let begin = w.now;
    while !matches!(w.demand(), Demand::Serve { .. }) {
        w.try_login(&outcome);
        w.now += s(0.05);
        assert!(w.now < begin + s(3600.0), "never");
    }
    (w.now - begin).as_secs_f64()
}

#[test]
fn situation_57_a_gateway_in_place_of_a_restarting_server_is_waited_out() {
    for (seed, away) in (0..50).flat_map(|seed| [(seed, 20.0), (seed, 60.0), (seed, 600.0)]) {
        let mut w = seeded(seed);
        w.log_in(18_000.0);
        w.refused(1, None);
        let (back, before) = (w.now + s(away), w.logins);
        // Then it knows no users for 5 s.
        let knows = back + s(5.0);
        w.run(back, s(0.05), |_| Err(GATEWAY));
        assert!(f64::from(w.logins - before) <= away / 2.0 + 2.0, "{} logins in {away} s", w.logins - before);
        let took = served_after(&mut w, |now| if now < knows { Err(REFUSED) } else { Ok(100.0) });
        assert!(took <= 5.0 + 2.1, "seed {seed}: {took} s after {away} s");
    }
}

#[test]
fn situation_57_renewals_that_meet_a_gateway_cost_few_logins_while_the_token_serves() {
    let mut w = World::new();
    w.log_in(18_000.0);
    w.now = w.machine.next_due(w.now).unwrap();
    let (before, end) = (w.logins, w.now + s(600.0));
    assert_eq!(w.run(end, s(0.5), |_| Err(GATEWAY)), 0);
    assert!((20..=50).contains(&(w.logins - before)), "{} logins", w.logins - before);
    // The server comes back with another secret: it answers, so nothing is waited for.
    assert_eq!(w.refused(1, None), Verdict::Replay);
    assert!(served_after(&mut w, |_| Ok(100.0)) <= 1.1);
}

#[test]
fn a_token_refused_in_the_middle_of_a_long_pause_cuts_it() {
    for (seed, error) in (0..50).flat_map(|seed| [(seed, THROTTLED), (seed, LoginError::Slow)]) {
        let mut w = two_renewals_failed(seed, error);
        let pause = w.machine.retry_at().unwrap() - w.now;
        assert!(pause >= s(30.0), "{pause:?}");
        let mut unheard = w.machine.clone();
        // The servers do well by now, as requests with the old token show. Then that one is refused.
        w.now += s(1.0);
        w.machine.accepted(&Attempts::default(), 1, w.now);
        w.now += s(1.0);
        assert_eq!(w.refused(1, None), Verdict::Replay);
        assert!(served_after(&mut w, |_| Ok(100.0)) <= 3.1, "seed {seed}");
        // Without such a sign it is cut all the same, but everybody does not come back at once.
        assert_eq!(unheard.rejected(&mut Attempts::default(), 1, Rejection::Identity, None, w.now), Verdict::Replay);
        let rest = unheard.retry_at().unwrap() - w.now;
        assert!((s(5.0)..=s(30.0)).contains(&rest), "seed {seed}: {rest:?}");
    }
}

#[test]
fn a_pause_that_a_server_has_asked_for_is_not_cut() {
    let mut w = two_renewals_failed(1, LoginError::Answered(Reason::Overloaded, Some(s(120.0))));
    let retry_at = w.machine.retry_at();
    w.machine.accepted(&Attempts::default(), 1, w.now);
    w.refused(1, None);
    assert_eq!(w.machine.retry_at(), retry_at);
}

#[test]
fn a_pause_of_refused_credentials_is_not_cut_below_three_logins_in_a_quarter_of_an_hour() {
    for seed in 0..50 {
        let mut w = seeded(seed);
        w.log_in(100.0);
        w.now = w.machine.next_due(w.now).unwrap();
        let mut logins: Vec<Time> = Vec::new();
        while w.now < s(1000.0 + 3600.0) {
            w.machine.accepted(&Attempts::default(), 1, w.now);
            if let Demand::Serve { .. } = w.demand() {
                w.refused(1, None);
            }
            let before = w.logins;
            w.try_login(&|_| Err(REFUSED));
            logins.extend((w.logins > before).then_some(w.now));
            w.now += s(0.5);
        }
        assert!(logins.windows(4).all(|four| four[3] - four[0] > THREE_REFUSALS), "seed {seed}: {logins:?}");
    }
}

#[test]
fn while_nobody_has_a_token_an_overload_is_asked_about_every_half_minute() {
    for seed in 0..20 {
        let mut w = seeded(seed);
        w.log_in(18_000.0);
        w.refused(1, None);
        let end = w.now + s(1800.0);
        w.run(end, s(0.5), |_| Err(THROTTLED));
        let took = served_after(&mut w, |_| Ok(100.0));
        assert!(took <= 35.1, "seed {seed}: {took}");
        assert!(w.logins <= 1 + 1800 / 15, "{} logins", w.logins);
    }
}

#[test]
fn a_refusal_by_a_starting_server_is_waited_out_however_the_outage_was_seen() {
    let seen_by: [fn(&mut World); 4] = [
        |w| w.machine.server_unreachable(w.now),
        |w| w.fail(LoginError::Unreachable),
        |w| w.fail(GATEWAY),
        |w| {
            // By a renewal, while the token was good.
            w.now = w.machine.next_due(w.now).unwrap();
            let login = w.start();
            assert!(w.machine.failed(login, LoginError::Unreachable, w.now));
        },
    ];
    for (seed, (how, seen)) in (0..20).flat_map(|seed| seen_by.iter().enumerate().map(move |seen| (seed, seen))) {
        let mut w = seeded(seed);
        w.log_in(18_000.0);
        if how == 1 || how == 2 {
            w.refused(1, None);
            w.now += BETWEEN_ATTEMPTS;
        }
        seen(&mut w);
        let knows = w.now + s(4.5);
        w.refused(1, None);
        while w.machine.token_state(w.now) != TokenState::Fresh {
            assert_eq!(w.demand(), Demand::Wait { patience: None }, "seen by {how}");
            w.try_login(&|now| if now < knows { Err(REFUSED) } else { Ok(18_000.0) });
            // Who waited for a login that failed goes on waiting.
            assert!(w.machine.retry_at().is_none() || w.machine.may_still_succeed() || w.now < knows);
            w.now += s(0.1);
        }
        assert!(w.now <= knows + s(2.2), "seen by {how}");
    }
}

#[test]
fn a_password_wrong_for_a_while_works_again_soon_after_it_is_right() {
    // Minutes it was wrong, and within how many it is to work again.
    for (wrong, within) in [(1.0, 10.0), (15.0, 10.0), (60.0, 15.0), (180.0, 15.0), (600.0, 31.0)] {
        for seed in 0..200 {
            let mut w = seeded(seed);
            let (begin, right) = (w.now, w.now + s(wrong * 60.0));
            let mut logins: Vec<Time> = Vec::new();
            while w.now < right + s(within * 60.0) && w.machine.token_state(w.now) == TokenState::None {
                w.demand();
                let before = w.logins;
                w.try_login(&|now| if now < right { Err(REFUSED) } else { Ok(100.0) });
                logins.extend((w.logins > before).then_some(w.now - begin));
                w.now = w.machine.retry_at().unwrap_or(w.now);
            }
            assert_eq!(w.machine.token_state(w.now), TokenState::Fresh, "{wrong} min, seed {seed}: {logins:?}");
            assert!(w.now <= right + s(within * 60.0), "{wrong} min, seed {seed}: {logins:?}");
            assert!(logins.windows(4).all(|four| four[3] - four[0] > THREE_REFUSALS), "seed {seed}: {logins:?}");
        }
    }
}

#[test]
fn a_token_that_comes_late_is_taken_until_another_login_begins() {
    let mut w = World::new();
    w.fail(LoginError::Overdue);
    let (login, retry_at) = (w.machine.logins, w.machine.retry_at().unwrap());
    assert_eq!(w.demand(), Demand::Fail { retry_at });
    assert!(w.machine.may_still_succeed(), "who has waited waits on");
    w.now += s(0.5);
    assert!(w.succeed(login, 100.0));
    assert_eq!((w.demand(), w.machine.refresh_state()), (Demand::Serve { expired: false }, RefreshState::Idle));
    assert!(!w.succeed(login, 100.0), "once");

    let mut w = World::new();
    w.fail(LoginError::Overdue);
    let late = w.machine.logins;
    w.now = w.machine.retry_at().unwrap();
    w.demand();
    w.start();
    assert!(!w.machine.may_still_succeed());
    assert!(!w.succeed(late, 100.0) && !w.machine.failed(late, REFUSED, w.now));
    assert_eq!(w.machine.token_state(w.now), TokenState::None);
    assert_eq!(w.machine.refresh_state(), RefreshState::InFlight);
}

#[test]
fn a_refusal_that_comes_late_is_one_look_at_the_password_and_no_overload() {
    for was_good in [true, false] {
        let mut w = World::new();
        if was_good {
            w.log_in(18_000.0);
            w.refused(1, None);
            w.now += BETWEEN_ATTEMPTS;
        }
        w.fail(LoginError::Overdue);
        w.now += s(0.5);
        let late = w.machine.logins;
        assert!(w.machine.failed(late, REFUSED, w.now));
        assert!(w.machine.is_refused());
        assert!(w.machine.retry_at().is_some_and(|at| at >= w.now + s(17.0) && at <= w.now + s(30.0)));
        assert_eq!(w.machine.refusals.iter().flatten().count(), 1);
        // The next time-out is the first of its kind again.
        w.now = w.machine.retry_at().unwrap();
        w.fail(LoginError::Overdue);
        assert!(w.machine.retry_at().is_some_and(|at| at <= w.now + s(40.0)));
    }
}

#[test]
fn a_connection_that_breaks_late_changes_nothing() {
    let mut w = World::new();
    w.fail(LoginError::Overdue);
    let retry_at = w.machine.retry_at();
    w.now += s(0.5);
    for error in [LoginError::Unreachable, LoginError::Slow, LoginError::Overdue] {
        let late = w.machine.logins;
        assert!(!w.machine.failed(late, error, w.now));
        assert_eq!(w.machine.retry_at(), retry_at);
    }
}

/// Looks at the password while what stands before a server lets nothing through, but for when `is_gone`; `was_good` before.
fn looks_past_a_guard(was_good: bool, hours: f64, is_gone: impl Fn(Time) -> bool) -> Vec<Time> {
    let mut w = World::new();
    if was_good {
        w.log_in(18_000.0);
        w.refused(1, None);
    }
    let (mut looks, end) = (Vec::new(), w.now + s(3600.0 * hours));
    while w.now < end {
        w.demand();
        let Some(login) = w.machine.start(w.now) else {
            w.now += s(0.25);
            continue;
        };
        let may = match w.machine.guarded() {
            None => true,
            Some(_) if is_gone(w.now) => w.machine.guard_is_gone(w.now),
            Some(_) => w.machine.may_look_past_guard(w.now),
        };
        if may {
            let paths = match w.machine.guarded() {
                None if was_good => w.machine.looks_left(w.now).max(2) - 1,
                None => 3,
                Some(_) => 1,
            };
            (0..paths).for_each(|_| looks.push(w.now));
            w.machine.note_looks(paths);
        }
        assert!(w.machine.failed(login, LoginError::Guarded(403, None), w.now));
    }
    looks
}

/// The most in a quarter of an hour.
fn most_in_a_quarter(looks: &[Time]) -> usize {
    let within = |from: &Time| looks.iter().filter(|at| *at >= from && **at < *from + s(900.0)).count();
    looks.iter().map(within).max().unwrap()
}

#[test]
fn what_never_lets_the_state_page_through_costs_three_looks_in_a_quarter_of_an_hour() {
    for was_good in [false, true] {
        let looks = looks_past_a_guard(was_good, 4.0, |_| false);
        assert_eq!(most_in_a_quarter(&looks), 3, "{was_good} {looks:?}");
        // And is looked past all the same: it may be the state page only.
        assert!(looks.len() >= 16, "{was_good} {looks:?}");
    }
}

#[test]
fn what_comes_and_goes_costs_six_looks_in_a_quarter_of_an_hour_at_the_most() {
    for (was_good, period) in [(false, 2.0), (false, 60.0), (true, 2.0), (true, 60.0)] {
        let looks = looks_past_a_guard(was_good, 4.0, |now| now.as_secs_f64() % period < period / 2.0);
        assert!(most_in_a_quarter(&looks) <= 6, "{was_good} {period} {looks:?}");
    }
}

#[test]
fn when_what_let_nothing_through_is_gone_the_next_look_is_at_once() {
    for (was_good, minutes) in [(false, 0.5), (false, 10.0), (true, 5.0), (true, 10.0), (true, 100.0)] {
        let gone = s(1000.0 + 60.0 * minutes);
        let looks = looks_past_a_guard(was_good, minutes / 60.0 + 0.05, |now| now >= gone);
        let after = looks.iter().find(|at| **at >= gone).expect("a look");
        assert!(*after < gone + s(4.0), "{was_good} {minutes} {looks:?}");
    }
}

#[test]
fn a_password_that_was_good_is_shown_once_more_after_20_s_though_no_state_page_is_let_through() {
    let looks = looks_past_a_guard(true, 0.1, |_| false);
    let first = looks[0];
    let times: Vec<u64> = looks.iter().map(|at| (*at - first).as_secs()).collect();
    assert!(times.len() == 3 && times[1] == 0 && (20..24).contains(&times[2]), "{times:?}");
}
