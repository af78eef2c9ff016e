//! Sequences of C calls, over a server that answers whatever the input says.

use std::{
    ffi::{CString, c_void},
    ptr,
};

use crate::{
    abi::{self, CLOSED, OK, TIMEOUT, WORDS},
    answer::line,
    call::checked,
    http_answer::{self, next_user},
    operations::{self, Operations},
    planted,
};

/// How many handles there are at a time, and how many calls.
const HANDLES: usize = 3;
const MOST_CALLS: usize = 24;
/// No call waits longer than this: some ten times what an exchange takes, and what most of a run's time goes into.
const TIMEOUT_MS: u64 = 20;

/// What a program knows of a handle.
#[derive(Clone, Copy)]
struct Handle {
    auth: *mut c_void,
    /// Which one it is of all of this run.
    number: u64,
    owners: u32,
    closed: bool,
}

/// The first line: what is called, two bytes for each call. What follows is what the server answers.
pub fn run(data: &[u8]) {
    let (calls, answer) = line(data);
    http_answer::plays(answer);
    let mut handles = [Handle { auth: ptr::null_mut(), number: 0, owners: 0, closed: false }; HANDLES];
    let mut operations = Operations::default();
    let cancel = unsafe { abi::nacos_cancel_new() };
    for (number, call) in (1..).zip(calls.chunks(2).take(MOST_CALLS)) {
        let (what, how) = (call[0], call.get(1).copied().unwrap_or(0));
        let handle = &mut handles[usize::from(how) % HANDLES];
        if handle.owners == 0 {
            *handle = init(number, how);
        }
        match what {
            b'`'..=127 => operate(handle, &mut operations, what, how, cancel),
            _ => step(handle, what, how, cancel),
        }
    }
    for handle in handles.iter_mut().filter(|handle| handle.owners > 0) {
        unsafe { abi::nacos_auth_close(handle.auth, TIMEOUT_MS as u32, ptr::null_mut()) };
        for _ in 0..handle.owners {
            unsafe { abi::nacos_auth_free(handle.auth) };
        }
    }
    operations.finish();
    unsafe { abi::nacos_cancel_free(cancel) };
}

/// Small letters are the calls of operations.
fn operate(handle: &Handle, operations: &mut Operations, what: u8, how: u8, cancel: *mut c_void) {
    let cancel = if how & 0x40 == 0 { ptr::null_mut() } else { cancel };
    let (auth, handle_number) = (handle.auth, handle.number);
    let call = operations::Call { auth, handle: handle_number, timeout_ms: TIMEOUT_MS, how, cancel };
    let status = match what % 8 {
        0..=2 => operations.start_request(&call),
        3 => operations.start_token(&call),
        4 => return operations.cancel(how),
        5 => return operations.free(how),
        6 => {
            operations.take(how);
            return;
        }
        _ => return operations.free_queue(how),
    };
    assert_eq!(handle.closed, status == CLOSED);
}

fn step(handle: &mut Handle, what: u8, how: u8, cancel: *mut c_void) {
    let auth = handle.auth;
    let cancel = if how & 0x40 == 0 { ptr::null_mut() } else { cancel };
    let status = match what % 12 {
        0 => get_token(auth, how, cancel),
        1 | 2 => request(auth, how, cancel),
        3 => report(auth, how),
        4 => {
            let (user, password) = (text(&next_user()), c"another-password".to_owned());
            checked(&[&password], |error| unsafe {
                abi::nacos_auth_set_credentials(auth, user.as_ptr(), password.as_ptr(), error)
            })
        }
        5 => {
            let token = c"a-token-from-elsewhere".to_owned();
            let life = u64::from(how) * 10;
            checked(&[&token], |error| unsafe { abi::nacos_auth_set_token(auth, token.as_ptr(), life, error) })
        }
        6 => {
            let mut statistics = [0u64; WORDS];
            statistics[0] = u64::from(how % 32 + 1) * 8;
            let status = checked(&[], |error| unsafe { abi::nacos_auth_stats(auth, statistics.as_mut_ptr(), error) });
            assert_eq!(status, OK);
            return;
        }
        7 => checked(&[], |error| unsafe { abi::nacos_auth_retry(auth, error) }),
        8 => {
            assert_eq!(unsafe { abi::nacos_auth_ref(auth) }, auth);
            handle.owners += 1;
            return;
        }
        9 => {
            unsafe { abi::nacos_auth_free(auth) };
            handle.owners -= 1;
            return;
        }
        10 => {
            // A callback that has just begun may take longer.
            let status = checked(&[], |error| unsafe { abi::nacos_auth_close(auth, 50, error) });
            assert!(matches!(status, OK | TIMEOUT));
            handle.closed = true;
            return;
        }
        _ => {
            unsafe { abi::nacos_cancel_trigger(cancel) };
            let generation = unsafe { abi::nacos_auth_generation(auth) };
            let generation = planted(generation, u64::MAX, || how == b'*');
            assert!(generation < u64::MAX && (!handle.closed || generation == 0));
            return;
        }
    };
    let is_argument = (100..200).contains(&status);
    assert!(!handle.closed || status == CLOSED || is_argument, "{status} after close");
    assert!(handle.closed || status != CLOSED, "nobody has closed it");
}

fn text(text: &str) -> CString {
    CString::new(text).expect("no NUL")
}

fn init(number: u64, how: u8) -> Handle {
    let (server, user, password) = (text(&http_answer::address()), text(&next_user()), c"hunter2hunter".to_owned());
    let mut options = [0u64; WORDS];
    options[0] = 216;
    options[1] = server.as_ptr() as u64;
    options[3] = user.as_ptr() as u64;
    options[4] = password.as_ptr() as u64;
    // connect_timeout_ms and request_timeout_ms, max_connections and token_in.
    options[23] = TIMEOUT_MS | (TIMEOUT_MS << 32);
    options[24] = 2 | (u64::from(how / HANDLES as u8 % 4) << 32);
    options[26] = operations::MOST;
    let mut auth = ptr::null_mut();
    let status = checked(&[&password], |error| unsafe { abi::nacos_auth_init(options.as_ptr(), &mut auth, error) });
    assert_eq!(status, OK);
    Handle { auth, number, owners: 1, closed: false }
}

fn get_token(auth: *mut c_void, how: u8, cancel: *mut c_void) -> i32 {
    let (mut buffer, mut info) = ([0u8; 2048], [0u64; 5]);
    let capacity = if how & 0x20 == 0 { buffer.len() } else { 4 };
    // struct_size, cancel, timeout_ms and flags.
    let options = [24, cancel as u64, TIMEOUT_MS | (u64::from(how >> 4 & 1) << 32)];
    info[0] = 40;
    let status = checked(&[], |error| unsafe {
        let buffer = buffer.as_mut_ptr().cast();
        abi::nacos_get_token(auth, options.as_ptr(), buffer, capacity, info.as_mut_ptr(), error)
    });
    if status == OK {
        let length = usize::try_from(info[1]).expect("a length");
        assert!(length > 0 && length < capacity && buffer[length] == 0 && info[2] > 0);
        assert!(buffer[..length].iter().all(u8::is_ascii_graphic));
    }
    status
}

fn request(auth: *mut c_void, how: u8, cancel: *mut c_void) -> i32 {
    const METHODS: [&std::ffi::CStr; 4] = [c"GET", c"POST", c"DELETE", c"HEAD"];
    let pair: [u64; 5] = [c"dataId".as_ptr() as u64, c"value".as_ptr() as u64, 0, 3, 1];
    let mut options = [0u64; 13];
    options[0] = 104;
    options[1] = METHODS[usize::from(how % 4)].as_ptr() as u64;
    options[2] = c"/v1/cs/configs".as_ptr() as u64;
    (options[3], options[4]) = (pair.as_ptr() as u64, 1);
    options[11] = cancel as u64;
    // Every flag but the two that exclude each other.
    options[12] = TIMEOUT_MS | (u64::from(how >> 2 & 0x2f) << 32);
    let mut response = ptr::null_mut();
    let status = checked(&[], |error| unsafe { abi::nacos_request(auth, options.as_ptr(), &mut response, error) });
    assert_eq!(status == OK, !response.is_null());
    if status == OK {
        let mut length = 0;
        let body = unsafe { abi::nacos_response_body(response, &mut length) };
        assert!(!body.is_null());
        // All of it is there to be read.
        std::hint::black_box(unsafe { std::slice::from_raw_parts(body, length) }.to_vec());
        let code = unsafe { abi::nacos_response_status(response) };
        assert!((100..1000).contains(&code), "{code}");
        unsafe { abi::nacos_response_header(response, c"content-type".as_ptr()) };
    }
    unsafe { abi::nacos_response_free(response) };
    status
}

fn report(auth: *mut c_void, how: u8) -> i32 {
    let body = b"token expired!";
    let server = text(&http_answer::address());
    let statuses: [u64; 4] = [200, 403, 401, 503];
    let generation = unsafe { abi::nacos_auth_generation(auth) };
    let server = if how & 0x10 == 0 { 0 } else { server.as_ptr() as u64 };
    // struct_size, generation, http_status and refused_before, body, body_len, server, retry_after.
    let status = statuses[usize::from(how % 4)] | (u64::from(how >> 2 & 3) << 32);
    let rejection = [56, generation, status, body.as_ptr() as u64, body.len() as u64, server, c"1".as_ptr() as u64];
    let mut advice = [24, 0, 0];
    checked(&[], |error| unsafe {
        abi::nacos_auth_report_rejected(auth, rejection.as_ptr(), advice.as_mut_ptr(), error)
    })
}
