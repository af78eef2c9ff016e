//! What the library takes from the system, as loom has it.

pub(crate) mod sync {
    use std::{ops::Deref, sync::Arc};

    use loom::sync::Mutex;
    pub(crate) use loom::sync::atomic::{AtomicU64, Ordering};

    /// A pointer that is swapped whole, which is all that `arc_swap` promises.
    pub(crate) struct Swap<T>(Mutex<Option<Arc<T>>>);

    impl<T> Default for Swap<T> {
        fn default() -> Self {
            Self(Mutex::new(None))
        }
    }

    impl<T> Swap<T> {
        pub(crate) fn load(&self) -> Guard<Option<Arc<T>>> {
            Guard(self.0.lock().unwrap().clone())
        }

        pub(crate) fn store(&self, value: Option<Arc<T>>) {
            *self.0.lock().unwrap() = value;
        }
    }

    pub(crate) struct Guard<T>(T);

    impl<T> Deref for Guard<T> {
        type Target = T;

        fn deref(&self) -> &T {
            &self.0
        }
    }
}
