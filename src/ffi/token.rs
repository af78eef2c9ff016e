//! The token, copied out; and the word that says whether a copy may still be used.

use std::{ffi::c_char, ptr, sync::atomic::AtomicU64};

use super::{
    auth::nacos_auth,
    boundary::{Output, Sized_, array, borrow, guard, guard_blocking, write},
    error::nacos_error,
    options::{Call, nacos_call_options},
    pointer::borrow_or,
    status::{NACOS_BUFFER_TOO_SMALL, NACOS_INVALID_ARGUMENT, nacos_status},
};
use crate::{
    Advice,
    session::Snapshot,
    sys::{cancellation, clock},
};

/// What nacos_get_token says of the token. Begin with nacos_token_info_default().
#[repr(C)]
#[derive(Clone, Copy)]
pub struct nacos_token_info {
    /// sizeof(nacos_token_info), as the caller compiled it.
    pub struct_size: usize,
    /// Length of the token in bytes, without the NUL; set with NACOS_BUFFER_TOO_SMALL as well.
    pub length: usize,
    /// Number of the token in this process, never 0, the same for no two tokens.
    pub generation: u64,
    /// Milliseconds until its reckoned expiry; negative after it.
    pub remaining_ms: i64,
    /// 1 if it is past its expiry, and given out because no server could be asked for another.
    pub expired: u32,
    /// 0.
    pub reserved0: u32,
}

unsafe impl Sized_ for nacos_token_info {}

/// Copies the token into `buffer`, with a NUL behind it.
///
/// From the cache nearly always: then it neither blocks nor locks nor enters the kernel, nor allocates (but for the first call
/// of a thread). With no usable token it waits for a login, at most until its deadline; a thousand threads that wait share
/// one login. 1 KiB of buffer is enough for the tokens of Nacos itself, other servers' may be longer.
///
/// `options` and `info` may be NULL. `buffer` may be NULL with a `capacity` of 0: NACOS_BUFFER_TOO_SMALL then tells the
/// length in `info`. Any thread.
///
/// Fails with the error of the login (NACOS_BAD_CREDENTIALS, NACOS_CONNECT, NACOS_PROTOCOL, …), NACOS_TIMEOUT,
/// NACOS_CANCELLED, NACOS_CLOSED, NACOS_BUFFER_TOO_SMALL or an argument error.
///
/// # Safety
/// Pointers are NULL where allowed, or valid; `buffer` has room for `capacity` bytes.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn nacos_get_token(
    auth: *mut nacos_auth,
    options: *const nacos_call_options,
    buffer: *mut c_char,
    capacity: usize,
    info: *mut nacos_token_info,
    error: *mut *mut nacos_error,
) -> nacos_status {
    let copy = |token: &Snapshot, expired: bool, info: Option<(&Output<nacos_token_info>, i64)>| {
        let text = token.token.expose();
        if let Some((info, remaining_ms)) = info {
            let length = text.len();
            let (generation, expired) = (token.generation, expired.into());
            unsafe {
                info.set(nacos_token_info { struct_size: 0, length, generation, remaining_ms, expired, reserved0: 0 })
            };
        }
        if capacity <= text.len() {
            let message = format!("buffer: the token needs {} bytes, and capacity is {capacity}", text.len() + 1);
            return Err(nacos_error::new(NACOS_BUFFER_TOO_SMALL, message));
        }
        unsafe {
            ptr::copy_nonoverlapping(text.as_ptr(), buffer.cast(), text.len());
            buffer.add(text.len()).write(0);
        }
        Ok(())
    };
    unsafe {
        guard(error, || {
            let client = borrow("auth", auth)?.client();
            let info = Output::new("info", info)?;
            if capacity > 0 {
                write("buffer", buffer, 0)?;
            }
            let call = Call::read(options)?;
            let with_time = |token: &Snapshot| info.as_ref().map(|info| (info, token.remaining_ms(clock::now())));
            let cached = client.read_cached(|token| {
                let info = with_time(token);
                // One that is over is about to be withdrawn: the machine has slept.
                let is_over = info.is_some_and(|(_, remaining_ms)| remaining_ms <= 0);
                (!is_over).then(|| copy(token, false, info))
            });
            if let Some(copied) = cached.flatten() {
                return copied;
            }
            let _blocks = cancellation::Disabled::new();
            let timeout = call.timeout.unwrap_or(client.request_timeout());
            client.read_token(timeout, call.cancel.as_ref(), |token, expired| copy(token, expired, with_time(token)))?
        })
    }
}

/// The generation word: equals the generation of the token that may be used without asking again. A caller that keeps a
/// copy of a token compares the copy's generation with the word, and calls nacos_get_token only when they differ; the word
/// moves when the token has been renewed, is about to expire, was refused by a server, when the credentials change and when
/// the handle is closed.
///
/// Read it as an atomic, with acquire order. Valid until nacos_auth_free; NULL only for NULL. In the child of a fork call
/// nacos_get_token once before trusting it.
///
/// # Safety
/// `auth` is NULL or has not been freed.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn nacos_auth_generation(auth: *const nacos_auth) -> *const u64 {
    unsafe { borrow_or(auth, ptr::null(), |a| ptr::from_ref::<AtomicU64>(a.client().generation_word()).cast()) }
}

/// Hand the answer on to your caller as it is.
pub const NACOS_ADVICE_RETURN: i32 = 0;
/// Get the token again and send the request once more.
pub const NACOS_ADVICE_REPLAY: i32 = 1;
/// Get the token again and send the request once more, but only if sending it twice does no harm.
pub const NACOS_ADVICE_REPLAY_IF_IDEMPOTENT: i32 = 2;

/// For callers that send requests with an HTTP stack of their own: a request with the token of `generation` was answered
/// with `http_status` and `body` (its first 4 KiB are enough); what now? Safe to call for every answer: one that refuses
/// nothing gives NACOS_ADVICE_RETURN, and tells the library that the token is good. Repeat a request at most
/// twice: the second token may have been on its way already when the first was refused.
///
/// `*advice` becomes one of NACOS_ADVICE_*. Never waits for a server: the login, if one is needed, is waited for by the
/// next nacos_get_token. Any thread. Fails with NACOS_CLOSED or an argument error.
///
/// # Safety
/// Pointers are valid; `body` points to `body_len` bytes, or is NULL with a `body_len` of 0; `error` may be NULL.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn nacos_auth_report_rejected(
    auth: *mut nacos_auth,
    generation: u64,
    http_status: i32,
    body: *const c_char,
    body_len: usize,
    advice: *mut i32,
    error: *mut *mut nacos_error,
) -> nacos_status {
    unsafe {
        guard_blocking(error, || {
            write("advice", advice, NACOS_ADVICE_RETURN)?;
            let client = borrow("auth", auth)?.client();
            let body = array("body", body.cast::<u8>(), body_len)?;
            let status = u16::try_from(http_status).ok().filter(|s| (100..1000).contains(s));
            let status = status.ok_or_else(|| {
                let message = format!("http_status is {http_status}, which is no HTTP status");
                nacos_error::new(NACOS_INVALID_ARGUMENT, message)
            })?;
            let given = match client.report_rejected(generation, status, body)? {
                Advice::Return => NACOS_ADVICE_RETURN,
                Advice::Replay => NACOS_ADVICE_REPLAY,
                Advice::ReplayIfIdempotent => NACOS_ADVICE_REPLAY_IF_IDEMPOTENT,
            };
            write("advice", advice, given)
        })
    }
}
