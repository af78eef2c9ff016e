//! Answers of status 1xx, which announce another one.

use std::{io::Write, time::Duration};

use crate::way::{BAD_ANSWER, WAYS, login_granted};
use crate::{server::answer, way::Way};

const TIME: Duration = Duration::from_secs(5);

fn good(way: Way) -> Vec<u8> {
    if way == Way::Login { login_granted() } else { answer("200 OK", "", &way.body()) }
}

#[test]
fn some_before_the_answer_are_passed_over() {
    for way in WAYS {
        for interim in ["100 Continue", "102 Processing", "103 Early Hints", "199 Whatever"] {
            for count in [1, 3, 500] {
                let server = way.server(move |_, stream| {
                    let one = format!("HTTP/1.1 {interim}\r\nX-Interim: yes\r\n\r\n");
                    stream.write_all(one.repeat(count).as_bytes())?;
                    stream.write_all(&good(way))?;
                    Ok(true)
                });
                way.once(&server, TIME).must_be_whole((interim, count));
            }
        }
    }
}

/// Nobody has asked for another protocol. Whatever it is taken for, what follows is no answer.
#[test]
fn another_protocol_is_no_answer() {
    for way in WAYS {
        let server = way.server(move |_, stream| {
            stream
                .write_all(b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n")?;
            stream.write_all(&good(way))?;
            Ok(true)
        });
        let client = way.client(&server.address.to_string());
        let outcome = way.call(&client, 0, TIME);
        assert!(!outcome.is_whole(), "{outcome:?}");
        if way == Way::Login {
            outcome.must_fail(BAD_ANSWER, "101");
        } else {
            // The next one has a connection of its own.
            let before = server.connections();
            let _ = way.call(&client, 1, TIME);
            assert!(server.connections() > before, "the connection was used again");
        }
    }
}
