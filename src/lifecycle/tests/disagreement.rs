//! Tokens that some nodes take and others do not.

use super::{world::*, *};

impl World {
    /// A login that nobody had to ask for.
    fn renew(&mut self, ttl: f64) {
        let login = self.start();
        assert!(self.succeed(login, ttl));
    }

    fn rejects(&mut self, attempts: &mut Attempts, generation: u64) -> Verdict {
        self.machine.rejected(attempts, generation, Rejection::Identity, Some(0), self.now)
    }

    fn accepts(&mut self, attempts: &Attempts, generation: u64) {
        self.machine.accepted(attempts, generation, self.now);
    }

    /// The token of `generation` is refused, replaced, and taken at another node all the same.
    fn disagree(&mut self) {
        let mut attempts = Attempts::default();
        let old = self.generation;
        assert_eq!(self.rejects(&mut attempts, old), Verdict::Replay);
        self.demand();
        self.now += s(1.0);
        self.renew(18_000.0);
        self.accepts(&Attempts::default(), self.generation);
        self.now += s(6.0);
        let mut attempts = Attempts::default();
        for generation in [self.generation, old] {
            let retry = self.rejects(&mut attempts, self.generation);
            assert_eq!(retry, Verdict::Retry { generation, after: Duration::ZERO });
        }
        attempts.begin(self.now);
        self.accepts(&attempts, old);
        assert!(self.machine.servers_disagree(self.now) && self.machine.generation() == Some(old));
    }
}

fn after(verdict: Verdict) -> Option<Duration> {
    if let Verdict::Retry { after, .. } = verdict { Some(after) } else { None }
}

#[test]
fn situation_60_a_fresh_token_is_tried_again_before_it_counts_as_bad() {
    let mut w = World::new();
    w.demand();
    w.renew(18_000.0);
    let mut attempts = Attempts::default();
    for wait in [0.05, 0.2, 0.8] {
        assert_eq!(w.rejects(&mut attempts, 1), Verdict::Retry { generation: 1, after: s(wait) });
        assert!(matches!(w.demand(), Demand::Serve { .. }) && w.machine.cacheable(w.now) == Some(1));
        w.now += s(wait);
    }
    assert_eq!(w.rejects(&mut attempts, 1), Verdict::Replay);
    assert_eq!(w.machine.token_state(w.now), TokenState::Rejected);
}

#[test]
fn situation_60_late_news_of_a_token_are_no_disagreement() {
    let mut w = World::new();
    w.demand();
    w.renew(18_000.0);
    let mut attempts = Attempts::default();
    w.rejects(&mut attempts, 1);
    w.accepts(&attempts, 1);
    assert!(!w.machine.servers_disagree(w.now));
    // Taken once, it is no fresh one any more.
    assert_eq!(w.rejects(&mut Attempts::default(), 1), Verdict::Replay);
}

#[test]
fn situation_60_while_a_renewed_token_is_too_new_the_old_one_serves() {
    let mut w = World::new();
    w.log_in(100.0);
    w.now += s(92.0);
    w.renew(100.0);
    let mut attempts = Attempts::default();
    assert_eq!(w.rejects(&mut attempts, 2), Verdict::Retry { generation: 1, after: Duration::ZERO });
    w.accepts(&attempts, 1);
    assert_eq!((w.machine.generation(), w.machine.servers_disagree(w.now)), (Some(2), false));
    // But not beyond its own end.
    let mut w = World::new();
    w.log_in(10.0);
    w.now += s(9.9);
    w.renew(10.0);
    assert_eq!(after(w.rejects(&mut Attempts::default(), 2)), Some(s(0.05)));
}

#[test]
fn a_fresh_token_that_somebody_else_sends_is_judged_at_once() {
    let mut w = World::new();
    w.demand();
    w.renew(18_000.0);
    assert_eq!(w.rejects(&mut Attempts::reported(), 1), Verdict::Replay);
    assert_eq!(w.machine.token_state(w.now), TokenState::Rejected);
}

#[test]
fn situation_61_where_nodes_disagree_another_token_or_node_comes_before_a_login() {
    let mut w = World::new();
    w.log_in(18_000.0);
    w.disagree();
    w.logins = 0;
    // From now on a refused request is sent twelve times at the most, with one or the other.
    let mut attempts = Attempts::default();
    let (mut generation, mut tried) = (1, Vec::new());
    while let Verdict::Retry { generation: next, after } = w.rejects(&mut attempts, generation) {
        assert_eq!(after, Duration::ZERO);
        tried.push(next);
        generation = next;
    }
    assert_eq!(tried.len(), 11);
    assert_eq!(tried[..5], [1, 2, 2, 1, 1], "each twice in a row");
    assert!(tried.contains(&1) && tried.contains(&2));
    // None of them is given up.
    assert!(matches!(w.demand(), Demand::Serve { .. } | Demand::Wait { patience: Some(_) }));
    assert!(w.machine.knows(1) && w.machine.knows(2));
}

#[test]
fn situation_61_requests_that_nothing_helps_cost_ever_fewer_logins() {
    let mut w = World::new();
    w.log_in(18_000.0);
    w.disagree();
    w.logins = 0;
    let start = w.now;
    while w.now < start + s(3600.0) {
        // Now and then one is served, so that they go on disagreeing.
        let (mut attempts, mut generation) = (Attempts::default(), w.machine.generation().unwrap());
        while let Verdict::Retry { generation: next, .. } = w.rejects(&mut attempts, generation) {
            generation = next;
        }
        w.try_login(&|_| Ok(18_000.0));
        attempts.begin(w.now);
        w.accepts(&attempts, generation);
        w.now += s(1.0);
    }
    assert!((5..=22).contains(&w.logins), "{} logins in an hour", w.logins);
}

#[test]
fn situation_61_disagreement_is_forgotten_a_minute_after_its_last_sign() {
    let mut w = World::new();
    w.log_in(18_000.0);
    w.disagree();
    w.now += s(61.0);
    assert!(!w.machine.servers_disagree(w.now));
    // Then a refusal is what it always was.
    assert_eq!(w.rejects(&mut Attempts::default(), 1), Verdict::Replay);
}

#[test]
fn tokens_that_are_refused_everywhere_time_and_again_are_no_disagreement() {
    let mut w = World::new();
    w.log_in(18_000.0);
    for _ in 0..50 {
        assert_eq!(w.refused(w.generation, Some(0)), Verdict::Replay);
        w.demand();
        w.now += s(1.0);
        w.renew(18_000.0);
        w.accepts(&Attempts::default(), w.generation);
        assert!(!w.machine.servers_disagree(w.now));
    }
}

#[test]
fn situation_61_a_token_given_up_is_tried_now_and_then_while_no_login_brings_another() {
    let mut w = World::new();
    w.log_in(18_000.0);
    w.now += s(100.0);
    let given_up = w.now;
    assert_eq!(w.rejects(&mut Attempts::default(), 1), Verdict::Replay);
    assert!(!w.machine.probe(w.now), "no login is under way yet");
    w.demand();
    w.start();
    let mut probes = Vec::new();
    while w.now < given_up + s(100.0) {
        assert!(matches!(w.demand(), Demand::Wait { .. }), "for those who are given the token it is given up");
        if w.machine.probe(w.now) {
            probes.push((w.now - given_up).as_secs());
        }
        w.now += s(0.5);
    }
    assert_eq!(probes, [2, 6, 14, 30, 60, 90]);
    // Taken, it serves on; what was sent before it was given up does not count.
    let mut late = Attempts::default();
    late.begin(given_up - s(0.1));
    w.accepts(&late, 1);
    assert_eq!(w.machine.token_state(w.now), TokenState::Rejected);
    let mut probe = Attempts::default();
    probe.begin(w.now);
    w.accepts(&probe, 1);
    assert_eq!(w.machine.token_state(w.now), TokenState::Fresh);
    assert!(w.machine.servers_disagree(w.now));
}

/// Sends a request, if need be to one of `servers` after the other, which all refuse it.
fn refused_everywhere(w: &mut World, servers: usize) -> Verdict {
    let (mut attempts, mut generation) = (Attempts::among(servers), w.machine.generation().unwrap());
    for at in (0..servers).cycle() {
        match w.machine.rejected(&mut attempts, generation, Rejection::Identity, Some(at), w.now) {
            Verdict::Retry { generation: next, .. } => generation = next,
            verdict => return verdict,
        }
    }
    unreachable!("each request has an end")
}

#[test]
fn situation_61_tokens_that_every_server_of_the_list_refuses_are_no_disagreement() {
    let mut w = World::new();
    w.log_in(18_000.0);
    w.disagree();
    // All tokens are revoked, time after time, and those of the logins are good.
    for _ in 0..10 {
        w.now += s(1.0);
        assert_eq!(refused_everywhere(&mut w, 3), Verdict::Replay);
        assert!(matches!(w.demand(), Demand::Wait { .. }), "for a login");
        w.renew(18_000.0);
        w.accepts(&Attempts::default(), w.generation);
    }
    // Tokens that are no good at once are no reason to log in all the time.
    let start = w.now;
    w.logins = 0;
    while w.now < start + s(60.0) {
        refused_everywhere(&mut w, 3);
        w.demand();
        w.try_login(&|_| Ok(18_000.0));
        w.now += s(0.5);
    }
    assert!((3..=20).contains(&w.logins), "{} logins in a minute", w.logins);
}

#[test]
fn situation_61_a_server_that_is_down_need_not_refuse_what_all_others_refuse() {
    let mut w = World::new();
    w.log_in(18_000.0);
    w.disagree();
    for _ in 0..5 {
        w.now += s(1.0);
        let mut attempts = Attempts::among(3);
        attempts.note_down(vec![2]);
        let (mut generation, mut at) = (w.machine.generation().unwrap(), 0);
        let verdict = loop {
            match w.machine.rejected(&mut attempts, generation, Rejection::Identity, Some(at), w.now) {
                Verdict::Retry { generation: next, .. } => (generation, at) = (next, 1 - at),
                verdict => break verdict,
            }
        };
        assert_eq!(verdict, Verdict::Replay);
        assert!(matches!(w.demand(), Demand::Wait { .. }), "for a login");
        w.renew(18_000.0);
        w.accepts(&Attempts::default(), w.generation);
    }
}

#[test]
fn no_token_is_tried_that_no_server_ever_took_or_that_has_ended() {
    let mut w = World::new();
    w.demand();
    w.renew(18_000.0);
    w.refused(1, None);
    w.demand();
    w.now += s(1.0);
    w.start();
    w.now += s(60.0);
    assert!(!w.machine.probe(w.now));
    let mut w = World::new();
    w.log_in(20.0);
    w.rejects(&mut Attempts::default(), 1);
    w.demand();
    w.now += s(1.0);
    w.start();
    w.now += s(20.0);
    assert!(!w.machine.probe(w.now));
}

#[test]
fn situation_61_a_balancer_that_goes_in_turn_is_not_kept_in_step_with() {
    for first in 0..2 {
        let mut w = World::new();
        w.log_in(18_000.0);
        w.now += s(60.0);
        w.disagree();
        // Two nodes in turn, each of which takes one of the two tokens.
        let mut attempts = Attempts::default();
        let (mut generation, mut sent) = (w.machine.generation().unwrap(), 1);
        while (first + sent) % 2 + 1 != generation {
            let Verdict::Retry { generation: next, .. } = w.rejects(&mut attempts, generation) else { break };
            (generation, sent) = (next, sent + 1);
        }
        assert!(sent <= 2, "sent {sent} times");
    }
}

#[test]
fn situation_61_when_the_last_node_has_changed_its_secret_the_login_does_not_wait() {
    let mut w = World::new();
    w.log_in(18_000.0);
    w.now += s(60.0);
    w.disagree();
    let helpless = |w: &mut World| w.refused(w.machine.generation().unwrap(), Some(0));
    // Requests that met the wrong nodes by chance have used up what they may cost.
    while helpless(&mut w) == Verdict::Replay {
        w.renew(18_000.0);
        w.accepts(&Attempts::default(), w.generation);
        w.now += s(5.0);
    }
    w.accepts(&Attempts::default(), w.generation);
    w.now += s(1.0);
    // One that none of the tokens helps may have had bad luck. Of two in a row neither has.
    assert_eq!(helpless(&mut w), Verdict::Return);
    assert_eq!(helpless(&mut w), Verdict::Replay);
    w.renew(18_000.0);
    // But where that does not help either, it is no way to log in all the time.
    let (start, mut logins) = (w.now, 0);
    while w.now < start + s(50.0) {
        helpless(&mut w);
        let before = w.logins;
        w.try_login(&|_| Ok(18_000.0));
        logins += w.logins - before;
        w.now += s(0.5);
    }
    assert!((3..=8).contains(&logins), "{logins} logins");
}
