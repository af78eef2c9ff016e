//! Bodies of any length go through in bounded memory, both ways.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use crate::support::{Answer, Proxy, bare};

const LENGTH: usize = 64 << 20;

/// Takes any body, answers logins, paths with the number of a status in that way, and everything else with `LENGTH` bytes.
fn sink() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let logins = Arc::new(AtomicUsize::new(0));
    thread::spawn(move || {
        for stream in listener.incoming() {
            let logins = logins.clone();
            thread::spawn(move || serve(stream.unwrap(), &logins));
        }
    });
    address
}

fn serve(mut stream: TcpStream, logins: &AtomicUsize) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    loop {
        let (mut head, mut line) = (String::new(), String::new());
        while line != "\r\n" {
            line.clear();
            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            head += &line.to_lowercase();
        }
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap_or(0);
        let length =
            if head.contains("transfer-encoding: chunked") { chunks(&mut reader) } else { take(&mut reader, length) };
        let is_login = head.contains("auth");
        if is_login && head.contains("login") {
            let number = logins.fetch_add(1, Ordering::Relaxed) + 1;
            let token = format!(r#"{{"accessToken":"T{number}","tokenTtl":18000}}"#);
            let length = token.len();
            let head = "HTTP/1.1 200 \r\nContent-Type: application/json";
            write!(stream, "{head}\r\nContent-Length: {length}\r\n\r\n{token}").unwrap();
            continue;
        }
        if let Some(status) = head.split(['/', '-', ' ']).find(|part| part.len() == 3 && part.starts_with(['4', '5'])) {
            let text = if head.contains("-mute") { "" } else { "5\r\nfirst\r\n" };
            write!(stream, "HTTP/1.1 {status} \r\nTransfer-Encoding: chunked\r\n\r\n{text}").unwrap();
            // No more comes as long as the proxy listens.
            _ = reader.read(&mut [0]);
            return;
        }
        if head.contains("/slowly-refused") && !head.contains("bearer t2") {
            let head = "HTTP/1.1 403 \r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
            write!(stream, "{head}13\r\n{{\"message\":\"token i\r\n").unwrap();
            thread::sleep(Duration::from_millis(300));
            write!(stream, "9\r\nnvalid!\"}}\r\n0\r\n\r\n").unwrap();
            continue;
        }
        write!(stream, "HTTP/1.1 200 \r\nX-Length: {length}\r\nContent-Length: {LENGTH}\r\n\r\n").unwrap();
        let piece = [b'x'; 1 << 16];
        for _ in 0..LENGTH / piece.len() {
            if stream.write_all(&piece).is_err() {
                return;
            }
        }
    }
}

/// Reads so many bytes.
fn take(reader: &mut impl Read, length: u64) -> u64 {
    std::io::copy(&mut reader.take(length), &mut std::io::sink()).unwrap()
}

/// Reads a chunked body, and says how long it is.
fn chunks(reader: &mut impl BufRead) -> u64 {
    let mut sum = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let length = u64::from_str_radix(line.trim(), 16).unwrap();
        take(reader, length + 2);
        sum += length;
        if length == 0 {
            return sum;
        }
    }
}

fn proxy() -> Proxy {
    let mut command = bare();
    command.env("NACOS_SERVER_ADDR", sink().to_string()).env("NACOS_USERNAME", "u").env("NACOS_PASSWORD", "p");
    Proxy::with(command.args(["proxy", "--listen", "127.0.0.1:0"]))
}

/// Reads an answer to its end: its head, and how long its body is.
fn answer(stream: &mut TcpStream) -> (String, usize) {
    let mut reader = BufReader::new(stream);
    let (mut head, mut line) = (String::new(), String::new());
    while line != "\r\n" {
        line.clear();
        assert!(reader.read_line(&mut line).unwrap() > 0, "{head}");
        head += &line.to_lowercase();
    }
    (head, std::io::copy(&mut reader, &mut std::io::sink()).unwrap() as usize)
}

#[test]
fn sixty_four_mebibytes_each_way_take_little_memory() {
    let proxy = proxy();
    let path = "/nacos/v1/large";
    let request =
        |framing: &str| format!("POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{framing}\r\n\r\n");
    let send = |stream: &mut TcpStream, is_chunked: bool| {
        let piece = [b'y'; 1 << 16];
        for _ in 0..LENGTH / piece.len() {
            if is_chunked {
                write!(stream, "{:x}\r\n", piece.len()).unwrap();
            }
            stream.write_all(&piece).unwrap();
            if is_chunked {
                stream.write_all(b"\r\n").unwrap();
            }
        }
    };
    let mut stream = proxy.connect();
    stream.write_all(request("Content-Length: 0").as_bytes()).unwrap();
    assert_eq!(answer(&mut stream).1, LENGTH);
    let before = proxy.kib("VmHWM");

    for (framing, is_chunked) in
        [(format!("Content-Length: {LENGTH}"), false), ("Transfer-Encoding: chunked".into(), true)]
    {
        let mut stream = proxy.connect();
        stream.write_all(request(&framing).as_bytes()).unwrap();
        send(&mut stream, is_chunked);
        if is_chunked {
            stream.write_all(b"0\r\n\r\n").unwrap();
        }
        let (head, length) = answer(&mut stream);
        assert!(head.contains(&format!("x-length: {LENGTH}")), "{head}");
        assert_eq!(length, LENGTH);
    }
    let after = proxy.kib("VmHWM");
    assert!(after < before + 16 * 1024, "{before} KiB before, {after} KiB after");
}

#[test]
fn an_error_whose_body_does_not_end_is_passed_on_as_it_comes() {
    let proxy = proxy();
    assert_eq!(proxy.get("/nacos/v1/small").status, 200);
    for path in ["404", "400", "503", "404-mute", "403", "500", "403-mute"] {
        let mut stream = proxy.connect();
        let begin = Instant::now();
        // A refusal without words is sent once more only where that does no harm.
        write!(stream, "POST /nacos/v1/{path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n").unwrap();
        let (mut seen, mut piece) = (Vec::new(), [0; 1000]);
        let end: &[u8] = if path.ends_with("mute") { b"\r\n\r\n" } else { b"first\r\n" };
        while !seen.ends_with(end) {
            let length = stream.read(&mut piece).unwrap();
            assert!(length > 0, "{path}: {}", String::from_utf8_lossy(&seen));
            seen.extend_from_slice(&piece[..length]);
        }
        let took = begin.elapsed();
        assert!(seen.starts_with(format!("HTTP/1.1 {}", &path[..3]).as_bytes()), "{path}");
        assert!(took < Duration::from_secs(4), "{path}: after {took:?}");
    }
}

#[test]
fn a_refusal_that_comes_in_pieces_is_understood() {
    let proxy = proxy();
    let Answer { status, body, .. } = proxy.send("POST", "/nacos/v1/slowly-refused", "", b"");
    assert_eq!((status, body.len()), (200, LENGTH));
}
