//! Ownership across the boundary: boxes given to C, borrowed back, and taken back.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

/// Runs `body` where there is no status to return; a panic yields `otherwise`.
pub(super) fn contain<T>(otherwise: T, body: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or(otherwise)
}

/// Hands ownership of `value` to C.
pub(super) fn give<T>(value: T) -> *mut T {
    Box::into_raw(Box::new(value))
}

/// Hands one reference to `value` to C.
pub(super) fn give_shared<T>(value: Arc<T>) -> *mut T {
    Arc::into_raw(value).cast_mut()
}

/// One reference more for C.
///
/// # Safety
/// `pointer` is NULL or came from [`give_shared`], and not all references to it have been released.
pub(super) unsafe fn share<T>(pointer: *mut T) {
    if !pointer.is_null() {
        unsafe { Arc::increment_strong_count(pointer) };
    }
}

/// Takes one reference back from C.
///
/// # Safety
/// As [`share`].
pub(super) unsafe fn release_shared<T>(pointer: *mut T) {
    if !pointer.is_null() {
        contain((), || drop(unsafe { Arc::from_raw(pointer) }));
    }
}

/// Takes ownership back from C and drops it. NULL is a no-op.
///
/// # Safety
/// `pointer` is NULL or came from [`give`] and has not been released.
pub(super) unsafe fn release<T>(pointer: *mut T) {
    if !pointer.is_null() {
        contain((), || drop(unsafe { Box::from_raw(pointer) }));
    }
}

/// Reads from what C owns; `otherwise` for NULL.
///
/// # Safety
/// `pointer` is NULL or came from [`give`], and is not released while the borrow lasts.
pub(super) unsafe fn borrow_or<'a, T: 'a, R>(pointer: *const T, otherwise: R, read: impl FnOnce(&'a T) -> R) -> R {
    unsafe { pointer.as_ref() }.map_or(otherwise, read)
}
