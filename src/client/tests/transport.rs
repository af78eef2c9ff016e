//! A scripted transport under a client, for tests.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicUsize, Ordering};

use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue,
    header::{AUTHORIZATION, RETRY_AFTER},
};

use super::*;
use crate::{
    http::{Boxed, Error as HttpError, ErrorKind, Pem, Phase, Reaped, Resolver},
    wait::Executor,
};

/// What a server is sent.
pub(super) type Outgoing = crate::http::Request;

/// Why a server does not answer.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fault {
    Connect,
    Io,
    Timeout,
    TooLarge,
    Undecodable,
    /// It answers: this status, a page, and when to come again.
    AskedToWait(u16),
    /// A login is not answered yet; the script is asked again soon.
    NotYet,
}

/// What a server answers, or why it does not.
pub(super) type Script = Box<dyn Fn(&Outgoing) -> Result<(u16, String), Fault> + Send + Sync>;

/// A transport that answers as its script says, and counts.
pub(super) struct Scripted {
    logins: AtomicU32,
    requests: AtomicU32,
    /// The login API there is: 1 or 3. 0: the script answers at every path.
    api: AtomicU8,
    /// How long a login takes; `None`: for ever.
    login_takes: Option<Duration>,
    login: Script,
    request: Script,
    /// Whether the refresher meets a panic on its next round.
    faulty: AtomicBool,
}

fn answer(said: Result<(u16, String), Fault>) -> Result<crate::http::Response, HttpError> {
    let failed = |fault| match fault {
        Fault::Connect => HttpError::new(Phase::Connect, ErrorKind::Broken, "scripted"),
        Fault::Io => HttpError::new(Phase::Answer, ErrorKind::Broken, "scripted"),
        Fault::TooLarge => HttpError::new(Phase::Answer, ErrorKind::TooLarge, "scripted"),
        Fault::Undecodable => HttpError::new(Phase::Answer, ErrorKind::Undecodable, "scripted"),
        Fault::AskedToWait(_) | Fault::NotYet => unreachable!("no failure"),
        Fault::Timeout => HttpError::new(Phase::Answer, ErrorKind::Slow, "scripted"),
    };
    let mut headers = HeaderMap::new();
    let (status, body) = match said {
        Err(Fault::AskedToWait(status)) => {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("30"));
            (status, "<html>busy</html>".into())
        }
        said => said.map_err(failed)?,
    };
    Ok(crate::http::Response { status, headers, body: Bytes::from(body), truncated: false, lost_connection: false })
}

impl Transport for Scripted {
    fn exchange<'a>(
        &'a self,
        out: Outgoing,
        limits: &'a Limits<'a>,
    ) -> Boxed<'a, Result<crate::http::Response, HttpError>> {
        Box::pin(async move {
            if out.options.max_connections.is_none() && out.method == "GET" {
                return answer((self.request)(&out)); // a login looks at the state page
            }
            if out.options.max_connections.is_some() {
                self.requests.fetch_add(1, Ordering::SeqCst);
                return answer((self.request)(&out));
            }
            assert_eq!(limits.executor, Executor::Runtime);
            let (v1, status) = (out.target.path().contains("/v1/"), if self.has_v1() { 404 } else { 410 });
            if v1 != self.has_v1() && self.api.load(Ordering::SeqCst) != 0 {
                return Ok(crate::http::Response {
                    status,
                    headers: HeaderMap::new(),
                    body: Bytes::new(),
                    lost_connection: false,
                    truncated: false,
                });
            }
            self.logins.fetch_add(1, Ordering::SeqCst);
            // A server looks at a token before it looks at the password.
            assert!(out.headers.get(AUTHORIZATION).is_none() && out.headers.get("accessToken").is_none());
            assert!(out.target.query().is_none() && !body(&out).contains("accessToken"));
            match self.login_takes {
                Some(time) => tokio::time::sleep(time).await,
                None => std::future::pending().await,
            }
            loop {
                match (self.login)(&out) {
                    Err(Fault::NotYet) => tokio::time::sleep(Duration::from_millis(5)).await,
                    said => return answer(said),
                }
            }
        })
    }

    fn reap_idle(&self) -> Reaped {
        assert!(!self.faulty.swap(false, Ordering::SeqCst), "scripted");
        Reaped { left: false, lost: false }
    }

    fn wants_reaping(&self) -> bool {
        false
    }

    fn renew(&self, _: Arc<Pem>) {}

    fn prepare(&self, _: bool) {}

    fn forked(&self, _: &Arc<Resolver>) -> Arc<dyn Transport> {
        panic!("no test forks")
    }
}

impl Scripted {
    fn has_v1(&self) -> bool {
        self.api.load(Ordering::SeqCst) == 1
    }
}

/// A client over a scripted transport.
pub(super) struct Fixture {
    pub(super) client: Arc<Client>,
    transport: Arc<Scripted>,
}

impl Fixture {
    pub(super) fn logins(&self) -> u32 {
        self.transport.logins.load(Ordering::SeqCst)
    }

    pub(super) fn requests(&self) -> u32 {
        self.transport.requests.load(Ordering::SeqCst)
    }

    /// From now on only this login API is there.
    pub(super) fn speaks(&self, api: u8) {
        self.transport.api.store(api, Ordering::SeqCst);
    }

    /// The refresher is going to meet a panic.
    pub(super) fn breaks_the_refresher(&self) {
        self.transport.faulty.store(true, Ordering::SeqCst);
        process::current().wake();
        while self.transport.faulty.load(Ordering::SeqCst) {
            std::thread::yield_now();
        }
    }

    pub(super) fn get(&self) -> Result<Response> {
        self.client.request(Request::get("/v1/x").unwrap())
    }

    /// As if a server had taken it before the test begins.
    pub(super) fn takes_its_first_token(&self) {
        let token = self.client.token().unwrap();
        self.client.report_rejected(token.generation, 200, b"").unwrap();
    }

    pub(super) fn session(&self) -> Arc<Session> {
        self.client.live().session()
    }

    /// Another handle with the same configuration.
    pub(super) fn sibling(&self) -> Client {
        self.another(|| panic!("known"))
    }

    /// The only handle goes, and the same program makes another.
    pub(super) fn comes_back(&self) -> Client {
        self.client.close();
        let transport = self.transport.clone();
        self.another(move || Ok(transport as Arc<dyn Transport>))
    }

    fn another(&self, connect: impl FnOnce() -> Result<Arc<dyn Transport>>) -> Client {
        let session = self.session();
        let checked = Checked {
            origin: session.origin.clone(),
            source: session.source.clone(),
            listener: None,
            connect_timeout: Duration::from_secs(2),
            request_timeout: Duration::from_secs(5),
            max_operations: 16,
            max_response_size: 64 << 20,
            max_connections: 128,
            anonymous: Anonymous::default(),
        };
        Client::over(checked, connect).unwrap()
    }
}

/// `servers` hosts whose names nobody else uses.
fn unique_servers(servers: usize) -> String {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let set = NEXT.fetch_add(1, Ordering::SeqCst);
    (0..servers).map(|n| format!("host{n}.set{set}")).collect::<Vec<_>>().join(",")
}

/// What a login takes unless it matters.
pub(super) const SOON: Option<Duration> = Some(Duration::from_millis(50));

/// A client of one server.
pub(super) fn fixture(login_takes: Option<Duration>, login: Script, request: Script) -> Fixture {
    cluster(1, login_takes, login, request)
}

/// A client of several servers, `host0.…`, `host1.…` and so on.
pub(super) fn cluster(servers: usize, login_takes: Option<Duration>, login: Script, request: Script) -> Fixture {
    let config = Config::new(&unique_servers(servers), "nacos", "hunter2");
    configured(config, login_takes, login, request)
}

/// A client of one server with a configuration of its own.
pub(super) fn with(config: impl FnOnce(&str) -> Config, login: Script, request: Script) -> Fixture {
    configured(config(&unique_servers(1)), SOON, login, request)
}

pub(super) fn configured(config: Config, login_takes: Option<Duration>, login: Script, request: Script) -> Fixture {
    let (logins, requests, api) = (AtomicU32::new(0), AtomicU32::new(0), AtomicU8::new(1));
    let scripted =
        Arc::new(Scripted { logins, requests, api, login_takes, login, request, faulty: AtomicBool::new(false) });
    let checked = config.check().unwrap();
    let transport = scripted.clone();
    let client = Client::over(checked, move || Ok(transport as Arc<dyn Transport>)).unwrap();
    Fixture { client: Arc::new(client), transport: scripted }
}

/// Logins that bring t1, t2, …, and the last of them.
pub(super) fn tokens() -> (Script, Arc<Mutex<String>>) {
    let current = Arc::new(Mutex::new(String::new()));
    let (issued, count) = (current.clone(), AtomicU32::new(0));
    let login = move |_: &Outgoing| {
        let token = format!("t{}", count.fetch_add(1, Ordering::SeqCst) + 1);
        *issued.lock() = token.clone();
        Ok((200, format!(r#"{{"accessToken":"{token}","tokenTtl":18000}}"#)))
    };
    (Box::new(login), current)
}

/// Always the same answer.
pub(super) fn says(status: u16, body: impl Into<String>) -> Script {
    let body = body.into();
    Box::new(move |_| Ok((status, body.clone())))
}

/// The body of a request.
pub(super) fn body(out: &Outgoing) -> String {
    match &out.body {
        crate::http::Body::Whole(bytes) => String::from_utf8(bytes.to_vec()).unwrap(),
        crate::http::Body::Lent(_) => panic!("no test lends"),
    }
}

/// The token on a request.
pub(super) fn bearer(out: &Outgoing) -> String {
    out.headers.get(AUTHORIZATION).map_or(String::new(), |v| v.to_str().unwrap()["Bearer ".len()..].into())
}
