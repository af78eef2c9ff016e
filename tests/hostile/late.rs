//! Answers that come when nobody waits for them any more.

use std::{
    io::Write,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use nacos_auth::{Cancel, Client, Config, Kind, Request};

use crate::{
    server::answer,
    way::{Way, login_granted},
};

const LATER: Duration = Duration::from_millis(300);

/// Number 0 is answered late, all others at once; each with its number.
fn late_for_the_first() -> crate::server::Server {
    Way::Request.server(|seen, stream| {
        let number = seen.number("dataId=");
        if number == 0 {
            thread::sleep(LATER);
        }
        stream.write_all(&answer("200 OK", "", format!("answer to {number}").as_bytes()))?;
        Ok(true)
    })
}

fn get(number: usize) -> Request {
    Request::get("/v1/cs/configs").expect("a request").query("dataId", &number.to_string())
}

fn others_get_their_own(client: &Client, what: &str) {
    for number in 1..12 {
        let response = client.request(get(number)).expect(what);
        assert_eq!(response.body(), format!("answer to {number}").as_str(), "{what}");
        thread::sleep(Duration::from_millis(40));
    }
}

#[test]
fn after_cancel_nobody_else_gets_it() {
    let server = late_for_the_first();
    let client = Way::Request.client(&server.address.to_string());
    let cancel = Cancel::new();
    let signal = cancel.clone();
    thread::spawn(move || {
        thread::sleep(LATER / 3);
        signal.trigger();
    });
    let error = client.request(get(0).cancel(&cancel)).map(drop).expect_err("cancelled");
    assert_eq!(error.kind(), Kind::Cancelled);
    others_get_their_own(&client, "after a cancelled call");
}

#[test]
fn after_the_deadline_nobody_else_gets_it() {
    let server = late_for_the_first();
    let client = Way::Request.client(&server.address.to_string());
    let error = client.request(get(0).timeout(LATER / 3)).map(drop).expect_err("too late");
    assert_eq!(error.kind(), Kind::Timeout);
    others_get_their_own(&client, "after a call that ran into its deadline");
}

/// The connections are shared, also with those who stay.
#[test]
fn after_close_nobody_else_gets_it() {
    let server = late_for_the_first();
    let address = server.address.to_string();
    let (closed, stays) = (Arc::new(Way::Request.client(&address)), Way::Request.client(&address));
    let other = closed.clone();
    thread::spawn(move || {
        thread::sleep(LATER / 3);
        other.close();
    });
    let error = closed.request(get(0)).map(drop).expect_err("closed");
    assert_eq!(error.kind(), Kind::Closed);
    others_get_their_own(&stays, "after another handle was closed");
    assert_eq!(closed.request(get(1)).map(drop).expect_err("closed").kind(), Kind::Closed);
}

/// A token that comes when its handle is closed is nobody's, and nobody is told. Nor has a server failed: whoever comes next
/// with the same credentials logs in at once.
#[test]
fn a_login_answered_after_close_is_told_to_nobody() {
    let answered = Arc::new(AtomicUsize::new(0));
    let count = answered.clone();
    let server = Way::Login.server(move |_, stream| {
        thread::sleep(LATER);
        count.fetch_add(1, Ordering::SeqCst);
        stream.write_all(&login_granted())?;
        Ok(true)
    });
    let told = Arc::new(Mutex::new(Vec::new()));
    let (list, address) = (told.clone(), server.address.to_string());
    let config = Config::new(&address, "closed-early", "secret");
    let config = config.on_event(move |event| list.lock().expect("no panic").push(format!("{event:?}")));
    let client = Arc::new(Client::new(config).expect("a client"));
    let other = client.clone();
    thread::spawn(move || {
        thread::sleep(LATER / 3);
        other.close();
    });
    let error = client.token_within(Duration::from_secs(5), None).map(drop).expect_err("closed");
    assert_eq!(error.kind(), Kind::Closed);
    let before = told.lock().expect("no panic").len();
    thread::sleep(LATER * 2);
    assert_eq!(told.lock().expect("no panic").len(), before, "{:?}", told.lock());
    drop(client);
    // Nobody's token is left behind for whoever comes next.
    let next = Client::new(Config::new(&address, "closed-early", "secret")).expect("a client");
    Way::Login.call(&next, 0, Duration::from_secs(5)).must_be_whole("a later handle");
    assert!(answered.load(Ordering::SeqCst) >= 1);
}
