//! Heads of answers: too many headers, too long ones, heads without an end, and heads that are none.

use std::{io::Write, time::Duration};

use nacos_auth::{Client, Kind, Request};

use crate::{
    memory::{MIB, Memory},
    server::{Server, TOKEN, for_ever},
    way::{BAD_ANSWER, WAYS, Way},
};

const TIME: Duration = Duration::from_secs(5);

/// An answer that is good but for what stands in its head.
fn with(way: Way, more: String) -> Server {
    way.server(move |_, stream| {
        let body = way.body();
        write!(stream, "HTTP/1.1 200 OK\r\n{more}Content-Length: {}\r\n\r\n", body.len())?;
        stream.write_all(&body)?;
        Ok(true)
    })
}

fn many(count: usize) -> String {
    (0..count).map(|i| format!("X-Header-{i}: value\r\n")).collect()
}

/// Tomcat, Envoy and others send more than a hundred if they are told to.
#[test]
fn many_headers_are_taken() {
    for way in WAYS {
        for count in [99, 100, 119, 120, 200, 255] {
            way.once(&with(way, many(count)), TIME).must_be_whole((way, count));
        }
    }
    let server = with(Way::Request, many(120));
    let client =
        Client::new(nacos_auth::Config::with_token(&server.address.to_string(), TOKEN, None)).expect("a client");
    let response = client.request(Request::get("/v1/cs/configs").expect("a request")).expect("an answer");
    assert_eq!(response.headers().get("x-header-119").map(|v| v.as_bytes()), Some(&b"value"[..]));
    assert_eq!(response.headers().len(), 121);
}

#[test]
fn too_many_headers_are_refused() {
    for way in WAYS {
        for count in [256, 257, 1000, 20_000] {
            let server = with(way, many(count));
            let outcome = way.once(&server, TIME);
            outcome.must_fail(&[if way == Way::Login { Kind::Protocol } else { Kind::TooLarge }], count);
            // It is no accident: asking again brings the same.
            assert!(server.connections() <= 3, "{way:?}: {} connections", server.connections());
        }
    }
}

#[test]
fn a_header_bomb_takes_little_memory() {
    let memory = Memory::watch();
    for way in WAYS {
        for size in [MIB, 8 * MIB] {
            let server = way.server(move |_, stream| {
                stream.write_all(b"HTTP/1.1 200 OK\r\nX-Bomb: ")?;
                let piece = [b'x'; 4096];
                (0..size / piece.len()).try_for_each(|_| stream.write_all(&piece))?;
                stream.write_all(b"\r\nContent-Length: 0\r\n\r\n")?;
                Ok(true)
            });
            way.once(&server, TIME).must_fail(BAD_ANSWER, size);
        }
    }
    assert!(memory.peak() < 8 * MIB, "{} KiB", memory.peak() / 1024);
}

#[test]
fn heads_without_end_are_refused_and_take_little_memory() {
    heads_without_end(); // what all of it needs once, code and arenas of threads, is there then
    let memory = Memory::watch();
    heads_without_end();
    assert!(memory.peak() < 8 * MIB, "{} KiB", memory.peak() / 1024);
}

fn heads_without_end() {
    for way in WAYS {
        for (start, rest) in [
            ("", "x"),
            ("HTTP/1.1 200 ", "reason "),
            ("HTTP/1.1 200 OK\r\n", "X: y\r\n"),
            ("HTTP/1.1 200 OK\r\nX: ", "y"),
            ("HTTP/1.1 200 OK\r\n", "name"),
            ("HTTP/1.1 200 OK\r\nX: ", "\r\n y"),
            ("HTTP/1.1 200 OK\r\nX:", " "),
        ] {
            let server = way.server(move |_, stream| {
                stream.write_all(start.as_bytes())?;
                for_ever(stream, rest.as_bytes())
            });
            way.once(&server, TIME).must_fail(BAD_ANSWER, (start, rest));
        }
    }
}

/// What a parser may stumble over. Taken whole or not at all.
#[test]
fn heads_that_are_none() {
    let heads: [&[u8]; 22] = [
        b"HTTP/1.1 200 OK\r\nno colon\r\nContent-Length: LENGTH\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n: no name\r\nContent-Length: LENGTH\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: LENGTH\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX\xff\xfe: y\r\nContent-Length: LENGTH\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: \xff\xfe\r\nContent-Length: LENGTH\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: a\r\n folded\r\nContent-Length: LENGTH\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX : space\r\nContent-Length: LENGTH\r\n\r\n",
        b"HTTP/1.1 200 OK\nContent-Length: LENGTH\n\n",
        b"HTTP/1.1 200 OK\rContent-Length: LENGTH\r\r",
        b"\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: LENGTH\r\n\r\n",
        b"HTTP/1.1 20 OK\r\nContent-Length: LENGTH\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\nContent-Length: LENGTH\r\n\r\n",
        b"HTTP/1.1 -200 OK\r\nContent-Length: LENGTH\r\n\r\n",
        b"HTTP/1.1 two OK\r\nContent-Length: LENGTH\r\n\r\n",
        b"HTTP/1.1\r\nContent-Length: LENGTH\r\n\r\n",
        b"HTTP/2.0 200 OK\r\nContent-Length: LENGTH\r\n\r\n",
        b"HTTP/0.9 200 OK\r\nContent-Length: LENGTH\r\n\r\n",
        b"HTTP/1.10 200 OK\r\nContent-Length: LENGTH\r\n\r\n",
        b"ICY 200 OK\r\nContent-Length: LENGTH\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\0\0\0\0\0\0\0\0",
        b"GET /nacos HTTP/1.1\r\nHost: you\r\n\r\n",
    ];
    for way in WAYS {
        for head in heads {
            let server = way.server(move |_, stream| {
                let length = way.body().len().to_string();
                let text: Vec<u8> = match head.windows(6).position(|w| w == b"LENGTH") {
                    Some(at) => [&head[..at], length.as_bytes(), &head[at + 6..]].concat(),
                    None => head.to_vec(),
                };
                stream.write_all(&text)?;
                stream.write_all(&way.body())?;
                Ok(false)
            });
            way.once(&server, TIME).must_be_whole_or_fail(BAD_ANSWER, String::from_utf8_lossy(head));
        }
    }
}

/// curl and browsers read on past lines that are no headers, and so do the official clients.
#[test]
fn lines_that_are_no_headers_are_passed_over() {
    let lines: [&[u8]; 7] = [
        b"X-M\xfcll: y",
        "X-网关: y".as_bytes(),
        b"X: a\x01b",
        b"X: a\x7fb",
        b"no colon",
        b": no name",
        b"(comment): y\r\n folded",
    ];
    for way in WAYS {
        for line in lines {
            let server = way.server(move |_, stream| {
                let body = way.body();
                stream.write_all(&[b"HTTP/1.1 200 OK\r\n", line, b"\r\n"].concat())?;
                write!(stream, "Content-Length: {}\r\n\r\n", body.len())?;
                stream.write_all(&body)?;
                Ok(true)
            });
            way.once(&server, TIME).must_be_whole((way, String::from_utf8_lossy(line)));
        }
    }
}

/// Where two ways to tell the length differ, or one tells nothing, nobody knows what the answer is.
#[test]
fn lengths_that_are_none() {
    for way in WAYS {
        let length = way.body().len();
        let (right, one_less, one_more) = (length.to_string(), (length - 1).to_string(), (length + 1).to_string());
        let refused = [
            "-1".to_owned(),
            format!("-{right}"),
            format!("+{right}"),
            "99999999999999999999".into(),
            "18446744073709551616".into(),
            format!("0x{length:x}"),
            format!("{right}.0"),
            format!("{right} {right}"),
            "many".into(),
            String::new(),
            format!("{right}, {one_less}"),
            format!("{one_less}, {right}"),
            format!("{right}\r\nContent-Length: {one_less}"),
            format!("{one_less}\r\nContent-Length: {right}"),
            one_more,
        ];
        for text in refused {
            let script = text.clone();
            let server = way.server(move |_, stream| {
                write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {script}\r\n\r\n")?;
                stream.write_all(&way.body())?;
                Ok(false)
            });
            way.once(&server, TIME).must_fail(BAD_ANSWER, text);
        }
        for text in [right.clone(), format!("{right}\r\nContent-Length: {right}"), format!("  {right}  ")] {
            let script = text.clone();
            let server = way.server(move |_, stream| {
                write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {script}\r\n\r\n")?;
                stream.write_all(&way.body())?;
                Ok(true)
            });
            way.once(&server, TIME).must_be_whole_or_fail(BAD_ANSWER, text);
        }
    }
}

/// Chunks and a length together: the chunks count, and the connection is not used again.
#[test]
fn a_length_beside_chunks_counts_for_nothing() {
    for way in WAYS {
        for length in ["0", "3", "999"] {
            let server = way.server(move |_, stream| {
                let more = format!("Content-Length: {length}\r\n");
                stream.write_all(&crate::server::chunked("200 OK", &more, &way.body()))?;
                Ok(true)
            });
            way.once(&server, TIME).must_be_whole_or_fail(BAD_ANSWER, length);
        }
    }
}

#[test]
fn transfer_codings_that_nobody_knows() {
    for way in WAYS {
        for coding in
            ["gzip", "xchunked", "chunked, gzip", "chunked, identity", "gzip, chunked", "chunked, chunked", ""]
        {
            let server = way.server(move |_, stream| {
                write!(stream, "HTTP/1.1 200 OK\r\nTransfer-Encoding: {coding}\r\n\r\n")?;
                stream.write_all(b"5\r\nhello\r\n0\r\n\r\n")?;
                Ok(false)
            });
            // A body whose end is told by that of the connection is what it is; a login of this kind is none.
            let outcome = way.once(&server, TIME);
            if way == Way::Login {
                outcome.must_fail(BAD_ANSWER, coding);
            }
        }
    }
}
