//! The engine with its settings: what the rest of the crate sends with.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use super::{
    Boxed, Endpoint, Error, ErrorKind, Pem, Reaped, Request, Resolver, Response, TlsSettings, Transport, advice,
    coding, connect::Connector, connection::message, exchange, pool::Pool, proxy::Proxy, tls::Tls,
};
use ::http::{HeaderValue, header::USER_AGENT};

use crate::{
    error::{Error as CrateError, Result as CrateResult},
    wait::Limits,
};

/// How to reach the servers. Who has the same shares connections.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Settings {
    pub(crate) tls: TlsSettings,
    pub(crate) proxy: Option<String>,
    /// What requests say of themselves unless the caller does.
    pub(crate) user_agent: UserAgent,
}

/// The value of the header `User-Agent`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct UserAgent(pub(super) HeaderValue);

impl Default for UserAgent {
    fn default() -> Self {
        Self(HeaderValue::from_static(super::AGENT))
    }
}

impl UserAgent {
    pub(crate) fn parse(text: &str) -> CrateResult<Self> {
        let value = HeaderValue::from_str(text).ok().filter(|_| !text.trim().is_empty());
        value
            .map(Self)
            .ok_or_else(|| CrateError::config("user_agent: not what HTTP takes; write it like \"my-app/1.0\""))
    }
}

impl Settings {
    /// Refuses what can be seen to be unusable without connecting.
    pub(crate) fn check(&self) -> CrateResult<()> {
        self.tls.check()?;
        self.proxy.as_deref().map(Proxy::parse).transpose().map(drop)
    }
}

/// Sends requests over HTTP/1.1, the only version Nacos speaks. Follows no redirect, keeps no cookie, reads no
/// environment.
pub(crate) struct Http {
    settings: Settings,
    connector: Connector,
    pool: Pool,
    /// Somebody comes to look at idle connections.
    is_watched: AtomicBool,
}

impl Http {
    /// `pem` is what the files of `settings` hold. Opens no connection.
    pub(crate) fn new(settings: &Settings, pem: Arc<Pem>, resolver: &Arc<Resolver>) -> CrateResult<Self> {
        let proxy = settings.proxy.as_deref().map(Proxy::parse).transpose()?;
        let tls = Tls::new(settings.tls.clone(), pem);
        Ok(Self::with(settings, Connector { resolver: resolver.clone(), proxy, tls }))
    }

    fn with(settings: &Settings, connector: Connector) -> Self {
        Self { settings: settings.clone(), connector, pool: Pool::default(), is_watched: AtomicBool::new(false) }
    }

    /// Tells answers from what only looks like one.
    fn check(&self, response: Response, endpoint: &Endpoint) -> Result<Response, Error> {
        let refusal = self.connector.proxy.as_ref().and_then(|proxy| proxy.refusal(&response, endpoint));
        refusal.or_else(|| advice::on_answer(&response, endpoint)).map_or(Ok(response), Err)
    }
}

impl Transport for Http {
    fn exchange<'a>(&'a self, mut request: Request, limits: &'a Limits<'a>) -> Boxed<'a, Result<Response, Error>> {
        coding::restrict(&mut request.headers);
        request.headers.entry(USER_AGENT).or_insert_with(|| self.settings.user_agent.0.clone());
        let (options, endpoint) = (request.options, request.endpoint.clone());
        // Handed on by reference: each future that takes it by value would have room for it twice.
        let mut message = Some(message(request));
        Box::pin(async move {
            let (with, to) = ((&self.pool, &self.connector), (&endpoint, options));
            let response = exchange::exchange(with, &mut message, to, limits).await?;
            let is_over = || limits.check().is_err() || limits.remaining().is_zero();
            let decoded = coding::decode(response, options.largest_answer, is_over).map_err(|error| match error.kind {
                ErrorKind::Timeout if limits.check().is_err() => Error { kind: ErrorKind::Interrupted, ..error },
                _ => error,
            });
            self.check(decoded?, &endpoint)
        })
    }

    fn reap_idle(&self) -> Reaped {
        let mut lost = false;
        for gone in self.pool.close_idle(|connection| !connection.is_alive()) {
            if gone.is_closed_by_server() {
                self.connector.forget(&gone.endpoint);
                lost |= gone.was_just_in_use();
            }
        }
        self.pool.trim();
        let left = self.pool.has_idle();
        self.is_watched.store(left, Ordering::Relaxed);
        Reaped { left, lost }
    }

    fn wants_reaping(&self) -> bool {
        !self.is_watched.load(Ordering::Relaxed)
            && self.pool.has_idle()
            && !self.is_watched.swap(true, Ordering::Relaxed)
    }

    fn renew(&self, pem: Arc<Pem>) {
        self.connector.tls.renew(pem);
    }

    fn prepare(&self, over_tls: bool) {
        if over_tls || self.connector.proxy.as_ref().is_some_and(Proxy::is_https) {
            _ = self.connector.tls.current().config(); // what is wrong connections tell
        }
    }

    fn forked(&self, resolver: &Arc<Resolver>) -> Arc<dyn Transport> {
        let Connector { proxy, tls, .. } = &self.connector;
        let connector = Connector { resolver: resolver.clone(), proxy: proxy.clone(), tls: tls.forked() };
        Arc::new(Self::with(&self.settings, connector))
    }
}
