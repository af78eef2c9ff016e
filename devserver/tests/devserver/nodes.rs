//! Several secrets behind one address, and tokens that count late.

use std::sync::Arc;
use std::time::{Duration, Instant};

use devserver::{Generation, Options, Server, Spread, control};
use serde_json::{Value, json};

use crate::client::{Connection, ask, login, status_with, wait_until};

const A: &str = "YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE=";
const B: &str = "YmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmI=";
const DEMO: &str = "/nacos/v1/cs/configs?dataId=demo&group=DEFAULT_GROUP&accessToken=";

fn start(generation: Generation, secrets: &[&str], spread: Spread) -> Server {
    let secrets = secrets.iter().map(|secret| (*secret).to_owned()).collect();
    Server::start(Options { generation, secrets, spread, ..Options::default() }).expect("a server")
}

fn statuses(server: &Server, token: &str, times: usize) -> Vec<u16> {
    (0..times).map(|_| status_with(server, token)).collect()
}

#[test]
fn requests_go_round_logins_too() {
    for generation in [Generation::V14, Generation::V2, Generation::V3, Generation::RNacos] {
        let server = start(generation, &[A, A, B], Spread::Request);
        let (a, _) = login(&server);
        assert_eq!(statuses(&server, &a, 6), [200, 403, 200, 200, 403, 200], "{generation:?}");
        let (a_again, _) = login(&server);
        let (b, _) = login(&server);
        assert_eq!(statuses(&server, &a_again, 3), [200, 200, 403], "{generation:?}");
        assert_eq!(statuses(&server, &b, 3), [403, 403, 200], "{generation:?}");
    }
}

#[test]
fn a_connection_stays_with_its_node() {
    let server = start(Generation::V2, &[A, B], Spread::Connection);
    let (a, _) = login(&server);
    let (b, _) = login(&server);
    let mut first = Connection::open(server.address()).expect("a connection");
    for (token, status) in [(&a, 200), (&b, 403), (&a, 200)] {
        assert_eq!(first.ask("GET", &format!("{DEMO}{token}"), &[], None).expect("an answer").status, status);
    }
    assert_eq!(statuses(&server, &b, 2), [200, 403]);
}

#[test]
fn the_secret_of_one_node_changes() {
    let server = Arc::new(start(Generation::V2, &[A, B], Spread::Request));
    let control = control::serve(Arc::clone(&server), 0).expect("a control address");
    let post = |path: &str, body: Value| ask(control, "POST", path, &[], Some(&body.to_string())).expect("an answer");
    let (a, _) = login(&server);
    assert_eq!(statuses(&server, &a, 3), [403, 200, 403]);
    assert_eq!(post("/secret", json!({"node": 1, "secret": A})).json(), json!({"ok": true}));
    assert_eq!(statuses(&server, &a, 4), [200; 4]);
    assert_eq!(post("/secret", json!({"node": 0})).status, 200);
    assert_eq!(statuses(&server, &a, 4), [403, 200, 403, 200]);
    assert_eq!(post("/secret", json!({"node": 2})).status, 404);
    // Without a node they all get it.
    assert_eq!(post("/secret", json!({"secret": B})).status, 200);
    assert_eq!(statuses(&server, &a, 2), [403; 2]);
    let (b, _) = login(&server);
    assert_eq!(statuses(&server, &b, 4), [200; 4]);
}

#[test]
fn nodes_come_and_go() {
    let server = Arc::new(start(Generation::V2, &[A], Spread::Request));
    let control = control::serve(Arc::clone(&server), 0).expect("a control address");
    let post = |body: Value| ask(control, "POST", "/nodes", &[], Some(&body.to_string())).expect("an answer");
    let (a, _) = login(&server);
    assert_eq!(post(json!({"secrets": [A, B]})).json(), json!({"ok": true}));
    assert_eq!(statuses(&server, &a, 2), [200, 403]);
    assert_eq!(post(json!({"secrets": [B], "spread": "connection"})).status, 200);
    assert_eq!(statuses(&server, &a, 2), [403; 2]);
    assert_eq!(post(json!({"secrets": [A]})).status, 200);
    assert_eq!(status_with(&server, &a), 200);
    for wrong in [json!({"secrets": []}), json!({"secrets": ["not Base64!"]}), json!({"secrets": [A], "spread": "x"})] {
        assert_eq!(post(wrong.clone()).status, 400, "{wrong}");
    }
}

#[test]
fn settings_reach_every_node() {
    let server = start(Generation::V2, &[A, B], Spread::Request);
    server.set_ttl(50);
    assert_eq!([login(&server).1, login(&server).1], [50; 2]);
    let (a, _) = login(&server);
    let (b, _) = login(&server);
    server.revoke();
    assert_eq!([statuses(&server, &a, 2), statuses(&server, &b, 2)], [[403; 2]; 2]);
}

#[test]
fn a_new_token_counts_late() {
    let late = Duration::from_millis(400);
    for (generation, message) in [
        (Generation::V14, "token invalid!"),
        (Generation::V2, "Invalid signature"),
        (Generation::V3, "Code: 401, Message: Invalid signature."),
        (Generation::RNacos085, "unknown user!"),
    ] {
        let server =
            Arc::new(Server::start(Options { generation, token_delay: late, ..Options::default() }).expect("a server"));
        let control = control::serve(Arc::clone(&server), 0).expect("a control address");
        let begin = Instant::now();
        let (token, _) = login(&server);
        let read = || ask(server.address(), "GET", &format!("{DEMO}{token}"), &[], None).expect("an answer");
        let mut refused = None;
        wait_until("the token to count", || {
            let response = read();
            let counts = response.status == 200;
            if !counts {
                refused = Some(response.message());
            }
            counts
        });
        assert!(begin.elapsed() >= late, "{generation:?}");
        // On a busy machine the first answer may be late enough.
        assert_eq!(refused.as_deref().unwrap_or(message), message, "{generation:?}");
        ask(control, "POST", "/token-delay", &[], Some(r#"{"ms": 0}"#)).expect("an answer");
        server.set_secret(None).expect("a random secret");
        let (token, _) = login(&server);
        let response = ask(server.address(), "GET", &format!("{DEMO}{token}"), &[], None).expect("an answer");
        assert_eq!(response.status, 200, "{generation:?}");
    }
}
