//! The controls, as functions and over HTTP.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use devserver::{Generation, Options, Server, control};
use serde_json::{Value, json};

use crate::client::{Connection, ask, login, login_as, read, status_with, try_login, wait_until};

fn start(options: Options) -> (Arc<Server>, SocketAddr) {
    let server = Arc::new(Server::start(options).expect("a server"));
    let control = control::serve(Arc::clone(&server), 0).expect("a control address");
    (server, control)
}

fn post(control: SocketAddr, path: &str, body: Value) -> Value {
    ask(control, "POST", path, &[], Some(&body.to_string())).expect("an answer").json()
}

#[test]
fn counts() {
    let (server, control) = start(Options::default());
    let (token, _) = login(&server);
    try_login(&server, "nacos", "wrong").expect("an answer");
    let (poor, _) = login_as(&server, "poor", "poor");
    for token in [&token, &poor, "garbage"] {
        status_with(&server, token);
    }
    let counts = ask(control, "GET", "/counts", &[], None).expect("an answer").json();
    assert_eq!(
        counts,
        json!({
            "logins": 2, "login_failures": 1, "login_attempts": {"/nacos/v1/auth/login": 3}, "requests": 3, "bodies": 0,
            "rejections": 1, "permission_rejections": 1, "connections": 6, "by_data_id": {"demo": {"requests": 3, "rejections": 1}}
        })
    );
    assert_eq!(post(control, "/counts/reset", json!({})), json!({"ok": true}));
    assert_eq!(server.counts(), devserver::Counts::default());
}

#[test]
fn who_may_read_only() {
    for generation in [Generation::V14, Generation::V2, Generation::V3] {
        let (server, _) = start(Options { generation, ..Options::default() });
        let (reader, _) = login_as(&server, "reader", "reader");
        let bearer = format!("Bearer {reader}");
        let form = [("Authorization", bearer.as_str()), ("Content-Type", "application/x-www-form-urlencoded")];
        let target = "/nacos/v1/cs/configs?dataId=demo&group=DEFAULT_GROUP";
        let send = |method, target, body| ask(server.address(), method, target, &form, body).expect("an answer");
        assert_eq!(send("GET", target, None).status, 200);
        for (method, body) in [("POST", Some("content=a")), ("DELETE", None)] {
            let refused = send(method, target, body);
            assert_eq!(refused.status, 403, "{refused:?}");
            assert!(refused.body.contains("authorization failed!"), "{refused:?}");
        }
        assert_eq!((send("GET", target, None).body.as_str(), server.counts().permission_rejections), ("hello", 2));
        let listening = "Listening-Configs=demo%02DEFAULT_GROUP%02old%01";
        assert_eq!(send("POST", "/nacos/v1/cs/configs/listener", Some(listening)).status, 200);
    }
}

#[test]
fn secret_ttl_user_password_auth_revoke_publish() {
    let (server, control) = start(Options::default());
    let ok = json!({"ok": true});
    let (old, _) = login(&server);
    assert_eq!(ask(control, "POST", "/secret", &[], None).expect("an answer").json(), ok);
    assert_eq!(status_with(&server, &old), 403);
    assert_eq!(post(control, "/ttl", json!({"seconds": 50})), ok);
    assert_eq!(login(&server).1, 50);
    assert_eq!(post(control, "/user", json!({"username": "a", "password": "+&% é", "permitted": true})), ok);
    let (a, _) = login_as(&server, "a", "%2B%26%25+%C3%A9");
    assert_eq!(status_with(&server, &a), 200);
    assert_eq!(post(control, "/password", json!({"username": "a", "password": "b"})), ok);
    login_as(&server, "a", "b");
    assert_eq!(post(control, "/revoke", json!({})), ok);
    assert_eq!(status_with(&server, &a), 403);
    assert_eq!(post(control, "/auth", json!({"enabled": false})), ok);
    assert_eq!(post(control, "/publish", json!({"data_id": "demo", "content": "new"})), ok);
    assert_eq!(read(&server, "garbage").expect("an answer").body, "new");
    assert_eq!(post(control, "/token-cache", json!({"enabled": true})), ok);
    assert_eq!(post(control, "/faults", json!({"on": "all", "kind": "status", "status": 429, "retry_after": 3})), ok);
    assert_eq!(read(&server, "").expect("an answer").header("Retry-After"), Some("3"));
    assert_eq!(ask(control, "DELETE", "/faults", &[], None).expect("an answer").json(), ok);
    assert_eq!(status_with(&server, ""), 200);
}

#[test]
fn a_wrong_control_is_told() {
    let (_server, control) = start(Options::default());
    for (path, body, status) in [
        ("/nothing", json!({}), 404),
        ("/ttl", json!({}), 400),
        ("/ttl", json!({"seconds": 1, "more": 2}), 400),
        ("/faults", json!({"on": "all", "kind": "magic"}), 400),
        ("/password", json!({"username": "nobody", "password": "x"}), 404),
        ("/secret", json!({"secret": "not Base64!"}), 400),
    ] {
        let response = ask(control, "POST", path, &[], Some(&body.to_string())).expect("an answer");
        assert_eq!((response.status, &response.json()["ok"]), (status, &json!(false)), "{path} {body}");
    }
}

#[test]
fn a_restart_cuts_refuses_and_comes_back_with_its_tokens() {
    let (server, control) = start(Options::default());
    let (token, _) = login(&server);
    let mut idle = Connection::open(server.address()).expect("a connection");
    idle.ask("GET", "/", &[], None).expect("an answer");
    let begin = Instant::now();
    post(control, "/restart", json!({"down_ms": 2000}));
    assert_eq!(idle.receive(false).expect_err("cut").kind(), ErrorKind::ConnectionReset);
    assert_eq!(read(&server, &token).expect_err("refused").kind(), ErrorKind::ConnectionRefused);
    wait_until("the server to be back", || read(&server, &token).is_ok());
    assert!(begin.elapsed() >= Duration::from_millis(2000));
    assert_eq!(status_with(&server, &token), 200);
}

#[test]
fn a_restart_without_a_down_time_refuses_nobody() {
    let (server, _) = start(Options::default());
    let (token, _) = login(&server);
    for _ in 0..20 {
        let mut idle = Connection::open(server.address()).expect("a connection");
        idle.ask("GET", "/", &[], None).expect("an answer");
        server.restart(Duration::ZERO, Duration::ZERO);
        assert_eq!(idle.receive(false).expect_err("cut").kind(), ErrorKind::ConnectionReset);
        assert_eq!(status_with(&server, &token), 200);
    }
}

#[test]
fn a_probe_for_another_generations_login_is_no_failure() {
    let (server, _) = start(Options::default());
    ask(server.address(), "POST", "/nacos/v3/auth/user/login", &[], None).expect("an answer");
    let counts = server.counts();
    assert_eq!((counts.logins, counts.login_failures, counts.requests, counts.connections), (0, 0, 0, 1));
}

#[test]
fn a_restart_while_down_takes_over() {
    let (server, _) = start(Options::default());
    server.restart(Duration::from_secs(3600), Duration::ZERO);
    server.restart(Duration::ZERO, Duration::ZERO);
    wait_until("the server to be back", || try_login(&server, "nacos", "nacos").is_ok());
}

#[test]
fn without_users_each_generation_answers_in_its_way() {
    for (generation, login_status, read_status) in [
        (Generation::V14, 200, 403),
        (Generation::V2, 500, 200),
        (Generation::V3, 500, 200),
        (Generation::RNacos, 403, 200),
    ] {
        let (server, _) = start(Options { generation, ..Options::default() });
        let (token, _) = login(&server);
        server.restart(Duration::ZERO, Duration::from_millis(2000));
        let mut answer = None;
        wait_until("the server to listen", || {
            answer = try_login(&server, "nacos", "nacos").ok();
            answer.is_some()
        });
        let answer = answer.expect("an answer");
        assert_eq!(answer.status, login_status, "{generation:?}");
        assert_eq!(status_with(&server, &token), read_status, "{generation:?}");
        if generation == Generation::V14 {
            assert_eq!(answer.json()["globalAdmin"], false);
            assert_eq!(server.counts().permission_rejections, 1);
        }
        wait_until("the users to be loaded", || {
            let login = try_login(&server, "nacos", "nacos").expect("an answer");
            login.status == 200 && status_with(&server, &token) == 200
        });
    }
}

#[test]
fn without_authentication_a_login_still_answers() {
    let open = Options { auth: false, ..Options::default() };
    for generation in [Generation::V2, Generation::V3, Generation::RNacos] {
        let (server, _) = start(Options { generation, ..open.clone() });
        assert_eq!(login(&server).0, "AUTH_DISABLED");
        assert_eq!(status_with(&server, "AUTH_DISABLED"), 200);
    }
    let secret = "VGhpcyBpcyBhIHNlY3JldCBvZiAzMiBieXRlcyBvciBzbw==".to_owned();
    let (server, _) = start(Options { secrets: vec![secret], ..open });
    assert!(login(&server).0.contains('.'));
}

#[test]
fn an_upgrade_keeps_users_configurations_and_tokens() {
    let (server, control) = start(Options { generation: Generation::V2, ..Options::default() });
    let v3_login = || {
        let form = [("Content-Type", "application/x-www-form-urlencoded")];
        let body = Some("username=nacos&password=nacos");
        ask(server.address(), "POST", "/nacos/v3/auth/user/login", &form, body).expect("an answer").status
    };
    let (token, _) = login(&server);
    assert_eq!(v3_login(), 404);
    assert_eq!(post(control, "/generation", json!({"generation": "3.x"})), json!({"ok": true}));
    assert_eq!((v3_login(), status_with(&server, &token)), (200, 200));
    let unknown = ask(control, "POST", "/generation", &[], Some(r#"{"generation": "4.x"}"#)).expect("an answer");
    assert_eq!(unknown.status, 400);
}
