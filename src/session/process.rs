//! What the whole process shares: the sessions, and the one thread that renews their tokens.

use std::{
    collections::hash_map::RandomState,
    convert::Infallible,
    future::poll_fn,
    hash::BuildHasher,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::Poll,
    time::Duration,
};

use tokio::{runtime::Runtime, sync::Notify, task::JoinSet};

use super::{
    alarm::Alarm,
    credentials::Source,
    handle::Handle,
    login,
    session::{Left, Origin, Plan, Session},
};
use crate::sys::lock::Mutex;
use crate::{
    cause::Cause,
    error::{Error, Kind, Result},
    http::{Boxed, Reaped, Resolver, Transport},
    lifecycle::Time,
    observe,
    sys::{self, clock, descriptor, per_process::PerProcess, thread::Begun},
    wait::Limits,
};

/// Of how many sessions that nobody uses any more the pauses are remembered.
const REMEMBERED: usize = 64;
/// The longest the refresher sleeps.
const LONGEST_SLEEP: Duration = Duration::from_secs(3600);
/// How often idle connections are looked at, while there are any.
const BETWEEN_LOOKS_AT_CONNECTIONS: Duration = Duration::from_secs(2);
/// A fault that comes back at once must not take a core for itself.
const AFTER_A_PANIC: Duration = Duration::from_millis(100);

static PROCESS: PerProcess<Process> = PerProcess::new();

pub(crate) struct Process {
    pub(crate) resolver: Arc<Resolver>,
    sessions: Mutex<Vec<Arc<Session>>>,
    remembered: Mutex<Remembered>,
    thread: Mutex<Thread>,
    /// Tasks that have been submitted and have not ended.
    tasks: AtomicUsize,
    /// Has the refresher look at everything.
    awake: Notify,
    /// Tasks have been submitted.
    submitted: Notify,
}

/// The library's thread.
#[derive(Default)]
struct Thread {
    runs: bool,
    /// It has been started, and has not told yet whether it can do its work.
    starting: Option<Arc<Begun<Result<()>>>>,
    /// Tasks that it has not taken yet.
    submitted: Vec<Boxed<'static, ()>>,
    /// It is about to look for them: nobody need wake it, which costs a system call.
    looks: bool,
}

/// A task of the library's thread, until it has ended, in whatever way.
struct Task(&'static Process);

impl Drop for Task {
    fn drop(&mut self) {
        if self.0.tasks.fetch_sub(1, Ordering::SeqCst) == 1 {
            // The thread may end.
            self.0.wake();
        }
    }
}

/// The pauses of sessions that nobody uses any more, under a keyed hash of who they were. No secret is kept.
#[derive(Clone, Default)]
struct Remembered {
    key: RandomState,
    pauses: Vec<(u64, Left)>,
}

/// What came of a login in the caller's thread.
pub(super) enum Here {
    /// One has ended.
    Done,
    /// None was due; when to come again at the latest.
    NotDue(Option<Time>),
}

/// The state of this very process.
pub(crate) fn current() -> &'static Process {
    PROCESS.get(|parent| {
        // What the parent was changing in that very moment is not there.
        let remembered = parent.and_then(|parent| Some(parent.remembered.try_lock()?.clone()));
        Process::new(remembered.unwrap_or_default())
    })
}

/// For logins. Drives connections in the thread that waits for them.
fn runtime() -> Result<Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| cannot_start(&e))
}

/// The error of what needs a thread of the library's, which cannot be started.
pub(crate) fn cannot_start(e: &io::Error) -> Error {
    if descriptor::is_exhausted(e) {
        let message = format!("cannot start the library's thread: this process has no descriptors left: {e}");
        return Error::new(Kind::Internal, message).because(Cause::NoDescriptors);
    }
    Error::new(Kind::Internal, format!("cannot start a thread of the library: {e}"))
}

impl Process {
    fn new(remembered: Remembered) -> Self {
        Self {
            resolver: Arc::default(),
            sessions: Mutex::default(),
            remembered: Mutex::new(remembered),
            thread: Mutex::default(),
            tasks: AtomicUsize::new(0),
            awake: Notify::new(),
            submitted: Notify::new(),
        }
    }

    /// Attaches `handle` to the session of these credentials at this origin, new if nobody has it yet. `connect` makes the
    /// transport of a new origin, without blocking: connections are shared by all sessions of one.
    pub(crate) fn join(
        &self,
        handle: &Arc<Handle>,
        origin: &Origin,
        source: &Source,
        connect: impl FnOnce() -> Result<Arc<dyn Transport>>,
    ) -> Result<Arc<Session>> {
        self.find_or(handle, origin, source, |known| {
            let transport = known.map_or_else(connect, Ok)?;
            let left = self.remembered.lock().take(origin, source);
            Ok(Session::new(origin.clone(), source.clone(), transport, left))
        })
    }

    /// The same session as `parent`, which belongs to the process this one was forked from.
    pub(crate) fn adopt(&self, handle: &Arc<Handle>, parent: &Session) -> Arc<Session> {
        let source = parent.source.forked(handle.listener.as_ref());
        self.find_or(handle, &parent.origin, &source, |known| {
            let transport = known.unwrap_or_else(|| parent.transport.forked(&self.resolver));
            Ok::<_, Infallible>(Session::forked(parent, source.clone(), transport))
        })
        .unwrap_or_else(|never| match never {})
    }

    /// `make` gets the transport of the origin, if it has one.
    fn find_or<E>(
        &self,
        handle: &Arc<Handle>,
        origin: &Origin,
        source: &Source,
        make: impl FnOnce(Option<Arc<dyn Transport>>) -> Result<Session, E>,
    ) -> Result<Arc<Session>, E> {
        let mut sessions = self.sessions.lock();
        let known = sessions.iter().find(|s| s.origin == *origin && s.source.is_same(source)).cloned();
        let session = match known {
            Some(session) => session,
            None => {
                let known = sessions.iter().find(|s| s.origin == *origin).map(|s| s.transport.clone());
                let session = Arc::new(make(known)?);
                sessions.push(session.clone());
                session
            }
        };
        session.attach(handle);
        Ok(session)
    }

    /// `handle` leaves `session`. Without a handle it is gone: only its pauses are remembered.
    pub(crate) fn leave(&self, handle: &Arc<Handle>, session: &Arc<Session>) {
        let mut sessions = self.sessions.lock();
        let gone = session.detach(handle);
        if gone {
            sessions.retain(|other| !Arc::ptr_eq(other, session));
        }
        drop(sessions);
        if gone {
            if session.source.is_shared()
                && let Some(left) = session.leaves()
            {
                self.remembered.lock().put(session, left);
            }
            // Every login under way, one that is only listened to as well, and one that is just beginning.
            session.abandoned.notify_waiters();
            session.abandoned.notify_one();
        }
        // It may have been the reason for the refresher to be.
        self.wake();
    }

    /// Where no handle is left, waits for the threads that end with the last, so that a program which frees it and ends at once
    /// has none of them. Not long, and not inside a function of the caller's: one of them may be running it.
    pub(crate) fn settle(&self) {
        if !observe::is_inside() {
            sys::thread::join(|| self.sessions.lock().is_empty());
        }
    }

    /// Has the refresher look at everything now, if it runs.
    pub(crate) fn wake(&self) {
        self.awake.notify_one();
    }

    /// Starts the refresher if it does not run. It begins with a look at everything. An error where it cannot be started, or does
    /// not begin for now.
    pub(crate) fn ensure_refresher(&'static self) -> Result<()> {
        match self.ensure_thread(&mut self.thread.lock()) {
            Ok(true) => Ok(()),
            Ok(false) => Err(cannot_start(&io::Error::from(io::ErrorKind::TimedOut))),
            Err(error) => Err(error),
        }
    }

    /// Has the library's thread run `task` to its end, which is not waited for; it is not made where there is no such thread.
    pub(crate) fn submit(&'static self, task: impl FnOnce() -> Boxed<'static, ()>) -> Result<()> {
        let mut thread = self.thread.lock();
        self.ensure_thread(&mut thread)?;
        self.tasks.fetch_add(1, Ordering::SeqCst);
        thread.submitted.push(task());
        let wakes = !std::mem::replace(&mut thread.looks, true);
        drop(thread);
        if wakes {
            self.submitted.notify_one();
        }
        Ok(())
    }

    /// Starts the library's thread if there is none. False if it does not run yet (see [`Begun`]).
    fn ensure_thread(&'static self, thread: &mut Thread) -> Result<bool> {
        let is_new = !thread.runs;
        if is_new {
            let begun = Arc::new(Begun::new());
            let tells = begun.clone();
            let run = move || self.run(&tells);
            sys::thread::spawn_joined("nacos-refresher", run).map_err(|e| cannot_start(&e))?;
            (thread.runs, thread.starting) = (true, Some(begun));
        }
        let Some(begun) = &thread.starting else { return Ok(true) };
        let Some(told) = (if is_new { begun.wait() } else { begun.told() }) else { return Ok(false) };
        (thread.runs, thread.starting) = (told.is_ok(), None);
        told.map(|()| true)
    }

    /// The library's thread.
    fn run(&'static self, begun: &Begun<Result<()>>) {
        // Made here, since making it asks for the handle of the thread, which nobody frees for the host's first one.
        let made = catch_unwind(runtime).unwrap_or_else(|_| Err(cannot_start(&io::Error::other("a panic"))));
        begun.tell(made.as_ref().map(drop).map_err(Clone::clone));
        let Ok(mut runtime) = made else {
            // There are some only if nobody has waited for the outcome. Whoever waits for their ends is told by dropping them.
            let lost = std::mem::take(&mut self.thread.lock().submitted);
            self.tasks.fetch_sub(lost.len(), Ordering::SeqCst);
            drop(lost); // under no lock
            return;
        };
        // What it does for a handle that is going waits for nobody.
        let _inside = observe::Inside::new();
        // A panic is a fault of this library, and tokens must be renewed nevertheless. One that comes from the runtime says that it
        // does not work any more, as where a host has closed descriptors that are not its own. With it goes what was under way;
        // nothing may run in it any more, or it would not even let go of that.
        loop {
            match catch_unwind(AssertUnwindSafe(|| runtime.block_on(caught(self.refresh())))) {
                Ok(Ok(())) => return,
                Ok(Err(Panicked)) => std::thread::sleep(AFTER_A_PANIC),
                Err(_) => {
                    let another = loop {
                        std::thread::sleep(AFTER_A_PANIC);
                        if let Ok(Ok(made)) = catch_unwind(self::runtime) {
                            break made;
                        }
                    };
                    _ = catch_unwind(AssertUnwindSafe(|| runtime = another));
                }
            }
        }
    }

    /// Does the refresher's work for `session` in this thread, where no other can be started: a login, if one is due.
    pub(super) fn refresh_here(&self, session: &Arc<Session>, limits: &Limits<'_>) -> Here {
        let Plan { login, next, .. } = session.tick(clock::now());
        let Some(number) = login else { return Here::NotDue(next) };
        login::run_here(session, number, limits);
        // Nobody is there to tell caches when its time is over.
        session.invalidate_caches();
        Here::Done
    }

    /// Begins the tasks that are submitted.
    async fn run_submitted(&'static self) {
        loop {
            let tasks = {
                let mut thread = self.thread.lock();
                thread.looks = !thread.submitted.is_empty();
                std::mem::take(&mut thread.submitted)
            };
            if tasks.is_empty() {
                self.submitted.notified().await;
                continue;
            }
            for task in tasks {
                let counted = Task(self);
                tokio::spawn(async move {
                    task.await;
                    drop(counted);
                });
            }
            // The next ones may be there by the time that these have begun.
            tokio::task::yield_now().await;
        }
    }

    /// The refresher: ends when no session is left that could want a token, and no task.
    async fn refresh(&'static self) {
        let alarm = Alarm::new();
        let mut running = JoinSet::new();
        running.spawn(self.run_submitted());
        loop {
            let now = clock::now();
            let mut next = now + LONGEST_SLEEP;
            let sessions = self.sessions.lock().clone();
            for session in &sessions {
                let Reaped { left, lost } = session.transport.reap_idle();
                if left {
                    next = next.min(now + BETWEEN_LOOKS_AT_CONNECTIONS);
                }
                if lost {
                    let same = sessions.iter().filter(|other| Arc::ptr_eq(&other.transport, &session.transport));
                    same.for_each(|session| session.server_unreachable());
                }
            }
            for session in sessions {
                let Plan { login, look, next: due } = session.tick(now);
                next = due.map_or(next, |due| next.min(due));
                if look {
                    let session = session.clone();
                    tokio::spawn(async move {
                        login::look(&session).await;
                        self.wake();
                    });
                }
                if let Some(number) = login {
                    tokio::spawn(async move {
                        login::run(session, number).await;
                        // The refresher sleeps by a plan that this has changed.
                        self.wake();
                    });
                }
            }
            tokio::select! {
                () = self.awake.notified() => {}
                () = alarm.comes_at(next) => {}
            }
            let mut thread = self.thread.lock();
            if self.tasks.load(Ordering::SeqCst) == 0 && self.sessions.lock().is_empty() {
                thread.runs = false;
                return;
            }
        }
    }
}

impl Remembered {
    fn hash(&self, origin: &Origin, source: &Source) -> u64 {
        self.key.hash_one((origin, source))
    }

    fn take(&mut self, origin: &Origin, source: &Source) -> Option<Left> {
        let hash = self.hash(origin, source);
        let at = self.pauses.iter().position(|(other, _)| *other == hash)?;
        Some(self.pauses.remove(at).1)
    }

    fn put(&mut self, session: &Session, left: Left) {
        let hash = self.hash(&session.origin, &session.source);
        self.pauses.retain(|(other, _)| *other != hash);
        self.pauses.push((hash, left));
        if self.pauses.len() > REMEMBERED {
            self.pauses.remove(0);
        }
    }
}

/// That a future has panicked.
struct Panicked;

/// Keeps a panic of `future` from whoever polls it.
async fn caught<T>(future: impl Future<Output = T>) -> std::result::Result<T, Panicked> {
    let mut future = pin!(future);
    poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(context))) {
        Ok(Poll::Ready(value)) => Poll::Ready(Ok(value)),
        Ok(Poll::Pending) => Poll::Pending,
        Err(_) => Poll::Ready(Err(Panicked)),
    })
    .await
}
