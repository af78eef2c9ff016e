//! Waiting, in a thread that has nothing else to do: until something happens, a deadline passes, somebody cancels, or
//! the client is closed.

use std::{
    future::Future,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
    time::{Duration, Instant},
};

use tokio::sync::Notify;

use crate::error::{Error, Kind};

/// Something that happens at most once, and that any number of calls wait for.
#[derive(Debug, Default)]
pub(super) struct Signal {
    given: AtomicBool,
    waiting: Notify,
}

impl Signal {
    pub(super) fn give(&self) {
        self.given.store(true, Ordering::SeqCst);
        self.waiting.notify_waiters();
    }

    pub(super) fn is_given(&self) -> bool {
        self.given.load(Ordering::SeqCst)
    }

    async fn wait(&self) {
        let mut waiting = pin!(self.waiting.notified());
        // First in the queue, then the look: a signal in between is not missed.
        waiting.as_mut().enable();
        if !self.is_given() {
            waiting.await;
        }
    }
}

/// Ends calls from another thread. Clones share one signal; once triggered it stays so.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<Signal>);

impl Cancel {
    /// A signal nobody has given yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Ends every call that carries this signal, now and later, with [`Kind::Cancelled`].
    pub fn trigger(&self) {
        self.0.give();
    }
}

/// What may end a call before it is done.
pub(super) struct Limits<'a> {
    pub(super) deadline: Instant,
    pub(super) cancel: Option<&'a Cancel>,
    pub(super) closed: &'a Signal,
}

/// The longest that anybody waits: a deadline beyond the reach of the clock is none.
const LONGEST: Duration = Duration::from_secs(365 * 86_400);

impl<'a> Limits<'a> {
    pub(super) fn new(timeout: Duration, cancel: Option<&'a Cancel>, closed: &'a Signal) -> Self {
        Self { deadline: Instant::now() + timeout.min(LONGEST), cancel, closed }
    }

    /// Ready when the caller cancels or the client closes.
    pub(super) async fn interrupted(&self) {
        match self.cancel {
            None => self.closed.wait().await,
            Some(cancel) => tokio::select! {
                () = self.closed.wait() => {}
                () = cancel.0.wait() => {}
            },
        }
    }

    /// Ready when the call is over for any reason. Within a runtime with timers.
    pub(super) async fn ended(&self) {
        tokio::select! {
            () = self.interrupted() => {}
            () = tokio::time::sleep_until(self.deadline.into()) => {}
        }
    }

    /// The error of a call that should not go on, if there is a reason already.
    pub(super) fn check(&self) -> Result<(), Error> {
        if self.closed.is_given() {
            return Err(Error::closed());
        }
        if self.cancel.is_some_and(|c| c.0.is_given()) {
            return Err(Error::new(Kind::Cancelled, "the caller cancelled the call"));
        }
        Ok(())
    }

    /// Blocks until `event` is ready (`Some`) or `until` or the deadline has passed (`None`).
    pub(super) fn wait<T>(&self, event: impl Future<Output = T>, until: Option<Instant>) -> Result<Option<T>, Error> {
        let either = async {
            tokio::select! {
                biased;
                value = event => Some(value),
                () = self.interrupted() => None,
            }
        };
        let until = until.map_or(self.deadline, |at| at.min(self.deadline));
        match block_on_until(either, until) {
            Some(Some(value)) => Ok(Some(value)),
            Some(None) => self.check().map(|()| None),
            None => Ok(None),
        }
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn block_on_until<T>(future: impl Future<Output = T>, until: Instant) -> Option<T> {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return Some(value);
        }
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return None;
        }
        thread::park_timeout(left);
    }
}
