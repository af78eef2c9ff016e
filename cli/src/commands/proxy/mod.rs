//! `nacos-auth proxy`: puts the token on what clients send.
//!
//! `listen` → `serve` (connections of clients, `wire` beneath) → `gate` (what may pass, `strip` the clients' tokens) → `own`
//! (logins, state, figures) or `forward` → `tokens`, `upstream` (→ `connect` → `tls`) and `library`.

mod answer;
mod body;
mod connect;
mod decode;
mod figures;
mod forward;
mod gate;
mod library;
pub(crate) mod listen;
mod own;
mod serve;
mod strip;
mod tls;
mod tokens;
mod upstream;
mod wire;

use std::{
    net::{IpAddr, SocketAddr},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use http::{HeaderValue, Request, Response, header};
use http_body::Body;
use hyper::body::Incoming;
use nacos_auth::{Client, Level, TokenPlace};
use tokio::{
    runtime::Runtime,
    signal::unix::{SignalKind, signal},
    sync::mpsc::{self, Receiver},
};

use self::{
    body::AnyBody,
    figures::{Count, Figures},
    gate::{Gate, Wanted},
    library::Library,
    listen::{Address, Bound},
    tokens::Tokens,
    upstream::Upstream,
    wire::Record,
};
use crate::{
    args,
    exit::{Failure, Result},
    settings::Settings,
};

/// One login for all who come.
pub(crate) struct Proxy {
    client: Arc<Client>,
    tokens: Tokens,
    upstream: Upstream,
    gate: Gate,
    figures: Figures,
    library: Library,
    token_in: TokenPlace,
    request_timeout: Duration,
}

impl Proxy {
    /// `hosts`: names by which clients may call it besides its addresses.
    pub(crate) fn new(client: Arc<Client>, settings: &Settings, hosts: &[String], bound: &[Bound]) -> Result<Self> {
        let upstream = Upstream::new(settings)?;
        let addresses: Vec<SocketAddr> = bound.iter().filter_map(Bound::address).collect();
        check_loop(&upstream, &addresses)?;
        let servers = upstream.servers().iter().map(|server| server.host().to_owned());
        let own = addresses.iter().map(|address| match address.ip() {
            IpAddr::V4(ip) => ip.to_string(),
            IpAddr::V6(ip) => format!("[{ip}]"),
        });
        let hosts = hosts.iter().cloned().chain(servers).chain(own).map(|host| host.to_ascii_lowercase()).collect();
        let any_address = addresses.iter().any(|address| address.ip().is_unspecified());
        let context = settings.context_path.as_deref().unwrap_or("/nacos").trim().trim_matches('/');
        let context = if context.is_empty() { String::new() } else { format!("/{context}") };
        Ok(Self {
            tokens: Tokens::new(client.clone()),
            client,
            upstream,
            gate: Gate { hosts, any_address, context },
            figures: Figures::default(),
            library: Library::default(),
            token_in: settings.token_in,
            request_timeout: settings.request_timeout,
        })
    }

    /// Serves until the first of `stops`, then lets what is under way end within `drain`, or until the second; true if all of
    /// it has ended.
    pub(crate) async fn serve(
        self,
        bound: Vec<Bound>,
        most_clients: usize,
        stops: &mut Receiver<()>,
        drain: Duration,
    ) -> Result<bool> {
        let proxy = Arc::new(self);
        // So that the first request need not wait for a login.
        _ = proxy.client.token_without_waiting();
        let served = serve::serve(proxy, bound, most_clients, stops, drain).await;
        served.map_err(|e| Failure::local("cannot listen", e))
    }

    async fn answer(&self, request: Request<Incoming>, record: &Record) -> Response<AnyBody> {
        let _going = self.figures.going(Count::InFlight);
        self.figures.count(Count::Requests);
        let (parts, body) = request.into_parts();
        let length = body.size_hint().exact();
        let framing = record.next(length);
        let result = match self.gate.check(&parts, framing) {
            Ok(Wanted::Own) => self.own(&parts),
            Ok(Wanted::Login) => self.login(&parts, body).await,
            Ok(Wanted::Server) => self.forward(parts, body).await,
            Err(refusal) => Err(refusal),
        };
        let mut response = result.unwrap_or_else(|refusal| {
            self.figures.count(Count::Refused);
            refusal.response()
        });
        if length.is_none() {
            // Where it ended is known to hyper alone.
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        self.figures.answered(response.status());
        response
    }
}

/// A proxy that is its own server would ask itself for ever.
fn check_loop(upstream: &Upstream, addresses: &[SocketAddr]) -> Result<()> {
    for server in upstream.servers() {
        let host = server.host().trim_start_matches('[').trim_end_matches(']');
        let is_here = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
        if is_here && addresses.iter().any(|address| Some(address.port()) == server.port()) {
            let message =
                format!("server_addr: {} is where the proxy itself listens; give the servers'", server.name());
            return Err(Failure::setting(message));
        }
    }
    Ok(())
}

/// Each connection of a client may need another one to a server.
pub(crate) fn raise_descriptors() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
}

pub(crate) fn runtime() -> Result<Runtime> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.map_err(|e| Failure::local("cannot start", e))
}

pub(crate) fn run(args: &args::Proxy, settings: &Settings) -> Result<ExitCode> {
    let addresses: Vec<_> =
        args.listen.iter().map(|text| Address::parse(text, args.allow_remote)).collect::<Result<_>>()?;
    let client = Arc::new(settings.client(Level::Info)?);
    raise_descriptors();
    let bound: Vec<_> = addresses.iter().map(Address::bind).collect::<Result<_>>()?;
    let proxy = Proxy::new(client.clone(), settings, &args.host, &bound)?;
    let runtime = runtime()?;
    let ended = runtime.block_on(async {
        let watch = |kind| signal(kind).map_err(|e| Failure::local("cannot watch signals", e));
        let (mut term, mut int) = (watch(SignalKind::terminate())?, watch(SignalKind::interrupt())?);
        // The first signal ends it, the second one ends it at once.
        let (sender, mut receiver) = mpsc::channel(2);
        tokio::spawn(async move {
            loop {
                tokio::select! { _ = term.recv() => {}, _ = int.recv() => {} }
                _ = sender.send(()).await;
            }
        });
        for bound in &bound {
            eprintln!("nacos-auth: listening on {}", bound.name());
        }
        _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);
        let drain = args.drain;
        proxy.serve(bound, args.max_clients as usize, &mut receiver, drain).await
    })?;
    if !ended {
        eprintln!("nacos-auth: requests were still under way after {:?}, and are cut off", args.drain);
    }
    client.close();
    runtime.shutdown_background();
    Ok(ExitCode::SUCCESS)
}
