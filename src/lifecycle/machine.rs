//! The machine: when a login is due, and what its end changes. What servers say about tokens is in `refusal`.

use std::time::Duration;

use fastrand::Rng;

use super::{
    Time,
    backoff::{Backoff, Class, LoginError, Pause, Situation},
    decision::{Demand, Issued},
    disagreement::{Disagreement, Probe},
    foreign::ForeignRefusals,
    refusal::{IN_VAIN, Served},
    token::{Token, Trust},
    window::{self, Window},
};

/// At least this long between two attempts.
pub(super) const BETWEEN_ATTEMPTS: Duration = Duration::from_secs(1);
/// At least this long between two successful logins, for tokens that live a minute or more.
pub(super) const BETWEEN_LOGINS: Duration = Duration::from_secs(30);
/// Credentials that are refused cost the servers three logins in this, time-outs and attempts ahead of their time included.
pub(super) const THREE_REFUSALS: Duration = Duration::from_secs(15 * 60);
/// The same, one after the other, while something before the servers lets nothing through.
const SECOND_LOOK: Duration = Duration::from_secs(20);
const THIRD_LOOK: Duration = Duration::from_secs(400);
/// How long a login may keep callers waiting who hold a token that may still work.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);
/// A pause that ends this soon is waited out by callers rather than answered with the last error.
const IMMINENT: Duration = Duration::from_secs(2);
/// No server takes longer over a login that anybody waits for: beyond this the machine has been asleep.
const LONGEST_LOGIN: Duration = Duration::from_secs(95);

/// What the machine does about the next token.
#[derive(Clone, Debug)]
pub(super) enum Refresh {
    Idle,
    LoggingIn { number: u64, since: Time },
    Pausing(Pause),
}

/// The life of one session's token.
#[derive(Clone, Debug)]
pub struct Machine {
    pub(super) rng: Rng,
    pub(super) token: Option<Token>,
    pub(super) refresh: Refresh,
    pub(super) backoff: Backoff,
    /// Somebody came for a token and there was no usable one.
    pub(super) wanted: bool,
    /// A login with these credentials has succeeded.
    pub(super) was_good: bool,
    /// Logins so far.
    pub(super) logins: u64,
    pub(super) last_attempt: Option<Time>,
    pub(super) last_login: Option<Time>,
    /// When a refusal without a reason last cost a login.
    pub(super) last_unknown: Option<Time>,
    /// What was served lately, as far as that was told.
    pub(super) served: Served,
    /// The last three logins since the last success that may have cost a server a look at the password, the oldest first.
    pub(super) refusals: [Option<Time>; 3],
    /// The last login met something before the servers that let nothing through: with this status.
    pub(super) guarded: Option<u16>,
    /// A login that was not answered in time, and may be yet.
    pub(super) late: Option<u64>,
    /// Generations refused in a row, none of them ever accepted.
    pub(super) refused_in_a_row: u32,
    /// When a token was given up last.
    pub(super) given_up: Option<Time>,
    pub(super) foreign_refusals: ForeignRefusals,
    /// Tokens before this one that some server took, the last one first.
    pub(super) kept: Vec<Token>,
    /// When logins replaced tokens that had been refused long before their end, the last one last.
    pub(super) relogins: [Option<Time>; IN_VAIN],
    pub(super) disagreement: Option<Disagreement>,
    pub(super) probe: Option<Probe>,
    /// Tokens are given from elsewhere; no login brings another.
    pub(super) external: bool,
}

impl Machine {
    /// A machine without a token; `seed` is for its random numbers.
    pub fn new(seed: u64) -> Self {
        Self {
            rng: Rng::with_seed(seed),
            token: None,
            refresh: Refresh::Idle,
            backoff: Backoff::default(),
            wanted: false,
            was_good: false,
            logins: 0,
            last_attempt: None,
            last_login: None,
            last_unknown: None,
            served: Served::default(),
            refusals: [None; 3],
            guarded: None,
            late: None,
            refused_in_a_row: 0,
            given_up: None,
            foreign_refusals: ForeignRefusals::default(),
            kept: Vec::new(),
            relogins: [None; IN_VAIN],
            disagreement: None,
            probe: None,
            external: false,
        }
    }

    /// The machine of a child process: the same token and the same pauses, but random numbers and a window of its own,
    /// and no login that the parent has under way.
    pub(crate) fn forked(&self, seed: u64) -> Self {
        let mut child = self.clone();
        child.rng = Rng::with_seed(seed);
        if let Refresh::LoggingIn { .. } = child.refresh {
            child.refresh = Refresh::Idle;
        }
        child.late = None;
        if let Some(token) = child.token.as_mut().filter(|_| !self.external) {
            token.window = token.window.redraw(&mut child.rng, token.whole);
        }
        child
    }

    /// `now` is of another clock than what is known here, as in the child of a fork that has a namespace for time.
    pub(crate) fn is_ahead_of(&self, now: Time) -> bool {
        self.last_attempt.is_some_and(|last| last > now)
    }

    /// The user has other credentials now, with which `self` begins. The token of `old` ends with none of that: it is
    /// served until the first login has brought another, and if that login is refused, until servers refuse it.
    pub(crate) fn inherit(&mut self, old: &Self) -> bool {
        if self.external || old.external {
            return false; // the life of a token from elsewhere is none that a login could go by
        }
        let Some(token) = old.token.as_ref().filter(|_| self.token.is_none()) else { return false };
        let Some(trust) = token.trust.taken_over() else { return false };
        self.token = Some(Token { trust, ..token.clone() });
        true
    }

    /// A caller wants a token.
    pub fn demand(&mut self, now: Time) -> Demand {
        if let Some(token) = self.token.as_ref().filter(|t| t.is_usable()) {
            let serve = Demand::Serve { expired: now >= token.window.expiry };
            if self.external {
                return serve;
            }
            let since = match self.refresh {
                Refresh::LoggingIn { since, .. } => since,
                _ => now,
            };
            let doubted = token.trust.is_doubted();
            let soon = if doubted { now + BETWEEN_ATTEMPTS } else { now };
            let renewal = self.login_due().is_none_or(|due| due <= soon);
            let waits = (doubted || now >= token.window.mandatory) && renewal && now < since + PATIENCE;
            return if waits { Demand::Wait { patience: Some(since + PATIENCE) } } else { serve };
        }
        if self.external {
            return Demand::Fail { retry_at: Time::MAX };
        }
        self.wanted = true;
        match self.refresh {
            Refresh::Pausing(Pause { until, class, .. }) if now < until => {
                let recovers = class == Class::Starting || (class.is_outage() && until - now <= IMMINENT);
                if recovers { Demand::Wait { patience: None } } else { Demand::Fail { retry_at: until } }
            }
            _ => Demand::Wait { patience: None },
        }
    }

    /// Starts a login if one is due; its number goes back into [`issued`](Self::issued) or [`failed`](Self::failed).
    pub fn start(&mut self, now: Time) -> Option<u64> {
        if self.login_due()? > now {
            return None;
        }
        self.logins += 1;
        self.wanted = false;
        self.late = None;
        self.last_attempt = Some(now);
        self.refresh = Refresh::LoggingIn { number: self.logins, since: now };
        Some(self.logins)
    }

    /// When [`start`](Self::start) should be called, or callers told that their copy of the token is not the thing to
    /// use any more, whichever comes first. `None`: nothing to do until something happens.
    pub fn next_due(&self, now: Time) -> Option<Time> {
        let stale = self.token.as_ref().filter(|t| t.is_usable()).map(|t| t.window.mandatory);
        let stale = stale.filter(|at| *at > now && *at < Time::MAX);
        [self.login_due(), stale].into_iter().flatten().min()
    }

    fn login_due(&self) -> Option<Time> {
        if self.external {
            return None;
        }
        let mut due = match &self.token {
            Some(token) if token.trust.wants_login() => Time::ZERO,
            Some(token) if token.is_usable() => token.window.advisory,
            _ if self.wanted => Time::ZERO,
            _ => return None,
        };
        match self.refresh {
            Refresh::LoggingIn { .. } => return None,
            Refresh::Pausing(pause) => due = due.max(pause.until),
            Refresh::Idle => {}
        }
        if let Some(last) = self.last_attempt {
            due = due.max(last + BETWEEN_ATTEMPTS);
        }
        if let (Some(last), Some(token)) = (self.last_login, &self.token)
            && token.is_usable()
            && !token.trust.is_doubted()
            && token.whole >= 2 * BETWEEN_LOGINS
        {
            due = due.max(last + BETWEEN_LOGINS);
        }
        Some(due)
    }

    /// Login `number` brought a token. False if that login is none of ours any more.
    pub fn issued(&mut self, number: u64, issued: Issued, now: Time) -> bool {
        if !self.is_under_way(number) {
            return false;
        }
        self.refresh = Refresh::Idle;
        self.late = None;
        if !self.is_refused_everywhere() {
            self.backoff.reset();
        }
        let first = !self.was_good;
        self.was_good = true;
        self.last_login = Some(now);
        self.refusals = [None; 3];
        self.guarded = None;
        let Issued { generation, ttl, same, sent, server: issued_by } = issued;
        let life = window::believable(ttl);
        let draw = |rng: &mut Rng, whole| Window::draw(rng, sent, life.min(whole), whole, first);
        let (window, whole) = match &self.token {
            // The server's token cache: no progress. Without a usable tokenTtl the old reckoning stands.
            Some(old) if same && ttl.is_none() => (old.window, old.whole),
            Some(old) if same && life < old.whole => (draw(&mut self.rng, old.whole), old.whole),
            _ => (draw(&mut self.rng, life), life),
        };
        let trust = Trust::new(self.token.as_ref().map(|t| t.trust));
        let before_its_time = |t: &&Token| now < t.window.advisory && (!t.is_usable() || t.trust.is_doubted());
        if self.token.as_ref().is_some_and(|t| before_its_time(&t)) {
            self.relogins.rotate_left(1);
            self.relogins[IN_VAIN - 1] = Some(now);
        }
        let old = self.token.replace(Token {
            generation,
            sent,
            issued: now,
            accepted: None,
            taken: None,
            issued_by,
            window,
            whole,
            trust,
        });
        if let Some(old) = old.filter(|_| !same) {
            self.keep(old, now);
        }
        true
    }

    /// Login `number` failed. False if that login is none of ours any more.
    ///
    /// After [`LoginError::Overdue`] its answer may still come, until another login begins: [`issued`](Self::issued) and
    /// this take it. The servers have worked for it, and to ask them once more would only keep them busier.
    pub fn failed(&mut self, number: u64, error: LoginError, now: Time) -> bool {
        if !self.is_under_way(number) {
            return false;
        }
        let is_late = self.late.take().is_some();
        if is_late {
            if !matches!(error, LoginError::Answered(..) | LoginError::Guarded(..)) {
                return false;
            }
            self.backoff.was_not_slow();
        }
        let starving = self.token.as_ref().is_none_or(|t| !t.is_usable() || now >= t.window.mandatory);
        let took = self.last_attempt.map_or(Duration::ZERO, |at| now.saturating_sub(at).min(LONGEST_LOGIN));
        let situation = Situation { was_good: self.was_good, starving, took };
        let mut pause = self.backoff.pause(&mut self.rng, now, error, situation);
        // A server that did not answer in time works the login off all the same, and nobody knows what came of it.
        let unproven = !self.was_good
            && (matches!(error, LoginError::Slow | LoginError::Overdue) || pause.class == Class::Starting);
        // The time-out has been counted already.
        let counts = (unproven || pause.class.is_refusal()) && (!is_late || self.was_good);
        if counts {
            self.refusals = [self.refusals[1], self.refusals[2], self.last_attempt];
        }
        // What is guarded is asked again soon, but shown nothing before that.
        if unproven || pause.class.is_refusal() || (is_late && !matches!(error, LoginError::Guarded(..))) {
            pause.until = pause.until.max(self.fourth_look());
        }
        if error == LoginError::Overdue {
            self.late = Some(number);
        }
        self.guarded = match error {
            LoginError::Guarded(status, _) => Some(status),
            // Nobody was seen to let anything through.
            LoginError::Unreachable => self.guarded,
            _ => None,
        };
        self.refresh = Refresh::Pausing(pause);
        if let Some(token) = &mut self.token {
            token.trust.login_failed();
        }
        true
    }

    /// The login under way has cost so many looks at the credentials beside the one that its failure counts.
    pub(crate) fn note_looks(&mut self, looks: u32) {
        for _ in 0..looks {
            self.refusals = [self.refusals[1], self.refusals[2], self.last_attempt];
        }
    }

    /// Before this the credentials are not looked at again, after three looks in vain.
    pub(super) fn fourth_look(&mut self) -> Time {
        let Some(first) = self.refusals[0] else { return Time::ZERO };
        first + THREE_REFUSALS.mul_f64(1.0 + 0.1 * self.rng.f64())
    }

    /// How many looks at the credentials are left of the three in a quarter of an hour.
    pub(crate) fn looks_left(&self, now: Time) -> u32 {
        let lately = |at: &&Option<Time>| at.is_some_and(|at| now.saturating_sub(at) <= THREE_REFUSALS);
        3 - self.refusals.iter().filter(lately).count() as u32
    }

    /// Whether the credentials may be shown although something before the servers still lets nothing through: perhaps its
    /// state page only, always. As seldom as credentials that are refused.
    pub(crate) fn may_look_past_guard(&mut self, now: Time) -> bool {
        let Some(last) = self.refusals[2] else { return true };
        let was_one_login = self.refusals.iter().flatten().all(|at| *at == last);
        let between = if was_one_login { SECOND_LOOK } else { THIRD_LOOK };
        now >= self.fourth_look().max(last + between)
    }

    /// What let nothing through is gone, and with it what may have been the only reason for the last refusals. Whether the
    /// credentials may be shown now.
    pub(crate) fn guard_is_gone(&mut self, now: Time) -> bool {
        let may = self.looks_left(now) > 0;
        if !may && self.backoff.forgives(now) {
            self.refusals = [None; 3];
            return true;
        }
        may
    }

    fn is_under_way(&self, number: u64) -> bool {
        self.late == Some(number) || matches!(self.refresh, Refresh::LoggingIn { number: n, .. } if n == number)
    }

    /// Whether a call that waited for the login that failed had better wait on: a server that has just started knows its
    /// users in a moment, and an answer that is overdue may come yet.
    pub fn may_still_succeed(&self) -> bool {
        self.late.is_some() || matches!(self.refresh, Refresh::Pausing(Pause { class: Class::Starting, .. }))
    }

    /// An answer came: whatever was unreachable is back, so the next login need not wait for that, but for a fourth look.
    pub(super) fn end_outage(&mut self, now: Time) {
        let fourth = self.fourth_look();
        let Refresh::Pausing(pause) = &mut self.refresh else { return };
        match pause.class.is_outage() {
            true if fourth > now => pause.until = pause.until.min(fourth),
            true => self.refresh = Refresh::Idle,
            false => {}
        }
    }

    /// The token has been refused for its own sake, and nobody has a usable one any more: what is left of a pause that was
    /// chosen while callers were served is cut short.
    pub(super) fn starve(&mut self, now: Time) {
        self.end_outage(now);
        let fourth = self.fourth_look();
        let Refresh::Pausing(pause) = &mut self.refresh else { return };
        match pause.class {
            Class::Overloaded | Class::Protocol if !pause.asked_for => {
                let (shortest, longest) = if pause.answered_well { (0.5, 3.0) } else { (5.0, 30.0) };
                let rest = Duration::from_secs_f64(shortest + self.rng.f64() * (longest - shortest));
                pause.until = pause.until.min((now + rest).max(fourth));
            }
            _ => {}
        }
    }

    /// A server took a token.
    pub(super) fn note_good_answer(&mut self) {
        if let Refresh::Pausing(pause) = &mut self.refresh {
            pause.answered_well = true;
        }
    }

    /// A server was seen to be down, by a request.
    pub fn server_unreachable(&mut self, now: Time) {
        self.backoff.server_unreachable(now);
    }

    /// A server that used to take requests without a token has refused one. Authentication seems to have been switched
    /// on, so that logins may have become possible. Whether one is worth trying now.
    pub(crate) fn auth_switched_on(&mut self, now: Time) -> bool {
        self.allow_attempt(now)
    }

    /// Something has changed that may make the servers think better of these credentials. Not too often: perhaps only
    /// some paths are open to everybody.
    pub(super) fn allow_attempt(&mut self, now: Time) -> bool {
        let may = self.is_refused() && self.refusals[0].is_none_or(|at| now.saturating_sub(at) > THREE_REFUSALS);
        if may {
            self.refresh = Refresh::Idle;
        }
        may
    }

    /// Somebody has chosen these credentials anew, so their refusals are forgotten. The next login still keeps its
    /// distance from the last attempt: a program may choose a wrong password again with every request.
    pub(crate) fn clear_failures(&mut self) {
        if self.is_refused() {
            self.refresh = Refresh::Idle;
            self.backoff.reset();
            self.refusals = [None; 3];
        }
    }

    /// Somebody knows better than whatever the pause there is was chosen for. The next login still keeps its distance from
    /// the last attempt.
    pub(crate) fn end_pause(&mut self) {
        if let Refresh::Pausing(_) = self.refresh {
            self.refresh = Refresh::Idle;
            self.backoff.reset();
            self.refusals = [None; 3];
            self.guarded = None;
        }
    }

    /// From now on logins use other credentials, of which nothing is known.
    pub(crate) fn credentials_changed(&mut self) {
        self.clear_failures();
        if self.guarded.is_some() {
            self.refusals = [None; 3]; // they were of the others
        }
        self.was_good = false;
    }
}
