//! Names of numbers, for logs.

use std::ffi::{CStr, c_char};

use super::{auth::*, callback::*, diagnose::*, health::*, options::*, token::*};

/// A name for each number; "UNKNOWN" for what a newer version may have.
fn find(names: &[(i32, &'static CStr)], number: i32) -> *const c_char {
    names.iter().find(|(n, _)| *n == number).map_or(c"UNKNOWN", |(_, name)| name).as_ptr()
}

/// The name of an event without its prefix, as "LOGIN_FAILED"; "UNKNOWN" for a number that is none. Static, never NULL.
#[unsafe(no_mangle)]
pub extern "C" fn nacos_event_name(kind: i32) -> *const c_char {
    let names = [
        (NACOS_EVENT_LOGIN_STARTED, c"LOGIN_STARTED"),
        (NACOS_EVENT_TOKEN_REFRESHED, c"TOKEN_REFRESHED"),
        (NACOS_EVENT_LOGIN_FAILED, c"LOGIN_FAILED"),
        (NACOS_EVENT_CREDENTIALS_REJECTED, c"CREDENTIALS_REJECTED"),
        (NACOS_EVENT_RECOVERED, c"RECOVERED"),
        (NACOS_EVENT_TOKEN_REJECTED, c"TOKEN_REJECTED"),
        (NACOS_EVENT_SERVER_DOWN, c"SERVER_DOWN"),
        (NACOS_EVENT_SERVERS_DISAGREE, c"SERVERS_DISAGREE"),
        (NACOS_EVENT_TOKEN_IN_QUERY, c"TOKEN_IN_QUERY"),
        (NACOS_EVENT_SENT_WITHOUT_TOKEN, c"SENT_WITHOUT_TOKEN"),
        (NACOS_EVENT_PERMISSION_DENIED, c"PERMISSION_DENIED"),
    ];
    find(&names, kind)
}

/// The name of a level without its prefix, as "WARN"; "UNKNOWN" for a number that is none. Static, never NULL.
#[unsafe(no_mangle)]
pub extern "C" fn nacos_log_level_name(level: i32) -> *const c_char {
    let names = [
        (NACOS_LOG_ERROR, c"ERROR"),
        (NACOS_LOG_WARN, c"WARN"),
        (NACOS_LOG_INFO, c"INFO"),
        (NACOS_LOG_DEBUG, c"DEBUG"),
    ];
    find(&names, level)
}

/// The name of a state of the token without its prefix, as "FRESH"; "UNKNOWN" for a number that is none. Static, never NULL.
#[unsafe(no_mangle)]
pub extern "C" fn nacos_token_state_name(state: i32) -> *const c_char {
    let names = [
        (NACOS_TOKEN_NONE, c"NONE"),
        (NACOS_TOKEN_FRESH, c"FRESH"),
        (NACOS_TOKEN_ADVISORY, c"ADVISORY"),
        (NACOS_TOKEN_MANDATORY, c"MANDATORY"),
        (NACOS_TOKEN_EXPIRED, c"EXPIRED"),
        (NACOS_TOKEN_REJECTED, c"REJECTED"),
    ];
    find(&names, state)
}

/// The name of a state of the renewal without its prefix, as "BACKING_OFF"; "UNKNOWN" for a number that is none. Static, never
/// NULL.
#[unsafe(no_mangle)]
pub extern "C" fn nacos_refresh_state_name(state: i32) -> *const c_char {
    let names = [
        (NACOS_REFRESH_IDLE, c"IDLE"),
        (NACOS_REFRESH_IN_FLIGHT, c"IN_FLIGHT"),
        (NACOS_REFRESH_BACKING_OFF, c"BACKING_OFF"),
        (NACOS_REFRESH_CREDENTIALS_REJECTED, c"CREDENTIALS_REJECTED"),
    ];
    find(&names, state)
}

/// The name of a place for the token without its prefix, as "QUERY"; "UNKNOWN" for a number that is none. Static, never NULL.
#[unsafe(no_mangle)]
pub extern "C" fn nacos_token_in_name(place: i32) -> *const c_char {
    let names = [
        (NACOS_TOKEN_IN_AUTO, c"AUTO"),
        (NACOS_TOKEN_IN_AUTHORIZATION, c"AUTHORIZATION"),
        (NACOS_TOKEN_IN_HEADER, c"HEADER"),
        (NACOS_TOKEN_IN_QUERY, c"QUERY"),
    ];
    find(&names, place)
}

/// The name of an advice without its prefix, as "REPLAY"; "UNKNOWN" for a number that is none. Static, never NULL.
#[unsafe(no_mangle)]
pub extern "C" fn nacos_advice_name(advice: i32) -> *const c_char {
    let names = [
        (NACOS_ADVICE_RETURN, c"RETURN"),
        (NACOS_ADVICE_REPLAY, c"REPLAY"),
        (NACOS_ADVICE_REPLAY_IF_IDEMPOTENT, c"REPLAY_IF_IDEMPOTENT"),
    ];
    find(&names, advice)
}

/// The name of a severity without its prefix, as "WARNING"; "UNKNOWN" for a number that is none. Static, never NULL.
#[unsafe(no_mangle)]
pub extern "C" fn nacos_severity_name(severity: i32) -> *const c_char {
    let names = [
        (NACOS_SEVERITY_OK, c"OK"),
        (NACOS_SEVERITY_INFORMATION, c"INFORMATION"),
        (NACOS_SEVERITY_WARNING, c"WARNING"),
        (NACOS_SEVERITY_ERROR, c"ERROR"),
    ];
    find(&names, severity)
}

/// The name of a status of the health without its prefix, as "DEGRADED"; "UNKNOWN" for a number that is none, and for
/// NACOS_HEALTH_UNKNOWN. Static, never NULL.
#[unsafe(no_mangle)]
pub extern "C" fn nacos_health_name(status: i32) -> *const c_char {
    let names = [
        (NACOS_HEALTH_UNKNOWN, c"UNKNOWN"),
        (NACOS_HEALTH_OK, c"OK"),
        (NACOS_HEALTH_DEGRADED, c"DEGRADED"),
        (NACOS_HEALTH_DOWN, c"DOWN"),
    ];
    find(&names, status)
}
