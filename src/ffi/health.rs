//! How a handle is, for probes.

use std::{ffi::c_char, ptr, time::Duration};

use super::{
    auth::{nacos_auth, refresh_state, token_state},
    boundary::{Output, Sized_, borrow, guard_blocking},
    error::{Failure, nacos_error},
    status::nacos_status,
};
use crate::{Cause, HealthStatus};

/// Nothing is known yet: no login has been tried, or the first one has just begun. Not ready.
pub const NACOS_HEALTH_UNKNOWN: i32 = 0;
/// There is a token, and nothing is wrong with logins.
pub const NACOS_HEALTH_OK: i32 = 1;
/// Calls work, and will not for long if nothing changes: an old token still serves and logins fail, for one. Ready.
pub const NACOS_HEALTH_DEGRADED: i32 = 2;
/// There is no token that works, and no login brings one; or the handle is closed.
pub const NACOS_HEALTH_DOWN: i32 = 3;

/// What is known of a handle's health. Begin with nacos_health_default().
#[repr(C)]
#[derive(Clone, Copy)]
pub struct nacos_health {
    /// sizeof(nacos_health), as the caller compiled it.
    pub struct_size: usize,
    /// One of NACOS_HEALTH_*.
    pub status: i32,
    /// 1 with NACOS_HEALTH_OK and NACOS_HEALTH_DEGRADED: requests can be expected to succeed. Else 0.
    pub ready: i32,
    /// Why it is not well, as a word of the list of causes: static, NUL-terminated. "" if it is, or if nothing is known.
    pub cause: *const c_char,
    /// Milliseconds since the first login failed of those that have failed since the last success; 0 if the last one did not.
    pub failing_for_ms: u64,
    /// Milliseconds until the token's reckoned expiry, until when a degraded handle works; negative after it, 0 without one,
    /// INT64_MAX if nobody knows its end.
    pub remaining_ms: i64,
    /// Milliseconds until the next login after one that failed; 0 if none is waiting for its time.
    pub retry_in_ms: u64,
    /// One of NACOS_TOKEN_NONE to NACOS_TOKEN_REJECTED.
    pub token_state: i32,
    /// One of NACOS_REFRESH_*.
    pub refresh_state: i32,
}

unsafe impl Sized_ for nacos_health {}

/// Whether this handle can do its work, from what is known: asks no server, waits for nothing and begins no login. Works on
/// a closed handle too. Any thread.
///
/// For a readiness probe, call nacos_get_token with NACOS_FLAG_NO_WAIT first and go by `health->ready` whatever that returns:
/// a handle without a token logs in only when a call wants one. Before the first login it is NACOS_HEALTH_UNKNOWN.
///
/// `reason` may be NULL. It takes an error object with what is wrong, which calls get or will get, its server and words, owned
/// by the caller; NULL if nothing is wrong, or nothing is known. Fails with an argument error.
///
/// # Safety
/// `auth` and `health` are valid; `reason` and `error` may be NULL.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn nacos_auth_health(
    auth: *const nacos_auth,
    health: *mut nacos_health,
    reason: *mut *mut nacos_error,
    error: *mut *mut nacos_error,
) -> nacos_status {
    unsafe {
        guard_blocking(error, || {
            if let Some(reason) = reason.as_mut() {
                *reason = ptr::null_mut();
            }
            let output = Output::new("health", health)?.ok_or_else(|| nacos_error::null("health"))?;
            let found = borrow("auth", auth)?.client().health();
            let milliseconds = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
            output.set(nacos_health {
                struct_size: 0,
                status: match found.status {
                    HealthStatus::Unknown => NACOS_HEALTH_UNKNOWN,
                    HealthStatus::Ok => NACOS_HEALTH_OK,
                    HealthStatus::Degraded => NACOS_HEALTH_DEGRADED,
                    HealthStatus::Down => NACOS_HEALTH_DOWN,
                },
                ready: found.is_ready().into(),
                cause: found.cause().map_or(c"", Cause::c_name).as_ptr(),
                failing_for_ms: found.failing_for.map_or(0, |time| milliseconds(time).max(1)),
                remaining_ms: found.remaining_ms,
                retry_in_ms: milliseconds(found.retry_in),
                token_state: token_state(found.token_state),
                refresh_state: refresh_state(found.refresh_state),
            });
            if let (Some(reason), Some(wrong)) = (reason.as_mut(), found.error) {
                *reason = Box::into_raw(Failure::from(wrong));
            }
            Ok(())
        })
    }
}
