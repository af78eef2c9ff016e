//! The servers: which one is asked, and what became of it.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use http::{
    HeaderMap, Method, Request, Response, Uri, Version,
    header::PROXY_AUTHORIZATION,
    uri::{Authority, PathAndQuery, Scheme},
};
use hyper::body::Incoming;
use hyper_util::{
    client::legacy::Client,
    rt::{TokioExecutor, TokioTimer},
};

use super::{
    answer::Refusal,
    body::{AnyBody, Content},
    connect::Connector,
};
use crate::{exit::Failure, settings::Settings};

const DEFAULT_PORT: u16 = 8848;
/// Nacos closes connections after 60 s.
const IDLE: Duration = Duration::from_secs(45);

/// One server of the list.
pub(super) struct Server {
    scheme: Scheme,
    authority: Authority,
}

impl Server {
    /// `host:port`.
    pub(super) fn name(&self) -> &str {
        self.authority.as_str()
    }

    pub(super) fn host(&self) -> &str {
        self.authority.host()
    }

    pub(super) fn port(&self) -> Option<u16> {
        self.authority.port_u16()
    }
}

/// A request as it goes to whatever server.
pub(super) struct Outgoing<'a> {
    pub(super) method: &'a Method,
    pub(super) target: PathAndQuery,
    pub(super) headers: HeaderMap,
    pub(super) content: &'a Content,
    /// For the head of the answer, if the body is sent at once; how long a client takes to send one is its own business.
    pub(super) patience: Duration,
    /// A server that holds back its answer is asked to.
    pub(super) is_long_poll: bool,
}

pub(super) struct Upstream {
    servers: Vec<Server>,
    /// The one that answered last.
    first: AtomicUsize,
    connector: Connector,
    client: Client<Connector, AnyBody>,
}

impl Upstream {
    /// Of settings that the library has taken.
    pub(super) fn new(settings: &Settings) -> Result<Self, Failure> {
        let entries = settings.server_addr.split([',', ';']).map(str::trim).filter(|entry| !entry.is_empty());
        let servers = entries.map(server).collect::<Result<_, _>>()?;
        let connector = Connector::new(settings);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(64)
            .build(connector.clone());
        Ok(Self { servers, first: AtomicUsize::new(0), connector, client })
    }

    pub(super) fn servers(&self) -> &[Server] {
        &self.servers
    }

    /// Sends to the first server that can be reached, and gives its answer and name.
    pub(super) async fn send(&self, outgoing: &Outgoing<'_>) -> Result<(Response<Incoming>, &Server), Refusal> {
        let (first, count) = (self.first.load(Ordering::Relaxed), self.servers.len());
        let is_repeatable = outgoing.method.is_idempotent() && matches!(outgoing.content, Content::Whole(_));
        let mut last = None;
        for at in (0..count).map(|step| (first + step) % count) {
            let server = &self.servers[at];
            let mut is_second = false;
            loop {
                let answer = self.client.request(self.prepare(server, outgoing));
                let patience = match outgoing.content {
                    Content::Whole(_) => outgoing.patience,
                    Content::Stream(_) => Duration::MAX,
                };
                let Ok(result) = tokio::time::timeout(patience, answer).await else {
                    if !outgoing.is_long_poll {
                        self.first.store((at + 1) % count, Ordering::Relaxed);
                    }
                    let message =
                        format!("{} took the request and did not answer in {:?}", server.name(), outgoing.patience);
                    return Err(Refusal::new(http::StatusCode::GATEWAY_TIMEOUT, "no-answer", message));
                };
                let error = match result {
                    Ok(response) => {
                        self.first.store(at, Ordering::Relaxed);
                        return Ok((response, server));
                    }
                    Err(error) => error,
                };
                let cause = deepest(&error);
                let message = format!("{}: {cause}", server.name());
                if error.is_connect() {
                    last = Some(Refusal::new(http::StatusCode::BAD_GATEWAY, "unreachable", message));
                    break;
                }
                if !is_repeatable || is_second {
                    let message = format!("{message}; the server may have acted on the request");
                    return Err(Refusal::new(http::StatusCode::BAD_GATEWAY, "connection-broken", message));
                }
                is_second = true;
            }
        }
        Err(last.unwrap_or_else(|| Refusal::new(http::StatusCode::BAD_GATEWAY, "unreachable", "no server")))
    }

    fn prepare(&self, server: &Server, outgoing: &Outgoing<'_>) -> Request<AnyBody> {
        let mut parts = http::uri::Parts::default();
        parts.scheme = Some(server.scheme.clone());
        parts.authority = Some(server.authority.clone());
        parts.path_and_query = Some(outgoing.target.clone());
        let mut request = Request::new(outgoing.content.body());
        *request.method_mut() = outgoing.method.clone();
        *request.uri_mut() = Uri::from_parts(parts).expect("of whole parts");
        *request.version_mut() = Version::HTTP_11;
        *request.headers_mut() = outgoing.headers.clone();
        if let Some(value) = self.connector.proxy_authorization(request.uri()) {
            request.headers_mut().insert(PROXY_AUTHORIZATION, value);
        }
        request
    }
}

fn server(entry: &str) -> Result<Server, Failure> {
    let wrong = || Failure::setting("server_addr: not an address; write it like \"10.0.0.1:8848\"");
    let (scheme, rest) = entry.split_once("://").unwrap_or(("http", entry));
    let scheme = if scheme.eq_ignore_ascii_case("https") { Scheme::HTTPS } else { Scheme::HTTP };
    // A name of other letters than ASCII's is written as the DNS has it.
    let rest = rest.trim_end_matches('/');
    let (host, port) = match rest.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, port.parse().map_err(|_| wrong())?),
        _ => (rest, DEFAULT_PORT),
    };
    let host = url::Host::parse(host).map_err(|_| wrong())?;
    let authority = format!("{host}:{port}");
    Ok(Server { scheme, authority: authority.parse().map_err(|_| wrong())? })
}

/// What lies at the bottom of an error: the layers above say that something failed.
fn deepest(error: &(dyn std::error::Error + 'static)) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_read_as_the_library_reads_them() {
        for (entry, scheme, name) in [
            ("a", "http", "a:8848"),
            ("https://a", "https", "a:8848"),
            ("HTTP://10.0.0.1:80/", "http", "10.0.0.1:80"),
            ("[::1]:443", "http", "[::1]:443"),
            ("bücher.example", "http", "xn--bcher-kva.example:8848"),
        ] {
            let server = server(entry).unwrap();
            assert_eq!((server.scheme.as_str(), server.name()), (scheme, name), "{entry}");
        }
    }
}
