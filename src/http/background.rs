//! The engine of logins: reqwest, on the thread of the library, whose runtime harms nobody there.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::{
    Body, Request, Response,
    connect::{Connector, looked_at},
    connection::{LONGEST_REFUSAL, MOST_HEADERS},
    error::{Error, ErrorKind, Phase},
    proxy::Proxy,
    resolve::Resolver,
};
use crate::sys::lock::Mutex;

/// A client for each version of the TLS settings, the last one kept. It holds no idle connection.
#[derive(Default)]
pub(super) struct Background {
    client: Mutex<Option<(u64, Duration, reqwest::Client)>>,
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
        let url = request.endpoint.url(&request.target);
        let url = url.parse().map_err(|_| setup("an address that is none"))?;
        let mut out = reqwest::Request::new(request.method, url);
        *out.headers_mut() = request.headers;
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
        let body = receive(&mut response, limit, cut).await?;
        Ok(Response { status, headers, body, lost_connection: false })
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
        if let Some((version, of, client)) = &*self.client.lock()
            && (*version, *of) == (trust.version, timeout)
        {
            return Ok(client.clone());
        }
        let mut builder = reqwest::Client::builder()
            .http1_only()
            .http1_max_headers(MOST_HEADERS)
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(timeout)
            .pool_max_idle_per_host(0)
            .dns_resolver(Names(connector.resolver.clone()))
            .user_agent(super::AGENT);
        let tls = if https { trust.config()? } else { Arc::new(trust.nobody()?) };
        builder = builder.tls_backend_preconfigured((*tls).clone());
        if let Some(address) = proxy_address {
            builder = builder.proxy(reqwest::Proxy::all(address).map_err(|e| setup(&e.to_string()))?);
        }
        let client = builder.build().map_err(|e| setup(&e.to_string()))?;
        *self.client.lock() = Some((trust.version, timeout, client.clone()));
        Ok(client)
    }
}

/// The names of [`Resolver`], for reqwest.
struct Names(Arc<Resolver>);

impl Resolve for Names {
    fn resolve(&self, name: Name) -> Resolving {
        let promise = self.0.addresses(name.as_str());
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
async fn receive(response: &mut reqwest::Response, limit: usize, cut: bool) -> Result<Bytes, Error> {
    if !cut && response.content_length().is_some_and(|announced| announced > limit as u64) {
        return Err(Error::too_large(limit));
    }
    let mut whole = BytesMut::new();
    while let Some(chunk) = response.chunk().await.map_err(failure)? {
        if whole.len() + chunk.len() > limit {
            if !cut {
                return Err(Error::too_large(limit));
            }
            whole.extend_from_slice(&chunk[..limit - whole.len()]);
            break;
        }
        whole.extend_from_slice(&chunk);
    }
    Ok(whole.freeze())
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
