//! Sizes of chunks, what may stand behind them, and what comes after the last one.

use std::{io::Write, sync::Arc, time::Duration};

use nacos_auth::Kind;

use crate::{
    memory::{MIB, Memory},
    server::for_ever,
    way::{BAD_ANSWER, Outcome, WAYS, Way},
};

const TIME: Duration = Duration::from_secs(3);
const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

/// `SIZE` and `BODY` in `text` stand for the usual body and its length in hexadecimal digits.
fn answered(way: Way, text: &str) -> Outcome {
    let body = way.body();
    let upper = format!("{:X}", body.len());
    let text = text.replace("SIZE", &upper).replace("size", &upper.to_lowercase());
    let mut whole = HEAD.to_vec();
    for (at, part) in text.split("BODY").enumerate() {
        if at > 0 {
            whole.extend_from_slice(&body);
        }
        whole.extend_from_slice(part.as_bytes());
    }
    let whole = Arc::new(whole);
    let server = way.server(move |_, stream| {
        stream.write_all(&whole)?;
        Ok(false)
    });
    way.once(&server, TIME)
}

#[test]
fn what_the_protocol_allows_is_taken() {
    for way in WAYS {
        for text in [
            "SIZE\r\nBODY\r\n0\r\n\r\n",
            "size\r\nBODY\r\n0\r\n\r\n",
            "000000size\r\nBODY\r\n0\r\n\r\n",
            "size\r\nBODY\r\n00000000\r\n\r\n",
            "size;name\r\nBODY\r\n0\r\n\r\n",
            "size;name=value;other=\"quoted; text\"\r\nBODY\r\n0;last\r\n\r\n",
            "size \r\nBODY\r\n0\r\n\r\n",
            "size\r\nBODY\r\n0\r\nTrailer: one\r\nOther: two\r\n\r\n",
            "size\r\nBODY\r\n0\r\nContent-Length: 3\r\nAuthorization: Bearer x\r\n\r\n",
        ] {
            answered(way, text).must_be_whole(text);
        }
    }
}

#[test]
fn sizes_that_are_none_are_refused() {
    for way in WAYS {
        for size in [
            "-size",
            "+size",
            "0xsize",
            " size",
            "\tsize",
            "",
            ";name",
            "g",
            "size g",
            "sizeg",
            "size,size",
            "s",
            "ffffffffffffffff",
            "fffffffffffffffff",
            "7fffffffffffffff",
            "8000000000000000",
            "10000000000000000",
            "99999999999999999999999999999999",
            "size\0",
            "\u{ff11}",
        ] {
            let text = format!("{size}\r\nBODY\r\n0\r\n\r\n");
            answered(way, &text).must_fail(BAD_ANSWER, size);
        }
    }
}

#[test]
fn chunks_that_do_not_end_where_they_say_are_refused() {
    for way in WAYS {
        for text in [
            "sizeBODY0\r\n\r\n",
            "size\nBODY\n0\n\n",
            "size\r\nBODY0\r\n\r\n",
            "size\r\nBODY\n0\r\n\r\n",
            "size\r\nBODY\r0\r\n\r\n",
            "size\r\nBODY \r\n0\r\n\r\n",
            "size\r\n\r\nBODY\r\n0\r\n\r\n",
            "size\r\nxBODY\r\n0\r\n\r\n",
            "1\r\nBODY\r\n0\r\n\r\n",
            "size\r\nBODY\r\n",
            "size\r\nBODY\r\n\r\n",
            "size\r\nBODY\r\nsize\r\n",
            "size;a\nb\r\nBODY\r\n0\r\n\r\n",
        ] {
            answered(way, text).must_fail(BAD_ANSWER, text);
        }
        // The last chunk tells the end, so these may count as whole.
        for text in [
            "size\r\nBODY\r\n0\r\n",
            "size\r\nBODY\r\n0",
            "size\r\nBODY\r\n0\r\nno colon\r\n\r\n",
            "size\r\nBODY\r\n0\n\n",
        ] {
            answered(way, text).must_be_whole_or_fail(BAD_ANSWER, text);
        }
    }
}

#[test]
fn extensions_and_trailers_without_end_take_little_memory() {
    let memory = Memory::watch();
    for way in WAYS {
        let body = String::from_utf8(way.body()).expect("text");
        for (start, rest) in [
            ("5;".to_owned(), "extension"),
            ("5;a=\"".into(), "quoted"),
            ("5 ".into(), " "),
            (format!("{:x}\r\n{body}\r\n0\r\n", body.len()), "Trailer: value\r\n"),
            (format!("{:x}\r\n{body}\r\n0\r\nTrailer: ", body.len()), "value"),
            (format!("{:x}\r\n{body}\r\n0;", body.len()), "extension"),
        ] {
            let script = start.clone();
            let server = way.server(move |_, stream| {
                stream.write_all(HEAD)?;
                stream.write_all(script.as_bytes())?;
                for_ever(stream, rest.as_bytes())
            });
            // Blanks are skipped for as long as they come, and for as long as the call lasts.
            let kinds = if rest == " " { &[Kind::Timeout] } else { BAD_ANSWER };
            way.once(&server, TIME).must_be_whole_or_fail(kinds, (start, rest));
        }
        let extension = "x".repeat(2 * MIB);
        answered(way, &format!("size;{extension}\r\nBODY\r\n0\r\n\r\n")).must_fail(BAD_ANSWER, "2 MiB of extensions");
    }
    // The test's own texts among them.
    assert!(memory.peak() < 24 * MIB, "{} KiB", memory.peak() / 1024);
}

#[test]
fn a_body_of_single_bytes_comes_whole() {
    for way in WAYS {
        let single: String = way.body().iter().map(|byte| format!("1\r\n{}\r\n", char::from(*byte))).collect();
        answered(way, &format!("{single}0\r\n\r\n")).must_be_whole(way);
    }
}
