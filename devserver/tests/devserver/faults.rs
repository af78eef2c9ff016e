//! Faults do what they say, to the requests they name, as often as they were told.

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use devserver::{Fault, FaultKind, On, Options, Server};

use crate::client::{Connection, login, read, status_with, try_login, wait_until};

fn start() -> (Server, String) {
    let server = Server::start(Options::default()).expect("a server");
    let (token, _) = login(&server);
    (server, token)
}

#[test]
fn a_fault_hits_what_it_names() {
    let (server, token) = start();
    server.add_fault(Fault::new(On::Login, FaultKind::Status));
    assert_eq!(try_login(&server, "nacos", "nacos").expect("an answer").status, 500);
    assert_eq!(status_with(&server, &token), 200);
    server.clear_faults();
    server.add_fault(Fault::new(On::Request, FaultKind::Status));
    login(&server);
    assert_eq!(status_with(&server, &token), 500);
    server.clear_faults();
    server.add_fault(Fault::new(On::All, FaultKind::Status));
    assert_eq!(try_login(&server, "nacos", "nacos").expect("an answer").status, 500);
    assert_eq!(status_with(&server, &token), 500);
}

#[test]
fn faults_queue_and_end() {
    let (server, token) = start();
    server.add_fault(Fault { status: Some(502), ..Fault::new(On::Request, FaultKind::Status).times(2) });
    server.add_fault(Fault { status: Some(503), ..Fault::new(On::All, FaultKind::Status).times(1) });
    let statuses: Vec<u16> = (0..4).map(|_| status_with(&server, &token)).collect();
    assert_eq!(statuses, [502, 502, 503, 200]);
}

#[test]
fn status_carries_what_it_was_given() {
    let (server, _) = start();
    server.add_fault(Fault {
        status: Some(429),
        retry_after: Some("7".to_owned()),
        content_type: Some("application/json".to_owned()),
        body: Some("{}".to_owned()),
        ..Fault::new(On::Login, FaultKind::Status)
    });
    let response = try_login(&server, "nacos", "nacos").expect("an answer");
    assert_eq!((response.status, response.header("Retry-After"), response.body.as_str()), (429, Some("7"), "{}"));
    assert_eq!(response.header("Content-Type"), Some("application/json"));
    let counts = server.counts();
    assert_eq!((counts.logins, counts.login_failures), (1, 1));
}

#[test]
fn html_and_redirect() {
    let (server, token) = start();
    server.add_fault(Fault::new(On::Request, FaultKind::Html).times(1));
    let page = read(&server, &token).expect("an answer");
    assert_eq!((page.status, page.header("Content-Type")), (200, Some("text/html;charset=UTF-8")));
    let location = Some("http://127.0.0.1:9/".to_owned());
    server.add_fault(Fault { location, ..Fault::new(On::Request, FaultKind::Redirect) });
    let redirect = read(&server, &token).expect("an answer");
    assert_eq!((redirect.status, redirect.header("Location")), (302, Some("http://127.0.0.1:9/")));
}

#[test]
fn delay() {
    let (server, token) = start();
    server.add_fault(Fault { delay_ms: Some(150), ..Fault::new(On::Request, FaultKind::Delay) });
    let begin = Instant::now();
    assert_eq!(status_with(&server, &token), 200);
    assert!(begin.elapsed() >= Duration::from_millis(150));
}

#[test]
fn a_hanging_request_is_read_and_holds_nobody_up() {
    let (server, token) = start();
    server.add_fault(Fault::new(On::All, FaultKind::Hang).times(1));
    let mut hanging = Connection::open(server.address()).expect("a connection");
    hanging.send("GET", "/nacos/v1/cs/configs?dataId=demo", &[], None).expect("a request");
    wait_until("the request to be read", || server.counts().requests == 1);
    assert_eq!(status_with(&server, &token), 200);
    server.restart(Duration::ZERO, Duration::ZERO);
    assert_eq!(hanging.receive(false).expect_err("no answer").kind(), ErrorKind::ConnectionReset);
}

#[test]
fn reset_sends_rst_and_has_no_effect() {
    let (server, token) = start();
    server.add_fault(Fault::new(On::All, FaultKind::Reset));
    assert_eq!(read(&server, &token).expect_err("no answer").kind(), ErrorKind::ConnectionReset);
    assert_eq!(try_login(&server, "nacos", "nacos").expect_err("no answer").kind(), ErrorKind::ConnectionReset);
    let counts = server.counts();
    assert_eq!((counts.logins, counts.login_failures, counts.requests), (1, 1, 1));
}

#[test]
fn cut_ends_in_the_middle_of_the_body() {
    let (server, token) = start();
    server.add_fault(Fault::new(On::Request, FaultKind::Cut).times(1));
    let mut connection = Connection::open(server.address()).expect("a connection");
    let bearer = format!("Bearer {token}");
    let target = "/nacos/v1/cs/configs?dataId=demo&group=DEFAULT_GROUP";
    let error = connection.ask("GET", target, &[("Authorization", &bearer)], None).expect_err("half an answer");
    assert_eq!(error.kind(), ErrorKind::UnexpectedEof);
    assert_eq!(status_with(&server, &token), 200);
}

#[test]
fn drip_sends_byte_by_byte() {
    let (server, token) = start();
    server.add_fault(Fault { delay_ms: Some(1), ..Fault::new(On::Request, FaultKind::Drip) });
    let begin = Instant::now();
    let response = read(&server, &token).expect("an answer");
    assert_eq!((response.status, response.body.as_str()), (200, "hello"));
    assert!(begin.elapsed() > Duration::from_millis(100), "a head of some 130 bytes came in {:?}", begin.elapsed());
}

#[test]
fn oversized_goes_on_and_on() {
    let (server, _) = start();
    server.add_fault(Fault { body: Some("{\"a\":".to_owned()), ..Fault::new(On::Request, FaultKind::Oversized) });
    let mut connection = Connection::open(server.address()).expect("a connection");
    connection.send("GET", "/", &[], None).expect("a request");
    let limit = 64 << 20;
    assert_eq!(connection.drain(limit).expect("a body"), limit);
    // A caller that gives up does no harm.
    drop(connection);
    login(&server);
}
