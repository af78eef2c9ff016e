//! Locks that the child of a fork can use.
//!
//! The standard library's, which on Linux are nothing but a word in memory each. parking_lot's, which are a little
//! smaller, keep those who wait in one table of the whole process: the child of a fork inherits it with the entries of
//! threads that it does not have. A lock does not remember a panic: what it guards is replaced, not patched.

use std::{
    sync::{self, PoisonError, TryLockError},
    time::Instant,
};

#[cfg(not(nacos_auth_tsan))]
pub(crate) use std::sync::MutexGuard;
#[cfg(nacos_auth_tsan)]
pub(crate) use told::MutexGuard;

#[cfg(not(nacos_auth_tsan))]
fn locked<T>(guard: sync::MutexGuard<'_, T>) -> MutexGuard<'_, T> {
    guard
}

#[cfg(not(nacos_auth_tsan))]
fn unlocking<T>(guard: MutexGuard<'_, T>) -> sync::MutexGuard<'_, T> {
    guard
}

#[cfg(nacos_auth_tsan)]
use told::{locked, unlocking};

/// Locks tell ThreadSanitizer what they guarantee: it does not see into a standard library that was built without it.
#[cfg(nacos_auth_tsan)]
mod told {
    use std::{
        ffi::c_void,
        fmt::{Display, Formatter, Result},
        ops::{Deref, DerefMut},
        ptr, sync,
    };

    unsafe extern "C" {
        fn __tsan_acquire(address: *mut c_void);
        fn __tsan_release(address: *mut c_void);
    }

    #[derive(Debug)]
    pub(crate) struct MutexGuard<'a, T>(Option<sync::MutexGuard<'a, T>>);

    pub(super) fn locked<T>(guard: sync::MutexGuard<'_, T>) -> MutexGuard<'_, T> {
        let mut told = MutexGuard(Some(guard));
        // SAFETY: the address is a name only.
        unsafe { __tsan_acquire(ptr::from_mut(&mut *told).cast()) };
        told
    }

    pub(super) fn unlocking<T>(mut guard: MutexGuard<'_, T>) -> sync::MutexGuard<'_, T> {
        guard.release();
        guard.0.take().expect("not taken")
    }

    impl<T> MutexGuard<'_, T> {
        fn release(&mut self) {
            // SAFETY: as above.
            unsafe { __tsan_release(ptr::from_mut(&mut **self).cast()) };
        }
    }

    impl<T> Drop for MutexGuard<'_, T> {
        fn drop(&mut self) {
            if self.0.is_some() {
                self.release();
            }
        }
    }

    impl<T: Display> Display for MutexGuard<'_, T> {
        fn fmt(&self, f: &mut Formatter<'_>) -> Result {
            (**self).fmt(f)
        }
    }

    impl<T> Deref for MutexGuard<'_, T> {
        type Target = T;
        fn deref(&self) -> &T {
            self.0.as_ref().expect("not taken")
        }
    }

    impl<T> DerefMut for MutexGuard<'_, T> {
        fn deref_mut(&mut self) -> &mut T {
            self.0.as_mut().expect("not taken")
        }
    }
}

#[derive(Default)]
pub(crate) struct Mutex<T>(sync::Mutex<T>);

impl<T> Mutex<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(sync::Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        locked(self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The value, unless somebody else has it; for what the parent of a fork may have locked.
    pub(crate) fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        match self.0.try_lock() {
            Ok(guard) => Some(locked(guard)),
            Err(TryLockError::Poisoned(poisoned)) => Some(locked(poisoned.into_inner())),
            Err(TryLockError::WouldBlock) => None,
        }
    }
}

#[derive(Default)]
pub(crate) struct Condvar(sync::Condvar);

impl Condvar {
    pub(crate) fn notify_one(&self) {
        self.0.notify_one();
    }

    pub(crate) fn notify_all(&self) {
        self.0.notify_all();
    }

    /// Waits until `until` at the longest; `None` if it has passed.
    pub(crate) fn wait_until<'a, T>(&self, guard: MutexGuard<'a, T>, until: Instant) -> Option<MutexGuard<'a, T>> {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return None;
        }
        Some(locked(self.0.wait_timeout(unlocking(guard), left).unwrap_or_else(PoisonError::into_inner).0))
    }
}
