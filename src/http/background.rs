//! The engine of logins: reqwest, on the thread of the library, whose runtime harms nobody there.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use ::http::header::HOST;
use bytes::{Bytes, BytesMut};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::{
    Body, Request, Response,
    connect::{Connector, looked_at},
    connection::LONGEST_REFUSAL,
    error::{Error, ErrorKind, Phase},
    proxy::Proxy,
    resolve::Resolver,
};
use crate::sys::lock::Mutex;

/// The last client, and what it was made for. It holds no idle connection.
#[derive(Default)]
pub(super) struct Background {
    client: Mutex<Option<(Made, reqwest::Client)>>,
}

#[derive(Clone, PartialEq)]
struct Made {
    tls_version: u64,
    connect_timeout: Duration,
    /// The server it connects to, if TLS has another name for it.
    host: Option<String>,
}

impl Background {
    /// Sends `request` over a connection of its own. To be polled on the library's runtime.
    pub(super) async fn exchange(
        &self,
        connector: &Connector,
        proxy_address: Option<&str>,
        request: Request,
    ) -> Result<Response, Error> {
        let client = self.client(connector, proxy_address, &request).await?;
        let mut url: reqwest::Url =
            request.endpoint.url(&request.target).parse().map_err(|_| setup("an address that is none"))?;
        let mut headers = request.headers;
        if let Some(name) = connector.tls.server_name(&request.endpoint) {
            // The name for TLS is taken from there; the host that is asked stays the server's.
            url.set_host(Some(name)).map_err(|_| setup("a tls_server_name that is no host"))?;
            headers.insert(HOST, request.endpoint.authority.clone());
        }
        let mut out = reqwest::Request::new(request.method, url);
        *out.headers_mut() = headers;
        match request.body {
            Body::Whole(bytes) if bytes.is_empty() => {}
            Body::Whole(bytes) => *out.body_mut() = Some(bytes.into()),
            Body::Lent(_) => return Err(setup("only calls that block send what is lent to them")),
        }
        let endpoint = request.endpoint.clone();
        let mut response = client.execute(out).await.map_err(|error| {
            let is_of_system = is_of_system(&error);
            match (failure(error), &connector.proxy) {
                (error, Some(proxy)) if !error.was_sent() => proxy.blame_or_name(error, &endpoint, is_of_system),
                (error, _) => error,
            }
        })?;
        let status = response.status().as_u16();
        let headers = std::mem::take(response.headers_mut());
        let (limit, cut) =
            if status >= 400 { (LONGEST_REFUSAL, true) } else { (request.options.largest_answer, false) };
        let (body, truncated) = receive(&mut response, limit, cut).await?;
        Ok(Response { status, headers, body, truncated, lost_connection: false })
    }

    async fn client(
        &self,
        connector: &Connector,
        proxy_address: Option<&str>,
        request: &Request,
    ) -> Result<reqwest::Client, Error> {
        let https = request.endpoint.https || connector.proxy.as_ref().is_some_and(Proxy::is_https);
        let trust = if https { looked_at(&connector.tls).await } else { connector.tls.current() };
        let timeout = request.options.connect_timeout;
        let host = connector.tls.server_name(&request.endpoint).map(|_| request.endpoint.host.clone());
        let made = Made { tls_version: trust.version, connect_timeout: timeout, host: host.clone() };
        if let Some((of, client)) = &*self.client.lock()
            && *of == made
        {
            return Ok(client.clone());
        }
        let mut builder = reqwest::Client::builder()
            .http1_only()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(timeout)
            .pool_max_idle_per_host(0)
            .dns_resolver(Names { resolver: connector.resolver.clone(), host });
        let tls = if https { trust.config()? } else { Arc::new(trust.nobody()?) };
        builder = builder.tls_backend_preconfigured((*tls).clone());
        if let Some(address) = proxy_address {
            builder = builder.proxy(reqwest::Proxy::all(address).map_err(|e| setup(&e.to_string()))?);
        }
        let client = builder.build().map_err(|e| setup(&e.to_string()))?;
        *self.client.lock() = Some((made, client.clone()));
        Ok(client)
    }
}

/// The names of [`Resolver`], for reqwest.
struct Names {
    resolver: Arc<Resolver>,
    /// Whose addresses are given for every name: the URL holds the name for TLS then, which is another.
    host: Option<String>,
}

impl Resolve for Names {
    fn resolve(&self, name: Name) -> Resolving {
        let promise = self.resolver.addresses(self.host.as_deref().unwrap_or(name.as_str()));
        Box::pin(async move {
            match promise.await {
                Ok(addresses) => Ok(Box::new(addresses.into_iter().map(|ip| SocketAddr::new(ip, 0))) as Addrs),
                Err(error) => Err(Box::new(NotFound(error)) as Box<dyn std::error::Error + Send + Sync>),
            }
        })
    }
}

/// Carries an error of the resolver through reqwest.
#[derive(Debug)]
struct NotFound(Error);

impl std::fmt::Display for NotFound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.cause)
    }
}

impl std::error::Error for NotFound {}

fn setup(why: &str) -> Error {
    Error::new(Phase::Prepare, ErrorKind::Setup, why)
}

/// Reads at most `limit` bytes of the body; what goes beyond is cut or an error.
async fn receive(response: &mut reqwest::Response, limit: usize, cut: bool) -> Result<(Bytes, bool), Error> {
    let (mut whole, mut truncated) = (BytesMut::new(), false);
    while let Some(chunk) = response.chunk().await.map_err(failure)? {
        if whole.len() + chunk.len() > limit {
            if !cut {
                let cause = format!("an answer of more than {limit} bytes");
                return Err(Error::new(Phase::Answer, ErrorKind::TooLarge, cause));
            }
            whole.extend_from_slice(&chunk[..limit - whole.len()]);
            truncated = true;
            break;
        }
        whole.extend_from_slice(&chunk);
    }
    Ok((whole.freeze(), truncated))
}

/// Whether the system said so, not somebody at the other end.
fn is_of_system(error: &reqwest::Error) -> bool {
    let first: &(dyn std::error::Error + 'static) = error;
    std::iter::successors(Some(first), |error| error.source())
        .any(|cause| cause.downcast_ref::<std::io::Error>().is_some_and(|io| io.raw_os_error().is_some()))
}

fn failure(error: reqwest::Error) -> Error {
    let error = error.without_url();
    let mut cause: &(dyn std::error::Error + 'static) = &error;
    while let Some(deeper) = cause.source() {
        if let Some(NotFound(known)) = deeper.downcast_ref::<NotFound>() {
            return known.clone();
        }
        cause = deeper;
    }
    let phase = match () {
        () if error.is_builder() => Phase::Prepare,
        () if error.is_connect() => Phase::Connect,
        () if error.is_body() || error.is_decode() => Phase::Answer,
        () => Phase::Send,
    };
    if error.is_timeout() {
        return Error::new(phase, ErrorKind::Slow, "no answer in time");
    }
    if phase == Phase::Prepare {
        return setup(&cause.to_string());
    }
    let found = Error::from_cause(phase, &error);
    match found.kind {
        ErrorKind::Tls if phase == Phase::Connect => Error { phase: Phase::Handshake, ..found },
        _ => found,
    }
}
