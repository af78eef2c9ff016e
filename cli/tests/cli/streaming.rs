//! Bodies of any length go through in bounded memory, both ways.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    thread,
};

use crate::support::{Proxy, bare};

const LENGTH: usize = 64 << 20;
const TOKEN: &str = r#"{"accessToken":"T","tokenTtl":18000}"#;

/// Takes any body, answers logins, and everything else with `LENGTH` bytes.
fn sink() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || listener.incoming().for_each(|stream| _ = thread::spawn(|| serve(stream.unwrap()))));
    address
}

fn serve(mut stream: TcpStream) {
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
            write!(
                stream,
                "HTTP/1.1 200 \r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{TOKEN}",
                TOKEN.len()
            )
            .unwrap();
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
