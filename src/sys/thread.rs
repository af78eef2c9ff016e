//! Threads of the library's own.

use std::{io, thread};

/// Enough for a TLS handshake and for name services loaded by the C library. Given explicitly: otherwise the standard library
/// looks for it in the environment.
const STACK: usize = 1 << 20;

/// Starts a thread on which no signal of the program lands: all of them are blocked for its whole life.
pub(crate) fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let builder = thread::Builder::new().name(name.into()).stack_size(STACK);
    with_signals_blocked(|| builder.spawn(run)).map(drop)
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
