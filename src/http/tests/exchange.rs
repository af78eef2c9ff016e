//! Connections kept, shared, interrupted: on both executors.

use super::{super::pool::Pool, *};
use std::{future::poll_fn, sync::atomic::AtomicU64, task::Poll};

/// Each of the tests, once on the thread of a caller and once as a task of a runtime.
macro_rules! on_both {
    ($($test:ident;)*) => {
        mod on_caller {
            $(#[test] fn $test() { super::$test(super::Executor::Caller) })*
        }
        mod on_runtime {
            $(#[test] fn $test() { super::$test(super::Executor::Runtime) })*
        }
    };
}

on_both! {
    a_connection_closed_while_idle_is_not_used_again;
    a_connection_that_stays_is_used_again;
    idle_connections_that_the_server_closed_are_reaped;
    no_more_connections_are_in_use_than_allowed_and_16_idle_ones_are_kept_for_long;
    a_call_that_gets_no_connection_says_so;
    close_and_cancel_end_calls_that_wait_for_an_answer;
    a_deadline_says_how_far_the_call_had_come;
    a_break_ends_the_other_idle_connections_too;
    chunked_and_large_answers_come_whole;
    a_lent_body_is_sent_whole_and_not_touched_once_it_has_been_taken_back;
    whoever_waits_for_a_connection_is_served_in_turn;
}

fn a_connection_closed_while_idle_is_not_used_again(executor: Executor) {
    let (went, gone) = mpsc::channel();
    let server = Server::new(move |mut peer| {
        // Answers one request, promises to stay, and goes.
        read_request(&mut peer);
        peer.write_all(OK).unwrap();
        drop(peer);
        went.send(()).unwrap();
    });
    let http = http();
    for n in 1..=200 {
        let answer = send(executor, &http, &request(server.address, Method::POST)).unwrap();
        assert_eq!(answer.status, 200);
        // A task may have seen at the end of the request before that the server goes.
        assert!(answer.lost_connection == (n > 1) || executor == Executor::Runtime, "request {n}");
        assert_eq!(server.connections(), n);
        gone.recv().unwrap();
    }
}

fn a_connection_that_stays_is_used_again(executor: Executor) {
    let server = answering(b"HTTP/1.1 204 No Content\r\n\r\n");
    let http = http();
    for _ in 0..50 {
        assert_eq!(send(executor, &http, &request(server.address, Method::GET)).unwrap().status, 204);
    }
    assert_eq!(server.connections(), 1);
    let own = Request {
        options: Options { reuse: false, ..request(server.address, Method::GET).options },
        ..request(server.address, Method::GET)
    };
    assert_eq!(send(executor, &http, &own).unwrap().status, 204);
    assert_eq!(server.connections(), 2);
}

fn idle_connections_that_the_server_closed_are_reaped(executor: Executor) {
    let (close, closes) = mpsc::channel::<()>();
    let closes = crate::sys::lock::Mutex::new(closes);
    let server = Server::new(move |mut peer| {
        read_request(&mut peer);
        peer.write_all(OK).unwrap();
        let _ = closes.lock().recv();
    });
    let http = http();
    send(executor, &http, &request(server.address, Method::GET)).unwrap();
    assert!(http.reap_idle().left, "it stays while the server does");
    close.send(()).unwrap();
    let end = Instant::now() + LONG;
    let last = loop {
        let reaped = http.reap_idle();
        if !reaped.left {
            break reaped;
        }
        assert!(Instant::now() < end, "kept");
        thread::yield_now();
    };
    assert!(last.lost, "it was in use a moment before");
}

fn no_more_connections_are_in_use_than_allowed_and_16_idle_ones_are_kept_for_long(executor: Executor) {
    let (at_once, most) = (Arc::new(crate::sys::lock::Mutex::new(0)), Arc::new(crate::sys::lock::Mutex::new(0)));
    let (now, peak) = (at_once.clone(), most.clone());
    let takes = Arc::new(AtomicU64::new(5));
    let time = takes.clone();
    let server = Server::new(move |mut peer| {
        while read_request(&mut peer).is_some() {
            let mut here = now.lock();
            *here += 1;
            let mut peak = peak.lock();
            *peak = (*peak).max(*here);
            drop((here, peak));
            thread::sleep(Duration::from_millis(time.load(Ordering::Relaxed)));
            *now.lock() -= 1;
            if peer.write_all(OK).is_err() {
                return;
            }
        }
    });
    let http = http();
    let mut out = request(server.address, Method::GET);
    out.options.max_connections = Some(24);
    thread::scope(|scope| {
        for _ in 0..100 {
            scope.spawn(|| assert_eq!(send(executor, &http, &out).unwrap().status, 200));
        }
    });
    assert!(*most.lock() <= 24, "{} at once", most.lock());
    // So long that no call gets the connection of another one that has ended.
    takes.store(1000, Ordering::Relaxed);
    let reused = || {
        let before = server.connections();
        thread::scope(|scope| {
            let calls: Vec<_> = (0..24).map(|_| scope.spawn(|| send(executor, &http, &out).unwrap())).collect();
            calls.into_iter().for_each(|call| _ = call.join().unwrap());
        });
        24 - (server.connections() - before)
    };
    reused();
    assert_eq!(reused(), 24, "all are kept for a while");
    thread::sleep(Duration::from_millis(2500));
    assert!(http.reap_idle().left);
    let reused = reused();
    assert!(reused <= 16, "{reused} were idle");
}

fn a_call_that_gets_no_connection_says_so(executor: Executor) {
    let server = Server::new(|mut peer| while read_request(&mut peer).is_some() {});
    let http = http();
    let mut out = request(server.address, Method::GET);
    out.options.max_connections = Some(1);
    let hung = Caller::new(executor);
    thread::scope(|scope| {
        let first = scope.spawn(|| hung.send(&http, &out, LONG, None));
        while server.connections() == 0 {
            thread::yield_now();
        }
        let error = Caller::new(executor).send(&http, &out, Duration::from_millis(50), None).unwrap_err();
        assert_eq!((error.kind, error.phase), (ErrorKind::Timeout, Phase::Prepare));
        assert!(error.cause.contains("max_connections"), "{error:?}");
        hung.close();
        assert_eq!(first.join().unwrap().unwrap_err().kind, ErrorKind::Interrupted);
    });
    // Its place is free again.
    let error = Caller::new(executor).send(&http, &out, Duration::from_millis(50), None).unwrap_err();
    assert_eq!((error.kind, error.phase), (ErrorKind::Timeout, Phase::Send));
}

fn close_and_cancel_end_calls_that_wait_for_an_answer(executor: Executor) {
    let mute = Server::new(|mut peer| while read_request(&mut peer).is_some() {});
    let (http, caller, cancel) = (http(), Caller::new(executor), Cancel::new());
    let out = request(mute.address, Method::GET);
    thread::scope(|scope| {
        let cancelled = scope.spawn(|| caller.send(&http, &out, LONG, Some(&cancel)).unwrap_err());
        let closed: Vec<_> =
            (0..8).map(|_| scope.spawn(|| caller.send(&http, &out, LONG, None).unwrap_err())).collect();
        while mute.connections() < 9 {
            thread::yield_now();
        }
        // Long enough for them to sleep in poll(2); sooner would do as well.
        thread::sleep(Duration::from_millis(50));
        cancel.trigger();
        assert_eq!(cancelled.join().unwrap().kind, ErrorKind::Interrupted);
        assert!(closed.iter().all(|call| !call.is_finished()), "the others go on");
        caller.close();
        assert!(closed.into_iter().all(|call| call.join().unwrap().kind == ErrorKind::Interrupted));
    });
}

fn a_deadline_says_how_far_the_call_had_come(executor: Executor) {
    let mute = Server::new(|mut peer| while read_request(&mut peer).is_some() {});
    let half = Server::new(|mut peer| {
        read_request(&mut peer);
        let _ = peer.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nx");
        while read_request(&mut peer).is_some() {}
    });
    for (address, phase) in [(mute.address, Phase::Send), (half.address, Phase::Answer)] {
        let error =
            Caller::new(executor).send(&http(), &request(address, Method::GET), Duration::from_millis(100), None);
        let error = error.unwrap_err();
        assert_eq!((error.kind, error.phase), (ErrorKind::Timeout, phase));
    }
}

fn a_break_ends_the_other_idle_connections_too(executor: Executor) {
    let (tell, told) = mpsc::channel::<mpsc::Sender<()>>();
    // Answers once, and when it is let go reads one request more and breaks the connection over it.
    let server = Server::new(move |mut peer| {
        read_request(&mut peer);
        let (go, gone) = mpsc::channel();
        tell.send(go).unwrap();
        gone.recv().unwrap();
        peer.write_all(OK).unwrap();
        read_request(&mut peer);
    });
    let (http, out) = (http(), request(server.address, Method::GET));
    thread::scope(|scope| {
        let calls: Vec<_> = (0..3).map(|_| scope.spawn(|| send(executor, &http, &out))).collect();
        let held: Vec<_> = (0..3).map(|_| told.recv().unwrap()).collect();
        held.iter().for_each(|go| go.send(()).unwrap());
        assert!(calls.into_iter().all(|call| call.join().unwrap().is_ok()));
    });
    // Three idle connections, each of which breaks over the next request.
    let error = send(executor, &http, &out).unwrap_err();
    assert_eq!((error.kind, error.was_sent()), (ErrorKind::Broken, true));
    thread::scope(|scope| {
        let next = scope.spawn(|| send(executor, &http, &out));
        told.recv_timeout(LONG).expect("a connection of its own").send(()).unwrap();
        assert!(next.join().unwrap().is_ok());
    });
    assert_eq!(server.connections(), 4);
}

fn chunked_and_large_answers_come_whole(executor: Executor) {
    let mut chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    for _ in 0..50 {
        chunked.extend_from_slice(b"3e8\r\n");
        chunked.extend_from_slice(&[b'x'; 1000]);
        chunked.extend_from_slice(b"\r\n");
    }
    chunked.extend_from_slice(b"0\r\n\r\n");
    let server = answering(chunked);
    let answer = send(executor, &http(), &request(server.address, Method::GET)).unwrap();
    assert!(answer.body.len() == 50_000 && answer.body.iter().all(|b| *b == b'x'));
}

/// Lends a body until it is taken back.
struct Lender(crate::sys::lock::Mutex<Option<Vec<u8>>>, usize);

impl Lent for Lender {
    fn len(&self) -> usize {
        self.1
    }

    fn copy(&self, offset: usize, most: usize) -> Option<Bytes> {
        let bytes = self.0.lock();
        let all = bytes.as_ref()?;
        Some(Bytes::copy_from_slice(&all[offset..(offset + most).min(all.len())]))
    }
}

fn a_lent_body_is_sent_whole_and_not_touched_once_it_has_been_taken_back(executor: Executor) {
    let body: Vec<u8> = (0..1_000_000u32).map(|n| b'a' + (n % 26) as u8).collect();
    let server = answering(OK);
    let mut out = request(server.address, Method::PUT);
    let lender = Arc::new(Lender(crate::sys::lock::Mutex::new(Some(body.clone())), body.len()));
    out.body = Body::Lent(lender.clone());
    let http = http();
    assert_eq!(send(executor, &http, &out).unwrap().status, 200);
    let sent = server.last_request();
    assert_eq!(sent.split_once("\r\n\r\n").unwrap().1.as_bytes(), body);
    *lender.0.lock() = None;
    let error = send(executor, &http, &out).unwrap_err();
    assert!(error.was_sent(), "{error:?}");
}

fn whoever_waits_for_a_connection_is_served_in_turn(executor: Executor) {
    let (pool, caller) = (Pool::default(), Caller::new(executor));
    let limits = || Limits::new(LONG, &[], &caller.closed, &caller.waiters);
    let (served, order) = mpsc::channel();
    let first = here(pool.acquire(1, &limits())).map_err(|e| e.cause).unwrap();
    thread::scope(|scope| {
        for number in 0..5 {
            let (pool, limits, served) = (&pool, limits(), served.clone());
            scope.spawn(move || {
                let permit = here(pool.acquire(1, &limits)).map_err(|e| e.cause).unwrap();
                served.send(number).unwrap();
                drop(permit);
            });
            while pool.waiting() <= number {
                thread::yield_now();
            }
        }
        drop(first);
    });
    assert_eq!(order.iter().take(5).collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
}

#[test]
fn whoever_goes_while_waiting_for_a_connection_keeps_none_back() {
    let (pool, caller) = (Pool::default(), Caller::new(Executor::Runtime));
    let limits = Limits::new(LONG, &[], &caller.closed, &caller.waiters).of_task();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let acquired = || runtime.block_on(pool.acquire(1, &limits)).map_err(|e| e.cause).unwrap();
    let wait = || {
        let mut turn = Box::pin(pool.acquire(1, &limits));
        let poll = runtime.block_on(poll_fn(|context| Poll::Ready(turn.as_mut().poll(context))));
        assert!(poll.is_pending());
        turn
    };
    // Before it is its turn, and after.
    let first = acquired();
    drop(wait());
    drop(first);
    let first = acquired();
    let granted = wait();
    drop(first);
    drop(granted);
    assert_eq!(pool.waiting(), 0);
    drop(acquired());
}

#[test]
fn headers_that_only_old_senders_write_are_read() {
    let answers: [&[u8]; 3] = [
        b"HTTP/1.1 200 OK\r\nX-A: a\r\n b\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nX-A : a\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 200 OK\r\nX-A:\r\n\ta\r\nContent-Length: 2\r\n\r\nok",
    ];
    for written in answers {
        let server = answering(written);
        for executor in [Executor::Caller, Executor::Runtime] {
            let answer = send(executor, &http(), &request(server.address, Method::GET)).unwrap();
            assert_eq!(&answer.body[..], b"ok", "{}", String::from_utf8_lossy(written));
        }
    }
}

/// Some servers and gateways answer 411 without, and nobody else can say so.
#[test]
fn the_length_of_a_body_is_told_even_if_it_is_0_where_the_method_is_for_bodies() {
    let server = answering(OK);
    for executor in EXECUTORS {
        for method in [Method::POST, Method::PUT, Method::PATCH, Method::GET, Method::HEAD, Method::DELETE] {
            let has_length = matches!(method, Method::POST | Method::PUT | Method::PATCH);
            send(executor, &http(), &request(server.address, method)).unwrap();
            let head = server.last_request().to_ascii_lowercase();
            assert_eq!(head.matches("content-length: 0\r\n").count(), usize::from(has_length), "{head}");
            assert!(!head.contains("transfer-encoding"), "{head}");
        }
        let with = Request { body: "xy".into(), ..request(server.address, Method::POST) };
        send(executor, &http(), &with).unwrap();
        let head = server.last_request().to_ascii_lowercase();
        assert_eq!(head.matches("content-length:").count(), 1, "{head}");
        assert!(head.contains("content-length: 2\r\n"), "{head}");
    }
}
