//! Servers that do as a function says, with the bytes of a connection at hand.

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

/// What a login is answered with where logins are not what a test is about.
pub(crate) const TOKEN: &str = "eyJhbGciOiJIUzI1NiJ9.c2VydmVy.5BZQx1";

/// A request as it came.
pub(crate) struct Seen {
    pub(crate) text: String,
}

impl Seen {
    pub(crate) fn target(&self) -> &str {
        self.text.split(' ').nth(1).unwrap_or_default()
    }

    pub(crate) fn is_login(&self) -> bool {
        self.target().split('?').next().unwrap_or_default().ends_with("/login")
    }

    /// The number behind `what`, as in `dataId=17` or `username=u17`.
    pub(crate) fn number(&self, what: &str) -> usize {
        let rest = self.text.split(what).nth(1).unwrap_or_default();
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().unwrap_or_default()
    }
}

/// Serves each connection on a thread of its own, for as long as the tests run.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    connections: Arc<AtomicUsize>,
}

impl Server {
    /// `serve` has each connection from its first byte to its last.
    pub(crate) fn raw(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let (connections, serve) = (Arc::new(AtomicUsize::new(0)), Arc::new(serve));
        let count = connections.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                count.fetch_add(1, Ordering::SeqCst);
                // So that a server whose client has gone ends too.
                let _ = stream.set_write_timeout(Some(Duration::from_secs(20)));
                let _ = stream.set_nodelay(true);
                let serve = serve.clone();
                thread::spawn(move || serve(stream));
            }
        });
        Self { address, connections }
    }

    /// `answer` is asked for each request, and says whether the connection stays.
    pub(crate) fn new(answer: impl Fn(&Seen, &mut TcpStream) -> io::Result<bool> + Send + Sync + 'static) -> Self {
        Self::raw(move |mut stream| {
            while let Some(seen) = read_request(&mut stream) {
                if !answer(&seen, &mut stream).unwrap_or(false) {
                    break;
                }
            }
        })
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

/// One request, head and body; `None` at the end of the connection.
pub(crate) fn read_request(stream: &mut impl Read) -> Option<Seen> {
    let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        let n = stream.read(&mut buffer).ok().filter(|n| *n > 0)?;
        bytes.extend_from_slice(&buffer[..n]);
        let Some(head) = bytes.windows(4).position(|w| w == b"\r\n\r\n") else { continue };
        let lower = String::from_utf8_lossy(&bytes[..head]).to_ascii_lowercase();
        let length = lower.split("content-length: ").nth(1).and_then(|rest| rest.lines().next()?.parse().ok());
        if bytes.len() >= head + 4 + length.unwrap_or(0) {
            return Some(Seen { text: String::from_utf8_lossy(&bytes).into_owned() });
        }
    }
}

/// The head of a request, and nothing of what follows.
pub(crate) fn read_head(stream: &mut impl Read) -> Option<Seen> {
    let (mut bytes, mut byte) = (Vec::new(), [0]);
    while !bytes.ends_with(b"\r\n\r\n") {
        stream.read(&mut byte).ok().filter(|n| *n > 0)?;
        bytes.push(byte[0]);
    }
    Some(Seen { text: String::from_utf8_lossy(&bytes).into_owned() })
}

/// An answer with its length.
pub(crate) fn answer(status: &str, more: &str, body: &[u8]) -> Vec<u8> {
    let mut whole = format!("HTTP/1.1 {status}\r\n{more}Content-Length: {}\r\n\r\n", body.len()).into_bytes();
    whole.extend_from_slice(body);
    whole
}

/// The same in chunks of five bytes.
pub(crate) fn chunked(status: &str, more: &str, body: &[u8]) -> Vec<u8> {
    let mut whole = format!("HTTP/1.1 {status}\r\n{more}Transfer-Encoding: chunked\r\n\r\n").into_bytes();
    for piece in body.chunks(5) {
        whole.extend_from_slice(format!("{:x}\r\n", piece.len()).as_bytes());
        whole.extend_from_slice(piece);
        whole.extend_from_slice(b"\r\n");
    }
    whole.extend_from_slice(b"0\r\n\r\n");
    whole
}

pub(crate) fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(body).expect("in memory");
    encoder.finish().expect("in memory")
}

/// What a login brings.
pub(crate) fn granted() -> Vec<u8> {
    format!(r#"{{"accessToken":"{TOKEN}","tokenTtl":18000,"globalAdmin":true}}"#).into_bytes()
}

/// Ends the connection with RST.
pub(crate) fn reset(stream: &TcpStream) {
    let _ = socket2::SockRef::from(stream).set_linger(Some(Duration::ZERO));
}

/// Sends `piece` again and again until the client has gone.
pub(crate) fn for_ever(stream: &mut impl Write, piece: &[u8]) -> io::Result<bool> {
    let many = piece.repeat((32 * 1024 / piece.len()).max(1));
    loop {
        stream.write_all(&many)?;
    }
}
