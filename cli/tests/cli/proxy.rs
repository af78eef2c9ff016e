//! `proxy`: what clients get through it.

use std::{
    io::Write,
    net::TcpListener,
    os::unix::net::UnixStream,
    thread,
    time::{Duration, Instant},
};

use base64::Engine;
use devserver::{Fault, FaultKind, Generation, Gzip, On, Options, Server, Spread};

use crate::support::{Answer, DEMO, PATIENCE, Proxy, bare, command, run, server, wait_for};

const LOGIN: &str = "/nacos/v1/auth/users/login";

fn access_token(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{answer:?}");
    let json: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    assert!(json["tokenTtl"].as_i64().unwrap() > 0);
    json["accessToken"].as_str().unwrap().into()
}

#[test]
fn a_request_without_a_token_is_served_and_one_refused_is_replayed() {
    let server = server(100);
    let proxy = Proxy::start(&server, &[]);
    assert_eq!(proxy.get(DEMO).body, "hello");
    server.set_secret(None).unwrap();
    assert_eq!(proxy.get(DEMO).body, "hello");
    server.revoke();
    let form = "Content-Type: application/x-www-form-urlencoded\r\n";
    let answer = proxy.send("POST", "/nacos/v1/cs/configs", form, b"dataId=a&group=G&content=x");
    assert_eq!((answer.status, answer.body.as_str()), (200, "true"));
    let counts = server.counts();
    assert_eq!((counts.logins, counts.rejections), (3, 2));
    assert_eq!(proxy.figure("nacos_auth_proxy_replays_total"), 2);
}

#[test]
fn a_refusal_that_comes_compressed_is_understood() {
    let server = server(100);
    let proxy = Proxy::start(&server, &[]);
    assert_eq!(proxy.get(DEMO).status, 200);
    server.set_gzip(Gzip::Always);
    server.set_secret(None).unwrap();
    assert_eq!(proxy.get(DEMO).status, 200);
    assert_eq!(server.counts().logins, 2);
}

#[test]
fn a_missing_permission_costs_no_login_and_comes_back_as_it_is() {
    let server = server(100);
    let mut poor = command(&server);
    poor.env("NACOS_USERNAME", "poor").env("NACOS_PASSWORD", "poor").args(["proxy", "--listen", "127.0.0.1:0"]);
    let proxy = Proxy::with(&mut poor);
    for _ in 0..3 {
        let answer = proxy.get(DEMO);
        assert_eq!(answer.status, 403);
        assert!(answer.body.contains("authorization failed!"), "{answer:?}");
    }
    assert_eq!(server.counts().logins, 1);
}

#[test]
fn clients_that_log_in_get_the_proxys_token_whatever_their_password() {
    let server = server(100);
    let proxy = Proxy::start(&server, &[]);
    let mut tokens = Vec::new();
    for path in ["/nacos/v1/auth/login", LOGIN, "/nacos/v3/auth/user/login"] {
        tokens.push(access_token(&proxy.send("POST", path, "", b"username=anybody&password=any")));
    }
    assert!(tokens.iter().all(|token| *token == tokens[0]));
    assert_eq!(server.counts().logins, 1);
    assert_eq!(proxy.send("GET", LOGIN, "", b"").status, 405);

    // They bring it back wherever they like, and go on with it when it is long over.
    let old = tokens[0].clone();
    for _ in 0..2 {
        let places = [
            proxy.get(&format!("{DEMO}&accessToken={old}")),
            proxy.send("GET", DEMO, &format!("accessToken: {old}\r\n"), b""),
            proxy.send("GET", DEMO, &format!("Authorization: Bearer {old}\r\n"), b""),
            proxy.send("GET", DEMO, &format!("Authorization: {old}\r\n"), b""),
        ];
        assert!(places.iter().all(|answer| answer.body == "hello"), "{places:?}");
        let form = "Content-Type: application/x-www-form-urlencoded\r\n";
        let body = format!("dataId=a&group=G&content=x&accessToken={old}");
        assert_eq!(proxy.send("POST", "/nacos/v1/cs/configs", form, body.as_bytes()).body, "true");
        server.set_secret(None).unwrap();
    }
}

#[test]
fn a_token_of_somebody_elses_is_refused_with_the_reason() {
    let server = server(100);
    let proxy = Proxy::start(&server, &[]);
    let (_, poor, _) = run(command(&server).env("NACOS_USERNAME", "poor").env("NACOS_PASSWORD", "poor").arg("token"));
    let poor = poor.trim();
    assert_eq!(proxy.get(DEMO).status, 200);
    server.reset_counts();
    for answer in [
        proxy.get(&format!("{DEMO}&accessToken={poor}")),
        proxy.get(&format!("{DEMO}&access%54oken={poor}")),
        proxy.send("GET", DEMO, &format!("accesstoken: {poor}\r\n"), b""),
        proxy.send("GET", DEMO, &format!("authorization: bearer {poor}\r\n"), b""),
        proxy.send("GET", DEMO, "Authorization: Bearer opaque\r\n", b""),
        proxy.send(
            "POST",
            "/nacos/v1/cs/configs",
            "Content-Type: application/x-www-form-urlencoded\r\n",
            format!("dataId=a&group=G&content=x&accessToken={poor}").as_bytes(),
        ),
    ] {
        assert_eq!(answer.status, 403, "{answer:?}");
        assert!(answer.body.contains("foreign-token") && !answer.body.contains(poor), "{answer:?}");
    }
    let basic = proxy.send("GET", DEMO, "Authorization: Basic dTpw\r\n", b"");
    assert_eq!(basic.status, 400);
    assert!(basic.body.contains("--token-in"), "{basic:?}");
    assert_eq!(server.counts().requests, 0);

    // A token of the same user from before is what a client has that outlives a proxy.
    let (_, same, _) = run(command(&server).arg("token"));
    assert_eq!(proxy.get(&format!("{DEMO}&accessToken={}", same.trim())).body, "hello");
}

#[test]
fn the_token_rides_where_it_is_told_to() {
    let server = server(100);
    for place in ["header", "query"] {
        let proxy = Proxy::start(&server, &["--token-in", place]);
        assert_eq!(proxy.get(DEMO).body, "hello", "{place}");
        assert_eq!(proxy.get("/nacos/v1/console/server/state").status, 200, "{place}");
    }
    let proxy = Proxy::start(&server, &["--token-in", "header"]);
    // A gateway's own.
    assert_eq!(proxy.send("GET", DEMO, "Authorization: Basic dTpw\r\n", b"").body, "hello");
}

#[test]
fn a_socket_is_served_and_its_file_goes_with_the_proxy() {
    let server = server(100);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("proxy.sock");
    let listen = format!("unix:{}", path.display());
    let mut proxy = Proxy::start(&server, &["--listen", &listen]);
    let ask = || {
        let mut stream = UnixStream::connect(&path).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        write!(stream, "GET {DEMO} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
        Answer::read(&mut stream).body
    };
    assert_eq!(ask(), "hello");
    let (status, _, err) = run(command(&server).args(["proxy", "--listen", &listen]));
    assert_eq!(status, 5, "{err}");
    assert!(err.contains("another process listens there"), "{err}");
    proxy.running.signal("TERM");
    assert_eq!(proxy.running.end(), Some(0));
    assert!(!path.exists());
    // One that was killed leaves the file.
    drop(Proxy::start(&server, &["--listen", &listen]));
    assert!(path.exists());
    let _proxy = Proxy::start(&server, &["--listen", &listen]);
    assert_eq!(ask(), "hello");
}

#[test]
fn state_and_figures_are_its_own() {
    let server = server(100);
    let proxy = Proxy::start(&server, &[]);
    wait_for("a token", || proxy.get("/-/health").status == 200);
    assert!(proxy.get("/-/health").body.contains("\"status\":\"ok\""));
    assert_eq!(proxy.figure("nacos_auth_health{status=\"ok\"}"), 1);
    assert_eq!(proxy.get("/-/other").status, 404);
    assert_eq!(proxy.send("POST", "/-/health", "", b"").status, 405);
    assert_eq!(server.counts().requests, 0);

    let mut wrong = command(&server);
    wrong.env("NACOS_PASSWORD", "secretword").args(["proxy", "--listen", "127.0.0.1:0"]);
    let mut proxy = Proxy::with(&mut wrong);
    wait_for("a refused login", || server.counts().login_failures > 0);
    assert_eq!(proxy.get("/-/health").status, 503);
    let answer = proxy.get(DEMO);
    assert_eq!(answer.status, 403);
    assert!(
        answer.body.contains("docs/causes.md#wrong-credentials") && !answer.body.contains("secretword"),
        "{answer:?}"
    );
    proxy.running.signal("TERM");
    proxy.running.end();
    assert!(!proxy.rest().contains("secretword"));
}

/// Nobody asks for anything before a probe has said that it is ready.
#[test]
fn probes_alone_see_a_server_that_comes_up_later() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut early = bare();
    early.env("NACOS_SERVER_ADDR", format!("127.0.0.1:{port}")).env("NACOS_USERNAME", "nacos");
    early.env("NACOS_PASSWORD", "nacos").args(["proxy", "--listen", "127.0.0.1:0"]);
    let proxy = Proxy::with(&mut early);
    wait_for("the failed login", || proxy.get("/-/health").body.contains("\"cause\":\"connection-refused\""));
    assert_eq!(proxy.get("/-/health").status, 503);
    let _server = Server::start(Options { port, ..Options::default() }).unwrap();
    wait_for("a token", || proxy.get("/-/health").status == 200);
}

#[test]
fn the_first_server_that_works_is_asked() {
    let server = server(100);
    let dead = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut command = command(&server);
    command.env("NACOS_SERVER_ADDR", format!("{dead},{}", server.address())).args(["proxy", "--listen", "127.0.0.1:0"]);
    let proxy = Proxy::with(&mut command);
    assert_eq!(proxy.get(DEMO).body, "hello");
    assert_eq!(proxy.send("POST", "/nacos/v1/cs/configs?dataId=a&group=G&content=x", "", b"").body, "true");
    server.restart(Duration::from_secs(1), Duration::ZERO);
    let answer = proxy.get(DEMO);
    assert!([200, 502].contains(&answer.status), "{answer:?}");
    wait_for("the server is back", || proxy.get(DEMO).body == "hello");
}

#[test]
fn a_server_that_asks_for_no_token_gets_none() {
    let server = server(100);
    server.set_auth(false);
    // As a fresh server: nobody can log in.
    let mut command = command(&server);
    let proxy = Proxy::with(command.env("NACOS_PASSWORD", "wrong").args(["proxy", "--listen", "127.0.0.1:0"]));
    assert_eq!(proxy.get(DEMO).body, "hello");
}

#[test]
fn a_hung_server_and_a_broken_one_are_told_apart() {
    let server = server(100);
    let proxy = Proxy::start(&server, &["--request-timeout", "3s"]);
    assert_eq!(proxy.get(DEMO).status, 200);
    server.add_fault(Fault::new(On::Request, FaultKind::Hang).times(1));
    let answer = proxy.get(DEMO);
    assert_eq!(answer.status, 504, "{answer:?}");
    server.add_fault(Fault::new(On::Request, FaultKind::Reset).times(1));
    let answer = proxy.send("POST", "/nacos/v1/cs/configs?dataId=a&group=G&content=x", "", b"");
    assert_eq!(answer.status, 502, "{answer:?}");
    assert!(answer.body.contains("may have acted"), "{answer:?}");
    server.add_fault(Fault::new(On::Request, FaultKind::Reset).times(1));
    assert_eq!(proxy.get(DEMO).status, 200);
}

const WATCHED: &str = "Listening-Configs=demo%02DEFAULT_GROUP%025d41402abc4b2a76b9719d911017c592%01";

#[test]
fn a_long_poll_is_held_until_there_is_news() {
    let server = server(100);
    let proxy = Proxy::start(&server, &["--request-timeout", "3s"]);
    let headers = "Content-Type: application/x-www-form-urlencoded\r\nLong-Pulling-Timeout: 20000\r\n";
    let begin = Instant::now();
    thread::scope(|scope| {
        let poll = scope.spawn(|| proxy.send("POST", "/nacos/v1/cs/configs/listener", headers, WATCHED.as_bytes()));
        thread::sleep(Duration::from_millis(4500));
        assert!(!poll.is_finished());
        server.publish("demo", "DEFAULT_GROUP", "news");
        let answer = poll.join().unwrap();
        assert!(answer.status == 200 && answer.body.contains("demo"), "{answer:?}");
    });
    assert!(begin.elapsed() < Duration::from_secs(15));
}

#[test]
fn what_is_under_way_ends_before_the_proxy_does_within_its_bound() {
    let server = server(100);
    let headers = "Content-Type: application/x-www-form-urlencoded\r\nLong-Pulling-Timeout: 20000\r\n";
    for (drain, is_served) in [("20s", true), ("300ms", false)] {
        server.publish("demo", "DEFAULT_GROUP", "hello");
        let mut proxy = Proxy::start(&server, &["--drain", drain]);
        assert_eq!(proxy.get(DEMO).status, 200);
        let head = format!(
            "POST /nacos/v1/cs/configs/listener HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n{headers}\r\n{WATCHED}",
            WATCHED.len()
        );
        let mut poll = proxy.connect();
        poll.write_all(head.as_bytes()).unwrap();
        wait_for("the poll is under way", || proxy.figure("nacos_auth_proxy_requests_in_flight") == 2);
        // An idle connection holds nothing up.
        let _idle = proxy.connect();
        proxy.running.signal("TERM");
        wait_for("nobody listens", || std::net::TcpStream::connect(proxy.address).is_err());
        if is_served {
            thread::sleep(Duration::from_millis(200));
            server.publish("demo", "DEFAULT_GROUP", "news");
        }
        let answer = Answer::read(&mut poll);
        assert_eq!(answer.status == 200, is_served, "{answer:?}");
        assert_eq!(proxy.running.end(), Some(0));
        assert_eq!(proxy.rest().contains("cut off"), !is_served);
    }
}

#[test]
fn other_machines_are_kept_out_unless_they_are_let_in() {
    let server = server(100);
    let (status, _, err) = run(command(&server).args(["proxy", "--listen", "0.0.0.0:0"]));
    assert_eq!(status, 2);
    assert!(err.contains("0.0.0.0:0") && err.contains("--allow-remote"), "{err}");
    let own = format!("127.0.0.1:{}", server.address().port());
    let (status, _, err) = run(command(&server).args(["proxy", "--listen", &own]));
    assert_eq!(status, 5, "{err}");
}

#[test]
fn nodes_that_disagree_and_servers_that_read_the_query_are_the_librarys_business() {
    let secret = |byte: u8| base64::prelude::BASE64_STANDARD.encode([byte; 32]);
    for spread in [Spread::Request, Spread::Connection] {
        let secrets = vec![secret(b'a'), secret(b'b')];
        let server = Server::start(Options { secrets, spread, ..Options::default() }).unwrap();
        let proxy = Proxy::start(&server, &[]);
        let failed: Vec<_> = (0..30).map(|_| proxy.get(DEMO)).filter(|answer| answer.body != "hello").collect();
        assert!(failed.is_empty(), "{spread:?}: {} of 30: {:?}", failed.len(), failed[0]);
        assert!(server.counts().logins < 10, "{}", server.counts().logins);
    }
    let server = Server::start(Options { generation: Generation::RNacos085, ..Options::default() }).unwrap();
    let proxy = Proxy::start(&server, &[]);
    let failed: Vec<_> = (0..30).map(|_| proxy.get(DEMO)).filter(|answer| answer.body != "hello").collect();
    assert!(failed.is_empty(), "{} of 30: {:?}", failed.len(), failed[0]);
    assert!(server.counts().logins < 10, "{}", server.counts().logins);
}
