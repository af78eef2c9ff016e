//! WHEN to log in. A pure state machine: time and randomness come in as arguments, decisions go out as values.
//! It knows no socket, no clock, no thread and no lock, so that every situation is a plain test.
//!
//! Two states that do not touch each other: the token's (none, fresh, advisory, mandatory, expired, rejected) and the
//! refresh's (idle, in flight, pausing). A failure changes only the second: a failed refresh never takes away a token
//! that still works.

// Public is what the simulator drives; without its feature nobody outside reaches it.
#![cfg_attr(not(feature = "simulation"), allow(unreachable_pub))]

mod backoff;
mod window;

use std::time::Duration;

use fastrand::Rng;

pub use backoff::Setback;
use backoff::{Class, Ladder, Pause};
use window::Window;

use crate::protocol::rejection::Rejection;

/// A moment, counted from any fixed origin.
pub type Time = Duration;

/// At least this long between two attempts.
const BETWEEN_ATTEMPTS: Duration = Duration::from_secs(1);
/// At least this long between two successful logins, for tokens that live a minute or more.
const BETWEEN_LOGINS: Duration = Duration::from_secs(30);
/// A 403 that does not say why costs at most one login in this time.
const BETWEEN_UNKNOWN: Duration = Duration::from_secs(60);
/// Credentials that are refused cost the servers three logins in this, time-outs and chances ahead of their time included.
const THREE_REFUSALS: Duration = Duration::from_secs(15 * 60);
/// How long a flight may keep callers waiting who hold a token that may still work.
const PATIENCE: Duration = Duration::from_secs(2);
/// A token refused at this age has surely worked before, whether anybody said so or not.
const PROVEN_AGE: Duration = Duration::from_secs(10);
/// A pause that ends this soon is waited out by callers rather than answered with the last error.
const IMMINENT: Duration = Duration::from_secs(2);

#[derive(Clone, Debug)]
struct Token {
    generation: u64,
    /// When its login was sent, and when the answer came.
    sent: Time,
    issued: Time,
    /// The server that gave it, if that is known.
    home: Option<usize>,
    window: Window,
    /// The life it began with; `window` shrinks when a server hands out the same token again.
    whole: Duration,
    rejected: bool,
    /// Refused without a word why: worth a login, but good to use until that has shown more.
    doubted: bool,
    /// Got with other credentials of the same user: served until a login with the present ones has brought another.
    inherited: bool,
    /// Some server has taken it.
    accepted: bool,
    /// Refused when it was new, although the one before it had been taken: perhaps by one path or server only.
    contested: bool,
}

#[derive(Clone, Debug)]
enum Refresh {
    Idle,
    InFlight { number: u64, since: Time },
    Pausing(Pause),
}

/// What a caller who wants a token is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Demand {
    /// Use the token there is.
    Serve { expired: bool },
    /// Wait for the end of a login, until `patience` (if given) with the token there is as a consolation.
    Await { patience: Option<Time> },
    /// Take the last error; the next login comes at `retry_at`.
    Fail { retry_at: Time },
}

/// What to do with an answer that refuses a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Hand it to the caller.
    Return,
    /// Ask for the token again and send the request once more.
    Replay,
    /// The same, if the request may be sent twice.
    ReplayIfIdempotent,
}

/// A new token, as far as the machine needs to know it.
#[derive(Clone, Copy, Debug)]
pub struct Issued {
    /// Number of the token, given by the caller, rising, never 0.
    pub generation: u64,
    /// What the server said, if that was usable.
    pub ttl: Option<Duration>,
    /// The server handed out the very token that is held already.
    pub same: bool,
    /// When the login was *sent*.
    pub sent: Time,
    /// The server that gave it, if that is known.
    pub server: Option<usize>,
}

/// What a login is good for, for statistics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Occasion {
    /// There is no token yet.
    First,
    /// The token is about to expire.
    Renewal,
    /// A server refused the token.
    Rejection,
}

/// State of the token, for statistics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum TokenState {
    None,
    Fresh,
    Advisory,
    Mandatory,
    Expired,
    Rejected,
}

/// State of the refresh, for statistics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum RefreshState {
    Idle,
    InFlight,
    BackingOff,
    Latched,
}

/// The life of one identity's token.
#[derive(Clone, Debug)]
pub struct Machine {
    rng: Rng,
    token: Option<Token>,
    refresh: Refresh,
    ladder: Ladder,
    /// Somebody came for a token and there was no usable one.
    wanted: bool,
    /// A login with these credentials has succeeded.
    was_good: bool,
    flights: u64,
    last_attempt: Option<Time>,
    last_login: Option<Time>,
    last_unknown: Option<Time>,
    /// The last three logins since the last success that may have cost a server a look at the password, the oldest first.
    refusals: [Option<Time>; 3],
    /// Generations refused in a row, none of them ever accepted.
    refused_in_a_row: u32,
    /// Some server has taken the token before this one.
    worked_before: bool,
    /// When a token was given up last.
    given_up: Option<Time>,
    /// The servers that refused a token of another one's, and when.
    strangers: Vec<(usize, Time)>,
}

impl Machine {
    /// A machine without a token; `seed` is for its dice.
    pub fn new(seed: u64) -> Self {
        Self {
            rng: Rng::with_seed(seed),
            token: None,
            refresh: Refresh::Idle,
            ladder: Ladder::default(),
            wanted: false,
            was_good: false,
            flights: 0,
            last_attempt: None,
            last_login: None,
            last_unknown: None,
            refusals: [None; 3],
            refused_in_a_row: 0,
            worked_before: false,
            given_up: None,
            strangers: Vec::new(),
        }
    }

    /// The machine of a child process: the same token and the same pauses, but its own dice, its own window and none of
    /// the parent's flights.
    pub(crate) fn forked(&self, seed: u64) -> Self {
        let mut child = self.clone();
        child.rng = Rng::with_seed(seed);
        if let Refresh::InFlight { .. } = child.refresh {
            child.refresh = Refresh::Idle;
        }
        if let Some(token) = &mut child.token {
            token.window = token.window.redraw(&mut child.rng, token.whole);
        }
        child
    }

    /// The user has other credentials now, with which `self` begins. The token of `old` ends with none of that: it is
    /// served until the first login has brought another, and if that login is refused, until servers refuse it.
    pub(crate) fn inherit(&mut self, old: &Self) -> bool {
        let Some(token) = old.token.as_ref().filter(|t| !t.rejected && self.token.is_none()) else { return false };
        self.token = Some(Token { doubted: true, inherited: true, ..token.clone() });
        true
    }

    /// A caller wants a token.
    pub fn demand(&mut self, now: Time) -> Demand {
        if let Some(token) = self.token.as_ref().filter(|t| !t.rejected) {
            let serve = Demand::Serve { expired: now >= token.window.expiry };
            let since = match self.refresh {
                Refresh::InFlight { since, .. } => since,
                _ => now,
            };
            let soon = if token.doubted { now + BETWEEN_ATTEMPTS } else { now };
            let renewal = self.login_due().is_none_or(|due| due <= soon);
            let waits = (token.doubted || now >= token.window.mandatory) && renewal && now < since + PATIENCE;
            return if waits { Demand::Await { patience: Some(since + PATIENCE) } } else { serve };
        }
        self.wanted = true;
        match self.refresh {
            Refresh::Pausing(Pause { until, class }) if now < until => {
                let recovers = matches!(class, Class::Unreachable | Class::Starting) && until - now <= IMMINENT;
                if recovers { Demand::Await { patience: None } } else { Demand::Fail { retry_at: until } }
            }
            _ => Demand::Await { patience: None },
        }
    }

    /// Starts a login if one is due; its number goes back into [`issued`](Self::issued) or [`failed`](Self::failed).
    pub fn start(&mut self, now: Time) -> Option<u64> {
        if self.login_due()? > now {
            return None;
        }
        self.flights += 1;
        self.wanted = false;
        self.last_attempt = Some(now);
        self.refresh = Refresh::InFlight { number: self.flights, since: now };
        Some(self.flights)
    }

    /// When [`start`](Self::start) should be called, or callers told that their copy of the token is not the thing to
    /// use any more, whichever comes first. `None`: nothing to do until something happens.
    pub fn next_due(&self, now: Time) -> Option<Time> {
        let stale = self.token.as_ref().filter(|t| !t.rejected).map(|t| t.window.mandatory).filter(|at| *at > now);
        [self.login_due(), stale].into_iter().flatten().min()
    }

    fn login_due(&self) -> Option<Time> {
        let mut due = match (&self.token, self.wanted) {
            (Some(token), _) if token.doubted || (token.inherited && !token.rejected) => Time::ZERO,
            (Some(token), _) if !token.rejected => token.window.advisory,
            (_, true) => Time::ZERO,
            _ => return None,
        };
        match self.refresh {
            Refresh::InFlight { .. } => return None,
            Refresh::Pausing(pause) => due = due.max(pause.until),
            Refresh::Idle => {}
        }
        if let Some(last) = self.last_attempt {
            due = due.max(last + BETWEEN_ATTEMPTS);
        }
        if let (Some(last), Some(token)) = (self.last_login, &self.token)
            && !token.rejected
            && !token.doubted
            && token.whole >= 2 * BETWEEN_LOGINS
        {
            due = due.max(last + BETWEEN_LOGINS);
        }
        Some(due)
    }

    /// Flight `number` brought a token. False if that flight is none of ours any more.
    pub fn issued(&mut self, number: u64, issued: Issued, now: Time) -> bool {
        if !self.lands(number) {
            return false;
        }
        self.refresh = Refresh::Idle;
        if !self.is_refused_everywhere() {
            self.ladder.reset();
        }
        let first = !self.was_good;
        self.was_good = true;
        self.last_login = Some(now);
        self.refusals = [None; 3];
        let Issued { generation, ttl, same, sent, server: home } = issued;
        let life = window::believable(ttl);
        let draw = |rng: &mut Rng, whole| Window::draw(rng, sent, life.min(whole), whole, first);
        let (window, whole) = match &self.token {
            // The server's token cache: no progress. Without a usable tokenTtl the old reckoning stands.
            Some(old) if same && ttl.is_none() => (old.window, old.whole),
            Some(old) if same && life < old.whole => (draw(&mut self.rng, old.whole), old.whole),
            _ => (draw(&mut self.rng, life), life),
        };
        self.worked_before = self.token.as_ref().is_some_and(|t| t.accepted);
        self.token = Some(Token {
            generation,
            sent,
            issued: now,
            home,
            window,
            whole,
            rejected: false,
            doubted: false,
            inherited: false,
            accepted: false,
            contested: false,
        });
        true
    }

    /// Flight `number` failed. False if that flight is none of ours any more.
    pub fn failed(&mut self, number: u64, setback: Setback, now: Time) -> bool {
        if !self.lands(number) {
            return false;
        }
        let starving = self.token.as_ref().is_none_or(|t| t.rejected || now >= t.window.mandatory);
        let mut pause = self.ladder.pause(&mut self.rng, now, setback, self.was_good, starving);
        // A server that did not answer in time works the login off all the same, and nobody knows what came of it.
        let unheard = !self.was_good && setback == Setback::Slow;
        if unheard || matches!(pause.class, Class::Suspect | Class::Latched) {
            self.refusals = [self.refusals[1], self.refusals[2], self.last_attempt];
            if let Some(first) = self.refusals[0] {
                let fourth = first + THREE_REFUSALS.mul_f64(1.0 + 0.4 * self.rng.f64());
                pause.until = pause.until.max(fourth);
            }
        }
        self.refresh = Refresh::Pausing(pause);
        if let Some(token) = &mut self.token {
            token.doubted = false;
        }
        true
    }

    fn lands(&self, number: u64) -> bool {
        matches!(self.refresh, Refresh::InFlight { number: n, .. } if n == number)
    }

    /// A server refused the token of `generation`; which one, if that is known.
    pub fn rejected(&mut self, generation: u64, why: Rejection, server: Option<usize>, now: Time) -> Verdict {
        if matches!(why, Rejection::Permission | Rejection::Misconfigured) {
            return Verdict::Return;
        }
        let replay = if why == Rejection::Identity { Verdict::Replay } else { Verdict::ReplayIfIdempotent };
        let Some(token) = self.token.as_mut().filter(|t| t.generation == generation && !t.rejected) else {
            // A late answer: the token has been replaced, or is about to be. But two in a row mean that none helps.
            return if self.refused_in_a_row < 2 { replay } else { Verdict::Return };
        };
        if why == Rejection::Unknown {
            return self.doubt(now);
        }
        // While a secret changes node by node, a token is good at the nodes that have the secret of its home.
        let stranger = server.filter(|at| token.home.is_some_and(|home| home != *at));
        // Asked for before the last one was given up, it may well be of the same old secret.
        let early = self.given_up.is_some_and(|at| token.sent < at);
        if let Some(at) = stranger {
            self.strangers.retain(|(_, when)| now - *when < BETWEEN_LOGINS);
            if self.strangers.iter().any(|(server, _)| *server == at) {
                return Verdict::Return;
            }
            self.strangers.push((at, now));
        } else if !early {
            let age = now - token.issued;
            if token.contested && age < BETWEEN_LOGINS {
                return Verdict::Return;
            }
            if age >= PROVEN_AGE {
                self.refused_in_a_row = 0;
            }
            if self.refused_in_a_row == 1 && self.worked_before {
                // No reason to keep it from the others, who may fare better. If they do not, the next one is given up.
                token.contested = true;
                return Verdict::Return;
            }
            self.refused_in_a_row += 1;
        }
        token.rejected = true;
        self.given_up = Some(now);
        if self.refused_in_a_row >= 2 && !matches!(self.refresh, Refresh::InFlight { .. }) {
            let overloaded = Setback::Answered(crate::protocol::login::Reason::Overloaded, None);
            let pause = self.ladder.pause(&mut self.rng, now, overloaded, true, true);
            self.refresh = Refresh::Pausing(pause);
            return Verdict::Return;
        }
        self.end_outage();
        // A server with authentication off takes tokens long expired, and refuses logins; this one has it on again.
        self.take_chance(now);
        replay
    }

    /// The token was refused without a word why: perhaps not for its own sake, so it is not given up for that.
    fn doubt(&mut self, now: Time) -> Verdict {
        self.end_outage();
        let Some(token) = &mut self.token else { return Verdict::Return };
        if !token.doubted {
            let pausing = matches!(self.refresh, Refresh::Pausing(pause) if now < pause.until);
            if pausing || self.last_unknown.is_some_and(|at| now - at < BETWEEN_UNKNOWN) {
                return Verdict::Return;
            }
            self.last_unknown = Some(now);
            token.doubted = true;
        }
        Verdict::ReplayIfIdempotent
    }

    /// A server accepted the token of `generation`.
    pub fn accepted(&mut self, generation: u64) {
        if self.token.as_ref().is_some_and(|t| t.generation == generation) {
            if self.is_refused_everywhere() {
                self.ladder.reset();
            }
            self.refused_in_a_row = 0;
            self.token.iter_mut().for_each(|t| t.accepted = true);
        }
    }

    /// A server was seen to be down, by a request.
    pub fn saw_down(&mut self, now: Time) {
        self.ladder.saw_down(now);
    }

    /// A server that used to take requests without a token has refused one. Authentication seems to have been switched
    /// on, so that logins may have become possible. Whether one is worth trying now.
    pub(crate) fn closed_itself(&mut self, now: Time) -> bool {
        self.take_chance(now)
    }

    /// Something has changed that may make the servers think better of these credentials. Not too often: perhaps only
    /// some paths are open to everybody.
    fn take_chance(&mut self, now: Time) -> bool {
        let may = self.is_refused() && self.refusals[0].is_none_or(|at| now - at > THREE_REFUSALS);
        if may {
            self.refresh = Refresh::Idle;
        }
        may
    }

    /// Somebody has chosen these credentials anew, so whatever made them look wrong is forgotten.
    pub(crate) fn forgive(&mut self) {
        if self.is_refused() {
            self.refresh = Refresh::Idle;
            self.ladder.reset();
            self.refusals = [None; 3];
        }
    }

    /// From now on logins use other credentials, of which nothing is known.
    pub(crate) fn credentials_changed(&mut self) {
        self.forgive();
        self.was_good = false;
    }

    /// Whether the last logins were refused for their credentials' sake.
    pub(crate) fn is_refused(&self) -> bool {
        matches!(self.refresh, Refresh::Pausing(Pause { class: Class::Suspect | Class::Latched, .. }))
    }

    /// What a login is good for now.
    pub(crate) fn occasion(&self) -> Occasion {
        match &self.token {
            None => Occasion::First,
            Some(token) if token.rejected || token.doubted => Occasion::Rejection,
            Some(_) => Occasion::Renewal,
        }
    }

    /// Whether these credentials have brought a token before.
    pub(crate) fn was_good(&self) -> bool {
        self.was_good
    }

    /// Whether servers were unreachable a short while ago.
    pub(crate) fn saw_outage(&self, now: Time) -> bool {
        self.ladder.saw_outage(now)
    }

    /// An answer came: whatever was unreachable is back, so the next login need not wait.
    fn end_outage(&mut self) {
        if matches!(self.refresh, Refresh::Pausing(Pause { class: Class::Unreachable, .. })) {
            self.refresh = Refresh::Idle;
        }
    }

    /// The generation that may be used without asking again, if there is one.
    pub(crate) fn cacheable(&self, now: Time) -> Option<u64> {
        let token = self.token.as_ref().filter(|t| !t.rejected && !t.doubted && now < t.window.mandatory)?;
        Some(token.generation)
    }

    /// When a pause after a failed login ends with another, if there is one.
    pub(crate) fn retry_at(&self) -> Option<Time> {
        match self.refresh {
            Refresh::Pausing(pause) => {
                Some(self.last_attempt.map_or(pause.until, |at| pause.until.max(at + BETWEEN_ATTEMPTS)))
            }
            Refresh::Idle | Refresh::InFlight { .. } => None,
        }
    }

    /// When the token is reckoned to expire.
    pub(crate) fn expiry(&self) -> Option<Time> {
        self.token.as_ref().map(|t| t.window.expiry)
    }

    /// Two generations in a row were refused although both were fresh: a failure of the servers, not of a login.
    pub(crate) fn is_refused_everywhere(&self) -> bool {
        self.refused_in_a_row >= 2
    }

    pub(crate) fn token_state(&self, now: Time) -> TokenState {
        match &self.token {
            None => TokenState::None,
            Some(t) if t.rejected => TokenState::Rejected,
            Some(t) if now >= t.window.expiry => TokenState::Expired,
            Some(t) if now >= t.window.mandatory => TokenState::Mandatory,
            Some(t) if now >= t.window.advisory => TokenState::Advisory,
            Some(_) => TokenState::Fresh,
        }
    }

    pub(crate) fn refresh_state(&self) -> RefreshState {
        match self.refresh {
            Refresh::Idle => RefreshState::Idle,
            Refresh::InFlight { .. } => RefreshState::InFlight,
            Refresh::Pausing(Pause { class: Class::Latched, .. }) => RefreshState::Latched,
            Refresh::Pausing(_) => RefreshState::BackingOff,
        }
    }
}

#[cfg(test)]
mod invariants;
#[cfg(test)]
mod situations;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod world;
