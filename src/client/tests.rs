//! The client over a scripted wire: threads, deadlines, replays.

use std::{
    sync::{
        Barrier,
        atomic::{AtomicU32, AtomicUsize},
    },
    thread,
};

use bytes::Bytes;
use http::{HeaderMap, header::AUTHORIZATION};
use parking_lot::Mutex;

use super::*;
use crate::{
    Kind,
    transport::{Boxed, Failure, Incoming, Outgoing, Trouble},
};

type Script = Box<dyn Fn(&Outgoing) -> Result<(u16, String), Trouble> + Send + Sync>;

/// A wire that answers as its script says, and counts.
struct Wire {
    logins: AtomicU32,
    requests: AtomicU32,
    /// How long a login takes; `None`: for ever.
    login_takes: Option<Duration>,
    login: Script,
    request: Script,
}

fn answer(script: &Script, out: &Outgoing) -> Result<Incoming, Failure> {
    let (status, body) = script(out).map_err(|trouble| Failure { trouble, cause: "scripted".into() })?;
    Ok(Incoming { status, headers: HeaderMap::new(), body: Bytes::from(body) })
}

impl Transport for Wire {
    fn exchange(&self, out: Outgoing, _: Instant, _: Boxed<'_, ()>) -> Result<Incoming, Failure> {
        self.requests.fetch_add(1, Ordering::SeqCst);
        answer(&self.request, &out)
    }

    fn exchange_once(&self, out: Outgoing) -> Boxed<'_, Result<Incoming, Failure>> {
        Box::pin(async move {
            if out.url.path().contains("/v3/") {
                return Ok(Incoming { status: 404, headers: HeaderMap::new(), body: Bytes::new() });
            }
            self.logins.fetch_add(1, Ordering::SeqCst);
            assert!(out.headers.get(AUTHORIZATION).is_none() && out.url.query().is_none());
            match self.login_takes {
                Some(time) => tokio::time::sleep(time).await,
                None => std::future::pending().await,
            }
            answer(&self.login, &out)
        })
    }

    fn tidy(&self) {}
}

/// A server that issues t1, t2, … and accepts the last one only.
struct Fixture {
    client: Client,
    wire: Arc<Wire>,
}

fn unique_server() -> String {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    format!("host{}", NEXT.fetch_add(1, Ordering::SeqCst))
}

fn fixture(login_takes: Option<Duration>, login: Script, request: Script) -> Fixture {
    let wire = Wire { logins: AtomicU32::new(0), requests: AtomicU32::new(0), login_takes, login, request };
    let wire = Arc::new(wire);
    let checked = Config::new(&unique_server(), "nacos", "hunter2").check().unwrap();
    let transport = wire.clone();
    Fixture { client: Client::over(checked, move || Ok(transport)).unwrap(), wire }
}

fn tokens() -> (Script, Arc<Mutex<String>>) {
    let current = Arc::new(Mutex::new(String::new()));
    let (issued, count) = (current.clone(), AtomicU32::new(0));
    let login = move |_: &Outgoing| {
        let token = format!("t{}", count.fetch_add(1, Ordering::SeqCst) + 1);
        *issued.lock() = token.clone();
        Ok((200, format!(r#"{{"accessToken":"{token}","tokenTtl":18000}}"#)))
    };
    (Box::new(login), current)
}

fn bearer(out: &Outgoing) -> String {
    out.headers.get(AUTHORIZATION).map_or(String::new(), |v| v.to_str().unwrap()["Bearer ".len()..].into())
}

const SOON: Option<Duration> = Some(Duration::from_millis(50));

fn logins(f: &Fixture) -> u32 {
    f.wire.logins.load(Ordering::SeqCst)
}

#[test]
fn a_thousand_threads_share_one_login() {
    let f = fixture(SOON, tokens().0, Box::new(|_| Ok((200, String::new()))));
    let start = Barrier::new(1000);
    thread::scope(|scope| {
        for _ in 0..1000 {
            scope.spawn(|| {
                start.wait();
                assert_eq!(f.client.token().unwrap().secret.expose(), "t1");
            });
        }
    });
    assert_eq!((logins(&f), f.client.stats().logins), (1, 1));
}

#[test]
fn a_thousand_threads_share_one_error() {
    let login: Script = Box::new(|_| Ok((403, "unknown user!".into())));
    let f = fixture(SOON, login, Box::new(|_| Ok((403, "unknown user!".into()))));
    let start = Barrier::new(100);
    thread::scope(|scope| {
        for _ in 0..100 {
            scope.spawn(|| {
                start.wait();
                let error = f.client.token().unwrap_err();
                assert_eq!((error.kind(), error.http_status()), (Kind::BadCredentials, Some(403)));
                assert!(!error.message().contains("hunter2") && error.retry_after().is_some());
            });
        }
    });
    let later = f.client.token().unwrap_err();
    assert!(later.retry_after().unwrap() > Duration::from_secs(15));
    assert_eq!(logins(&f), 1);
}

#[test]
fn requests_refused_for_their_token_are_replayed_after_one_login() {
    let (login, current) = tokens();
    let request = move |out: &Outgoing| {
        thread::sleep(Duration::from_millis(1));
        if bearer(out) == *current.lock() && bearer(out) != "t1" {
            Ok((200, "ok".into()))
        } else {
            Ok((403, "token expired!".into()))
        }
    };
    let f = fixture(SOON, login, Box::new(request));
    let replays = AtomicU32::new(0);
    thread::scope(|scope| {
        for _ in 0..100 {
            scope.spawn(|| {
                let response = f.client.request(Request::post("/v1/x").unwrap().body("b")).unwrap();
                assert_eq!((response.status(), &response.body()[..]), (200, &b"ok"[..]));
                replays.fetch_add(response.replays(), Ordering::SeqCst);
            });
        }
    });
    assert_eq!(logins(&f), 2);
    let sent = f.wire.requests.load(Ordering::SeqCst);
    assert_eq!(sent, 100 + replays.load(Ordering::SeqCst), "no request is sent more than twice");
}

#[test]
fn a_missing_permission_is_handed_on_without_a_login() {
    let f = fixture(SOON, tokens().0, Box::new(|_| Ok((403, "authorization failed!".into()))));
    for _ in 0..100 {
        let response = f.client.request(Request::get("/v1/x").unwrap()).unwrap();
        assert_eq!((response.status(), response.replays()), (403, 0));
    }
    let stats = f.client.stats();
    assert_eq!((logins(&f), stats.rejections_permission, stats.replays), (1, 100, 0));
}

#[test]
fn a_deadline_ends_the_wait_but_not_the_login() {
    let f = fixture(Some(Duration::from_millis(400)), tokens().0, Box::new(|_| Ok((200, String::new()))));
    let began = Instant::now();
    let error = f.client.token_within(Duration::from_millis(50), None).unwrap_err();
    assert_eq!(error.kind(), Kind::Timeout);
    assert!(began.elapsed() < Duration::from_millis(300));
    assert_eq!(f.client.token().unwrap().secret.expose(), "t1");
    assert_eq!(logins(&f), 1);
}

#[test]
fn without_a_server_calls_wait_for_the_next_attempt_if_their_deadline_allows() {
    let f = fixture(SOON, Box::new(|_| Err(Trouble::Connect)), Box::new(|_| Err(Trouble::Connect)));
    assert_eq!(f.client.token().unwrap_err().kind(), Kind::Connect);
    let began = Instant::now();
    let hasty = f.client.token_within(Duration::from_millis(100), None).unwrap_err();
    assert_eq!(hasty.kind(), Kind::Connect);
    assert!(hasty.retry_after().is_some() && began.elapsed() < Duration::from_millis(90));
    let before = logins(&f);
    assert_eq!(f.client.token().unwrap_err().kind(), Kind::Connect);
    assert_eq!(logins(&f), before + 1, "one attempt more");
}

/// Runs `end` while a call waits for a login that never ends; how the call ended, and how long after.
fn hung(end: impl FnOnce(&Client, &Cancel)) -> (Kind, Duration) {
    let f = fixture(None, tokens().0, Box::new(|_| Ok((200, String::new()))));
    let cancel = Cancel::new();
    thread::scope(|scope| {
        let call = scope.spawn(|| {
            let error = f.client.token_within(Duration::from_secs(60), Some(&cancel)).unwrap_err();
            (error.kind(), Instant::now())
        });
        while logins(&f) == 0 {
            thread::yield_now();
        }
        let ended = Instant::now();
        end(&f.client, &cancel);
        let (kind, at) = call.join().unwrap();
        (kind, at - ended)
    })
}

#[test]
fn close_and_cancel_wake_a_caller_in_the_middle_of_a_hung_login() {
    let (kind, after) = hung(|client, _| client.close());
    assert_eq!(kind, Kind::Closed);
    assert!(after < Duration::from_millis(100), "{after:?}");
    let (kind, after) = hung(|_, cancel| cancel.trigger());
    assert_eq!(kind, Kind::Cancelled);
    assert!(after < Duration::from_millis(100), "{after:?}");
}

#[test]
fn new_credentials_are_used_at_once() {
    let login: Script = Box::new(|out| {
        let right = std::str::from_utf8(&out.body).unwrap().ends_with("password=right");
        if right { Ok((200, r#"{"accessToken":"t"}"#.into())) } else { Ok((403, "user not found!".into())) }
    });
    let f = fixture(SOON, login, Box::new(|_| Ok((403, "user not found!".into()))));
    assert_eq!(f.client.token().unwrap_err().kind(), Kind::BadCredentials);
    f.client.set_credentials("nacos", "right").unwrap();
    assert_eq!(f.client.token().unwrap().secret.expose(), "t");
    let stats = f.client.stats();
    assert_eq!((stats.logins, stats.login_failures), (1, 1));
    assert_eq!(f.client.set_credentials("", "x").unwrap_err().kind(), Kind::InvalidArgument);
}

#[test]
fn a_broken_connection_is_retried_once_and_only_if_that_does_no_harm() {
    for (method, sent) in [("GET", 2), ("DELETE", 2), ("POST", 1)] {
        let f = fixture(SOON, tokens().0, Box::new(|_| Err(Trouble::Io)));
        let error = f.client.request(Request::new(method, "/v1/x").unwrap()).err().unwrap();
        assert_eq!(error.kind(), Kind::Io);
        assert_eq!(f.wire.requests.load(Ordering::SeqCst), sent, "{method}");
    }
}

#[test]
fn an_open_server_is_served_without_a_token_although_no_login_succeeds() {
    let failing = || -> Script { Box::new(|_| Ok((500, "caused: User nacos not found;".into()))) };
    let open = fixture(
        SOON,
        failing(),
        Box::new(|out| {
            assert_eq!(bearer(out), "");
            Ok((200, "ok".into()))
        }),
    );
    for _ in 0..20 {
        let response = open.client.request(Request::get("/v1/x").unwrap()).unwrap();
        assert_eq!((response.status(), response.generation()), (200, 0));
    }
    assert_eq!(logins(&open), 1);
    // One that asks for a token is not asked without one again and again.
    let shut = fixture(SOON, failing(), Box::new(|_| Ok((403, "user not found!".into()))));
    for _ in 0..20 {
        let error = shut.client.request(Request::get("/v1/x").unwrap()).err().unwrap();
        assert_eq!((error.kind(), error.http_status()), (Kind::BadCredentials, Some(500)));
    }
    assert_eq!(shut.wire.requests.load(Ordering::SeqCst), 1);
}

#[test]
fn a_caller_with_its_own_http_stack_is_advised() {
    let f = fixture(SOON, tokens().0, Box::new(|_| Ok((200, String::new()))));
    let token = f.client.token().unwrap();
    let report =
        |generation, status, body: &str| f.client.report_rejected(generation, status, body.as_bytes()).unwrap();
    assert_eq!(report(token.generation, 200, "token expired!"), Advice::Return);
    assert_eq!(report(token.generation, 403, "authorization failed!"), Advice::Return);
    assert!(f.client.outlet.cached().is_some());
    assert_eq!(report(token.generation, 403, "token expired!"), Advice::Replay);
    assert!(f.client.outlet.cached().is_none());
    let next = f.client.token().unwrap();
    assert_eq!((next.secret.expose(), logins(&f)), ("t2", 2));
    assert_eq!(report(token.generation, 403, "token expired!"), Advice::Replay, "late: no login");
    assert_eq!((f.client.token().unwrap().generation, logins(&f)), (next.generation, 2));
}

#[test]
fn handles_of_one_identity_share_a_token_and_a_closed_one_serves_nobody() {
    let f = fixture(SOON, tokens().0, Box::new(|_| Ok((200, String::new()))));
    let identity = f.client.identity().unwrap();
    let checked = || Checked {
        origin: identity.origin.clone(),
        credentials: identity.credentials.clone(),
        request_timeout: Duration::from_secs(5),
        carriage: Carriage::Bearer,
    };
    let others: Vec<Client> = (0..100).map(|_| Client::over(checked(), || panic!("known")).unwrap()).collect();
    let generation = f.client.token().unwrap().generation;
    assert!(others.iter().all(|c| c.token().unwrap().generation == generation));
    assert_eq!(logins(&f), 1);
    others[0].close();
    others[0].close();
    assert_eq!(others[0].token().unwrap_err().kind(), Kind::Closed);
    assert_eq!(others[0].request(Request::get("/x").unwrap()).err().unwrap().kind(), Kind::Closed);
    assert_eq!(others[0].set_credentials("a", "b").unwrap_err().kind(), Kind::Closed);
    assert_eq!(others[1].token().unwrap().generation, generation);
}

#[test]
fn what_cannot_be_sent_is_refused_with_the_name_of_the_argument() {
    let f = fixture(SOON, tokens().0, Box::new(|_| Ok((200, String::new()))));
    let refused = |request: Result<Request>| {
        let error = request.and_then(|r| f.client.request(r).map(|_| ())).unwrap_err();
        assert_eq!(error.kind(), Kind::InvalidArgument);
        error.message().split(':').next().unwrap().to_owned()
    };
    assert_eq!(refused(Request::new("GE T", "/x")), "method");
    for path in ["x", "", "//x", "/a//b", "/a b", "/a#b", "/a\r\nb"] {
        assert_eq!(refused(Request::get(path)), "path", "{path:?}");
    }
    let get = || Request::get("/x").unwrap();
    assert_eq!(refused(get().header("a", "b\r\nc: d")), "headers");
    assert_eq!(refused(get().header("a b", "c")), "headers");
    assert_eq!(refused(get().header("Authorization", "Bearer x")), "headers");
    assert_eq!(refused(Ok(get().query("accessToken", "x"))), "query and form");
    assert_eq!(refused(Request::get("/x?accessToken=x")), "query and form");
    assert_eq!(refused(get().form([("accessToken", "x")])), "query and form");
    assert_eq!(f.wire.requests.load(Ordering::SeqCst), 0);
}
