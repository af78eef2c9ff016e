//! Answers that come as fast as the machine can send them and say nothing: a call ends by its deadline all the same, and
//! others are served meanwhile.

use std::{
    io::Write,
    thread,
    time::{Duration, Instant},
};

use nacos_auth::{Cancel, Kind, Request};

use crate::{
    memory::{MIB, Memory},
    server::for_ever,
    way::{WAYS, Way},
};

const TIME: Duration = Duration::from_millis(700);
const HEAD: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

/// What comes first, and then for ever.
const FLOODS: [(&str, &str); 8] = [
    ("", "HTTP/1.1 100 Continue\r\n\r\n"),
    ("", "HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n"),
    ("", "HTTP/1.1 199 Whatever\r\nContent-Length: 5\r\n\r\n"),
    ("", "\r\n"),
    (HEAD, "0"),
    (HEAD, "1\r\n{\r\n"),
    ("HTTP/1.1 200 OK\r\n\r\n", "{"),
    ("HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\n{\r\n"),
];
/// What any of them may come to: a refusal is cut, and some are no answers and found out.
const KINDS: &[Kind] = &[Kind::Timeout, Kind::Io, Kind::Protocol, Kind::TooLarge];

#[test]
fn the_deadline_holds_and_memory_too() {
    let memory = Memory::watch();
    for way in WAYS {
        for flood in FLOODS {
            let server = way.server(move |_, stream| {
                stream.write_all(flood.0.as_bytes())?;
                for_ever(stream, flood.1.as_bytes())
            });
            let outcome = way.once(&server, TIME);
            if !(way == Way::Request && flood.0.contains("404")) {
                outcome.must_fail(KINDS, flood);
            }
        }
    }
    assert!(memory.peak() < 200 * MIB, "{} MiB", memory.peak() / MIB);
}

#[test]
fn cancel_ends_a_flooded_call() {
    for flood in &FLOODS[..5] {
        let server = Way::Request.server(move |_, stream| {
            stream.write_all(flood.0.as_bytes())?;
            for_ever(stream, flood.1.as_bytes())
        });
        let client = Way::Request.client(&server.address.to_string());
        let cancel = Cancel::new();
        let signal = cancel.clone();
        let ends = thread::spawn(move || {
            thread::sleep(Duration::from_millis(200));
            signal.trigger();
            Instant::now()
        });
        let request = Request::post("/v1/cs/configs").expect("a request").timeout(Duration::from_secs(10));
        let result = client.request(request.cancel(&cancel));
        let after = ends.join().expect("no panic").elapsed();
        assert!(after < Duration::from_secs(1), "{flood:?}: {after:?}: {:?}", result.map(drop));
    }
}

/// All logins run on one thread, which a flood must not take for itself.
#[test]
fn other_logins_are_served_while_one_is_flooded() {
    for flood in FLOODS {
        let server = Way::Login.server(move |_, stream| {
            stream.write_all(flood.0.as_bytes())?;
            for_ever(stream, flood.1.as_bytes())
        });
        let good = Way::Login.server(|_, stream| {
            stream.write_all(&crate::way::login_granted())?;
            Ok(true)
        });
        thread::scope(|scope| {
            scope.spawn(|| Way::Login.once(&server, Duration::from_secs(2)));
            thread::sleep(Duration::from_millis(200));
            let outcome = Way::Login.once(&good, Duration::from_secs(5));
            outcome.must_be_whole(flood);
            assert!(outcome.took < Duration::from_millis(1500), "{flood:?}: {:?}", outcome.took);
        });
    }
}
