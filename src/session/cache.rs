//! What readers see without a lock: one token, whole, or none.

use std::{sync::Arc, time::Duration};

use super::cell::{Cell, Numbered};
use crate::{
    lifecycle::Time,
    secret::Secret,
    sys::sync::{AtomicU64, Guard, Ordering},
};

/// One token. Immutable.
#[derive(Debug)]
pub(crate) struct Snapshot {
    /// Number of the token in this process, never 0, the same for no two tokens.
    pub(crate) generation: u64,
    pub(crate) token: Secret,
    /// When it is reckoned to expire.
    pub(crate) expiry: Time,
}

impl Snapshot {
    /// The next number for a token.
    pub(super) fn next_generation() -> u64 {
        static LAST: AtomicU64 = AtomicU64::new(0);
        LAST.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// Time left until the reckoned expiry in milliseconds, negative after it; `i64::MAX` if there is none.
    pub(crate) fn remaining_ms(&self, now: Time) -> i64 {
        let ms = |d: Duration| i64::try_from(d.as_millis()).ok();
        ms(self.expiry).map_or(i64::MAX, |expiry| expiry - ms(now).unwrap_or(i64::MAX))
    }
}

impl Numbered for Snapshot {
    fn number(&self) -> u64 {
        self.generation
    }
}

/// The token of one handle. Writers hold the session's lock.
pub(crate) struct TokenCache(Cell<Snapshot>);

impl TokenCache {
    /// `word` is what readers in other languages look at: the generation that may be used without asking, or 0.
    pub(crate) fn new(word: Arc<AtomicU64>) -> Self {
        Self(Cell::new(word))
    }

    /// The token, if it may be used without asking.
    #[inline]
    pub(crate) fn get(&self) -> Option<Guard<Option<Arc<Snapshot>>>> {
        self.0.read()
    }

    pub(super) fn store(&self, snapshot: Option<&Arc<Snapshot>>, usable: Option<u64>) {
        self.0.store(snapshot, usable);
    }

    /// Nothing may be used without asking any more.
    pub(super) fn invalidate(&self) {
        self.0.invalidate();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn situation_46_readers_never_see_half_a_token() {
        let cache = TokenCache::new(Arc::default());
        let text = |n: u64| format!("{n:0>200}");
        std::thread::scope(|scope| {
            for _ in 0..64 {
                scope.spawn(|| {
                    let mut last = 0;
                    while last < 500 {
                        let Some(seen) = cache.get() else {
                            std::thread::yield_now();
                            continue;
                        };
                        let seen = seen.as_ref().unwrap();
                        assert_eq!(seen.token.expose(), text(seen.generation));
                        assert!(seen.generation >= last);
                        last = seen.generation;
                    }
                });
            }
            for generation in 1..=500 {
                let token = text(generation).as_str().into();
                let snapshot = Arc::new(Snapshot { generation, token, expiry: Duration::ZERO });
                cache.store(Some(&snapshot), Some(generation));
            }
        });
        cache.invalidate();
        assert!(cache.get().is_none());
    }
}
