//! The figures of handles as text.

use std::ffi::{CString, c_char};

use super::{
    auth::nacos_auth,
    boundary::{array, borrow, guard_blocking, text, write},
    error::nacos_error,
    pointer::{borrow_or, give, release},
    status::nacos_status,
};

/// Figures in Prometheus' text format. Immutable, owned by the caller, freed with nacos_metrics_free. Any thread may read it.
pub struct nacos_metrics(CString);

/// The figures of `count` handles in Prometheus' text format: counters since nacos_auth_init, the state of token and logins,
/// and the health. docs/monitoring.md lists them. Works on closed handles too. Never waits for a server. Any thread.
///
/// `names` has a name for each handle, none twice, which becomes the label `client` of its samples: any UTF-8. It may be NULL
/// for a single handle, which has no such label then. On success `*metrics` is owned by the caller; on failure it is NULL.
/// Fails with an argument error.
///
/// # Safety
/// `auths` and `names` have `count` valid entries, but for a NULL `names`; `metrics` is valid; `error` may be NULL.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn nacos_auth_metrics(
    auths: *const *mut nacos_auth,
    names: *const *const c_char,
    count: usize,
    metrics: *mut *mut nacos_metrics,
    error: *mut *mut nacos_error,
) -> nacos_status {
    unsafe {
        guard_blocking(error, || {
            write("metrics", metrics, std::ptr::null_mut())?;
            if auths.is_null() && count > 0 {
                return Err(nacos_error::null("auths"));
            }
            if names.is_null() && count > 1 {
                return Err(nacos_error::null("names"));
            }
            let auths = array("auths", auths, count)?;
            let names = if names.is_null() { &[] } else { array("names", names, count)? };
            let mut clients = Vec::with_capacity(auths.len());
            for (at, auth) in auths.iter().enumerate() {
                let client = borrow(&format!("auths[{at}]"), *auth)?.client().as_ref();
                let name = names.get(at).map_or(Ok(""), |name| text(&format!("names[{at}]"), *name))?;
                clients.push((name, client));
            }
            let text = crate::metrics(clients)?;
            write("metrics", metrics, give(nacos_metrics(CString::new(text).unwrap_or_default())))
        })
    }
}

/// The text, to be served as NACOS_METRICS_CONTENT_TYPE; NUL-terminated UTF-8, good until the metrics are freed; "" for NULL.
/// Any thread.
///
/// # Safety
/// `metrics` is NULL or has not been freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nacos_metrics_text(metrics: *const nacos_metrics) -> *const c_char {
    unsafe { borrow_or(metrics, c"".as_ptr(), |m| m.0.as_ptr()) }
}

/// Frees metrics and their text. NULL is a no-op. Any thread.
///
/// # Safety
/// `metrics` is NULL or has not been freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nacos_metrics_free(metrics: *mut nacos_metrics) {
    unsafe { release(metrics) }
}
