//! How a call waits for its connection: on its caller's thread it is polled here, which sleeps in recv(2) for a moment and then in
//! poll(2) until the connection can go on; as a task it is polled by the runtime.

use std::{
    future::Future,
    pin::pin,
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use super::{
    error::{Error, ErrorKind, Phase},
    stream::Interest,
};
use crate::{
    sys::descriptor,
    wait::{Executor, Limits},
};

/// What ends sooner need not be interruptible: registering for that takes locks that all calls of a handle share.
pub(super) const FLEETING: Duration = Duration::from_millis(20);
/// How often a call without an event to watch looks whether it has to end.
const BETWEEN_LOOKS: Duration = Duration::from_millis(50);

/// What `future` comes to; an error of `phase` if the call has to end before.
pub(super) async fn drive<T>(
    future: impl Future<Output = Result<T, Error>>,
    interest: &Interest,
    limits: &Limits<'_>,
    phase: Phase,
) -> Result<T, Error> {
    match limits.executor {
        Executor::Caller => drive_here(future, interest, limits, phase),
        Executor::Runtime => limits.until(future).await.unwrap_or_else(|| Err(must_end(limits, phase))),
    }
}

/// The error of a call that has to end while it is in `phase`.
fn must_end(limits: &Limits<'_>, phase: Phase) -> Error {
    match limits.check() {
        Err(_) => Error::new(phase, ErrorKind::Interrupted, "interrupted"),
        Ok(()) => Error::new(phase, ErrorKind::Timeout, "no answer in time"),
    }
}

fn drive_here<T>(
    future: impl Future<Output = Result<T, Error>>,
    interest: &Interest,
    limits: &Limits<'_>,
    phase: Phase,
) -> Result<T, Error> {
    let mut future = pin!(future);
    let parker = interest.parker();
    let waker = Waker::from(parker.clone());
    let mut context = Context::from_waker(&waker);
    let (mut fleeting_until, mut read_waits) = (None, false);
    let mut watch = None;
    loop {
        interest.clear();
        if std::mem::take(&mut read_waits) {
            interest.wait_in_read();
        }
        if let Poll::Ready(result) = future.as_mut().poll(&mut context) {
            return result;
        }
        // Looked at in every round: a server can keep a connection busy for ever with nothing.
        let now = Instant::now();
        if limits.check().is_err() || now >= limits.deadline {
            return Err(must_end(limits, phase));
        }
        if parker.take_wake_up() {
            continue;
        }
        let fleeting_until = *fleeting_until.get_or_insert(now + FLEETING);
        // Most answers come soon: one system call waits and reads.
        read_waits =
            now < fleeting_until && limits.check_at(limits.deadline) > now + FLEETING && interest.may_wait_in_read();
        if read_waits {
            continue;
        }
        if watch.is_none() && now >= fleeting_until {
            watch = Some(limits.watch());
        }
        let Some((fd, events)) = interest.wanted() else {
            return Err(Error::new(phase, ErrorKind::Setup, "a connection that waits for nothing"));
        };
        let event = watch.as_ref().and_then(|watch| watch.event());
        let until = match &watch {
            None => limits.deadline.min(fleeting_until),
            Some(_) if event.is_none() => limits.deadline.min(now + BETWEEN_LOOKS),
            Some(_) => limits.deadline,
        };
        let until = limits.check_at(until);
        let is_ready = descriptor::poll(fd, events, event, until.saturating_duration_since(now));
        if !limits.is_of_this_process() {
            return Err(must_end(limits, phase));
        }
        if is_ready {
            interest.set_ready();
        }
    }
}
