//! Answers that come a byte at a time, for ever: a call ends by its deadline, and at once when it is cancelled or closed.

use std::{
    io::{self, Write},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use nacos_auth::{Cancel, Client, Config, Kind, Request};

use crate::way::{WAYS, Way};

const BETWEEN: Duration = Duration::from_millis(50);
const TIME: Duration = Duration::from_millis(1200);

/// What comes at once, and what comes again and again.
const SLOW: [(&str, &str); 8] = [
    ("", "H"),
    ("HTTP/1.1 200 OK\r\n", "X: y\r\n"),
    ("HTTP/1.1 200 OK\r\nX: ", "y"),
    ("HTTP/1.1 200 OK\r\nContent-Length: 50000\r\n\r\n", "{"),
    ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\n{\r\n"),
    ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "0"),
    ("HTTP/1.1 200 OK\r\n\r\n", "x"),
    ("", "HTTP/1.1 100 Continue\r\n\r\n"),
];

fn drip(stream: &mut impl Write, (start, rest): (&str, &str)) -> io::Result<bool> {
    let text = [start, rest].concat();
    let (text, rest) = match start.is_empty() {
        // The whole of it byte by byte.
        true => (String::new(), text),
        false => (start.to_owned(), rest.to_owned()),
    };
    stream.write_all(text.as_bytes())?;
    loop {
        for byte in rest.bytes() {
            stream.write_all(&[byte])?;
            thread::sleep(BETWEEN);
        }
    }
}

#[test]
fn the_deadline_holds() {
    thread::scope(|scope| {
        for way in WAYS {
            for slow in SLOW {
                let server = way.server(move |_, stream| drip(stream, slow));
                scope.spawn(move || {
                    let outcome = way.once(&server, TIME);
                    // "HHHH…" is no answer, and is found out.
                    let kinds = [Kind::Timeout, Kind::Io, Kind::Connect];
                    outcome.must_fail(if slow.1 == "H" { &kinds } else { &kinds[..1] }, slow);
                });
            }
        }
    });
}

#[test]
fn cancel_and_close_end_it_at_once() {
    thread::scope(|scope| {
        for way in WAYS {
            for slow in SLOW {
                for closes in [true, false] {
                    let server = way.server(move |_, stream| drip(stream, slow));
                    scope.spawn(move || {
                        let client = Arc::new(way.client(&server.address.to_string()));
                        let cancel = Cancel::new();
                        let (other, signal) = (client.clone(), cancel.clone());
                        let ends = thread::spawn(move || {
                            thread::sleep(Duration::from_millis(300));
                            if closes {
                                other.close()
                            } else {
                                signal.trigger()
                            }
                            Instant::now()
                        });
                        let result = call(way, &client, &cancel);
                        let after = ends.join().expect("no panic").elapsed();
                        let error = result.expect_err("no answer");
                        if slow.1 != "H" {
                            let kind = if closes { Kind::Closed } else { Kind::Cancelled };
                            assert_eq!(error.kind(), kind, "{way:?} {slow:?}: {error:?}");
                        }
                        assert!(after < Duration::from_millis(1500), "{way:?} {slow:?}: {after:?}");
                    });
                }
            }
        }
    });
}

fn call(way: Way, client: &Client, cancel: &Cancel) -> Result<(), nacos_auth::Error> {
    match way {
        Way::Login => client.token_within(Duration::from_secs(20), Some(cancel)).map(drop),
        Way::Request => {
            let request = Request::post("/v1/cs/configs")?.timeout(Duration::from_secs(20)).cancel(cancel);
            client.request(request).map(drop)
        }
    }
}

/// Of two servers the slow one costs a login no more than the deadline of those who wait, and close ends it.
#[test]
fn a_slow_login_keeps_no_thread_when_nobody_waits() {
    let server = Way::Login.server(|_, stream| drip(stream, SLOW[3]));
    let config = Config::new(&server.address.to_string(), "nobody-waits", "secret");
    let client = Client::new(config).expect("a client");
    Way::Login.call(&client, 0, Duration::from_millis(300)).must_fail(&[Kind::Timeout], "slow");
    let began = Instant::now();
    client.close();
    drop(client);
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
}

/// Of two servers the one that drips is given up after 30 s, and the other one asked.
#[test]
fn a_second_server_is_asked_when_the_first_one_drips() {
    if std::env::var_os("HOST_LONG").is_none() {
        return;
    }
    let drips = Way::Login.server(|_, stream| drip(stream, SLOW[3]));
    let good = Way::Login.server(|_, stream| {
        stream.write_all(&crate::way::login_granted())?;
        Ok(true)
    });
    let client = Way::Login.client(&format!("{},{}", drips.address, good.address));
    let outcome = Way::Login.call(&client, 0, Duration::from_secs(80));
    outcome.must_be_whole("the second server");
    assert!(outcome.took < Duration::from_secs(40), "{:?}", outcome.took);
}
