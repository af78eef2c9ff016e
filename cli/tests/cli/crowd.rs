//! A thousand clients that wait at the same time.

use std::{io::Write, net::TcpStream};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::support::{Answer, Proxy, server, wait_for};

const CLIENTS: usize = 1000;

#[test]
fn a_thousand_long_polls_wait_in_little_memory() {
    let limit = getrlimit(Resource::Nofile);
    if limit.maximum.is_some_and(|most| most < 4 * CLIENTS as u64) {
        eprintln!("skipped: this process may not have that many descriptors");
        return;
    }
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).unwrap();
    let server = server(1000);
    let proxy = Proxy::start(&server, &[]);
    wait_for("a token", || proxy.get("/-/health").status == 200);
    let (before, descriptors) = (proxy.kib("VmRSS"), proxy.descriptors());

    let body = "Listening-Configs=demo%02DEFAULT_GROUP%025d41402abc4b2a76b9719d911017c592%01";
    let request = format!(
        "POST /nacos/v1/cs/configs/listener HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {}\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nLong-Pulling-Timeout: 60000\r\n\r\n{body}",
        body.len()
    );
    let open = |_| {
        let mut stream = proxy.connect();
        stream.write_all(request.as_bytes()).unwrap();
        stream
    };
    let mut clients: Vec<TcpStream> = (0..CLIENTS).map(open).collect();
    wait_for("all wait", || server.counts().requests as usize == CLIENTS);
    let (after, more) = (proxy.kib("VmRSS"), proxy.descriptors());
    println!("{CLIENTS} long polls: {} KiB and {} descriptors more", after - before, more - descriptors);
    assert!(after - before < 100 * 1024, "{before} KiB before, {after} KiB after");
    assert!(more - descriptors <= 2 * CLIENTS + 10, "{descriptors} descriptors before, {more} after");

    server.publish("demo", "DEFAULT_GROUP", "news");
    let served = clients.iter_mut().map(Answer::read).filter(|answer| answer.body.contains("demo")).count();
    assert_eq!(served, CLIENTS);
    assert_eq!(server.counts().logins, 1);
    drop(clients);
    wait_for("the descriptors are back", || proxy.descriptors() < descriptors + 100);
}
