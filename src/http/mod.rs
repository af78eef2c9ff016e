//! Connections: send one request, get one answer. Knows nothing of tokens.
//!
//! One engine, hyper's HTTP/1 connection, on two executors (see `wait.rs`): a call that blocks polls it on its caller's thread,
//! without a runtime; logins and operations are tasks on the library's thread and its runtime. Only what waits for a socket
//! differs (`drive`, `stream`): names, trust, the proxy, the pool and its limits are the same.

mod advice;
mod body;
mod coding;
mod connect;
mod connection;
mod drive;
mod error;
mod exchange;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod pool;
mod proxy;
mod resolve;
mod stream;
mod tls;
mod transport;

use std::{future::Future, pin::Pin, sync::Arc, time::Duration};

use ::http::{HeaderMap, HeaderValue, Method, uri::PathAndQuery};
use bytes::Bytes;

pub(crate) use self::{
    body::{Body, Lent},
    coding::beginning,
    error::{Error, ErrorKind, Phase},
    resolve::Resolver,
    tls::{Pem, PemSource, TlsSettings},
    transport::{Http, Settings, UserAgent},
};
use crate::wait::Limits;

/// A future on the heap, as traits need it.
pub(crate) type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What requests say of themselves unless the caller does.
const AGENT: &str = concat!("nacos-auth/", env!("CARGO_PKG_VERSION"));

/// A server to connect to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Endpoint {
    pub(crate) https: bool,
    /// A name or an address, without brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// As in the header `Host`: without a port that goes without saying.
    authority: HeaderValue,
}

impl Endpoint {
    pub(crate) fn new(https: bool, host: &str, port: u16) -> Self {
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let written = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        let usual = if https { 443 } else { 80 };
        let text = if port == usual { written } else { format!("{written}:{port}") };
        // A host that has been parsed as part of a URL is visible ASCII.
        let authority = HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("invalid"));
        Self { https, host: host.to_owned(), port, authority }
    }

    fn authority(&self) -> &str {
        self.authority.to_str().unwrap_or_default()
    }

    /// The whole address of `target` on this server.
    fn url(&self, target: &PathAndQuery) -> String {
        format!("{}://{}{target}", if self.https { "https" } else { "http" }, self.authority())
    }
}

/// One request, complete. Cloning is cheap: the body is shared.
#[derive(Clone)]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) endpoint: Arc<Endpoint>,
    pub(crate) target: PathAndQuery,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Body,
    pub(crate) options: Options,
}

/// What limits one request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Options {
    /// The largest body taken as an answer. A refusal (status 400 and up) is cut at 64 KiB instead.
    pub(crate) largest_answer: usize,
    /// How long connecting may take, the TLS handshake included.
    pub(crate) connect_timeout: Duration,
    /// How many connections to the cluster may be in use before a call has to wait for one. `None`: this one has a connection
    /// of its own, which is counted by nobody and kept for nobody.
    pub(crate) max_connections: Option<usize>,
    /// Whether an idle connection may be used, which the server may be about to close.
    pub(crate) reuse: bool,
}

/// One answer, complete.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// There was more of the body: that of a refusal is cut.
    pub(crate) truncated: bool,
    /// An idle connection that had been in use a moment before was found closed: the server may have restarted.
    pub(crate) lost_connection: bool,
}

/// What a look at the idle connections showed.
pub(crate) struct Reaped {
    /// Some are left, to look at again soon.
    pub(crate) left: bool,
    /// One that had been in use a moment before was closed by its server, which may have restarted.
    pub(crate) lost: bool,
}

/// Sends requests. Scripted in tests, [`Http`] otherwise.
pub(crate) trait Transport: Send + Sync {
    /// Sends `request` and waits, as its `limits` have it, until the answer is complete or the call has to end.
    fn exchange<'a>(&'a self, request: Request, limits: &'a Limits<'a>) -> Boxed<'a, Result<Response, Error>>;

    /// Closes idle connections that nobody wants any more.
    fn reap_idle(&self) -> Reaped;

    /// Whether there are idle connections that nobody has promised to look at: true once.
    fn wants_reaping(&self) -> bool;

    /// The files of the TLS settings have been read again.
    fn renew(&self, pem: Arc<Pem>);

    /// Before the first request. Whom to trust `over_tls` is read now, since it may not be to be seen later.
    fn prepare(&self, over_tls: bool);

    /// For the child of a fork: the same, with connections of its own.
    fn forked(&self, resolver: &Arc<Resolver>) -> Arc<dyn Transport>;
}

#[cfg(test)]
mod tests;
