//! What the user wants, checked before anything is done with it.

use std::{path::PathBuf, time::Duration};

use crate::{
    error::{Error, Result},
    protocol::{
        carriage::Carriage,
        server::{self, Server},
    },
    secret::Secret,
    transport::Settings,
};

/// Settings of a [`Client`](crate::Client). Only the servers and the credentials have no default.
#[derive(Clone, Debug)]
pub struct Config {
    server_addr: String,
    context_path: Option<String>,
    username: String,
    password: Secret,
    ca_file: Option<PathBuf>,
    client_cert_file: Option<PathBuf>,
    client_key_file: Option<PathBuf>,
    proxy: Option<String>,
    connect_timeout: Duration,
    request_timeout: Duration,
    carriage: Carriage,
}

impl Config {
    /// `server_addr`: one or several of `[http(s)://]host[:port]`, separated by commas; the port is 8848 by default.
    pub fn new(server_addr: &str, username: &str, password: &str) -> Self {
        Self {
            server_addr: server_addr.into(),
            context_path: None,
            username: username.into(),
            password: password.into(),
            ca_file: None,
            client_cert_file: None,
            client_key_file: None,
            proxy: None,
            connect_timeout: Duration::from_secs(2),
            request_timeout: Duration::from_secs(15),
            carriage: Carriage::Bearer,
        }
    }

    /// What every path begins with: `/nacos` by default, `""` or `"/"` for none.
    pub fn context_path(mut self, path: &str) -> Self {
        self.context_path = Some(path.into());
        self
    }

    /// A PEM file with the authorities to trust instead of the system's.
    pub fn ca_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.ca_file = Some(path.into());
        self
    }

    /// The PEM file with the certificate shown to servers that ask for one; goes with [`client_key_file`](Self::client_key_file).
    pub fn client_cert_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.client_cert_file = Some(path.into());
        self
    }

    /// The PEM file with the key of the client's certificate.
    pub fn client_key_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.client_key_file = Some(path.into());
        self
    }

    /// `http://host:port`, `https://…` or `socks5://…`; none by default. The environment is not read.
    pub fn proxy(mut self, address: &str) -> Self {
        self.proxy = Some(address.into());
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

    /// Where the token rides on a request.
    pub fn carriage(mut self, carriage: Carriage) -> Self {
        self.carriage = carriage;
        self
    }

    pub(super) fn check(self) -> Result<Checked> {
        let servers = server::parse(&self.server_addr, self.context_path.as_deref())?;
        let settings = Settings {
            connect_timeout: self.connect_timeout,
            ca_file: self.ca_file,
            client_cert_file: self.client_cert_file,
            client_key_file: self.client_key_file,
            proxy: self.proxy,
            https: servers.iter().any(Server::is_https),
        };
        Ok(Checked {
            origin: Origin { servers, settings },
            credentials: Credentials::check(self.username, self.password, Error::config)?,
            request_timeout: self.request_timeout,
            carriage: self.carriage,
        })
    }
}

/// A configuration that makes sense.
pub(super) struct Checked {
    pub(super) origin: Origin,
    pub(super) credentials: Credentials,
    pub(super) request_timeout: Duration,
    pub(super) carriage: Carriage,
}

/// Whom to talk to, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Origin {
    pub(super) servers: Vec<Server>,
    pub(super) settings: Settings,
}

/// Who we are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Credentials {
    pub(super) username: String,
    pub(super) password: Secret,
}

impl Credentials {
    /// `wrong` makes the error of the place these credentials came from.
    pub(super) fn check(username: String, password: Secret, wrong: fn(String) -> Error) -> Result<Self> {
        if username.is_empty() {
            return Err(wrong("username: empty; give the name of a Nacos user".into()));
        }
        if username.contains(char::is_control) {
            return Err(wrong("username: holds a control character; perhaps a line end was read along with it".into()));
        }
        if password.expose().is_empty() {
            return Err(wrong("password: empty; Nacos has no users without one".into()));
        }
        Ok(Self { username, password })
    }
}
