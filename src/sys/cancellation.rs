//! Cancellation of threads, as pthreads have it.

use std::ffi::c_int;

unsafe extern "C" {
    fn pthread_setcancelstate(state: c_int, old: *mut c_int) -> c_int;
}

/// PTHREAD_CANCEL_DISABLE, which the libc crate does not have.
const DISABLE: c_int = if cfg!(target_os = "macos") { 0 } else { 1 };

/// While this lives, `pthread_cancel` has no effect on this thread: unwinding that C began must not go through Rust. A
/// request to cancel stays, and takes effect in the program's own code.
pub(crate) struct Disabled {
    before: c_int,
}

impl Disabled {
    pub(crate) fn new() -> Self {
        let mut before = 0;
        // SAFETY: changes a setting of this thread; `before` is valid to write to.
        unsafe { pthread_setcancelstate(DISABLE, &mut before) };
        Self { before }
    }
}

impl Drop for Disabled {
    fn drop(&mut self) {
        // SAFETY: puts back what was there.
        unsafe { pthread_setcancelstate(self.before, std::ptr::null_mut()) };
    }
}
