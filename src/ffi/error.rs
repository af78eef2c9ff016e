//! The error object: the details behind a status.

use std::ffi::{CString, c_char};

use super::{
    pointer::{borrow_or, release},
    status::{self, NACOS_INVALID_CONFIG, NACOS_NULL_ARGUMENT, NACOS_PANIC, nacos_status},
};
use crate::{Cause, error::Error};

/// The details of a failure. Immutable, owned by the caller, freed with nacos_error_free. Any thread may read it.
/// Holds no password, token or query.
pub struct nacos_error {
    status: nacos_status,
    message: CString,
    http_status: i32,
    retryable: bool,
    retry_after_ms: u64,
    cause: CString,
    server: CString,
    maybe_sent: bool,
}

/// Why a function of the interface fails. In a box, as C gets it: what every call returns stays a word.
pub(super) type Failure = Box<nacos_error>;

/// Surely no server has acted on the request.
pub const NACOS_SENT_NO: i32 = 0;
/// A server may have acted on the request.
pub const NACOS_SENT_PERHAPS: i32 = 1;

fn c_string(text: impl Into<Vec<u8>>) -> CString {
    let mut text = text.into();
    text.retain(|byte| *byte != 0);
    CString::new(text).unwrap_or_default()
}

impl nacos_error {
    pub(super) fn new(status: nacos_status, message: impl Into<String>) -> Failure {
        let cause = match status {
            NACOS_INVALID_CONFIG => Cause::InvalidConfig,
            NACOS_PANIC => Cause::Internal,
            _ => Cause::InvalidArgument,
        };
        Box::new(Self {
            status,
            message: c_string(message.into()),
            http_status: 0,
            retryable: false,
            retry_after_ms: 0,
            cause: c_string(cause.name()),
            server: CString::default(),
            maybe_sent: false,
        })
    }

    pub(super) fn because(mut self: Box<Self>, cause: Cause) -> Failure {
        self.cause = c_string(cause.name());
        self
    }

    pub(super) fn null(argument: &str) -> Failure {
        Self::new(NACOS_NULL_ARGUMENT, format!("{argument} is NULL"))
    }

    pub(super) fn status(&self) -> nacos_status {
        self.status
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let after = error.retry_after().map_or(0, |after| u64::try_from(after.as_millis()).unwrap_or(u64::MAX).max(1));
        Self::new(nacos_error {
            status: status::of(error.kind()),
            message: c_string(error.message()),
            http_status: error.http_status().map_or(0, i32::from),
            retryable: error.is_retryable(),
            retry_after_ms: after,
            cause: c_string(error.cause().name()),
            server: c_string(error.server().unwrap_or_default()),
            maybe_sent: error.was_maybe_sent(),
        })
    }
}

/// The status of the call that failed; NACOS_NULL_ARGUMENT for NULL.
///
/// # Safety
/// `error` is NULL or an error that has not been freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nacos_error_status(error: *const nacos_error) -> nacos_status {
    unsafe { borrow_or(error, NACOS_NULL_ARGUMENT, |e| e.status) }
}

/// What failed, on which server, and what to do: UTF-8, NUL-terminated, valid until the error is freed. "" for NULL.
///
/// # Safety
/// `error` is NULL or an error that has not been freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nacos_error_message(error: *const nacos_error) -> *const c_char {
    unsafe { borrow_or(error, c"".as_ptr(), |e| e.message.as_ptr()) }
}

/// Why the call failed, more closely than the status says it: one of NACOS_CAUSE_*, NUL-terminated, valid until the error is
/// freed. More may come. "" for NULL.
///
/// # Safety
/// `error` is NULL or an error that has not been freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nacos_error_cause(error: *const nacos_error) -> *const c_char {
    unsafe { borrow_or(error, c"".as_ptr(), |e| e.cause.as_ptr()) }
}

/// The server that the failure is about, as "host:port": UTF-8, NUL-terminated, valid until the error is freed. "" if it is
/// about none, or about all of them, and for NULL.
///
/// # Safety
/// `error` is NULL or an error that has not been freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nacos_error_server(error: *const nacos_error) -> *const c_char {
    unsafe { borrow_or(error, c"".as_ptr(), |e| e.server.as_ptr()) }
}

/// Whether a server may have acted on the request that failed: NACOS_SENT_PERHAPS, or NACOS_SENT_NO if surely none has, if the
/// call was no request, and for NULL. Then sending it again does nothing twice.
///
/// # Safety
/// `error` is NULL or an error that has not been freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nacos_error_was_sent(error: *const nacos_error) -> i32 {
    unsafe { borrow_or(error, NACOS_SENT_NO, |e| if e.maybe_sent { NACOS_SENT_PERHAPS } else { NACOS_SENT_NO }) }
}

/// The HTTP status of the answer that caused the failure; 0 if no answer did.
///
/// # Safety
/// `error` is NULL or an error that has not been freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nacos_error_http_status(error: *const nacos_error) -> i32 {
    unsafe { borrow_or(error, 0, |e| e.http_status) }
}

/// 1 if the same call may succeed later without anybody changing anything, else 0.
///
/// # Safety
/// `error` is NULL or an error that has not been freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nacos_error_is_retryable(error: *const nacos_error) -> i32 {
    unsafe { borrow_or(error, 0, |e| e.retryable.into()) }
}

/// Milliseconds until this library itself logs in again, before which calls get the same error; 0 if unknown.
///
/// # Safety
/// `error` is NULL or an error that has not been freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nacos_error_retry_after_ms(error: *const nacos_error) -> u64 {
    unsafe { borrow_or(error, 0, |e| e.retry_after_ms) }
}

/// Frees an error. NULL is a no-op.
///
/// # Safety
/// `error` is NULL or an error that has not been freed, and nobody uses it any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nacos_error_free(error: *mut nacos_error) {
    unsafe { release(error) }
}
