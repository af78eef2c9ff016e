//! What stands between a caller and its server: some paths only, pages of its own, gzip.

use std::io::Read;
use std::sync::Arc;
use std::time::{Duration, Instant};

use devserver::{Fault, FaultKind, Gzip, On, Options, Server, control};
use flate2::read::GzDecoder;
use serde_json::json;

use crate::client::{Response, ask, login, post_form, read, status_with, try_login, wait_until};

const DEMO: &str = "/nacos/v1/cs/configs?dataId=demo&group=DEFAULT_GROUP";
const LOGIN: &str = "username=nacos&password=nacos";

fn start() -> (Server, String) {
    let server = Server::start(Options::default()).expect("a server");
    let (token, _) = login(&server);
    (server, token)
}

#[test]
fn only_some_paths_get_through() {
    let (server, token) = start();
    let gateway = Fault { status: Some(404), ..Fault::new(On::All, FaultKind::Gateway) };
    server.add_fault(gateway.except(["/nacos/v1/auth/users/login", "/nacos/v1/cs/*"]));
    assert_eq!(status_with(&server, &token), 200);
    for (path, status) in [
        ("/nacos/v1/auth/users/login", 200),
        ("/nacos/v1/auth/users/login/", 404),
        ("/nacos/v1/auth/login", 404),
        ("/nacos/v3/auth/user/login", 404),
        ("/nacos/v1/ns/instance", 404),
    ] {
        let response = post_form(server.address(), path, LOGIN).expect("an answer");
        assert_eq!(response.status, status, "{path}");
        if status == 404 {
            assert_eq!(
                (response.header("Content-Type"), response.header("Server")),
                (Some("text/html"), Some("nginx"))
            );
            assert!(response.body.contains("<h1>404 Not Found</h1>"), "{}", response.body);
        }
    }
    let attempts = server.counts().login_attempts;
    assert_eq!(attempts["/nacos/v3/auth/user/login"], 1);
}

#[test]
fn some_paths_do_not_get_through_whatever_it_says() {
    for status in [403, 401, 400, 404, 503, 302, 501, 200] {
        let (server, token) = start();
        let location = (status == 302).then(|| "https://portal.example/".to_owned());
        let gateway = Fault { status: Some(status), location, ..Fault::new(On::All, FaultKind::Gateway) };
        server.add_fault(gateway.paths(["/nacos/v3/*"]));
        let response = post_form(server.address(), "/nacos/v3/auth/user/login", LOGIN).expect("an answer");
        assert_eq!((response.status, response.header("Content-Type")), (status, Some("text/html")));
        assert_eq!(response.header("Location"), (status == 302).then_some("https://portal.example/"));
        assert_eq!(status_with(&server, &token), 200);
        assert_eq!(try_login(&server, "nacos", "nacos").expect("an answer").status, 200);
    }
}

#[test]
fn faults_of_different_paths_stand_side_by_side() {
    let (server, token) = start();
    server.add_fault(Fault::new(On::Login, FaultKind::Html).paths(["/nacos/v3/*"]));
    server.add_fault(
        Fault { status: Some(403), ..Fault::new(On::All, FaultKind::Status) }.paths(["/nacos/v1/auth/login"]),
    );
    let status = |path| post_form(server.address(), path, LOGIN).expect("an answer").status;
    assert_eq!(status("/nacos/v3/auth/user/login"), 200);
    assert_eq!(status("/nacos/v1/auth/login"), 403);
    assert_eq!(status("/nacos/v1/auth/users/login"), 200);
    assert_eq!(status_with(&server, &token), 200);
}

#[test]
fn a_gateway_says_what_is_wrong_in_a_page_of_its_own() {
    for (status, reason, retry_after) in
        [(502, "Bad Gateway", None), (503, "Service Unavailable", Some("1")), (504, "Gateway Timeout", None)]
    {
        let (server, token) = start();
        let retry_after_header = retry_after.map(str::to_owned);
        let gateway = Fault::new(On::All, FaultKind::Gateway);
        server.add_fault(Fault { status: Some(status), retry_after: retry_after_header, ..gateway });
        let response = read(&server, &token).expect("an answer");
        assert_eq!((response.status, response.header("Retry-After")), (status, retry_after));
        assert!(response.body.contains(&format!("<title>{status} {reason}</title>")), "{}", response.body);
        assert_eq!(try_login(&server, "nacos", "nacos").expect("an answer").status, status);
    }
}

#[test]
fn a_gateway_is_down_for_a_while() {
    let (server, token) = start();
    let begin = Instant::now();
    server.add_fault(Fault { for_ms: Some(500), ..Fault::new(On::All, FaultKind::Gateway) });
    wait_until("the gateway to be back", || status_with(&server, &token) == 200);
    assert!(begin.elapsed() >= Duration::from_millis(500));
    assert_eq!(try_login(&server, "nacos", "nacos").expect("an answer").status, 200);
}

#[test]
fn a_gateway_is_down_until_it_is_told() {
    let server = Arc::new(Server::start(Options::default()).expect("a server"));
    let control = control::serve(Arc::clone(&server), 0).expect("a control address");
    let fault = json!({"on": "all", "kind": "gateway", "except": ["/nacos/v1/console/*"]}).to_string();
    ask(control, "POST", "/faults", &[], Some(&fault)).expect("an answer");
    assert_eq!(try_login(&server, "nacos", "nacos").expect("an answer").status, 502);
    let state = ask(server.address(), "GET", "/nacos/v1/console/server/state", &[], None).expect("an answer");
    assert_eq!(state.status, 200);
    ask(control, "DELETE", "/faults", &[], None).expect("an answer");
    login(&server);
}

#[test]
fn a_fault_from_the_start_on() {
    let faults = vec![Fault { body: Some("down".to_owned()), ..Fault::new(On::All, FaultKind::Gateway) }];
    let server = Server::start(Options { faults, ..Options::default() }).expect("a server");
    let response = try_login(&server, "nacos", "nacos").expect("an answer");
    assert_eq!((response.status, response.body.as_str()), (502, "down"));
}

#[test]
fn refusals_are_rewritten_and_nothing_else_is() {
    let (server, token) = start();
    server.add_fault(Fault::new(On::Request, FaultKind::Rewrite).paths(["/nacos/v1/cs/*"]));
    assert_eq!(read(&server, &token).expect("an answer").body, "hello");
    let refused = read(&server, "bad").expect("an answer");
    assert_eq!((refused.status, refused.header("Content-Type")), (401, Some("text/html")));
    assert!(!refused.body.contains("token"), "{}", refused.body);
    let elsewhere = ask(server.address(), "GET", "/nacos/v1/ns/instance/list?serviceName=s", &[], None);
    assert_eq!(elsewhere.expect("an answer").message(), "user not found!");
    assert_eq!(try_login(&server, "nacos", "wrong").expect("an answer").body, "user not found!");
    // It was Nacos that refused: its counts know.
    assert_eq!(server.counts().rejections, 2);
    server.clear_faults();
    server.add_fault(Fault { status: Some(403), ..Fault::new(On::All, FaultKind::Rewrite) });
    assert!(try_login(&server, "nacos", "wrong").expect("an answer").body.contains("403 Forbidden"));
    assert_eq!(read(&server, "bad").expect("an answer").status, 403);
}

#[test]
fn gzip() {
    let (server, token) = start();
    let bearer = format!("Bearer {token}");
    let ask_for = |encoding: Option<&str>, authorization: &str| {
        let accept = encoding.map(|encoding| ("Accept-Encoding", encoding));
        let headers: Vec<_> = accept.into_iter().chain([("Authorization", authorization)]).collect();
        ask(server.address(), "GET", DEMO, &headers, None).expect("an answer")
    };
    for (mode, encoding, compressed) in [
        (Gzip::Off, Some("gzip"), false),
        (Gzip::Accepted, None, false),
        (Gzip::Accepted, Some("identity"), false),
        (Gzip::Accepted, Some("gzip;q=0, br"), false),
        (Gzip::Accepted, Some("deflate, GZIP;q=0.5"), true),
        (Gzip::Always, None, true),
    ] {
        server.set_gzip(mode);
        for (authorization, said) in [(bearer.as_str(), "hello"), ("Bearer bad", "token invalid!")] {
            let response = ask_for(encoding, authorization);
            let expected = compressed.then_some("gzip");
            assert_eq!(response.header("Content-Encoding"), expected, "{mode:?} {encoding:?}");
            let text = if compressed { decoded(&response) } else { response.body };
            assert!(text.contains(said), "{text}");
        }
    }
    // Logins and a gateway's pages too.
    let response = try_login(&server, "nacos", "nacos").expect("an answer");
    assert!(decoded(&response).contains("accessToken"));
    server.add_fault(Fault::new(On::All, FaultKind::Gateway));
    assert!(decoded(&ask_for(None, &bearer)).contains("502 Bad Gateway"));
}

fn decoded(response: &Response) -> String {
    let mut text = String::new();
    GzDecoder::new(&response.bytes[..]).read_to_string(&mut text).expect("gzip");
    text
}

#[test]
fn bodies_are_counted() {
    let (server, token) = start();
    read(&server, &token).expect("an answer");
    server.add_fault(Fault::new(On::All, FaultKind::Html));
    post_form(server.address(), "/nacos/v1/cs/configs", "dataId=a&group=b&content=c").expect("an answer");
    assert_eq!((server.counts().requests, server.counts().bodies), (2, 1));
}
