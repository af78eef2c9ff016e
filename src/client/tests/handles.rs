//! What may happen to handles: many of them, closed ones, and what they show of secrets.

use std::{sync::Weak, thread};

use super::*;

/// A hundred threads wake within 100 ms where nothing else runs; the tests beside this one are worth another second.
/// The login they wait for would take 30.
const WAKING: Duration = Duration::from_millis(1100);

/// Runs `end` while a hundred calls wait for a login that never ends; how they ended, and how long after at the latest.
fn hung(end: impl FnOnce(&Client, &Cancel)) -> (Kind, Duration) {
    let f = fixture(None, tokens().0, says(200, ""));
    let cancel = Cancel::new();
    thread::scope(|scope| {
        let call = || {
            let error = f.client.token_within(Duration::from_secs(60), Some(&cancel)).unwrap_err();
            (error.kind(), Instant::now())
        };
        let calls: Vec<_> = (0..100).map(|_| scope.spawn(call)).collect();
        while f.logins() == 0 || f.client.stats().waits < 100 {
            thread::yield_now();
        }
        let ended = Instant::now();
        end(&f.client, &cancel);
        let ends: Vec<_> = calls.into_iter().map(|call| call.join().unwrap()).collect();
        assert!(ends.iter().all(|(kind, _)| *kind == ends[0].0));
        (ends[0].0, ends.iter().map(|(_, at)| *at - ended).max().unwrap())
    })
}

#[test]
fn situation_42_close_wakes_all_callers_in_the_middle_of_a_hung_login() {
    let (kind, after) = hung(|client, _| {
        client.close();
        client.close();
    });
    assert_eq!(kind, Kind::Closed);
    assert!(after < WAKING, "{after:?}");
}

#[test]
fn situation_29_cancel_wakes_all_callers_in_the_middle_of_a_hung_login() {
    let (kind, after) = hung(|_, cancel| cancel.trigger());
    assert_eq!(kind, Kind::Cancelled);
    assert!(after < WAKING, "{after:?}");
}

#[test]
fn situation_43_a_thousand_handles_share_a_token_and_a_closed_one_serves_nobody() {
    let f = fixture(SOON, tokens().0, says(200, ""));
    let others: Vec<Client> = (0..1000).map(|_| f.sibling()).collect();
    let generation = f.client.token().unwrap().generation;
    assert!(others.iter().all(|c| c.token().unwrap().generation == generation));
    assert_eq!(f.logins(), 1);
    others[0].close();
    others[0].close();
    assert_eq!(others[0].token().unwrap_err().kind(), Kind::Closed);
    assert_eq!(others[0].request(Request::get("/x").unwrap()).err().unwrap().kind(), Kind::Closed);
    assert_eq!(others[0].set_credentials("a", "b").unwrap_err().kind(), Kind::Closed);
    assert_eq!(others[1].token().unwrap().generation, generation);
}

#[test]
fn situation_43_of_a_thousand_sessions_none_is_kept_that_nobody_uses() {
    let f = fixture(SOON, tokens().0, says(200, ""));
    f.client.token().unwrap();
    let seen: Vec<Weak<Session>> = (0..1000)
        .map(|n| {
            let client = f.sibling();
            client.set_credentials(&format!("user{n}"), "x").unwrap();
            Arc::downgrade(&client.live().session())
        })
        .collect();
    // The refresher may be looking at some just now.
    let end = Instant::now() + Duration::from_secs(10);
    while seen.iter().any(|session| session.strong_count() > 0) {
        assert!(Instant::now() < end, "sessions are kept");
        thread::yield_now();
    }
    assert!(Arc::ptr_eq(&f.session(), &f.sibling().live().session()));
    assert_eq!((f.client.token().unwrap().secret.expose(), f.logins()), ("t1", 1));
}

#[test]
fn situation_44_no_secret_is_shown_anywhere() {
    // Whatever the server repeats of what it was sent.
    let echo = |status| -> Script {
        Box::new(move |out| {
            let body = body(out);
            Ok((status, format!("{body} hunter2 eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJuYWNvcyJ9.c2VjcmV0")))
        })
    };
    for status in [200, 302, 400, 401, 403, 404, 429, 500, 503] {
        let f = fixture(SOON, echo(status), echo(403));
        let shown = format!("{:?} {:?}", f.client.token().unwrap_err(), f.get().err());
        assert!(!shown.contains("hunter2") && !shown.contains("eyJ"), "{status}: {shown}");
    }
    let f = fixture(SOON, says(200, r#"{"accessToken":"eyJsecret"}"#), Box::new(|_| Err(Fault::Io)));
    let token = f.client.token().unwrap();
    let error = f.client.request(Request::get("/v1/x").unwrap().query("q", "eyJquery")).err();
    let config = Config::new("host", "nacos", "hunter2");
    let shown = format!("{:?} {token:?} {error:?} {config:?} {:?}", f.client, f.client.stats());
    assert!(!shown.contains("hunter2") && !shown.contains("eyJ"), "{shown}");
}
