//! The client: what a Rust user imports, and what the C functions wrap.

mod anonymous;
mod call;
mod config;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod health;
mod metrics;
mod operation;
mod report;
mod request;
mod send;
mod stats;

use std::{
    fmt, slice,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;

pub use config::{Anonymous, Config};
pub use health::{Health, HealthStatus};
pub use metrics::{METRICS_CONTENT_TYPE, metrics};
pub use report::{Advice, Advised, Report};
pub use request::{Request, Response};
pub use stats::Stats;

pub(crate) use operation::{Complete, Slot};

use config::Checked;
use operation::Operations;

use crate::sys::lock::Mutex;
use crate::{
    error::{Error, Result},
    http::{Http, Transport},
    lifecycle::{Attempts, Verdict},
    observe::{self, Count, Counters},
    protocol::{rejection::Rejection, server::Server},
    secret::Secret,
    session::{
        self, Handle, Lease, Purpose, Refusal, Session, Snapshot, TokenCache,
        credentials::{Credentials, Source},
        process,
    },
    sys::{clock, per_process::PerProcess, word::Word},
    wait::{self, Cancel, Limits, Patience, here},
};

/// A client of one Nacos cluster. All methods take `&self` and may be called from any thread; those that may have to
/// wait for a server say so. They block their thread: inside an asynchronous runtime use its `spawn_blocking`.
///
/// Clients with the same servers, settings and credentials share one token and one login, process-wide. Works across
/// `fork`: the child keeps the token and opens connections of its own.
pub struct Client {
    settings: Settings,
    closed: AtomicBool,
    /// Somebody has waited for the caller's functions, be it in vain.
    waited: AtomicBool,
    /// What readers in other languages look at: the generation that may be used without asking, or 0.
    word: Word,
    live: PerProcess<Live>,
}

/// What calls of one client go by.
struct Settings {
    anonymous: Anonymous,
    connect_timeout: Duration,
    request_timeout: Duration,
    max_connections: usize,
    max_response_size: usize,
}

/// What one client has in one process.
struct Live {
    handle: Arc<Handle>,
    session: ArcSwap<Session>,
    /// Held while the client moves to other credentials.
    moving: Mutex<()>,
    operations: Arc<Operations>,
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

impl Token {
    fn of(snapshot: &Snapshot, expired: bool) -> Self {
        Self {
            secret: snapshot.token.clone(),
            generation: snapshot.generation,
            remaining_ms: snapshot.remaining_ms(clock::now()),
            expired,
        }
    }
}

impl Client {
    /// Checks `config` and reads the files it names, which may block as long as they do. Opens no connection and starts no
    /// thread: the first token does. Former refusals of these credentials count no longer.
    ///
    /// # Errors
    /// [`Kind::InvalidConfig`](crate::Kind::InvalidConfig), with the name of the setting and what to write instead.
    pub fn new(config: Config) -> Result<Self> {
        let checked = config.check()?;
        let settings = checked.origin.settings.clone();
        // Files may be slow: nothing is locked while they are read.
        let pem = Arc::new(settings.tls.read()?);
        settings.check()?;
        let connect = || -> Result<Arc<dyn Transport>> {
            Ok(Arc::new(Http::new(&settings, pem.clone(), &process::current().resolver)?))
        };
        let client = Self::over(checked, connect)?;
        let session = client.live().session();
        session.transport.renew(pem);
        session.transport.prepare(session.origin.servers.iter().any(Server::is_https));
        Ok(client)
    }

    fn over(checked: Checked, connect: impl FnOnce() -> Result<Arc<dyn Transport>>) -> Result<Self> {
        let Checked {
            origin,
            source,
            listener,
            connect_timeout,
            request_timeout,
            max_connections,
            max_response_size,
            max_operations,
            anonymous,
        } = checked;
        let word = Word::new();
        let handle = Arc::new(Handle {
            cache: TokenCache::new(Arc::clone(&word)),
            counters: Arc::new(Counters::default()),
            listener,
            waiters: Arc::default(),
            connect_timeout,
        });
        let session = process::current().join(&handle, &origin, &source, connect)?;
        // Whoever makes a handle has a reason to think that the credentials are good.
        session.clear_failures();
        let settings = Settings { anonymous, connect_timeout, request_timeout, max_connections, max_response_size };
        let mut live = Some(Live {
            handle,
            session: ArcSwap::new(session),
            moving: Mutex::new(()),
            operations: Arc::new(Operations::new(max_operations)),
        });
        let (closed, waited) = (AtomicBool::new(false), AtomicBool::new(false));
        let client = Self { settings, closed, waited, word, live: PerProcess::new() };
        client.live.get(|_| live.take().expect("made once"));
        Ok(client)
    }

    /// What this client has in the process we are in.
    #[inline]
    fn live(&self) -> &Live {
        self.live.get(|parent| Live::forked(parent.expect("made with the client"), self))
    }

    fn limits<'a>(&'a self, live: &'a Live, timeout: Duration, cancels: &'a [Cancel]) -> Limits<'a> {
        Limits::new(timeout, cancels, &self.closed, &live.handle.waiters)
    }

    /// The token. Almost always from the cache, without blocking; waits for a login if there is none, at most
    /// [`Config::request_timeout`].
    ///
    /// # Errors
    /// Those of the login, [`Kind::Timeout`](crate::Kind::Timeout), [`Kind::Closed`](crate::Kind::Closed).
    pub fn token(&self) -> Result<Token> {
        self.token_within(self.settings.request_timeout, None)
    }

    /// The same with a deadline and a signal of its own.
    ///
    /// # Errors
    /// As [`token`](Self::token), and [`Kind::Cancelled`](crate::Kind::Cancelled).
    pub fn token_within(&self, timeout: Duration, cancel: Option<&Cancel>) -> Result<Token> {
        match self.cached_token() {
            Some(token) => Ok(token),
            None => self.read_token(timeout, cancel, false, Token::of),
        }
    }

    /// The token if it may be used without asking.
    fn cached_token(&self) -> Option<Token> {
        let token = self.read_cached(|snapshot| Token::of(snapshot, false));
        // One that is over is about to be withdrawn: the machine has slept.
        token.filter(|token| token.remaining_ms > 0)
    }

    /// The token if there is one to be had without waiting, and without blocking at all. Otherwise a login begins, if one
    /// may, and this fails with [`Kind::WouldBlock`](crate::Kind::WouldBlock): for event loops.
    ///
    /// # Errors
    /// As [`token`](Self::token).
    pub fn token_without_waiting(&self) -> Result<Token> {
        self.read_token(self.settings.request_timeout, None, true, Token::of)
    }

    /// Shows the token to `read` without copying it, if it may be used without asking.
    #[inline]
    pub(crate) fn read_cached<T>(&self, read: impl FnOnce(&Snapshot) -> T) -> Option<T> {
        let cached = self.live().handle.cache.get()?;
        cached.as_ref().map(|snapshot| read(snapshot))
    }

    /// Shows the token to `read` without copying it, after waiting for a login if need be. Apart from its callers, which seldom need
    /// it, as it takes much room on the stack.
    #[cold]
    #[inline(never)]
    pub(crate) fn read_token<T>(
        &self,
        timeout: Duration,
        cancel: Option<&Cancel>,
        no_wait: bool,
        read: impl FnOnce(&Snapshot, bool) -> T,
    ) -> Result<T> {
        let live = self.live();
        let patience = live.patience();
        let limits = self
            .limits(live, timeout, cancel.map_or(&[], slice::from_ref))
            .with_patience(patience.as_ref())
            .with_no_wait(no_wait);
        let lease = here(live.lease(&limits, Purpose::Token))?;
        Ok(read(&lease.snapshot, lease.expired))
    }

    /// Sends `request` with the token on it, and blocks until the answer is complete. If the answer shows that the
    /// token is not valid (any more), logs in and sends it once more. HTTP statuses are not errors.
    ///
    /// # Errors
    /// Those of the login if there is no token, those of the connection, [`Kind::Timeout`](crate::Kind::Timeout), [`Kind::Cancelled`](crate::Kind::Cancelled),
    /// [`Kind::Closed`](crate::Kind::Closed), [`Kind::InvalidArgument`](crate::Kind::InvalidArgument).
    pub fn request(&self, mut request: Request) -> Result<Response> {
        call::check(self, &mut request)?;
        let live = self.live();
        let patience = live.patience();
        let timeout = request.time(self.settings.request_timeout);
        let limits = self.limits(live, timeout, request.cancel.as_slice()).with_patience(patience.as_ref());
        here(call::request(self, live, &request, limits))
    }

    /// For callers with an HTTP stack of their own: what an answer to a request with a token of ours means, and what to do
    /// now. To be called for every answer; never blocks on a server.
    ///
    /// # Errors
    /// [`Kind::Closed`](crate::Kind::Closed).
    pub fn report(&self, report: &Report<'_>) -> Result<Advised> {
        self.check_open()?;
        report::report(self, report)
    }

    /// Ends whatever pause there is between logins, and takes no server for one that is down: for somebody who knows that
    /// what was wrong has been mended. Does not block. There is still a second between two logins.
    ///
    /// # Errors
    /// [`Kind::Closed`](crate::Kind::Closed).
    pub fn retry(&self) -> Result<()> {
        self.check_open()?;
        let live = self.live();
        live.session().end_pause();
        process::current().wake();
        live.handle.waiters.notify();
        Ok(())
    }

    /// From now on logs in as `username` with `password`, wherever the credentials came from before. Does not block: the
    /// next call that wants a token logs in, and calls that wait for one go over to it. Calls under way keep the token
    /// they have. Former refusals of these credentials count no longer.
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
    /// logs in no more. After its life it is still given out, as expired. Once a server has refused it, calls fail with
    /// [`Kind::BadCredentials`](crate::Kind::BadCredentials). Does not block; calls that wait for a token get this one.
    ///
    /// # Errors
    /// [`Kind::InvalidArgument`](crate::Kind::InvalidArgument), [`Kind::Closed`](crate::Kind::Closed).
    pub fn set_token(&self, token: &str, ttl: Option<Duration>) -> Result<()> {
        self.move_to(Source::token(token.into(), ttl, Error::argument)?)
    }

    fn move_to(&self, source: Source) -> Result<()> {
        self.check_open()?;
        let (live, process) = (self.live(), process::current());
        let _one_at_a_time = live.moving.lock();
        let old = live.session();
        let new = process.join(&live.handle, &old.origin, &source, || Ok(old.transport.clone()))?;
        // Perhaps they were refused in former days. Whoever sets them now has a reason to.
        new.clear_failures();
        if !Arc::ptr_eq(&old, &new) {
            if old.user().is_some_and(|user| Some(user) == new.user()) {
                new.inherit(&old);
            }
            live.session.store(new.clone());
            process.leave(&live.handle, &old);
            if self.closed.load(Ordering::SeqCst) {
                // It happened meanwhile, and may have left the old one only.
                process.leave(&live.handle, &new);
            }
        }
        process.wake();
        live.handle.waiters.notify();
        Ok(())
    }

    fn check_open(&self) -> Result<()> {
        if self.closed.load(Ordering::SeqCst) { Err(Error::closed()) } else { Ok(()) }
    }

    /// Counters and state.
    pub fn stats(&self) -> Stats {
        let live = self.live();
        Stats::of(&live.handle.counters, live.session().gauges())
    }

    /// Whether this client can do its work, from what is known: asks no server, waits for nothing, and begins no login.
    ///
    /// Before the first login that is [`HealthStatus::Unknown`]. A client without a token logs in only when a call wants one,
    /// so a probe first calls [`token_without_waiting`](Self::token_without_waiting), and goes by this whatever that said.
    pub fn health(&self) -> Health {
        let session = self.live().session();
        let condition = session.condition();
        let may = !condition.was_good;
        let closed = self.closed.load(Ordering::SeqCst);
        let anonymous = |error: &Error| may && self.settings.anonymous == Anonymous::Auto && anonymous::may_help(error);
        Health::of(condition, closed, &session.servers.names(), anonymous)
    }

    /// Ends every call under way with [`Kind::Closed`](crate::Kind::Closed), and every later one. Does not wait for a login or a server,
    /// but for a function of the caller's own that is running (see [`Config::on_event`]) in another thread, and for those
    /// that are still to be told what has happened: [`Config::request_timeout`] at the most. Called from inside such a
    /// function it waits for nothing.
    pub fn close(&self) {
        self.close_within(self.settings.request_timeout);
    }

    /// The same, waiting for `timeout` at the most; false if a function of the caller's still runs then. The client is closed
    /// all the same.
    pub fn close_within(&self, timeout: Duration) -> bool {
        self.closed.store(true, Ordering::SeqCst);
        let live = self.live();
        live.handle.waiters.interrupt();
        process::current().leave(&live.handle, &live.session());
        let until = Instant::now() + timeout.min(wait::LONGEST);
        let finished = live.operations.finish(until);
        let finished = live.handle.listener.as_ref().is_none_or(|listener| listener.close(until)) && finished;
        self.waited.fetch_or(!observe::is_inside(), Ordering::SeqCst);
        finished
    }

    /// The end of a handle: closes it, unless that has been done and the caller's functions have been waited for. Those that
    /// hang are not waited for twice.
    pub(crate) fn close_at_end(&self) {
        if !self.waited.load(Ordering::SeqCst) {
            self.close();
        }
    }

    fn note_rejection(
        &self,
        live: &Live,
        session: &Session,
        attempts: &mut Attempts,
        generation: u64,
        refusal: &Refusal<'_>,
    ) -> Verdict {
        let counters = &live.handle.counters;
        // A token that is tried again in the same request counts once.
        if !attempts.has_refused(generation) {
            counters.count(match refusal.why {
                Rejection::Identity => Count::RejectionsIdentity,
                Rejection::Permission => Count::RejectionsPermission,
                Rejection::Unknown | Rejection::Misconfigured => Count::RejectionsUnknown,
            });
        }
        let verdict = session.rejected(attempts, generation, refusal);
        if verdict == Verdict::Replay && session.has_newer(generation) {
            counters.count(Count::SuppressedByGeneration);
        }
        verdict
    }

    /// The deadline of calls that set none.
    pub(crate) fn request_timeout(&self) -> Duration {
        self.settings.request_timeout
    }

    /// The generation of the token that may be used without asking again, or 0: whoever keeps a copy of a token compares
    /// its generation with this. Costs little more than a read of memory.
    pub fn generation(&self) -> u64 {
        self.read_cached(|snapshot| if snapshot.remaining_ms(clock::now()) > 0 { snapshot.generation } else { 0 })
            .unwrap_or(0)
    }

    /// The same as a word in memory, for readers in other languages.
    pub(crate) fn generation_word(&self) -> &AtomicU64 {
        &self.word
    }
}

impl Live {
    /// In the child of a fork: the same handle, with locks, calls and connections of its own.
    fn forked(parent: &Self, client: &Client) -> Self {
        let old = &parent.handle;
        let handle = Arc::new(Handle {
            cache: TokenCache::new(Arc::clone(&client.word)),
            counters: old.counters.clone(),
            listener: old.listener.as_ref().map(|listener| Arc::new(listener.forked())),
            waiters: Arc::default(),
            connect_timeout: old.connect_timeout,
        });
        let process = process::current();
        // The parent's connections must not be shut down from here, so what holds them is never dropped.
        let seen = std::mem::ManuallyDrop::new(parent.session.load_full());
        let session = process.adopt(&handle, &seen);
        if client.closed.load(Ordering::SeqCst) {
            process.leave(&handle, &session);
        }
        // The parent's operations are the parent's.
        let operations = Arc::new(Operations::new(parent.operations.most()));
        Self { handle, session: ArcSwap::new(session), moving: Mutex::new(()), operations }
    }

    /// Whom calls that wait ask whether to go on.
    fn patience(&self) -> Option<Patience> {
        let listener = self.handle.listener.as_ref().filter(|listener| listener.may_end_calls())?.clone();
        Some(Patience::new(move || listener.keeps_waiting()))
    }

    fn session(&self) -> Arc<Session> {
        self.session.load_full()
    }

    fn cached_lease(&self) -> Option<Lease> {
        let snapshot = self.handle.cache.get()?.as_ref()?.clone();
        Some(Lease { snapshot, expired: false })
    }

    async fn lease(&self, limits: &Limits<'_>, purpose: Purpose) -> Result<Lease> {
        session::lease(process::current(), &self.handle, || self.session(), limits, purpose).await
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.close_at_end();
        process::current().settle();
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.live().session().servers.names();
        f.debug_struct("Client").field("servers", &names).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
