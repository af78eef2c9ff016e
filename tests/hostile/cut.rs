//! A valid answer that breaks off after each of its bytes.

use std::{io::Write, sync::Arc, time::Duration};

use crate::{
    server::{answer, chunked, gzip, reset},
    way::{BAD_ANSWER, WAYS, Way},
};

const TIME: Duration = Duration::from_millis(900);
const JSON: &str = "Content-Type: application/json\r\n";

/// How the end of a body is told.
fn framings(way: Way) -> Vec<(&'static str, Vec<u8>)> {
    let body = way.body();
    let zipped = format!("{JSON}Content-Encoding: gzip\r\n");
    let mut trailers = chunked("200 OK", &format!("{JSON}Trailer: Expires\r\n"), &body);
    trailers.truncate(trailers.len() - 2);
    trailers.extend_from_slice(b"Expires: never\r\nX-Other: 1\r\n\r\n");
    vec![
        ("length", answer("200 OK", JSON, &body)),
        ("chunked", chunked("200 OK", JSON, &body)),
        ("trailers", trailers),
        ("gzip with length", answer("200 OK", &zipped, &gzip(&body))),
        ("gzip chunked", chunked("200 OK", &zipped, &gzip(&body))),
    ]
}

fn broken_off(way: Way, ends_with_reset: bool, step: usize) {
    for (name, whole) in framings(way) {
        let (whole, length) = (Arc::new(whole.clone()), whole.len());
        let script = whole.clone();
        let server = way.server(move |seen, stream| {
            let at = seen.number(if seen.is_login() { "its-password" } else { "dataId=" });
            stream.write_all(&script[..at])?;
            if ends_with_reset {
                // What has been sent arrives first, mostly.
                std::thread::sleep(Duration::from_millis(2));
                reset(stream);
            }
            Ok(false)
        });
        let address = server.address.to_string();
        for at in (0..=length).step_by(step).chain([length]) {
            let outcome = match way {
                Way::Request => way.call(&way.client(&address), at, TIME),
                Way::Login => {
                    let config = nacos_auth::Config::new(&address, "user", &format!("its-password{at}"));
                    way.call(&nacos_auth::Client::new(config).expect("a client"), at, TIME)
                }
            };
            match at == length {
                true if ends_with_reset => outcome.must_be_whole_or_fail(BAD_ANSWER, (name, at)),
                true => outcome.must_be_whole((name, at)),
                // The last chunk tells the end of the body; what may follow is none of it.
                false => outcome.must_be_whole_or_fail(BAD_ANSWER, (name, at)),
            }
            let needed = whole.windows(5).position(|w| w == b"\r\n0\r\n").map_or(length, |end| end + 5);
            assert!(at >= needed || !outcome.is_whole(), "{name}: whole after {at} of {needed} bytes: {outcome:?}");
        }
    }
}

#[test]
fn a_request_is_answered_whole_or_not_at_all() {
    broken_off(Way::Request, false, 1);
}

#[test]
fn a_login_is_answered_whole_or_not_at_all() {
    broken_off(Way::Login, false, 1);
}

#[test]
fn the_same_with_reset() {
    WAYS.into_iter().for_each(|way| broken_off(way, true, 7));
}

/// Without a length the end of the connection is the end of the body. A login that is cut so holds no whole JSON.
#[test]
fn a_login_that_ends_with_its_connection_is_whole_or_refused() {
    let body = Way::Login.body();
    let head = format!("HTTP/1.0 200 OK\r\n{JSON}\r\n");
    let whole = Arc::new([head.as_bytes(), &body].concat());
    let script = whole.clone();
    let server = Way::Login.server(move |seen, stream| {
        stream.write_all(&script[..seen.number("its-password")])?;
        Ok(false)
    });
    for at in 0..=whole.len() {
        let config = nacos_auth::Config::new(&server.address.to_string(), "user", &format!("its-password{at}"));
        let outcome = Way::Login.call(&nacos_auth::Client::new(config).expect("a client"), at, TIME);
        match at == whole.len() {
            true => outcome.must_be_whole(at),
            false => outcome.must_fail(BAD_ANSWER, at),
        }
    }
}

/// A refusal that is cut is no refusal: what it means stands in its body.
#[test]
fn a_refusal_is_whole_or_an_error() {
    let body = br#"{"status":403,"error":"Forbidden","message":"authorization failed!"}"#;
    for whole in [answer("403 Forbidden", JSON, body), chunked("403 Forbidden", JSON, body)] {
        let (script, length) = (whole.clone(), whole.len());
        let server = Way::Request.server(move |seen, stream| {
            stream.write_all(&script[..seen.number("dataId=")])?;
            Ok(false)
        });
        for at in 0..length - 5 {
            let outcome = Way::Request.call(&Way::Request.client(&server.address.to_string()), at, TIME);
            outcome.must_fail(BAD_ANSWER, at);
        }
        let outcome = Way::Request.call(&Way::Request.client(&server.address.to_string()), length, TIME);
        assert_eq!(outcome.result.as_deref().ok(), Some(&body[..]), "{outcome:?}");
    }
}
