//! Connections against servers of a few lines, which answer with whatever bytes a test wants. What both engines promise
//! is asked of both.

mod advice;
mod coding;
mod exchange;
mod names;
mod server;
mod tls;

use std::{
    net::SocketAddr,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use self::server::*;
use super::{transport::Settings, *};
use crate::wait::{Cancel, Executor, Waiters, here};

const LONG: Duration = Duration::from_secs(60);

fn settings() -> Settings {
    Settings::default()
}

fn http_with(settings: &Settings) -> Http {
    let pem = Arc::new(settings.tls.read().unwrap());
    Http::new(settings, pem, &Arc::default()).unwrap()
}

fn http() -> Http {
    http_with(&settings())
}

fn request_to(https: bool, host: &str, port: u16, method: Method) -> Request {
    Request {
        method,
        endpoint: Arc::new(Endpoint::new(https, host, port)),
        target: "/nacos/x?secret=1".parse().unwrap(),
        headers: HeaderMap::new(),
        body: Bytes::new().into(),
        options: Options {
            largest_answer: 100_000,
            connect_timeout: Duration::from_secs(5),
            max_connections: Some(128),
            reuse: true,
        },
    }
}

fn request(address: SocketAddr, method: Method) -> Request {
    request_to(false, &address.ip().to_string(), address.port(), method)
}

/// A handle whose calls send.
struct Caller {
    executor: Executor,
    closed: AtomicBool,
    waiters: Arc<Waiters>,
}

impl Caller {
    fn new(executor: Executor) -> Self {
        Self { executor, closed: AtomicBool::new(false), waiters: Arc::default() }
    }

    fn limits<'a>(&'a self, within: Duration, cancel: Option<&'a Cancel>) -> Limits<'a> {
        let limits = Limits::new(within, cancel.map_or(&[], std::slice::from_ref), &self.closed, &self.waiters);
        if self.executor == Executor::Runtime { limits.of_task() } else { limits }
    }

    /// Waits for `call`, which has `limits`.
    fn run<T>(&self, limits: &Limits<'_>, call: impl Future<Output = T>) -> T {
        match self.executor {
            Executor::Caller => here(call),
            Executor::Runtime => RUNTIME.block_on(limits.as_task(call)),
        }
    }

    fn send(
        &self,
        http: &Http,
        request: &Request,
        within: Duration,
        cancel: Option<&Cancel>,
    ) -> Result<Response, Error> {
        let limits = self.limits(within, cancel);
        self.run(&limits, http.exchange(request.clone(), &limits))
    }

    fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        self.waiters.interrupt();
    }
}

/// One for all tests, driven by a thread of its own, as idle connections belong to their runtime.
static RUNTIME: LazyLock<tokio::runtime::Handle> = LazyLock::new(|| {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let handle = runtime.handle().clone();
    thread::spawn(move || runtime.block_on(std::future::pending::<()>()));
    handle
});

fn send(executor: Executor, http: &Http, request: &Request) -> Result<Response, Error> {
    Caller::new(executor).send(http, request, LONG, None)
}

const EXECUTORS: [Executor; 2] = [Executor::Caller, Executor::Runtime];

/// Answers to each request of a connection.
fn answering(answer: impl Into<Vec<u8>>) -> Server {
    let answer = answer.into();
    Server::new(move |mut stream| {
        while read_request(&mut stream).is_some() {
            if stream.write_all(&answer).is_err() {
                return;
            }
        }
    })
}

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

#[test]
fn both_engines_bring_back_what_the_server_says() {
    for executor in EXECUTORS {
        let server = answering(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 3\r\n\r\nhey");
        let answer = send(executor, &http(), &request(server.address, Method::GET)).unwrap();
        assert_eq!((answer.status, &answer.body[..]), (302, &b"hey"[..]), "{executor:?}: a redirect is an answer");
        let sent = server.last_request();
        assert!(sent.starts_with("GET /nacos/x?secret=1 HTTP/1.1\r\n"), "{executor:?}: {sent}");
        for line in [format!("host: {}", server.address), "accept: */*".into(), format!("user-agent: {AGENT}")] {
            assert!(sent.to_ascii_lowercase().contains(&line), "{executor:?}: {line} in {sent}");
        }
    }
}

#[test]
fn both_engines_send_bodies() {
    for executor in EXECUTORS {
        let server = answering(OK);
        let mut out = request(server.address, Method::POST);
        out.body = Bytes::from_static(b"a=b").into();
        assert_eq!(send(executor, &http(), &out).unwrap().status, 200);
        let sent = server.last_request();
        assert!(
            sent.to_ascii_lowercase().contains("content-length: 3") && sent.ends_with("\r\n\r\na=b"),
            "{executor:?}: {sent}"
        );
    }
}

#[test]
fn both_engines_cut_long_refusals_and_refuse_long_answers() {
    let endless = |head: &'static [u8]| {
        Server::new(move |mut stream| {
            read_request(&mut stream);
            let _ = stream.write_all(head);
            while stream.write_all(&[b'x'; 10_000]).is_ok() {}
        })
    };
    for executor in EXECUTORS {
        let refusal = endless(b"HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n");
        let answer = send(executor, &http(), &request(refusal.address, Method::GET)).unwrap();
        assert_eq!((answer.status, answer.body.len()), (403, 64 * 1024), "{executor:?}");
        let answer = endless(b"HTTP/1.1 200 OK\r\n\r\n");
        let error = send(executor, &http(), &request(answer.address, Method::GET)).unwrap_err();
        assert_eq!((error.kind, error.phase), (ErrorKind::TooLarge, Phase::Answer), "{executor:?}");
    }
}

#[test]
fn both_engines_sort_failures_by_phase_and_hide_the_query() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let cut = Server::new(|mut stream| {
        read_request(&mut stream);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nx");
    });
    let babble = Server::new(|mut stream| {
        read_request(&mut stream);
        let _ = stream.write_all(b"SSH-2.0-OpenSSH\r\n\r\n");
    });
    let hangs_up = Server::new(|mut stream| _ = read_request(&mut stream));
    for executor in EXECUTORS {
        for (address, sent) in [(nobody, false), (cut.address, true), (babble.address, true), (hangs_up.address, true)]
        {
            let error = send(executor, &http(), &request(address, Method::POST)).unwrap_err();
            assert_eq!((error.kind, error.was_sent()), (ErrorKind::Broken, sent), "{executor:?}: {error:?}");
            assert!(!error.cause.contains("secret"), "{executor:?}: {error:?}");
        }
        let unknown = send(executor, &http(), &request_to(false, "name.invalid", 80, Method::GET)).unwrap_err();
        assert!(!unknown.was_sent() && unknown.phase == Phase::Resolve, "{executor:?}: {unknown:?}");
        assert!(unknown.cause.contains("name.invalid"), "{executor:?}: {unknown:?}");
    }
}

#[test]
fn both_engines_go_through_a_proxy() {
    for scheme in ["http", "socks5h", "socks5", "socks4"] {
        for executor in EXECUTORS {
            let target = answering(OK);
            let proxy = proxy(scheme);
            let address = format!("{scheme}://{}", proxy.address);
            let http = http_with(&Settings { proxy: Some(address), ..settings() });
            let answer = send(executor, &http, &request(target.address, Method::GET));
            assert_eq!(answer.map(|a| a.status).map_err(|e| e.cause), Ok(200), "{executor:?} by {scheme}");
            assert_eq!(proxy.connections(), 1, "{executor:?} by {scheme}");
        }
    }
}

#[test]
fn unusable_settings_are_named() {
    let wrong = |tls: TlsSettings, proxy: Option<&str>| {
        let settings = Settings { tls, proxy: proxy.map(str::to_owned), ..Settings::default() };
        let error = settings.tls.read().map(drop).and_then(|()| settings.check());
        error.unwrap_err().to_string()
    };
    let tls = TlsSettings::default;
    assert!(
        wrong(TlsSettings { ca: Some(PemSource::File("/nowhere.pem".into())), ..tls() }, None)
            .starts_with("ca_file: cannot read /nowhere.pem")
    );
    assert!(
        wrong(TlsSettings { ca: Some(PemSource::File("Cargo.toml".into())), ..tls() }, None)
            .starts_with("ca_file: no certificate in Cargo.toml")
    );
    assert!(wrong(TlsSettings { cert: Some(PemSource::File("a".into())), ..tls() }, None).contains("go together"));
    for proxy in ["http://", "gopher://a", "a", ""] {
        assert!(wrong(tls(), Some(proxy)).starts_with("proxy:"), "{proxy}");
    }
}

#[test]
fn both_engines_say_who_they_are() {
    for (agent, expected) in
        [(None, concat!("nacos-auth/", env!("CARGO_PKG_VERSION"))), (Some("my-app/2.1"), "my-app/2.1")]
    {
        for executor in EXECUTORS {
            let (heard, says) = std::sync::mpsc::channel();
            let server = Server::new(move |mut peer| {
                while let Some(request) = read_request(&mut peer) {
                    heard.send(request).unwrap();
                    let _ = peer.stream.write_all(OK);
                }
            });
            let user_agent = agent.map(|agent| UserAgent::parse(agent).unwrap()).unwrap_or_default();
            let http = http_with(&Settings { user_agent, ..settings() });
            send(executor, &http, &request(server.address, Method::GET)).unwrap();
            let request = says.recv().unwrap().to_ascii_lowercase();
            let agents: Vec<&str> = request.lines().filter_map(|line| line.strip_prefix("user-agent: ")).collect();
            assert_eq!(agents, [expected], "{executor:?}");
        }
    }
    for wrong in ["", " ", "a\nb"] {
        assert!(UserAgent::parse(wrong).is_err(), "{wrong:?}");
    }
}

#[test]
fn a_name_for_tls_is_a_dns_name() {
    for name in ["", "127.0.0.1", "::1", "a b", "a/b"] {
        let tls = TlsSettings { server_name: Some(name.to_owned()), ..TlsSettings::default() };
        let error = Settings { tls, ..Settings::default() }.check().unwrap_err();
        assert!(error.to_string().starts_with("tls_server_name:"), "{name}");
    }
}
