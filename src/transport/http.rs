//! The transport over HTTP, by reqwest.

use std::{
    future::Future,
    path::PathBuf,
    time::{Duration, Instant},
};

use bytes::{Bytes, BytesMut};
use once_cell::sync::OnceCell;
use url::Url;

use super::{
    Boxed, Failure, Incoming, Outgoing, Transport, Trouble,
    lane::{IDLE, Lane, Lanes},
    tls::Material,
};
use crate::error::{Error, Result as CrateResult};

/// A connection used within this time is taken to be open still. If it is not, a request that does no harm is repeated.
const FRESH: Duration = Duration::from_secs(1);
/// A request shorter than this need not be interruptible.
const FLEETING: Duration = Duration::from_millis(20);
/// A refusal longer than this is cut: its first words are what counts.
const LONGEST_REFUSAL: usize = 64 * 1024;

/// How to reach the servers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    pub(crate) connect_timeout: Duration,
    pub(crate) ca_file: Option<PathBuf>,
    pub(crate) client_cert_file: Option<PathBuf>,
    pub(crate) client_key_file: Option<PathBuf>,
    pub(crate) proxy: Option<String>,
    /// Whether any server is spoken to over https.
    pub(crate) https: bool,
}

/// Sends requests over HTTP/1.1, the only version Nacos speaks. Follows no redirect, keeps no cookie, reads no
/// environment.
pub(crate) struct Http {
    connect_timeout: Duration,
    proxy: Option<reqwest::Proxy>,
    material: Material,
    https: bool,
    tls: OnceCell<rustls::ClientConfig>,
    lanes: Lanes,
    single_use: OnceCell<reqwest::Client>,
}

impl Http {
    /// Reads the files named in `settings`; opens no connection.
    pub(crate) fn new(settings: &Settings) -> CrateResult<Self> {
        let proxy = settings.proxy.as_deref().map(proxy).transpose()?;
        Ok(Self {
            connect_timeout: settings.connect_timeout,
            proxy,
            material: Material::read(
                settings.ca_file.as_deref(),
                settings.client_cert_file.as_deref(),
                settings.client_key_file.as_deref(),
            )?,
            https: settings.https,
            tls: OnceCell::new(),
            lanes: Lanes::default(),
            single_use: OnceCell::new(),
        })
    }

    fn client(&self, kept_idle: usize) -> Result<reqwest::Client, Failure> {
        let tls = self.tls.get_or_try_init(|| self.material.config(self.https));
        let tls = tls.map_err(|e| Failure { trouble: Trouble::Tls, cause: e.to_string() })?;
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(tls.clone())
            .http1_only()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(self.connect_timeout)
            .pool_idle_timeout(IDLE)
            .pool_max_idle_per_host(kept_idle)
            .user_agent(concat!("nacos-auth/", env!("CARGO_PKG_VERSION")));
        if let Some(proxy) = &self.proxy {
            builder = builder.proxy(proxy.clone());
        }
        builder.build().map_err(setup)
    }

    fn lane(&self) -> Result<Lane, Failure> {
        match self.lanes.take() {
            Some(lane) => Ok(lane),
            None => Lane::new(self.client(1)?).map_err(setup),
        }
    }
}

fn proxy(address: &str) -> CrateResult<reqwest::Proxy> {
    let usable = Url::parse(address).is_ok_and(|url| {
        url.has_host() && matches!(url.scheme(), "http" | "https" | "socks4" | "socks4a" | "socks5" | "socks5h")
    });
    let proxy = usable.then(|| reqwest::Proxy::all(address).ok()).flatten();
    proxy.ok_or_else(|| {
        Error::config("proxy: not an address; write it like \"http://host:3128\" or \"socks5://host:1080\"")
    })
}

fn setup(why: impl std::fmt::Display) -> Failure {
    Failure { trouble: Trouble::Setup, cause: why.to_string() }
}

impl Transport for Http {
    fn exchange(&self, out: Outgoing, until: Instant, interrupt: Boxed<'_, ()>) -> Result<Incoming, Failure> {
        let lane = self.lane()?;
        let stale = lane.idle() > FRESH || !out.method.is_idempotent();
        let answer = lane.runtime.block_on(async {
            if stale {
                // Lets the runtime see which idle connections the server has closed, before one is chosen.
                tokio::task::yield_now().await;
            }
            // Most requests are over before anybody could want to interrupt them. Only the others register for it: a
            // registration takes a lock that all calls of a client share.
            let ended = async {
                tokio::time::sleep_until(until.min(Instant::now() + FLEETING).into()).await;
                tokio::select! {
                    biased;
                    () = interrupt => Failure { trouble: Trouble::Interrupted, cause: "interrupted".into() },
                    () = tokio::time::sleep_until(until.into()) => timed_out(),
                }
            };
            tokio::select! {
                biased;
                answer = send(&lane.client, out) => answer,
                failure = ended => Err(failure),
            }
        });
        match &answer {
            // Dropped with its lane, the connection is closed now and not when the lane is next used.
            Err(f) if matches!(f.trouble, Trouble::Interrupted | Trouble::Timeout) => {
                lane.runtime.shutdown_background()
            }
            // The other idle connections may have broken with it.
            Err(f) if f.trouble == Trouble::Io => {
                lane.runtime.shutdown_background();
                self.lanes.clear();
            }
            _ => self.lanes.put_back(lane),
        }
        answer
    }

    fn exchange_once(&self, out: Outgoing) -> Boxed<'_, Result<Incoming, Failure>> {
        Box::pin(async move {
            let client = self.single_use.get_or_try_init(|| self.client(0))?;
            send(client, out).await
        })
    }

    fn tidy(&self) {
        self.lanes.tidy();
    }
}

fn timed_out() -> Failure {
    Failure { trouble: Trouble::Timeout, cause: "no answer in time".into() }
}

fn send(client: &reqwest::Client, out: Outgoing) -> impl Future<Output = Result<Incoming, Failure>> + Send {
    let largest = out.largest_answer;
    let mut request = reqwest::Request::new(out.method, out.url);
    *request.headers_mut() = out.headers;
    if !out.body.is_empty() {
        *request.body_mut() = Some(out.body.into());
    }
    let answer = client.execute(request);
    async move {
        let mut response = answer.await.map_err(failure)?;
        let status = response.status().as_u16();
        let headers = std::mem::take(response.headers_mut());
        let (limit, cut) = if status >= 400 { (LONGEST_REFUSAL, true) } else { (largest, false) };
        let body = read(&mut response, limit, cut).await?;
        Ok(Incoming { status, headers, body })
    }
}

/// Reads at most `limit` bytes of the body; what goes beyond is cut or an error.
async fn read(response: &mut reqwest::Response, limit: usize, cut: bool) -> Result<Bytes, Failure> {
    let Some(first) = response.chunk().await.map_err(failure)? else { return Ok(Bytes::new()) };
    let mut whole = BytesMut::new();
    let mut last = first;
    loop {
        if whole.len() + last.len() > limit {
            if !cut {
                let cause = format!("an answer of more than {limit} bytes");
                return Err(Failure { trouble: Trouble::TooLarge, cause });
            }
            whole.extend_from_slice(&last[..limit - whole.len()]);
            return Ok(whole.freeze());
        }
        match response.chunk().await.map_err(failure)? {
            // The usual answer fits into one chunk, which is then handed on as it is.
            None if whole.is_empty() => return Ok(last),
            next => {
                whole.extend_from_slice(&last);
                let Some(next) = next else { return Ok(whole.freeze()) };
                last = next;
            }
        }
    }
}

fn failure(error: reqwest::Error) -> Failure {
    let error = error.without_url();
    let mut cause: &dyn std::error::Error = &error;
    let mut tls = is_tls(cause);
    while let Some(deeper) = cause.source() {
        cause = deeper;
        tls |= is_tls(cause);
    }
    let trouble = match () {
        () if tls => Trouble::Tls,
        () if error.is_connect() => Trouble::Connect,
        () if error.is_timeout() => Trouble::Timeout,
        () if error.is_builder() => Trouble::Setup,
        () => Trouble::Io,
    };
    let cause = if error.is_timeout() && error.is_connect() { "no answer in time".into() } else { cause.to_string() };
    Failure { trouble, cause }
}

fn is_tls(error: &(dyn std::error::Error + 'static)) -> bool {
    // rustls hides in an io::Error, or in one inside another, whose `source` skips what it wraps.
    let inner = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
    error.is::<rustls::Error>() || inner.is_some_and(|e| is_tls(e))
}
