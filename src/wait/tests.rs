use std::thread;

use super::*;

struct Handle {
    closed: AtomicBool,
    waiters: Arc<Waiters>,
}

impl Handle {
    fn new() -> Self {
        Self { closed: AtomicBool::new(false), waiters: Arc::default() }
    }

    fn limits<'a>(&'a self, timeout: Duration, cancels: &'a [Cancel]) -> Limits<'a> {
        Limits::new(timeout, cancels, &self.closed, &self.waiters)
    }
}

const LONG: Duration = Duration::from_secs(60);

#[test]
fn a_deadline_ends_the_wait() {
    let handle = Handle::new();
    let limits = handle.limits(Duration::from_millis(20), &[]);
    assert!(block_on(std::future::pending::<()>(), &limits).is_none());
    assert!(limits.check().is_ok() && limits.remaining().is_zero());
    assert!(handle.limits(Duration::MAX, &[]).remaining() > Duration::from_secs(1000));
}

#[test]
fn cancel_and_close_end_parked_calls_of_that_handle_only() {
    let (one, other, cancel) = (&Handle::new(), &Handle::new(), &Cancel::new());
    thread::scope(|scope| {
        let wait = |limits: Limits<'_>| {
            assert!(block_on(std::future::pending::<()>(), &limits).is_none());
            limits.check().unwrap_err().kind()
        };
        let cancelled = scope.spawn(move || wait(one.limits(LONG, std::slice::from_ref(cancel))));
        let closed = scope.spawn(move || wait(other.limits(LONG, &[])));
        while one.waiters.parked.lock().entries.is_empty() || other.waiters.parked.lock().entries.is_empty() {
            thread::yield_now();
        }
        cancel.trigger();
        assert_eq!(cancelled.join().unwrap(), Kind::Cancelled);
        assert!(!closed.is_finished());
        other.closed.store(true, Ordering::SeqCst);
        other.waiters.interrupt();
        assert_eq!(closed.join().unwrap(), Kind::Closed);
    });
    assert!(one.waiters.parked.lock().entries.is_empty() && cancel.calls().lock().entries.is_empty());
}

#[test]
fn an_interrupt_is_seen_in_poll_and_the_next_call_gets_a_descriptor_of_its_own() {
    let handle = Handle::new();
    let limits = handle.limits(LONG, &[]);
    let before = limits.watch();
    let readable = |watch: &Watch<'_>| {
        let event = watch.event().unwrap();
        crate::sys::descriptor::poll(event.fd(), libc::POLLIN, None, Duration::ZERO)
    };
    assert!(!readable(&before));
    handle.waiters.interrupt();
    let after = limits.watch();
    assert!(readable(&before) && !readable(&after));
}

#[test]
fn a_promise_wakes_all_who_wait_for_it() {
    let (handle, promise) = (Handle::new(), Promise::new());
    thread::scope(|scope| {
        let calls: Vec<_> =
            (0..4).map(|_| scope.spawn(|| block_on(promise.clone(), &handle.limits(LONG, &[])))).collect();
        promise.fulfil(7);
        assert!(calls.into_iter().all(|call| call.join().unwrap() == Some(7)));
    });
    assert_eq!(promise.value(), Some(7));
}

#[test]
fn a_caller_is_asked_every_50_ms_whether_to_go_on_and_not_in_the_first_50() {
    let handle = Handle::new();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let times = asked.clone();
    let began = Instant::now();
    let patience = Patience::new(move || {
        times.lock().push(began.elapsed());
        times.lock().len() < 5
    });
    let limits = handle.limits(LONG, &[]).with_patience(Some(&patience));
    assert!(block_on(std::future::pending::<()>(), &limits).is_none());
    assert_eq!(limits.check().unwrap_err().kind(), Kind::Cancelled);
    assert!(here(limits.sleep(Duration::from_millis(1))).is_err(), "it stays so");
    let asked = asked.lock();
    assert_eq!(asked.len(), 5);
    assert!(asked[0] >= Duration::from_millis(49), "{asked:?}");
    assert!(asked.windows(2).all(|pair| pair[1] - pair[0] >= Duration::from_millis(49)), "{asked:?}");
}
