//! A library's own thread must not be the one that a signal of the program lands on.

/// Runs `f` with every signal blocked in this thread; a thread started meanwhile keeps them blocked for its life.
pub(crate) fn with_all_blocked<T>(f: impl FnOnce() -> T) -> T {
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
