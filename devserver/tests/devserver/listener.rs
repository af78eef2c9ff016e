//! The listener of v1: changes at once, changes while it waits, and none.

use std::time::{Duration, Instant};

use devserver::{Generation, Options, Server};

use crate::client::{Connection, Response, login, post_form, wait_until};

const LISTENER: &str = "/nacos/v1/cs/configs/listener";
/// Of `hello`.
const MD5: &str = "5d41402abc4b2a76b9719d911017c592";
const GENERATIONS: [Generation; 7] = [
    Generation::V14,
    Generation::V20,
    Generation::V22,
    Generation::V23,
    Generation::V2,
    Generation::V3,
    Generation::RNacos,
];

fn start(generation: Generation) -> (Server, String) {
    let server = Server::start(Options { generation, ..Options::default() }).expect("a server");
    let token = format!("?accessToken={}", login(&server).0);
    (server, token)
}

fn send(server: &Server, token: &str, listening: &str, wait_ms: Option<u64>) -> Connection {
    let mut connection = Connection::open(server.address()).expect("a connection");
    let wait = wait_ms.map(|wait| wait.to_string());
    let mut headers = vec![("Content-Type", "application/x-www-form-urlencoded")];
    headers.extend(wait.as_deref().map(|wait| ("Long-Pulling-Timeout", wait)));
    let form: String =
        form_urlencoded::Serializer::new(String::new()).append_pair("Listening-Configs", listening).finish();
    connection.send("POST", &format!("{LISTENER}{token}"), &headers, Some(&form)).expect("a request");
    connection
}

fn listen(server: &Server, token: &str, listening: &str, wait_ms: Option<u64>) -> Response {
    send(server, token, listening, wait_ms).receive(false).expect("an answer")
}

#[test]
fn it_answers_at_once_when_something_differs() {
    for generation in GENERATIONS {
        let (server, token) = start(generation);
        for (listening, answer) in [
            // With and without a tenant; without an md5 the caller knows of no configuration.
            ("demo\x02DEFAULT_GROUP\x02old\x01".to_owned(), "demo%02DEFAULT_GROUP%01\n"),
            ("demo\x02DEFAULT_GROUP\x02\x02\x01".to_owned(), "demo%02DEFAULT_GROUP%01\n"),
            (format!("demo\x02DEFAULT_GROUP\x02{MD5}\x02ns\x01"), "demo%02DEFAULT_GROUP%02ns%01\n"),
            (format!("demo\x02DEFAULT_GROUP\x02{MD5}\x01gone\x02g\x02old\x01"), "gone%02g%01\n"),
            ("a b\x02g\x02old\x01c\x02g\x02old\x01".to_owned(), "a+b%02g%01c%02g%01\n"),
        ] {
            let response = listen(&server, &token, &listening, Some(60_000));
            assert_eq!((response.status, response.body.as_str()), (200, answer), "{generation:?} {listening:?}");
        }
    }
}

#[test]
fn it_wakes_when_a_configuration_is_published_or_deleted() {
    for generation in GENERATIONS {
        let (server, token) = start(generation);
        let listening = format!("demo\x02DEFAULT_GROUP\x02{MD5}\x01new\x02g\x02\x01");
        let begin = Instant::now();
        let mut waiting = send(&server, &token, &listening, Some(60_000));
        wait_until("the request to be read", || server.counts().requests == 1);
        server.publish("of no interest", "g", "x");
        server.publish("demo", "DEFAULT_GROUP", "hello");
        server.publish("new", "g", "x");
        let response = waiting.receive(false).expect("an answer");
        assert_eq!((response.status, response.body.as_str()), (200, "new%02g%01\n"), "{generation:?}");

        let mut waiting = send(&server, &token, &format!("demo\x02DEFAULT_GROUP\x02{MD5}\x01"), Some(60_000));
        wait_until("the request to be read", || server.counts().requests == 2);
        let target = format!("/nacos/v1/cs/configs{token}&dataId=demo&group=DEFAULT_GROUP");
        let deleted = Connection::open(server.address()).expect("a connection").ask("DELETE", &target, &[], None);
        assert_eq!(deleted.expect("an answer").status, 200);
        assert_eq!(waiting.receive(false).expect("an answer").body, "demo%02DEFAULT_GROUP%01\n", "{generation:?}");
        assert!(begin.elapsed() < Duration::from_secs(60));
    }
}

#[test]
fn it_says_nothing_when_nothing_changes() {
    let (server, token) = start(Generation::V2);
    let listening = format!("demo\x02DEFAULT_GROUP\x02{MD5}\x01");
    for wait in [Some(0), Some(300)] {
        let begin = Instant::now();
        let response = listen(&server, &token, &listening, wait);
        assert_eq!((response.status, response.body.as_str()), (200, ""));
        assert!(begin.elapsed() >= Duration::from_millis(wait.unwrap_or(0)));
    }
}

#[test]
fn without_a_time_only_r_nacos_tells_of_changes() {
    for generation in GENERATIONS {
        let answer = if generation == Generation::RNacos { "demo%02DEFAULT_GROUP%01\n" } else { "" };
        let (server, token) = start(generation);
        let response = listen(&server, &token, "demo\x02DEFAULT_GROUP\x02old\x01", None);
        assert_eq!((response.status, response.body.as_str()), (200, answer), "{generation:?}");
    }
}

#[test]
fn it_wants_a_token_and_something_to_listen_to() {
    for (generation, status) in [(Generation::V14, 400), (Generation::V2, 400), (Generation::RNacos, 204)] {
        let (server, token) = start(generation);
        assert_eq!(listen(&server, "?accessToken=bad", "demo\x02g\x02\x01", None).status, 403, "{generation:?}");
        for form in ["", "Listening-Configs=", "Listening-Configs=demo%02g%01"] {
            let response = post_form(server.address(), &format!("{LISTENER}{token}"), form).expect("an answer");
            assert_eq!(response.status, status, "{generation:?} {form}");
        }
    }
}

#[test]
fn a_restart_cuts_who_waits() {
    let (server, token) = start(Generation::V2);
    let mut waiting = send(&server, &token, &format!("demo\x02DEFAULT_GROUP\x02{MD5}\x01"), Some(60_000));
    wait_until("the request to be read", || server.counts().requests == 1);
    server.restart(Duration::ZERO, Duration::ZERO);
    assert!(waiting.receive(false).is_err());
}
