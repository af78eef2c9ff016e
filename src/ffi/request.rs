//! Requests and responses.

use std::{
    ffi::{CStr, CString, c_char},
    ptr::{self, NonNull},
    sync::Arc,
};

use bytes::Bytes;
use once_cell::sync::OnceCell;

use super::{
    auth::nacos_auth,
    boundary::{Sized_, array, borrow, guard, guard_blocking, optional_text, read_sized, text, text_of, write},
    cancel::nacos_cancel,
    error::{Failure, nacos_error},
    options::{
        Call, NACOS_FLAG_IDEMPOTENT, NACOS_FLAG_NO_ANONYMOUS, NACOS_FLAG_NO_FAILOVER, NACOS_FLAG_NO_REPLAY,
        NACOS_FLAG_NO_WAIT, NACOS_FLAG_NOT_IDEMPOTENT,
    },
    pointer::{borrow_or, contain, give, release},
    status::{NACOS_INVALID_ARGUMENT, NACOS_UNSUPPORTED_OPTION, nacos_status},
};
use crate::sys::lock::Mutex;
use crate::{Request, Response, http::Lent};

/// The value of a pair is secret: no message of the library holds it, not even where a server repeats it.
pub const NACOS_PAIR_SENSITIVE: u32 = 1;

/// A name and a value, both UTF-8. `{"name", "value"}` is one; NACOS_PAIR("name", "value") is the same without a warning about
/// the fields that are left out.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct nacos_pair {
    /// The name. Required.
    pub name: *const c_char,
    /// The value. Required; may be "".
    pub value: *const c_char,
    /// Length of the name in bytes; 0: it ends with a NUL.
    pub name_len: usize,
    /// Length of the value in bytes; 0: it ends with a NUL.
    pub value_len: usize,
    /// 0 or NACOS_PAIR_SENSITIVE.
    pub flags: u32,
    /// 0.
    pub reserved0: u32,
}

/// A request to the open API of Nacos. Begin with nacos_request_options_default(). Everything is borrowed for the call.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct nacos_request_options {
    /// sizeof(nacos_request_options), as the caller compiled it.
    pub struct_size: usize,
    /// Any HTTP method. NULL: "GET".
    pub method: *const c_char,
    /// Required: what comes after the context path, as "/v1/cs/configs". May carry a query that is percent-encoded already.
    /// Begins with one slash; one that holds "//", "#", a space, a control character, a backslash, or a "." or ".." segment
    /// in any spelling is refused: nothing in it may lead out of the context path.
    pub path: *const c_char,
    /// Parameters for the query; percent-encoded by the library. `accessToken` is refused: it would beat the token.
    pub query: *const nacos_pair,
    /// How many.
    pub query_count: usize,
    /// Headers. Refused are those that would beat the token, and those that frame the message or belong to the connection:
    /// Content-Length, Transfer-Encoding, Host, Connection, Keep-Alive, Proxy-*, Upgrade, HTTP2-Settings, Expect, TE, Trailer.
    /// Of Accept-Encoding only what the library can decode is sent: gzip and deflate.
    pub headers: *const nacos_pair,
    /// How many; 10,000 at the most.
    pub header_count: usize,
    /// Fields of a form, which becomes the body; percent-encoded by the library. Not together with `body`.
    pub form: *const nacos_pair,
    /// How many.
    pub form_count: usize,
    /// The body as it is. NULL with a length of 0: none. One of more than 64 KiB is copied piece by piece while it is sent.
    pub body: *const u8,
    /// Its length in bytes.
    pub body_len: usize,
    /// Ends the call from another thread. NULL: nothing does.
    pub cancel: *mut nacos_cancel,
    /// Deadline in milliseconds, logins, replays and the wait for a connection included. 0: the handle's request_timeout_ms,
    /// and as much more as a header Long-Pulling-Timeout says (in milliseconds, ten minutes at the most), with which a
    /// server holds back its answer.
    pub timeout_ms: u32,
    /// 0 or several of NACOS_FLAG_*, or-ed.
    pub flags: u32,
}

unsafe impl Sized_ for nacos_request_options {}

/// The answer to a request. Immutable, owned by the caller, freed with nacos_response_free. Any thread may read it.
pub struct nacos_response {
    response: Response,
    server: CString,
    /// The headers as C strings, made when first asked for.
    headers: OnceCell<Vec<(CString, CString)>>,
}

impl nacos_response {
    pub(super) fn new(response: Response) -> Self {
        let server = CString::new(response.server()).unwrap_or_default();
        Self { response, server, headers: OnceCell::new() }
    }

    fn headers(&self) -> &[(CString, CString)] {
        self.headers.get_or_init(|| {
            let c_string = |bytes: &[u8]| CString::new(bytes).unwrap_or_default();
            let headers = self.response.headers().iter();
            headers.map(|(name, value)| (c_string(name.as_str().as_bytes()), c_string(value.as_bytes()))).collect()
        })
    }
}

/// A body up to this size is copied at once; a larger one piece by piece while it is sent.
const COPIED: usize = 64 * 1024;

/// The caller's bytes, which must not be touched any more when the call is over.
struct Borrowed {
    bytes: Mutex<Option<NonNull<[u8]>>>,
    length: usize,
}

// The pointer is only followed under the lock, and not once it has been taken away.
unsafe impl Send for Borrowed {}
unsafe impl Sync for Borrowed {}

impl Lent for Borrowed {
    fn len(&self) -> usize {
        self.length
    }

    fn copy(&self, offset: usize, most: usize) -> Option<Bytes> {
        let bytes = self.bytes.lock();
        // SAFETY: until it is taken away, the caller is inside nacos_request, for which it has lent the bytes.
        let all = unsafe { bytes.as_ref()?.as_ref() };
        Some(Bytes::copy_from_slice(all.get(offset..)?.get(..most).unwrap_or(&all[offset..])))
    }
}

/// Takes the bytes away when the call is over, whoever still holds the request.
struct Loan(Arc<Borrowed>);

impl Drop for Loan {
    fn drop(&mut self) {
        *self.0.bytes.lock() = None;
    }
}

/// The request with a body of its own.
///
/// # Safety
/// `options` is NULL or as nacos_request requires it.
pub(super) unsafe fn owned_request(options: *const nacos_request_options) -> Result<Request, Failure> {
    unsafe { request(options, usize::MAX) }.map(|(request, _)| request)
}

/// A body of more than `most_copied` bytes is lent.
///
/// # Safety
/// `options` is NULL or as nacos_request requires it. A [`Loan`] must be dropped before the bytes of the body go.
unsafe fn request(
    options: *const nacos_request_options,
    most_copied: usize,
) -> Result<(Request, Option<Loan>), Failure> {
    let options = unsafe { read_sized("options", options) }?.ok_or_else(|| nacos_error::null("options"))?;
    let pairs = |field, pointer, count| unsafe { pairs(field, pointer, count) };
    let method = unsafe { optional_text("options.method", options.method) }?.unwrap_or("GET");
    let mut request = Request::new(method, unsafe { text("options.path", options.path) }?)?;
    let (query, headers) = (
        pairs("options.query", options.query, options.query_count)?,
        pairs("options.headers", options.headers, options.header_count)?,
    );
    let form = pairs("options.form", options.form, options.form_count)?;
    for pair in [&query, &headers, &form].into_iter().flatten().filter(|pair| pair.is_sensitive) {
        request = request.sensitive(pair.value);
    }
    for Pair { name, value, .. } in query {
        request = request.query(name, value);
    }
    for Pair { name, value, .. } in headers {
        request = request.header(name, value)?;
    }
    let body = unsafe { array("options.body", options.body, options.body_len) }?;
    let mut lent = None;
    match (body.is_empty(), form.is_empty()) {
        (_, true) if body.len() <= most_copied => request = request.body(body.to_vec()),
        (_, true) => {
            let borrowed = Arc::new(Borrowed { bytes: Mutex::new(Some(body.into())), length: body.len() });
            request = request.lent_body(borrowed.clone());
            lent = Some(Loan(borrowed));
        }
        (true, false) => request = request.form(form.iter().map(|pair| (pair.name, pair.value)))?,
        (false, false) => {
            let message = "options.form and options.body exclude each other";
            return Err(nacos_error::new(NACOS_INVALID_ARGUMENT, message));
        }
    }
    let call = unsafe { Call::new(options.timeout_ms, options.cancel, options.flags) }?;
    if let Some(timeout) = call.timeout {
        request = request.timeout(timeout);
    }
    if let Some(cancel) = &call.cancel {
        request = request.cancel(cancel);
    }
    if call.flags.has(NACOS_FLAG_NO_WAIT) {
        request = request.no_wait();
    }
    if call.flags.has(NACOS_FLAG_NO_REPLAY) {
        request = request.no_replay();
    }
    if call.flags.has(NACOS_FLAG_NO_FAILOVER) {
        request = request.no_failover();
    }
    if call.flags.has(NACOS_FLAG_IDEMPOTENT) {
        request = request.idempotent(true);
    }
    if call.flags.has(NACOS_FLAG_NOT_IDEMPOTENT) {
        request = request.idempotent(false);
    }
    if call.flags.has(NACOS_FLAG_NO_ANONYMOUS) {
        request = request.no_anonymous();
    }
    Ok((request, lent))
}

/// A name and a value, borrowed.
struct Pair<'a> {
    name: &'a str,
    value: &'a str,
    is_sensitive: bool,
}

/// # Safety
/// `pointer` is NULL or points to `count` pairs that outlive the borrow.
unsafe fn pairs<'a>(field: &str, pointer: *const nacos_pair, count: usize) -> Result<Vec<Pair<'a>>, Failure> {
    let pairs: &[nacos_pair] = unsafe { array(field, pointer, count) }?;
    let pairs = pairs.iter().enumerate().map(|(i, pair)| {
        let named = |part| move || format!("{field}[{i}].{part}");
        if pair.reserved0 != 0 || pair.flags & !NACOS_PAIR_SENSITIVE != 0 {
            let message = format!("{field}[{i}] sets a flag or a field that this version of the library does not have");
            return Err(nacos_error::new(NACOS_UNSUPPORTED_OPTION, message));
        }
        Ok(Pair {
            name: unsafe { text_of(named("name"), pair.name, pair.name_len) }?,
            value: unsafe { text_of(named("value"), pair.value, pair.value_len) }?,
            is_sensitive: pair.flags & NACOS_PAIR_SENSITIVE != 0,
        })
    });
    pairs.collect()
}

/// Sends a request with the token on it, on the caller's thread, and blocks until its answer is complete. If the answer shows
/// that the token is not valid (any more), logs in and sends the request once more. With several servers, one that cannot be
/// reached is passed over. An HTTP status is no error: it is in the response. Any thread.
///
/// When a connection breaks, what may be sent twice without harm (GET, HEAD, PUT, DELETE, unless the flags say otherwise) is
/// sent again. A POST goes to another server only if nothing of it was sent.
///
/// On success `*response` is owned by the caller. On failure it is NULL: the error of the login if there is no token,
/// NACOS_CONNECT, NACOS_TLS, NACOS_IO, NACOS_TIMEOUT, NACOS_CANCELLED, NACOS_CLOSED, NACOS_TOO_LARGE, NACOS_INTERNAL (this
/// process has no descriptors left, for one), NACOS_WOULD_BLOCK, or an argument error. nacos_error_was_sent tells whether a
/// server may have acted on the request.
///
/// # Safety
/// `auth`, `options` and `response` are valid; `error` may be NULL.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn nacos_request(
    auth: *mut nacos_auth,
    options: *const nacos_request_options,
    response: *mut *mut nacos_response,
    error: *mut *mut nacos_error,
) -> nacos_status {
    unsafe {
        guard_blocking(error, || {
            write("response", response, ptr::null_mut())?;
            let client = borrow("auth", auth)?.client();
            let (request, _loan) = request(options, COPIED)?;
            let answer = client.request(request)?;
            write("response", response, give(nacos_response::new(answer)))
        })
    }
}

/// The HTTP status; 0 for NULL.
///
/// # Safety
/// `response` is NULL or has not been freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nacos_response_status(response: *const nacos_response) -> i32 {
    unsafe { borrow_or(response, 0, |r| r.response.status().into()) }
}

/// The body, valid until the response is freed; `*length` (may be NULL) becomes its length in bytes. Not NUL-terminated.
/// NULL only for NULL. The body of a refusal (status 400 and up) is cut at 64 KiB. One that came compressed (gzip, deflate) is
/// decoded, and the headers Content-Encoding and Content-Length are left out then; another coding stays, and its header tells.
///
/// # Safety
/// `response` is NULL or has not been freed; `length` is NULL or valid.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nacos_response_body(response: *const nacos_response, length: *mut usize) -> *const u8 {
    unsafe {
        let body: &[u8] = borrow_or(response, &[], |r| r.response.body().as_ref());
        if !length.is_null() {
            length.write(body.len());
        }
        match (response.is_null(), body) {
            (true, _) => ptr::null(),
            (_, []) => c"".as_ptr().cast(), // that of an empty slice points nowhere: to runtimes that look it is damage
            _ => body.as_ptr(),
        }
    }
}

/// How many headers there are; 0 for NULL.
///
/// # Safety
/// `response` is NULL or has not been freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nacos_response_header_count(response: *const nacos_response) -> usize {
    unsafe { borrow_or(response, 0, |r| r.response.headers().len()) }
}

/// Header number `index` (from 0), in the order of the answer, those of one name together: `*name` in lower case and `*value`,
/// valid until the response is freed. NACOS_INVALID_ARGUMENT, and both NULL, if there are not that many.
///
/// # Safety
/// `response` has not been freed; `name` and `value` are valid; `error` may be NULL.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn nacos_response_header_at(
    response: *const nacos_response,
    index: usize,
    name: *mut *const c_char,
    value: *mut *const c_char,
    error: *mut *mut nacos_error,
) -> nacos_status {
    unsafe {
        guard(error, || {
            let (no_name, no_value) = (write("name", name, ptr::null()), write("value", value, ptr::null()));
            no_name.and(no_value)?;
            let headers = borrow("response", response)?.headers();
            let found = headers.get(index).ok_or_else(|| {
                nacos_error::new(NACOS_INVALID_ARGUMENT, format!("index: there are {} headers", headers.len()))
            })?;
            write("name", name, found.0.as_ptr())?;
            write("value", value, found.1.as_ptr())
        })
    }
}

/// The value of the first header of that name, in any case, valid until the response is freed; NULL if there is none, or for
/// NULL.
///
/// # Safety
/// `response` is NULL or has not been freed; `name` is NULL or NUL-terminated.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nacos_response_header(response: *const nacos_response, name: *const c_char) -> *const c_char {
    contain(ptr::null(), || unsafe {
        if name.is_null() {
            return ptr::null();
        }
        let name = CStr::from_ptr(name).to_bytes();
        borrow_or(response, ptr::null(), |r| {
            let found = r.headers().iter().find(|(n, _)| n.as_bytes().eq_ignore_ascii_case(name));
            found.map_or(ptr::null(), |(_, value)| value.as_ptr())
        })
    })
}

/// 1 if the body was cut, that of a refusal beyond 64 KiB; else 0, and 0 for NULL.
///
/// # Safety
/// `response` is NULL or has not been freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nacos_response_is_truncated(response: *const nacos_response) -> i32 {
    unsafe { borrow_or(response, 0, |r| r.response.is_truncated().into()) }
}

/// The server that answered, as "host:port": UTF-8, NUL-terminated, valid until the response is freed. "" for NULL.
///
/// # Safety
/// `response` is NULL or has not been freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nacos_response_server(response: *const nacos_response) -> *const c_char {
    unsafe { borrow_or(response, c"".as_ptr(), |r| r.server.as_ptr()) }
}

/// How often the request was sent in all, to whatever server: 1 nearly always; 0 for NULL.
///
/// # Safety
/// `response` is NULL or has not been freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nacos_response_attempts(response: *const nacos_response) -> u32 {
    unsafe { borrow_or(response, 0, |r| r.response.attempts()) }
}

/// The generation of the token that got this answer; 0 if the request went without one (a server with authentication off).
///
/// # Safety
/// `response` is NULL or has not been freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nacos_response_generation(response: *const nacos_response) -> u64 {
    unsafe { borrow_or(response, 0, |r| r.response.generation()) }
}

/// How often the request was repeated with a new token: 0 nearly always, 2 at the most.
///
/// # Safety
/// `response` is NULL or has not been freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nacos_response_replays(response: *const nacos_response) -> u32 {
    unsafe { borrow_or(response, 0, |r| r.response.replays()) }
}

/// Frees a response, and with it everything borrowed from it. NULL is a no-op.
///
/// # Safety
/// `response` is NULL or has not been freed, and nobody uses it any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nacos_response_free(response: *mut nacos_response) {
    unsafe { release(response) }
}
