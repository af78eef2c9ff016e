//! Answers that come compressed.

use flate2::{
    Compression, GzBuilder,
    write::{DeflateEncoder, GzEncoder, ZlibEncoder},
};

use super::*;
use crate::http::coding::{self, restrict};

fn decode(body: &[u8], coding: &str) -> Result<Response, Error> {
    let mut headers = HeaderMap::new();
    headers.insert("content-encoding", coding.parse().unwrap());
    let body = Bytes::copy_from_slice(body);
    coding::decode(Response { status: 200, headers, body, truncated: false, lost_connection: false }, 100_000, || false)
}

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    packed.write_all(plain).unwrap();
    packed.finish().unwrap()
}

fn zlib(plain: &[u8]) -> Vec<u8> {
    let mut packed = ZlibEncoder::new(Vec::new(), Compression::default());
    packed.write_all(plain).unwrap();
    packed.finish().unwrap()
}

fn raw(plain: &[u8]) -> Vec<u8> {
    let mut packed = DeflateEncoder::new(Vec::new(), Compression::default());
    packed.write_all(plain).unwrap();
    packed.finish().unwrap()
}

fn message(status: u16, coding: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status} Status\r\nContent-Encoding: {coding}\r\nContent-Length: {length}\r\nX-Kept: yes\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}

/// Each engine's answer, from a server that says this.
fn answers(message: &[u8], method: &Method) -> Vec<Result<Response, Error>> {
    let server = answering(message);
    EXECUTORS.iter().map(|executor| send(*executor, &http(), &request(server.address, method.clone()))).collect()
}

fn bodies(message: &[u8]) -> Vec<Result<String, String>> {
    let text = |answer: Response| String::from_utf8_lossy(&answer.body).into_owned();
    answers(message, &Method::GET)
        .into_iter()
        .map(|a| a.map(text).map_err(|e| format!("{:?}: {}", e.kind, e.cause)))
        .collect()
}

#[test]
fn both_engines_decode_what_comes_compressed() {
    let plain = "configuration ".repeat(50);
    let bytes = plain.as_bytes();
    let (one, two) = bytes.split_at(100);
    let mut named = GzBuilder::new()
        .filename("a name")
        .comment("a comment")
        .extra(&b"more"[..])
        .write(Vec::new(), Compression::default());
    named.write_all(bytes).unwrap();
    let cases: [(&str, Vec<u8>); 13] = [
        ("gzip", gzip(bytes)),
        ("gzip", named.finish().unwrap()),
        ("x-gzip", gzip(bytes)),
        ("GZip", gzip(bytes)),
        ("identity, gzip", gzip(bytes)),
        ("gzip", [gzip(one), gzip(b""), gzip(two)].concat()),
        ("gzip", [gzip(bytes), vec![0; 100]].concat()),
        ("deflate", zlib(bytes)),
        ("deflate", raw(bytes)),
        ("gzip, gzip", gzip(&gzip(bytes))),
        ("deflate, gzip", gzip(&zlib(bytes))),
        ("identity", bytes.to_vec()),
        ("", bytes.to_vec()),
    ];
    for (coding, body) in &cases {
        for status in [200, 403, 500] {
            for answer in answers(&message(status, coding, body), &Method::GET) {
                let answer = answer.unwrap_or_else(|e| panic!("{coding}: {e:?}"));
                assert_eq!((answer.status, &answer.body[..]), (status, bytes), "{coding}");
                assert_eq!(answer.headers["x-kept"], "yes");
                let length = answer.headers.get("content-length").map(|length| length.to_str().unwrap());
                assert!(length.is_none_or(|length| length == plain.len().to_string()), "{coding}: {length:?}");
                let left = answer.headers.get("content-encoding").map_or("", |coding| coding.to_str().unwrap());
                assert!(["", "identity"].contains(&left), "{coding}: {left}");
            }
        }
    }
}

#[test]
fn headers_stay_in_the_order_of_the_answer_whatever_is_left_out() {
    let body = gzip(b"x");
    let head = format!(
        "HTTP/1.1 200 OK\r\nX-A: 1\r\nContent-Encoding: gzip\r\nX-B: 2\r\nX-A: 3\r\nContent-Length: {}\r\nX-C: 4\r\n\
         X-D: 5\r\nX-E: 6\r\n\r\n",
        body.len()
    );
    for answer in answers(&[head.as_bytes(), &body[..]].concat(), &Method::GET) {
        let values: Vec<_> = answer.unwrap().headers.values().map(|value| value.to_str().unwrap().to_owned()).collect();
        assert_eq!(values, ["1", "3", "2", "4", "5", "6"], "those of one name stand together");
    }
}

#[test]
fn an_answer_without_a_body_is_left_as_it_is() {
    for (status, method) in [(200, Method::HEAD), (204, Method::GET), (304, Method::GET), (200, Method::GET)] {
        let length = if method == Method::HEAD { 100 } else { 0 };
        let head = format!("HTTP/1.1 {status} Status\r\nContent-Encoding: gzip\r\nContent-Length: {length}\r\n\r\n");
        for answer in answers(head.as_bytes(), &method) {
            let answer = answer.unwrap();
            assert_eq!((answer.status, answer.body.len()), (status, 0), "{method}");
            assert_eq!(answer.headers["content-encoding"], "gzip");
        }
    }
}

#[test]
fn what_nobody_here_can_decode_is_handed_on() {
    let part = &gzip(b"a part of a whole")[5..];
    for (status, coding, body) in [(200, "br", &b"\x0b\x05"[..]), (200, "zstd, gzip", b"?"), (206, "gzip", part)] {
        for answer in answers(&message(status, coding, body), &Method::GET) {
            let answer = answer.unwrap();
            assert_eq!((&answer.body[..], answer.headers["content-encoding"].to_str().unwrap()), (body, coding));
        }
    }
}

#[test]
fn what_comes_damaged_says_so_and_blames_no_server() {
    let plain: Vec<u8> = (0..20_000u32).flat_map(|n| (n.wrapping_mul(2_654_435_761)).to_be_bytes()).collect();
    let mut changed = gzip(&plain);
    let middle = changed.len() / 2;
    changed[middle] ^= 0x55;
    // Every beginning of a stream is one that ends too early.
    let whole = gzip(b"a configuration");
    for length in 1..whole.len() {
        assert!(beginning(&whole[..length], 100).len() <= 15);
        let error = decode(&whole[..length], "gzip").unwrap_err();
        assert!(error.cause.contains("ends too early"), "{length}: {}", error.cause);
    }
    let cut = |packed: Vec<u8>| packed[..packed.len() - 4].to_vec();
    let cases = [
        ("gzip", b"plain after all".to_vec(), "is damaged"),
        ("gzip", changed, "is damaged"),
        ("gzip", [&gzip(&plain)[..gzip(&plain).len() - 8], &[0; 8]].concat(), "is damaged"),
        ("deflate", vec![0xff; 100], "is damaged"),
        ("gzip", cut(gzip(&plain)), "ends too early"),
        ("gzip", gzip(&plain)[..5].to_vec(), "ends too early"),
        ("gzip", [gzip(b"one"), cut(gzip(b"two"))].concat(), "ends too early"),
        ("deflate", cut(zlib(&plain)), "ends too early"),
        ("deflate", raw(b"short")[..3].to_vec(), "ends too early"),
    ];
    for (coding, body, why) in cases {
        for answer in answers(&message(200, coding, &body), &Method::GET) {
            let error = answer.unwrap_err();
            assert_eq!((error.kind, error.phase), (ErrorKind::Undecodable, Phase::Answer), "{coding}: {}", error.cause);
            assert!(error.cause.contains(why) && error.cause.contains(coding), "{coding}: {}", error.cause);
            assert!(!error.blames_server() && error.was_sent());
        }
    }
}

#[test]
fn limits_count_what_has_been_decoded() {
    // `request` allows 100,000 bytes.
    for (coding, bomb) in [("gzip", gzip(&vec![0; 50_000_000])), ("deflate", zlib(&vec![0; 50_000_000]))] {
        assert!(bomb.len() < 100_000, "{}", bomb.len());
        for answer in bodies(&message(200, coding, &bomb)) {
            assert_eq!(answer, Err("TooLarge: an answer of more than 100000 bytes".into()));
        }
        for answer in bodies(&message(403, coding, &bomb)) {
            assert_eq!(answer.map(|body| body.len()), Ok(64 * 1024), "a refusal is cut");
        }
    }
    let just = vec![b'x'; 100_000];
    for answer in bodies(&message(200, "gzip", &gzip(&just))) {
        assert_eq!(answer.map(|body| body.len()), Ok(100_000));
    }
    for answer in bodies(&message(200, "gzip", &gzip(&gzip(&vec![0; 50_000_000])))) {
        assert!(answer.is_ok(), "compressed twice, but one coding told");
    }
    for answer in bodies(&message(200, "gzip, gzip", &gzip(&gzip(&vec![0; 50_000_000])))) {
        assert_eq!(answer, Err("TooLarge: an answer of more than 100000 bytes".into()));
    }
    // A refusal that is cut before it is decoded: what there is of it is decoded.
    let long: Vec<u8> = (0..100_000u32).flat_map(|n| (n.wrapping_mul(2_654_435_761)).to_be_bytes()).collect();
    for answer in answers(&message(403, "gzip", &gzip(&long)), &Method::GET) {
        let body = answer.unwrap().body;
        assert!(body.len() > 60_000 && long.starts_with(&body), "{}", body.len());
    }
}

#[test]
fn neither_many_members_nor_many_codings_keep_a_caller_busy() {
    let began = Instant::now();
    let members = gzip(b"").repeat((4 << 20) / 20);
    let mut headers = HeaderMap::new();
    headers.insert("content-encoding", "gzip".parse().unwrap());
    let response = Response { status: 200, headers, body: members.into(), truncated: false, lost_connection: false };
    assert!(coding::decode(response, 64 << 20, || false).unwrap().body.is_empty());
    assert!(began.elapsed() < LONG, "{:?}", began.elapsed());
    let answer = decode(b"x", &["gzip"; 1000].join(",")).unwrap();
    assert_eq!(&answer.body[..], b"x", "nobody compresses so often");
}

#[test]
fn a_call_that_is_over_does_not_wait_for_what_decodes_to_nothing() {
    // Blocks of nothing: one of them is ten bits, so five bytes are four.
    let mut nothing = vec![0b0000_0010, 0b0000_1000, 0b0010_0000, 0b1000_0000, 0];
    nothing = nothing.repeat((8 << 20) / 5);
    let looked = std::cell::Cell::new(0);
    let mut headers = HeaderMap::new();
    headers.insert("content-encoding", "deflate".parse().unwrap());
    let response = Response { status: 200, headers, body: nothing.into(), truncated: false, lost_connection: false };
    let over = || looked.replace(looked.get() + 1) > 10;
    let error = coding::decode(response, 64 << 20, over).unwrap_err();
    assert_eq!((error.kind, error.phase), (ErrorKind::Timeout, Phase::Answer), "{}", error.cause);
}

#[test]
fn servers_are_asked_only_for_what_can_be_decoded() {
    let restricted = |values: &[&str]| {
        let mut headers = HeaderMap::new();
        values.iter().for_each(|value| _ = headers.append("accept-encoding", value.parse().unwrap()));
        restrict(&mut headers);
        headers.get_all("accept-encoding").iter().map(|v| v.to_str().unwrap().to_owned()).collect::<Vec<_>>().join("|")
    };
    for (asked, sent) in [
        (&[][..], ""),
        (&["gzip"], "gzip"),
        (&["gzip, deflate, br, zstd"], "gzip, deflate"),
        (&["br", "gzip;q=0.5"], "gzip;q=0.5"),
        (&["br"], "identity"),
        (&[""], "identity"),
        (&["identity"], "identity"),
        (&["GZIP, Identity;q=0"], "GZIP, Identity;q=0"),
        (&["*"], "gzip"),
        (&["br, *;q=0.1"], "gzip;q=0.1"),
        (&["gzip;q=0, *"], "gzip;q=0"),
    ] {
        assert_eq!(restricted(asked), sent, "{asked:?}");
    }
    let server = answering(OK);
    let mut out = request(server.address, Method::GET);
    out.headers.insert("accept-encoding", "br, gzip".parse().unwrap());
    send(Executor::Caller, &http(), &out).unwrap();
    assert!(server.last_request().contains("accept-encoding: gzip\r\n"), "{}", server.last_request());
}

#[test]
fn the_beginning_of_a_compressed_refusal_can_be_read() {
    let plain = r#"{"message":"token expired!"}"#.repeat(1000);
    let packed = gzip(plain.as_bytes());
    assert!(beginning(&packed, 4096).starts_with(br#"{"message":"token expired!"}"#));
    assert!(beginning(&packed, 4096).len() <= 4097);
    assert!(beginning(&packed[..packed.len() / 2], 4096).starts_with(br#"{"message":"token"#));
    for other in [&b""[..], b"\x1f", b"{}", plain.as_bytes()] {
        assert_eq!(&beginning(other, 4096)[..], other);
    }
}
