//! The structs that C fills in, and what becomes of them.

use std::{ffi::c_char, time::Duration};

use super::{
    boundary::{Sized_, optional_text, read_sized, reserved, text},
    cancel::nacos_cancel,
    error::nacos_error,
    pointer::borrow_or,
    status::NACOS_INVALID_CONFIG,
};
use crate::{Cancel, Carriage, Config};

/// The token rides as `Authorization: Bearer <token>`: every Nacos. The default.
pub const NACOS_CARRIAGE_BEARER: i32 = 0;
/// The token rides as the header `accessToken`: servers from 2.1 on; for gateways that need Authorization for themselves.
pub const NACOS_CARRIAGE_HEADER: i32 = 1;
/// The token rides as the query parameter `accessToken`: every Nacos, but it ends up in access logs.
pub const NACOS_CARRIAGE_QUERY: i32 = 2;

/// Settings for nacos_auth_init. Begin with nacos_auth_options_default(); everything that stays 0 or NULL has its
/// default. All strings are NUL-terminated UTF-8 and copied.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct nacos_auth_options {
    /// sizeof(nacos_auth_options), as the caller compiled it.
    pub struct_size: usize,
    /// Required: one or several of `[http(s)://]host[:port]`, separated by commas; the port is 8848 by default.
    pub server_addr: *const c_char,
    /// What every path begins with. NULL: "/nacos"; "" or "/": nothing.
    pub context_path: *const c_char,
    /// Required: the name of a Nacos user.
    pub username: *const c_char,
    /// Required: the user's password. The caller may wipe its own copy after the call.
    pub password: *const c_char,
    /// PEM file with the authorities to trust instead of the system's. Read by nacos_auth_init.
    pub ca_file: *const c_char,
    /// PEM file with the certificate shown to servers that ask for one; goes with client_key_file.
    pub client_cert_file: *const c_char,
    /// PEM file with the key of that certificate.
    pub client_key_file: *const c_char,
    /// "http://host:port" or "socks5://host:port". NULL: none; the environment is not read.
    pub proxy: *const c_char,
    /// How long connecting to one server may take, in milliseconds. 0: 2000.
    pub connect_timeout_ms: u32,
    /// Deadline, in milliseconds, of calls that set none of their own. 0: 15000.
    pub request_timeout_ms: u32,
    /// Where the token rides: one of NACOS_CARRIAGE_*.
    pub carriage: i32,
    /// 0.
    pub reserved0: u32,
}

/// Settings for one call. Begin with nacos_call_options_default().
#[repr(C)]
#[derive(Clone, Copy)]
pub struct nacos_call_options {
    /// sizeof(nacos_call_options), as the caller compiled it.
    pub struct_size: usize,
    /// Ends the call from another thread. Borrowed for the call. NULL: nothing does.
    pub cancel: *mut nacos_cancel,
    /// Deadline in milliseconds. 0: the handle's request_timeout_ms.
    pub timeout_ms: u32,
    /// 0.
    pub reserved0: u32,
}

unsafe impl Sized_ for nacos_auth_options {}
unsafe impl Sized_ for nacos_call_options {}

fn milliseconds(value: u32) -> Option<Duration> {
    (value != 0).then(|| Duration::from_millis(value.into()))
}

/// # Safety
/// `options` is NULL or as nacos_auth_init requires it.
pub(super) unsafe fn config(options: *const nacos_auth_options) -> Result<Config, nacos_error> {
    let options = unsafe { read_sized("options", options) }?.ok_or_else(|| nacos_error::null("options"))?;
    let required = |name: &str, pointer| unsafe { text(name, pointer) };
    let optional = |name: &str, pointer| unsafe { optional_text(name, pointer) };
    let mut config = Config::new(
        required("options.server_addr", options.server_addr)?,
        required("options.username", options.username)?,
        required("options.password", options.password)?,
    );
    if let Some(path) = optional("options.context_path", options.context_path)? {
        config = config.context_path(path);
    }
    if let Some(file) = optional("options.ca_file", options.ca_file)? {
        config = config.ca_file(file);
    }
    if let Some(file) = optional("options.client_cert_file", options.client_cert_file)? {
        config = config.client_cert_file(file);
    }
    if let Some(file) = optional("options.client_key_file", options.client_key_file)? {
        config = config.client_key_file(file);
    }
    if let Some(address) = optional("options.proxy", options.proxy)? {
        config = config.proxy(address);
    }
    if let Some(timeout) = milliseconds(options.connect_timeout_ms) {
        config = config.connect_timeout(timeout);
    }
    if let Some(timeout) = milliseconds(options.request_timeout_ms) {
        config = config.request_timeout(timeout);
    }
    reserved("options.reserved0", options.reserved0)?;
    let carriage = match options.carriage {
        NACOS_CARRIAGE_BEARER => Carriage::Bearer,
        NACOS_CARRIAGE_HEADER => Carriage::Header,
        NACOS_CARRIAGE_QUERY => Carriage::Query,
        other => {
            let message = format!("options.carriage is {other}; use one of NACOS_CARRIAGE_*");
            return Err(nacos_error::new(NACOS_INVALID_CONFIG, message));
        }
    };
    Ok(config.carriage(carriage))
}

/// What limits one call.
pub(super) struct Call {
    pub(super) timeout: Option<Duration>,
    pub(super) cancel: Option<Cancel>,
}

impl Call {
    /// # Safety
    /// `cancel` is NULL or has not been freed.
    pub(super) unsafe fn new(timeout_ms: u32, cancel: *const nacos_cancel) -> Self {
        let cancel = unsafe { borrow_or(cancel, None, |c| Some(c.signal().clone())) };
        Self { timeout: milliseconds(timeout_ms), cancel }
    }

    /// # Safety
    /// `options` is NULL or as the functions that take it require it.
    pub(super) unsafe fn read(options: *const nacos_call_options) -> Result<Self, nacos_error> {
        let Some(options) = (unsafe { read_sized("options", options) })? else {
            return Ok(Self { timeout: None, cancel: None });
        };
        reserved("options.reserved0", options.reserved0)?;
        Ok(unsafe { Self::new(options.timeout_ms, options.cancel) })
    }
}
