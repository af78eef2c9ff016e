//! What threads share without a lock, under names of ours: the models in `tests/loom` put others in their place.

pub(crate) use std::sync::atomic::{AtomicU64, Ordering};

pub(crate) use arc_swap::{ArcSwapOption as Swap, Guard};
