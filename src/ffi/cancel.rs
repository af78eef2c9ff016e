//! A signal that ends calls from another thread.

use super::pointer::{borrow_or, contain, give, release};
use crate::{Cancel, sys::cancellation};

/// A signal that ends calls from another thread. Thread-safe, owned by the caller, freed with nacos_cancel_free.
pub struct nacos_cancel(Cancel);

impl nacos_cancel {
    pub(super) fn signal(&self) -> &Cancel {
        &self.0
    }
}

/// A new signal, for one call or several. Never NULL. Any thread.
#[unsafe(no_mangle)]
#[must_use]
pub extern "C" fn nacos_cancel_new() -> *mut nacos_cancel {
    contain(std::ptr::null_mut(), || give(nacos_cancel(Cancel::new())))
}

/// Ends every call that carries the signal, now and later, with NACOS_CANCELLED; but for nacos_get_token that has a token in the
/// cache, which looks at no signal. Does not wait for them. Any thread; NULL is a no-op. NOT to be called in a signal handler:
/// it locks, and may wait for itself there. A handler sets a flag of its own, and nacos_auth_options.keep_waiting looks at it.
///
/// # Safety
/// `cancel` is NULL or has not been freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nacos_cancel_trigger(cancel: *mut nacos_cancel) {
    let _blocks = cancellation::Disabled::new();
    contain((), || unsafe { borrow_or(cancel, (), |c| c.signal().trigger()) });
}

/// Frees a signal, also while calls under way still carry it. NULL is a no-op.
///
/// # Safety
/// `cancel` is NULL or has not been freed, and no other thread is passing it to a function right now.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nacos_cancel_free(cancel: *mut nacos_cancel) {
    unsafe { release(cancel) }
}
