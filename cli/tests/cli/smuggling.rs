//! Requests that a proxy must not pass on.

use std::io::Write;

use crate::support::{Answer, DEMO, Proxy, server};

#[test]
fn what_is_for_others_or_can_be_read_in_two_ways_is_refused_with_a_reason() {
    let server = server(100);
    let proxy = Proxy::start(&server, &[]);
    assert_eq!(proxy.get(DEMO).status, 200);
    server.reset_counts();
    let post = "POST /nacos/v1/cs/configs HTTP/1.1\r\nHost: localhost\r\n";
    let chunked = "Transfer-Encoding: chunked\r\n";
    for (request, status, reason) in [
        (format!("{post}Content-Length: 5\r\n{chunked}\r\n0\r\n\r\n"), 400, "framing"),
        (format!("{post}{chunked}Content-Length: 5\r\n\r\n0\r\n\r\n"), 400, "framing"),
        (format!("{post}{chunked}content-LENGTH: 0\r\n\r\n0\r\n\r\n"), 400, "framing"),
        (format!("{post}Content-Length: 1\r\nContent-Length: 1\r\n\r\nx"), 400, "framing"),
        (format!("{post}{chunked}{chunked}\r\n0\r\n\r\n"), 400, "framing"),
        (format!("{post}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"), 400, "framing"),
        (format!("{post}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n"), 400, ""),
        (format!("{post}Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx"), 400, ""),
        (format!("{post}Content-Length: +1\r\n\r\nx"), 400, ""),
        (format!("{post}Content-Length : 1\r\n\r\nx"), 400, ""),
        (format!("{post} Content-Length: 1\r\n\r\nx"), 400, ""),
        ("GET http://other.example/nacos/v1/x HTTP/1.1\r\nHost: localhost\r\n\r\n".into(), 421, "host"),
        ("GET http://localhost/nacos/v1/x HTTP/1.1\r\nHost: other.example\r\n\r\n".into(), 421, "host"),
        ("GET /nacos/v1/x HTTP/1.1\r\nHost: other.example\r\n\r\n".into(), 421, "host"),
        ("GET /nacos/v1/x HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n".into(), 400, "host"),
        ("GET /nacos/v1/x HTTP/1.1\r\n\r\n".into(), 400, "host"),
        ("CONNECT localhost:8848 HTTP/1.1\r\nHost: localhost:8848\r\n\r\n".into(), 405, "connect"),
        ("OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n".into(), 400, "path"),
        ("GET /actuator HTTP/1.1\r\nHost: localhost\r\n\r\n".into(), 404, "wrong-context-path"),
        ("GET /nacos/../actuator HTTP/1.1\r\nHost: localhost\r\n\r\n".into(), 400, "path"),
        ("GET /nacos/%2e%2e/actuator HTTP/1.1\r\nHost: localhost\r\n\r\n".into(), 400, "path"),
        ("POST /nacos/v1/x HTTP/1.1\r\nHost: localhost\r\nOrigin: https://evil.example\r\n\r\n".into(), 403, "origin"),
        ("GET /nacos/v1/x HTTP/1.1\r\nHost: localhost\r\nSec-Fetch-Site: cross-site\r\n\r\n".into(), 403, "origin"),
    ] {
        let request = request.replacen("\r\n", "\r\nConnection: close\r\n", 1);
        let answer = proxy.raw(request.as_bytes());
        assert_eq!(answer.status, status, "{request}: {answer:?}");
        assert!(answer.body.contains(reason) && (reason.is_empty() || answer.body.contains("message")), "{answer:?}");
    }
    assert_eq!(server.counts().requests, 0);
}

#[test]
fn what_comes_behind_a_refused_request_is_not_served() {
    let server = server(100);
    let proxy = Proxy::start(&server, &[]);
    let smuggled = format!("GET {DEMO} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    for (first, second) in
        [("Content-Length: 5", "Transfer-Encoding: chunked"), ("Transfer-Encoding: chunked", "Content-Length: 5")]
    {
        let request = format!(
            "POST /nacos/v1/cs/configs HTTP/1.1\r\nHost: localhost\r\n{first}\r\n{second}\r\n\r\n0\r\n\r\n{smuggled}"
        );
        let answer = proxy.raw(request.as_bytes());
        assert_eq!(answer.status, 400, "{answer:?}");
        assert!(!answer.body.contains("hello"), "{answer:?}");
    }
    assert_eq!(server.counts().requests, 0);
}

#[test]
fn the_second_request_of_a_connection_is_looked_at_as_the_first() {
    let server = server(100);
    let proxy = Proxy::start(&server, &[]);
    let form = "dataId=a&group=G&content=x";
    let mut stream = proxy.connect();
    write!(
        stream,
        "POST /nacos/v1/cs/configs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Content-Length: {}\r\n\r\n{form}GET {DEMO} HTTP/1.1\r\nHost: localhost\r\n\r\nPOST /nacos/v1/cs/configs HTTP/1.1\r\n\
         Host: localhost\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
        form.len()
    )
    .unwrap();
    let Answer { body, .. } = Answer::read(&mut stream);
    assert!(body.contains("true") && body.contains("hello") && body.contains("framing"), "{body}");
    assert_eq!(server.counts().requests, 2);
}

#[test]
fn headers_of_the_connection_end_here() {
    let server = server(100);
    let proxy = Proxy::start(&server, &[]);
    let headers = "Connection: close, accessToken\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\nTE: trailers\r\n\
                   Proxy-Authorization: Basic dTpw\r\nExpect: 100-continue\r\n";
    let answer = proxy.send("GET", DEMO, headers, b"");
    assert!(answer.body.ends_with("hello"), "{answer:?}");
    let headers = "Transfer-Encoding: chunked\r\nContent-Type: application/x-www-form-urlencoded\r\n";
    let request = format!(
        "POST /nacos/v1/cs/configs HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n1a\r\ndataId=a&group=G&content=x\r\n0\r\n\r\n"
    );
    let answer = proxy.raw(request.as_bytes());
    assert!(answer.status == 200 && answer.head.to_lowercase().contains("connection: close"), "{answer:?}");
}
