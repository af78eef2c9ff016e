//! Lanes: how calls that block drive an asynchronous HTTP client without a thread of its own.
//!
//! A lane is a single-threaded runtime with a client and its idle connections. A calling thread takes the lane it
//! used last, runs its request on it, and puts it back. So there is no hand-over to another thread and back, a request can
//! be interrupted at any moment by dropping it, and the number of connections follows the number of concurrent calls.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use tokio::runtime::{Builder, Runtime};

/// How long an idle connection is kept. Nacos closes its end after 60 s.
pub(super) const IDLE: Duration = Duration::from_secs(45);

/// A runtime and a client whose connections live on it.
pub(super) struct Lane {
    pub(super) runtime: Runtime,
    pub(super) client: reqwest::Client,
    used: Instant,
}

impl Lane {
    pub(super) fn new(client: reqwest::Client) -> std::io::Result<Self> {
        // Name resolution is the one thing that needs a second thread, for as long as it takes.
        let runtime = Builder::new_current_thread()
            .enable_all()
            .max_blocking_threads(1)
            .thread_keep_alive(Duration::from_millis(100))
            .thread_name("nacos-dns")
            .build()?;
        Ok(Self { runtime, client, used: Instant::now() })
    }

    /// How long it has not been used.
    pub(super) fn idle(&self) -> Duration {
        self.used.elapsed()
    }
}

/// More shelves than cores that could fight over one.
const SHELVES: usize = 32;

thread_local! {
    /// The shelf of this thread.
    static SHELF: usize = {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        NEXT.fetch_add(1, Ordering::Relaxed) % SHELVES
    };
}

/// The lanes not in use, on several shelves, last used at the end of each. A thread takes from its own shelf first: the
/// lane it used last, whose memory its core still has.
#[derive(Default)]
pub(super) struct Lanes([Mutex<Vec<Lane>>; SHELVES]);

impl Lanes {
    pub(super) fn take(&self) -> Option<Lane> {
        let own = SHELF.with(|shelf| *shelf);
        (0..SHELVES).find_map(|i| self.0[(own + i) % SHELVES].lock().pop())
    }

    pub(super) fn put_back(&self, mut lane: Lane) {
        lane.used = Instant::now();
        self.0[SHELF.with(|shelf| *shelf)].lock().push(lane);
    }

    /// Drops the lanes whose connections nobody wants any more.
    pub(super) fn tidy(&self) {
        self.drop_first(|lanes| lanes.iter().take_while(|lane| lane.idle() > IDLE).count());
    }

    /// Drops all lanes.
    pub(super) fn clear(&self) {
        self.drop_first(Vec::len);
    }

    fn drop_first(&self, count: impl Fn(&Vec<Lane>) -> usize) {
        for shelf in &self.0 {
            let mut lanes = shelf.lock();
            let surplus = count(&lanes);
            let old: Vec<Lane> = lanes.drain(..surplus).collect();
            drop(lanes);
            // A plain drop would wait for a name resolution under way.
            old.into_iter().for_each(|lane| lane.runtime.shutdown_background());
        }
    }
}

impl Drop for Lanes {
    fn drop(&mut self) {
        self.clear();
    }
}
