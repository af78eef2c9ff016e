//! What a caller may say of one call, and what an answer or an error says of it.

use std::sync::atomic::AtomicU32;

use super::*;
use crate::Cause;

const EXPIRED: &str = r#"{"status":403,"error":"Forbidden","message":"token expired!"}"#;

fn get() -> Request {
    Request::get("/v1/x").unwrap()
}

/// Logins that take for ever.
fn hung() -> Fixture {
    fixture(None, says(500, ""), says(200, "ok"))
}

#[test]
fn a_call_that_must_not_wait_fails_at_once_and_the_login_goes_on() {
    let (login, _) = tokens();
    let f = fixture(Some(Duration::from_millis(300)), login, says(200, "ok"));
    let began = Instant::now();
    let error = f.client.token_without_waiting().unwrap_err();
    assert_eq!((error.kind(), error.cause()), (Kind::WouldBlock, Cause::WouldBlock));
    assert!(error.is_retryable() && !error.was_maybe_sent());
    let error = f.client.request(get().no_wait()).map(drop).unwrap_err();
    assert_eq!(error.kind(), Kind::WouldBlock);
    assert!(began.elapsed() < Duration::from_millis(250), "{:?}", began.elapsed());
    assert_eq!(f.requests(), 0, "nothing was sent");
    assert_eq!(f.client.token().unwrap().secret.expose(), "t1");
    assert_eq!(f.client.token_without_waiting().unwrap().secret.expose(), "t1");
    assert_eq!(f.client.request(get().no_wait()).unwrap().status(), 200);
    assert_eq!(f.logins(), 1);
}

#[test]
fn a_call_that_must_not_wait_is_served_an_old_token_while_another_is_on_its_way() {
    let count = AtomicU32::new(0);
    let login: Script = Box::new(move |_| match count.fetch_add(1, Ordering::SeqCst) {
        0 => Ok((200, r#"{"accessToken":"t1","tokenTtl":1}"#.into())),
        _ => Err(Fault::Connect),
    });
    let f = fixture(SOON, login, says(200, "ok"));
    f.client.token().unwrap();
    std::thread::sleep(Duration::from_millis(1200));
    let token = f.client.token_without_waiting().unwrap();
    assert_eq!((token.secret.expose(), token.expired), ("t1", true));
}

#[test]
fn a_refusal_that_must_not_be_replayed_is_the_answer() {
    let (login, current) = tokens();
    let takes_t2 = move |out: &Outgoing| {
        if bearer(out) == "t2" && *current.lock() == "t2" { Ok((200, "ok".into())) } else { Ok((403, EXPIRED.into())) }
    };
    let f = fixture(SOON, login, Box::new(takes_t2));
    f.takes_its_first_token();
    let answer = f.client.request(get().no_replay()).unwrap();
    assert_eq!((answer.status(), answer.attempts(), answer.replays()), (403, 1, 0));
    assert_eq!(f.requests(), 1);
    // The library knows all the same that the token is no good.
    let answer = f.client.request(get()).unwrap();
    assert_eq!((answer.status(), f.logins()), (200, 2));
}

#[test]
fn an_answer_tells_who_gave_it_and_how_often_it_was_asked_for() {
    let (login, current) = tokens();
    let strict = move |out: &Outgoing| {
        if bearer(out) == *current.lock() && bearer(out) != "t1" {
            Ok((200, "ok".into()))
        } else {
            Ok((403, EXPIRED.into()))
        }
    };
    let f = fixture(SOON, login, Box::new(strict));
    f.takes_its_first_token();
    let answer = f.get().unwrap();
    assert_eq!((answer.status(), answer.attempts(), answer.replays()), (200, 2, 1));
    assert_eq!(answer.server(), f.session().servers.names());
    assert!(!answer.is_truncated());
}

/// A cluster of two; requests break as often as `breaks` says.
fn breaking(breaks: u32) -> Fixture {
    let (login, _) = tokens();
    let count = AtomicU32::new(0);
    let request: Script =
        Box::new(
            move |_| {
                if count.fetch_add(1, Ordering::SeqCst) < breaks { Err(Fault::Io) } else { Ok((200, "ok".into())) }
            },
        );
    cluster(2, SOON, login, request)
}

#[test]
fn what_may_be_sent_twice_is_for_the_caller_to_say() {
    let post = || Request::post("/v1/x").unwrap();
    for (name, request, attempts) in [
        ("GET", get(), 2),
        ("POST that may", post().idempotent(true), 2),
        ("POST", post(), 0),
        ("GET that may not", get().idempotent(false), 0),
        ("GET, once", get().no_replay(), 0),
        ("POST that may, once", post().idempotent(true).no_replay(), 0),
    ] {
        let f = breaking(1);
        match f.client.request(request) {
            Ok(answer) => assert_eq!(answer.attempts(), attempts, "{name}"),
            Err(error) => {
                assert_eq!((attempts, error.kind(), f.requests()), (0, Kind::Io, 1), "{name}");
                assert!(error.was_maybe_sent(), "{name}");
                assert_eq!(error.cause(), Cause::ConnectionBroken, "{name}");
                assert!(
                    error.server().is_some_and(|server| server.starts_with("host")),
                    "{name}: {:?}",
                    error.server()
                );
            }
        }
    }
}

#[test]
fn a_call_that_must_not_fail_over_asks_one_server() {
    let (login, _) = tokens();
    let f = cluster(3, SOON, login, Box::new(|_| Err(Fault::Connect)));
    f.client.token().unwrap();
    let error = f.client.request(get().no_failover()).map(drop).unwrap_err();
    assert_eq!((error.kind(), f.requests()), (Kind::Connect, 1));
    assert!(!error.was_maybe_sent(), "nothing left this machine");
    let error = f.get().map(drop).unwrap_err();
    assert_eq!((error.kind(), f.requests()), (Kind::Connect, 4));
}

#[test]
fn what_was_perhaps_sent_once_was_perhaps_sent_whatever_comes_then() {
    // The first server breaks twice, the second one cannot be reached.
    let (login, _) = tokens();
    let first: Arc<Mutex<Option<String>>> = Arc::default();
    let request: Script = Box::new(move |out| {
        let mut first = first.lock();
        let first = first.get_or_insert_with(|| out.endpoint.host.clone());
        Err(if out.endpoint.host == *first { Fault::Io } else { Fault::Connect })
    });
    let f = cluster(2, SOON, login, request);
    f.client.token().unwrap();
    let error = f.get().map(drop).unwrap_err();
    assert_eq!((error.kind(), f.requests()), (Kind::Connect, 3));
    assert!(error.was_maybe_sent());
}

#[test]
fn a_request_that_must_not_go_without_a_token_does_not() {
    const MISSING: &str = r#"{"status":404,"error":"Not Found","message":"config data not exist"}"#;
    let open: Script = Box::new(|out| {
        let is_question = out.target.path().contains("/cs/configs") || out.target.path().contains("state");
        if is_question { Ok((404, MISSING.into())) } else { Ok((200, "data".into())) }
    });
    let refuses = says(403, r#"{"status":403,"error":"Forbidden","message":"user not found!"}"#);
    let f = fixture(SOON, refuses, open);
    let error = f.client.request(get().no_anonymous()).map(drop).unwrap_err();
    assert_eq!((error.kind(), error.cause()), (Kind::BadCredentials, Cause::WrongCredentials));
    assert_eq!(f.requests(), 0);
}

#[test]
fn sensitive_values_are_kept_out_of_what_is_told() {
    let (lines, told) = std::sync::mpsc::channel();
    let (login, _) = tokens();
    let echoes: Script = Box::new(|_| {
        let body =
            r#"{"timestamp":"1","status":403,"error":"Forbidden","message":"authorization failed! s3cret-value"}"#;
        Ok((403, body.into()))
    });
    let config = |server: &str| {
        let log = move |event: &crate::Event| _ = lines.send(event.to_string());
        Config::new(server, "nacos", "hunter2").on_log(Level::Warn, log)
    };
    let f = with(config, login, echoes);
    f.takes_its_first_token();
    let request = get().query("key", "s3cret-value").sensitive("s3cret-value");
    assert_eq!(f.client.request(request).unwrap().status(), 403);
    f.client.close();
    let lines: Vec<String> = told.iter().collect();
    assert!(lines.iter().any(|line| line.contains("no permission")), "{lines:?}");
    assert!(lines.iter().all(|line| !line.contains("s3cret-value")), "{lines:?}");
}

#[test]
fn a_function_of_the_callers_ends_calls_that_wait() {
    let asked = Arc::new(AtomicU32::new(0));
    let counted = asked.clone();
    let config = move |server: &str| {
        let ask = move || counted.fetch_add(1, Ordering::SeqCst) < 3;
        Config::new(server, "nacos", "hunter2").keep_waiting(ask)
    };
    let f = configured(config("keep.waiting.test"), None, says(500, ""), says(200, "ok"));
    let began = Instant::now();
    let error = f.client.token().unwrap_err();
    assert_eq!((error.kind(), error.cause()), (Kind::Cancelled, Cause::Cancelled));
    assert!(error.message().contains("keep_waiting"), "{error}");
    let took = began.elapsed();
    assert!(took >= Duration::from_millis(200) && took < Duration::from_secs(3), "{took:?}");
    assert_eq!(asked.load(Ordering::SeqCst), 4, "and never again in that call");
    // A call that need not wait asks nobody.
    f.client.set_token("given", None).unwrap();
    f.client.token().unwrap();
    assert_eq!(asked.load(Ordering::SeqCst), 4);
}

#[test]
fn no_call_asks_a_function_once_its_client_has_been_closed() {
    let f = hung();
    std::thread::scope(|scope| {
        let waits = scope.spawn(|| f.client.token().map(drop).unwrap_err().kind());
        std::thread::sleep(Duration::from_millis(100));
        f.client.close();
        assert_eq!(waits.join().unwrap(), Kind::Closed);
    });
}

#[test]
fn a_close_waits_no_longer_than_it_is_told_to() {
    let (begun, has_begun) = std::sync::mpsc::channel();
    let (release, held) = std::sync::mpsc::channel::<()>();
    let held = Mutex::new(held);
    let dropped = Arc::new(());
    let (login, _) = tokens();
    let kept = dropped.clone();
    let hangs = move |server: &str| {
        let hook = move |_: &crate::Event| {
            let _kept = &kept;
            let _ = begun.send(());
            let _ = held.lock().recv();
        };
        Config::new(server, "nacos", "hunter2").on_event(hook)
    };
    let f = with(hangs, login, says(200, "ok"));
    f.client.token().unwrap();
    has_begun.recv().unwrap();
    let began = Instant::now();
    assert!(!f.client.close_within(Duration::from_millis(100)), "the function still runs");
    assert!(began.elapsed() < Duration::from_secs(5));
    assert_eq!(f.client.token().map(drop).unwrap_err().kind(), Kind::Closed, "closed all the same");
    assert_eq!(Arc::strong_count(&dropped), 2);
    drop(release);
    let end = Instant::now() + Duration::from_secs(60);
    while Arc::strong_count(&dropped) > 1 {
        assert!(Instant::now() < end, "the function is let go of when it has returned");
        std::thread::yield_now();
    }
    assert!(f.client.close_within(Duration::from_millis(100)));
}

#[test]
fn whoever_knows_better_ends_a_pause() {
    let up = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let is_up = up.clone();
    let login: Script = Box::new(move |_| {
        if is_up.load(Ordering::SeqCst) {
            Ok((200, r#"{"accessToken":"t","tokenTtl":18000}"#.into()))
        } else {
            Ok((403, r#"{"status":403,"error":"Forbidden","message":"user not found!"}"#.into()))
        }
    });
    let f = fixture(SOON, login, says(200, "ok"));
    for _ in 0..2 {
        let _ = f.client.token();
        std::thread::sleep(Duration::from_millis(1100));
    }
    up.store(true, Ordering::SeqCst);
    let error = f.client.token().unwrap_err();
    assert!(error.retry_after().is_some_and(|after| after > Duration::from_secs(5)), "{error:?}");
    f.client.retry().unwrap();
    assert_eq!(f.client.token().unwrap().secret.expose(), "t");
    f.client.close();
    assert_eq!(f.client.retry().unwrap_err().kind(), Kind::Closed);
}

#[test]
fn the_generation_tells_whether_a_copy_may_still_be_used() {
    let (login, _) = tokens();
    let f = fixture(SOON, login, says(200, "ok"));
    assert_eq!(f.client.generation(), 0);
    let token = f.client.token().unwrap();
    assert_eq!(f.client.generation(), token.generation);
    f.client.report_rejected(token.generation, 403, EXPIRED.as_bytes()).unwrap();
    assert_ne!(f.client.generation(), token.generation);
    f.client.close();
    assert_eq!(f.client.generation(), 0);
}
