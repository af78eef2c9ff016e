//! Calls that no thread of the caller's waits for: they run on the library's thread, and each is told of once, when it ends.

use std::{
    sync::{Arc, Weak},
    time::{Duration, Instant},
};

use super::{
    Client, Live, Token, call,
    request::{Request, Response},
};
use crate::{
    cause::Cause,
    error::{Error, Kind, Result},
    http::Boxed,
    observe::Dispatcher,
    session::{Purpose, process},
    sys::lock::{Condvar, Mutex},
    wait::{Cancel, Limits, Subscription},
};

/// A call under way. The call goes on when this is dropped.
pub(crate) struct Operation(Cancel);

impl Operation {
    /// Has the call end soon with [`Kind::Cancelled`]; nothing happens if it has ended.
    pub(crate) fn cancel(&self) {
        self.0.trigger();
    }
}

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
    state: Mutex<State>,
    changed: Condvar,
    dispatcher: Arc<Dispatcher>,
}

#[derive(Default)]
struct State {
    /// Started, and their ends not taken note of.
    slots: usize,
    /// Started, and not told of yet.
    running: usize,
}

/// A place among the calls that a client may have under way, kept until somebody has taken note of the end.
pub(crate) struct Slot(Weak<Operations>);

impl Drop for Slot {
    fn drop(&mut self) {
        if let Some(operations) = self.0.upgrade() {
            operations.state.lock().slots -= 1;
        }
    }
}

/// A call that has not been told of.
struct Running(Arc<Operations>);

impl Drop for Running {
    fn drop(&mut self) {
        let mut state = self.0.state.lock();
        state.running -= 1;
        let is_last = state.running == 0;
        drop(state);
        if is_last {
            self.0.changed.notify_all();
        }
    }
}

impl Operations {
    pub(super) fn new(most: usize) -> Self {
        Self { most, state: Mutex::default(), changed: Condvar::default(), dispatcher: Arc::default() }
    }

    pub(super) fn most(&self) -> usize {
        self.most
    }

    fn begin(self: &Arc<Self>) -> Result<(Running, Slot)> {
        let mut state = self.state.lock();
        if state.slots >= self.most {
            let message = format!(
                "{} operations are under way, which is all that max_operations allows; wait until some have ended, or raise it",
                self.most
            );
            return Err(Error::new(Kind::WouldBlock, message).because(Cause::TooManyOperations));
        }
        state.slots += 1;
        state.running += 1;
        Ok((Running(self.clone()), Slot(Arc::downgrade(self))))
    }

    /// The client has been closed, which ends all its calls: waits until they have been told of, and no longer than `until`.
    /// False if some have not.
    pub(super) fn finish(&self, until: Instant) -> bool {
        self.dispatcher.close();
        if crate::observe::is_inside() {
            return true;
        }
        let mut state = self.state.lock();
        while state.running > 0 {
            let Some(again) = self.changed.wait_until(state, until) else { return false };
            state = again;
        }
        true
    }
}

/// Tells of the end of a call, however it comes.
struct End<T> {
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

impl<T> Drop for End<T> {
    fn drop(&mut self) {
        // A panic on the way here; everybody must be told all the same.
        let fault = || Error::new(Kind::Internal, "a fault of this library ended the call");
        if let (Some(complete), Some(slot)) = (self.complete.take(), self.slot.take()) {
            match complete {
                Complete::Here(function) => function(Err(fault()), slot),
                Complete::Dispatched(function) => function(Err(fault())),
            }
        }
    }
}

impl Client {
    /// Starts [`request`](Self::request) without waiting for anything.
    ///
    /// # Errors
    /// What keeps it from beginning; then `complete` is not called.
    pub(crate) fn start_request(
        self: &Arc<Self>,
        mut request: Request,
        cancels: Vec<&Cancel>,
        complete: Complete<Response>,
    ) -> Result<Operation> {
        self.check_open()?;
        call::check(self, &mut request)?;
        let timeout = request.time(self.settings.request_timeout);
        let own = request.cancel.take();
        let cancels = cancels.into_iter().chain(&own).collect();
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
        cancels: Vec<&Cancel>,
        complete: Complete<Token>,
    ) -> Result<Operation> {
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
        cancels: Vec<&Cancel>,
        complete: Complete<T>,
        run: impl for<'a> FnOnce(&'a Client, &'a Live, Limits<'a>) -> Boxed<'a, Result<T>> + Send + 'static,
    ) -> Result<Operation> {
        let began = Instant::now();
        let operations = &self.live().operations;
        let (running, slot) = operations.begin()?;
        if matches!(complete, Complete::Dispatched(_)) {
            operations.dispatcher.ensure_thread().map_err(process::cannot_start)?;
        }
        let process = process::current();
        process.ensure_refresher()?;
        let cancel = Cancel::new();
        let follows: Vec<Subscription> = cancels.into_iter().map(|parent| cancel.follow(parent)).collect();
        let mut end = End { complete: Some(complete), running: Some(running), slot: Some(slot) };
        let (client, own) = (self.clone(), cancel.clone());
        let task = Box::pin(async move {
            let result = {
                let live = client.live();
                let limits = client.limits(live, timeout.saturating_sub(began.elapsed()), Some(&own)).of_task();
                limits.as_task(run(&client, live, limits)).await
            };
            drop(follows);
            // Before the end is told, so that a close that waits for that leaves nothing behind.
            drop(client);
            end.tell(result);
        });
        // If no thread can be had any more, the end has been told by now.
        let _ = process.submit(task);
        Ok(Operation(cancel))
    }
}
