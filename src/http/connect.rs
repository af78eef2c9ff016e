//! A new connection: addresses, TCP, proxy, TLS.

use std::{
    future::poll_fn,
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio_rustls::TlsConnector;

use super::{
    Endpoint,
    connection::Connection,
    drive::{FLEETING, drive},
    error::{Error, ErrorKind, Phase},
    proxy::Proxy,
    resolve::Resolver,
    stream::{Interest, Shared, Stream, Tcp},
    tls::{PATIENCE, Tls, Trust},
};
use crate::{
    sys::{descriptor, socket::Socket},
    wait::{Executor, Limits},
};

/// How connections are made.
pub(super) struct Connector {
    pub(super) resolver: Arc<Resolver>,
    pub(super) proxy: Option<Proxy>,
    pub(super) tls: Tls,
}

impl Connector {
    /// Connects to `endpoint`, within `timeout`.
    pub(super) async fn connect(
        &self,
        endpoint: &Arc<Endpoint>,
        timeout: Duration,
        call: &Limits<'_>,
    ) -> Result<Connection, Error> {
        let limits = call.within(timeout);
        // Without the call's own time being over, it is this server that was too slow.
        let slow = |error: Error| match error.kind {
            ErrorKind::Timeout if !call.remaining().is_zero() => Error { kind: ErrorKind::Slow, ..error },
            _ => error,
        };
        self.connect_within(endpoint, &limits, slow).await.map_err(slow)
    }

    async fn connect_within(
        &self,
        endpoint: &Arc<Endpoint>,
        limits: &Limits<'_>,
        slow: impl Fn(Error) -> Error,
    ) -> Result<Connection, Error> {
        let on_the_way = |error: Error| match &self.proxy {
            Some(proxy) => proxy.blame(slow(error)),
            None => error,
        };
        let trust = self.trust(endpoint, limits).await;
        let interest = Interest::new();
        let (host, port) = match &self.proxy {
            Some(proxy) => (proxy.host.as_str(), proxy.port),
            None => (endpoint.host.as_str(), endpoint.port),
        };
        let addresses = self.addresses(host, limits).await.map_err(on_the_way)?;
        let (mut stream, socket) = tcp(&addresses, port, &interest, limits).await.map_err(on_the_way)?;
        let mut forward = None;
        if let Some(proxy) = &self.proxy {
            if proxy.is_https() {
                let handshake = Box::pin(tls(stream, &proxy.host, &trust));
                stream = drive(handshake, &interest, limits, Phase::Handshake).await.map_err(on_the_way)?;
            }
            forward = proxy.forwards(endpoint);
            if forward.is_none() {
                let target = match proxy.wants_address() {
                    true => self.addresses(&endpoint.host, limits).await?[0].to_string(),
                    false => endpoint.host.clone(),
                };
                let tunnel = Box::pin(proxy.tunnel(stream, &target, endpoint.port));
                stream = drive(tunnel, &interest, limits, Phase::Handshake).await?;
            }
        }
        if endpoint.https {
            let name = self.tls.server_name(endpoint).unwrap_or(&endpoint.host);
            let handshake = Box::pin(tls(stream, name, &trust));
            stream = drive(handshake, &interest, limits, Phase::Handshake).await?;
        }
        Connection::new(stream, (interest, socket), endpoint, forward, trust.version, limits).await
    }

    /// The server has closed a connection: its name may stand for another address now.
    pub(super) fn forget(&self, endpoint: &Endpoint) {
        self.resolver.forget(self.proxy.as_ref().map_or(&endpoint.host, |proxy| &proxy.host));
    }

    /// The certificates to use, after a look whether they have changed.
    async fn trust(&self, endpoint: &Endpoint, limits: &Limits<'_>) -> Arc<Trust> {
        if (endpoint.https || self.proxy.as_ref().is_some_and(Proxy::is_https))
            && let Some(read) = self.tls.look(limits.executor)
        {
            limits.within(PATIENCE.min(limits.remaining() / 2)).until(read).await;
        }
        self.tls.current()
    }

    async fn addresses(&self, host: &str, limits: &Limits<'_>) -> Result<Vec<IpAddr>, Error> {
        limits.until(self.resolver.addresses(host, limits.executor)).await.unwrap_or_else(|| {
            Err(match limits.check() {
                Err(_) => Error::new(Phase::Resolve, ErrorKind::Interrupted, "interrupted"),
                Ok(()) => {
                    let cause = format!("the look-up of {host} has not ended in time");
                    Error::new(Phase::Resolve, ErrorKind::Timeout, cause)
                }
            })
        })
    }
}

/// Connects to the first of `addresses` that answers; each gets its share of the time that is left.
async fn tcp(
    addresses: &[IpAddr],
    port: u16,
    interest: &Arc<Interest>,
    limits: &Limits<'_>,
) -> Result<(Stream, Arc<Socket>), Error> {
    let mut last = None;
    for (at, address) in addresses.iter().enumerate() {
        let left = (addresses.len() - at) as u32;
        let share = limits.within(limits.remaining() / left);
        match tcp_to(SocketAddr::new(*address, port), interest, &share).await {
            Err(error) if error.kind == ErrorKind::Interrupted || error.kind == ErrorKind::Exhausted => {
                return Err(error);
            }
            Err(error) => last = Some(error),
            connected => return connected,
        }
    }
    Err(last.unwrap_or_else(|| Error::new(Phase::Connect, ErrorKind::Setup, "no address to connect to")))
}

async fn tcp_to(
    address: SocketAddr,
    interest: &Arc<Interest>,
    limits: &Limits<'_>,
) -> Result<(Stream, Arc<Socket>), Error> {
    let socket = Arc::new(Socket::connect(address).map_err(tcp_failure)?);
    let stream = match limits.executor {
        Executor::Caller => {
            let tcp = Tcp::new(socket.clone(), interest);
            let connected = poll_fn(|_| tcp.poll_connected().map_err(tcp_failure));
            drive(connected, interest, limits, Phase::Connect).await?;
            socket.let_receive_wait(FLEETING);
            Stream::Tcp(tcp)
        }
        Executor::Runtime => {
            let shared = Shared::new(socket.clone(), interest).map_err(tcp_failure)?;
            let connected = async { shared.connected().await.map_err(tcp_failure) };
            drive(connected, interest, limits, Phase::Connect).await?;
            Stream::Shared(shared)
        }
    };
    Ok((stream, socket))
}

/// Why there is no TCP connection.
fn tcp_failure(error: io::Error) -> Error {
    if descriptor::is_exhausted(&error) {
        return Error::no_descriptors(Phase::Connect);
    }
    Error::from_cause(Phase::Connect, &error)
}

/// TLS with `host` over `stream`.
async fn tls(stream: Stream, host: &str, trust: &Trust) -> Result<Stream, Error> {
    let wrong = |cause: &str| Error::new(Phase::Handshake, ErrorKind::Tls, cause);
    let name = ServerName::try_from(host.to_owned()).map_err(|_| wrong("a host that no certificate can name"))?;
    let done = TlsConnector::from(trust.config()?).connect(name, TokioIo::new(stream)).await;
    done.map(|tls| Stream::Tls(Box::new(TokioIo::new(tls)))).map_err(|e| Error::from_cause(Phase::Handshake, &e))
}
