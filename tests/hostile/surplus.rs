//! Bytes beyond an answer: what comes unasked is never taken for the answer to the next request.

use std::{
    io::{self, Write},
    net::TcpStream,
    sync::Arc,
    thread,
    time::Duration,
};

use nacos_auth::Request;

use crate::{
    server::{Seen, answer},
    way::Way,
};

const FORGED: &[u8] = b"forged";

/// What is right for `seen`: its own number.
fn right(seen: &Seen) -> Vec<u8> {
    format!("answer to {}", seen.number("dataId=")).into_bytes()
}

type Misbehaves = fn(&Seen, &mut TcpStream) -> io::Result<bool>;

fn forged() -> Vec<u8> {
    answer("200 OK", "", FORGED)
}

/// Each answers rightly, and does something more.
const SURPLUS: [(&str, Misbehaves); 9] = [
    ("a second answer in the same packet", |seen, stream| {
        stream.write_all(&[answer("200 OK", "", &right(seen)), forged()].concat())?;
        Ok(true)
    }),
    ("a second answer a little later", |seen, stream| {
        stream.write_all(&answer("200 OK", "", &right(seen)))?;
        thread::sleep(Duration::from_millis(10));
        stream.write_all(&forged())?;
        Ok(true)
    }),
    ("ten more answers", |seen, stream| {
        stream.write_all(&[answer("200 OK", "", &right(seen)), forged().repeat(10)].concat())?;
        Ok(true)
    }),
    ("a body longer than its length", |seen, stream| {
        let body = right(seen);
        write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len())?;
        stream.write_all(&[body, forged()].concat())?;
        Ok(true)
    }),
    ("something behind the last chunk", |seen, stream| {
        stream.write_all(&[crate::server::chunked("200 OK", "", &right(seen)), forged()].concat())?;
        Ok(true)
    }),
    ("a line end too many", |seen, stream| {
        stream.write_all(&[answer("200 OK", "", &right(seen)), b"\r\n\r\n".to_vec()].concat())?;
        Ok(true)
    }),
    ("half a second answer", |seen, stream| {
        let forged = forged();
        stream.write_all(&[&answer("200 OK", "", &right(seen)), &forged[..forged.len() / 2]].concat())?;
        Ok(true)
    }),
    ("an interim answer", |seen, stream| {
        stream.write_all(&[answer("200 OK", "", &right(seen)), b"HTTP/1.1 100 Continue\r\n\r\n".to_vec()].concat())?;
        Ok(true)
    }),
    ("a time-out that it tells", |seen, stream| {
        stream.write_all(&answer("200 OK", "", &right(seen)))?;
        thread::sleep(Duration::from_millis(10));
        stream.write_all(&answer("408 Request Timeout", "Connection: close\r\n", FORGED))?;
        Ok(false)
    }),
];

#[test]
fn each_request_gets_its_own_answer() {
    for (what, misbehaves) in SURPLUS {
        let server = Way::Request.server(misbehaves);
        let client = Way::Request.client(&server.address.to_string());
        for number in 0..8 {
            let outcome = Way::Request.call(&client, number, Duration::from_secs(5));
            let expected = format!("answer to {number}");
            assert_eq!(outcome.result.as_deref().ok(), Some(expected.as_bytes()), "{what}: {outcome:?}");
            // What comes later than the answer is there by then.
            thread::sleep(Duration::from_millis(25));
        }
    }
}

/// The same by many threads, which take each other's connections.
#[test]
fn each_of_many_threads_gets_its_own_answer() {
    for (what, misbehaves) in &SURPLUS[..5] {
        let server = Way::Request.server(*misbehaves);
        let client = Arc::new(Way::Request.client(&server.address.to_string()));
        thread::scope(|scope| {
            for first in (0..400).step_by(50) {
                let client = &client;
                scope.spawn(move || {
                    for number in first..first + 50 {
                        let request = Request::get("/v1/cs/configs").expect("a request");
                        let response = client.request(request.query("dataId", &number.to_string()));
                        // A connection that broke is an error; another's answer must not be one's own.
                        if let Ok(response) = response {
                            let text = String::from_utf8_lossy(response.body()).into_owned();
                            // A packet that comes while the next request is sent cannot be told from its answer.
                            if !what.contains("later") {
                                assert_eq!(text, format!("answer to {number}"), "{what}");
                            }
                        }
                    }
                });
            }
        });
    }
}

/// Answers that have no body by their status or method, and bring one.
#[test]
fn bodies_where_none_belongs() {
    for (method, status) in
        [("GET", "204 No Content"), ("GET", "304 Not Modified"), ("HEAD", "200 OK"), ("GET", "205 Reset")]
    {
        let server = Way::Request.server(move |seen, stream| {
            if seen.number("dataId=") == 0 {
                stream.write_all(&answer(status, "", &forged()))?;
            } else {
                stream.write_all(&answer("200 OK", "", &right(seen)))?;
            }
            Ok(true)
        });
        let client = Way::Request.client(&server.address.to_string());
        let request = Request::new(method, "/v1/cs/configs").expect("a request").query("dataId", "0");
        let _ = client.request(request).expect("an answer");
        thread::sleep(Duration::from_millis(25));
        for number in 1..3 {
            let outcome = Way::Request.call(&client, number, Duration::from_secs(5));
            let expected = format!("answer to {number}");
            assert_eq!(outcome.result.as_deref().ok(), Some(expected.as_bytes()), "{method} {status}: {outcome:?}");
        }
    }
}

/// What a server says before it is asked.
#[test]
fn an_answer_before_the_request_is_not_believed_twice() {
    let server = crate::server::Server::raw(|mut stream| {
        let _ = stream.write_all(&forged());
        while let Some(seen) = crate::server::read_request(&mut stream) {
            let _ = stream.write_all(&answer("200 OK", "", &right(&seen)));
        }
    });
    let client = Way::Request.client(&server.address.to_string());
    for number in 0..6 {
        let outcome = Way::Request.call(&client, number, Duration::from_secs(5));
        // The first may be the answer to a connection's first request, for all that anybody can tell.
        let expected = format!("answer to {number}");
        if let Ok(body) = &outcome.result {
            assert!(body == FORGED || body == expected.as_bytes(), "{:?}", String::from_utf8_lossy(body));
        }
        thread::sleep(Duration::from_millis(25));
    }
}
