//! The client: what a Rust user imports, and what the C functions wrap.

mod cell;
mod config;
mod counters;
mod event;
mod flight;
mod identity;
mod lease;
mod listener;
mod process;
mod publish;
mod request;
mod roster;
mod source;
mod wait;

use std::{fmt, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use parking_lot::Mutex;

pub use config::Config;
pub use event::{Event, EventKind, Level};
pub use request::{Request, Response};
pub use source::Supply;
pub use wait::Cancel;

use config::Checked;
use counters::Count;
use identity::{Gauges, Identity, Lease};
use publish::Outlet;
pub(crate) use publish::Snapshot;
use source::{Credentials, Source};
use wait::{Limits, Signal};

use crate::{
    error::{Error, Result},
    lifecycle::{RefreshState, TokenState, Verdict},
    protocol::{
        carriage::Carriage,
        rejection::{self, Rejection},
    },
    secret::Secret,
    sys::{clock, fork},
    transport::{Http, Transport},
};

/// A client of one Nacos cluster. All methods take `&self` and may be called from any thread; those that may have to
/// wait for a server say so. Must not be used inside an asynchronous runtime without its `spawn_blocking`.
///
/// Clients with the same servers, settings and credentials share one token and one login, process-wide. Works across
/// `fork`: the child keeps the token and opens connections of its own.
pub struct Client {
    carriage: Carriage,
    request_timeout: Duration,
    identity: ArcSwap<Identity>,
    outlet: Arc<Outlet>,
    closed: Signal,
    /// Held while the client moves to other credentials.
    moving: Mutex<()>,
}

/// A token, copied out.
#[derive(Clone, Debug)]
pub struct Token {
    /// The text. Opaque: some servers' tokens are not JWTs.
    pub secret: Secret,
    /// Number of the token in this process, never 0.
    pub generation: u64,
    /// Milliseconds until its reckoned expiry; negative after it.
    pub remaining_ms: i64,
    /// It is past its expiry, and served because no server could be asked for another.
    pub expired: bool,
}

/// What a caller with an HTTP stack of its own does with an answer that refuses a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Advice {
    /// Hand the answer on as it is.
    Return,
    /// Get the token again and send the request once more.
    Replay,
    /// The same, but only if sending the request twice does no harm.
    ReplayIfIdempotent,
}

/// Counters since the client was made, and its present state.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Stats {
    /// Logins that brought a token this client uses.
    pub logins: u64,
    /// Logins that did not.
    pub login_failures: u64,
    /// Calls of [`Client::request`].
    pub requests: u64,
    /// Requests repeated with a new token.
    pub replays: u64,
    /// Answers that refused a token, whatever the reason.
    pub rejections: u64,
    /// Of those: for want of a permission.
    pub rejections_permission: u64,
    /// Calls that waited for a login.
    pub waits: u64,
    /// Generation of the token; 0 if there is none.
    pub generation: u64,
    /// Milliseconds until the token's reckoned expiry.
    pub remaining_ms: i64,
    /// State of the token.
    pub token_state: TokenState,
    /// State of its renewal.
    pub refresh_state: RefreshState,
    /// Successful logins when there was no token yet.
    pub logins_first: u64,
    /// Successful logins before a token's expiry.
    pub logins_renewal: u64,
    /// Successful logins after a server refused the token.
    pub logins_rejection: u64,
    /// Failed logins: no server could be reached.
    pub failures_unreachable: u64,
    /// Failed logins: no answer in time, or too much to do (429, 502 to 504).
    pub failures_overloaded: u64,
    /// Failed logins: the credentials were refused, or the server failed over them (500).
    pub failures_refused: u64,
    /// Failed logins: the answer was not that of a Nacos, or there was nothing to log in with.
    pub failures_other: u64,
    /// Refused tokens: invalid or expired.
    pub rejections_identity: u64,
    /// Refused tokens: without saying why.
    pub rejections_unknown: u64,
    /// Calls that got the last login's error because the next login was not due yet.
    pub held_back_pause: u64,
    /// The same while the credentials counted as wrong.
    pub held_back_latch: u64,
    /// Refusals of a token that had been replaced already: answered by a replay, without a login.
    pub held_back_generation: u64,
    /// Calls that wait for a login now.
    pub waiting: u64,
    /// How long until the next login after one that failed; zero if none is waiting for its time.
    pub retry_in: Duration,
}

impl Client {
    /// Checks `config`. Opens no connection and starts no thread: the first token does.
    ///
    /// # Errors
    /// [`Kind::InvalidConfig`](crate::Kind::InvalidConfig), with the name of the setting and what to write instead.
    pub fn new(config: Config) -> Result<Self> {
        let checked = config.check()?;
        let settings = checked.origin.settings.clone();
        Self::over(checked, || Ok(Arc::new(Http::new(&settings)?)))
    }

    fn over(checked: Checked, connect: impl FnOnce() -> Result<Arc<dyn Transport>>) -> Result<Self> {
        fork::watch();
        let identity = process::current().identity(&checked.origin, &checked.source, connect)?;
        let outlet = Arc::new(Outlet::new(checked.listener));
        identity.attach(&outlet);
        Ok(Self {
            carriage: checked.carriage,
            request_timeout: checked.request_timeout,
            identity: ArcSwap::new(identity),
            outlet,
            closed: Signal::default(),
            moving: Mutex::new(()),
        })
    }

    /// The token. Almost always from the cache, without blocking; waits for a login if there is none, at most
    /// [`Config::request_timeout`].
    ///
    /// # Errors
    /// Those of the login, [`Kind::Timeout`](crate::Kind::Timeout), [`Kind::Closed`](crate::Kind::Closed).
    pub fn token(&self) -> Result<Token> {
        self.token_within(self.request_timeout, None)
    }

    /// The same with a deadline and a signal of its own.
    ///
    /// # Errors
    /// As [`token`](Self::token), and [`Kind::Cancelled`](crate::Kind::Cancelled).
    pub fn token_within(&self, timeout: Duration, cancel: Option<&Cancel>) -> Result<Token> {
        self.read_token(timeout, cancel, |snapshot, expired| Token {
            secret: snapshot.token.clone(),
            generation: snapshot.generation,
            remaining_ms: snapshot.remaining_ms(clock::now()),
            expired,
        })
    }

    /// Shows the token to `read` without copying it.
    #[inline]
    pub(crate) fn read_token<T>(
        &self,
        timeout: Duration,
        cancel: Option<&Cancel>,
        read: impl FnOnce(&Snapshot, bool) -> T,
    ) -> Result<T> {
        if let Some(cached) = self.outlet.cached()
            && let Some(snapshot) = cached.as_ref()
        {
            return Ok(read(snapshot, false));
        }
        let limits = Limits::new(timeout, cancel, &self.closed);
        let lease = self.lease(&self.identity()?, &limits)?;
        Ok(read(&lease.snapshot, lease.expired))
    }

    /// Sends `request` with the token on it, and blocks until the answer is complete. If the answer shows that the
    /// token is not valid (any more), logs in and sends it once more. HTTP statuses are not errors.
    ///
    /// # Errors
    /// Those of the login if there is no token, those of the connection, [`Kind::Timeout`](crate::Kind::Timeout), [`Kind::Cancelled`](crate::Kind::Cancelled),
    /// [`Kind::Closed`](crate::Kind::Closed), [`Kind::InvalidArgument`](crate::Kind::InvalidArgument).
    pub fn request(&self, request: Request) -> Result<Response> {
        request::request(self, request)
    }

    /// For callers with an HTTP stack of their own: a request with the token of `generation` was answered with
    /// `status` and `body`; what now? Never blocks on a server.
    ///
    /// # Errors
    /// [`Kind::Closed`](crate::Kind::Closed).
    pub fn report_rejected(&self, generation: u64, status: u16, body: &[u8]) -> Result<Advice> {
        if self.closed.is_given() {
            return Err(Error::closed());
        }
        let identity = self.identity()?;
        let Some(why) = rejection::classify(status, body) else {
            identity.accepted(generation);
            return Ok(Advice::Return);
        };
        let verdict = self.note_rejection(&identity, generation, why, None);
        if verdict != Verdict::Return {
            self.outlet.counters.count(Count::Replays);
        }
        Ok(match verdict {
            Verdict::Return => Advice::Return,
            Verdict::Replay => Advice::Replay,
            Verdict::ReplayIfIdempotent => Advice::ReplayIfIdempotent,
        })
    }

    /// From now on logs in as `username` with `password`, wherever the credentials came from before. Does not block: the
    /// next call that wants a token logs in. Calls under way keep the token they have.
    ///
    /// Of another user, the old token is not used any more. Of the same user it is, until a login with the new password
    /// has brought another: a changed password ends no token, and the servers of a cluster learn it one after the other. If
    /// they refuse the new password, [`Stats`] and [`Config::on_event`] tell, and calls only when the old token ends.
    ///
    /// # Errors
    /// [`Kind::InvalidArgument`](crate::Kind::InvalidArgument), [`Kind::Closed`](crate::Kind::Closed).
    pub fn set_credentials(&self, username: &str, password: &str) -> Result<()> {
        self.move_to(Source::Password(Credentials::check(username.into(), password.into(), Error::argument)?))
    }

    /// From now on uses `token`, which somebody else got, for its life `ttl` (`None`: until a server refuses it), and
    /// logs in no more. Does not block.
    ///
    /// # Errors
    /// [`Kind::InvalidArgument`](crate::Kind::InvalidArgument), [`Kind::Closed`](crate::Kind::Closed).
    pub fn set_token(&self, token: &str, ttl: Option<Duration>) -> Result<()> {
        self.move_to(Source::token(token.into(), ttl, Error::argument)?)
    }

    fn move_to(&self, source: Source) -> Result<()> {
        if self.closed.is_given() {
            return Err(Error::closed());
        }
        let _one_at_a_time = self.moving.lock();
        let old = self.identity()?;
        let process = process::current();
        let new = process.identity(&old.origin, &source, || Ok(old.transport.clone()))?;
        if Arc::ptr_eq(&old, &new) {
            return Ok(());
        }
        if !new.is_attached() {
            // Perhaps they were refused in former days. Whoever sets them now has a reason to.
            new.forgive();
        }
        if old.user().is_some_and(|user| Some(user) == new.user()) {
            new.inherit(&old);
        }
        old.detach(&self.outlet);
        process.left(&old);
        new.attach(&self.outlet);
        self.identity.store(new.clone());
        if self.closed.is_given() {
            // It happened meanwhile, and may have detached the old one only.
            new.detach(&self.outlet);
        }
        Ok(())
    }

    /// Counters and state.
    pub fn stats(&self) -> Stats {
        let get = |count| self.outlet.counters.get(count);
        let sum = |counts: &[Count]| counts.iter().map(|count| get(*count)).sum();
        let Gauges { generation, remaining_ms, retry_in, token, refresh } = self.identity.load().gauges();
        Stats {
            logins: sum(&[Count::LoginsFirst, Count::LoginsRenewal, Count::LoginsRejection]),
            login_failures: sum(&[
                Count::FailuresUnreachable,
                Count::FailuresOverloaded,
                Count::FailuresRefused,
                Count::FailuresOther,
            ]),
            requests: get(Count::Requests),
            replays: get(Count::Replays),
            rejections: sum(&[Count::RejectionsIdentity, Count::RejectionsPermission, Count::RejectionsUnknown]),
            rejections_permission: get(Count::RejectionsPermission),
            waits: get(Count::Waits),
            generation,
            remaining_ms,
            token_state: token,
            refresh_state: refresh,
            logins_first: get(Count::LoginsFirst),
            logins_renewal: get(Count::LoginsRenewal),
            logins_rejection: get(Count::LoginsRejection),
            failures_unreachable: get(Count::FailuresUnreachable),
            failures_overloaded: get(Count::FailuresOverloaded),
            failures_refused: get(Count::FailuresRefused),
            failures_other: get(Count::FailuresOther),
            rejections_identity: get(Count::RejectionsIdentity),
            rejections_unknown: get(Count::RejectionsUnknown),
            held_back_pause: get(Count::HeldBackPause),
            held_back_latch: get(Count::HeldBackLatch),
            held_back_generation: get(Count::HeldBackGeneration),
            waiting: get(Count::Waiting),
            retry_in,
        }
    }

    /// Ends every call under way with [`Kind::Closed`](crate::Kind::Closed), and every later one. Does not wait for a login or a server,
    /// but for a function of the caller's own that is running (see [`Config::on_event`]) in another thread.
    pub fn close(&self) {
        self.closed.give();
        if let Ok(identity) = self.identity() {
            identity.detach(&self.outlet);
            process::current().left(&identity);
        }
        if let Some(listener) = &self.outlet.listener {
            // What has happened is told, be the program ever so short.
            process::current().tell_rest(listener);
            listener.shut();
        }
    }

    /// The identity, in the process we are in.
    fn identity(&self) -> Result<Arc<Identity>> {
        let seen = self.identity.load_full();
        if seen.process == fork::generation() {
            return Ok(seen);
        }
        let own = process::current().adopt(&seen)?;
        own.attach(&self.outlet);
        self.identity.store(own.clone());
        // The parent's connections must not be shut down from here.
        std::mem::forget(seen);
        Ok(own)
    }

    fn lease(&self, identity: &Arc<Identity>, limits: &Limits<'_>) -> Result<Lease> {
        lease::lease(&process::current(), identity, &self.outlet, limits)
    }

    fn cached_lease(&self) -> Option<Lease> {
        let snapshot = self.outlet.cached()?.as_ref()?.clone();
        Some(Lease { snapshot, expired: false })
    }

    fn note_rejection(&self, identity: &Identity, generation: u64, why: Rejection, server: Option<usize>) -> Verdict {
        let counters = &self.outlet.counters;
        counters.count(match why {
            Rejection::Identity => Count::RejectionsIdentity,
            Rejection::Permission => Count::RejectionsPermission,
            Rejection::Unknown | Rejection::Misconfigured => Count::RejectionsUnknown,
        });
        let verdict = identity.rejected(generation, why, server);
        if verdict == Verdict::Replay && identity.has_newer(generation) {
            counters.count(Count::HeldBackGeneration);
        }
        verdict
    }

    fn carriage(&self) -> Carriage {
        self.carriage
    }

    /// The deadline of calls that set none.
    pub(crate) fn request_timeout(&self) -> Duration {
        self.request_timeout
    }

    pub(crate) fn outlet(&self) -> &Outlet {
        &self.outlet
    }

    fn closed(&self) -> &Signal {
        &self.closed
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.close();
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.identity.load().roster.names();
        f.debug_struct("Client").field("servers", &names).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod situations;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod wire;
