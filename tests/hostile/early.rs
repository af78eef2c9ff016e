//! Answers that come before the request is sent whole.

use std::{
    io::{self, Read, Write},
    thread,
    time::Duration,
};

use nacos_auth::{Kind, Request};

use crate::{
    memory::Memory,
    server::{Server, answer, read_head, reset},
    way::Way,
};

const BODY: usize = 16 << 20;
const TIME: Duration = Duration::from_secs(5);

/// What becomes of the connection after the early answer.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Then {
    Closes,
    Resets,
    ReadsOn,
    ReadsNothing,
}

#[test]
fn the_answer_is_given_or_the_connection_said_to_have_broken() {
    let _alone = Memory::watch();
    for then in [Then::Closes, Then::Resets, Then::ReadsOn, Then::ReadsNothing] {
        for status in ["413 Too Large", "200 OK", "500 Fault"] {
            let server = Server::raw(move |mut stream| {
                while read_head(&mut stream).is_some() {
                    let connection = if then == Then::Closes { "Connection: close\r\n" } else { "" };
                    let _ = stream.write_all(&answer(status, connection, b"early"));
                    match then {
                        Then::Closes => return,
                        Then::Resets => {
                            thread::sleep(Duration::from_millis(20));
                            return reset(&stream);
                        }
                        Then::ReadsOn => _ = io::copy(&mut (&stream).take(BODY as u64), &mut io::sink()),
                        Then::ReadsNothing => thread::sleep(Duration::from_secs(10)),
                    }
                }
            });
            let client = Way::Request.client(&server.address.to_string());
            for _ in 0..2 {
                let request = Request::post("/v1/cs/configs").expect("a request").body(vec![b'x'; BODY]).timeout(TIME);
                let began = std::time::Instant::now();
                match client.request(request) {
                    Ok(response) => assert_eq!(response.body(), "early", "{then:?} {status}"),
                    Err(error) => {
                        assert!(matches!(error.kind(), Kind::Io | Kind::Timeout), "{then:?} {status}: {error:?}");
                        assert!(matches!(then, Then::Closes | Then::Resets), "{then:?} {status}: {error:?}");
                    }
                }
                assert!(began.elapsed() < TIME + Duration::from_secs(1), "{then:?} {status}: {:?}", began.elapsed());
            }
            // Half a request lies on the first connection: it is not used again unless the server has read it all.
            assert!(then == Then::ReadsOn || server.connections() >= 2, "{then:?} {status}");
        }
    }
}
