//! What stands before a server, and changes what passes: a gateway, with TLS or without.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::Arc,
    thread,
};

use super::*;

/// Hands on one request of each connection. It ends with the process.
pub(super) struct Gateway {
    pub(super) address: SocketAddr,
}

/// Changes the head of a request or an answer.
pub(super) type Edit = fn(String) -> String;

impl Gateway {
    pub(super) fn new(to: SocketAddr, request: Edit, answer: Edit) -> Self {
        Self::serve(move |mut stream| pass(&mut stream, to, request, answer))
    }

    pub(super) fn tls(to: SocketAddr, config: Arc<rustls::ServerConfig>) -> Self {
        Self::serve(move |stream| {
            let session = rustls::ServerConnection::new(config.clone()).unwrap();
            let mut stream = rustls::StreamOwned::new(session, stream);
            pass(&mut stream, to, |head| head, |head| head);
            stream.conn.send_close_notify();
            _ = stream.flush();
        })
    }

    fn serve(handle: impl Fn(TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, handle) = (listener.local_addr().unwrap(), Arc::new(handle));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let handle = handle.clone();
                thread::spawn(move || handle(stream));
            }
        });
        Self { address }
    }
}

fn pass(stream: &mut (impl Read + Write), to: SocketAddr, request: Edit, answer: Edit) {
    let Some((head, mut body)) = read_head(stream) else { return };
    let length =
        head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse().ok());
    let missing = length.unwrap_or(0_usize).saturating_sub(body.len());
    let mut rest = vec![0; missing];
    if stream.read_exact(&mut rest).is_err() {
        return;
    }
    body.extend(rest);
    let mut server = TcpStream::connect(to).unwrap();
    let head = request(head).replacen("\r\n", "\r\nConnection: close\r\n", 1);
    server.write_all(head.as_bytes()).and_then(|()| server.write_all(&body)).unwrap();
    let Some((head, mut body)) = read_head(&mut server) else { return };
    _ = server.read_to_end(&mut body);
    _ = stream.write_all(answer(head).as_bytes()).and_then(|()| stream.write_all(&body));
}

/// The head, its empty line included, and what came with it of the body.
fn read_head(stream: &mut impl Read) -> Option<(String, Vec<u8>)> {
    let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let body = bytes.split_off(end + 4);
            return Some((String::from_utf8(bytes).ok()?, body));
        }
        match stream.read(&mut buffer) {
            Ok(read) if read > 0 => bytes.extend_from_slice(&buffer[..read]),
            _ => return None,
        }
    }
}

fn without(head: String, name: &str) -> String {
    let lines = head.split("\r\n").filter(|line| !line.to_ascii_lowercase().starts_with(name));
    lines.collect::<Vec<_>>().join("\r\n")
}

fn at_gateway(gateway: &Gateway) -> Config {
    config_at(gateway.address)
}

pub(super) fn config_at(address: SocketAddr) -> Config {
    Config::new(&address.to_string(), "nacos", "nacos")
}

#[test]
fn a_gateway_that_takes_authorization_away() {
    for generation in [Generation::V14, Generation::V2, Generation::V3, Generation::V33] {
        let server = server(generation);
        let gateway = Gateway::new(server.address(), |head| without(head, "authorization:"), |head| head);
        assert_names(&examine(at_gateway(&gateway)), &["authorization-stripped"]);
        let strict = at_gateway(&gateway).token_in(nacos_auth::TokenPlace::Authorization);
        assert_eq!(examine(strict).severity(), Severity::Error);
    }
}

#[test]
fn clocks_that_are_apart() {
    fn days(time: std::time::SystemTime) -> String {
        httpdate::fmt_http_date(time)
    }
    let server = server(Generation::RNacos);
    let dated: Edit = |head| {
        let late = std::time::SystemTime::now() + Duration::from_secs(7200);
        without(head, "date:").replacen("\r\n", &format!("\r\nDate: {}\r\n", days(late)), 1)
    };
    let gateway = Gateway::new(server.address(), |head| head, dated);
    let diagnosis = examine(at_gateway(&gateway));
    assert_names(&diagnosis, &["clocks-differ"]);
    assert!(diagnosis.to_text().contains("2 h ahead of that of this machine"), "{}", diagnosis.to_text());
    // A token tells when it ends, and its server how long it lives: by that its clock is right.
    let server = super::server(Generation::V2);
    let diagnosis = examine(at_gateway(&Gateway::new(server.address(), |head| head, dated)));
    assert_names(&diagnosis, &["clocks-differ"]);
    let seen = diagnosis.findings().iter().map(|finding| finding.seen()).collect::<Vec<_>>().join(" ");
    assert!(seen.contains("2 h behind the one that dates its answers"), "{seen}");
}

#[test]
fn a_head_that_only_passes_through_changes_nothing() {
    let server = server(Generation::V2);
    let gateway = Gateway::new(server.address(), |head| head, |head| head);
    assert_names(&examine(at_gateway(&gateway)), &[]);
}
