//! The structs that C fills in, and what becomes of them.

use std::{
    ffi::{c_char, c_void},
    sync::Arc,
    time::Duration,
};

use super::{
    boundary::{Sized_, optional_text, read_sized, text},
    callback::{
        self, Data, nacos_credentials_callback, nacos_drop_callback, nacos_event_callback, nacos_keep_waiting_callback,
        nacos_log_callback,
    },
    cancel::nacos_cancel,
    error::{Failure, nacos_error},
    pointer::borrow_or,
    status::{NACOS_INVALID_ARGUMENT, NACOS_INVALID_CONFIG, NACOS_UNSUPPORTED_OPTION},
};
use crate::{Anonymous, Cancel, Config, TokenPlace};

/// Where the token goes on a request: as NACOS_TOKEN_IN_AUTHORIZATION. Where a server refuses a token that it has just issued,
/// and has taken none yet, the token is tried as in NACOS_TOKEN_IN_QUERY, and goes there once it has been taken there three
/// times (r-nacos up to 0.8.5). The default.
pub const NACOS_TOKEN_IN_AUTO: i32 = 0;
/// The token goes into `Authorization: Bearer <token>`: every Nacos.
pub const NACOS_TOKEN_IN_AUTHORIZATION: i32 = 1;
/// The token goes into the header `accessToken`: servers from 2.1 on; for gateways that need Authorization for themselves.
pub const NACOS_TOKEN_IN_HEADER: i32 = 2;
/// The token goes into the query parameter `accessToken`: every Nacos, but it ends up in access logs.
pub const NACOS_TOKEN_IN_QUERY: i32 = 3;

/// Requests are sent without a token where no login has ever succeeded and a Nacos has shown that it asks nobody for one:
/// authentication is off there. Each such request is an event. The default.
pub const NACOS_ANONYMOUS_AUTO: i32 = 0;
/// No request is sent without a token: without a login it fails with the login's error.
pub const NACOS_ANONYMOUS_NEVER: i32 = 1;

/// Waits for no login, no pause and no connection that other calls use: where it would have to, the call fails with
/// NACOS_WOULD_BLOCK, and a login begins in the background if one may. nacos_get_token never blocks with it, for event loops;
/// nacos_request still waits for the server's answer.
pub const NACOS_FLAG_NO_WAIT: u32 = 1;
/// Sends the request once at the most: not again with another token (the response is the refusal then), nor after a connection
/// broke over it.
pub const NACOS_FLAG_NO_REPLAY: u32 = 2;
/// Asks one server only, whatever becomes of it.
pub const NACOS_FLAG_NO_FAILOVER: u32 = 4;
/// Sending the request twice does no more than sending it once, whatever its method says. Not together with the next one.
pub const NACOS_FLAG_IDEMPOTENT: u32 = 8;
/// Sending the request twice does more than sending it once, whatever its method says.
pub const NACOS_FLAG_NOT_IDEMPOTENT: u32 = 16;
/// Never sends the request without a token, as NACOS_ANONYMOUS_NEVER for all requests of a handle.
pub const NACOS_FLAG_NO_ANONYMOUS: u32 = 32;

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
    /// The name of a Nacos user: required, unless the credentials come from `token` or `credentials`.
    pub username: *const c_char,
    /// The user's password: required, unless there is a `password_file`, a `token` or a `credentials` function. The caller
    /// may wipe its own copy after the call.
    pub password: *const c_char,
    /// Instead of a password: a file that holds it (UTF-8, at most 4 KiB; a byte order mark and a line end do not count). Read anew
    /// for each login, again when a login is refused, and every 15 s as long as what it holds is refused; a login waits for
    /// it at most 30 s.
    pub password_file: *const c_char,
    /// Instead of credentials: a token that somebody else got. Nothing logs in; when a server refuses the token, calls
    /// fail with NACOS_BAD_CREDENTIALS until nacos_auth_set_token brings another.
    pub token: *const c_char,
    /// Instead of credentials: a function that supplies them, or a token. A handle with such a function shares its token
    /// with no other handle. NULL: none.
    pub credentials: nacos_credentials_callback,
    /// Told what happens, as events. NULL: none.
    pub event: nacos_event_callback,
    /// Told what happens, in lines for a log. NULL: none.
    pub log: nacos_log_callback,
    /// Asked by calls that wait whether to go on. NULL: nobody is.
    pub keep_waiting: nacos_keep_waiting_callback,
    /// Handed to every callback. It stays the caller's, but see `callback_drop`.
    pub callback_data: *mut c_void,
    /// Called once with `callback_data` when no callback will be called any more, on any thread: in nacos_auth_close, or
    /// soon after it if a callback was running then or it was called inside one; in nacos_auth_init if there is no callback.
    /// Not called if nacos_auth_init fails, nor in the child of a fork that came while a callback ran, which may have left the
    /// data half changed. NULL: nothing to let go of.
    pub callback_drop: nacos_drop_callback,
    /// PEM file with the authorities to trust instead of the system's. A certificate that signs itself is trusted if it is in
    /// the file, for its own names and time. Like the next two files it is read by nacos_auth_init, and again, every two
    /// seconds at the most, when a connection is made: what has been renewed is used, what has been withdrawn is trusted no
    /// more. What cannot be read then changes nothing.
    pub ca_file: *const c_char,
    /// PEM file with the certificate shown to servers that ask for one; goes with its key. Read like ca_file.
    pub client_cert_file: *const c_char,
    /// PEM file with the key of that certificate. Read like ca_file.
    pub client_key_file: *const c_char,
    /// Instead of ca_file: the PEM itself.
    pub ca_pem: *const c_char,
    /// Instead of client_cert_file: the PEM itself.
    pub client_cert_pem: *const c_char,
    /// Instead of client_key_file: the PEM itself. The caller may wipe its own copy after the call.
    pub client_key_pem: *const c_char,
    /// The DNS name that is asked for in TLS (SNI) and that certificates have to be for, instead of the server's host: for
    /// servers that are reached by address. NULL: the host.
    pub tls_server_name: *const c_char,
    /// "http://[user:password@]host:port"; https, socks4, socks4a, socks5 and socks5h too. NULL: none; the environment is not
    /// read.
    pub proxy: *const c_char,
    /// What requests and logins say of themselves in the header User-Agent. NULL: "nacos-auth/" and the library's version.
    pub user_agent: *const c_char,
    /// The largest answer to a request, in bytes, decoded; beyond it the call fails with NACOS_TOO_LARGE. The body of a refusal
    /// (status 400 and up) is cut at 64 KiB in any case. 0: 64 MiB.
    pub max_response_size: u64,
    /// How long connecting to one server may take, in milliseconds. 0: 2000.
    pub connect_timeout_ms: u32,
    /// Deadline, in milliseconds, of calls that set none of their own. 0: 15000.
    pub request_timeout_ms: u32,
    /// How many connections to the cluster may be in use by requests at the same time; a call beyond that waits for one, within
    /// its deadline, first come, first served. Handles with the same servers, TLS settings and proxy share their connections.
    /// 0: 128.
    pub max_connections: u32,
    /// Where the token goes on a request: one of NACOS_TOKEN_IN_*.
    pub token_in: i32,
    /// Whether requests may be sent without a token: one of NACOS_ANONYMOUS_*.
    pub anonymous: i32,
    /// Down to which level `log` is called: one of NACOS_LOG_*. 0: NACOS_LOG_INFO.
    pub log_level: i32,
    /// How many operations (nacos_request_start, nacos_token_start) of the handle may be under way at the same time; one counts
    /// until its completion has been taken from its queue, or its callback has returned. Beyond that they fail to start with
    /// NACOS_WOULD_BLOCK. 0: 16384.
    pub max_operations: u32,
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
    /// 0 or NACOS_FLAG_NO_WAIT; the other flags are for requests.
    pub flags: u32,
}

unsafe impl Sized_ for nacos_auth_options {}
unsafe impl Sized_ for nacos_call_options {}

pub(super) fn milliseconds(value: u32) -> Option<Duration> {
    (value != 0).then(|| Duration::from_millis(value.into()))
}

/// # Safety
/// `options` is NULL or as nacos_auth_init requires it.
pub(super) unsafe fn config(options: *const nacos_auth_options) -> Result<(Config, Arc<Data>), Failure> {
    let options = unsafe { read_sized("options", options) }?.ok_or_else(|| nacos_error::null("options"))?;
    let optional = |name: &str, pointer| unsafe { optional_text(name, pointer) };
    let data = Data::new(options.callback_data, options.callback_drop);
    let mut config = unsafe { login(&options, &data) }?;
    if let Some(hook) = options.event {
        config = config.on_event(unsafe { callback::event(hook, data.clone()) });
    }
    let level = callback::level(options.log_level)?;
    if let Some(hook) = options.log {
        config = config.on_log(level, unsafe { callback::log(hook, data.clone()) });
    }
    if let Some(hook) = options.keep_waiting {
        config = config.keep_waiting(unsafe { callback::keep_waiting(hook, data.clone()) });
    }
    if let Some(path) = optional("options.context_path", options.context_path)? {
        config = config.context_path(path);
    }
    config = unsafe { tls(config, &options) }?;
    if let Some(address) = optional("options.proxy", options.proxy)? {
        config = config.proxy(address);
    }
    if let Some(agent) = optional("options.user_agent", options.user_agent)? {
        config = config.user_agent(agent);
    }
    if options.max_response_size != 0 {
        config = config.max_response_size(usize::try_from(options.max_response_size).unwrap_or(usize::MAX));
    }
    if let Some(timeout) = milliseconds(options.connect_timeout_ms) {
        config = config.connect_timeout(timeout);
    }
    if let Some(timeout) = milliseconds(options.request_timeout_ms) {
        config = config.request_timeout(timeout);
    }
    if options.max_connections != 0 {
        config = config.max_connections(options.max_connections as usize);
    }
    if options.max_operations != 0 {
        config = config.max_operations(options.max_operations as usize);
    }
    if options.reserved0 != 0 {
        let message = "options sets a field that this version of the library does not have";
        return Err(nacos_error::new(NACOS_UNSUPPORTED_OPTION, message));
    }
    let token_in = match options.token_in {
        NACOS_TOKEN_IN_AUTO => TokenPlace::Auto,
        NACOS_TOKEN_IN_AUTHORIZATION => TokenPlace::Authorization,
        NACOS_TOKEN_IN_HEADER => TokenPlace::Header,
        NACOS_TOKEN_IN_QUERY => TokenPlace::Query,
        other => {
            let message = format!("options.token_in is {other}; use one of NACOS_TOKEN_IN_*");
            return Err(nacos_error::new(NACOS_INVALID_CONFIG, message));
        }
    };
    let anonymous = match options.anonymous {
        NACOS_ANONYMOUS_AUTO => Anonymous::Auto,
        NACOS_ANONYMOUS_NEVER => Anonymous::Never,
        other => {
            let message = format!("options.anonymous is {other}; use one of NACOS_ANONYMOUS_*");
            return Err(nacos_error::new(NACOS_INVALID_CONFIG, message));
        }
    };
    Ok((config.token_in(token_in).anonymous(anonymous), data))
}

/// What the options say of TLS.
///
/// # Safety
/// As [`config`].
unsafe fn tls(mut config: Config, options: &nacos_auth_options) -> Result<Config, Failure> {
    let one_of = |what: &str, file, pem| -> Result<_, Failure> {
        let file = unsafe { optional_text(&format!("options.{what}_file"), file) }?;
        let pem = unsafe { optional_text(&format!("options.{what}_pem"), pem) }?;
        if file.is_some() && pem.is_some() {
            let message = format!("options: {what}_file and {what}_pem exclude each other; give one of them");
            return Err(nacos_error::new(NACOS_INVALID_CONFIG, message));
        }
        Ok((file, pem))
    };
    config = match one_of("ca", options.ca_file, options.ca_pem)? {
        (Some(file), _) => config.ca_file(file),
        (_, Some(pem)) => config.ca_pem(pem),
        _ => config,
    };
    config = match one_of("client_cert", options.client_cert_file, options.client_cert_pem)? {
        (Some(file), _) => config.client_cert_file(file),
        (_, Some(pem)) => config.client_cert_pem(pem),
        _ => config,
    };
    config = match one_of("client_key", options.client_key_file, options.client_key_pem)? {
        (Some(file), _) => config.client_key_file(file),
        (_, Some(pem)) => config.client_key_pem(pem),
        _ => config,
    };
    Ok(match unsafe { optional_text("options.tls_server_name", options.tls_server_name) }? {
        Some(name) => config.tls_server_name(name),
        None => config,
    })
}

/// A configuration with the one source of credentials that the options name.
///
/// # Safety
/// As [`config`].
unsafe fn login(options: &nacos_auth_options, data: &Arc<Data>) -> Result<Config, Failure> {
    let required = |name: &str, pointer| unsafe { text(name, pointer) };
    let wrong = |message: &str| nacos_error::new(NACOS_INVALID_CONFIG, message);
    let server_addr = required("options.server_addr", options.server_addr)?;
    let given = [
        !options.password.is_null(),
        !options.password_file.is_null(),
        !options.token.is_null(),
        options.credentials.is_some(),
    ];
    if given.iter().filter(|given| **given).count() > 1 {
        return Err(wrong(
            "options: password, password_file, token and credentials exclude each other; give one of them",
        ));
    }
    let [_, file, token, function] = given;
    if (token || function) && !options.username.is_null() {
        return Err(wrong("options.username: goes with password or password_file only; leave it out"));
    }
    if token {
        return Ok(Config::with_token(server_addr, required("options.token", options.token)?, None));
    }
    if let Some(hook) = options.credentials {
        return Ok(Config::with_callback(server_addr, unsafe { callback::credentials(hook, data.clone()) }));
    }
    let username = required("options.username", options.username)?;
    if file {
        let path = required("options.password_file", options.password_file)?;
        return Ok(Config::with_password_file(server_addr, username, path));
    }
    Ok(Config::new(server_addr, username, required("options.password", options.password)?))
}

/// What limits one call.
pub(super) struct Call {
    pub(super) timeout: Option<Duration>,
    pub(super) cancel: Option<Cancel>,
    pub(super) flags: Flags,
}

/// The flags of a call that exist.
#[derive(Clone, Copy, Default)]
pub(super) struct Flags(u32);

impl Flags {
    const ALL: u32 = NACOS_FLAG_NO_WAIT
        | NACOS_FLAG_NO_REPLAY
        | NACOS_FLAG_NO_FAILOVER
        | NACOS_FLAG_IDEMPOTENT
        | NACOS_FLAG_NOT_IDEMPOTENT
        | NACOS_FLAG_NO_ANONYMOUS;

    /// Refuses flags that this version does not know, that contradict each other, or that are not among those that are
    /// `useful`.
    fn check(flags: u32, useful: u32) -> Result<Self, Failure> {
        if flags & !Self::ALL != 0 {
            let message = format!("options.flags: {:#x} is not known to this version", flags & !Self::ALL);
            return Err(nacos_error::new(NACOS_UNSUPPORTED_OPTION, message));
        }
        let both = NACOS_FLAG_IDEMPOTENT | NACOS_FLAG_NOT_IDEMPOTENT;
        let message = match flags {
            _ if flags & !useful != 0 => "options.flags: only NACOS_FLAG_NO_WAIT has a meaning here",
            _ if flags & both == both => "options.flags: NACOS_FLAG_IDEMPOTENT and _NOT_IDEMPOTENT exclude each other",
            _ => return Ok(Self(flags)),
        };
        Err(nacos_error::new(NACOS_INVALID_ARGUMENT, message))
    }

    pub(super) fn has(self, flag: u32) -> bool {
        self.0 & flag != 0
    }
}

impl Call {
    /// Of a request.
    ///
    /// # Safety
    /// `cancel` is NULL or has not been freed.
    pub(super) unsafe fn new(timeout_ms: u32, cancel: *const nacos_cancel, flags: u32) -> Result<Self, Failure> {
        let flags = Flags::check(flags, Flags::ALL)?;
        let cancel = unsafe { borrow_or(cancel, None, |c| Some(c.signal().clone())) };
        Ok(Self { timeout: milliseconds(timeout_ms), cancel, flags })
    }

    /// Of a call that sends none.
    ///
    /// # Safety
    /// `options` is NULL or as the functions that take it require it.
    #[inline]
    pub(super) unsafe fn read(options: *const nacos_call_options) -> Result<Self, Failure> {
        // Apart from the rest, since it is the usual case.
        if options.is_null() {
            return Ok(Self { timeout: None, cancel: None, flags: Flags::default() });
        }
        unsafe { Self::read_given(options) }
    }

    #[inline(never)]
    unsafe fn read_given(options: *const nacos_call_options) -> Result<Self, Failure> {
        let options = unsafe { read_sized("options", options) }?.ok_or_else(|| nacos_error::null("options"))?;
        Flags::check(options.flags, NACOS_FLAG_NO_WAIT)?;
        unsafe { Self::new(options.timeout_ms, options.cancel, options.flags) }
    }
}
