//! The engine of logins: on the thread of the library and its runtime, over a connection of its own each.

use std::{future::Future, net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    net::TcpStream,
    time::{Instant, timeout_at},
};

use super::{
    Body, Endpoint, Request, Response,
    connect::{Connector, looked_at, tcp_failure, tls},
    connection::{Link, message},
    error::{Error, ErrorKind, Phase},
    proxy::{Forward, Proxy},
    stream::{Shared, Stream},
};

/// Sends `request`. To be polled on the library's runtime.
pub(super) async fn exchange(connector: &Connector, request: Request) -> Result<Response, Error> {
    if matches!(request.body, Body::Lent(_)) {
        let cause = "only calls that block send what is lent to them";
        return Err(Error::new(Phase::Prepare, ErrorKind::Setup, cause));
    }
    let (options, endpoint) = (request.options, request.endpoint.clone());
    let (stream, forward) = connect(connector, &endpoint, options.connect_timeout).await?;
    let mut link = Link::new(stream, &endpoint, forward).await?;
    link.round_trip(&mut Some(message(request)), options.largest_answer).await
}

/// A connection that is ready for requests to `endpoint`, within `timeout`.
async fn connect(
    connector: &Connector,
    endpoint: &Arc<Endpoint>,
    timeout: Duration,
) -> Result<(Stream, Option<Forward>), Error> {
    let proxy = connector.proxy.as_ref();
    let on_the_way = |error: Error| proxy.map_or(error.clone(), |proxy| proxy.blame(error));
    let until = Instant::now() + timeout;
    let is_tls = endpoint.https || proxy.is_some_and(Proxy::is_https);
    let trust = if is_tls { looked_at(&connector.tls).await } else { connector.tls.current() };
    let (host, port) = match proxy {
        Some(proxy) => (proxy.host.as_str(), proxy.port),
        None => (endpoint.host.as_str(), endpoint.port),
    };
    let addresses = within(until, Phase::Resolve, connector.resolver.addresses(host)).await.map_err(on_the_way)?;
    let mut stream = Stream::Shared(tcp(&addresses, port, until).await.map_err(on_the_way)?);
    let mut forward = None;
    if let Some(proxy) = proxy {
        if proxy.is_https() {
            let handshake = tls(stream, &proxy.host, &trust);
            stream = within(until, Phase::Handshake, handshake).await.map_err(on_the_way)?;
        }
        forward = proxy.forwards(endpoint);
        if forward.is_none() {
            let target = match proxy.wants_address() {
                true => {
                    within(until, Phase::Resolve, connector.resolver.addresses(&endpoint.host)).await?[0].to_string()
                }
                false => endpoint.host.clone(),
            };
            let tunnel = proxy.tunnel(stream, &target, endpoint.port);
            stream = within(until, Phase::Handshake, tunnel).await?;
        }
    }
    if endpoint.https {
        let name = connector.tls.server_name(endpoint).unwrap_or(&endpoint.host);
        stream = within(until, Phase::Handshake, tls(stream, name, &trust)).await?;
    }
    Ok((stream, forward))
}

/// Connects to the first of `addresses` that answers; each gets its share of the time that is left.
async fn tcp(addresses: &[std::net::IpAddr], port: u16, until: Instant) -> Result<Shared, Error> {
    let mut last = None;
    for (at, address) in addresses.iter().enumerate() {
        let share = until.saturating_duration_since(Instant::now()) / (addresses.len() - at) as u32;
        let connect = async {
            let stream = TcpStream::connect(SocketAddr::new(*address, port)).await;
            let stream = stream.and_then(|stream| stream.set_nodelay(true).map(|()| stream));
            stream.map_err(tcp_failure)
        };
        match within(Instant::now() + share, Phase::Connect, connect).await {
            Err(error) if error.kind == ErrorKind::Exhausted => return Err(error),
            Err(error) => last = Some(error),
            Ok(stream) => return Ok(Shared::new(stream)),
        }
    }
    Err(last.unwrap_or_else(|| Error::new(Phase::Connect, ErrorKind::Setup, "no address to connect to")))
}

async fn within<T>(until: Instant, phase: Phase, step: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    let slow = || Error::new(phase, ErrorKind::Slow, "no answer in time");
    timeout_at(until, step).await.unwrap_or_else(|_| Err(slow()))
}
