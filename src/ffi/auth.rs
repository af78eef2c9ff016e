//! The handle: made, told new credentials, asked how it is, closed, freed.

use std::{ffi::c_char, ptr, sync::Arc, time::Duration};

use super::{
    boundary::{Output, Sized_, borrow, guard_blocking, text, write},
    error::nacos_error,
    options::{config, milliseconds, nacos_auth_options},
    pointer::{give_shared, release_shared, share},
    status::{NACOS_TIMEOUT, nacos_status},
};
use crate::{Cause, Client, RefreshState, TokenState, sys::cancellation};

/// The number of this ABI, for nacos_auth_abi_version(). Inside one number functions, options and statuses are only added.
pub const NACOS_AUTH_ABI_VERSION: u32 = 1;

/// A client of one Nacos cluster. Thread-safe; owned by the caller, freed with nacos_auth_free, shared with nacos_auth_ref.
/// Handles with the same servers, settings and credentials share one token and one login, process-wide.
pub struct nacos_auth(Arc<Client>);

impl nacos_auth {
    pub(super) fn client(&self) -> &Arc<Client> {
        &self.0
    }
}

impl Drop for nacos_auth {
    fn drop(&mut self) {
        // Operations that have not ended yet hold the client too.
        self.0.close_at_end();
    }
}

/// There is no token.
pub const NACOS_TOKEN_NONE: i32 = 0;
/// The token is good.
pub const NACOS_TOKEN_FRESH: i32 = 1;
/// The token is good and being renewed in the background.
pub const NACOS_TOKEN_ADVISORY: i32 = 2;
/// The token is about to expire; calls wait a little for its successor.
pub const NACOS_TOKEN_MANDATORY: i32 = 3;
/// The token is past its expiry; used until a server refuses it, for want of another.
pub const NACOS_TOKEN_EXPIRED: i32 = 4;
/// A server refused the token.
pub const NACOS_TOKEN_REJECTED: i32 = 5;
/// No login is under way, none has failed last.
pub const NACOS_REFRESH_IDLE: i32 = 0;
/// A login is under way.
pub const NACOS_REFRESH_IN_FLIGHT: i32 = 1;
/// The last login failed; the next one waits for its time.
pub const NACOS_REFRESH_BACKING_OFF: i32 = 2;
/// The credentials were refused twice; logins are minutes apart until others are set.
pub const NACOS_REFRESH_CREDENTIALS_REJECTED: i32 = 3;

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
    /// Calls of nacos_request, and operations of nacos_request_start.
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
    /// Milliseconds until the token's reckoned expiry; negative after it, INT64_MAX if nobody knows its end.
    pub remaining_ms: i64,
    /// One of NACOS_TOKEN_NONE to NACOS_TOKEN_REJECTED.
    pub token_state: i32,
    /// One of NACOS_REFRESH_*.
    pub refresh_state: i32,
    /// Of the logins: when there was no token yet.
    pub logins_first: u64,
    /// Of the logins: before the token's expiry.
    pub logins_renewal: u64,
    /// Of the logins: after a server refused the token.
    pub logins_rejection: u64,
    /// Of the failures: no server could be reached.
    pub failures_unreachable: u64,
    /// Of the failures: no answer in time, or too much to do (429, 502 to 504).
    pub failures_overloaded: u64,
    /// Of the failures: the credentials were refused, or the server failed over them (500).
    pub failures_refused: u64,
    /// Of the failures: the answer was not that of a Nacos, or there was nothing to log in with.
    pub failures_other: u64,
    /// Of the rejections: invalid or expired.
    pub rejections_identity: u64,
    /// Of the rejections: without saying why.
    pub rejections_unknown: u64,
    /// Calls that got the last login's error because the next login was not due yet.
    pub suppressed_by_pause: u64,
    /// The same while the credentials counted as wrong.
    pub suppressed_by_rejection: u64,
    /// Refusals of a token that had been replaced already: answered by a replay, without a login.
    pub suppressed_by_generation: u64,
    /// Calls that wait for a login now.
    pub waiting: u64,
    /// Milliseconds until the next login after one that failed; 0 if none is waiting for its time.
    pub retry_in_ms: u64,
}

unsafe impl Sized_ for nacos_auth_statistics {}

pub(super) fn token_state(state: TokenState) -> i32 {
    match state {
        TokenState::None => NACOS_TOKEN_NONE,
        TokenState::Fresh => NACOS_TOKEN_FRESH,
        TokenState::Advisory => NACOS_TOKEN_ADVISORY,
        TokenState::Mandatory => NACOS_TOKEN_MANDATORY,
        TokenState::Expired => NACOS_TOKEN_EXPIRED,
        TokenState::Rejected => NACOS_TOKEN_REJECTED,
    }
}

pub(super) fn refresh_state(state: RefreshState) -> i32 {
    match state {
        RefreshState::Idle => NACOS_REFRESH_IDLE,
        RefreshState::InFlight => NACOS_REFRESH_IN_FLIGHT,
        RefreshState::BackingOff => NACOS_REFRESH_BACKING_OFF,
        RefreshState::CredentialsRejected => NACOS_REFRESH_CREDENTIALS_REJECTED,
    }
}

/// Makes a handle. Checks and copies the options and reads the files they name, which may block as long as they do; opens no
/// connection and starts no thread (the first token does). Former refusals of these credentials count no longer: whoever makes
/// a handle has a reason to think that they are good.
///
/// On success `*auth` is a handle that the caller owns. Where another handle is logging in with the same credentials, log and
/// event callbacks may run before this has returned, and `*auth` may not be set by then. On failure it is NULL: NACOS_INVALID_CONFIG with the name of the
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
        guard_blocking(error, || {
            write("auth", auth, ptr::null_mut())?;
            let (config, data) = config(options)?;
            let client = Client::new(config)?;
            data.own();
            write("auth", auth, give_shared(Arc::new(nacos_auth(Arc::new(client)))))
        })
    }
}

/// From now on logs in with these credentials, wherever they came from before. Does not block: the next call that wants a
/// token logs in, and calls that wait for one go over to these credentials at once. A request under way keeps the token it
/// has. Former refusals of these credentials count no longer, also if they are the same as before; between two logins with
/// them there is a second at the least. Any thread.
///
/// Of another user, the old token is not used any more. Of the same user it is, until a login with the new password has
/// brought another: a changed password ends no token, and the servers of a cluster learn it one after the other. If they
/// refuse the new password, nacos_auth_stats and the callbacks tell, and calls only when the old token ends.
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
        guard_blocking(error, || {
            let client = borrow("auth", auth)?.client();
            Ok(client.set_credentials(text("username", username)?, text("password", password)?)?)
        })
    }
}

/// From now on uses this token, which somebody else got, for ttl_ms milliseconds (0: until a server refuses it), and logs
/// in no more. It ends exactly then: after that it is given out as expired. Once a server has refused it, calls fail with
/// NACOS_BAD_CREDENTIALS until another one or credentials are set. Does not block; calls that wait for a token get this one.
/// A request under way keeps the token it has. Any thread.
///
/// Fails with NACOS_CLOSED or an argument error; then nothing changes.
///
/// # Safety
/// Pointers are valid; `token` is NUL-terminated UTF-8 and copied; `error` may be NULL.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn nacos_auth_set_token(
    auth: *mut nacos_auth,
    token: *const c_char,
    ttl_ms: u64,
    error: *mut *mut nacos_error,
) -> nacos_status {
    unsafe {
        guard_blocking(error, || {
            let client = borrow("auth", auth)?.client();
            let ttl = (ttl_ms != 0).then(|| Duration::from_millis(ttl_ms));
            Ok(client.set_token(text("token", token)?, ttl)?)
        })
    }
}

/// Fills in counters and state. Works on a closed handle too. Never waits for a server. Any thread.
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
        guard_blocking(error, || {
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
                token_state: token_state(stats.token_state),
                refresh_state: refresh_state(stats.refresh_state),
                logins_first: stats.logins_first,
                logins_renewal: stats.logins_renewal,
                logins_rejection: stats.logins_rejection,
                failures_unreachable: stats.failures_unreachable,
                failures_overloaded: stats.failures_overloaded,
                failures_refused: stats.failures_refused,
                failures_other: stats.failures_other,
                rejections_identity: stats.rejections_identity,
                rejections_unknown: stats.rejections_unknown,
                suppressed_by_pause: stats.suppressed_by_pause,
                suppressed_by_rejection: stats.suppressed_by_rejection,
                suppressed_by_generation: stats.suppressed_by_generation,
                waiting: stats.waiting,
                retry_in_ms: u64::try_from(stats.retry_in.as_millis()).unwrap_or(u64::MAX),
            });
            Ok(())
        })
    }
}

/// One reference more to a handle: it is freed with the last nacos_auth_free, one for nacos_auth_init and one for each call of
/// this. For owners that do not know of each other. Returns `auth`. Any thread.
///
/// # Safety
/// `auth` is NULL or has not been freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nacos_auth_ref(auth: *mut nacos_auth) -> *mut nacos_auth {
    unsafe { share(auth) };
    auth
}

/// Ends whatever pause there is between logins, and takes no server for one that is down: for a program that knows that what
/// was wrong has been mended (a person has said so, the network has come back). Does not block; calls that wait for a token
/// log in at once. There is still a second between two logins at the least. Any thread. Fails with NACOS_CLOSED or an
/// argument error.
///
/// # Safety
/// `auth` is valid; `error` may be NULL.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn nacos_auth_retry(auth: *mut nacos_auth, error: *mut *mut nacos_error) -> nacos_status {
    unsafe { guard_blocking(error, || Ok(borrow("auth", auth)?.client().retry()?)) }
}

/// Ends the service of a handle, for all who share it: every call under way, and every later one, fails with NACOS_CLOSED, a
/// call that waits for a hung server within 100 ms. Does not wait for them, nor for a login or a look-up of a name.
///
/// Tells the callbacks of the handle what has happened so far, on this thread, and waits for one that runs in another thread,
/// at most timeout_ms milliseconds (0: the handle's request_timeout_ms): hold no lock that they want. No callback begins after
/// it has returned NACOS_OK. NACOS_TIMEOUT: the handle is closed, but a callback still runs, or the end of an operation is still
/// on its way; what waits behind it is told when it has returned, and then `callback_drop` is called. Called inside a callback, of this or any other handle, it waits for nothing: what has happened so far is told
/// on a thread of the library soon after, and then `callback_drop` is called. Idempotent; NULL is a no-op. Any thread, callbacks
/// too; exit handlers and destructors too.
///
/// # Safety
/// `auth` is NULL or has not been freed; `error` may be NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nacos_auth_close(
    auth: *mut nacos_auth,
    timeout_ms: u32,
    error: *mut *mut nacos_error,
) -> nacos_status {
    unsafe {
        guard_blocking(error, || {
            let Some(auth) = auth.as_ref() else { return Ok(()) };
            let client = auth.client();
            let timeout = milliseconds(timeout_ms).unwrap_or(client.request_timeout());
            if client.close_within(timeout) {
                return Ok(());
            }
            let message =
                "the handle is closed, but one of its callbacks still runs, or an operation has not ended yet";
            Err(nacos_error::new(NACOS_TIMEOUT, message).because(Cause::Deadline))
        })
    }
}

/// Gives back one reference to a handle. The last one closes it, as nacos_auth_close with a timeout_ms of 0, unless that has
/// been done outside of callbacks, however it ended; and frees it. With the last handle of the process all connections are
/// closed, and it returns when the library's thread has ended, which it waits for 100 ms at the most (inside a callback: not at
/// all). NULL is a no-op. In a callback it may free any handle but the callback's own, in a completion callback that one too.
///
/// # Safety
/// `auth` is NULL or has not been freed, and no other thread is in a call with this reference: close it and wait for them first.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nacos_auth_free(auth: *mut nacos_auth) {
    let _blocks = cancellation::Disabled::new();
    unsafe { release_shared(auth) }
}

/// The number of the ABI that the library speaks: compare it with NACOS_AUTH_ABI_VERSION, which the header has.
#[unsafe(no_mangle)]
pub extern "C" fn nacos_auth_abi_version() -> u32 {
    NACOS_AUTH_ABI_VERSION
}

/// The version of the library as a number, as NACOS_AUTH_VERSION_NUMBER has that of the header: 0x010203 for 1.2.3.
#[unsafe(no_mangle)]
pub extern "C" fn nacos_auth_version_number() -> u32 {
    const fn part(text: &str) -> u32 {
        let (bytes, mut at, mut number) = (text.as_bytes(), 0, 0);
        while at < bytes.len() {
            number = 10 * number + (bytes[at] - b'0') as u32;
            at += 1;
        }
        number
    }
    const MAJOR: u32 = part(env!("CARGO_PKG_VERSION_MAJOR"));
    (MAJOR << 16) | (part(env!("CARGO_PKG_VERSION_MINOR")) << 8) | part(env!("CARGO_PKG_VERSION_PATCH"))
}

/// The version of the library, as "0.1.0". Static, never NULL.
#[unsafe(no_mangle)]
pub extern "C" fn nacos_auth_version() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}
