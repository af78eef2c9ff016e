//! What belongs to one process, and is replaced as a whole in the child of a fork.
//!
//! A fork leaves locks that a thread of the parent held and that nobody will ever unlock, waiting threads that do not exist
//! and descriptors that two processes share. So everything that locks, waits, wakes or holds a descriptor lies in a
//! [`PerProcess`], and this is the only place that asks whether there was a fork.
//!
//! The kernel tells: the number of the process lies in memory that it clears in every child. So it is known from the first
//! instruction of the child on, in the fork handlers of the host too, which may run before one of ours, and after a fork that
//! runs no handlers. Where there is no such memory (Linux before 4.14), a handler clears it.

use std::{
    ptr,
    sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, Ordering},
};

/// As large as a page may be: the linkers of these processors align segments by as much.
#[cfg_attr(target_arch = "x86_64", repr(C, align(4096)))]
#[cfg_attr(not(target_arch = "x86_64"), repr(C, align(65536)))]
struct Page {
    number: AtomicU64,
}

/// The number of this process: 0 before the first use of the library in it, then another one than that of its parent.
static PAGE: Page = Page { number: AtomicU64::new(0) };
/// While a process begins.
const BEGINS: u64 = u64::MAX;
/// The last number that this process or its parents had.
static LAST: AtomicU64 = AtomicU64::new(0);
static WATCHED: AtomicBool = AtomicBool::new(false);
/// What the number was when the process forked last.
static FORKED_AS: AtomicU64 = AtomicU64::new(0);

extern "C" fn in_parent() {
    FORKED_AS.store(PAGE.number.load(Ordering::Relaxed), Ordering::Relaxed);
}

/// Async-signal-safe: between fork and exec nothing else may run.
extern "C" fn in_child() {
    // Where the kernel has not cleared it, whatever it says of that.
    let parents = FORKED_AS.load(Ordering::Relaxed);
    _ = PAGE.number.compare_exchange(parents, 0, Ordering::Relaxed, Ordering::Relaxed);
    Stamp::now();
}

/// That of the process that we are in, whose forks are noticed from now on.
pub(super) fn watch() -> Stamp {
    if !WATCHED.swap(true, Ordering::Relaxed) {
        // SAFETY: the page holds nothing but the number, which the child of a fork then finds to be 0. The handlers are static
        // functions that only touch atomics. Either may fail, where it is not to be had; the other one does then.
        unsafe {
            #[cfg(any(target_os = "linux", target_os = "android"))]
            {
                let page = ptr::from_ref(&PAGE).cast_mut().cast();
                libc::madvise(page, size_of::<Page>(), libc::MADV_WIPEONFORK);
            }
            libc::pthread_atfork(Some(in_parent), None, Some(in_child));
        }
    }
    Stamp::now()
}

/// Which process something belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp(u64);

impl Stamp {
    /// That of the process that we are in.
    #[inline]
    pub(crate) fn now() -> Self {
        match PAGE.number.load(Ordering::Acquire) {
            0 | BEGINS => Self::begin(),
            number => Self(number),
        }
    }

    /// Whether this is still the process that it was taken in.
    #[inline]
    pub(crate) fn is_current(self) -> bool {
        PAGE.number.load(Ordering::Relaxed) == self.0
    }

    #[cold]
    fn begin() -> Self {
        match PAGE.number.compare_exchange(0, BEGINS, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => {
                // Before anything of this process has words: all there are, are the parent's.
                super::word::clear();
                let number = LAST.fetch_add(1, Ordering::Relaxed) + 1;
                PAGE.number.store(number, Ordering::Release);
                Self(number)
            }
            Err(BEGINS) => {
                while PAGE.number.load(Ordering::Acquire) == BEGINS {
                    std::thread::yield_now();
                }
                Self::now()
            }
            Err(number) => Self(number),
        }
    }
}

struct Stamped<T> {
    stamp: Stamp,
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
            Some(stamped) if stamped.stamp.is_current() => &stamped.value,
            other => self.replace(other, make),
        }
    }

    #[cold]
    fn replace(&self, seen: Option<&Stamped<T>>, make: impl FnOnce(Option<&T>) -> T) -> &T {
        // Making the value may do what `pthread_cancel` ends a thread at.
        let _blocks = super::cancellation::Disabled::new();
        let stamp = watch();
        let made = Box::into_raw(Box::new(Stamped { stamp, value: make(seen.map(|stamped| &stamped.value)) }));
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
            if pointer.as_ref().is_some_and(|stamped| stamped.stamp.is_current()) {
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
