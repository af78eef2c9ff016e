//! Which process are we in? A counter that the child of every fork finds raised.
//!
//! The child's handler does nothing else: between fork and exec only async-signal-safe code may run.
//! Threads, locks and connections are built anew on the next use, by whoever sees the counter moved.

use std::sync::atomic::{AtomicU64, Ordering};

use once_cell::sync::OnceCell;

static GENERATION: AtomicU64 = AtomicU64::new(0);
static REGISTERED: OnceCell<()> = OnceCell::new();

extern "C" fn in_child() {
    GENERATION.fetch_add(1, Ordering::Relaxed);
}

/// Asks the C library to tell the child of every later fork. Once per process; later calls cost a load.
pub(crate) fn watch() {
    REGISTERED.get_or_init(|| {
        // SAFETY: the handler is a static function that only touches an atomic.
        // It can fail only for want of memory; then forked children go unnoticed.
        unsafe { libc::pthread_atfork(None, None, Some(in_child)) };
    });
}

/// How many forks lie between this process and the one that called [`watch`].
pub(crate) fn generation() -> u64 {
    GENERATION.load(Ordering::Relaxed)
}
