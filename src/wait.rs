//! How a call waits, and what ends it: its deadline, the caller's [`Cancel`], the close of its handle.
//!
//! Calls are written once, as futures, for two executors. That of a call which blocks is its caller's thread: the future is
//! polled once, by [`here`], and sleeps inside that poll, in poll(2) for its connection or on a [`Parker`] for anything else; it
//! needs no thread-local state, since calls are made in exit handlers too, when that is gone. That of an operation is the
//! runtime on the library's thread, where what waits is polled again. Only the functions of [`Limits`], and the connections
//! (`http/drive.rs`), know the difference.

use std::{
    collections::BTreeMap,
    future::{Future, poll_fn},
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    time::{Duration, Instant},
};

use tokio::time::{Sleep, sleep_until};

use crate::sys::lock::{Condvar, Mutex};
use crate::{
    error::{Error, Kind},
    sys::{
        descriptor::Event,
        per_process::{PerProcess, Stamp},
    },
};

/// The longest that anybody waits: a deadline beyond the reach of the clock is none.
pub(crate) const LONGEST: Duration = Duration::from_secs(365 * 86_400);

/// Where one call sleeps until it is woken. A wake-up before the sleep is not lost.
#[derive(Default)]
pub(crate) struct Parker {
    woken: AtomicBool,
    /// Somebody sleeps, or is about to: only then does a wake-up cost a system call.
    sleeps: AtomicBool,
    /// Of the task that sleeps, if it is one.
    waker: Mutex<Option<Waker>>,
    changed: Condvar,
}

impl Parker {
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Whether it has been woken since it last slept; forgets that.
    pub(crate) fn take_wake_up(&self) -> bool {
        self.woken.load(Ordering::SeqCst) && self.woken.swap(false, Ordering::SeqCst)
    }

    /// Sleeps until it is woken (then true), or `until`.
    pub(crate) fn park_until(&self, until: Instant) -> bool {
        let mut lock = self.waker.lock();
        self.sleeps.store(true, Ordering::SeqCst);
        let mut woken = self.take_wake_up();
        while !woken {
            let Some(again) = self.changed.wait_until(lock, until) else { break };
            lock = again;
            woken = self.take_wake_up();
        }
        self.sleeps.store(false, Ordering::SeqCst);
        woken
    }

    /// The same for a task: ready once it has been woken since it last slept.
    fn poll_woken(&self, context: &Context<'_>) -> Poll<()> {
        let mut waker = self.waker.lock();
        if !waker.as_ref().is_some_and(|waker| waker.will_wake(context.waker())) {
            *waker = Some(context.waker().clone());
        }
        self.sleeps.store(true, Ordering::SeqCst);
        drop(waker);
        if self.take_wake_up() { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl Wake for Parker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.woken.swap(true, Ordering::SeqCst) && self.sleeps.load(Ordering::SeqCst) {
            let waker = self.waker.lock().take();
            self.changed.notify_one();
            waker.into_iter().for_each(Waker::wake);
        }
    }
}

/// The calls of one handle that wait.
#[derive(Default)]
pub(crate) struct Waiters {
    parked: Mutex<Registry<Arc<Parker>>>,
    /// Those that run as tasks.
    tasks: Mutex<Registry<Waker>>,
    /// What calls in poll(2) look at besides their connection. Replaced when it has been set.
    event: Mutex<Option<Arc<Event>>>,
}

impl Waiters {
    /// Wakes the calls that wait for something else than their connection: they look again.
    pub(crate) fn notify(&self) {
        let parked: Vec<_> = self.parked.lock().entries.values().cloned().collect();
        parked.into_iter().for_each(Wake::wake);
    }

    /// Wakes every call.
    pub(crate) fn interrupt(&self) {
        let event = self.event.lock().take();
        event.iter().for_each(|event| event.set());
        self.notify();
        let tasks: Vec<_> = self.tasks.lock().entries.values().cloned().collect();
        tasks.into_iter().for_each(Waker::wake);
    }

    /// What becomes readable when calls are interrupted; `None` where there is no descriptor to be had.
    fn event(&self) -> Option<Arc<Event>> {
        let mut event = self.event.lock();
        if event.is_none() {
            *event = Event::new().ok().map(Arc::new);
        }
        event.clone()
    }
}

impl Wake for Waiters {
    fn wake(self: Arc<Self>) {
        self.interrupt();
    }
}

/// Ends calls from another thread. Clones share one signal; once triggered it stays so.
#[derive(Clone, Default)]
pub struct Cancel(Arc<Signal>);

struct Signal {
    given: AtomicBool,
    calls: PerProcess<Mutex<Registry<Waker>>>,
}

impl Default for Signal {
    fn default() -> Self {
        Self { given: AtomicBool::new(false), calls: PerProcess::new() }
    }
}

/// What is registered, by numbers that are not used again: there may be thousands, which come and go in any order.
struct Registry<T> {
    next: u64,
    entries: BTreeMap<u64, T>,
}

impl<T> Default for Registry<T> {
    fn default() -> Self {
        Self { next: 0, entries: BTreeMap::new() }
    }
}

impl<T> Registry<T> {
    fn add(&mut self, entry: T) -> u64 {
        self.next += 1;
        self.entries.insert(self.next, entry);
        self.next
    }
}

impl Cancel {
    /// A signal nobody has given yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Ends every call that carries this signal, now and later, with [`Kind::Cancelled`](Kind::Cancelled).
    pub fn trigger(&self) {
        self.0.given.store(true, Ordering::SeqCst);
        let waiting: Vec<Waker> = self.calls().lock().entries.values().cloned().collect();
        waiting.iter().for_each(Waker::wake_by_ref);
    }

    fn is_triggered(&self) -> bool {
        self.0.given.load(Ordering::SeqCst)
    }

    fn calls(&self) -> &Mutex<Registry<Waker>> {
        self.0.calls.get(|_| Mutex::default())
    }
}

impl std::fmt::Debug for Cancel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Cancel").field(&self.is_triggered()).finish()
    }
}

/// Has a waker called when the signal is given, for as long as this lives.
struct Subscription<'a> {
    cancel: &'a Cancel,
    number: u64,
}

impl<'a> Subscription<'a> {
    fn new(cancel: &'a Cancel, waker: Waker) -> Self {
        Self { cancel, number: cancel.calls().lock().add(waker) }
    }
}

impl Drop for Subscription<'_> {
    fn drop(&mut self) {
        let gone = self.cancel.calls().lock().entries.remove(&self.number);
        drop(gone); // under no lock
    }
}

/// How often a caller's function is asked whether to go on.
const BETWEEN_QUESTIONS: Duration = Duration::from_millis(50);

/// A function of the caller's that a call asks while it waits, on its thread, and never again once it has said no.
pub(crate) struct Patience {
    ask: Box<dyn Fn() -> bool + Send + Sync>,
    began: Instant,
    /// When it was asked last, in milliseconds since the beginning.
    asked: AtomicU64,
    is_over: AtomicBool,
}

impl Patience {
    pub(crate) fn new(ask: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        let (asked, is_over) = (AtomicU64::new(0), AtomicBool::new(false));
        Self { ask: Box::new(ask), began: Instant::now(), asked, is_over }
    }

    fn is_over(&self) -> bool {
        let now = self.began.elapsed().as_millis() as u64;
        let is_time = now - self.asked.load(Ordering::Relaxed) >= BETWEEN_QUESTIONS.as_millis() as u64;
        if is_time && !self.is_over.load(Ordering::Relaxed) {
            self.asked.store(now, Ordering::Relaxed);
            self.is_over.store(!(self.ask)(), Ordering::Relaxed);
        }
        self.is_over.load(Ordering::Relaxed)
    }
}

/// Where a call runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Executor {
    /// On the thread of its caller, which sleeps while it waits.
    Caller,
    /// As a task of the library's runtime.
    Runtime,
}

/// Runs what has the limits of a call of [`Executor::Caller`], on this thread: it waits by sleeping, so it is ready at once.
pub(crate) fn here<T>(call: impl Future<Output = T>) -> T {
    match pin!(call).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => unreachable!("a call of this thread waits for somebody else to poll it"),
    }
}

/// What may end a call before it is done, and how it waits.
#[derive(Clone, Copy)]
pub(crate) struct Limits<'a> {
    pub(crate) deadline: Instant,
    /// Nothing but an answer of a server may be waited for.
    pub(crate) no_wait: bool,
    pub(crate) executor: Executor,
    /// Until when a task is woken by others; what ends sooner sets an alarm of its own.
    alarm: Instant,
    /// Any of these ends it.
    cancels: &'a [Cancel],
    patience: Option<&'a Patience>,
    handle: Option<(&'a AtomicBool, &'a Arc<Waiters>)>,
    /// Where the call began. A child that is forked inside it, by a signal handler or a function of the caller's, must leave the
    /// answer to its parent.
    process: Stamp,
}

impl<'a> Limits<'a> {
    pub(crate) fn new(
        timeout: Duration,
        cancels: &'a [Cancel],
        closed: &'a AtomicBool,
        waiters: &'a Arc<Waiters>,
    ) -> Self {
        let deadline = Instant::now() + timeout.min(LONGEST);
        let (executor, handle) = (Executor::Caller, Some((closed, waiters)));
        Self {
            deadline,
            no_wait: false,
            executor,
            alarm: deadline,
            cancels,
            patience: None,
            handle,
            process: Stamp::now(),
        }
    }

    /// Of what the library does on its own behalf, as a task: whoever runs it ends it.
    pub(crate) fn of_library() -> Limits<'static> {
        let (deadline, executor) = (Instant::now() + LONGEST, Executor::Runtime);
        Limits {
            deadline,
            no_wait: false,
            executor,
            alarm: deadline,
            cancels: &[],
            patience: None,
            handle: None,
            process: Stamp::now(),
        }
    }

    /// The same call as a task, to be run by [`as_task`](Self::as_task).
    pub(crate) fn of_task(self) -> Self {
        Self { executor: Executor::Runtime, ..self }
    }

    /// Runs `call`, which has these limits, as part of a task: has it woken when it may have to end.
    pub(crate) async fn as_task<T>(&self, call: impl Future<Output = T>) -> T {
        let mut call = pin!(call);
        let mut alarm = pin!(sleep_until(self.deadline.into()));
        let (mut registered, mut has_rung) = (None, false);
        poll_fn(|context| {
            registered.get_or_insert_with(|| self.register(context.waker()));
            has_rung = has_rung || alarm.as_mut().poll(context).is_ready();
            call.as_mut().poll(context)
        })
        .await
    }

    fn register(&self, waker: &Waker) -> Registered<'a> {
        let _subscriptions = self.subscribe(|| waker.clone());
        let task = self.handle.map(|(_, waiters)| (&**waiters, waiters.tasks.lock().add(waker.clone())));
        Registered { task, _subscriptions }
    }

    fn subscribe(&self, waker: impl Fn() -> Waker) -> Vec<Subscription<'a>> {
        self.cancels.iter().map(|cancel| Subscription::new(cancel, waker())).collect()
    }

    /// `future` as part of a task; `None` if the call has to end before.
    async fn in_task<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        let mut future = pin!(future);
        let mut alarm: Option<Pin<Box<Sleep>>> = None;
        poll_fn(|context| {
            if let Poll::Ready(value) = future.as_mut().poll(context) {
                return Poll::Ready(Some(value));
            }
            if self.check().is_err() || self.remaining().is_zero() {
                return Poll::Ready(None);
            }
            if self.deadline < self.alarm {
                let alarm = alarm.get_or_insert_with(|| Box::pin(sleep_until(self.deadline.into())));
                return alarm.as_mut().poll(context).map(|()| None);
            }
            Poll::Pending
        })
        .await
    }

    /// Waits until `future` is ready (`Some`), or the call has to end (`None`: [`check`](Self::check) tells, or its deadline has
    /// passed).
    pub(crate) async fn until<T>(&self, future: impl Future<Output = T>) -> Option<T> {
        match self.executor {
            Executor::Caller => block_on(future, self),
            Executor::Runtime => self.in_task(future).await,
        }
    }

    /// The same, going on only as long as `patience` lasts.
    pub(crate) fn with_patience(self, patience: Option<&'a Patience>) -> Self {
        Self { patience, ..self }
    }

    /// The same, waiting for nothing but a server's answer with `no_wait`.
    pub(crate) fn with_no_wait(self, no_wait: bool) -> Self {
        Self { no_wait, ..self }
    }

    /// The same call, with less time.
    pub(crate) fn within(&self, timeout: Duration) -> Self {
        let deadline = self.deadline.min(Instant::now() + timeout.min(LONGEST));
        Self { deadline, ..*self }
    }

    /// The error of a call that must not go on. May call a function of the caller's: under no lock.
    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.handle.is_some_and(|(closed, _)| closed.load(Ordering::SeqCst)) {
            return Err(Error::closed());
        }
        if self.cancels.iter().any(Cancel::is_triggered) {
            return Err(Error::new(Kind::Cancelled, "the caller cancelled the call"));
        }
        if self.patience.is_some_and(Patience::is_over) {
            return Err(Error::new(Kind::Cancelled, "the caller's keep_waiting function ended the call"));
        }
        if !self.is_of_this_process() {
            let message = "this process was forked inside the call, which goes on in the parent alone";
            return Err(Error::new(Kind::Cancelled, message));
        }
        Ok(())
    }

    /// False in the child of a fork inside the call.
    pub(crate) fn is_of_this_process(&self) -> bool {
        self.process.is_current()
    }

    /// Waits until `parker` is woken, or `until`; or until the call has to end, if that wakes nobody.
    pub(crate) async fn wait(&self, parker: &Parker, until: Instant) {
        match self.executor {
            Executor::Caller => self.wait_here(parker, until),
            Executor::Runtime => {
                let limits = Self { deadline: until.min(self.deadline), ..*self };
                limits.in_task(poll_fn(|context| parker.poll_woken(context))).await;
            }
        }
    }

    fn wait_here(&self, parker: &Parker, until: Instant) {
        loop {
            let next = self.check_at(until);
            if parker.park_until(next) || next == until || self.check().is_err() {
                return;
            }
        }
    }

    /// When who waits for `until` has to [`check`](Self::check) at the latest.
    pub(crate) fn check_at(&self, until: Instant) -> Instant {
        if self.patience.is_some() { until.min(Instant::now() + BETWEEN_QUESTIONS) } else { until }
    }

    pub(crate) fn remaining(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// Waits for `time`, and not beyond the deadline.
    pub(crate) async fn sleep(&self, time: Duration) -> Result<(), Error> {
        let until = self.deadline.min(Instant::now() + time);
        let parker = Parker::new();
        let _parked = self.park(&parker);
        while Instant::now() < until {
            self.check()?;
            self.wait(&parker, until).await;
        }
        self.check()
    }

    /// From now on `parker` is woken when the call may have to end, and by [`Waiters::notify`].
    pub(crate) fn park(&self, parker: &Arc<Parker>) -> Parked<'a> {
        let parked = self.handle.map(|(_, waiters)| (&**waiters, waiters.parked.lock().add(parker.clone())));
        Parked { parked, _subscriptions: self.subscribe(|| parker.clone().into()) }
    }

    /// From now on there is a descriptor that becomes readable when the call may have to end.
    pub(crate) fn watch(&self) -> Watch<'a> {
        let waiters = self.handle.map(|(_, waiters)| waiters);
        let subscriptions = waiters.map(|waiters| self.subscribe(|| waiters.clone().into())).unwrap_or_default();
        Watch { event: waiters.and_then(|waiters| waiters.event()), _subscriptions: subscriptions }
    }
}

/// A call that is woken on its [`Parker`].
pub(crate) struct Parked<'a> {
    parked: Option<(&'a Waiters, u64)>,
    _subscriptions: Vec<Subscription<'a>>,
}

impl Drop for Parked<'_> {
    fn drop(&mut self) {
        if let Some((waiters, number)) = self.parked {
            let gone = waiters.parked.lock().entries.remove(&number);
            drop(gone); // under no lock
        }
    }
}

/// A task that is woken when it may have to end.
struct Registered<'a> {
    task: Option<(&'a Waiters, u64)>,
    _subscriptions: Vec<Subscription<'a>>,
}

impl Drop for Registered<'_> {
    fn drop(&mut self) {
        if let Some((waiters, number)) = self.task {
            let gone = waiters.tasks.lock().entries.remove(&number);
            drop(gone); // under no lock
        }
    }
}

/// A call that is woken in poll(2).
pub(crate) struct Watch<'a> {
    event: Option<Arc<Event>>,
    _subscriptions: Vec<Subscription<'a>>,
}

impl Watch<'_> {
    /// `None` where there is no descriptor to be had: then one has to look now and then.
    pub(crate) fn event(&self) -> Option<&Event> {
        self.event.as_deref()
    }
}

/// A value that is not there yet. Clones share it.
pub(crate) struct Promise<T>(Arc<Mutex<Promised<T>>>);

struct Promised<T> {
    value: Option<T>,
    wakers: Vec<Waker>,
}

impl<T> Clone for Promise<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: Clone> Promise<T> {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Mutex::new(Promised { value: None, wakers: Vec::new() })))
    }

    pub(crate) fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    pub(crate) fn fulfil(&self, value: T) {
        let mut promised = self.0.lock();
        promised.value = Some(value);
        let wakers = std::mem::take(&mut promised.wakers);
        drop(promised);
        wakers.into_iter().for_each(Waker::wake);
    }

    pub(crate) fn value(&self) -> Option<T> {
        self.0.lock().value.clone()
    }
}

impl<T: Clone> Future for Promise<T> {
    type Output = T;

    fn poll(self: std::pin::Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        let mut promised = self.0.lock();
        if let Some(value) = &promised.value {
            return Poll::Ready(value.clone());
        }
        if !promised.wakers.iter().any(|waker| waker.will_wake(context.waker())) {
            promised.wakers.push(context.waker().clone());
        }
        Poll::Pending
    }
}

/// [`Limits::until`] on the thread of the caller.
fn block_on<T>(future: impl Future<Output = T>, limits: &Limits<'_>) -> Option<T> {
    let mut future = pin!(future);
    let parker = Parker::new();
    let waker = Waker::from(parker.clone());
    let mut context = Context::from_waker(&waker);
    if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
        return Some(value);
    }
    let _parked = limits.park(&parker);
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return Some(value);
        }
        if limits.check().is_err() || limits.remaining().is_zero() {
            return None;
        }
        limits.wait_here(&parker, limits.deadline);
    }
}

#[cfg(test)]
mod tests;
