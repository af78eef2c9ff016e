//! One value that writers replace and readers see without a lock; and a word that says whether it may still be used.
//!
//! `tests/loom` compiles this very file and runs it through every order in which threads can meet.

use std::sync::Arc;

use crate::sys::sync::{AtomicU64, Guard, Ordering, Swap};

/// What has a number: never 0, the same for no two values.
pub(super) trait Numbered {
    fn number(&self) -> u64;
}

/// Writers hold a lock of their own against each other; readers hold nothing.
pub(super) struct Cell<T> {
    /// The number of the value that may be used without asking, or 0.
    word: Arc<AtomicU64>,
    value: Swap<T>,
}

impl<T: Numbered> Cell<T> {
    pub(super) fn new(word: Arc<AtomicU64>) -> Self {
        Self { word, value: Swap::default() }
    }

    /// The value, if it may be used without asking: two or three loads, no lock, no allocation, no system call.
    #[inline]
    pub(super) fn read(&self) -> Option<Guard<Option<Arc<T>>>> {
        let word = self.word.load(Ordering::Acquire);
        if word == 0 {
            return None;
        }
        let value = self.value.load();
        value.as_ref().is_some_and(|value| value.number() == word).then_some(value)
    }

    /// Replaces the value; `usable` is its number if it may be used without asking.
    pub(super) fn store(&self, value: Option<&Arc<T>>, usable: Option<u64>) {
        let number = |value: Option<&Arc<T>>| value.map(|value| value.number());
        if number(self.value.load().as_ref()) != number(value) {
            self.word.store(0, Ordering::Release);
            self.value.store(value.cloned());
        }
        self.word.store(usable.unwrap_or(0), Ordering::Release);
    }

    /// Nothing may be used without asking any more.
    pub(super) fn invalidate(&self) {
        self.word.store(0, Ordering::Release);
    }
}
