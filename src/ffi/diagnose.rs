//! Why does a server refuse? The examination and its findings.

use std::{
    ffi::{CString, c_char},
    ptr,
    time::Duration,
};

use super::{
    boundary::{Output, Sized_, borrow, guard_blocking, optional_text, read_sized, write},
    cancel::nacos_cancel,
    error::{Failure, nacos_error},
    options::{config, nacos_auth_options},
    pointer::{borrow_or, give, release},
    status::{NACOS_INVALID_ARGUMENT, NACOS_UNSUPPORTED_OPTION, nacos_status},
};
use crate::{DiagnoseOptions, Diagnosis, Secret, Severity, diagnose};

/// How bad a finding is: as it should be.
pub const NACOS_SEVERITY_OK: i32 = 0;
/// Worth knowing; nothing has to be done.
pub const NACOS_SEVERITY_INFORMATION: i32 = 1;
/// It works, and may not for long, or not well.
pub const NACOS_SEVERITY_WARNING: i32 = 2;
/// It does not work.
pub const NACOS_SEVERITY_ERROR: i32 = 3;

/// Send the request of an examination even though it may change something.
pub const NACOS_DIAGNOSE_SEND_WRITES: u32 = 1;

/// What an examination is to look at besides servers and credentials. Begin with nacos_diagnose_options_default().
#[repr(C)]
#[derive(Clone, Copy)]
pub struct nacos_diagnose_options {
    /// sizeof(nacos_diagnose_options), as the caller compiled it.
    pub struct_size: usize,
    /// Method of a request that fails. NULL: GET.
    pub method: *const c_char,
    /// Its path below the context path, with its query, encoded. NULL: there is no request. One that may change something
    /// (neither GET, HEAD nor OPTIONS) is sent only with NACOS_DIAGNOSE_SEND_WRITES. No body goes along.
    pub path: *const c_char,
    /// A token that is refused. No login is made with it. NULL: there is none.
    pub token: *const c_char,
    /// Ends the examination from another thread. NULL: nothing does.
    pub cancel: *mut nacos_cancel,
    /// How long it may take, in milliseconds. 0: 10,000, which is enough for three servers of which two do not answer.
    pub timeout_ms: u32,
    /// 0 or NACOS_DIAGNOSE_SEND_WRITES.
    pub flags: u32,
}

unsafe impl Sized_ for nacos_diagnose_options {}

/// One step of an examination. Holds no password, token or query. Strings are NUL-terminated, and good until the diagnosis is
/// freed. Begin with nacos_finding_default().
#[repr(C)]
#[derive(Clone, Copy)]
pub struct nacos_finding {
    /// sizeof(nacos_finding), as the caller compiled it.
    pub struct_size: usize,
    /// Why, as a word of the list of causes: NACOS_CAUSE_HEALTHY for what is as it should be.
    pub cause: *const c_char,
    /// The server that it is about, as "host:port"; "" if it is about none, or about all of them.
    pub server: *const c_char,
    /// What was seen: the server's own words, times, versions.
    pub seen: *const c_char,
    /// What it means, in a sentence.
    pub means: *const c_char,
    /// What to do about it, in a sentence.
    pub cure: *const c_char,
    /// NACOS_SEVERITY_*.
    pub severity: i32,
    /// 0.
    pub reserved0: i32,
}

unsafe impl Sized_ for nacos_finding {}

/// What an examination found. Immutable, owned by the caller, freed with nacos_diagnosis_free. Any thread may read it.
pub struct nacos_diagnosis {
    findings: Vec<Texts>,
    severity: i32,
    text: CString,
    json: CString,
}

/// A finding as C strings.
struct Texts {
    cause: CString,
    server: CString,
    seen: CString,
    means: CString,
    cure: CString,
    severity: i32,
}

fn number(severity: Severity) -> i32 {
    match severity {
        Severity::Ok => NACOS_SEVERITY_OK,
        Severity::Information => NACOS_SEVERITY_INFORMATION,
        Severity::Warning => NACOS_SEVERITY_WARNING,
        Severity::Error => NACOS_SEVERITY_ERROR,
    }
}

impl nacos_diagnosis {
    fn new(diagnosis: &Diagnosis) -> Self {
        let c_string = |text: &str| CString::new(text.replace('\0', " ")).unwrap_or_default();
        let findings = diagnosis.findings().iter().map(|finding| Texts {
            cause: c_string(finding.cause().name()),
            server: c_string(finding.server().unwrap_or_default()),
            seen: c_string(finding.seen()),
            means: c_string(finding.means()),
            cure: c_string(finding.cure()),
            severity: number(finding.severity()),
        });
        Self {
            findings: findings.collect(),
            severity: number(diagnosis.severity()),
            text: c_string(&diagnosis.to_text()),
            json: c_string(&diagnosis.to_json()),
        }
    }
}

/// Finds out whether these options work, and if not, why not: is the server there, is it a Nacos, does it let this user in,
/// does it take its own token, do the servers of the list share a secret and a clock; and what is wrong with a token or a
/// request of the caller's. Makes connections and logins of its own, at most two logins at each server, and none at the others
/// once one has refused the password. Blocks for `timeout_ms` at the most, and as long as `credentials` takes.
///
/// Of the callbacks in `options` only `credentials` is called, on this thread; `callback_drop` is not.
/// `diagnose` may be NULL. On success `*diagnosis` is owned by the caller; on failure it is NULL. Any thread.
///
/// Whatever is wrong with servers, credentials, token or request is a finding. Fails with NACOS_INVALID_CONFIG (as
/// nacos_auth_init), NACOS_CANCELLED or an argument error.
///
/// # Safety
/// `options` and `diagnosis` are valid; `diagnose` and `error` may be NULL.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn nacos_auth_diagnose(
    options: *const nacos_auth_options,
    diagnose: *const nacos_diagnose_options,
    diagnosis: *mut *mut nacos_diagnosis,
    error: *mut *mut nacos_error,
) -> nacos_status {
    unsafe {
        guard_blocking(error, || {
            write("diagnosis", diagnosis, ptr::null_mut())?;
            let (config, _not_ours) = config(options)?;
            let asked = read_sized("diagnose", diagnose)?;
            let found = run(config, asked)?;
            write("diagnosis", diagnosis, give(nacos_diagnosis::new(&found)))
        })
    }
}

/// # Safety
/// The pointers of `asked` are valid.
unsafe fn run(config: crate::Config, asked: Option<nacos_diagnose_options>) -> Result<Diagnosis, Failure> {
    let Some(asked) = asked else { return Ok(diagnose(config, &DiagnoseOptions::default())?) };
    if asked.flags & !NACOS_DIAGNOSE_SEND_WRITES != 0 {
        let message = format!("diagnose.flags: {:#x} is not known to this version", asked.flags);
        return Err(nacos_error::new(NACOS_UNSUPPORTED_OPTION, message));
    }
    let method = unsafe { optional_text("diagnose.method", asked.method) }?;
    let path = unsafe { optional_text("diagnose.path", asked.path) }?;
    if method.is_some() && path.is_none() {
        let message = "diagnose.method: goes with a path; give diagnose.path, or leave it out";
        return Err(nacos_error::new(NACOS_INVALID_ARGUMENT, message));
    }
    let cancel = unsafe { borrow_or(asked.cancel, None, |c| Some(c.signal().clone())) };
    let usual = DiagnoseOptions::default();
    let options = DiagnoseOptions {
        request: path.map(|path| (method.unwrap_or("GET"), path)),
        token: unsafe { optional_text("diagnose.token", asked.token) }?.map(Secret::from),
        send_writes: asked.flags & NACOS_DIAGNOSE_SEND_WRITES != 0,
        timeout: if asked.timeout_ms == 0 { usual.timeout } else { Duration::from_millis(asked.timeout_ms.into()) },
        cancel: cancel.as_ref(),
        on_finding: None,
    };
    Ok(diagnose(config, &options)?)
}

/// How many findings there are; 0 for NULL. Any thread.
///
/// # Safety
/// `diagnosis` is NULL or has not been freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nacos_diagnosis_count(diagnosis: *const nacos_diagnosis) -> usize {
    unsafe { borrow_or(diagnosis, 0, |d| d.findings.len()) }
}

/// Fills in the finding number `index`, counted from 0, in the order in which they were made. Fails with an argument error,
/// NACOS_INVALID_ARGUMENT if there is none of that number. Any thread.
///
/// # Safety
/// `diagnosis` and `finding` are valid; `error` may be NULL.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn nacos_diagnosis_finding(
    diagnosis: *const nacos_diagnosis,
    index: usize,
    finding: *mut nacos_finding,
    error: *mut *mut nacos_error,
) -> nacos_status {
    unsafe {
        guard_blocking(error, || {
            let output = Output::new("finding", finding)?.ok_or_else(|| nacos_error::null("finding"))?;
            let findings = &borrow("diagnosis", diagnosis)?.findings;
            let Some(found) = findings.get(index) else {
                let message = format!("index: {index}, and there are {} findings", findings.len());
                return Err(nacos_error::new(NACOS_INVALID_ARGUMENT, message));
            };
            output.set(nacos_finding {
                struct_size: 0,
                cause: found.cause.as_ptr(),
                server: found.server.as_ptr(),
                seen: found.seen.as_ptr(),
                means: found.means.as_ptr(),
                cure: found.cure.as_ptr(),
                severity: found.severity,
                reserved0: 0,
            });
            Ok(())
        })
    }
}

/// The severity of the worst finding; NACOS_SEVERITY_OK for NULL. Any thread.
///
/// # Safety
/// `diagnosis` is NULL or has not been freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nacos_diagnosis_severity(diagnosis: *const nacos_diagnosis) -> i32 {
    unsafe { borrow_or(diagnosis, NACOS_SEVERITY_OK, |d| d.severity) }
}

/// All findings for people, a paragraph each; NUL-terminated UTF-8, good until the diagnosis is freed; "" for NULL. Any thread.
///
/// # Safety
/// `diagnosis` is NULL or has not been freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nacos_diagnosis_text(diagnosis: *const nacos_diagnosis) -> *const c_char {
    unsafe { borrow_or(diagnosis, c"".as_ptr(), |d| d.text.as_ptr()) }
}

/// All findings as JSON, `{"severity":"error","findings":[{"severity","cause","server","seen","means","cure"}]}`, where
/// `server` is null for all of them; NUL-terminated UTF-8, good until the diagnosis is freed; "" for NULL. Any thread.
///
/// # Safety
/// `diagnosis` is NULL or has not been freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nacos_diagnosis_json(diagnosis: *const nacos_diagnosis) -> *const c_char {
    unsafe { borrow_or(diagnosis, c"".as_ptr(), |d| d.json.as_ptr()) }
}

/// Frees a diagnosis and all its strings. NULL is a no-op. Any thread.
///
/// # Safety
/// `diagnosis` is NULL or has not been freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nacos_diagnosis_free(diagnosis: *mut nacos_diagnosis) {
    unsafe { release(diagnosis) }
}
