//! Calls that no thread waits for.

use std::{
    future::Future,
    pin::pin,
    sync::{atomic::AtomicBool, mpsc},
    task::{Context, Poll, Waker},
};

use super::*;
use crate::Cause;

const LONG: Duration = Duration::from_secs(60);

fn get() -> Request {
    Request::get("/v1/x").unwrap()
}

fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

/// Starts a request; where its end is told.
fn start(client: &Arc<Client>, cancels: Vec<Cancel>) -> (Result<()>, mpsc::Receiver<Result<u16, Kind>>) {
    let (tell, told) = mpsc::channel();
    let complete = Complete::Here(Box::new(move |result: Result<Response>, _slot| {
        tell.send(result.map(|answer| answer.status()).map_err(|e| e.kind())).unwrap();
    }));
    (client.start_request(get(), cancels, complete), told)
}

/// The one end, and no other.
fn the_end(told: &mpsc::Receiver<Result<u16, Kind>>) -> Result<u16, Kind> {
    let end = told.recv_timeout(LONG).expect("an end");
    assert_eq!(told.recv_timeout(LONG), Err(mpsc::RecvTimeoutError::Disconnected), "two ends");
    end
}

#[test]
fn a_refused_request_is_sent_again_with_another_token_as_one_that_blocks() {
    let (login, current) = tokens();
    let f = fixture(
        SOON,
        login,
        Box::new(move |out| {
            let token = bearer(out);
            let good = token == *current.lock() && token != "t1";
            Ok(if good { (200, token) } else { (403, "token expired!".into()) })
        }),
    );
    f.takes_its_first_token();
    let answer = wait(f.client.request_async(get())).unwrap();
    assert_eq!((answer.status(), answer.replays(), answer.attempts()), (200, 1, 2));
    assert_eq!(f.logins(), 2);
    assert_eq!(wait(f.client.token_async()).unwrap().secret.expose(), "t2");
}

#[test]
fn a_thousand_that_want_a_token_share_one_login() {
    let f = fixture(SOON, tokens().0, says(200, "ok"));
    let all: Vec<_> = (0..1000).map(|_| start(&f.client, Vec::new())).collect();
    assert!(all.iter().all(|(started, told)| started.is_ok() && the_end(told) == Ok(200)));
    assert_eq!((f.logins(), f.requests()), (1, 1000));
}

#[test]
fn whatever_ends_a_call_it_is_told_once() {
    // No login ever ends.
    let f = fixture(None, tokens().0, says(200, "ok"));
    let cancel = Cancel::new();
    let (started, told) = start(&f.client, vec![cancel.clone()]);
    assert!(started.is_ok());
    assert_eq!(told.recv_timeout(Duration::from_millis(50)), Err(mpsc::RecvTimeoutError::Timeout));
    cancel.trigger();
    cancel.trigger();
    assert_eq!(the_end(&told), Err(Kind::Cancelled));
    cancel.trigger();
    let group = Cancel::new();
    let (first, second) = (start(&f.client, vec![group.clone()]), start(&f.client, vec![group.clone()]));
    group.trigger();
    let third = start(&f.client, vec![group]);
    for (started, told) in [first, second, third] {
        assert!(started.is_ok());
        assert_eq!(the_end(&told), Err(Kind::Cancelled));
    }
    let began = Instant::now();
    let late = wait(f.client.request_async(get().timeout(Duration::from_millis(50)))).err().unwrap();
    assert!(late.kind() == Kind::Timeout && began.elapsed() >= Duration::from_millis(50), "{late}");
    let (_, told) = start(&f.client, Vec::new());
    f.client.close();
    assert_eq!(told.try_recv(), Ok(Err(Kind::Closed)), "told before close has returned");
    let (refused, told) = start(&f.client, Vec::new());
    assert_eq!(refused.err().map(|e| e.kind()), Some(Kind::Closed));
    assert_eq!(told.recv_timeout(LONG), Err(mpsc::RecvTimeoutError::Disconnected), "an end without a beginning");
}

#[test]
fn a_future_that_is_dropped_ends_its_call() {
    let f = fixture(None, tokens().0, says(200, "ok"));
    let operations = f.client.live().operations.clone();
    {
        let mut call = pin!(f.client.request_async(get()));
        assert!(matches!(call.as_mut().poll(&mut Context::from_waker(Waker::noop())), Poll::Pending));
        assert_eq!(operations.under_way(), 1);
    }
    let until = Instant::now() + LONG;
    while operations.under_way() > 0 {
        assert!(Instant::now() < until);
        std::thread::yield_now();
    }
}

#[test]
fn no_more_are_under_way_than_allowed_and_an_end_counts_until_it_is_taken_note_of() {
    let config = |servers: &str| Config::new(servers, "nacos", "hunter2").max_operations(2);
    let f = with(config, tokens().0, says(200, "ok"));
    let (tell, told) = mpsc::channel();
    let start = || {
        let tell = tell.clone();
        let complete = Complete::Here(Box::new(move |_: Result<Response>, slot| tell.send(slot).unwrap()));
        f.client.start_request(get(), Vec::new(), complete)
    };
    assert!(start().is_ok() && start().is_ok());
    let (first, _second) = (told.recv_timeout(LONG).unwrap(), told.recv_timeout(LONG).unwrap());
    let refused = start().err().unwrap();
    assert_eq!((refused.kind(), refused.cause()), (Kind::WouldBlock, Cause::TooManyOperations));
    assert!(refused.to_string().contains("max_operations"), "{refused}");
    drop(first);
    assert!(start().is_ok());
}

#[test]
fn callbacks_run_one_at_a_time_where_the_handle_may_be_closed() {
    let f = fixture(SOON, tokens().0, says(200, "ok"));
    let (tell, told) = mpsc::channel();
    for number in 0..100 {
        let (client, tell) = (f.client.clone(), tell.clone());
        let complete = Complete::Dispatched(Box::new(move |result: Result<Response>| {
            assert!(crate::observe::is_inside());
            if number == 50 {
                client.close();
            }
            tell.send(result.is_ok()).unwrap();
        }));
        f.client.start_request(get(), Vec::new(), complete).unwrap();
    }
    drop(tell);
    let ends: Vec<bool> = told.iter().collect();
    assert_eq!(ends.len(), 100, "each is told of, be it that the client has been closed");
}

#[test]
fn what_starts_beside_a_close_is_told_of_before_the_close_returns_or_does_not_start() {
    for round in 0..5000 {
        let f = fixture(None, tokens().0, says(200, "ok"));
        let (has_closed, late) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let starter = std::thread::spawn({
            let (client, has_closed, late) = (f.client.clone(), has_closed.clone(), late.clone());
            move || loop {
                let (has_closed, late) = (has_closed.clone(), late.clone());
                let complete = Complete::Here(Box::new(move |_: Result<Response>, _slot| {
                    late.fetch_or(has_closed.load(Ordering::SeqCst), Ordering::SeqCst);
                }));
                match client.start_request(get(), Vec::new(), complete) {
                    Err(e) if e.kind() == Kind::Closed => break,
                    // As many as may be under way.
                    _ => std::hint::spin_loop(),
                }
            }
        });
        (0..round % 500 * 4).for_each(|_| std::hint::spin_loop());
        f.client.close();
        has_closed.store(true, Ordering::SeqCst);
        starter.join().unwrap();
        let until = Instant::now() + LONG;
        while f.client.live().operations.under_way() > 0 {
            assert!(Instant::now() < until);
            std::thread::yield_now();
        }
        assert!(!late.load(Ordering::SeqCst), "round {round}: told of after the close has returned");
    }
}
