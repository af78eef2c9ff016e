//! A plain HTTP client that hides nothing, and shorthands for what most tests do.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use devserver::Server;
use serde_json::Value;

/// Longer than anything takes here.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    /// As text, what is none replaced.
    pub(crate) body: String,
    pub(crate) bytes: Vec<u8>,
}

impl Response {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut all = self.headers.iter();
        all.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }

    /// The key `message` of an error.
    pub(crate) fn message(&self) -> String {
        self.json()["message"].as_str().unwrap_or_default().to_owned()
    }
}

/// One connection.
pub(crate) struct Connection(BufReader<TcpStream>);

impl Connection {
    pub(crate) fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(LIMIT))?;
        stream.set_nodelay(true)?;
        Ok(Self(BufReader::new(stream)))
    }

    pub(crate) fn ask(
        &mut self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: Option<&str>,
    ) -> io::Result<Response> {
        self.send(method, target, headers, body)?;
        self.receive(method == "HEAD")
    }

    pub(crate) fn send(
        &mut self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: Option<&str>,
    ) -> io::Result<()> {
        let mut text = format!("{method} {target} HTTP/1.1\r\nHost: nacos\r\n");
        for (name, value) in headers {
            text += &format!("{name}: {value}\r\n");
        }
        if let Some(body) = body {
            text += &format!("Content-Length: {}\r\n", body.len());
        }
        text += "\r\n";
        text += body.unwrap_or_default();
        self.0.get_mut().write_all(text.as_bytes())
    }

    /// UnexpectedEof if the connection ends before the answer does.
    pub(crate) fn receive(&mut self, head_only: bool) -> io::Result<Response> {
        let (status, headers) = self.head()?;
        let length = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
        let length = length.map_or(0, |(_, value)| value.parse().expect("a length"));
        let mut body = vec![0; if head_only { 0 } else { length }];
        self.0.read_exact(&mut body)?;
        Ok(Response { status, headers, body: String::from_utf8_lossy(&body).into_owned(), bytes: body })
    }

    fn head(&mut self) -> io::Result<(u16, Vec<(String, String)>)> {
        let first = self.line()?;
        let status = first.split(' ').nth(1).and_then(|status| status.parse().ok());
        let mut headers = Vec::new();
        loop {
            let line = self.line()?;
            let Some((name, value)) = line.split_once(": ") else { break };
            headers.push((name.to_owned(), value.to_owned()));
        }
        Ok((status.unwrap_or_else(|| panic!("no status in {first:?}")), headers))
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        self.0.read_line(&mut line)?;
        match line.strip_suffix("\r\n") {
            Some(line) => Ok(line.to_owned()),
            None => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    /// How many bytes come before the connection ends, at most so many.
    pub(crate) fn drain(&mut self, limit: u64) -> io::Result<u64> {
        io::copy(&mut self.0.by_ref().take(limit), &mut io::sink())
    }
}

/// One request on a connection of its own.
pub(crate) fn ask(
    address: SocketAddr,
    method: &str,
    target: &str,
    headers: &[(&str, &str)],
    body: Option<&str>,
) -> io::Result<Response> {
    Connection::open(address)?.ask(method, target, headers, body)
}

const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");

pub(crate) fn post_form(address: SocketAddr, target: &str, form: &str) -> io::Result<Response> {
    ask(address, "POST", target, &[FORM], Some(form))
}

pub(crate) fn try_login(server: &Server, username: &str, password: &str) -> io::Result<Response> {
    post_form(server.address(), "/nacos/v1/auth/login", &format!("username={username}&password={password}"))
}

/// Token and `tokenTtl` of a login that must succeed.
pub(crate) fn login_as(server: &Server, username: &str, password: &str) -> (String, i64) {
    let response = try_login(server, username, password).expect("an answer");
    assert_eq!(response.status, 200, "{response:?}");
    let json = response.json();
    (json["accessToken"].as_str().expect("a token").to_owned(), json["tokenTtl"].as_i64().expect("a number"))
}

pub(crate) fn login(server: &Server) -> (String, i64) {
    login_as(server, "nacos", "nacos")
}

/// Read the configuration `demo`.
pub(crate) fn read(server: &Server, token: &str) -> io::Result<Response> {
    let bearer = format!("Bearer {token}");
    let target = "/nacos/v1/cs/configs?dataId=demo&group=DEFAULT_GROUP";
    ask(server.address(), "GET", target, &[("Authorization", &bearer)], None)
}

pub(crate) fn status_with(server: &Server, token: &str) -> u16 {
    read(server, token).expect("an answer").status
}

/// Wait for a condition, not for a time.
pub(crate) fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let end = Instant::now() + LIMIT;
    while !condition() {
        assert!(Instant::now() < end, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
