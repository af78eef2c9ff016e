//! Lanes: how calls that block drive an asynchronous HTTP client without a thread of its own.
//!
//! A lane is a single-threaded runtime with a client and its idle connections. A calling thread takes the lane used
//! last, runs its request on it, and puts it back. So there is no hand-over to another thread and back, a request can
//! be interrupted at any moment by dropping it, and the number of connections follows the number of concurrent calls.

use std::time::{Duration, Instant};

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
}

/// The lanes not in use, last used at the end.
#[derive(Default)]
pub(super) struct Lanes(Mutex<Vec<Lane>>);

impl Lanes {
    pub(super) fn take(&self) -> Option<Lane> {
        self.0.lock().pop()
    }

    pub(super) fn put_back(&self, mut lane: Lane) {
        lane.used = Instant::now();
        self.0.lock().push(lane);
    }

    /// Drops the lanes whose connections nobody wants any more.
    pub(super) fn tidy(&self) {
        let mut lanes = self.0.lock();
        let idle = lanes.iter().take_while(|lane| lane.used.elapsed() > IDLE).count();
        let old: Vec<Lane> = lanes.drain(..idle).collect();
        drop(lanes);
        old.into_iter().for_each(|lane| lane.runtime.shutdown_background());
    }
}

impl Drop for Lanes {
    fn drop(&mut self) {
        // A plain drop would wait for a name resolution under way.
        self.0.get_mut().drain(..).for_each(|lane| lane.runtime.shutdown_background());
    }
}
