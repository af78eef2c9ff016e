//! The caller's own functions, made into Rust's: called with the caller's data, which is dropped exactly once.

use std::{
    ffi::{CString, c_char, c_void},
    mem::size_of,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use super::{
    boundary::{guard, text},
    error::{Failure, nacos_error},
    status::{self, NACOS_INVALID_CONFIG, NACOS_OK, nacos_status},
};
use crate::{Cause, Event, EventKind, Level, Secret, Supply};

/// Level of a log: calls fail, and go on failing until somebody does something.
pub const NACOS_LOG_ERROR: i32 = 1;
/// Level of a log: something went wrong that the library deals with.
pub const NACOS_LOG_WARN: i32 = 2;
/// Level of a log: life goes on.
pub const NACOS_LOG_INFO: i32 = 3;
/// Level of a log: what the library is about to do.
pub const NACOS_LOG_DEBUG: i32 = 4;

/// Event: a login begins.
pub const NACOS_EVENT_LOGIN_STARTED: i32 = 1;
/// Event: a login brought a token.
pub const NACOS_EVENT_TOKEN_REFRESHED: i32 = 2;
/// Event: a login failed; another one comes later.
pub const NACOS_EVENT_LOGIN_FAILED: i32 = 3;
/// Event: the credentials were refused twice: logins are minutes apart until others are there.
pub const NACOS_EVENT_CREDENTIALS_REJECTED: i32 = 4;
/// Event: a login succeeded after one or several that failed.
pub const NACOS_EVENT_RECOVERED: i32 = 5;
/// Event: a server refused the token, which is not used any more until a login has shown better.
pub const NACOS_EVENT_TOKEN_REJECTED: i32 = 6;
/// Event: a server cannot be reached; for a while it is only asked when no other is left.
pub const NACOS_EVENT_SERVER_DOWN: i32 = 7;
/// Event: servers, or nodes behind one address, do not agree on which tokens are good: they have different secrets.
pub const NACOS_EVENT_SERVERS_DISAGREE: i32 = 8;
/// Event: a server takes the token in the query only, so that is where it rides from now on (NACOS_TOKEN_IN_AUTO).
pub const NACOS_EVENT_TOKEN_IN_QUERY: i32 = 9;
/// Event: a request was sent without a token: no login succeeds, and the server asks for none (NACOS_ANONYMOUS_AUTO).
pub const NACOS_EVENT_SENT_WITHOUT_TOKEN: i32 = 10;
/// Event: the user has no permission for what a request wanted. Told once a minute at the most.
pub const NACOS_EVENT_PERMISSION_DENIED: i32 = 11;

/// Something that has happened. Borrowed for the callback; holds no password, token or query.
#[repr(C)]
pub struct nacos_event {
    /// Size of the struct in bytes, as the library has it: what lies beyond is not there.
    pub struct_size: usize,
    /// One of NACOS_EVENT_*; more may come.
    pub kind: i32,
    /// How much it matters: one of NACOS_LOG_*.
    pub level: i32,
    /// Generation of the token it is about; 0 if it is about none.
    pub generation: u64,
    /// Why a login failed; NACOS_OK for what is no failure.
    pub status: nacos_status,
    /// The HTTP status behind that; 0 if no answer was.
    pub http_status: i32,
    /// Milliseconds until the next login after one that failed.
    pub retry_after_ms: u64,
    /// The same in words: UTF-8, NUL-terminated.
    pub message: *const c_char,
    /// The server it is about, as "host:port"; "" if it is about none, or about all of them.
    pub server: *const c_char,
    /// Why, as one of NACOS_CAUSE_*; "" for what is no trouble. More may come.
    pub cause: *const c_char,
}

/// A line of the log. Borrowed for the callback; holds no password, token or query. Strings are UTF-8, NUL-terminated and
/// never NULL.
#[repr(C)]
pub struct nacos_log_record {
    /// Size of the struct in bytes, as the library has it: what lies beyond is not there.
    pub struct_size: usize,
    /// How much it matters: one of NACOS_LOG_*.
    pub level: i32,
    /// 0.
    pub reserved0: i32,
    /// The line, without a line end.
    pub message: *const c_char,
    /// The server it is about, as "host:port"; "" if it is about none, or about all of them.
    pub server: *const c_char,
    /// Why, as one of NACOS_CAUSE_*; "" for what is no trouble. More may come.
    pub cause: *const c_char,
}

/// What a credentials callback answers with. Borrowed for the callback.
pub struct nacos_credentials(Option<Result<Supply, String>>);

/// Supplies the credentials for a login, or a token that somebody else got, by calling one nacos_credentials_set_*
/// function; the last call counts, none is a failure. Called for each login, again when what it gave is refused, and
/// every 15 s as long as it is. Runs on a thread of the library, one at a time for each handle, under no lock; may block (a
/// login waits for it at most 30 s; a later answer is used by the next one), call the library and close the handle, which
/// waits for nothing then. May run at the same time as a log or event callback. Where the system has no threads left, it
/// runs on the thread that asks for a token. Must return: no exception, no longjmp. None begins once nacos_auth_close has
/// returned.
pub type nacos_credentials_callback =
    Option<unsafe extern "C" fn(data: *mut c_void, credentials: *mut nacos_credentials)>;

/// Takes a line of the log. Runs on a thread of the library, which each handle
/// has for itself and which has all signals blocked (what is left to tell when the handle is closed: on the one that closes
/// it), under no lock, never at the same time as another log or event callback of its handle; may block, call the library
/// and close the handle, which waits for nothing then; one so slow that a thousand events wait for it misses the oldest.
/// Must return: no exception, no longjmp. None begins once nacos_auth_close has returned, unless that was called inside a
/// callback: then what had happened is still told.
pub type nacos_log_callback = Option<unsafe extern "C" fn(data: *mut c_void, record: *const nacos_log_record)>;

/// Takes an event; for the rest like nacos_log_callback.
pub type nacos_event_callback = Option<unsafe extern "C" fn(data: *mut c_void, event: *const nacos_event)>;

/// Asked by a call that waits, about every 50 ms, whether to go on: 0 ends the call with NACOS_CANCELLED. Runs on the thread
/// that waits, under no lock, from any number of threads at the same time, and not in the first 50 ms of a call. May call the
/// library. Must return: no exception, no longjmp, and the thread must not be ended in it (as some runtimes do with threads that
/// come back to them at exit). For languages with signals of their own: a signal handler sets a flag, and
/// this looks at it.
pub type nacos_keep_waiting_callback = Option<unsafe extern "C" fn(data: *mut c_void) -> i32>;

/// Lets go of what the callbacks were given.
pub type nacos_drop_callback = Option<unsafe extern "C" fn(data: *mut c_void)>;

/// What the callbacks are given. Dropped with the last of them.
pub(super) struct Data {
    pointer: *mut c_void,
    drop: nacos_drop_callback,
    /// The pointer is ours: nacos_auth_init has succeeded.
    owned: AtomicBool,
}

// The header says that callbacks run on threads of the library.
unsafe impl Send for Data {}
unsafe impl Sync for Data {}

impl Data {
    pub(super) fn new(pointer: *mut c_void, drop: nacos_drop_callback) -> Arc<Self> {
        Arc::new(Self { pointer, drop, owned: AtomicBool::new(false) })
    }

    pub(super) fn own(&self) {
        self.owned.store(true, Ordering::Relaxed);
    }
}

impl Drop for Data {
    fn drop(&mut self) {
        if let (Some(drop), true) = (self.drop, *self.owned.get_mut()) {
            unsafe { drop(self.pointer) };
        }
    }
}

/// # Safety
/// `callback` keeps what [`nacos_credentials_callback`] asks for, as long as `data` lives.
pub(super) unsafe fn credentials(
    callback: unsafe extern "C" fn(*mut c_void, *mut nacos_credentials),
    data: Arc<Data>,
) -> impl Fn() -> Result<Supply, String> {
    move || {
        let mut answer = nacos_credentials(None);
        unsafe { callback(data.pointer, &mut answer) };
        answer.0.unwrap_or_else(|| Err("it called no nacos_credentials_set_* function".into()))
    }
}

/// # Safety
/// `callback` keeps what [`nacos_event_callback`] asks for, as long as `data` lives.
pub(super) unsafe fn event(
    callback: unsafe extern "C" fn(*mut c_void, *const nacos_event),
    data: Arc<Data>,
) -> impl Fn(&Event) {
    move |event| {
        let [message, server, cause] = texts(event);
        let error = event.error();
        let after = error.and_then(crate::Error::retry_after).map_or(0, |after| after.as_millis());
        let event = nacos_event {
            struct_size: size_of::<nacos_event>(),
            kind: match event.kind() {
                EventKind::LoginStarted => NACOS_EVENT_LOGIN_STARTED,
                EventKind::TokenRefreshed => NACOS_EVENT_TOKEN_REFRESHED,
                EventKind::LoginFailed => NACOS_EVENT_LOGIN_FAILED,
                EventKind::CredentialsRejected => NACOS_EVENT_CREDENTIALS_REJECTED,
                EventKind::Recovered => NACOS_EVENT_RECOVERED,
                EventKind::TokenRejected => NACOS_EVENT_TOKEN_REJECTED,
                EventKind::ServerDown => NACOS_EVENT_SERVER_DOWN,
                EventKind::ServersDisagree => NACOS_EVENT_SERVERS_DISAGREE,
                EventKind::TokenInQuery => NACOS_EVENT_TOKEN_IN_QUERY,
                EventKind::SentWithoutToken => NACOS_EVENT_SENT_WITHOUT_TOKEN,
                EventKind::PermissionDenied => NACOS_EVENT_PERMISSION_DENIED,
            },
            level: level_number(event.kind().level()),
            generation: event.generation(),
            status: error.map_or(NACOS_OK, |e| status::of(e.kind())),
            http_status: error.and_then(crate::Error::http_status).map_or(0, i32::from),
            retry_after_ms: u64::try_from(after).unwrap_or(u64::MAX),
            message: message.as_ptr(),
            server: server.as_ptr(),
            cause: cause.as_ptr(),
        };
        unsafe { callback(data.pointer, &event) };
    }
}

/// # Safety
/// `callback` keeps what [`nacos_log_callback`] asks for, as long as `data` lives.
pub(super) unsafe fn log(
    callback: unsafe extern "C" fn(*mut c_void, *const nacos_log_record),
    data: Arc<Data>,
) -> impl Fn(&Event) {
    move |event| {
        let [message, server, cause] = texts(event);
        let record = nacos_log_record {
            struct_size: size_of::<nacos_log_record>(),
            level: level_number(event.kind().level()),
            reserved0: 0,
            message: message.as_ptr(),
            server: server.as_ptr(),
            cause: cause.as_ptr(),
        };
        unsafe { callback(data.pointer, &record) }
    }
}

/// # Safety
/// `callback` keeps what [`nacos_keep_waiting_callback`] asks for, as long as `data` lives.
pub(super) unsafe fn keep_waiting(
    callback: unsafe extern "C" fn(*mut c_void) -> i32,
    data: Arc<Data>,
) -> impl Fn() -> bool {
    move || unsafe { callback(data.pointer) != 0 }
}

/// Message, server and cause.
fn texts(event: &Event) -> [CString; 3] {
    let cause = event.cause().map_or("", Cause::name);
    [c_text(&event.to_string()), c_text(event.server().unwrap_or_default()), c_text(cause)]
}

fn c_text(text: &str) -> CString {
    CString::new(text.replace('\0', "")).unwrap_or_default()
}

fn level_number(level: Level) -> i32 {
    match level {
        Level::Error => NACOS_LOG_ERROR,
        Level::Warn => NACOS_LOG_WARN,
        Level::Info => NACOS_LOG_INFO,
        Level::Debug => NACOS_LOG_DEBUG,
    }
}

/// The level of a number; 0 is the default.
pub(super) fn level(number: i32) -> Result<Level, Failure> {
    match number {
        NACOS_LOG_ERROR => Ok(Level::Error),
        NACOS_LOG_WARN => Ok(Level::Warn),
        0 | NACOS_LOG_INFO => Ok(Level::Info),
        NACOS_LOG_DEBUG => Ok(Level::Debug),
        _ => {
            let message = format!("options.log_level is {number}; use one of NACOS_LOG_*");
            Err(nacos_error::new(NACOS_INVALID_CONFIG, message))
        }
    }
}

/// # Safety
/// `credentials` is NULL or what a callback has been given and still runs with.
unsafe fn answer(credentials: *mut nacos_credentials, with: Result<Supply, String>) -> Result<(), Failure> {
    let answer = unsafe { credentials.as_mut() }.ok_or_else(|| nacos_error::null("credentials"))?;
    answer.0 = Some(with);
    Ok(())
}

/// Answers with a user and its password; the caller may wipe its own copies after the call. Only inside a credentials
/// callback. Fails with an argument error.
///
/// # Safety
/// Pointers are valid; strings are NUL-terminated UTF-8 and copied; `error` may be NULL.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn nacos_credentials_set_password(
    credentials: *mut nacos_credentials,
    username: *const c_char,
    password: *const c_char,
    error: *mut *mut nacos_error,
) -> nacos_status {
    unsafe {
        guard(error, || {
            let (username, password) = (text("username", username)?, text("password", password)?);
            answer(credentials, Ok(Supply::Password { username: username.into(), password: password.into() }))
        })
    }
}

/// Answers with a token that somebody else got, and its life in milliseconds from now; 0: unknown, the callback is asked
/// again after some minutes. No login happens. Only inside a credentials callback. Fails with an argument error.
///
/// # Safety
/// Pointers are valid; `token` is NUL-terminated UTF-8 and copied; `error` may be NULL.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn nacos_credentials_set_token(
    credentials: *mut nacos_credentials,
    token: *const c_char,
    ttl_ms: u64,
    error: *mut *mut nacos_error,
) -> nacos_status {
    unsafe {
        guard(error, || {
            let token = Secret::from(text("token", token)?);
            let ttl = (ttl_ms != 0).then(|| Duration::from_millis(ttl_ms));
            answer(credentials, Ok(Supply::Token { token, ttl }))
        })
    }
}

/// Answers that there are no credentials, and why, for the error that callers get: no secret in it. Only inside a
/// credentials callback. Fails with an argument error.
///
/// # Safety
/// Pointers are valid; `message` is NUL-terminated UTF-8 and copied; `error` may be NULL.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn nacos_credentials_set_failure(
    credentials: *mut nacos_credentials,
    message: *const c_char,
    error: *mut *mut nacos_error,
) -> nacos_status {
    unsafe { guard(error, || answer(credentials, Err(text("message", message)?.into()))) }
}
