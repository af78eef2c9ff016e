//! One session: who logs in where. All handles of the process with the same credentials at the same servers share its token,
//! its one login in progress and its pauses.

use std::{
    collections::hash_map::RandomState,
    hash::BuildHasher,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::sync::Notify;

use super::{
    cache::Snapshot,
    credentials::{Source, Supplied},
    handle::{Handle, Lease},
    lease::Purpose,
    question::Question,
    servers::{Server, ServerList},
    state::{Inherited, Locked, Shared, State},
};
use crate::{
    cause::Cause,
    error::{Error, Result},
    http::{Settings, Transport},
    lifecycle::{Demand, Issued, LoginError, Machine, Occasion, Pauses, RefreshState, Time, TokenState},
    observe::{Count, Event, Outcome},
    protocol::{
        login::{IssuedToken, Reason},
        openness::Openness,
        place::TokenPlace,
        server::Server as Address,
    },
    secret::Secret,
    sys::{clock, lock::Mutex},
    wait::Promise,
};

/// How often a password file or a callback is looked at again while what it gave is refused.
const BETWEEN_LOOKS: Duration = Duration::from_secs(15);

/// Whom to talk to, and how.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Origin {
    pub(crate) servers: Vec<Address>,
    pub(crate) settings: Settings,
    /// Where tokens ride: servers may take them in one place and not in another.
    pub(crate) token_in: TokenPlace,
}

pub(crate) struct Session {
    pub(crate) origin: Origin,
    pub(crate) source: Source,
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) servers: ServerList,
    pub(super) question: Question<Result<Supplied>>,
    /// A call that finds out whether the servers ask for tokens.
    pub(super) examination: Mutex<Option<Promise<Option<Openness>>>>,
    /// Told when nobody wants the login under way any more.
    pub(super) abandoned: Notify,
    shared: Shared,
    /// The generation that a server took last.
    pub(super) accepted: AtomicU64,
}

/// What is left of a session that nobody uses any more.
#[derive(Clone)]
pub(super) struct Left {
    pauses: Option<Pauses>,
    /// The error that led to them.
    error: Option<Error>,
    /// Until when each server wants to be left alone by logins.
    holds: Vec<Time>,
}

/// The processes forked from one parent inherit its keys: clock and process id tell them apart. (fastrand's own seed asks for
/// the handle of the thread, which nobody frees for threads of the host.)
fn seed() -> u64 {
    RandomState::new().hash_one(()) ^ clock::now().as_nanos() as u64 ^ (u64::from(std::process::id()) << 32)
}

/// How a login ends: with the server that gave the token, if one did.
pub(super) type LoginOutcome = Result<(IssuedToken, Option<usize>), (LoginError, Error)>;

/// What a caller who asks for a token gets.
pub(super) enum Ask {
    Answered(Result<Lease>),
    /// Wait until the count of ended logins is not `ended` any more, or until `patience` is over: then ask again.
    Wait {
        ended: u64,
        patience: Option<Duration>,
    },
}

/// The present state.
pub(crate) struct Gauges {
    pub(crate) generation: u64,
    pub(crate) remaining_ms: i64,
    pub(crate) retry_in: Duration,
    pub(crate) token: TokenState,
    pub(crate) refresh: RefreshState,
}

/// What the refresher is to do for a session.
pub(crate) struct Plan {
    /// A login is due: its number.
    pub(crate) login: Option<u64>,
    /// See whether the source has something better than what is being refused.
    pub(crate) look: bool,
    /// When to ask again at the latest.
    pub(crate) next: Option<Time>,
}

impl Session {
    pub(super) fn new(origin: Origin, source: Source, transport: Arc<dyn Transport>, left: Option<Left>) -> Self {
        let session = |machine, error| Self::with(origin, source.clone(), transport, machine, Vec::new(), error);
        let Source::Token { token, ends } = &source else {
            let is_ahead = |left: &Left| left.pauses.as_ref().is_some_and(|pauses| pauses.is_ahead_of(clock::now()));
            let Some(Left { pauses, error, holds }) = left.filter(|left| !is_ahead(left)) else {
                return session(Machine::new(seed()), None);
            };
            let machine = pauses.map_or_else(|| Machine::new(seed()), |pauses| Machine::with_pauses(seed(), pauses));
            let session = session(machine, error);
            session.servers.hold(&holds);
            return session;
        };
        let session = session(Machine::external(seed()), None);
        session.give(token.clone(), *ends);
        session
    }

    /// The same session in the child of a fork: nothing of the parent's locks, threads and connections, but its token and
    /// its pauses, unless the child has another clock.
    pub(super) fn forked(parent: &Self, source: Source, transport: Arc<dyn Transport>) -> Self {
        // Of another clock all of it would mean something else: a pause of seconds would last for days.
        let inherited = parent.shared.inherited().filter(|state| !state.machine.is_ahead_of(clock::now()));
        let Some(Inherited { machine, snapshots, last_error, failing_since }) = inherited else {
            return Self::new(parent.origin.clone(), source, transport, None);
        };
        let child = Self::with(parent.origin.clone(), source, transport, machine.forked(seed()), snapshots, last_error);
        child.lock().failing_since = failing_since;
        child.servers.hold(&parent.servers.holds());
        child
    }

    fn with(
        origin: Origin,
        source: Source,
        transport: Arc<dyn Transport>,
        machine: Machine,
        snapshots: Vec<Arc<Snapshot>>,
        last_error: Option<Error>,
    ) -> Self {
        let servers = ServerList::new(&origin.servers, seed() as usize);
        let (handles, supplied, openness) = (Vec::new(), None, None);
        let (looked, denial) = (Time::ZERO, None);
        let failing_since = None;
        let state =
            State { machine, snapshots, handles, last_error, failing_since, supplied, looked, openness, denial };
        Self {
            origin,
            source,
            transport,
            servers,
            question: Question::default(),
            examination: Mutex::default(),
            abandoned: Notify::new(),
            shared: Shared::new(state),
            accepted: AtomicU64::new(0),
        }
    }

    pub(super) fn lock(&self) -> Locked<'_> {
        self.shared.lock()
    }

    /// The token that somebody else got.
    fn give(&self, token: Secret, ends: Option<Time>) {
        let (mut state, now) = (self.lock(), clock::now());
        let generation = Snapshot::next_generation();
        let ttl = ends.map(|ends| ends.saturating_sub(now));
        state.machine.give(Issued { generation, ttl, same: false, sent: now, server: None }, now);
        state.put(Snapshot { generation, token, expiry: ends.unwrap_or(Time::MAX) });
    }

    /// From now on tokens are published to `handle` as well. The one there is comes with the first lease: nothing may
    /// be cached before a refresher runs that will invalidate it in time.
    pub(super) fn attach(&self, handle: &Arc<Handle>) {
        let mut state = self.lock();
        state.handles.retain(|h| h.strong_count() > 0 && h.as_ptr() != Arc::as_ptr(handle));
        state.handles.push(Arc::downgrade(handle));
    }

    /// Whether no handle is left.
    pub(super) fn detach(&self, handle: &Arc<Handle>) -> bool {
        let mut state = self.lock();
        state.handles.retain(|h| h.strong_count() > 0 && h.as_ptr() != Arc::as_ptr(handle));
        handle.cache.invalidate();
        state.handles.is_empty()
    }

    /// A handle comes over from `old`, with other credentials of the same user: the token there is serves on.
    pub(crate) fn inherit(&self, old: &Self) {
        let old = old.lock();
        let (machine, snapshots) = (old.machine.clone(), old.snapshots.clone());
        drop(old);
        let mut state = self.lock();
        if state.machine.inherit(&machine) {
            state.snapshots = snapshots;
        }
    }

    /// The user whose tokens these are, if that is known.
    pub(crate) fn user(&self) -> Option<String> {
        self.source.user().map(str::to_owned).or_else(|| match &self.lock().supplied {
            Some(Supplied::Password(credentials)) => Some(credentials.username.clone()),
            _ => None,
        })
    }

    /// No handle may use the token without asking.
    pub(super) fn invalidate_caches(&self) {
        self.lock().handles().for_each(|handle| handle.cache.invalidate());
    }

    /// How long connecting may take: as the most patient handle has it.
    pub(super) fn connect_timeout(&self) -> Duration {
        self.lock().handles().map(|handle| handle.connect_timeout).max().unwrap_or(Duration::from_secs(2))
    }

    /// How many logins have ended.
    pub(super) fn logins_ended(&self) -> u64 {
        self.shared.logins_ended()
    }

    /// A token for `handle`, or what to wait for; `left` is how long the caller can wait, who may have waited for a login
    /// that failed. With `cacheable` the handle may keep the token: a refresher runs that will invalidate it in time.
    pub(super) fn ask(
        &self,
        handle: &Handle,
        left: Duration,
        cacheable: bool,
        has_waited: bool,
        purpose: Purpose,
    ) -> Ask {
        let mut state = self.lock();
        let now = clock::now();
        if purpose == Purpose::Request && state.machine.probe(now) {
            // The one that refused it is at the front of the list.
            self.servers.rotate();
            return Ask::Answered(state.lease(false));
        }
        let probe = state.machine.next_probe(now).filter(|_| purpose == Purpose::Request);
        match state.machine.demand(now) {
            Demand::Serve { expired } => {
                // Not to a handle that has been closed or has moved on in the meantime.
                if cacheable && state.handles.iter().any(|h| std::ptr::eq(h.as_ptr(), handle)) {
                    handle.cache.store(state.snapshot(), state.machine.cacheable(now));
                }
                Ask::Answered(state.lease(expired))
            }
            Demand::Fail { .. } if has_waited && state.machine.may_still_succeed() => {
                Ask::Wait { ended: self.logins_ended(), patience: probe.map(|at| at.saturating_sub(now)) }
            }
            Demand::Fail { retry_at } => {
                let rejected = state.machine.refresh_state() == RefreshState::CredentialsRejected;
                handle.counters.count(if rejected { Count::SuppressedByRejection } else { Count::SuppressedByPause });
                Ask::Answered(Err(state.error(now, retry_at)))
            }
            Demand::Wait { patience } => match state.machine.retry_at() {
                // The next attempt comes too late for this call, so what the last one said is all there is.
                Some(retry_at) if patience.is_none() && retry_at > now + left => {
                    Ask::Answered(Err(state.error(now, retry_at)))
                }
                _ => {
                    let until = [patience, probe].into_iter().flatten().min();
                    Ask::Wait { ended: self.logins_ended(), patience: until.map(|at| at.saturating_sub(now)) }
                }
            },
        }
    }

    /// What the last login left to those who waited for it: a token, or the error they all share, or neither, if it
    /// brought a token that has been refused since.
    pub(super) fn outcome(&self) -> Option<Result<Lease>> {
        self.lock().outcome()
    }

    /// Whether calls that waited for a login that failed had better wait on.
    pub(super) fn may_still_succeed(&self) -> bool {
        self.lock().machine.may_still_succeed()
    }

    /// What is to be done now; invalidates the token in caches when its time has come.
    pub(crate) fn tick(&self, now: Time) -> Plan {
        let mut state = self.lock();
        let login = state.machine.start(now);
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
        if login.is_some() {
            let names = self.servers.names();
            state.emit(|| Event::login_started(&names));
        }
        Plan { login, look, next }
    }

    /// A login is about to use this.
    pub(super) fn uses(&self, supplied: &Supplied) {
        let mut state = self.lock();
        if state.supplied.as_ref().is_some_and(|before| before != supplied) {
            state.machine.credentials_changed();
        }
        state.supplied = Some(supplied.clone());
        state.looked = clock::now();
    }

    /// The source has this now; if it is not what has been refused, the next login need not wait.
    pub(super) fn saw(&self, supplied: &Supplied) {
        let mut state = self.lock();
        if state.supplied.as_ref() != Some(supplied) {
            state.machine.clear_failures();
        }
    }

    /// Whether a server has refused this very token.
    pub(super) fn has_seen_refused(&self, token: &Secret) -> bool {
        let state = self.lock();
        state.machine.token_state(clock::now()) == TokenState::Rejected
            && state.snapshot().is_some_and(|s| s.token == *token)
    }

    /// Login `number`, sent at `sent`, is over.
    pub(super) fn finish(&self, number: u64, sent: Time, outcome: LoginOutcome) {
        let mut state = self.lock();
        let now = clock::now();
        let was_late = state.machine.refresh_state() != RefreshState::InFlight;
        match outcome {
            Ok((issued, server)) => {
                let generation = Snapshot::next_generation();
                let IssuedToken { token, ttl, .. } = issued;
                let same = state.snapshot().is_some_and(|s| s.token == token);
                let occasion = state.machine.occasion();
                if !state.machine.issued(number, Issued { generation, ttl, same, sent, server }, now) {
                    return;
                }
                let expiry = state.machine.expiry().unwrap_or(now);
                if let Some(index) = server {
                    self.servers.put_first(index);
                }
                state.put(Snapshot { generation, token, expiry });
                state.count_login(occasion, Outcome::Success);
                let from = server.map(|index| self.servers.name(Some(index)));
                state.emit(|| Event::token_refreshed(generation, expiry.saturating_sub(now), from));
                state.failing_since = None;
                if state.last_error.take().is_some() {
                    state.emit(|| Event::recovered(generation));
                }
            }
            Err((login_error, error)) => {
                let occasion = state.machine.occasion();
                if !state.machine.failed(number, login_error, now) {
                    return;
                }
                let why = match login_error {
                    LoginError::Unreachable => Outcome::Unreachable,
                    LoginError::Slow
                    | LoginError::Overdue
                    | LoginError::Guarded(..)
                    | LoginError::Answered(Reason::Overloaded | Reason::Gateway, _) => Outcome::Overloaded,
                    LoginError::Answered(Reason::Refused | Reason::Fault, _) => Outcome::Refused,
                    LoginError::NoCredentials | LoginError::Answered(Reason::MissingApi | Reason::NotNacos, _) => {
                        Outcome::Other
                    }
                };
                state.count_login(occasion, why);
                let rejected = state.machine.refresh_state() == RefreshState::CredentialsRejected;
                let retry_in = state.machine.retry_at().unwrap_or(now).saturating_sub(now);
                state.emit(|| Event::login_failed(error.clone().with_retry_after(retry_in), rejected));
                state.last_error = Some(error);
                state.failing_since.get_or_insert(now);
                // Whether servers do well from now on is worth knowing.
                self.accepted.store(0, Ordering::Relaxed);
                if !was_late {
                    self.servers.rotate();
                }
            }
        }
        state.publish(now);
        state.login_ended = true;
    }

    /// A server failed, so that others are asked first for a while.
    pub(crate) fn mark_down(&self, server: &Server, why: Cause) {
        if server.mark_down(clock::now()) {
            let is_only_one = !self.servers.has_choice();
            self.lock().emit(|| Event::server_down(server.address.name(), why, is_only_one));
        }
    }

    pub(crate) fn emit(&self, event: impl Fn() -> Event) {
        self.lock().emit(event);
    }

    /// A server could not be reached by a request.
    pub(crate) fn server_unreachable(&self) {
        self.lock().machine.server_unreachable(clock::now());
    }

    /// None of the servers can be reached but what is no Nacos, as far as is known. A login shows whether it has become one.
    pub(crate) fn misses_nacos(&self) {
        let mut state = self.lock();
        let now = clock::now();
        state.machine.look_again(now);
        state.publish(now);
    }

    /// Whether the login under way is for a token that still works.
    pub(super) fn is_renewing(&self) -> bool {
        self.lock().machine.occasion() == Occasion::Renewal
    }

    /// The machine, for a login that has to know how often the credentials may be shown.
    pub(super) fn with_machine<T>(&self, ask: impl FnOnce(&mut Machine, Time) -> T) -> T {
        ask(&mut self.lock().machine, clock::now())
    }

    /// The credentials have been set anew, or a new handle has come with them: former refusals count no longer.
    pub(crate) fn clear_failures(&self) {
        self.lock().machine.clear_failures();
    }

    /// Whatever is being waited out is waited for no longer.
    pub(crate) fn end_pause(&self) {
        self.servers.mark_all_up();
        self.lock().machine.end_pause();
    }

    /// Whether these credentials have brought a token before, and no outage has been seen of late that would explain why
    /// they bring none now.
    pub(super) fn trusts_its_password(&self, now: Time) -> bool {
        let state = self.lock();
        state.machine.was_good() && !state.machine.had_outage(now)
    }

    /// Whether these credentials have brought a token before.
    pub(crate) fn was_good(&self) -> bool {
        self.lock().machine.was_good()
    }

    /// What is worth remembering when nobody uses the session any more.
    pub(super) fn leaves(&self) -> Option<Left> {
        let (state, now, holds) = (self.lock(), clock::now(), self.servers.holds());
        let pauses = state.machine.pauses(now);
        let is_worth_it = pauses.is_some() || holds.iter().any(|until| *until > now);
        is_worth_it.then(|| Left { pauses, error: state.last_error.clone(), holds })
    }

    pub(crate) fn gauges(&self) -> Gauges {
        self.lock().gauges(clock::now())
    }
}
