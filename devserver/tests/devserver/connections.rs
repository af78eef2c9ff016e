//! How long connections live.

use devserver::{Generation, Options, Server};

use crate::client::Connection;

fn start(generation: Generation) -> Server {
    Server::start(Options { generation, ..Options::default() }).expect("a server")
}

#[test]
fn the_hundredth_answer_is_the_last() {
    let server = start(Generation::V2);
    let mut connection = Connection::open(server.address()).expect("a connection");
    for request in 1..=100 {
        let response = connection.ask("GET", "/nacos/v1/console/server/state", &[], None).expect("an answer");
        let close = (request == 100).then_some("close");
        assert_eq!(response.header("Connection"), close, "after {request} requests");
    }
    assert_eq!(connection.drain(1).expect("an orderly end"), 0);
    assert_eq!(server.counts().connections, 1);
}

#[test]
fn only_3_closes_after_a_500() {
    let form = [("Content-Type", "application/x-www-form-urlencoded")];
    for (generation, path, close) in
        [(Generation::V2, "/nacos/v1/auth/login", None), (Generation::V3, "/nacos/v3/auth/user/login", Some("close"))]
    {
        let server = start(generation);
        let mut connection = Connection::open(server.address()).expect("a connection");
        let response = connection.ask("POST", path, &form, Some("username=nacos")).expect("an answer");
        assert_eq!((response.status, response.header("Connection")), (500, close));
    }
}

#[test]
fn it_stops_when_dropped() {
    let server = start(Generation::V2);
    let address = server.address();
    let mut open = Connection::open(address).expect("a connection");
    open.ask("GET", "/", &[], None).expect("an answer");
    drop(server);
    assert!(Connection::open(address).is_err());
    assert!(open.ask("GET", "/", &[], None).is_err());
}
