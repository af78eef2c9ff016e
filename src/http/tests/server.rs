//! The servers of these tests.

use std::{
    io::{self, Read},
    net::{TcpListener, TcpStream},
};

pub(super) use std::io::Write;

use crate::sys::lock::Mutex;

use super::*;

/// Serves each connection on a thread, for as long as the test process lives.
pub(super) struct Server {
    pub(super) address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Default)]
struct Seen {
    connections: usize,
    last: String,
}

/// A connection that a server has.
pub(super) struct Peer {
    pub(super) stream: TcpStream,
    seen: Arc<Mutex<Seen>>,
}

impl Server {
    pub(super) fn new(serve: impl Fn(Peer) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (seen, serve) = (Arc::<Mutex<Seen>>::default(), Arc::new(serve));
        let witness = seen.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                witness.lock().connections += 1;
                let (serve, peer) = (serve.clone(), Peer { stream, seen: witness.clone() });
                thread::spawn(move || serve(peer));
            }
        });
        Self { address, seen }
    }

    pub(super) fn connections(&self) -> usize {
        self.seen.lock().connections
    }

    pub(super) fn last_request(&self) -> String {
        self.seen.lock().last.clone()
    }
}

impl Peer {
    pub(super) fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }
}

/// Reads one request, head and body; `None` at the end of the connection.
pub(super) fn read_request(peer: &mut Peer) -> Option<String> {
    let text = read_message(&mut peer.stream)?;
    peer.seen.lock().last = text.clone();
    Some(text)
}

/// The same from anything.
pub(super) fn read_message(stream: &mut impl Read) -> Option<String> {
    let (mut text, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        let n = stream.read(&mut buffer).ok().filter(|n| *n > 0)?;
        text.extend_from_slice(&buffer[..n]);
        let Some(head) = text.windows(4).position(|w| w == b"\r\n\r\n") else { continue };
        let lower = String::from_utf8_lossy(&text[..head]).to_ascii_lowercase();
        let length = lower.split("content-length: ").nth(1).and_then(|rest| rest.lines().next()?.parse().ok());
        if text.len() >= head + 4 + length.unwrap_or(0) {
            return Some(String::from_utf8_lossy(&text).into_owned());
        }
    }
}

/// Whatever comes first, be it a request or not.
pub(super) fn take_some(peer: &mut Peer) -> usize {
    peer.stream.read(&mut [0; 4096]).unwrap_or(0)
}

/// Passes bytes on, both ways.
fn pass_on(one: &TcpStream, other: &TcpStream) {
    let (mut from, mut to) = (one.try_clone().unwrap(), other.try_clone().unwrap());
    let (mut back_from, mut back_to) = (other.try_clone().unwrap(), one.try_clone().unwrap());
    thread::spawn(move || io::copy(&mut back_from, &mut back_to));
    let _ = io::copy(&mut from, &mut to);
    let _ = to.shutdown(std::net::Shutdown::Both);
}

/// A proxy that connects to wherever it is told.
pub(super) fn proxy(scheme: &'static str) -> Server {
    Server::new(move |mut peer| {
        let target = match scheme {
            "http" => return forward(peer),
            "socks4" => socks4(&mut peer.stream),
            _ => socks5(&mut peer.stream),
        };
        pass_on(&peer.stream, &TcpStream::connect(target).unwrap());
    })
}

/// What an http proxy does: a tunnel, or one request after the other, which name their server.
fn forward(mut peer: Peer) {
    let Some(head) = read_request(&mut peer) else { return };
    let whole = head.split(' ').nth(1).unwrap();
    if head.starts_with("CONNECT") {
        let upstream = TcpStream::connect(whole).unwrap();
        peer.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
        return pass_on(&peer.stream, &upstream);
    }
    let authority = whole.strip_prefix("http://").and_then(|rest| rest.split('/').next());
    let mut upstream = TcpStream::connect(authority.expect("the whole address")).unwrap();
    upstream.write_all(head.as_bytes()).unwrap();
    pass_on(&peer.stream, &upstream);
}

fn take<const N: usize>(stream: &mut TcpStream) -> [u8; N] {
    let mut bytes = [0; N];
    stream.read_exact(&mut bytes).unwrap();
    bytes
}

fn socks5(stream: &mut TcpStream) -> String {
    let [_, methods] = take(stream);
    (0..methods).for_each(|_| _ = take::<1>(stream));
    stream.write_all(&[5, 0]).unwrap();
    let [_, _, _, kind] = take(stream);
    let host = match kind {
        1 => std::net::Ipv4Addr::from(take::<4>(stream)).to_string(),
        _ => {
            let [length] = take(stream);
            (0..length).map(|_| char::from(take::<1>(stream)[0])).collect()
        }
    };
    let port = u16::from_be_bytes(take(stream));
    stream.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).unwrap();
    format!("{host}:{port}")
}

fn socks4(stream: &mut TcpStream) -> String {
    let [_, _] = take(stream);
    let port = u16::from_be_bytes(take(stream));
    let host = std::net::Ipv4Addr::from(take::<4>(stream));
    while take::<1>(stream) != [0] {}
    stream.write_all(&[0, 90, 0, 0, 0, 0, 0, 0]).unwrap();
    format!("{host}:{port}")
}
