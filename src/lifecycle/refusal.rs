//! What servers say about a token: accepted, refused, and if refused, whether another one would do better.

use std::{collections::VecDeque, time::Duration};

use super::{
    Time,
    backoff::{LoginError, Pause, Situation},
    decision::{Attempts, Verdict},
    machine::{BETWEEN_LOGINS, Machine, Refresh},
};
use crate::protocol::{login::Reason, rejection::Rejection};

/// A 403 that does not say why costs at most one login in this time.
const BETWEEN_UNKNOWN: Duration = Duration::from_secs(60);
/// One to what was served before, at most one in this, then in twice as much, and so on; from the start after a quarter of an
/// hour without.
const SOONER: Duration = Duration::from_secs(5);
const SOONER_AGAIN: Duration = Duration::from_secs(15 * 60);
/// So many of these are known.
const MOST_SERVED: usize = 16;
/// What others were served with so short a time ago is no bad token.
const LATELY: Duration = Duration::from_secs(5);
/// Logins for refused tokens that were so many in so short a time have most likely been in vain.
pub(super) const IN_VAIN: usize = 5;
const REMEMBERED: Duration = Duration::from_secs(300);
/// A token refused at this age has surely worked before, whether anybody said so or not.
const PROVEN_AGE: Duration = Duration::from_secs(10);

impl Machine {
    /// A server accepted the token of `generation`, after what `attempts` tell of the same request.
    pub fn accepted(&mut self, attempts: &Attempts, generation: u64, now: Time) {
        self.note_accepted(attempts, generation, now);
        let refused_everywhere = self.is_refused_everywhere();
        if let Some(token) = self.token.as_mut().filter(|t| t.generation == generation) {
            token.trust.accept();
            token.accepted.get_or_insert(now);
            // When the request was sent, which may long be over by now.
            token.taken = Some(if attempts.sent == Time::ZERO { now } else { attempts.sent });
            self.refused_in_a_row = 0;
            if refused_everywhere {
                self.backoff.reset();
            }
            self.note_good_answer();
        }
    }

    /// A server refused the token of `generation`; which one, if that is known. `attempts` tells what servers have said to
    /// the same request before, and is told this.
    pub fn rejected(
        &mut self,
        attempts: &mut Attempts,
        generation: u64,
        why: Rejection,
        server: Option<usize>,
        now: Time,
    ) -> Verdict {
        if matches!(why, Rejection::Permission | Rejection::Misconfigured) {
            return Verdict::Return;
        }
        if self.external {
            return self.external_rejected(generation, why);
        }
        let replay = if why == Rejection::Identity { Verdict::Replay } else { Verdict::ReplayIfIdempotent };
        if why == Rejection::Identity {
            attempts.refused.push((generation, server));
            attempts.refused_at.get_or_insert(now);
        }
        let used = self.token.as_ref().filter(|t| t.is_usable()).map(|t| t.generation);
        // One that was kept has been refused too: then it is about the one in use, if that has been refused before.
        let judged = used.filter(|used| *used == generation || attempts.has_refused(*used));
        let Some(generation) = judged else {
            // A late answer: the token has been replaced, or is about to be. But two in a row mean that none helps.
            return if self.refused_in_a_row < 2 { replay } else { Verdict::Return };
        };
        if why == Rejection::Unknown {
            return self.doubt(attempts.request, now);
        }
        if let Some(verdict) = self.second_chance(attempts, now).or_else(|| self.retry(attempts, now)) {
            return verdict;
        }
        // What each one refuses is no disagreement, or is none any more. And a token that has ended is refused for that.
        let ended = self.token.as_ref().is_some_and(|token| now >= token.window.expiry);
        let everywhere = attempts.is_refused_everywhere();
        if everywhere {
            self.disagreement = None;
        } else if !ended && self.servers_disagree(now) {
            return self.login_where_servers_disagree(now);
        }
        let Some(token) = self.token.as_mut().filter(|t| t.generation == generation) else { return replay };
        // While a secret changes node by node, a token is good at the nodes that have the secret of the one that issued it.
        let foreign = server.filter(|at| !everywhere && !ended && token.issued_by.is_some_and(|issuer| issuer != *at));
        // Asked for before the last one was given up, it may well be of the same old secret.
        let early = self.given_up.is_some_and(|at| token.sent < at);
        if let Some(server) = foreign {
            if !self.foreign_refusals.note(server, now) {
                let elsewhere = Verdict::Retry { generation, after: Duration::ZERO };
                return if attempts.may_go_elsewhere() { elsewhere } else { Verdict::Return };
            }
        } else if !early && !ended {
            let age = now.saturating_sub(token.issued);
            // As long as others are served with it, or may be, it is about what is asked for.
            let in_vain = self.relogins[0].is_some_and(|at| now.saturating_sub(at) < REMEMBERED);
            let lately = if in_vain { BETWEEN_LOGINS } else { LATELY };
            let taken = token.taken.unwrap_or_default();
            let serves_others = token.taken.is_some() && now.saturating_sub(taken) < lately;
            if token.trust.is_contested() && age < BETWEEN_LOGINS && (token.taken.is_none() || serves_others) {
                return Verdict::Return;
            }
            if age >= PROVEN_AGE {
                self.refused_in_a_row = 0;
            }
            // The one before was refused just so, and others were served with this one afterwards. Of what somebody else sends it
            // is not known what was refused before.
            let like_the_one_before =
                attempts.has_refused_another(generation) && attempts.refused_at.is_some_and(|at| taken > at);
            let is_about_path = like_the_one_before || (attempts.reported && in_vain && serves_others);
            let is_new = self.refused_in_a_row == 1 && token.trust.is_replacement();
            if is_new || is_about_path && age < BETWEEN_LOGINS {
                // No reason to keep it from the others, who may fare better. If they do not, the next one is given up.
                token.trust.contest();
                return Verdict::Return;
            }
            self.refused_in_a_row += 1;
        }
        token.trust.reject();
        self.given_up = Some(now);
        self.begin_probes(now);
        if self.is_refused_everywhere() && !matches!(self.refresh, Refresh::LoggingIn { .. }) {
            let overloaded = LoginError::Answered(Reason::Overloaded, None);
            // Not `starving`: tokens can be had, but they are no good.
            let situation = Situation { was_good: true, starving: false, took: Duration::ZERO };
            let mut pause = self.backoff.pause(&mut self.rng, now, overloaded, situation);
            pause.until = pause.until.max(self.fourth_look());
            // What a server asked for, or refused credentials make, is not made shorter.
            let is_kept = |old: &Pause| old.asked_for || old.class.is_refusal();
            if !matches!(&self.refresh, Refresh::Pausing(old) if is_kept(old) && old.until > pause.until) {
                self.refresh = Refresh::Pausing(pause);
            }
            return Verdict::Return;
        }
        self.starve(now);
        // A server with authentication off takes tokens long expired, and refuses logins; this one has it on again.
        self.allow_attempt(now);
        replay
    }

    /// A server did what `request` asks for.
    pub(crate) fn note_served(&mut self, request: u64) {
        self.served.note(request);
    }

    /// The token was refused without a reason: perhaps not for its own sake, so it is not given up for that.
    fn doubt(&mut self, request: Option<u64>, now: Time) -> Verdict {
        self.end_outage(now);
        let before = self.last_unknown;
        let was_served = request.filter(|request| self.served.has(*request));
        let between = if was_served.is_some() { self.served.between_logins(now) } else { BETWEEN_UNKNOWN };
        if !self.look_again_after(between, now) {
            return Verdict::Return;
        }
        let is_early = self.last_unknown != before && before.is_some_and(|at| now.saturating_sub(at) < BETWEEN_UNKNOWN);
        if let Some(request) = was_served.filter(|_| is_early) {
            self.served.costs_login(request, now);
        }
        Verdict::ReplayIfIdempotent
    }

    /// Something is wrong that another login may show more of. Whether one is due by now.
    pub(crate) fn look_again(&mut self, now: Time) -> bool {
        self.look_again_after(BETWEEN_UNKNOWN, now)
    }

    /// The same, if the last such login was so long ago.
    fn look_again_after(&mut self, between: Duration, now: Time) -> bool {
        let Some(token) = self.token.as_mut().filter(|token| token.is_usable()) else { return false };
        if !token.trust.is_doubted() {
            let pausing = matches!(self.refresh, Refresh::Pausing(pause) if now < pause.until);
            if pausing || self.last_unknown.is_some_and(|at| now.saturating_sub(at) < between) {
                return false;
            }
            self.last_unknown = Some(now);
            token.trust.doubt();
        }
        true
    }
}

/// Requests that were served lately. One of them refused without a reason tells more than one that always is, and is worth a
/// login sooner; a few times.
#[derive(Clone, Debug, Default)]
pub(super) struct Served {
    /// The latest last.
    requests: VecDeque<u64>,
    /// When such a login was last made, and how long after one the next may be.
    login: Option<(Time, Duration)>,
}

impl Served {
    fn note(&mut self, request: u64) {
        if self.has(request) {
            return;
        }
        if self.requests.len() == MOST_SERVED {
            self.requests.pop_front();
        }
        self.requests.push_back(request);
    }

    fn has(&self, request: u64) -> bool {
        self.requests.contains(&request)
    }

    fn between_logins(&self, now: Time) -> Duration {
        let lately = self.login.filter(|(at, _)| now.saturating_sub(*at) < SOONER_AGAIN);
        lately.map_or(SOONER, |(_, between)| between)
    }

    /// `request` was worth a login. It is no more, until it is served.
    fn costs_login(&mut self, request: u64, now: Time) {
        self.requests.retain(|served| *served != request);
        self.login = Some((now, (self.between_logins(now) * 2).min(BETWEEN_UNKNOWN)));
    }
}
