//! What the user wants, checked before anything is done with it.

mod environment;

use std::{fmt, path::PathBuf, sync::Arc, time::Duration};

use crate::{
    error::{Error, Result},
    http::{PemSource, Settings, TlsSettings, UserAgent},
    observe::{Event, Hooks, Level, Listener, Supply},
    protocol::{place::TokenPlace, server},
    secret::Secret,
    session::{
        Origin,
        credentials::{Credentials, Source},
    },
};

/// How many connections to a cluster may be in use at the same time, unless the user says otherwise.
const MAX_CONNECTIONS: usize = 128;
/// The largest answer taken, unless the user says otherwise.
const MAX_RESPONSE_SIZE: usize = 64 * 1024 * 1024;
/// How many operations may be under way, unless the user says otherwise.
const MAX_OPERATIONS: usize = 16 * 1024;

/// Settings of a [`Client`](crate::Client). Only the servers and where the credentials come from have no default.
#[derive(Clone)]
pub struct Config {
    server_addr: String,
    login: Login,
    hooks: Hooks,
    context_path: Option<String>,
    tls: TlsSettings,
    proxy: Option<String>,
    user_agent: Option<String>,
    connect_timeout: Duration,
    request_timeout: Duration,
    max_connections: usize,
    max_response_size: usize,
    max_operations: usize,
    token_in: TokenPlace,
    anonymous: Anonymous,
}

/// Whether requests may be sent without a token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Anonymous {
    /// Where no login has ever succeeded and a Nacos has shown that it asks nobody for a token: authentication is off there.
    #[default]
    Auto,
    /// Never: a request fails with the error of the login.
    Never,
}

/// Where the credentials come from, unchecked.
#[derive(Clone)]
enum Login {
    Password { username: String, password: Secret },
    File { username: String, path: PathBuf },
    Token { token: Secret, ttl: Option<Duration> },
    Callback,
}

impl Config {
    /// `server_addr`: one or several of `[http(s)://]host[:port]`, separated by commas; the port is 8848 by default.
    pub fn new(server_addr: &str, username: &str, password: &str) -> Self {
        Self::with(server_addr, Login::Password { username: username.into(), password: password.into() })
    }

    /// With the password in a file (UTF-8, at most 4 KiB; a byte order mark and a line end do not count), which is read anew for
    /// each login, again when a login is refused, and every 15 s as long as what it holds is refused.
    pub fn with_password_file(server_addr: &str, username: &str, path: impl Into<PathBuf>) -> Self {
        Self::with(server_addr, Login::File { username: username.into(), path: settled(path) })
    }

    /// With a function that gives credentials, or a token that somebody else got, for each login; it is asked again
    /// when what it gave is refused, at once and then every 15 s. It runs on a thread of this library, one question at a
    /// time, under no lock, and may block; a login waits for it at most 30 s, and the next one uses what comes later. On
    /// failure it says why, without secrets. A client with such a function shares its token with no other.
    pub fn with_callback(
        server_addr: &str,
        credentials: impl Fn() -> Result<Supply, String> + Send + Sync + 'static,
    ) -> Self {
        let mut config = Self::with(server_addr, Login::Callback);
        config.hooks.credentials = Some(Arc::new(credentials));
        config
    }

    /// With a token that somebody else got: nothing logs in. When a server refuses it, calls fail with
    /// [`Kind::BadCredentials`](crate::Kind::BadCredentials) until [`set_token`](crate::Client::set_token) brings another.
    pub fn with_token(server_addr: &str, token: &str, ttl: Option<Duration>) -> Self {
        Self::with(server_addr, Login::Token { token: token.into(), ttl })
    }

    fn with(server_addr: &str, login: Login) -> Self {
        Self {
            server_addr: server_addr.into(),
            login,
            hooks: Hooks::default(),
            context_path: None,
            tls: TlsSettings::default(),
            proxy: None,
            user_agent: None,
            connect_timeout: Duration::from_secs(2),
            request_timeout: Duration::from_secs(15),
            max_connections: MAX_CONNECTIONS,
            max_response_size: MAX_RESPONSE_SIZE,
            max_operations: MAX_OPERATIONS,
            token_in: TokenPlace::default(),
            anonymous: Anonymous::default(),
        }
    }

    /// A function that is told what happens: see [`Event`]. It runs on a thread that each client has for this, and on the
    /// one that closes the client, under no lock, never twice at once; it may block, call the client and close it. None is
    /// called any more once [`close`](crate::Client::close) has returned; called from inside such a function, `close` waits
    /// for nothing, and what has happened so far is told soon after. A function so slow that a thousand events wait for
    /// it misses the oldest.
    pub fn on_event(mut self, event: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.hooks.event = Some(Arc::new(event));
        self
    }

    /// The same events, down to the level `most`, for a log: an [`Event`]'s `Display` is its line.
    pub fn on_log(mut self, most: Level, log: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        self.hooks.log = Some((most, Arc::new(log)));
        self
    }

    /// A function that a call asks, about every 50 ms while it waits, whether to go on: `false` ends the call with
    /// [`Kind::Cancelled`](crate::Kind::Cancelled). It runs on the thread that waits, under no lock, and is not asked in the
    /// first 50 ms. For languages with signals of their own.
    pub fn keep_waiting(mut self, ask: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        self.hooks.keep_waiting = Some(Arc::new(ask));
        self
    }

    /// What every path begins with: `/nacos` by default, `""` or `"/"` for none.
    pub fn context_path(mut self, path: &str) -> Self {
        self.context_path = Some(path.into());
        self
    }

    /// A PEM file with the authorities to trust instead of the system's. A certificate that signs itself is trusted if it
    /// is in the file, for its own names and time. The TLS files are read by [`Client::new`](crate::Client::new), and
    /// again, every two seconds at the most, when a connection is made; what cannot be read then changes nothing.
    pub fn ca_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.tls.ca = Some(PemSource::File(settled(path)));
        self
    }

    /// The same from memory: the PEM itself. Of this and [`ca_file`](Self::ca_file) the last one counts.
    pub fn ca_pem(mut self, pem: &str) -> Self {
        self.tls.ca = Some(PemSource::Memory(pem.to_owned().into()));
        self
    }

    /// The PEM file with the certificate shown to servers that ask for one; goes with [`client_key_file`](Self::client_key_file).
    pub fn client_cert_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.tls.cert = Some(PemSource::File(settled(path)));
        self
    }

    /// The same from memory.
    pub fn client_cert_pem(mut self, pem: &str) -> Self {
        self.tls.cert = Some(PemSource::Memory(pem.to_owned().into()));
        self
    }

    /// The PEM file with the key of the client's certificate.
    pub fn client_key_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.tls.key = Some(PemSource::File(settled(path)));
        self
    }

    /// The same from memory; wiped when nobody needs it any more.
    pub fn client_key_pem(mut self, pem: &str) -> Self {
        self.tls.key = Some(PemSource::Memory(pem.to_owned().into()));
        self
    }

    /// The DNS name that is asked for in TLS (SNI) and that certificates have to be for, instead of the server's host: for
    /// servers that are reached by address.
    pub fn tls_server_name(mut self, name: &str) -> Self {
        self.tls.server_name = Some(name.into());
        self
    }

    /// `http://[user:password@]host:port`, or `https`, `socks4`, `socks4a`, `socks5`, `socks5h`; none by default. The
    /// environment is not read.
    pub fn proxy(mut self, address: &str) -> Self {
        self.proxy = Some(address.into());
        self
    }

    /// What requests and logins say of themselves in the header `User-Agent`; `nacos-auth/` and its version by default.
    pub fn user_agent(mut self, agent: &str) -> Self {
        self.user_agent = Some(agent.into());
        self
    }

    /// How long connecting to one server may take; 2 s by default.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// How long a call may take that sets no deadline of its own, logins and replays included; 15 s by default.
    pub fn request_timeout(mut self, timeout: Duration) -> Self {
        self.request_timeout = timeout;
        self
    }

    /// How many connections to the cluster may be in use by requests at the same time; 128 by default. A call beyond that
    /// waits for one, within its deadline, first come, first served. Clients with the same servers, TLS files and proxy
    /// share their connections, and each keeps to its own limit.
    pub fn max_connections(mut self, most: usize) -> Self {
        self.max_connections = most;
        self
    }

    /// The largest answer to a request, in bytes, decoded; 64 MiB by default. A larger one is
    /// [`Kind::TooLarge`](crate::Kind::TooLarge). The body of a refusal (status 400 and up) is cut at 64 KiB in any case.
    pub fn max_response_size(mut self, bytes: usize) -> Self {
        self.max_response_size = bytes;
        self
    }

    /// How many calls of [`request_async`](crate::Client::request_async) and [`token_async`](crate::Client::token_async) may be under
    /// way at the same time; 16,384 by default. Those beyond fail with [`Kind::WouldBlock`](crate::Kind::WouldBlock).
    pub fn max_operations(mut self, most: usize) -> Self {
        self.max_operations = most;
        self
    }

    /// Where the token rides on a request.
    pub fn token_in(mut self, token_in: TokenPlace) -> Self {
        self.token_in = token_in;
        self
    }

    /// Whether requests may be sent without a token.
    pub fn anonymous(mut self, anonymous: Anonymous) -> Self {
        self.anonymous = anonymous;
        self
    }

    pub(crate) fn check(self) -> Result<Checked> {
        let servers = server::parse(&self.server_addr, self.context_path.as_deref())?;
        if self.max_connections == 0 {
            return Err(Error::config("max_connections: 0; at least one is needed"));
        }
        if self.max_response_size == 0 {
            return Err(Error::config("max_response_size: 0; answers have to fit in"));
        }
        let user_agent = self.user_agent.as_deref().map(UserAgent::parse).transpose()?.unwrap_or_default();
        let settings = Settings { tls: self.tls, proxy: self.proxy, user_agent };
        let hooks = self.hooks;
        let listener = (!hooks.is_empty()).then(|| Arc::new(Listener::new(hooks)));
        let source = match (self.login, &listener) {
            (Login::Password { username, password }, _) => {
                Source::Password(Credentials::check(username, password, Error::config)?)
            }
            (Login::File { username, path }, _) => Source::file(username, path)?,
            (Login::Token { token, ttl }, _) => Source::token(token, ttl, Error::config)?,
            (Login::Callback, Some(listener)) => Source::Callback(listener.clone()),
            (Login::Callback, None) => return Err(Error::config("credentials: there is no callback")),
        };
        Ok(Checked {
            origin: Origin { servers, settings, token_in: self.token_in },
            source,
            listener,
            connect_timeout: self.connect_timeout,
            request_timeout: self.request_timeout,
            max_connections: self.max_connections,
            max_response_size: self.max_response_size,
            max_operations: self.max_operations,
            anonymous: self.anonymous,
        })
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Somebody may have put a password into an address.
        let servers = self.server_addr.split([',', ';']).map(|one| one.rsplit('@').next().unwrap_or_default());
        let servers = servers.map(|one| one.split('?').next().unwrap_or_default()).collect::<Vec<_>>();
        f.debug_struct("Config").field("server_addr", &servers.join(",")).finish_non_exhaustive()
    }
}

/// A configuration that makes sense.
pub(crate) struct Checked {
    pub(crate) origin: Origin,
    pub(crate) source: Source,
    pub(crate) listener: Option<Arc<Listener>>,
    pub(crate) connect_timeout: Duration,
    pub(crate) request_timeout: Duration,
    pub(crate) max_connections: usize,
    pub(crate) max_response_size: usize,
    pub(crate) max_operations: usize,
    pub(crate) anonymous: Anonymous,
}

/// Where the file is, whatever folder the program goes to afterwards.
fn settled(path: impl Into<PathBuf>) -> PathBuf {
    let path = path.into();
    // An empty one is none, and is said to be.
    std::path::absolute(&path).unwrap_or(path)
}
