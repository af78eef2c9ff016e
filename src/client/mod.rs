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
mod stats;
mod wait;

use std::{fmt, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use parking_lot::Mutex;

pub use config::Config;
pub use event::{Event, EventKind, Level};
pub use request::{Request, Response};
pub use source::Supply;
pub use stats::Stats;
pub use wait::Cancel;

use config::Checked;
use counters::Count;
use identity::{Identity, Lease};
use publish::Outlet;
pub(crate) use publish::Snapshot;
use source::{Credentials, Source};
use wait::{Limits, Signal};

use crate::{
    error::{Error, Result},
    lifecycle::Verdict,
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
        Stats::of(&self.outlet.counters, self.identity.load().gauges())
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
