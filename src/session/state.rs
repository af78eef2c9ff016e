//! What changes in a session, under its lock; and what follows from a change once the lock is open.

use std::{
    ops::{Deref, DerefMut},
    sync::{
        Arc, Weak,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwapOption;

use super::{
    cache::Snapshot,
    credentials::Supplied,
    handle::{Handle, Lease},
    session::Gauges,
};
use crate::{
    error::{Error, Kind, Result},
    lifecycle::{Machine, Occasion, Time, TokenState},
    observe::{Event, Listener, Outcome},
    protocol::{openness::Openness, quote::quote_refusal},
    secret::Secret,
    sys::{
        clock,
        lock::{Mutex, MutexGuard},
    },
};

/// What changes in a session.
pub(super) struct State {
    pub(super) machine: Machine,
    /// The token in use, and those kept beside it.
    pub(super) snapshots: Vec<Arc<Snapshot>>,
    pub(super) handles: Vec<Weak<Handle>>,
    pub(super) last_error: Option<Error>,
    /// When the first login failed of those that have failed since the last success.
    pub(super) failing_since: Option<Time>,
    /// What the last login used, and when its source was looked at last.
    pub(super) supplied: Option<Supplied>,
    pub(super) looked: Time,
    /// Whether the servers ask for tokens, and until when to believe it.
    pub(super) openness: Option<(Openness, Time)>,
    /// When a missing permission was told last.
    pub(super) denial: Option<Time>,
}

/// What the child of a fork has of its parent's state.
#[derive(Clone)]
pub(super) struct Inherited {
    pub(super) machine: Machine,
    pub(super) snapshots: Vec<Arc<Snapshot>>,
    pub(super) last_error: Option<Error>,
    pub(super) failing_since: Option<Time>,
}

/// The state with its lock, and the count of ended logins, which waiters look at.
pub(super) struct Shared {
    state: Mutex<State>,
    logins_ended: AtomicU64,
    /// The state after the last login, for children that are forked while another thread has the lock.
    last: ArcSwapOption<Inherited>,
}

impl Shared {
    pub(super) fn new(state: State) -> Self {
        Self { state: Mutex::new(state), logins_ended: AtomicU64::new(0), last: ArcSwapOption::empty() }
    }

    pub(super) fn lock(&self) -> Locked<'_> {
        let state = Some(self.state.lock());
        Locked { shared: self, state, told: Vec::new(), login_ended: false, token_is_back: false }
    }

    /// In the child of a fork, of its parent's: the state, or where somebody had the lock in that very moment, that after the
    /// last login, if there was one.
    pub(super) fn inherited(&self) -> Option<Inherited> {
        let now = self.state.try_lock().map(|state| state.inherited());
        now.or_else(|| self.last.load().as_deref().cloned())
    }

    pub(super) fn logins_ended(&self) -> u64 {
        self.logins_ended.load(Ordering::SeqCst)
    }
}

/// The state, locked; what was told under the lock is delivered when it is unlocked.
pub(super) struct Locked<'a> {
    shared: &'a Shared,
    state: Option<MutexGuard<'a, State>>,
    told: Vec<Arc<Listener>>,
    pub(super) login_ended: bool,
    /// There is a token again, without a login: those who wait for one need wait no longer.
    pub(super) token_is_back: bool,
}

impl Deref for Locked<'_> {
    type Target = State;

    fn deref(&self) -> &State {
        self.state.as_ref().expect("locked until dropped")
    }
}

impl DerefMut for Locked<'_> {
    fn deref_mut(&mut self) -> &mut State {
        self.state.as_mut().expect("locked until dropped")
    }
}

impl Locked<'_> {
    /// Tells every handle that wants to know.
    pub(super) fn emit(&mut self, event: impl Fn() -> Event) {
        for listener in self.handles().filter_map(|handle| handle.listener.clone()).collect::<Vec<_>>() {
            listener.push(event());
            self.told.push(listener);
        }
    }
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        let wakes = self.login_ended || self.token_is_back;
        let waiting: Vec<_> = if wakes { self.handles().collect() } else { Vec::new() };
        if self.login_ended {
            self.shared.last.store(Some(Arc::new(self.inherited())));
            self.shared.logins_ended.fetch_add(1, Ordering::SeqCst);
        }
        self.state = None;
        waiting.iter().for_each(|handle| handle.waiters.notify());
        self.told.iter().for_each(Listener::tell_soon);
    }
}

impl State {
    fn inherited(&self) -> Inherited {
        let Self { machine, snapshots, last_error, failing_since, .. } = self;
        Inherited {
            machine: machine.clone(),
            snapshots: snapshots.clone(),
            last_error: last_error.clone(),
            failing_since: *failing_since,
        }
    }

    pub(super) fn handles(&self) -> impl Iterator<Item = Arc<Handle>> + '_ {
        self.handles.iter().filter_map(Weak::upgrade)
    }

    /// The token in use.
    pub(super) fn snapshot(&self) -> Option<&Arc<Snapshot>> {
        let generation = self.machine.generation()?;
        self.snapshots.iter().find(|snapshot| snapshot.generation == generation)
    }

    /// A new token; those that the machine has forgotten go.
    pub(super) fn put(&mut self, snapshot: Snapshot) {
        self.snapshots.push(Arc::new(snapshot));
        let machine = &self.machine;
        self.snapshots.retain(|snapshot| machine.knows(snapshot.generation));
    }

    /// Shows every handle the token there is.
    pub(super) fn publish(&self, now: Time) {
        let usable = self.machine.cacheable(now);
        self.handles().for_each(|handle| handle.cache.store(self.snapshot(), usable));
    }

    /// What a server said in a refusal, without token, password and what else is `sensitive`.
    pub(super) fn quoted(&self, body: &[u8], sensitive: &[Secret]) -> String {
        let token = self.snapshot().map(|snapshot| snapshot.token.expose());
        let password = match &self.supplied {
            Some(Supplied::Password(credentials)) => Some(credentials.password.expose()),
            _ => None,
        };
        let secrets = token.into_iter().chain(password).chain(sensitive.iter().map(Secret::expose));
        quote_refusal(body, &secrets.collect::<Vec<_>>())
    }

    pub(super) fn count_login(&self, occasion: Occasion, outcome: Outcome) {
        self.handles().for_each(|handle| handle.counters.count_login(occasion, outcome));
    }

    pub(super) fn lease(&self, expired: bool) -> Result<Lease> {
        let snapshot = self.snapshot().cloned().ok_or_else(|| Error::new(Kind::Internal, "a token without a text"))?;
        Ok(Lease { snapshot, expired })
    }

    pub(super) fn outcome(&self) -> Option<Result<Lease>> {
        match self.machine.token_state(clock::now()) {
            TokenState::None | TokenState::Rejected => {
                let error = self.last_error.clone()?;
                let after = self.machine.retry_at().map(|at| at.saturating_sub(clock::now()));
                Some(Err(after.into_iter().fold(error, Error::with_retry_after)))
            }
            state => Some(self.lease(state == TokenState::Expired)),
        }
    }

    pub(super) fn gauges(&self, now: Time) -> Gauges {
        let (generation, remaining_ms) = self.snapshot().map_or((0, 0), |s| (s.generation, s.remaining_ms(now)));
        let retry_in = self.machine.retry_at().map_or(Duration::ZERO, |at| at.saturating_sub(now));
        let (token, refresh) = (self.machine.token_state(now), self.machine.refresh_state());
        Gauges { generation, remaining_ms, retry_in, token, refresh }
    }

    pub(super) fn error(&self, now: Time, retry_at: Time) -> Error {
        let unknown = || Error::new(Kind::Internal, "a pause without a reason");
        let error = self.last_error.clone().unwrap_or_else(unknown);
        // A token from elsewhere is replaced by somebody else, or never.
        if retry_at == Time::MAX { error } else { error.with_retry_after(retry_at.saturating_sub(now)) }
    }
}
