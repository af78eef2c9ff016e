//! What belongs to one process, and is replaced as a whole in the child of a fork.
//!
//! A fork leaves locks that a thread of the parent held and that nobody will ever unlock, waiting threads that do not exist
//! and descriptors that two processes share. So everything that locks, waits, wakes or holds a descriptor lies in a
//! [`PerProcess`], and this is the only place that asks whether there was a fork. The handler in the child raises a counter,
//! clears the words of [`super::word`], and does nothing else: between fork and exec only async-signal-safe code may run.

use std::{
    ptr,
    sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, Ordering},
};

/// How many forks lie between this process and the first one that used the library.
static FORKS: AtomicU64 = AtomicU64::new(0);
static WATCHED: AtomicBool = AtomicBool::new(false);

extern "C" fn in_child() {
    FORKS.fetch_add(1, Ordering::Relaxed);
    super::word::clear();
}

/// Asks the C library to tell the child of every later fork. Once per process; later calls cost a load.
pub(super) fn watch() {
    if !WATCHED.swap(true, Ordering::Relaxed) {
        // SAFETY: the handler is a static function that only touches an atomic.
        // It can fail only for want of memory; then forked children go unnoticed.
        unsafe { libc::pthread_atfork(None, None, Some(in_child)) };
    }
}

struct Stamped<T> {
    forks: u64,
    value: T,
}

/// A value of this process: made on first use, and made anew from the parent's on first use in the child of a fork. The
/// parent's value is never dropped there.
pub(crate) struct PerProcess<T>(AtomicPtr<Stamped<T>>);

impl<T> PerProcess<T> {
    pub(crate) const fn new() -> Self {
        Self(AtomicPtr::new(ptr::null_mut()))
    }

    /// The value. `make` gets the parent's after a fork, of which it may copy what is plain data, and must not wait for any
    /// lock in it. Where several threads come first at the same time, `make` may run more than once; one result is kept.
    #[inline]
    pub(crate) fn get(&self, make: impl FnOnce(Option<&T>) -> T) -> &T {
        // SAFETY: the pointer is NULL or came from a box that is only freed by `drop`, which has `self` to itself.
        match unsafe { self.0.load(Ordering::Acquire).as_ref() } {
            Some(stamped) if stamped.forks == FORKS.load(Ordering::Relaxed) => &stamped.value,
            other => self.replace(other, make),
        }
    }

    #[cold]
    fn replace(&self, seen: Option<&Stamped<T>>, make: impl FnOnce(Option<&T>) -> T) -> &T {
        // Making the value may do what `pthread_cancel` ends a thread at.
        let _blocks = super::cancellation::Disabled::new();
        watch();
        let forks = FORKS.load(Ordering::Relaxed);
        let made = Box::into_raw(Box::new(Stamped { forks, value: make(seen.map(|stamped| &stamped.value)) }));
        let seen = seen.map_or(ptr::null_mut(), |stamped| ptr::from_ref(stamped).cast_mut());
        match self.0.compare_exchange(seen, made, Ordering::AcqRel, Ordering::Acquire) {
            // SAFETY: as above; what `seen` points to is left alone for ever.
            Ok(_) => unsafe { &(*made).value },
            Err(other) => {
                // SAFETY: nobody else has seen `made`; `other` was stored by a thread of this process just now.
                drop(unsafe { Box::from_raw(made) });
                unsafe { &(*other).value }
            }
        }
    }
}

impl<T> Drop for PerProcess<T> {
    fn drop(&mut self) {
        let pointer = *self.0.get_mut();
        // SAFETY: nobody else has `self`. What belongs to another process is left alone.
        unsafe {
            if pointer.as_ref().is_some_and(|stamped| stamped.forks == FORKS.load(Ordering::Relaxed)) {
                drop(Box::from_raw(pointer));
            }
        }
    }
}

// SAFETY: it hands out shared references to `T` from any thread, and drops it in any.
unsafe impl<T: Send + Sync> Send for PerProcess<T> {}
unsafe impl<T: Send + Sync> Sync for PerProcess<T> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_makes_its_own_value_from_the_parents_and_leaves_that_alone() {
        struct Witness(u32, std::sync::Arc<AtomicU64>);
        impl Drop for Witness {
            fn drop(&mut self) {
                self.1.fetch_add(1, Ordering::SeqCst);
            }
        }
        let drops = std::sync::Arc::new(AtomicU64::new(0));
        let value = PerProcess::new();
        let make = |old: Option<&Witness>| Witness(old.map_or(1, |old| old.0 + 1), drops.clone());
        assert_eq!(value.get(make).0, 1);
        assert_eq!(value.get(|_| unreachable!()).0, 1);
        // SAFETY: the child calls nothing but this module, an atomic and `_exit`.
        let child = unsafe { libc::fork() };
        if child == 0 {
            let own = value.get(make).0;
            drop(value);
            let dropped = drops.load(Ordering::SeqCst);
            // SAFETY: ends the child without running anything else.
            unsafe { libc::_exit(if own == 2 && dropped == 1 { 0 } else { 1 }) };
        }
        let mut status = 0;
        // SAFETY: `child` is ours, `status` is valid to write to.
        assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
        assert_eq!(status, 0);
        drop(value);
        assert_eq!(drops.load(Ordering::SeqCst), 1);
    }
}
