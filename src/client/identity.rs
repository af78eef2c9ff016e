//! One identity: who logs in where. All handles of the process with the same identity share its token, its one login
//! in progress and its pauses.

use std::{
    sync::{
        Arc, Weak,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use tokio::sync::watch;

use super::{
    config::Origin,
    counters::Count,
    event::Event,
    listener::Queue,
    publish::{Outlet, Snapshot},
    roster::{Entry, Roster},
    source::{Source, Supplied},
};
use crate::{
    error::{Error, Kind, Result},
    lifecycle::{Demand, Issued, LoginError, Machine, Occasion, RefreshState, Time, TokenState, Verdict},
    protocol::{
        login::{IssuedToken, Reason},
        rejection::Rejection,
    },
    secret::Secret,
    sys::{clock, fork},
    transport::Transport,
};

/// How long a server is taken for open (or for closed) after a request without a token showed it.
const OPENNESS: Duration = Duration::from_secs(60);
/// How often a password file or a callback is looked at again while what it gave is refused.
const BETWEEN_LOOKS: Duration = Duration::from_secs(15);

pub(super) struct Identity {
    pub(super) origin: Origin,
    pub(super) source: Source,
    pub(super) transport: Arc<dyn Transport>,
    pub(super) roster: Roster,
    /// The process whose threads and locks this one uses: see [`fork`].
    pub(super) process: u64,
    news: Arc<Queue>,
    state: Mutex<State>,
    /// Counts flights that have ended; waiters watch it.
    turn: watch::Sender<u64>,
    /// The generation that a server took last.
    accepted: AtomicU64,
}

struct State {
    machine: Machine,
    snapshot: Option<Arc<Snapshot>>,
    outlets: Vec<Weak<Outlet>>,
    last_error: Option<Error>,
    /// What the last login used, and when its source was looked at last.
    supplied: Option<Supplied>,
    looked: Time,
    /// What a request without a token showed while no login succeeded: does the server ask for one? Until when to
    /// believe it.
    open: Option<(bool, Time)>,
}

/// The processes forked from one parent inherit its generator: clock and process id tell them apart.
fn seed() -> u64 {
    fastrand::u64(..) ^ clock::now().as_nanos() as u64 ^ (u64::from(std::process::id()) << 32)
}

/// How a login ends.
/// With the server that gave the token, if one did.
pub(super) type Landing = Result<(IssuedToken, Option<usize>), (LoginError, Error)>;

/// What a caller who asks for a token gets.
pub(super) enum Ask {
    Answered(Result<Lease>),
    /// Wait until `turn` changes, that is until a login has ended, or until `patience` is over: then ask again.
    Wait {
        turn: watch::Receiver<u64>,
        patience: Option<Duration>,
    },
}

/// The present state.
pub(super) struct Gauges {
    pub(super) generation: u64,
    pub(super) remaining_ms: i64,
    pub(super) retry_in: Duration,
    pub(super) token: TokenState,
    pub(super) refresh: RefreshState,
}

/// A token to use for one request.
pub(crate) struct Lease {
    pub(crate) snapshot: Arc<Snapshot>,
    pub(crate) expired: bool,
}

/// What the refresher is to do for an identity.
pub(super) struct Plan {
    /// A login is due: its number.
    pub(super) flight: Option<u64>,
    /// See whether the source has something better than what is being refused.
    pub(super) look: bool,
    /// When to ask again at the latest.
    pub(super) next: Option<Time>,
}

/// What an identity is made of.
pub(super) struct Parts {
    pub(super) origin: Origin,
    pub(super) source: Source,
    pub(super) transport: Arc<dyn Transport>,
    pub(super) news: Arc<Queue>,
}

impl Identity {
    pub(super) fn new(parts: Parts) -> Self {
        Self::with_state(parts, Machine::new(seed()), None, None)
    }

    /// The same identity in the child of a fork: nothing of the parent's locks, threads and connections, but its
    /// token and its pauses, unless the parent was changing them in that very moment.
    pub(super) fn forked(parent: &Self, parts: Parts) -> Self {
        let (machine, snapshot, error) = match parent.state.try_lock() {
            Some(state) => (state.machine.forked(seed()), state.snapshot.clone(), state.last_error.clone()),
            None => (Machine::new(seed()), None, None),
        };
        Self::with_state(parts, machine, snapshot, error)
    }

    fn with_state(
        Parts { origin, source, transport, news }: Parts,
        machine: Machine,
        snapshot: Option<Arc<Snapshot>>,
        last_error: Option<Error>,
    ) -> Self {
        let roster = Roster::new(&origin.servers, seed() as usize);
        let (outlets, supplied, open) = (Vec::new(), None, None);
        let state = State { machine, snapshot, outlets, last_error, supplied, looked: Time::ZERO, open };
        let (turn, _) = watch::channel(0);
        Self {
            origin,
            source,
            transport,
            roster,
            process: fork::generation(),
            news,
            state: Mutex::new(state),
            turn,
            accepted: AtomicU64::new(0),
        }
    }

    /// From now on tokens are published to `outlet` as well. The one there is comes with the first lease: nothing may
    /// be cached before a refresher runs that will withdraw it in time.
    pub(super) fn attach(&self, outlet: &Arc<Outlet>) {
        let mut state = self.state.lock();
        state.outlets.retain(|o| o.strong_count() > 0 && o.as_ptr() != Arc::as_ptr(outlet));
        state.outlets.push(Arc::downgrade(outlet));
    }

    pub(super) fn detach(&self, outlet: &Arc<Outlet>) {
        self.state.lock().outlets.retain(|o| o.as_ptr() != Arc::as_ptr(outlet));
        outlet.withdraw();
    }

    /// A handle comes over from `old`, with other credentials of the same user: the token there is serves on.
    pub(super) fn inherit(&self, old: &Self) {
        let old = old.state.lock();
        let (machine, snapshot) = (old.machine.clone(), old.snapshot.clone());
        drop(old);
        let mut state = self.state.lock();
        if state.machine.inherit(&machine) {
            state.snapshot = snapshot;
        }
    }

    /// The user whose tokens these are, if that is known.
    pub(super) fn user(&self) -> Option<String> {
        self.source.user().map(str::to_owned).or_else(|| match &self.state.lock().supplied {
            Some(Supplied::Password(credentials)) => Some(credentials.username.clone()),
            _ => None,
        })
    }

    /// No handle may use the token without asking.
    pub(super) fn withdraw(&self) {
        self.state.lock().outlets.iter().filter_map(Weak::upgrade).for_each(|outlet| outlet.withdraw());
    }

    /// Whether any handle uses this identity.
    pub(super) fn is_attached(&self) -> bool {
        self.state.lock().outlets.iter().any(|o| o.strong_count() > 0)
    }

    /// Whether a login is under way.
    pub(super) fn is_in_flight(&self) -> bool {
        self.state.lock().machine.refresh_state() == RefreshState::InFlight
    }

    /// A token for `outlet`'s handle, or what to wait for; `left` is how long the caller can wait. With `cacheable`
    /// the handle may keep the token: a refresher runs that will withdraw it in time.
    pub(super) fn ask(&self, outlet: &Outlet, left: Duration, cacheable: bool) -> Ask {
        let now = clock::now();
        let mut state = self.state.lock();
        match state.machine.demand(now) {
            Demand::Serve { expired } => {
                // Not to a handle that has been closed or has moved on in the meantime.
                if cacheable && state.outlets.iter().any(|o| std::ptr::eq(o.as_ptr(), outlet)) {
                    outlet.publish(state.snapshot.as_ref(), state.machine.cacheable(now));
                }
                Ask::Answered(state.lease(expired))
            }
            Demand::Fail { retry_at } => {
                let latched = state.machine.refresh_state() == RefreshState::Latched;
                outlet.counters.count(if latched { Count::HeldBackLatch } else { Count::HeldBackPause });
                Ask::Answered(Err(state.error(now, retry_at)))
            }
            Demand::Wait { patience } => match state.machine.retry_at() {
                // The next attempt comes too late for this call, so what the last one said is all there is.
                Some(retry_at) if patience.is_none() && retry_at > now + left => {
                    Ask::Answered(Err(state.error(now, retry_at)))
                }
                _ => Ask::Wait { turn: self.turn.subscribe(), patience: patience.map(|at| at.saturating_sub(now)) },
            },
        }
    }

    /// What the last flight left to those who waited for it: a token, or the error they all share, or neither, if it
    /// brought a token that has been refused since.
    pub(super) fn outcome(&self) -> Option<Result<Lease>> {
        self.state.lock().outcome()
    }

    /// What is to be done now; withdraws the token from caches when its time has come.
    pub(super) fn tick(&self, now: Time) -> Plan {
        let mut state = self.state.lock();
        let flight = state.machine.start(now);
        let mut next = state.machine.next_due(now);
        let mut look = false;
        if !self.source.is_fixed() && state.machine.is_refused() {
            look = now >= state.looked + BETWEEN_LOOKS;
            if look {
                state.looked = now;
            }
            let again = state.looked + BETWEEN_LOOKS;
            next = Some(next.map_or(again, |next| next.min(again)));
        }
        state.publish(now);
        if flight.is_some() {
            self.tell(&state, || Event::login_started(&self.roster.names()));
        }
        Plan { flight, look, next }
    }

    /// A login is about to use this.
    pub(super) fn uses(&self, supplied: &Supplied) {
        let mut state = self.state.lock();
        if state.supplied.as_ref().is_some_and(|before| before != supplied) {
            state.machine.credentials_changed();
        }
        state.supplied = Some(supplied.clone());
        state.looked = clock::now();
    }

    /// The source has this now; if it is not what has been refused, the next login need not wait.
    pub(super) fn saw(&self, supplied: &Supplied) {
        let mut state = self.state.lock();
        if state.supplied.as_ref() != Some(supplied) {
            state.machine.clear_failures();
        }
    }

    /// Whether a server has refused this very token.
    pub(super) fn has_seen_refused(&self, token: &Secret) -> bool {
        let state = self.state.lock();
        state.machine.token_state(clock::now()) == TokenState::Rejected
            && state.snapshot.as_ref().is_some_and(|s| s.token == *token)
    }

    /// Flight `number`, sent at `sent`, is over.
    pub(super) fn land(&self, number: u64, sent: Time, landing: Landing) {
        let now = clock::now();
        let mut state = self.state.lock();
        match landing {
            Ok((grant, server)) => {
                let generation = Snapshot::next_generation();
                let same = state.snapshot.as_ref().is_some_and(|s| s.token == grant.token);
                let occasion = state.machine.occasion();
                if !state.machine.issued(number, Issued { generation, ttl: grant.ttl, same, sent, server }, now) {
                    return;
                }
                let expiry = state.machine.expiry().unwrap_or(now);
                state.snapshot = Some(Arc::new(Snapshot { generation, token: grant.token, expiry }));
                state.count(match occasion {
                    Occasion::First => Count::LoginsFirst,
                    Occasion::Renewal => Count::LoginsRenewal,
                    Occasion::Rejection => Count::LoginsRejection,
                });
                self.tell(&state, || Event::token_refreshed(generation, expiry.saturating_sub(now)));
                if state.last_error.take().is_some() {
                    self.tell(&state, || Event::recovered(generation));
                }
            }
            Err((setback, error)) => {
                if !state.machine.failed(number, setback, now) {
                    return;
                }
                state.count(match setback {
                    LoginError::Unreachable => Count::FailuresUnreachable,
                    LoginError::Slow | LoginError::Answered(Reason::Overloaded, _) => Count::FailuresOverloaded,
                    LoginError::Answered(Reason::Refused | Reason::Fault, _) => Count::FailuresRefused,
                    LoginError::NoCredentials | LoginError::Answered(Reason::MissingApi | Reason::NotNacos, _) => {
                        Count::FailuresOther
                    }
                });
                let latched = state.machine.refresh_state() == RefreshState::Latched;
                let retry_at = state.machine.retry_at().unwrap_or(now);
                self.tell(&state, || {
                    Event::login_failed(error.clone().with_retry_after(retry_at.saturating_sub(now)), latched)
                });
                state.last_error = Some(error);
                self.roster.turn();
            }
        }
        state.publish(now);
        drop(state);
        self.turn.send_modify(|turn| *turn += 1);
    }

    /// Tells every handle that wants to know.
    fn tell(&self, state: &State, event: impl Fn() -> Event) {
        for outlet in state.outlets.iter().filter_map(Weak::upgrade) {
            if let Some(listener) = &outlet.listener {
                self.news.push(listener.clone(), event());
            }
        }
    }

    /// A server could not be reached.
    pub(super) fn went_down(&self, entry: &Entry) {
        if entry.went_down(clock::now()) {
            self.tell(&self.state.lock(), || Event::server_down(entry.server.name()));
        }
    }

    /// A server refused the token of `generation` (0: there was none); which one, if that is known.
    pub(super) fn rejected(&self, generation: u64, why: Rejection, server: Option<usize>) -> Verdict {
        let now = clock::now();
        let mut state = self.state.lock();
        let before = state.machine.occasion();
        let verdict = state.machine.rejected(generation, why, server, now);
        if before != Occasion::Rejection && state.machine.occasion() == Occasion::Rejection {
            let why = if why == Rejection::Identity { "invalid or expired" } else { "without saying why" };
            self.tell(&state, || Event::token_rejected(generation, why));
        }
        if state.machine.is_refused_everywhere() && verdict == Verdict::Return {
            let names = self.roster.names();
            let message = format!(
                "{names}: two tokens in a row were refused although both were new; do the servers share one secret and one clock?"
            );
            state.last_error = Some(Error::new(Kind::Forbidden, message).with_http_status(403));
        }
        state.publish(now);
        verdict
    }

    /// Whether the token of `generation` has been replaced.
    pub(super) fn has_newer(&self, generation: u64) -> bool {
        self.state.lock().snapshot.as_ref().is_some_and(|s| s.generation > generation)
    }

    /// A server took the token of `generation`.
    pub(super) fn accepted(&self, generation: u64) {
        if self.accepted.load(Ordering::Relaxed) == generation {
            return; // as nearly always; the lock is for news
        }
        self.accepted.store(generation, Ordering::Relaxed);
        self.state.lock().machine.accepted(generation);
    }

    /// A server could not be reached by a request.
    pub(super) fn saw_down(&self) {
        self.state.lock().machine.server_unreachable(clock::now());
    }

    /// Whether it is worth sending a request without a token: no login succeeds, but authentication may be off.
    pub(super) fn may_be_open(&self) -> bool {
        self.state.lock().open.is_none_or(|(open, until)| open || clock::now() >= until)
    }

    /// What a request without a token showed. Whether a login may have become possible by that.
    pub(super) fn is_open(&self, open: bool) -> bool {
        let now = clock::now();
        let mut state = self.state.lock();
        let was_open = state.open.replace((open, now + OPENNESS)).is_some_and(|(was_open, _)| was_open);
        was_open && !open && state.machine.auth_switched_on(now)
    }

    /// The credentials have been set anew: a refusal of former days counts no longer.
    pub(super) fn forgive(&self) {
        self.state.lock().machine.clear_failures();
    }

    /// Whether these credentials have brought a token before, and no outage has been seen of late that would explain why
    /// they bring none now.
    pub(super) fn trusts_its_password(&self, now: Time) -> bool {
        let state = self.state.lock();
        state.machine.was_good() && !state.machine.had_outage(now)
    }

    /// Whether these credentials have brought a token before.
    pub(super) fn was_good(&self) -> bool {
        self.state.lock().machine.was_good()
    }

    pub(super) fn gauges(&self) -> Gauges {
        let now = clock::now();
        let state = self.state.lock();
        let (generation, remaining_ms) =
            state.snapshot.as_ref().map_or((0, 0), |s| (s.generation, s.remaining_ms(now)));
        let retry_in = state.machine.retry_at().map_or(Duration::ZERO, |at| at.saturating_sub(now));
        let (token, refresh) = (state.machine.token_state(now), state.machine.refresh_state());
        Gauges { generation, remaining_ms, retry_in, token, refresh }
    }
}

impl State {
    /// Shows every handle the token there is.
    fn publish(&self, now: Time) {
        let usable = self.machine.cacheable(now);
        for outlet in self.outlets.iter().filter_map(Weak::upgrade) {
            outlet.publish(self.snapshot.as_ref(), usable);
        }
    }

    fn count(&self, what: Count) {
        self.outlets.iter().filter_map(Weak::upgrade).for_each(|o| o.counters.count(what));
    }

    fn lease(&self, expired: bool) -> Result<Lease> {
        let snapshot = self.snapshot.clone().ok_or_else(|| Error::new(Kind::Internal, "a token without a text"))?;
        Ok(Lease { snapshot, expired })
    }

    fn outcome(&self) -> Option<Result<Lease>> {
        match self.machine.token_state(clock::now()) {
            TokenState::None | TokenState::Rejected => {
                let error = self.last_error.clone()?;
                let after = self.machine.retry_at().map(|at| at.saturating_sub(clock::now()));
                Some(Err(after.into_iter().fold(error, Error::with_retry_after)))
            }
            state => Some(self.lease(state == TokenState::Expired)),
        }
    }

    fn error(&self, now: Time, retry_at: Time) -> Error {
        let unknown = || Error::new(Kind::Internal, "a pause without a reason");
        self.last_error.clone().unwrap_or_else(unknown).with_retry_after(retry_at.saturating_sub(now))
    }
}
