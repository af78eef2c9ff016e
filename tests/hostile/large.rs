//! Bodies of a gibibyte: refused as soon as that shows, and never held in memory.

use std::{
    io::{self, Write},
    net::TcpStream,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use nacos_auth::{Kind, Request};

use crate::{
    memory::{MIB, Memory, set_aside},
    way::{Outcome, WAYS, Way},
};

const TIME: Duration = Duration::from_secs(20);
const GIB: usize = 1 << 30;
/// The largest answer of a request.
const LARGEST: usize = 64 * MIB;

fn pour(stream: &mut TcpStream, size: usize) -> io::Result<()> {
    let piece = vec![b'x'; 256 * 1024];
    (0..size / piece.len()).try_for_each(|_| stream.write_all(&piece))?;
    stream.write_all(&piece[..size % piece.len()])
}

/// A body of `size` bytes, its length told in the given way.
fn answered(way: Way, status: &'static str, framing: &'static str, size: usize) -> Outcome {
    answered_within(TIME, way, status, framing, size)
}

fn answered_within(time: Duration, way: Way, status: &'static str, framing: &'static str, size: usize) -> Outcome {
    let server = way.server(move |_, stream| {
        write!(stream, "HTTP/1.1 {status}\r\n{}\r\n\r\n", framing.replace("LENGTH", &size.to_string()))?;
        if framing.contains("chunked") {
            write!(stream, "{size:x}\r\n")?;
        }
        pour(stream, size)?;
        if framing.contains("chunked") {
            stream.write_all(b"\r\n0\r\n\r\n")?;
        }
        Ok(false)
    });
    way.once(&server, time)
}

const FRAMINGS: [&str; 3] = ["Content-Length: LENGTH", "Transfer-Encoding: chunked", "Connection: close"];

/// Beside what the tests take that run at the same time.
const LITTLE: usize = 24 * MIB;

#[test]
fn a_gibibyte_is_refused() {
    for way in WAYS {
        for framing in FRAMINGS {
            let memory = Memory::watch();
            let outcome = answered(way, "200 OK", framing, GIB);
            outcome.must_fail(&[if way == Way::Login { Kind::Protocol } else { Kind::TooLarge }], framing);
            // One copy at the most, and what growing takes.
            let allowed = if way == Way::Login { LITTLE } else { 2 * 64 * MIB + LITTLE };
            assert!(memory.peak() < allowed, "{way:?} {framing}: {} MiB", memory.peak() / MIB);
            // That it is measured at all.
            let seen = way == Way::Login || framing.contains("LENGTH") || memory.peak() > 32 * MIB;
            assert!(seen, "{framing}: {} KiB", memory.peak() / 1024);
            if framing.contains("LENGTH") {
                assert!(memory.peak() < LITTLE, "{way:?}: {} MiB, though its length was told", memory.peak() / MIB);
            }
        }
    }
}

#[test]
fn of_a_huge_refusal_the_beginning_is_read() {
    for framing in FRAMINGS {
        let memory = Memory::watch();
        let outcome = answered(Way::Request, "500 Fault", framing, GIB);
        assert_eq!(outcome.result.as_ref().map(Vec::len).ok(), Some(64 * 1024), "{framing}: {outcome:?}");
        // Waits for another attempt, as after a restart, if it has the time.
        let login = answered_within(Duration::from_millis(900), Way::Login, "500 Fault", framing, GIB);
        login.must_fail(&[Kind::BadCredentials, Kind::Server, Kind::Protocol, Kind::Timeout], framing);
        assert!(memory.peak() < LITTLE, "{framing}: {} MiB", memory.peak() / MIB);
    }
}

#[test]
fn the_largest_answer_comes_whole_and_one_byte_more_does_not() {
    for framing in FRAMINGS {
        let memory = Memory::watch();
        let outcome = answered(Way::Request, "200 OK", framing, LARGEST);
        assert_eq!(outcome.result.as_ref().map(Vec::len).ok(), Some(LARGEST), "{framing}: {:?}", outcome.result.err());
        // The test's copy, too.
        assert!(memory.peak() < 3 * 64 * MIB + 16 * MIB, "{framing}: {} MiB", memory.peak() / MIB);
        answered(Way::Request, "200 OK", framing, LARGEST + 1).must_fail(&[Kind::TooLarge], framing);
    }
}

/// To HEAD, and with 304, the length is that of a body that does not come.
#[test]
fn a_length_without_a_body_is_no_large_answer() {
    let server = Way::Request.server(|_, stream| {
        write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {GIB}\r\n\r\n")?;
        Ok(true)
    });
    let client = Way::Request.client(&server.address.to_string());
    for _ in 0..2 {
        let response = client.request(Request::new("HEAD", "/v1/cs/configs").expect("a request")).expect("an answer");
        assert!(response.status() == 200 && response.body().is_empty());
    }
    let server = Way::Request.server(|_, stream| {
        write!(stream, "HTTP/1.1 304 Not Modified\r\nContent-Length: {GIB}\r\n\r\n")?;
        Ok(true)
    });
    let client = Way::Request.client(&server.address.to_string());
    for _ in 0..2 {
        let response = client.request(Request::get("/v1/cs/configs").expect("a request")).expect("an answer");
        assert!(response.status() == 304 && response.body().is_empty());
    }
    assert_eq!(server.connections(), 1, "nothing was left over on the connection");
}

/// What a server announces costs it nothing, and must cost nothing here before it comes.
#[test]
fn what_is_announced_is_not_set_aside() {
    static MEASURED: AtomicBool = AtomicBool::new(false);
    let _alone = Memory::watch();
    let server = Way::Request.server(|_, stream| {
        write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {LARGEST}\r\n\r\n")?;
        for _ in 0..4 {
            stream.write_all(&[b'x'; 1000])?;
            thread::sleep(Duration::from_millis(30));
        }
        while !MEASURED.load(Ordering::SeqCst) {
            thread::sleep(Duration::from_millis(10));
        }
        Ok(false)
    });
    let client = Way::Request.client(&server.address.to_string());
    let before = set_aside();
    thread::scope(|scope| {
        for number in 0..16 {
            let client = &client;
            scope.spawn(move || Way::Request.call(client, number, TIME));
        }
        thread::sleep(Duration::from_millis(600));
        let grown = set_aside().saturating_sub(before);
        MEASURED.store(true, Ordering::SeqCst);
        // 32 threads with stacks of 2 MiB each are the test's own.
        assert!(grown < (2 * 32 + 64) * MIB, "{} MiB for 16 answers of which 4000 bytes have come", grown / MIB);
    });
}
