//! Connections to the servers: a name, TCP, perhaps a proxy, perhaps TLS.

use std::{
    future::Future,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use http::{HeaderValue, Uri};
use hyper_util::{
    client::legacy::connect::{
        Connected, Connection,
        proxy::{SocksV4, SocksV5, Tunnel},
    },
    rt::TokioIo,
};
use rustls::pki_types::ServerName;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;
use tower_service::Service;

use super::{body::BoxError, tls::Tls};
use crate::settings::Settings;

trait Bytes: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Bytes for T {}

/// A connection to a server.
pub(super) struct Stream {
    bytes: Box<dyn Bytes>,
    /// Requests over it go to a proxy, which wants to know for whom they are.
    is_forwarded: bool,
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        Connected::new().proxy(self.is_forwarded)
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.bytes).poll_read(context, buffer)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.bytes).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.bytes).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.bytes).poll_shutdown(context)
    }
}

type Connecting<T> = Pin<Box<dyn Future<Output = Result<T, BoxError>> + Send>>;

/// TCP to the host and port of a URI.
#[derive(Clone)]
struct Tcp {
    tls: Arc<Tls>,
}

impl Service<Uri> for Tcp {
    type Response = TokioIo<Stream>;
    type Error = BoxError;
    type Future = Connecting<Self::Response>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let tls = self.tls.clone();
        Box::pin(async move {
            let host = bare(&uri)?;
            let https = uri.scheme_str() == Some("https");
            let port = uri.port_u16().unwrap_or(if https { 443 } else { 80 });
            let tcp = TcpStream::connect((host.as_str(), port)).await?;
            tcp.set_nodelay(true)?;
            let stream = Stream { bytes: Box::new(tcp), is_forwarded: false };
            Ok(TokioIo::new(if https { secure(stream, &host, tls).await? } else { stream }))
        })
    }
}

/// How connections to servers are made.
#[derive(Clone)]
pub(super) struct Connector {
    tcp: Tcp,
    proxy: Option<Proxy>,
    server_name: Option<String>,
    timeout: Duration,
}

#[derive(Clone)]
struct Proxy {
    uri: Uri,
    kind: ProxyKind,
    user: Option<(String, String)>,
    authorization: Option<HeaderValue>,
}

#[derive(Clone, Copy)]
enum ProxyKind {
    Http,
    Socks4 { resolves: bool },
    Socks5 { resolves: bool },
}

impl Connector {
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            tcp: Tcp { tls: Arc::new(Tls::new(settings)) },
            proxy: settings.proxy.as_deref().and_then(Proxy::parse),
            server_name: settings.tls_server_name.clone(),
            timeout: settings.connect_timeout,
        }
    }

    /// What a request to `uri` has on it for the proxy that passes it on.
    pub(super) fn proxy_authorization(&self, uri: &Uri) -> Option<HeaderValue> {
        let proxy = self.proxy.as_ref().filter(|proxy| proxy.forwards(uri))?;
        proxy.authorization.clone()
    }

    async fn connect(mut self, uri: Uri) -> Result<TokioIo<Stream>, BoxError> {
        let mut stream = match &self.proxy {
            None => self.tcp.call(plain(&uri)?).await?.into_inner(),
            Some(proxy) => proxy.connect(&uri, &mut self.tcp).await?,
        };
        if uri.scheme_str() == Some("https") {
            let host = bare(&uri)?;
            stream = secure(stream, self.server_name.as_deref().unwrap_or(&host), self.tcp.tls).await?;
        }
        Ok(TokioIo::new(stream))
    }
}

impl Service<Uri> for Connector {
    type Response = TokioIo<Stream>;
    type Error = BoxError;
    type Future = Connecting<Self::Response>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connector = self.clone();
        Box::pin(async move {
            let timeout = connector.timeout;
            let slow = |_| io::Error::new(io::ErrorKind::TimedOut, format!("no connection within {timeout:?}"));
            tokio::time::timeout(timeout, connector.connect(uri)).await.map_err(slow)?
        })
    }
}

impl Proxy {
    /// Of an address that the library has taken.
    fn parse(address: &str) -> Option<Self> {
        let url = url::Url::parse(address).ok()?;
        let (kind, scheme, port) = match url.scheme() {
            "http" => (ProxyKind::Http, "http", 80),
            "https" => (ProxyKind::Http, "https", 443),
            "socks4" => (ProxyKind::Socks4 { resolves: false }, "http", 1080),
            "socks4a" => (ProxyKind::Socks4 { resolves: true }, "http", 1080),
            "socks5" => (ProxyKind::Socks5 { resolves: false }, "http", 1080),
            _ => (ProxyKind::Socks5 { resolves: true }, "http", 1080),
        };
        let uri = format!("{scheme}://{}:{}", url.host_str()?, url.port().unwrap_or(port)).parse().ok()?;
        let decode = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
        let user = decode(url.username());
        let user = (!user.is_empty()).then(|| (user, decode(url.password().unwrap_or_default())));
        let authorization = user.as_ref().and_then(|(name, password)| {
            use base64::{Engine, prelude::BASE64_STANDARD};
            let text = format!("Basic {}", BASE64_STANDARD.encode(format!("{name}:{password}")));
            let mut value = HeaderValue::from_str(&text).ok()?;
            value.set_sensitive(true);
            Some(value)
        });
        Some(Self { uri, kind, user, authorization })
    }

    /// Whether requests to `uri` are passed on one by one.
    fn forwards(&self, uri: &Uri) -> bool {
        matches!(self.kind, ProxyKind::Http) && uri.scheme_str() != Some("https")
    }

    async fn connect(&self, uri: &Uri, tcp: &mut Tcp) -> Result<Stream, BoxError> {
        let at = self.uri.authority().map_or("", |authority| authority.as_str());
        let blamed = |error: BoxError| -> BoxError { format!("proxy {at}: {error}").into() };
        if self.forwards(uri) {
            let stream = tcp.call(self.uri.clone()).await.map_err(blamed)?.into_inner();
            return Ok(Stream { is_forwarded: true, ..stream });
        }
        let (proxy, tcp) = (self.uri.clone(), tcp.clone());
        let stream = match self.kind {
            ProxyKind::Http => {
                let tunnel = Tunnel::new(proxy, tcp);
                let mut tunnel = match &self.authorization {
                    Some(value) => tunnel.with_auth(value.clone()),
                    None => tunnel,
                };
                tunnel.call(uri.clone()).await.map_err(|e| blamed(e.into()))?
            }
            ProxyKind::Socks4 { resolves } => {
                let mut socks = SocksV4::new(proxy, tcp).local_dns(!resolves);
                socks.call(uri.clone()).await.map_err(|e| blamed(e.into()))?
            }
            ProxyKind::Socks5 { resolves } => {
                let socks = SocksV5::new(proxy, tcp).local_dns(!resolves);
                let mut socks = match self.user.clone() {
                    Some((name, password)) => socks.with_auth(name, password),
                    None => socks,
                };
                socks.call(uri.clone()).await.map_err(|e| blamed(e.into()))?
            }
        };
        Ok(stream.into_inner())
    }
}

async fn secure(stream: Stream, host: &str, tls: Arc<Tls>) -> Result<Stream, BoxError> {
    let config = tokio::task::spawn_blocking(move || tls.config()).await??;
    let name = ServerName::try_from(host.to_owned())?;
    let stream = TlsConnector::from(config).connect(name, stream).await?;
    Ok(Stream { bytes: Box::new(stream), is_forwarded: false })
}

/// The host; of an IPv6 address without the brackets.
fn bare(uri: &Uri) -> Result<String, BoxError> {
    let host = uri.host().ok_or("no host")?;
    Ok(host.trim_start_matches('[').trim_end_matches(']').to_owned())
}

/// The same address without TLS, which comes later.
fn plain(uri: &Uri) -> Result<Uri, BoxError> {
    let port = uri.port_u16().ok_or("no port")?;
    Ok(format!("http://{}:{port}/", uri.host().ok_or("no host")?).parse()?)
}
