//! Locks that the child of a fork can use.
//!
//! The standard library's, which on Linux are nothing but a word in memory each. parking_lot's, which are a little
//! smaller, keep those who wait in one table of the whole process: the child of a fork inherits it with the entries of
//! threads that it does not have. A lock does not remember a panic: what it guards is replaced, not patched.

use std::{
    sync::{self, PoisonError, TryLockError},
    time::Instant,
};

pub(crate) use std::sync::MutexGuard;

#[derive(Default)]
pub(crate) struct Mutex<T>(sync::Mutex<T>);

impl<T> Mutex<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(sync::Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The value, unless somebody else has it; for what the parent of a fork may have locked.
    pub(crate) fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        match self.0.try_lock() {
            Ok(guard) => Some(guard),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
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
        Some(self.0.wait_timeout(guard, left).unwrap_or_else(PoisonError::into_inner).0)
    }
}
