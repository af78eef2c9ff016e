//! Lists of servers of which one is not as it should be.

use std::sync::atomic::AtomicU32;

use super::*;

const HTML: &str = "<!doctype html><html><h1>Welcome</h1></html>";

fn token(text: &str) -> (u16, String) {
    (200, format!(r#"{{"accessToken":"{text}","tokenTtl":18000}}"#))
}

fn is_first(out: &Outgoing) -> bool {
    out.endpoint.host.starts_with("host0")
}

/// Two servers, of which the first gives the token, so that it is the first to be asked from then on.
fn with_token_of_the_first(request: Script) -> Fixture {
    let login = |out: &Outgoing| Ok(if is_first(out) { token("t") } else { (404, String::new()) });
    let f = cluster(2, SOON, Box::new(login), request);
    f.client.token().unwrap();
    f
}

fn post(f: &Fixture) -> Result<Response> {
    f.client.request(Request::post("/v1/cs/configs").unwrap().body("content=for-nacos-only"))
}

/// Calls until the token is renewed, or for so many seconds.
fn tries(seconds: u64, mut call: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + Duration::from_secs(seconds);
    while Instant::now() < end {
        if call() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    false
}

#[test]
fn situation_30_where_a_gateway_answers_for_a_server_the_next_one_is_asked() {
    for (status, page) in [(502, HTML), (503, HTML), (504, ""), (503, "no healthy upstream"), (522, HTML)] {
        let request = move |out: &Outgoing| Ok(if is_first(out) { (status, page.into()) } else { (200, "ok".into()) });
        let f = with_token_of_the_first(Box::new(request));
        let answer = f.get().unwrap();
        assert_eq!((answer.status(), answer.attempts()), (200, 2), "{status}");
        for _ in 0..5 {
            assert_eq!(f.get().unwrap().attempts(), 1, "the one that stood in is the first: {status}");
        }
        // What may have been carried out is not repeated, but the next one goes elsewhere.
        let f = with_token_of_the_first(Box::new(request));
        let answer = post(&f).unwrap();
        assert_eq!((answer.status(), answer.attempts()), (status, 1));
        assert_eq!(post(&f).unwrap().status(), 200);
        // Nor what its caller wants to be sent once, or to one server.
        for only in [Request::no_replay, Request::no_failover] {
            let f = with_token_of_the_first(Box::new(request));
            let answer = f.client.request(only(Request::get("/v1/x").unwrap())).unwrap();
            assert_eq!((answer.status(), answer.attempts()), (status, 1));
        }
    }
}

#[test]
fn situation_30_what_all_gateways_say_is_the_answer_and_so_is_what_a_server_says() {
    let f = with_token_of_the_first(says(502, HTML));
    let answer = f.get().unwrap();
    assert_eq!((answer.status(), answer.attempts()), (502, 2));
    // Of those that are left none can be reached.
    let request = |out: &Outgoing| if is_first(out) { Ok((502, HTML.into())) } else { Err(Fault::Connect) };
    assert_eq!(with_token_of_the_first(Box::new(request)).get().unwrap().status(), 502);
    // A Nacos of its own.
    let said = r#"{"code":30000,"message":"server is not ready","data":null}"#;
    let f = with_token_of_the_first(says(503, said));
    let answer = f.get().unwrap();
    assert_eq!((answer.status(), answer.attempts()), (503, 1));
}

#[test]
fn situation_30_a_listener_that_its_gateway_ends_sets_no_server_aside_that_answers_others() {
    let f = with_token_of_the_first(Box::new(|out| {
        if out.method == "POST" {
            std::thread::sleep(Duration::from_millis(200));
            return Ok((504, HTML.into()));
        }
        Ok((200, if is_first(out) { "first" } else { "second" }.into()))
    }));
    std::thread::scope(|scope| {
        let listener = scope.spawn(|| post(&f).unwrap().status());
        while !listener.is_finished() {
            assert_eq!(f.get().unwrap().body(), "first");
            std::thread::sleep(Duration::from_millis(10));
        }
        assert_eq!(listener.join().unwrap(), 504);
    });
    assert_eq!(f.get().unwrap().body(), "first");
}

#[test]
fn situation_14_what_a_server_asks_for_holds_no_other_up() {
    // Whichever of them is the first.
    for status in [503, 429, 503, 429, 503, 429, 503, 429] {
        let login = move |out: &Outgoing| if is_first(out) { Err(Fault::AskedToWait(status)) } else { Ok(token("t")) };
        let logins = Arc::new(AtomicU32::new(0));
        let seen = logins.clone();
        let counted = move |out: &Outgoing| {
            seen.fetch_add(u32::from(is_first(out)), Ordering::SeqCst);
            login(out)
        };
        let f = cluster(2, SOON, Box::new(counted), says(200, "ok"));
        assert_eq!(f.get().unwrap().status(), 200);
        for _ in 0..2 {
            let generation = f.client.token().unwrap().generation;
            f.client.report_rejected(generation, 403, b"token expired!").unwrap();
            f.client.token().unwrap();
        }
        assert!(logins.load(Ordering::SeqCst) <= 1);
    }
}

#[test]
fn situation_14_one_that_is_left_alone_does_not_keep_the_others_from_being_asked_when_they_are_back() {
    let (held, down) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicBool::new(true)));
    let (seen, is_down) = (held.clone(), down.clone());
    let login = move |out: &Outgoing| {
        if is_first(out) {
            seen.fetch_add(1, Ordering::SeqCst);
            return Err(Fault::AskedToWait(503));
        }
        if is_down.load(Ordering::SeqCst) { Err(Fault::Connect) } else { Ok(token("t")) }
    };
    let f = cluster(2, SOON, Box::new(login), says(200, "ok"));
    let error = f.client.token_within(Duration::from_millis(400), None).unwrap_err();
    assert!(error.retry_after().unwrap() < Duration::from_secs(2), "{error} {:?}", error.retry_after());
    down.store(false, Ordering::SeqCst);
    assert!(tries(5, || f.get().is_ok()));
    // Whoever comes back to the same servers leaves it alone too.
    let mut client = f.comes_back();
    for _ in 0..6 {
        client.token().unwrap();
        client.close();
        client = f.comes_back();
    }
    assert_eq!(held.load(Ordering::SeqCst), 1);
}

#[test]
fn situation_14_where_all_ask_to_be_left_alone_all_are() {
    let f = cluster(3, SOON, Box::new(|_| Err(Fault::AskedToWait(503))), says(200, "ok"));
    let error = f.get().err().unwrap();
    assert_eq!((error.http_status(), f.logins()), (Some(503), 3));
    assert!(error.retry_after().unwrap() > Duration::from_secs(28), "{error} {:?}", error.retry_after());
}

#[test]
fn situation_59_what_has_shown_that_it_is_no_nacos_gets_no_token() {
    let (down, there) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    for stranger in [Ok((200, HTML.into())), Ok((302, String::new())), Err(Fault::TooLarge)] {
        down.store(false, Ordering::SeqCst);
        there.store(false, Ordering::SeqCst);
        let (is_down, is_there, asked) = (down.clone(), there.clone(), Arc::new(AtomicBool::new(false)));
        let (down_too, seen, posts) = (down.clone(), asked.clone(), Arc::new(AtomicU32::new(0)));
        let login = move |out: &Outgoing| match is_first(out) {
            true if is_there.load(Ordering::SeqCst) => Ok(token("t2")),
            true => {
                seen.store(true, Ordering::SeqCst);
                stranger.clone()
            }
            false if is_down.load(Ordering::SeqCst) => Err(Fault::Connect),
            false => Ok(token("t")),
        };
        let (counts, is_nacos) = (posts.clone(), there.clone());
        let request = move |out: &Outgoing| match is_first(out) {
            true if is_nacos.load(Ordering::SeqCst) => Ok((200, "ok".into())),
            true => {
                counts.fetch_add(1, Ordering::SeqCst);
                Ok((200, HTML.into()))
            }
            false if down_too.load(Ordering::SeqCst) => Err(Fault::Connect),
            false => Ok((200, "ok".into())),
        };
        // Until one of them is asked for the login that is no Nacos.
        let f = loop {
            let f = cluster(2, SOON, Box::new(login.clone()), Box::new(request.clone()));
            assert_eq!(f.get().unwrap().body(), "ok");
            if asked.load(Ordering::SeqCst) {
                break f;
            }
        };
        posts.store(0, Ordering::SeqCst);
        down.store(true, Ordering::SeqCst);
        assert_eq!(f.get().err().unwrap().kind(), Kind::Connect);
        assert_eq!(post(&f).err().unwrap().kind(), Kind::Connect);
        assert_eq!(posts.load(Ordering::SeqCst), 0);
    }
}

#[test]
fn situation_59_a_stranger_that_has_become_a_nacos_is_found_when_it_is_needed() {
    let (down, there) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let asked = Arc::new(AtomicBool::new(false));
    let (is_down, is_there, seen) = (down.clone(), there.clone(), asked.clone());
    let login = move |out: &Outgoing| match is_first(out) {
        true => {
            seen.store(true, Ordering::SeqCst);
            Ok(if is_there.load(Ordering::SeqCst) { token("t2") } else { (200, HTML.into()) })
        }
        false if is_down.load(Ordering::SeqCst) => Err(Fault::Connect),
        false => Ok(token("t")),
    };
    let is_gone = down.clone();
    let request = move |out: &Outgoing| match is_first(out) {
        false if is_gone.load(Ordering::SeqCst) => Err(Fault::Connect),
        _ => Ok((200, "ok".into())),
    };
    let f = loop {
        let f = cluster(2, SOON, Box::new(login.clone()), Box::new(request.clone()));
        f.get().unwrap();
        if asked.load(Ordering::SeqCst) {
            break f;
        }
    };
    there.store(true, Ordering::SeqCst);
    down.store(true, Ordering::SeqCst);
    let logins = f.logins();
    assert!(tries(5, || f.get().is_ok()));
    assert_eq!(f.logins(), logins + 1);
}

#[test]
fn situation_66_a_renewal_that_hangs_at_one_server_is_made_at_another() {
    let hung = Arc::new(Mutex::new(None::<String>));
    let hangs = hung.clone();
    let count = AtomicU32::new(0);
    let login = move |out: &Outgoing| {
        let mut hung = hangs.lock();
        if hung.as_ref() == Some(&out.endpoint.host) {
            return Err(Fault::NotYet);
        }
        // The one that gave the first token.
        hung.get_or_insert(out.endpoint.host.clone());
        Ok((200, format!(r#"{{"accessToken":"t{}","tokenTtl":4}}"#, count.fetch_add(1, Ordering::SeqCst))))
    };
    let f = cluster(2, SOON, Box::new(login), says(200, "ok"));
    f.get().unwrap();
    let generation = f.client.token().unwrap().generation;
    let began = Instant::now();
    assert!(tries(20, || {
        assert_eq!(f.get().unwrap().status(), 200);
        f.client.stats().generation > generation
    }));
    assert!(began.elapsed() < Duration::from_secs(12), "{:?}", began.elapsed());
}
