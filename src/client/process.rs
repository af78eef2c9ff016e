//! What the whole process shares: the identities, and the one thread that renews their tokens.
//!
//! After a fork the child finds locks that a thread of the parent may hold for ever and a refresher that does not
//! exist. It touches neither: on first use it starts with a new [`Process`], and leaks the old one.

use std::{
    future::Future,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    thread,
    time::Duration,
};

use arc_swap::ArcSwapOption;
use once_cell::sync::Lazy;
use parking_lot::Mutex;
use tokio::{runtime::Runtime, sync::Notify};

use super::{
    config::Origin,
    flight,
    identity::{Identity, Parts, Plan},
    listener::{Listener, Queue},
    source::Source,
};
use crate::{
    error::{Error, Kind, Result},
    lifecycle::Time,
    sys::{clock, fork, signals},
    transport::{Http, Transport},
};

/// How many identities are kept that no handle uses, in case one is asked for again.
const KEPT: usize = 64;
/// The longest the refresher sleeps: timers stand still while the machine is suspended, tokens do not.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);
/// Threads for what cannot but block, while it does: the names of servers, the caller's own functions.
const BLOCKING_THREADS: usize = 16;
/// A fault that comes back at once must not take a core for itself.
const AFTER_A_PANIC: Duration = Duration::from_millis(100);

static CURRENT: Lazy<ArcSwapOption<Process>> = Lazy::new(ArcSwapOption::empty);

pub(super) struct Process {
    fork: u64,
    /// Last used at the end.
    identities: Mutex<Vec<Arc<Identity>>>,
    refresher_runs: Mutex<bool>,
    awake: Arc<Notify>,
    news: Arc<Queue>,
}

/// What came of a refresh in the caller's thread.
pub(super) enum Here {
    /// A login has ended.
    Flown,
    /// None was due; when to come again at the latest.
    NotDue(Option<Time>),
}

/// The state of this very process.
pub(super) fn current() -> Arc<Process> {
    loop {
        let seen = CURRENT.load_full();
        match &seen {
            Some(process) if process.fork == fork::generation() => return process.clone(),
            _ => {
                CURRENT.compare_and_swap(&seen, Some(Arc::new(Process::new())));
                // The parent's state, if that is what it was, is never dropped.
                std::mem::forget(seen);
            }
        }
    }
}

/// For logins. Drives connections in the thread that waits for them.
fn runtime() -> Result<Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(BLOCKING_THREADS)
        .thread_keep_alive(Duration::from_millis(100))
        .thread_name("nacos-helper")
        .build()
        .map_err(cannot_start)
}

fn cannot_start(e: std::io::Error) -> Error {
    Error::new(Kind::Internal, format!("cannot start the refresher: {e}"))
}

impl Process {
    fn new() -> Self {
        let awake = Arc::new(Notify::new());
        Self {
            fork: fork::generation(),
            identities: Mutex::default(),
            refresher_runs: Mutex::new(false),
            news: Arc::new(Queue::new(awake.clone())),
            awake,
        }
    }

    /// The identity of these credentials at this origin, new if nobody has it yet. `connect` makes the transport of a
    /// new origin: connections are shared by all identities of one.
    pub(super) fn identity(
        &self,
        origin: &Origin,
        source: &Source,
        connect: impl FnOnce() -> Result<Arc<dyn Transport>>,
    ) -> Result<Arc<Identity>> {
        self.find_or(origin, source, connect, Identity::new)
    }

    /// The same identity as `parent`, which belongs to the process this one was forked from.
    pub(super) fn adopt(&self, parent: &Identity) -> Result<Arc<Identity>> {
        let connect = || Ok(Arc::new(Http::new(&parent.origin.settings)?) as Arc<dyn Transport>);
        self.find_or(&parent.origin, &parent.source, connect, |parts| Identity::forked(parent, parts))
    }

    fn find_or(
        &self,
        origin: &Origin,
        source: &Source,
        connect: impl FnOnce() -> Result<Arc<dyn Transport>>,
        make: impl FnOnce(Parts) -> Identity,
    ) -> Result<Arc<Identity>> {
        let mut identities = self.identities.lock();
        let identity = match identities.iter().position(|i| i.origin == *origin && i.source == *source) {
            Some(at) => identities.remove(at),
            None => {
                let known = identities.iter().find(|i| i.origin == *origin).map(|i| i.transport.clone());
                let transport = known.map_or_else(connect, Ok)?;
                let (origin, source, news) = (origin.clone(), source.clone(), self.news.clone());
                Arc::new(make(Parts { origin, source, transport, news }))
            }
        };
        identities.push(identity.clone());
        let mut surplus = identities.len().saturating_sub(KEPT);
        identities.retain(|i| {
            let goes = surplus > 0 && Arc::strong_count(i) == 1 && !i.is_attached();
            surplus -= usize::from(goes);
            !goes
        });
        Ok(identity)
    }

    /// A handle has left `identity`.
    pub(super) fn left(&self, identity: &Arc<Identity>) {
        if !identity.source.is_shared() {
            // Nobody else can come with the same, and it holds on to the caller's functions.
            self.identities.lock().retain(|i| !Arc::ptr_eq(i, identity));
        }
        // It may have been the reason for the refresher to be.
        self.awake.notify_one();
    }

    /// Tells `listener` what is still on its way to it, unless another thread is at it.
    pub(super) fn tell_rest(&self, listener: &Arc<Listener>) {
        if let Some(delivery) = self.news.delivery() {
            delivery.run_for(listener);
        }
    }

    /// Has the refresher look at everything now, if it runs.
    pub(super) fn nudge(&self) {
        self.awake.notify_one();
    }

    /// Starts the refresher if it does not run. It begins with a look at everything.
    pub(super) fn ensure_refresher(self: &Arc<Self>) -> Result<()> {
        let mut runs = self.refresher_runs.lock();
        if !*runs {
            let runtime = runtime()?;
            let process = self.clone();
            let builder = thread::Builder::new().name("nacos-refresher".into());
            signals::with_all_blocked(|| {
                builder.spawn(move || {
                    // A panic in there is a fault of this library; tokens must be renewed nevertheless.
                    let refresh = || runtime.block_on(process.refresh());
                    while catch_unwind(AssertUnwindSafe(refresh)).is_err() {
                        thread::sleep(AFTER_A_PANIC);
                    }
                    runtime.shutdown_background();
                })
            })
            .map_err(cannot_start)?;
            *runs = true;
        }
        Ok(())
    }

    /// Does the refresher's work for `identity` in this thread, where no other can be started: a login, if one is due,
    /// until `end` at the most.
    pub(super) fn refresh_here(&self, identity: &Arc<Identity>, end: impl Future<Output = ()>) -> Result<Here> {
        let Plan { flight, next, .. } = identity.tick(clock::now());
        let Some(number) = flight else { return Ok(Here::NotDue(next)) };
        let runtime = runtime().inspect_err(|_| flight::abandon(identity, number))?;
        runtime.block_on(async {
            tokio::select! {
                () = flight::fly(identity.clone(), number) => {}
                () = end => flight::abandon(identity, number),
            }
        });
        runtime.shutdown_background();
        // Nobody is there to tell caches when its time is over.
        identity.withdraw();
        Ok(Here::Flown)
    }

    /// The refresher: ends when no handle is left that could want a token.
    async fn refresh(self: &Arc<Self>) {
        loop {
            let now = clock::now();
            let mut next = now + LONGEST_SLEEP;
            for identity in self.in_use() {
                identity.transport.tidy();
                let Plan { flight, look, next: due } = identity.tick(now);
                next = due.map_or(next, |due| next.min(due));
                if look {
                    let (process, identity) = (self.clone(), identity.clone());
                    tokio::spawn(async move {
                        flight::look(identity).await;
                        process.nudge();
                    });
                }
                if let Some(number) = flight {
                    let process = self.clone();
                    tokio::spawn(async move {
                        flight::fly(identity, number).await;
                        // The refresher sleeps by a plan that this has changed.
                        process.nudge();
                    });
                }
            }
            if let Some(delivery) = self.news.delivery() {
                tokio::task::spawn_blocking(move || delivery.run());
            }
            let nap = tokio::time::sleep(next.saturating_sub(now));
            tokio::select! {
                () = self.awake.notified() => {}
                () = nap => {}
            }
            let mut runs = self.refresher_runs.lock();
            if self.in_use().is_empty() {
                *runs = false;
                return;
            }
        }
    }

    fn in_use(&self) -> Vec<Arc<Identity>> {
        self.identities.lock().iter().filter(|i| i.is_attached() || i.is_in_flight()).cloned().collect()
    }
}
