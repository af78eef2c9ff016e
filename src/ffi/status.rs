//! Status codes: what every function returns. The numbers are fixed for ever; new ones may be added.

use std::ffi::{CStr, c_char};

use crate::error::Kind;

/// What every function that can fail returns: 0 for success, otherwise one of the `NACOS_*` codes below. The codes come in
/// groups: 1xx the caller, 2xx the way to the server, 3xx the server, 4xx the end of a call, 9xx this library.
pub type nacos_status = i32;

/// Success.
pub const NACOS_OK: nacos_status = 0;
/// An argument is not usable; the message names it.
pub const NACOS_INVALID_ARGUMENT: nacos_status = 100;
/// A required pointer is NULL.
pub const NACOS_NULL_ARGUMENT: nacos_status = 101;
/// A string is not UTF-8.
pub const NACOS_INVALID_UTF8: nacos_status = 102;
/// A setting given to nacos_auth_init is not usable; the message names it.
pub const NACOS_INVALID_CONFIG: nacos_status = 103;
/// A struct carries something that this version of the library does not know.
pub const NACOS_UNSUPPORTED_OPTION: nacos_status = 104;
/// The buffer is too small; nacos_token_info.length says how much is needed (and one byte more for the NUL).
pub const NACOS_BUFFER_TOO_SMALL: nacos_status = 105;
/// No server could be reached: refused, no route, unknown host, connect time-out.
pub const NACOS_CONNECT: nacos_status = 200;
/// The deadline of the call passed.
pub const NACOS_TIMEOUT: nacos_status = 201;
/// The TLS handshake failed.
pub const NACOS_TLS: nacos_status = 202;
/// The connection broke while a request was under way; the server may have acted on it.
pub const NACOS_IO: nacos_status = 203;
/// The server answered something that is not Nacos.
pub const NACOS_PROTOCOL: nacos_status = 204;
/// The answer is larger than the handle takes (max_response_size).
pub const NACOS_TOO_LARGE: nacos_status = 205;
/// The server refuses user name and password.
pub const NACOS_BAD_CREDENTIALS: nacos_status = 300;
/// The servers refuse one fresh token after the other.
pub const NACOS_FORBIDDEN: nacos_status = 301;
/// The server asked to be left alone for a while (HTTP 429).
pub const NACOS_THROTTLED: nacos_status = 302;
/// The server failed (HTTP 5xx).
pub const NACOS_SERVER: nacos_status = 303;
/// There are no credentials to log in with: the password file cannot be read, or the credentials callback failed.
pub const NACOS_NO_CREDENTIALS: nacos_status = 304;
/// The caller cancelled the call.
pub const NACOS_CANCELLED: nacos_status = 400;
/// The handle has been closed.
pub const NACOS_CLOSED: nacos_status = 401;
/// The call would have had to wait, and was told not to (NACOS_FLAG_NO_WAIT).
pub const NACOS_WOULD_BLOCK: nacos_status = 402;
/// A fault of this library, contained; please report it.
pub const NACOS_PANIC: nacos_status = 900;
/// The operating system or this library failed.
pub const NACOS_INTERNAL: nacos_status = 901;

/// Every status with its name and its message.
const ALL: &[(nacos_status, &CStr, &CStr)] = &[
    (NACOS_OK, c"OK", c"success"),
    (NACOS_INVALID_ARGUMENT, c"INVALID_ARGUMENT", c"an argument is not usable"),
    (NACOS_NULL_ARGUMENT, c"NULL_ARGUMENT", c"a required pointer is NULL"),
    (NACOS_INVALID_UTF8, c"INVALID_UTF8", c"a string is not UTF-8"),
    (NACOS_INVALID_CONFIG, c"INVALID_CONFIG", c"a setting is not usable"),
    (NACOS_UNSUPPORTED_OPTION, c"UNSUPPORTED_OPTION", c"an option this version of the library does not know"),
    (NACOS_BUFFER_TOO_SMALL, c"BUFFER_TOO_SMALL", c"the buffer is too small"),
    (NACOS_CONNECT, c"CONNECT", c"no server could be reached"),
    (NACOS_TIMEOUT, c"TIMEOUT", c"the deadline of the call passed"),
    (NACOS_TLS, c"TLS", c"the TLS handshake failed"),
    (NACOS_IO, c"IO", c"the connection broke"),
    (NACOS_PROTOCOL, c"PROTOCOL", c"the answer is not that of a Nacos server"),
    (NACOS_TOO_LARGE, c"TOO_LARGE", c"the answer is too large"),
    (NACOS_BAD_CREDENTIALS, c"BAD_CREDENTIALS", c"the server refuses user name and password"),
    (NACOS_FORBIDDEN, c"FORBIDDEN", c"the servers refuse fresh tokens"),
    (NACOS_THROTTLED, c"THROTTLED", c"the server asked to be left alone for a while"),
    (NACOS_SERVER, c"SERVER", c"the server failed"),
    (NACOS_NO_CREDENTIALS, c"NO_CREDENTIALS", c"there are no credentials to log in with"),
    (NACOS_CANCELLED, c"CANCELLED", c"the caller cancelled the call"),
    (NACOS_CLOSED, c"CLOSED", c"the handle has been closed"),
    (NACOS_WOULD_BLOCK, c"WOULD_BLOCK", c"the call would have had to wait"),
    (NACOS_PANIC, c"PANIC", c"a fault of the library was contained"),
    (NACOS_INTERNAL, c"INTERNAL", c"the library or the system below it failed"),
];

/// The status of each kind of error of the core.
pub(super) fn of(kind: Kind) -> nacos_status {
    match kind {
        Kind::InvalidArgument => NACOS_INVALID_ARGUMENT,
        Kind::InvalidConfig => NACOS_INVALID_CONFIG,
        Kind::Connect => NACOS_CONNECT,
        Kind::Timeout => NACOS_TIMEOUT,
        Kind::Tls => NACOS_TLS,
        Kind::Io => NACOS_IO,
        Kind::Protocol => NACOS_PROTOCOL,
        Kind::TooLarge => NACOS_TOO_LARGE,
        Kind::BadCredentials => NACOS_BAD_CREDENTIALS,
        Kind::Forbidden => NACOS_FORBIDDEN,
        Kind::Throttled => NACOS_THROTTLED,
        Kind::Server => NACOS_SERVER,
        Kind::NoCredentials => NACOS_NO_CREDENTIALS,
        Kind::Cancelled => NACOS_CANCELLED,
        Kind::Closed => NACOS_CLOSED,
        Kind::WouldBlock => NACOS_WOULD_BLOCK,
        Kind::Internal => NACOS_INTERNAL,
    }
}

fn find(status: nacos_status) -> Option<&'static (nacos_status, &'static CStr, &'static CStr)> {
    ALL.iter().find(|(code, ..)| *code == status)
}

/// The name of a status without its prefix, as "BAD_CREDENTIALS"; "UNKNOWN" for a number that is none.
/// Static, never NULL. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn nacos_status_name(status: nacos_status) -> *const c_char {
    find(status).map_or(c"UNKNOWN", |(_, name, _)| name).as_ptr()
}

/// A status in words, without the details that an error object has. Static, never NULL. Any thread.
#[unsafe(no_mangle)]
pub extern "C" fn nacos_status_message(status: nacos_status) -> *const c_char {
    find(status).map_or(c"unknown status", |(.., message)| message).as_ptr()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_one_number_and_one_name() {
        let mut codes: Vec<_> = ALL.iter().map(|(code, ..)| *code).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), ALL.len());
        let name = |status| unsafe { CStr::from_ptr(nacos_status_name(status)) };
        assert_eq!(name(NACOS_BAD_CREDENTIALS), c"BAD_CREDENTIALS");
        assert_eq!(name(12345), c"UNKNOWN");
        for kind in [Kind::InvalidArgument, Kind::Tls, Kind::BadCredentials, Kind::Closed, Kind::Internal] {
            assert_eq!(name(of(kind)).to_str().unwrap(), kind.to_string());
        }
    }
}
