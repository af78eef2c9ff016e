//! The caller's own functions: how they are called, and how they are never called again.
//!
//! They run on a thread of their own, under no lock, one at a time in the process, so they may call this library and
//! take their time. What they miss meanwhile waits in a queue.

use std::{
    cell::RefCell,
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    ptr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use arc_swap::ArcSwapOption;
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::{
    event::{Event, Level},
    source::Supply,
};
use crate::sys::fork;

/// News that wait for a slow listener; beyond that the oldest are forgotten.
const QUEUED: usize = 1024;

pub(super) type CredentialsHook = Arc<dyn Fn() -> Result<Supply, String> + Send + Sync>;
pub(super) type EventHook = Arc<dyn Fn(&Event) + Send + Sync>;
pub(super) type LogHook = Arc<dyn Fn(Level, &str) + Send + Sync>;

/// What to call.
#[derive(Clone, Default)]
pub(super) struct Hooks {
    pub(super) credentials: Option<CredentialsHook>,
    pub(super) event: Option<EventHook>,
    /// With the level down to which it is called.
    pub(super) log: Option<(Level, LogHook)>,
}

impl Hooks {
    pub(super) fn is_empty(&self) -> bool {
        self.credentials.is_none() && self.event.is_none() && self.log.is_none()
    }
}

/// The functions of one handle, until it is closed.
pub(super) struct Listener {
    hooks: ArcSwapOption<Hooks>,
    /// Calls under way, and in the upper half the process they run in: a fork leaves them behind.
    running: AtomicU64,
}

thread_local! {
    /// The listeners whose functions this thread is in.
    static INSIDE: RefCell<Vec<*const Listener>> = const { RefCell::new(Vec::new()) };
}

/// One call under way.
struct Pass<'a>(&'a Listener);

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        INSIDE.with_borrow_mut(|inside| inside.pop());
        self.0.running.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Listener {
    pub(super) fn new(hooks: Hooks) -> Self {
        Self { hooks: ArcSwapOption::from_pointee(hooks), running: AtomicU64::new(0) }
    }

    /// Calls `with` with the functions, unless they may not be called any more.
    fn call<R>(&self, with: impl FnOnce(&Hooks) -> R) -> Option<R> {
        let here = fork::generation() << 32;
        let enter = |word: u64| Some(if word & !0xffff_ffff == here { word + 1 } else { here + 1 });
        let _ = self.running.fetch_update(Ordering::SeqCst, Ordering::SeqCst, enter);
        INSIDE.with_borrow_mut(|inside| inside.push(self));
        let _pass = Pass(self);
        // Entered first, looked then: `shut` either sees this call or is seen by it.
        let hooks = self.hooks.load_full()?;
        Some(with(&hooks))
    }

    fn tell(&self, event: &Event) {
        self.call(|hooks| {
            // A panic in there is the caller's, and has nobody to be told to.
            let _ = catch_unwind(AssertUnwindSafe(|| hooks.event.iter().for_each(|hook| hook(event))));
            let level = event.kind().level();
            let log = hooks.log.iter().filter(|(most, _)| level <= *most);
            let _ = catch_unwind(AssertUnwindSafe(|| log.for_each(|(_, hook)| hook(level, &event.to_string()))));
        });
    }

    /// Asks for credentials. Takes as long as the caller's function does.
    pub(super) fn supply(&self) -> Result<Supply, String> {
        let ask = |hooks: &Hooks| {
            let hook = hooks.credentials.as_ref().ok_or("there is no credentials callback")?;
            catch_unwind(AssertUnwindSafe(|| hook()))
                .unwrap_or_else(|_| Err("the credentials callback panicked".into()))
        };
        self.call(ask).unwrap_or_else(|| Err("the client has been closed".into()))
    }

    /// Lets go of the functions: none of them begins after this has returned, and none runs any more, unless this is
    /// called from inside one.
    pub(super) fn shut(&self) {
        let mine = INSIDE.with_borrow(|inside| inside.iter().filter(|l| ptr::eq(**l, self)).count() as u64);
        self.hooks.store(None);
        let here = fork::generation();
        let running = || Some(self.running.load(Ordering::SeqCst)).filter(|word| word >> 32 == here).unwrap_or(0);
        while running() & 0xffff_ffff > mine {
            thread::sleep(Duration::from_millis(1));
        }
    }
}

/// News on their way to listeners.
pub(super) struct Queue {
    state: Mutex<State>,
    /// Wakes whoever delivers.
    awake: Arc<Notify>,
}

#[derive(Default)]
struct State {
    news: VecDeque<(Arc<Listener>, Event)>,
    is_delivering: bool,
}

impl Queue {
    pub(super) fn new(awake: Arc<Notify>) -> Self {
        Self { state: Mutex::default(), awake }
    }

    pub(super) fn push(&self, listener: Arc<Listener>, event: Event) {
        let mut state = self.state.lock();
        if state.news.len() == QUEUED {
            state.news.pop_front();
        }
        state.news.push_back((listener, event));
        drop(state);
        self.awake.notify_one();
    }

    /// What is to be run on a thread that may block, if there is something to deliver and nobody is at it.
    pub(super) fn delivery(self: &Arc<Self>) -> Option<Delivery> {
        let mut state = self.state.lock();
        if state.is_delivering || state.news.is_empty() {
            return None;
        }
        state.is_delivering = true;
        Some(Delivery(self.clone()))
    }
}

/// The right to deliver. Only one is there at a time, and it comes back also from a thread that never ran.
pub(super) struct Delivery(Arc<Queue>);

impl Delivery {
    pub(super) fn run(self) {
        while let Some((listener, event)) = self.next() {
            listener.tell(&event);
        }
    }

    /// Delivers what there is for `listener`.
    pub(super) fn run_for(self, listener: &Arc<Listener>) {
        let (own, others) =
            std::mem::take(&mut self.0.state.lock().news).into_iter().partition(|(l, _)| Arc::ptr_eq(l, listener));
        self.0.state.lock().news = others;
        let own: VecDeque<(Arc<Listener>, Event)> = own;
        own.iter().for_each(|(listener, event)| listener.tell(event));
    }

    fn next(&self) -> Option<(Arc<Listener>, Event)> {
        self.0.state.lock().news.pop_front()
    }
}

impl Drop for Delivery {
    fn drop(&mut self) {
        let mut state = self.0.state.lock();
        state.is_delivering = false;
        if !state.news.is_empty() {
            // Something came between the last look and now.
            self.0.awake.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use super::*;

    fn listener(event: impl Fn(&Event) + Send + Sync + 'static) -> Arc<Listener> {
        Arc::new(Listener::new(Hooks { event: Some(Arc::new(event)), ..Hooks::default() }))
    }

    #[test]
    fn shut_waits_for_a_call_under_way_and_nothing_is_called_after_it() {
        let (inside, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let (entered, left) = (inside.clone(), done.clone());
        let listener = listener(move |_| {
            assert!(!left.load(Ordering::SeqCst), "called after shut");
            entered.store(true, Ordering::SeqCst);
            thread::sleep(Duration::from_millis(50));
            left.store(true, Ordering::SeqCst);
        });
        thread::scope(|scope| {
            scope.spawn(|| listener.tell(&Event::recovered(1)));
            while !inside.load(Ordering::SeqCst) {
                thread::yield_now();
            }
            listener.shut();
            assert!(done.load(Ordering::SeqCst), "shut did not wait");
            listener.tell(&Event::recovered(2));
        });
    }

    #[test]
    fn a_function_may_shut_its_own_listener_and_what_it_holds_is_let_go() {
        let own: Arc<Mutex<Option<Arc<Listener>>>> = Arc::default();
        let (held, inner) = (Arc::new(()), own.clone());
        let witness = Arc::downgrade(&held);
        let listener = listener(move |_| {
            let _held = &held;
            inner.lock().as_ref().unwrap().shut();
        });
        *own.lock() = Some(listener.clone());
        listener.tell(&Event::recovered(1));
        assert!(witness.upgrade().is_none());
    }

    #[test]
    fn a_slow_listener_loses_the_oldest_news_only() {
        let seen: Arc<Mutex<Vec<u64>>> = Arc::default();
        let sink = seen.clone();
        let listener = listener(move |event| sink.lock().push(event.generation()));
        let queue = Arc::new(Queue::new(Arc::new(Notify::new())));
        for generation in 0..QUEUED as u64 + 5 {
            queue.push(listener.clone(), Event::recovered(generation));
        }
        let delivery = queue.delivery().unwrap();
        assert!(queue.delivery().is_none(), "one delivers");
        drop(delivery); // its thread was never started
        queue.delivery().unwrap().run();
        assert_eq!(*seen.lock(), (5..QUEUED as u64 + 5).collect::<Vec<_>>());
        assert!(queue.delivery().is_none());
    }
}
