//! Servers that read nothing, answer somebody else's question, or are gone by then.

use std::{io::Read, net::TcpStream, thread, time::Duration};

use nacos_auth::{Kind, Request};

use crate::{
    memory::Memory,
    server::{Server, reset},
    way::{WAYS, Way},
};

const TIME: Duration = Duration::from_millis(900);

type Serves = fn(TcpStream);

const ODD: [(&str, Serves, &[Kind]); 6] = [
    ("says nothing", |_| thread::sleep(Duration::from_secs(5)), &[Kind::Timeout]),
    ("closes at once", drop, &[Kind::Connect, Kind::Io]),
    ("resets at once", |stream| reset(&stream), &[Kind::Connect, Kind::Io]),
    (
        "reads a byte and closes",
        |mut stream| {
            let _ = stream.read(&mut [0]);
        },
        &[Kind::Connect, Kind::Io],
    ),
    (
        "closes its sending side and reads on",
        |mut stream| {
            let _ = stream.shutdown(std::net::Shutdown::Write);
            while stream.read(&mut [0; 4096]).is_ok_and(|n| n > 0) {}
        },
        &[Kind::Connect, Kind::Io],
    ),
    (
        "closes its reading side",
        |stream| {
            let _ = stream.shutdown(std::net::Shutdown::Read);
            thread::sleep(Duration::from_secs(3));
        },
        &[Kind::Timeout, Kind::Io, Kind::Connect],
    ),
];

#[test]
fn connections_that_come_to_nothing() {
    for way in WAYS {
        for (what, serves, kinds) in ODD {
            way.once(&Server::raw(serves), TIME).must_fail(kinds, what);
        }
    }
}

/// A body that nobody reads does not outlast the deadline.
#[test]
fn a_server_that_reads_nothing() {
    let _alone = Memory::watch();
    let server = Server::raw(|_| thread::sleep(Duration::from_secs(5)));
    let client = Way::Request.client(&server.address.to_string());
    let began = std::time::Instant::now();
    let request = Request::post("/v1/cs/configs").expect("a request").body(vec![b'x'; 32 << 20]).timeout(TIME);
    let error = client.request(request).map(drop).expect_err("no answer");
    assert_eq!(error.kind(), Kind::Timeout);
    assert!(began.elapsed() < TIME + Duration::from_secs(1), "{:?}", began.elapsed());
}
