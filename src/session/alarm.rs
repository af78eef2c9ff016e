//! How the refresher sleeps.

use std::io;

use tokio::io::unix::AsyncFd;

use crate::{
    lifecycle::Time,
    sys::{clock, timer::Timer},
};

/// The longest sleep by a timer that stands still while the machine does, as tokens do not.
const LONGEST_SLEEP: Time = Time::from_secs(60);

/// Wakes the refresher at a time of the clock that tokens go by, a resume included. Where the system has no such timer, or no
/// descriptor for one, it wakes it every minute.
pub(super) struct Alarm(Option<AsyncFd<Timer>>);

impl Alarm {
    /// To be called on the runtime that will wait.
    pub(super) fn new() -> Self {
        Self(Timer::new().and_then(Timer::on_this_runtime).ok())
    }

    pub(super) async fn comes_at(&self, at: Time) {
        if let Some(timer) = &self.0
            && rings(timer, at).await.is_ok()
        {
            return;
        }
        tokio::time::sleep(at.saturating_sub(clock::now()).min(LONGEST_SLEEP)).await;
    }
}

async fn rings(timer: &AsyncFd<Timer>, at: Time) -> io::Result<()> {
    timer.get_ref().set(at)?;
    loop {
        // It may be that of an earlier time, which nobody waited for any more.
        if let Ok(rung) = timer.readable().await?.try_io(|timer| timer.get_ref().take()) {
            return rung;
        }
    }
}
