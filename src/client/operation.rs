//! Calls that no thread of the caller's waits for: they run on the library's thread, and each is told of once, when it ends.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::{Duration, Instant},
};

use tokio::sync::oneshot;

use super::{
    Client, Live, Token, call,
    request::{Request, Response},
};
use crate::{
    cause::Cause,
    error::{Error, Kind, Result},
    http::Boxed,
    observe::{self, Dispatcher},
    session::{Purpose, process},
    sys::lock::{Condvar, Mutex},
    wait::{Cancel, Limits},
};

/// Who is told that a call has ended, and where.
pub(crate) enum Complete<T> {
    /// A function of this library's, on its thread, which others wait for.
    Here(Box<dyn FnOnce(Result<T>, Slot) + Send>),
    /// A function of the caller's, on a thread that the client has for these.
    Dispatched(Box<dyn FnOnce(Result<T>) + Send>),
}

/// The calls of one client in one process.
pub(super) struct Operations {
    most: usize,
    /// Started, and their ends not taken note of.
    slots: AtomicUsize,
    /// Started, and not told of yet.
    running: AtomicUsize,
    /// The client has been closed: somebody may wait until none runs.
    closed: AtomicBool,
    lock: Mutex<()>,
    ended: Condvar,
    dispatcher: Arc<Dispatcher>,
}

/// A place among the calls that a client may have under way, kept until somebody has taken note of the end.
pub(crate) struct Slot(Arc<Operations>);

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.slots.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A call that has not been told of.
struct Running(Arc<Operations>);

impl Drop for Running {
    fn drop(&mut self) {
        if self.0.running.fetch_sub(1, Ordering::SeqCst) == 1 && self.0.closed.load(Ordering::SeqCst) {
            drop(self.0.lock.lock());
            self.0.ended.notify_all();
        }
    }
}

impl Operations {
    pub(super) fn new(most: usize) -> Self {
        Self {
            most,
            slots: AtomicUsize::new(0),
            running: AtomicUsize::new(0),
            closed: AtomicBool::new(false),
            lock: Mutex::default(),
            ended: Condvar::default(),
            dispatcher: Arc::default(),
        }
    }

    pub(super) fn most(&self) -> usize {
        self.most
    }

    #[cfg(test)]
    pub(super) fn under_way(&self) -> usize {
        self.running.load(Ordering::SeqCst)
    }

    fn begin(self: &Arc<Self>) -> Result<(Running, Slot)> {
        let before = self.slots.fetch_add(1, Ordering::SeqCst);
        let slot = Slot(self.clone());
        if before >= self.most {
            let message = format!(
                "{} operations are under way, which is all that max_operations allows; wait until some have ended, or raise it",
                self.most
            );
            return Err(Error::new(Kind::WouldBlock, message).because(Cause::TooManyOperations));
        }
        self.running.fetch_add(1, Ordering::SeqCst);
        let running = Running(self.clone());
        // Counted first, looked then: a close either waits for this one or is seen here.
        if self.closed.load(Ordering::SeqCst) {
            return Err(Error::closed());
        }
        Ok((running, slot))
    }

    /// The client has been closed, which ends all its calls: waits until they have been told of, and no longer than `until`.
    /// False if some have not.
    pub(super) fn finish(&self, until: Instant) -> bool {
        self.closed.store(true, Ordering::SeqCst);
        self.dispatcher.close();
        if observe::is_inside() {
            return true;
        }
        let mut lock = self.lock.lock();
        while self.running.load(Ordering::SeqCst) > 0 {
            let Some(again) = self.ended.wait_until(lock, until) else { return false };
            lock = again;
        }
        true
    }
}

/// Tells of the end of a call, however it comes.
struct End<T: Send + 'static> {
    complete: Option<Complete<T>>,
    running: Option<Running>,
    slot: Option<Slot>,
}

impl<T: Send + 'static> End<T> {
    fn tell(&mut self, result: Result<T>) {
        let (Some(complete), Some(running), Some(slot)) = (self.complete.take(), self.running.take(), self.slot.take())
        else {
            return;
        };
        match complete {
            Complete::Here(function) => {
                function(result, slot);
                drop(running);
            }
            Complete::Dispatched(function) => {
                let dispatcher = running.0.dispatcher.clone();
                dispatcher.dispatch(Box::new(move || {
                    // Dropped in this order, when the function has returned.
                    let _running = running;
                    let _slot = slot;
                    function(result);
                }));
            }
        }
    }
}

impl<T: Send + 'static> Drop for End<T> {
    fn drop(&mut self) {
        // After a panic on the way here: everybody is told all the same.
        self.tell(Err(Error::new(Kind::Internal, "a fault of this library ended the call")));
    }
}

/// A call under way, as a future; the call is cancelled when this is dropped before its end.
struct Awaited<T> {
    result: oneshot::Receiver<Result<T>>,
    cancel: Cancel,
}

impl<T> Future for Awaited<T> {
    type Output = Result<T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<T>> {
        let lost = || Err(Error::new(Kind::Internal, "a fault of this library ended the call"));
        Pin::new(&mut self.result).poll(context).map(|result| result.unwrap_or_else(|_| lost()))
    }
}

impl<T> Drop for Awaited<T> {
    fn drop(&mut self) {
        self.cancel.trigger();
    }
}

/// Starts a call whose end is awaited.
async fn awaited<T: Send + 'static>(start: impl FnOnce(Vec<Cancel>, Complete<T>) -> Result<()>) -> Result<T> {
    let (tell, result) = oneshot::channel();
    let cancel = Cancel::new();
    let complete = Complete::Here(Box::new(move |result, slot| {
        drop(slot);
        let _ = tell.send(result);
    }));
    start(vec![cancel.clone()], complete)?;
    Awaited { result, cancel }.await
}

impl Client {
    /// [`request`](Self::request) for asynchronous programs, on a runtime of any kind or none: it blocks nobody. It runs on the
    /// library's thread, so that any number of calls costs no thread, and ends when the future is dropped. The function of
    /// [`Config::keep_waiting`](crate::Config::keep_waiting) is not asked.
    ///
    /// # Errors
    /// As [`request`](Self::request), and [`Kind::WouldBlock`] if as many are under way as
    /// [`Config::max_operations`](crate::Config::max_operations) allows.
    pub async fn request_async(self: &Arc<Self>, request: Request) -> Result<Response> {
        awaited(|cancels, complete| self.start_request(request, cancels, complete)).await
    }

    /// [`token`](Self::token) in the same way.
    ///
    /// # Errors
    /// As [`token`](Self::token), and [`Kind::WouldBlock`] as with [`request_async`](Self::request_async).
    pub async fn token_async(self: &Arc<Self>) -> Result<Token> {
        if let Some(token) = self.cached_token() {
            return Ok(token);
        }
        awaited(|cancels, complete| self.start_token(self.settings.request_timeout, false, cancels, complete)).await
    }

    /// Starts [`request`](Self::request) without waiting for anything. Any of `cancels` ends it. Its end may be told of
    /// before this returns.
    ///
    /// # Errors
    /// What keeps it from beginning; then `complete` is not called.
    pub(crate) fn start_request(
        self: &Arc<Self>,
        mut request: Request,
        mut cancels: Vec<Cancel>,
        complete: Complete<Response>,
    ) -> Result<()> {
        self.check_open()?;
        call::check(self, &mut request)?;
        let timeout = request.time(self.settings.request_timeout);
        cancels.extend(request.cancel.take());
        self.start(timeout, cancels, complete, |client, live, limits| {
            Box::pin(async move { call::request(client, live, &request, limits).await })
        })
    }

    /// Starts [`token_within`](Self::token_within) without waiting for anything.
    ///
    /// # Errors
    /// As [`start_request`](Self::start_request).
    pub(crate) fn start_token(
        self: &Arc<Self>,
        timeout: Duration,
        no_wait: bool,
        cancels: Vec<Cancel>,
        complete: Complete<Token>,
    ) -> Result<()> {
        self.check_open()?;
        self.start(timeout, cancels, complete, move |_, live, limits| {
            Box::pin(async move {
                let lease = live.lease(&limits.with_no_wait(no_wait), Purpose::Token).await?;
                Ok(Token::of(&lease.snapshot, lease.expired))
            })
        })
    }

    /// Has `run` run on the library's thread, ended by any of `cancels` too.
    fn start<T: Send + 'static>(
        self: &Arc<Self>,
        timeout: Duration,
        cancels: Vec<Cancel>,
        complete: Complete<T>,
        run: impl for<'a> FnOnce(&'a Client, &'a Live, Limits<'a>) -> Boxed<'a, Result<T>> + Send + 'static,
    ) -> Result<()> {
        let began = Instant::now();
        let operations = &self.live().operations;
        let (running, slot) = operations.begin()?;
        if matches!(complete, Complete::Dispatched(_)) {
            operations.dispatcher.ensure_thread().map_err(|e| process::cannot_start(&e))?;
        }
        let client = self.clone();
        // Made only where a thread runs it: what has not begun is told of to nobody.
        process::current().submit(move || {
            let mut end = End { complete: Some(complete), running: Some(running), slot: Some(slot) };
            Box::pin(async move {
                let result = {
                    let live = client.live();
                    let limits = client.limits(live, timeout.saturating_sub(began.elapsed()), &cancels).of_task();
                    limits.as_task(run(&client, live, limits)).await
                };
                // Before the end is told, so that a close that waits for that leaves nothing behind.
                drop(client);
                end.tell(result);
            })
        })
    }
}
