//! Calls that no thread of the caller's waits for.

use std::{ffi::c_void, ptr, sync::Arc};

use super::{
    auth::nacos_auth,
    boundary::{Sized_, borrow, guard_blocking, read_sized},
    error::{Failure, nacos_error},
    options::{Call, NACOS_FLAG_NO_WAIT, nacos_call_options},
    pointer::{borrow_or, contain, give, release},
    queue::{Completion, Outcome, Queue, nacos_queue},
    request::{nacos_request_options, nacos_response, owned_request},
    status::{NACOS_INVALID_ARGUMENT, nacos_status},
    token::nacos_token,
};
use crate::{Cancel, Result, client::Complete, sys::cancellation};

/// A call that no thread of the caller's waits for. Thread-safe, owned by the caller, freed with nacos_operation_free.
pub struct nacos_operation(Cancel);

/// How an operation ended. Begin with nacos_completion_default(). What is not NULL in it is owned by whoever gets it.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct nacos_completion {
    /// sizeof(nacos_completion), as the caller compiled it; for a callback, as the library has it.
    pub struct_size: usize,
    /// What nacos_start_options.data was.
    pub data: *mut c_void,
    /// The answer to a request; NULL for a token, and on failure. Freed with nacos_response_free.
    pub response: *mut nacos_response,
    /// The token; NULL for a request, and on failure. Freed with nacos_token_free.
    pub token: *mut nacos_token,
    /// Why it failed; NULL on success. Freed with nacos_error_free.
    pub error: *mut nacos_error,
    /// NACOS_OK, or what nacos_request or nacos_get_token would have returned.
    pub status: nacos_status,
    /// 0.
    pub reserved0: i32,
}

/// Takes the completion of an operation: it owns what is in there. Runs on a thread of the library, which each handle has for
/// itself and which has all signals blocked (where the system has no threads left, on the one that does the work of all
/// operations), under no lock, one at a time for each handle; may block, which keeps the handle's other completions waiting,
/// call the library, start operations, and close or free the handle, which waits for nothing then. Must return: no exception, no
/// longjmp.
pub type nacos_completion_callback =
    Option<unsafe extern "C" fn(data: *mut c_void, completion: *const nacos_completion)>;

/// How the end of an operation is told: by `queue` or by `on_complete`, of which one is set. Begin with
/// nacos_start_options_default().
#[repr(C)]
#[derive(Clone, Copy)]
pub struct nacos_start_options {
    /// sizeof(nacos_start_options), as the caller compiled it.
    pub struct_size: usize,
    /// Comes back in the completion. It stays the caller's.
    pub data: *mut c_void,
    /// The completion waits there until it is taken. It must not be freed before the call has returned.
    pub queue: *mut nacos_queue,
    /// Called with the completion.
    pub on_complete: nacos_completion_callback,
}

unsafe impl Sized_ for nacos_completion {}
unsafe impl Sized_ for nacos_start_options {}

/// How an operation is told of.
enum Told {
    Queued(Arc<Queue>),
    Called(unsafe extern "C" fn(*mut c_void, *const nacos_completion)),
}

/// The caller's pointer, on its way to where it comes back.
struct Data(*mut c_void);

// The header says that operations are completed on threads of the library.
unsafe impl Send for Data {}

impl Data {
    fn completed(self, outcome: Outcome, slot: Option<crate::client::Slot>) -> Completion {
        Completion { data: self.0, outcome, _slot: slot }
    }
}

impl Told {
    /// # Safety
    /// `start` is NULL or as nacos_request_start requires it.
    unsafe fn read(start: *const nacos_start_options) -> Result<(Self, Data), Failure> {
        let start = unsafe { read_sized("start", start) }?.ok_or_else(|| nacos_error::null("start"))?;
        let told = match (unsafe { start.queue.as_ref() }, start.on_complete) {
            (Some(queue), None) => Self::Queued(queue.queue().clone()),
            (None, Some(function)) => Self::Called(function),
            (None, None) => {
                let message = "start: neither queue nor on_complete is set; set one of them";
                return Err(nacos_error::new(NACOS_INVALID_ARGUMENT, message));
            }
            (Some(_), Some(_)) => {
                let message = "start: queue and on_complete exclude each other; set one of them";
                return Err(nacos_error::new(NACOS_INVALID_ARGUMENT, message));
            }
        };
        Ok((told, Data(start.data)))
    }

    fn complete<T: 'static>(&self, data: Data, outcome: fn(T) -> Outcome) -> Complete<T> {
        let outcome = move |result: Result<T>| match result {
            Ok(value) => outcome(value),
            Err(error) => Outcome::Error(error.into()),
        };
        match self {
            Self::Queued(queue) => {
                let queue = queue.clone();
                Complete::Here(Box::new(move |result, slot| queue.push(data.completed(outcome(result), Some(slot)))))
            }
            Self::Called(function) => {
                let function = *function;
                Complete::Dispatched(Box::new(move |result| {
                    let completion = data.completed(outcome(result), None).into_c();
                    // SAFETY: as the header asks of a callback.
                    unsafe { function(completion.data, &completion) };
                }))
            }
        }
    }

    /// Ends the operation too.
    fn freed(&self) -> Option<Cancel> {
        match self {
            Self::Queued(queue) => Some(queue.freed().clone()),
            Self::Called(_) => None,
        }
    }
}

/// Starts what nacos_request does and returns at once: it waits for no server, no login and no connection. Everything in `options`
/// is copied, the body too; its cancel signal and its deadline, which begins now, hold for the operation; nobody is asked whether
/// to go on (keep_waiting).
///
/// On success exactly one completion comes, whatever happens: when the answer is complete, at the deadline, when it is cancelled,
/// and when the handle is closed. It may come before this has returned: `*operation` is set by then, and nothing of the caller's is
/// read or written any more. `*operation` is owned by the caller; `operation` may be NULL: the operation cannot be cancelled by
/// itself then. On failure no completion comes: NACOS_WOULD_BLOCK if as many operations are under way as
/// max_operations allows, NACOS_CLOSED, NACOS_INTERNAL (no thread to be had), or an argument error. Any thread, callbacks too.
///
/// Operations of a process share one thread, and with the calls that block its connections, logins and tokens: those beyond
/// max_connections wait for their turn. nacos_auth_close ends them with NACOS_CLOSED and waits, within its bound, until their
/// callbacks have returned and their completions are in their queues. In the child of a fork the operations of the parent do not
/// exist: they are completed in the parent alone.
///
/// # Safety
/// `auth`, `options` and `start` are valid; `operation` and `error` may be NULL.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn nacos_request_start(
    auth: *mut nacos_auth,
    options: *const nacos_request_options,
    start: *const nacos_start_options,
    operation: *mut *mut nacos_operation,
    error: *mut *mut nacos_error,
) -> nacos_status {
    unsafe {
        guard_blocking(error, || {
            clear(operation);
            let client = borrow("auth", auth)?.client();
            let (told, data) = Told::read(start)?;
            let request = owned_request(options)?;
            let complete = told.complete(data, |answer| Outcome::Response(Box::new(nacos_response::new(answer))));
            give_out(operation, |mut cancels| {
                cancels.extend(told.freed());
                client.start_request(request, cancels, complete)
            })
        })
    }
}

/// Starts what nacos_get_token does and returns at once; the completion brings the token. For the rest as nacos_request_start.
///
/// # Safety
/// `auth` and `start` are valid; `options`, `operation` and `error` may be NULL.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn nacos_token_start(
    auth: *mut nacos_auth,
    options: *const nacos_call_options,
    start: *const nacos_start_options,
    operation: *mut *mut nacos_operation,
    error: *mut *mut nacos_error,
) -> nacos_status {
    unsafe {
        guard_blocking(error, || {
            clear(operation);
            let client = borrow("auth", auth)?.client();
            let (told, data) = Told::read(start)?;
            let call = Call::read(options)?;
            let complete = told.complete(data, |token| Outcome::Token(Box::new(nacos_token::new(token))));
            let timeout = call.timeout.unwrap_or(client.request_timeout());
            let no_wait = call.flags.has(NACOS_FLAG_NO_WAIT);
            give_out(operation, |mut cancels| {
                cancels.extend(told.freed());
                cancels.extend(call.cancel);
                client.start_token(timeout, no_wait, cancels, complete)
            })
        })
    }
}

unsafe fn clear(operation: *mut *mut nacos_operation) {
    if !operation.is_null() {
        unsafe { operation.write(ptr::null_mut()) };
    }
}

/// Gives out the operation before it is started, with what ends it: who hears of its end may free the place it is in.
unsafe fn give_out(
    to: *mut *mut nacos_operation,
    start: impl FnOnce(Vec<Cancel>) -> Result<()>,
) -> Result<(), Failure> {
    if to.is_null() {
        return Ok(start(Vec::new())?);
    }
    let cancel = Cancel::new();
    unsafe { to.write(give(nacos_operation(cancel.clone()))) };
    start(vec![cancel]).map_err(|error| {
        // Nobody hears of its end, so that the place is still there.
        unsafe { release(to.replace(ptr::null_mut())) };
        error.into()
    })
}

/// Has an operation end soon: its completion says NACOS_CANCELLED, unless it ends otherwise at that moment. Once it has ended,
/// and in the child of a fork, nothing happens. Does not wait. Any thread, callbacks too; NULL is a no-op. Not to be called in a
/// signal handler.
///
/// # Safety
/// `operation` is NULL or has not been freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nacos_operation_cancel(operation: *mut nacos_operation) {
    let _blocks = cancellation::Disabled::new();
    contain((), || unsafe { borrow_or(operation, (), |o| o.0.trigger()) });
}

/// Gives up the caller's hold on an operation, which goes on, and is completed, all the same. Before or after its end, in its own
/// callback too. NULL is a no-op.
///
/// # Safety
/// `operation` is NULL or has not been freed, and no other thread is passing it to a function right now.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nacos_operation_free(operation: *mut nacos_operation) {
    unsafe { release(operation) }
}
