use std::{
    sync::{
        atomic::{AtomicBool, AtomicU32, Ordering},
        mpsc,
    },
    thread,
};

use super::*;

fn listener(event: impl Fn(&Event) + Send + Sync + 'static) -> Arc<Listener> {
    Arc::new(Listener::new(Hooks { event: Some(Arc::new(event)), ..Hooks::default() }))
}

fn emit(listener: &Arc<Listener>, generation: u64) {
    listener.push(Event::recovered(generation));
    listener.tell_soon();
}

const LONG: Duration = Duration::from_secs(60);

/// When a close gives up.
fn later() -> Instant {
    Instant::now() + Duration::from_secs(60)
}

#[test]
fn close_waits_for_a_call_under_way_and_nothing_is_called_after_it() {
    let (entered, inside) = mpsc::channel();
    let left = Arc::new(AtomicBool::new(false));
    let leaves = left.clone();
    let listener = listener(move |_| {
        assert!(!leaves.load(Ordering::SeqCst), "called after close");
        entered.send(()).unwrap();
        thread::sleep(Duration::from_millis(50));
        leaves.store(true, Ordering::SeqCst);
    });
    emit(&listener, 1);
    inside.recv_timeout(LONG).unwrap();
    listener.close(later());
    assert!(left.load(Ordering::SeqCst), "close did not wait");
    emit(&listener, 2);
    listener.close(later());
}

#[test]
fn close_tells_what_has_happened() {
    let told = Arc::new(AtomicU32::new(0));
    let counts = told.clone();
    let listener = listener(move |_| _ = counts.fetch_add(1, Ordering::SeqCst));
    for generation in 0..100 {
        listener.push(Event::recovered(generation));
    }
    listener.close(later());
    assert_eq!(told.load(Ordering::SeqCst), 100);
}

#[test]
fn a_function_may_close_its_own_listener_and_what_it_holds_is_let_go_when_all_is_told() {
    let own: Arc<Mutex<Option<Arc<Listener>>>> = Arc::default();
    let (held, inner) = (Arc::new(()), own.clone());
    let witness = Arc::downgrade(&held);
    let told = Arc::new(AtomicU32::new(0));
    let counts = told.clone();
    let listener = listener(move |_| {
        let _held = &held;
        counts.fetch_add(1, Ordering::SeqCst);
        inner.lock().as_ref().unwrap().close(later());
    });
    *own.lock() = Some(listener.clone());
    listener.push(Event::recovered(1));
    emit(&listener, 2);
    let until = std::time::Instant::now() + LONG;
    while witness.upgrade().is_some() {
        assert!(std::time::Instant::now() < until);
        thread::yield_now();
    }
    assert_eq!(told.load(Ordering::SeqCst), 2);
}

#[test]
fn two_functions_that_close_each_other_both_return() {
    let both: Arc<Mutex<Vec<Arc<Listener>>>> = Arc::default();
    let meet = Arc::new(std::sync::Barrier::new(2));
    let (left, leaves) = mpsc::channel();
    for _ in 0..2 {
        let (others, meet, left) = (both.clone(), meet.clone(), left.clone());
        both.lock().push(listener(move |_| {
            meet.wait();
            let all = others.lock().clone();
            all.iter().for_each(|listener| _ = listener.close(later()));
            left.send(()).unwrap();
        }));
    }
    let all = both.lock().clone();
    all.iter().for_each(|listener| emit(listener, 1));
    leaves.recv_timeout(LONG).unwrap();
    leaves.recv_timeout(LONG).unwrap();
    all.iter().for_each(|listener| _ = listener.close(later()));
}

#[test]
fn a_function_that_hangs_holds_up_nobody_else() {
    let (release, hold) = mpsc::channel::<()>();
    let hold = Mutex::new(hold);
    let hung = listener(move |_| _ = hold.lock().recv());
    let (tell, told) = mpsc::channel();
    let other = listener(move |event| tell.send(event.generation()).unwrap());
    emit(&hung, 1);
    emit(&other, 2);
    assert_eq!(told.recv_timeout(LONG), Ok(2));
    drop(release);
    hung.close(later());
}

#[test]
fn a_slow_function_loses_the_oldest_events_only() {
    let seen: Arc<Mutex<Vec<u64>>> = Arc::default();
    let sink = seen.clone();
    let listener = listener(move |event| sink.lock().push(event.generation()));
    for generation in 0..QUEUED as u64 + 5 {
        listener.push(Event::recovered(generation));
    }
    listener.close(later());
    assert_eq!(*seen.lock(), (5..QUEUED as u64 + 5).collect::<Vec<_>>());
}

#[test]
fn what_the_functions_hold_may_close_the_listener_as_it_goes() {
    struct Closes(Arc<Mutex<Option<Arc<Listener>>>>, mpsc::Sender<()>);
    impl Drop for Closes {
        fn drop(&mut self) {
            let own = self.0.lock().clone().unwrap();
            own.close(later());
            self.1.send(()).unwrap();
        }
    }
    // Let go of by whoever closes, and by the thread that tells what was left when it was closed inside a function.
    for closes_inside in [false, true] {
        let own: Arc<Mutex<Option<Arc<Listener>>>> = Arc::default();
        let (closed, done) = mpsc::channel();
        let (held, inner) = (Closes(own.clone(), closed), own.clone());
        let listener = listener(move |_| {
            let _held = &held;
            if closes_inside {
                let own = inner.lock().clone().unwrap();
                own.close(later());
            }
        });
        *own.lock() = Some(listener.clone());
        emit(&listener, 1);
        listener.close(later());
        done.recv_timeout(LONG).unwrap();
    }
}
