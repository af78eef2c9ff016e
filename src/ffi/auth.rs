//! The handle: made, told new credentials, asked how it is, closed, freed.

use std::{ffi::c_char, ptr};

use super::{
    boundary::{Output, Sized_, borrow, guard, text, write},
    error::nacos_error,
    options::{config, nacos_auth_options},
    pointer::{borrow_or, contain, give, release},
    status::nacos_status,
};
use crate::{Client, RefreshState, TokenState};

/// The number of this ABI, for nacos_auth_abi_version(). Inside one number functions, options and statuses are only added.
pub const NACOS_AUTH_ABI_VERSION: u32 = 1;

/// A client of one Nacos cluster. Thread-safe; owned by the caller, freed with nacos_auth_free. Handles with the same
/// servers, settings and credentials share one token and one login, process-wide.
pub struct nacos_auth(Client);

impl nacos_auth {
    pub(super) fn client(&self) -> &Client {
        &self.0
    }
}

/// There is no token.
pub const NACOS_TOKEN_NONE: u32 = 0;
/// The token is good.
pub const NACOS_TOKEN_FRESH: u32 = 1;
/// The token is good and being renewed in the background.
pub const NACOS_TOKEN_ADVISORY: u32 = 2;
/// The token is about to expire; calls wait a little for its successor.
pub const NACOS_TOKEN_MANDATORY: u32 = 3;
/// The token is past its expiry; used until a server refuses it, for want of another.
pub const NACOS_TOKEN_EXPIRED: u32 = 4;
/// A server refused the token.
pub const NACOS_TOKEN_REJECTED: u32 = 5;
/// No login is under way, none has failed last.
pub const NACOS_REFRESH_IDLE: u32 = 0;
/// A login is under way.
pub const NACOS_REFRESH_IN_FLIGHT: u32 = 1;
/// The last login failed; the next one waits for its time.
pub const NACOS_REFRESH_BACKING_OFF: u32 = 2;
/// The credentials were refused twice; logins are minutes apart until others are set.
pub const NACOS_REFRESH_LATCHED: u32 = 3;

/// Counters since nacos_auth_init, and the present state. Begin with nacos_auth_statistics_default().
#[repr(C)]
#[derive(Clone, Copy)]
pub struct nacos_auth_statistics {
    /// sizeof(nacos_auth_statistics), as the caller compiled it.
    pub struct_size: usize,
    /// Logins that brought a token this handle uses.
    pub logins: u64,
    /// Logins that failed.
    pub login_failures: u64,
    /// Calls of nacos_request.
    pub requests: u64,
    /// Requests repeated with a new token (for nacos_auth_report_rejected: advised to be).
    pub replays: u64,
    /// Answers that refused a token, whatever the reason.
    pub rejections: u64,
    /// Of those: for want of a permission.
    pub rejections_permission: u64,
    /// Calls that waited for a login.
    pub waits: u64,
    /// Generation of the token; 0: there is none.
    pub generation: u64,
    /// Milliseconds until the token's reckoned expiry; negative after it.
    pub remaining_ms: i64,
    /// One of NACOS_TOKEN_*.
    pub token_state: u32,
    /// One of NACOS_REFRESH_*.
    pub refresh_state: u32,
}

unsafe impl Sized_ for nacos_auth_statistics {}

/// Makes a handle. Checks and copies the options and reads the files they name; opens no connection and starts no thread
/// (the first token does), so a program may call it and fork.
///
/// On success `*auth` is a handle that the caller owns. On failure it is NULL: NACOS_INVALID_CONFIG with the name of the
/// setting and what to write instead, or an argument error. Any thread.
///
/// # Safety
/// `options` and `auth` are valid; `error` may be NULL.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn nacos_auth_init(
    options: *const nacos_auth_options,
    auth: *mut *mut nacos_auth,
    error: *mut *mut nacos_error,
) -> nacos_status {
    unsafe {
        guard(error, || {
            write("auth", auth, ptr::null_mut())?;
            let client = Client::new(config(options)?)?;
            write("auth", auth, give(nacos_auth(client)))
        })
    }
}

/// From now on logs in with these credentials; the old token is not used any more. Does not block: the next call that wants
/// a token logs in. Calls under way keep the token they have. Any thread.
///
/// Fails with NACOS_CLOSED or an argument error; then the old credentials stay.
///
/// # Safety
/// Pointers are valid; strings are NUL-terminated UTF-8 and copied; `error` may be NULL.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn nacos_auth_set_credentials(
    auth: *mut nacos_auth,
    username: *const c_char,
    password: *const c_char,
    error: *mut *mut nacos_error,
) -> nacos_status {
    unsafe {
        guard(error, || {
            let client = borrow("auth", auth)?.client();
            Ok(client.set_credentials(text("username", username)?, text("password", password)?)?)
        })
    }
}

/// Fills in counters and state. Works on a closed handle too. Never blocks on a server. Any thread.
///
/// # Safety
/// `auth` and `statistics` are valid; `error` may be NULL.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn nacos_auth_stats(
    auth: *const nacos_auth,
    statistics: *mut nacos_auth_statistics,
    error: *mut *mut nacos_error,
) -> nacos_status {
    unsafe {
        guard(error, || {
            let output = Output::new("statistics", statistics)?.ok_or_else(|| nacos_error::null("statistics"))?;
            let stats = borrow("auth", auth)?.client().stats();
            output.set(nacos_auth_statistics {
                struct_size: 0,
                logins: stats.logins,
                login_failures: stats.login_failures,
                requests: stats.requests,
                replays: stats.replays,
                rejections: stats.rejections,
                rejections_permission: stats.rejections_permission,
                waits: stats.waits,
                generation: stats.generation,
                remaining_ms: stats.remaining_ms,
                token_state: match stats.token_state {
                    TokenState::None => NACOS_TOKEN_NONE,
                    TokenState::Fresh => NACOS_TOKEN_FRESH,
                    TokenState::Advisory => NACOS_TOKEN_ADVISORY,
                    TokenState::Mandatory => NACOS_TOKEN_MANDATORY,
                    TokenState::Expired => NACOS_TOKEN_EXPIRED,
                    TokenState::Rejected => NACOS_TOKEN_REJECTED,
                },
                refresh_state: match stats.refresh_state {
                    RefreshState::Idle => NACOS_REFRESH_IDLE,
                    RefreshState::InFlight => NACOS_REFRESH_IN_FLIGHT,
                    RefreshState::BackingOff => NACOS_REFRESH_BACKING_OFF,
                    RefreshState::Latched => NACOS_REFRESH_LATCHED,
                },
            });
            Ok(())
        })
    }
}

/// Ends the service of a handle: every call under way, and every later one, fails with NACOS_CLOSED, a call that waits for a
/// hung server within 100 ms. Does not wait for them. Idempotent; NULL is a no-op. Any thread.
///
/// # Safety
/// `auth` is NULL or has not been freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nacos_auth_close(auth: *mut nacos_auth) {
    contain((), || unsafe { borrow_or(auth, (), |a| a.client().close()) });
}

/// Closes a handle if that has not been done, and frees it. NULL is a no-op.
///
/// # Safety
/// `auth` is NULL or has not been freed, and no other thread is in a call with it: close it and wait for them first.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nacos_auth_free(auth: *mut nacos_auth) {
    unsafe { release(auth) }
}

/// The number of the ABI that the library speaks: compare it with NACOS_AUTH_ABI_VERSION, which the header has.
#[unsafe(no_mangle)]
pub extern "C" fn nacos_auth_abi_version() -> u32 {
    NACOS_AUTH_ABI_VERSION
}

/// The version of the library, as "0.1.0". Static, never NULL.
#[unsafe(no_mangle)]
pub extern "C" fn nacos_auth_version() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}
