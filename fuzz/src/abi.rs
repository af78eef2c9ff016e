//! The C functions as a C program sees them, as far as the targets call them. `tests/c` compares the layouts of the header;
//! here structs are words, so that any of them can be anything.

use std::ffi::{c_char, c_void};

pub type Status = i32;
pub const OK: Status = 0;
pub const TIMEOUT: Status = 201;
pub const CANCELLED: Status = 400;
pub const CLOSED: Status = 401;
pub const WOULD_BLOCK: Status = 402;

/// Takes the end of an operation: its data, and a struct of words.
pub type OnComplete = unsafe extern "C" fn(data: *mut c_void, completion: *const u64);

/// As large as the largest struct that is taken: whatever size it says, the memory is there.
pub const WORDS: usize = 512;

unsafe extern "C" {
    pub fn nacos_auth_init(options: *const u64, auth: *mut *mut c_void, error: *mut *mut c_void) -> Status;
    pub fn nacos_auth_ref(auth: *mut c_void) -> *mut c_void;
    pub fn nacos_auth_retry(auth: *mut c_void, error: *mut *mut c_void) -> Status;
    pub fn nacos_auth_close(auth: *mut c_void, timeout_ms: u32, error: *mut *mut c_void) -> Status;
    pub fn nacos_auth_free(auth: *mut c_void);
    pub fn nacos_auth_generation(auth: *const c_void) -> u64;
    pub fn nacos_auth_stats(auth: *const c_void, statistics: *mut u64, error: *mut *mut c_void) -> Status;
    pub fn nacos_auth_set_credentials(
        auth: *mut c_void,
        username: *const c_char,
        password: *const c_char,
        error: *mut *mut c_void,
    ) -> Status;
    pub fn nacos_auth_set_token(
        auth: *mut c_void,
        token: *const c_char,
        ttl_ms: u64,
        error: *mut *mut c_void,
    ) -> Status;
    pub fn nacos_get_token(
        auth: *mut c_void,
        options: *const u64,
        buffer: *mut c_char,
        capacity: usize,
        info: *mut u64,
        error: *mut *mut c_void,
    ) -> Status;
    pub fn nacos_auth_report_rejected(
        auth: *mut c_void,
        rejection: *const u64,
        advice: *mut u64,
        error: *mut *mut c_void,
    ) -> Status;
    pub fn nacos_request(
        auth: *mut c_void,
        options: *const u64,
        response: *mut *mut c_void,
        error: *mut *mut c_void,
    ) -> Status;
    pub fn nacos_response_status(response: *const c_void) -> i32;
    pub fn nacos_response_body(response: *const c_void, length: *mut usize) -> *const u8;
    pub fn nacos_response_header(response: *const c_void, name: *const c_char) -> *const c_char;
    pub fn nacos_response_free(response: *mut c_void);
    pub fn nacos_error_status(error: *const c_void) -> Status;
    pub fn nacos_error_message(error: *const c_void) -> *const c_char;
    pub fn nacos_error_cause(error: *const c_void) -> *const c_char;
    pub fn nacos_error_free(error: *mut c_void);
    pub fn nacos_status_name(status: Status) -> *const c_char;
    pub fn nacos_request_start(
        auth: *mut c_void,
        options: *const u64,
        start: *const u64,
        operation: *mut *mut c_void,
        error: *mut *mut c_void,
    ) -> Status;
    pub fn nacos_token_start(
        auth: *mut c_void,
        options: *const u64,
        start: *const u64,
        operation: *mut *mut c_void,
        error: *mut *mut c_void,
    ) -> Status;
    pub fn nacos_operation_cancel(operation: *mut c_void);
    pub fn nacos_operation_free(operation: *mut c_void);
    pub fn nacos_queue_new(queue: *mut *mut c_void, error: *mut *mut c_void) -> Status;
    pub fn nacos_queue_fd(queue: *const c_void) -> i32;
    pub fn nacos_queue_next(queue: *mut c_void, completion: *mut u64, error: *mut *mut c_void) -> Status;
    pub fn nacos_queue_free(queue: *mut c_void);
    pub fn nacos_token_text(token: *const c_void) -> *const c_char;
    pub fn nacos_token_describe(token: *const c_void, info: *mut u64, error: *mut *mut c_void) -> Status;
    pub fn nacos_token_free(token: *mut c_void);
    pub fn nacos_cancel_new() -> *mut c_void;
    pub fn nacos_cancel_trigger(cancel: *mut c_void);
    pub fn nacos_cancel_free(cancel: *mut c_void);
}
