//! The token, copied out; and the word that says whether a copy may still be used.

use std::{ffi::c_char, ptr, sync::atomic::AtomicU64};

use super::{
    auth::nacos_auth,
    boundary::{Output, Sized_, array, borrow, guard, guard_blocking, optional_text, read_sized},
    error::nacos_error,
    options::{Call, NACOS_FLAG_NO_WAIT, nacos_call_options},
    pointer::{borrow_or, contain, release},
    status::{NACOS_BUFFER_TOO_SMALL, NACOS_INVALID_ARGUMENT, nacos_status},
};
use crate::{
    Advice, Advised, Report, Token,
    secret::Wiped,
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
    /// Milliseconds until its reckoned expiry; negative after it, INT64_MAX if nobody knows its end.
    pub remaining_ms: i64,
    /// 1 if it is past its expiry, and given out because no server could be asked for another.
    pub expired: i32,
    /// 0.
    pub reserved0: i32,
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
/// NACOS_CANCELLED, NACOS_CLOSED, NACOS_WOULD_BLOCK (with NACOS_FLAG_NO_WAIT), NACOS_BUFFER_TOO_SMALL or an argument error.
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
            if capacity > 0 && !buffer.is_null() {
                buffer.write(0);
            }
            let info = Output::new("info", info)?;
            let client = borrow("auth", auth)?.client();
            if capacity > 0 && buffer.is_null() {
                return Err(nacos_error::null("buffer"));
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
            let no_wait = call.flags.has(NACOS_FLAG_NO_WAIT);
            client.read_token(timeout, call.cancel.as_ref(), no_wait, |token, expired| {
                copy(token, expired, with_time(token))
            })?
        })
    }
}

/// A token, as an operation brings it (nacos_token_start). Immutable, owned by the caller, freed with nacos_token_free, which
/// wipes it. Any thread may read it.
pub struct nacos_token {
    /// With a NUL behind it.
    text: Wiped,
    token: Token,
}

impl nacos_token {
    pub(super) fn new(token: Token) -> Self {
        let secret = token.secret.expose();
        // Room for all of it at once, so that no copy is left behind.
        let mut text = String::with_capacity(secret.len() + 1);
        text.push_str(secret);
        text.push('\0');
        Self { text: text.into(), token }
    }
}

/// The token: NUL-terminated, valid until it is freed. "" for NULL.
///
/// # Safety
/// `token` is NULL or has not been freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nacos_token_text(token: *const nacos_token) -> *const c_char {
    unsafe { borrow_or(token, c"".as_ptr(), |t| t.text.as_ref().as_ptr().cast()) }
}

/// Fills in what nacos_get_token would say of the token. `remaining_ms` is as of the end of its operation. Never waits. Any thread.
///
/// # Safety
/// `token` and `info` are valid; `error` may be NULL.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn nacos_token_describe(
    token: *const nacos_token,
    info: *mut nacos_token_info,
    error: *mut *mut nacos_error,
) -> nacos_status {
    unsafe {
        guard(error, || {
            let info = Output::new("info", info)?.ok_or_else(|| nacos_error::null("info"))?;
            let Token { secret, generation, remaining_ms, expired } = &borrow("token", token)?.token;
            info.set(nacos_token_info {
                struct_size: 0,
                length: secret.expose().len(),
                generation: *generation,
                remaining_ms: *remaining_ms,
                expired: (*expired).into(),
                reserved0: 0,
            });
            Ok(())
        })
    }
}

/// Wipes and frees a token. NULL is a no-op.
///
/// # Safety
/// `token` is NULL or has not been freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nacos_token_free(token: *mut nacos_token) {
    unsafe { release(token) }
}

/// The generation of the token that may be used without asking again; 0 if there is none, or for NULL. A caller that keeps a
/// copy of a token compares the copy's generation with this, and calls nacos_get_token only when they differ: the number
/// changes when the token has been renewed, is about to expire, was refused by a server, when the credentials change and when
/// the handle is closed. Neither blocks nor locks; right after a fork and after a suspend, too. Any thread.
///
/// # Safety
/// `auth` is NULL or has not been freed.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn nacos_auth_generation(auth: *const nacos_auth) -> u64 {
    contain(0, || unsafe { borrow_or(auth, 0, |a| a.client().generation()) })
}

/// Where in memory the library keeps that number: nacos_auth_generation without a call, for languages where a call is dear.
/// Read it as an atomic 64-bit word with acquire order (`__atomic_load_n`, `std::atomic_ref`, `atomic.LoadUint64`), never as a
/// plain variable, and never write to it.
///
/// It knows less than the function. After a suspend it may name a token that has expired meanwhile, until the library's thread
/// has run, which takes milliseconds. In the child of a fork it is 0 until the first call of nacos_get_token,
/// nacos_request or nacos_auth_generation there. Valid until nacos_auth_free; NULL only for NULL.
///
/// # Safety
/// `auth` is NULL or has not been freed.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn nacos_auth_generation_pointer(auth: *const nacos_auth) -> *const u64 {
    unsafe { borrow_or(auth, ptr::null(), |a| ptr::from_ref::<AtomicU64>(a.client().generation_word()).cast()) }
}

/// Hand the answer on to your caller as it is.
pub const NACOS_ADVICE_RETURN: i32 = 0;
/// Get the token again and send the request once more.
pub const NACOS_ADVICE_REPLAY: i32 = 1;
/// Get the token again and send the request once more, but only if sending it twice does no harm.
pub const NACOS_ADVICE_REPLAY_IF_IDEMPOTENT: i32 = 2;

/// An answer to a request that the caller sent with an HTTP stack of its own. Begin with nacos_rejection_default().
/// Everything is borrowed for the call.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct nacos_rejection {
    /// sizeof(nacos_rejection), as the caller compiled it.
    pub struct_size: usize,
    /// The generation of the token that the request had.
    pub generation: u64,
    /// The HTTP status of the answer: 100 to 999. Required.
    pub http_status: i32,
    /// How often this request has been refused the same token before: 0 the first time.
    pub refused_before: u32,
    /// The body of the answer; its first 4 KiB are enough. NULL with a length of 0: none.
    pub body: *const u8,
    /// Its length in bytes.
    pub body_len: usize,
    /// The server that answered, as it is written in server_addr, or any URL of it. With it a token is judged server by server,
    /// and one that is only too new for a server gets its time; without it any refusal ends the token. NULL: not known.
    pub server: *const c_char,
    /// The value of the header Retry-After. NULL: none.
    pub retry_after: *const c_char,
}

/// What to do with an answer. Begin with nacos_advice_default().
#[repr(C)]
#[derive(Clone, Copy)]
pub struct nacos_advice {
    /// sizeof(nacos_advice), as the caller compiled it.
    pub struct_size: usize,
    /// One of NACOS_ADVICE_*.
    pub advice: i32,
    /// 0.
    pub reserved0: i32,
    /// How many milliseconds to wait before that; with NACOS_ADVICE_RETURN, how long the server asks to be left alone.
    pub wait_ms: u64,
}

unsafe impl Sized_ for nacos_rejection {}
unsafe impl Sized_ for nacos_advice {}

/// For callers that send requests with an HTTP stack of their own: what does this answer mean, and what now? To be called for
/// every answer: one that refuses nothing gives NACOS_ADVICE_RETURN, and tells the library that the token is good. Repeat a
/// request with another token at most twice: the second may have been on its way already when the first was refused.
///
/// Never waits for a server: the login, if one is needed, is waited for by the next nacos_get_token. Any thread. Fails with
/// NACOS_CLOSED or an argument error.
///
/// # Safety
/// Pointers are valid; `error` may be NULL.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn nacos_auth_report_rejected(
    auth: *mut nacos_auth,
    rejection: *const nacos_rejection,
    advice: *mut nacos_advice,
    error: *mut *mut nacos_error,
) -> nacos_status {
    unsafe {
        guard_blocking(error, || {
            let output = Output::new("advice", advice)?.ok_or_else(|| nacos_error::null("advice"))?;
            let client = borrow("auth", auth)?.client();
            let rejection = read_sized("rejection", rejection)?.ok_or_else(|| nacos_error::null("rejection"))?;
            let http_status = rejection.http_status;
            let status = u16::try_from(http_status).ok().filter(|s| (100..1000).contains(s));
            let status = status.ok_or_else(|| {
                let message = format!("rejection.http_status is {http_status}, which is no HTTP status");
                nacos_error::new(NACOS_INVALID_ARGUMENT, message)
            })?;
            let Advised { advice, wait } = client.report(&Report {
                generation: rejection.generation,
                status,
                body: array("rejection.body", rejection.body, rejection.body_len)?,
                server: optional_text("rejection.server", rejection.server)?,
                retry_after: optional_text("rejection.retry_after", rejection.retry_after)?,
                refused_before: rejection.refused_before,
            })?;
            output.set(nacos_advice {
                struct_size: 0,
                advice: match advice {
                    Advice::Return => NACOS_ADVICE_RETURN,
                    Advice::Replay => NACOS_ADVICE_REPLAY,
                    Advice::ReplayIfIdempotent => NACOS_ADVICE_REPLAY_IF_IDEMPOTENT,
                },
                reserved0: 0,
                wait_ms: u64::try_from(wait.as_millis()).unwrap_or(u64::MAX),
            });
            Ok(())
        })
    }
}
