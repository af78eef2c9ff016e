//! The caller's own functions: how they are called, and how they are never called again.
//!
//! They run under no lock, on threads of their own, so they may call this library, take their time and close their handle.
//! Each handle has its own queue and its own thread: a function that hangs holds up its own handle only.

use std::{
    cell::Cell,
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::{Duration, Instant},
};

use arc_swap::ArcSwapOption;

use super::event::{Event, Level};
use crate::sys::lock::{Condvar, Mutex};
use crate::{secret::Secret, sys::thread};

/// Events that wait for a slow function; beyond that the oldest are forgotten.
const QUEUED: usize = 1024;

/// What a login uses, as a credentials callback gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Supply {
    /// Log in as this user.
    Password {
        /// Name of the user.
        username: String,
        /// Its password.
        password: Secret,
    },
    /// Use this token, which somebody else got: no login.
    Token {
        /// The token.
        token: Secret,
        /// How long it lives; `None`: the callback is asked again after some minutes.
        ttl: Option<Duration>,
    },
}

type CredentialsHook = Arc<dyn Fn() -> Result<Supply, String> + Send + Sync>;
type EventHook = Arc<dyn Fn(&Event) + Send + Sync>;
type LogHook = Arc<dyn Fn(&Event) + Send + Sync>;
type KeepWaitingHook = Arc<dyn Fn() -> bool + Send + Sync>;

/// What to call.
#[derive(Clone, Default)]
pub(crate) struct Hooks {
    pub(crate) credentials: Option<CredentialsHook>,
    pub(crate) event: Option<EventHook>,
    /// With the level down to which it is called.
    pub(crate) log: Option<(Level, LogHook)>,
    /// Whether a call that waits goes on.
    pub(crate) keep_waiting: Option<KeepWaitingHook>,
}

impl Hooks {
    pub(crate) fn is_empty(&self) -> bool {
        self.credentials.is_none() && self.event.is_none() && self.log.is_none() && self.keep_waiting.is_none()
    }
}

/// The functions of one handle, in one process, until it is closed.
pub(crate) struct Listener {
    hooks: Arc<ArcSwapOption<Hooks>>,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    events: VecDeque<Event>,
    /// A thread tells them.
    is_telling: bool,
    /// It has been started under this number, and has not begun: another may do it in its place.
    starting: Option<u64>,
    started: u64,
    /// Calls under way.
    running: usize,
    /// Nothing new is told any more.
    closed: bool,
}

thread_local! {
    /// How many of the caller's functions this thread is in. Needs no destructor, so it is there until the thread is gone.
    static INSIDE: Cell<usize> = const { Cell::new(0) };
}

/// Whether this thread is in one of the caller's functions.
pub(crate) fn is_inside() -> bool {
    INSIDE.get() > 0
}

/// For as long as it lives, its thread is in one of the caller's functions, or counts as being in one: it waits for none.
pub(crate) struct Inside(());

impl Inside {
    pub(crate) fn new() -> Self {
        INSIDE.set(INSIDE.get() + 1);
        Self(())
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        INSIDE.set(INSIDE.get() - 1);
    }
}

/// One call under way.
struct Running<'a>(&'a Listener, Option<Inside>);

impl<'a> Running<'a> {
    fn new(listener: &'a Listener) -> Self {
        listener.state.lock().running += 1;
        Self(listener, Some(Inside::new()))
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.1 = None;
        self.0.state.lock().running -= 1;
        self.0.changed.notify_all();
    }
}

impl Listener {
    pub(crate) fn new(hooks: Hooks) -> Self {
        Self::over(Arc::new(ArcSwapOption::from_pointee(hooks)))
    }

    fn over(hooks: Arc<ArcSwapOption<Hooks>>) -> Self {
        Self { hooks, state: Mutex::default(), changed: Condvar::default() }
    }

    /// The same functions in the child of a fork: nothing of what the parent was calling.
    pub(crate) fn forked(&self) -> Self {
        Self::over(self.hooks.clone())
    }

    /// Calls `with` with the functions, unless they are not there any more.
    fn call<R>(&self, with: impl FnOnce(&Hooks) -> R) -> Option<R> {
        let _running = Running::new(self);
        // Entered first, looked then: `close` either sees this call or is seen by it.
        let hooks = self.hooks.load_full()?;
        Some(with(&hooks))
    }

    fn tell(&self, event: &Event) {
        self.call(|hooks| {
            // A panic in there is the caller's, and has nobody to be told to.
            let _ = catch_unwind(AssertUnwindSafe(|| hooks.event.iter().for_each(|hook| hook(event))));
            let level = event.kind().level();
            let log = hooks.log.iter().filter(|(most, _)| level <= *most);
            let _ = catch_unwind(AssertUnwindSafe(|| log.for_each(|(_, hook)| hook(event))));
        });
    }

    /// Asks for credentials. Takes as long as the caller's function does.
    pub(crate) fn supply(&self) -> Result<Supply, String> {
        let ask = |hooks: &Hooks| {
            let hook = hooks.credentials.as_ref().ok_or("there is no credentials callback")?;
            catch_unwind(AssertUnwindSafe(|| hook()))
                .unwrap_or_else(|_| Err("the credentials callback panicked".into()))
        };
        let closed = || Err("the client has been closed".into());
        if self.state.lock().closed { closed() } else { self.call(ask).unwrap_or_else(closed) }
    }

    /// Whether calls that wait have somebody to ask.
    pub(crate) fn may_end_calls(&self) -> bool {
        self.hooks.load().as_ref().is_some_and(|hooks| hooks.keep_waiting.is_some())
    }

    /// Asks, on the thread that waits, whether to go on. A panic in there ends the call.
    pub(crate) fn keeps_waiting(&self) -> bool {
        let ask = |hooks: &Hooks| {
            let hook = hooks.keep_waiting.as_ref();
            hook.is_none_or(|hook| catch_unwind(AssertUnwindSafe(|| hook())).unwrap_or(false))
        };
        self.call(ask).unwrap_or(true)
    }

    /// Puts `event` behind those that wait to be told. Somebody has to call [`tell_soon`](Self::tell_soon) then.
    pub(crate) fn push(&self, event: Event) {
        let mut state = self.state.lock();
        if state.closed {
            return;
        }
        if state.events.len() == QUEUED {
            state.events.pop_front();
        }
        state.events.push_back(event);
    }

    /// Has a thread tell what waits, if none is at it.
    pub(crate) fn tell_soon(self: &Arc<Self>) {
        let number = {
            let mut state = self.state.lock();
            if state.is_telling || state.events.is_empty() {
                return;
            }
            state.is_telling = true;
            state.started += 1;
            state.starting = Some(state.started);
            state.started
        };
        let own = self.clone();
        let tell = move || {
            if own.has_turn(number) {
                own.tell_all();
            }
        };
        if thread::spawn_joined("nacos-events", tell).is_err() && self.has_turn(number) {
            // The next event, or close, tries again.
            self.state.lock().is_telling = false;
            self.changed.notify_all();
        }
    }

    /// Whether the thread started under this `number` is still the one to tell.
    fn has_turn(&self, number: u64) -> bool {
        let mut state = self.state.lock();
        state.starting.take_if(|starting| *starting == number).is_some()
    }

    /// The right to tell, for who closes: if there is something to tell, and no thread has begun to.
    fn takes_turn(&self) -> bool {
        let mut state = self.state.lock();
        let takes = state.starting.take().is_some() || !state.is_telling && !state.events.is_empty();
        state.is_telling |= takes;
        takes
    }

    /// Tells what waits, whose turn it is.
    fn tell_all(&self) {
        loop {
            let event = {
                let mut state = self.state.lock();
                match state.events.pop_front() {
                    Some(event) => event,
                    None if !state.closed => {
                        state.is_telling = false;
                        break;
                    }
                    None => {
                        drop(state);
                        // Closed from inside a function, which could not wait for this.
                        self.release();
                        self.state.lock().is_telling = false;
                        break;
                    }
                }
            };
            self.tell(&event);
        }
        self.changed.notify_all();
    }

    /// Lets go of the functions. What they hold may call the library as it goes, and close its handle once more.
    fn release(&self) {
        let _running = Running::new(self);
        self.hooks.store(None);
    }

    /// Tells what has happened so far and lets go of the functions: none of them begins after this has returned, and none
    /// runs any more. From inside any of the caller's functions it waits for nothing: what has happened so far is told by
    /// another thread then, soon. Waits no longer than `until` for a function that another thread runs: false if one still
    /// does then.
    pub(crate) fn close(self: &Arc<Self>, until: Instant) -> bool {
        self.state.lock().closed = true;
        if is_inside() {
            self.tell_soon();
            let state = self.state.lock();
            if !state.is_telling && state.events.is_empty() {
                drop(state);
                self.release();
            }
            return true;
        }
        loop {
            if self.takes_turn() {
                self.tell_all();
            }
            let state = self.state.lock();
            if !state.is_telling && state.events.is_empty() {
                break;
            }
            if self.changed.wait_until(state, until).is_none() {
                // The thread that tells lets go of the functions when it is done.
                return false;
            }
        }
        self.release();
        let mut state = self.state.lock();
        while state.running > 0 {
            let Some(again) = self.changed.wait_until(state, until) else { return false };
            state = again;
        }
        true
    }
}

#[cfg(test)]
mod tests;
