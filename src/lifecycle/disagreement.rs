//! Servers that do not agree on a secret: nodes behind one address, a change that goes from node to node, a replica that
//! hears late of a login. A token is good at some of them then. The last few that a server has taken are kept, and a
//! request goes on with another, or at another node, before anybody logs in for it.

use std::time::Duration;

use super::{
    Time,
    decision::{Attempts, Verdict},
    machine::{BETWEEN_LOGINS, Machine, PATIENCE, Refresh},
    refusal::IN_VAIN,
    token::{Token, Trust},
};

/// How many tokens are kept beside the one in use.
const KEPT: usize = 2;
/// A token is refused for want of news, not for its secret, if it is as young as this and nobody has taken it yet.
const FRESH: Duration = Duration::from_secs(5);
/// How long such a token is waited for, time after time: replicas hear of a login within 60 to 800 ms.
const FRESH_WAITS: [Duration; 3] = [Duration::from_millis(50), Duration::from_millis(200), Duration::from_millis(800)];
/// For how long servers that were seen to disagree are taken to do so.
const DISAGREEMENT: Duration = Duration::from_secs(60);
/// How often a request is sent in all, where servers disagree, and where they may.
const MOST_SENT: usize = 12;
const MOST_SENT_ON_SUSPICION: usize = 4;
/// The longest time between two tries of a token that has been given up.
const LONGEST_BETWEEN_PROBES: Duration = Duration::from_secs(30);

/// How long after a login for a request that none of the tokens helped the next one is made, while servers disagree: after
/// the first one, and at most.
const BETWEEN_LOGINS_AT_FIRST: Duration = Duration::from_secs(2);
const LONGEST_BETWEEN_LOGINS: Duration = Duration::from_secs(300);

/// Servers do not agree on which tokens are good.
#[derive(Clone, Copy, Debug)]
pub(super) struct Disagreement {
    seen: Time,
    /// When a login is next worth its cost, and how much later the one after that.
    login_at: Time,
    step: Duration,
    /// Requests in a row that none of the tokens helped, and logins for them, since a server took one.
    helpless: u32,
    logins_in_vain: u32,
}

/// When a token that has been given up is tried next, while no login brings another.
#[derive(Clone, Copy, Debug)]
pub(super) struct Probe {
    at: Time,
    step: Duration,
}

impl Machine {
    /// Whether this token may still be served, by its generation: in use, or kept.
    pub fn knows(&self, generation: u64) -> bool {
        self.token.iter().chain(&self.kept).any(|token| token.generation == generation)
    }

    /// The generation in use.
    pub fn generation(&self) -> Option<u64> {
        self.token.as_ref().map(|token| token.generation)
    }

    /// Whether the server `at` gave the token of `generation`, and none has taken it yet.
    pub(crate) fn is_unproven(&self, generation: u64, at: usize) -> bool {
        let token = self.token.as_ref().filter(|t| t.generation == generation && t.issued_by == Some(at));
        token.is_some_and(|token| token.trust.is_unproven())
    }

    /// Whether servers were seen to disagree a short while ago.
    pub(crate) fn servers_disagree(&self, now: Time) -> bool {
        self.disagreement.is_some_and(|disagreement| now.saturating_sub(disagreement.seen) < DISAGREEMENT)
    }

    /// A request may try a token that has been given up: nodes that have not changed their secret still take it, and no
    /// login has brought another within the time that callers are patient. Now and then, one request at a time.
    pub fn probe(&mut self, now: Time) -> bool {
        let may = self.next_probe(now).is_some_and(|at| at <= now);
        if let Some(probe) = self.probe.as_mut().filter(|_| may) {
            probe.step = (probe.step * 2).min(LONGEST_BETWEEN_PROBES);
            probe.at = now + probe.step;
        }
        may
    }

    /// When [`probe`](Self::probe) is worth asking again.
    pub fn next_probe(&self, now: Time) -> Option<Time> {
        let token = self.token.as_ref().filter(|t| matches!(t.trust, Trust::Rejected { was_accepted: true, .. }))?;
        let may = !self.external && now < token.window.expiry && !matches!(self.refresh, Refresh::Idle);
        self.probe.filter(|_| may).map(|probe| probe.at)
    }

    pub(super) fn begin_probes(&mut self, now: Time) {
        self.probe = Some(Probe { at: now + PATIENCE, step: PATIENCE });
    }

    /// Another token takes the place of `old`, which some servers may go on taking.
    pub(super) fn keep(&mut self, old: Token, now: Time) {
        if old.trust.was_accepted() && now < old.window.expiry {
            self.kept.insert(0, old);
            self.kept.truncate(KEPT);
        }
    }

    /// A server has taken the token of `generation` after what `attempts` tell.
    pub(super) fn note_accepted(&mut self, attempts: &Attempts, generation: u64, now: Time) {
        let newest = attempts.refused.iter().map(|(refused, _)| *refused).max();
        // A newer one in the place of one that was refused is how it should be.
        if newest.is_some_and(|newest| generation <= newest) && !attempts.was_fresh {
            self.note_disagreement(now);
            if let Some(at) = self.kept.iter().position(|token| token.generation == generation) {
                let mut taken = self.kept.remove(at);
                taken.trust = Trust::revived();
                taken.accepted = Some(now);
                if let Some(old) = self.token.replace(taken) {
                    self.keep(old, now);
                }
            }
        }
        if let Some(known) = &mut self.disagreement {
            (known.helpless, known.logins_in_vain) = (0, 0);
        }
        let since = self.given_up.is_some_and(|at| at <= attempts.sent);
        if let Some(token) = self.token.as_mut().filter(|t| since && t.generation == generation && !t.is_usable()) {
            // Given up too early: it was another node that refused it.
            token.trust = Trust::revived();
            self.note_disagreement(now);
        }
        self.kept.iter_mut().filter(|t| t.generation == generation).for_each(|t| t.trust.accept());
    }

    fn note_disagreement(&mut self, now: Time) {
        match self.disagreement.as_mut().filter(|known| now.saturating_sub(known.seen) < DISAGREEMENT) {
            Some(known) => known.seen = now,
            None => {
                self.disagreement = Some(Disagreement {
                    seen: now,
                    login_at: now,
                    step: BETWEEN_LOGINS_AT_FIRST,
                    helpless: 0,
                    logins_in_vain: 0,
                });
            }
        }
    }

    /// None of the tokens there are is taken, by several nodes of several secrets. One more login may lead to the node that
    /// refuses; the tokens stay, as other nodes take them.
    pub(super) fn login_where_servers_disagree(&mut self, now: Time) -> Verdict {
        if matches!(self.refresh, Refresh::LoggingIn { .. })
            || self.token.as_ref().is_some_and(|t| t.trust.is_doubted())
        {
            return Verdict::Replay; // with what the login brings that is under way, or due
        }
        let pausing = matches!(self.refresh, Refresh::Pausing(pause) if now < pause.until);
        let Some(known) = self.disagreement.as_mut() else { return Verdict::Return };
        known.helpless += 1;
        // By chance no two requests in a row meet the wrong nodes so often: every node has another secret by now.
        let since = self.last_login.map_or(Duration::MAX, |at| now.saturating_sub(at));
        let none_helps = known.helpless >= 2
            && since >= BETWEEN_LOGINS_AT_FIRST * (1 << known.logins_in_vain.saturating_sub(3).min(5));
        if pausing || (known.login_at > now && !none_helps) {
            return Verdict::Return;
        }
        known.logins_in_vain += 1;
        known.login_at = now + known.step;
        known.step = (known.step * 2).min(LONGEST_BETWEEN_LOGINS);
        if let Some(token) = &mut self.token {
            token.trust.doubt();
        }
        Verdict::Replay
    }

    /// The token in use was refused, and may only be too new for the node that refused it; or this request was sent before
    /// others found out how to have it taken.
    pub(super) fn second_chance(&mut self, attempts: &mut Attempts, now: Time) -> Option<Verdict> {
        let used = self.token.as_ref()?;
        let taken_since = used.accepted.is_some_and(|at| at > attempts.sent && attempts.sent > Time::ZERO);
        if taken_since && !attempts.reported && attempts.refused.len() == 1 {
            attempts.was_fresh = true;
            return Some(Verdict::Retry { generation: used.generation, after: Duration::ZERO });
        }
        let token = self.token.as_ref().filter(|t| t.trust.is_unproven() && now.saturating_sub(t.issued) < FRESH)?;
        if attempts.reported && !attempts.waits_when_told {
            return None;
        }
        attempts.was_fresh = true;
        let mut others = self.kept.iter().filter(|t| now < t.window.expiry && !attempts.reported);
        if let Some(other) = others.find(|t| !attempts.has_refused(t.generation)) {
            return Some(Verdict::Retry { generation: other.generation, after: Duration::ZERO });
        }
        if attempts.waits.0 != token.generation {
            attempts.waits = (token.generation, 0);
        }
        let after = *FRESH_WAITS.get(attempts.waits.1)?;
        attempts.waits.1 += 1;
        Some(Verdict::Retry { generation: token.generation, after })
    }

    /// Two logins for refused tokens within half a minute are one too many.
    fn is_suspicious(&self, now: Time) -> bool {
        !self.kept.is_empty() && self.relogins[IN_VAIN - 1].is_some_and(|at| now.saturating_sub(at) < BETWEEN_LOGINS)
    }

    /// Where servers disagree, or may: another token, or the same at another node.
    pub(super) fn retry(&self, attempts: &Attempts, now: Time) -> Option<Verdict> {
        let most = match (self.servers_disagree(now), self.is_suspicious(now)) {
            (true, _) => MOST_SENT,
            (_, true) => MOST_SENT_ON_SUSPICION,
            _ => return None,
        };
        let sent = attempts.refused.len();
        if attempts.reported || sent >= most {
            return None;
        }
        let mut refused = attempts.refused.iter().rev().map(|(generation, _)| *generation);
        let (last, before) = (refused.next()?, refused.next());
        let alive = self.token.iter().chain(&self.kept).filter(|t| now < t.window.expiry);
        // Each one twice in a row: where a balancer goes from node to node in turn, one token after the other could meet the
        // wrong node each time.
        if before != Some(last) && alive.clone().any(|t| t.generation == last) {
            return Some(Verdict::Retry { generation: last, after: Duration::ZERO });
        }
        let tried = |generation: u64| attempts.refused.iter().filter(|(refused, _)| *refused == generation).count();
        // Another one, that which has been tried least; the same if there is no other.
        let next = alive.map(|t| t.generation).min_by_key(|generation| (*generation == last, tried(*generation)))?;
        Some(Verdict::Retry { generation: next, after: Duration::ZERO })
    }
}
