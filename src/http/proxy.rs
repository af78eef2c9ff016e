//! The proxy that a user named, for both engines.

use std::{
    future::{Ready, ready},
    task::{Context, Poll},
};

use ::http::{HeaderValue, Uri, header::SERVER};
use base64::{Engine, prelude::BASE64_STANDARD};
use hyper_util::client::legacy::connect::proxy::{SocksV4, SocksV5, Tunnel};
use percent_encoding::percent_decode_str;
use tower_service::Service;
use url::Url;

use super::{
    Endpoint, Response,
    error::{Error, ErrorKind, Phase},
    stream::Stream,
};
use crate::{
    cause::Cause,
    error::{Error as CrateError, Result as CrateResult},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scheme {
    Http,
    Https,
    /// `resolves`: the proxy does, and gets names.
    Socks4 {
        resolves: bool,
    },
    Socks5 {
        resolves: bool,
    },
}

/// How a tunnel says that it was refused for want of a password.
const WANTS_PASSWORD: &str = "proxy authorization required";
const GIVE_PASSWORD: &str =
    "it wants a user name and a password (HTTP 407); write them into proxy, as in http://user:password@host:3128";
/// How proxies begin the header `Server` in answers of their own.
const PROXIES: [&str; 3] = ["squid", "tinyproxy", "privoxy"];

/// A proxy for all connections.
#[derive(Clone)]
pub(crate) struct Proxy {
    scheme: Scheme,
    pub(super) host: String,
    pub(super) port: u16,
    credentials: Option<(String, String)>,
}

/// What a request has on it that a proxy passes on.
#[derive(Clone)]
pub(super) struct Forward {
    pub(super) authorization: Option<HeaderValue>,
}

impl Proxy {
    /// Reads `http://[user:password@]host[:port]`, or `https`, `socks4`, `socks4a`, `socks5`, `socks5h`.
    pub(crate) fn parse(address: &str) -> CrateResult<Self> {
        let wrong = || {
            CrateError::config("proxy: not an address; write it like \"http://host:3128\" or \"socks5://host:1080\"")
        };
        let url = Url::parse(address).map_err(|_| wrong())?;
        let scheme = match url.scheme() {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            "socks4" => Scheme::Socks4 { resolves: false },
            "socks4a" => Scheme::Socks4 { resolves: true },
            "socks5" => Scheme::Socks5 { resolves: false },
            "socks5h" => Scheme::Socks5 { resolves: true },
            _ => return Err(wrong()),
        };
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(wrong)?;
        let usual = match scheme {
            Scheme::Http => 80,
            Scheme::Https => 443,
            Scheme::Socks4 { .. } | Scheme::Socks5 { .. } => 1080,
        };
        let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let user = decode(url.username());
        let credentials = (!user.is_empty()).then(|| (user, decode(url.password().unwrap_or_default())));
        Ok(Self {
            scheme,
            host: host.trim_start_matches('[').trim_end_matches(']').into(),
            port: url.port().unwrap_or(usual),
            credentials,
        })
    }

    pub(super) fn is_https(&self) -> bool {
        self.scheme == Scheme::Https
    }

    /// Whether the name of `endpoint` has to be resolved here, although the proxy connects to it.
    pub(super) fn wants_address(&self) -> bool {
        matches!(self.scheme, Scheme::Socks4 { resolves: false } | Scheme::Socks5 { resolves: false })
    }

    /// Whether requests to `endpoint` are passed on by the proxy one by one; otherwise it makes a tunnel.
    pub(super) fn forwards(&self, endpoint: &Endpoint) -> Option<Forward> {
        let http = matches!(self.scheme, Scheme::Http | Scheme::Https);
        (http && !endpoint.https).then(|| Forward { authorization: self.basic() })
    }

    fn basic(&self) -> Option<HeaderValue> {
        let (user, password) = self.credentials.as_ref()?;
        let text = format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:{password}")));
        let mut value = HeaderValue::from_str(&text).ok()?;
        value.set_sensitive(true);
        Some(value)
    }

    /// What went wrong on the way to this proxy, which is nobody's fault behind it.
    pub(super) fn blame(&self, error: Error) -> Error {
        match error.kind {
            ErrorKind::Broken | ErrorKind::Tls | ErrorKind::Slow => {
                Error { kind: ErrorKind::Proxy, known: None, ..self.name(error) }
            }
            ErrorKind::Timeout => self.name(error),
            _ => error,
        }
    }

    fn name(&self, error: Error) -> Error {
        Error { cause: format!("proxy {}:{}: {}", self.host, self.port, error.cause), ..error }
    }

    /// An answer that is the proxy's own, and a refusal: nothing has come to the server.
    pub(super) fn refusal(&self, response: &Response, endpoint: &Endpoint) -> Option<Error> {
        self.forwards(endpoint)?;
        let server = response.headers.get(SERVER).and_then(|server| server.to_str().ok()).unwrap_or_default();
        let says = PROXIES.iter().any(|name| server.to_ascii_lowercase().starts_with(name));
        let own =
            says || response.headers.contains_key("x-squid-error") || response.headers.contains_key("proxy-agent");
        let cause = match response.status {
            407 => GIVE_PASSWORD.to_owned(),
            status @ (403 | 405) if own => format!("it refuses to pass the request on (HTTP {status})"),
            _ => return None,
        };
        Some(self.blame(Error::new(Phase::Handshake, ErrorKind::Broken, cause)))
    }

    /// A tunnel to `host:port`, over a connection to the proxy.
    pub(super) async fn tunnel(&self, stream: Stream, host: &str, port: u16) -> Result<Stream, Error> {
        let written = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
        let failed = |cause: &(dyn std::error::Error + 'static)| {
            let error = Error::from_cause(Phase::Handshake, cause);
            if error.cause.contains(WANTS_PASSWORD) {
                return self.blame(Error { cause: GIVE_PASSWORD.into(), ..error });
            }
            // Still the fault of the server as far as the list goes: the proxy may well reach another one.
            self.name(Error { cause: format!("no tunnel to {written}: {}", error.cause), ..error })
                .because(Cause::ProxyFailed)
        };
        let uri = |text: &str| -> Result<Uri, Error> {
            text.parse().map_err(|_| Error::new(Phase::Prepare, ErrorKind::Setup, "a host that no proxy takes"))
        };
        // What the connectors would connect to is there already.
        let (there, target) = (uri("http://proxy")?, uri(&format!("http://{written}"))?);
        let connected = Connected(Some(stream));
        match self.scheme {
            Scheme::Http | Scheme::Https => {
                let mut tunnel = Tunnel::new(there, connected);
                if let Some(value) = self.basic() {
                    tunnel = tunnel.with_auth(value);
                }
                tunnel.call(target).await.map_err(|e| failed(&e))
            }
            Scheme::Socks5 { .. } => {
                let mut socks = SocksV5::new(there, connected);
                if let Some((user, password)) = self.credentials.clone() {
                    socks = socks.with_auth(user, password);
                }
                socks.call(target).await.map_err(|e| failed(&e))
            }
            Scheme::Socks4 { .. } => SocksV4::new(there, connected).call(target).await.map_err(|e| failed(&e)),
        }
    }
}

/// Gives away the connection to the proxy that is there already.
struct Connected(Option<Stream>);

impl Service<Uri> for Connected {
    type Response = Stream;
    type Error = std::io::Error;
    type Future = Ready<std::io::Result<Stream>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        ready(self.0.take().ok_or_else(|| std::io::ErrorKind::NotConnected.into()))
    }
}
