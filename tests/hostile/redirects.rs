//! Answers that send elsewhere: nobody goes there, neither with a password nor with a token.

use std::{
    io::Write,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use nacos_auth::{Config, Kind, Request};

use crate::{
    server::{Server, TOKEN, answer},
    way::{WAYS, Way},
};

const STATUSES: [&str; 7] =
    ["300 Choices", "301 Moved", "302 Found", "303 Other", "305 Proxy", "307 Temporary", "308 Permanent"];

#[test]
fn nobody_goes_where_an_answer_points() {
    let trapped = Arc::new(AtomicUsize::new(0));
    let count = trapped.clone();
    let trap = Server::raw(move |mut stream| {
        count.fetch_add(1, Ordering::SeqCst);
        let _ = stream.write_all(&answer("200 OK", "", b"a trap"));
    });
    let places = [
        format!("http://{}/nacos/v1/auth/login", trap.address),
        format!("//{}/", trap.address),
        format!("http://nacos:secret@{}/", trap.address),
        format!("https://{}/", trap.address),
        "/nacos/v1/auth/login".into(),
        "http://127.0.0.1:1/".into(),
        "javascript:alert(1)".into(),
        "file:///etc/passwd".into(),
        "http://[::".into(),
        "x".repeat(60_000),
        String::new(),
    ];
    for way in WAYS {
        for status in STATUSES {
            for place in &places {
                let location = format!("Location: {place}\r\n");
                let script = location.clone();
                let asked = Arc::new(AtomicUsize::new(0));
                let seen = asked.clone();
                let server = way.server(move |_, stream| {
                    seen.fetch_add(1, Ordering::SeqCst);
                    stream.write_all(&answer(status, &script, b"go elsewhere"))?;
                    Ok(true)
                });
                let short = &place[..place.len().min(60)];
                let address = server.address.to_string();
                match way {
                    Way::Login => {
                        let outcome = way.once(&server, Duration::from_millis(900));
                        outcome.must_fail(&[Kind::Protocol, Kind::Server], (status, short));
                        // At most once for each place where a login may be.
                        assert!(asked.load(Ordering::SeqCst) <= 3, "{status} {short}: {asked:?}");
                    }
                    Way::Request => {
                        let client =
                            nacos_auth::Client::new(Config::with_token(&address, TOKEN, None)).expect("a client");
                        let response = client.request(Request::get("/v1/cs/configs").expect("a request"));
                        let response = response.expect("handed on as it is");
                        assert_eq!(response.status().to_string(), status[..3], "{short}");
                        assert_eq!(asked.load(Ordering::SeqCst), 1, "{status} {short}");
                    }
                }
            }
        }
    }
    assert_eq!(trapped.load(Ordering::SeqCst), 0, "somebody went there");
}
