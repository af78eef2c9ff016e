//! Threads of the library's own.

use std::{
    io, mem,
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use super::{lock::Mutex, per_process::PerProcess};

/// Enough for a TLS handshake and for name services loaded by the C library. Given explicitly: otherwise the standard library
/// looks for it in the environment.
const STACK: usize = 1 << 20;

/// How long [`join`] waits. Threads that it is for need less than a millisecond, on a busy machine some.
const PATIENCE: Duration = Duration::from_millis(100);
/// How often it looks, from the first time to the last.
const BETWEEN_LOOKS: [Duration; 2] = [Duration::from_micros(20), Duration::from_millis(2)];

/// The threads started with [`spawn_joined`] that have not been joined.
static JOINED: PerProcess<Mutex<Vec<JoinHandle<()>>>> = PerProcess::new();

/// Starts a thread on which no signal of the program lands: all of them are blocked for its whole life. Nobody waits for its
/// end: it may hang.
pub(crate) fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<()> {
    start(name, run).map(drop)
}

/// As [`spawn`], for one that ends by itself soon when it is not needed any more: [`join`] waits for it.
pub(crate) fn spawn_joined(name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let mut joined = JOINED.get(|_| Mutex::default()).lock();
    joined.retain(|thread| !thread.is_finished());
    joined.push(start(name, run)?);
    Ok(())
}

/// Waits until the threads started with [`spawn_joined`] have ended, while `wanted`, and not long: what is left of them then
/// ends by itself.
pub(crate) fn join(wanted: impl Fn() -> bool) {
    let joined = JOINED.get(|_| Mutex::default());
    let until = Instant::now() + PATIENCE;
    let mut pause = BETWEEN_LOOKS[0];
    while wanted() {
        let mut threads = mem::take(&mut *joined.lock());
        // Only what stack and thread-local state need is left to do for a thread that has finished.
        threads.extract_if(.., |thread| thread.is_finished()).for_each(|thread| _ = thread.join());
        let now = Instant::now();
        if threads.is_empty() || now >= until {
            break;
        }
        joined.lock().append(&mut threads);
        thread::sleep(pause.min(until - now));
        pause = (pause * 2).min(BETWEEN_LOOKS[1]);
    }
}

fn start(name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    let builder = thread::Builder::new().name(name.into()).stack_size(STACK);
    with_signals_blocked(|| builder.spawn(run))
}

/// Runs `f` with every signal blocked in this thread; a thread started meanwhile keeps them blocked.
fn with_signals_blocked<T>(f: impl FnOnce() -> T) -> T {
    // SAFETY: both sets are plain memory that the calls fill; only this thread's mask changes, and changes back.
    unsafe {
        let (mut all, mut before) = (std::mem::zeroed(), std::mem::zeroed());
        libc::sigfillset(&mut all);
        libc::pthread_sigmask(libc::SIG_SETMASK, &all, &mut before);
        let result = f();
        libc::pthread_sigmask(libc::SIG_SETMASK, &before, std::ptr::null_mut());
        result
    }
}
