//! Functions of the caller's that are called once each, one after the other, on a thread of their own.

use std::{
    collections::VecDeque,
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::{Duration, Instant},
};

use super::listener::Inside;
use crate::sys::{
    lock::{Condvar, Mutex},
    thread,
};

/// How long the thread stays when there is nothing to call: making one for each function would cost more than most of them.
const LINGERS: Duration = Duration::from_secs(5);

type Function = Box<dyn FnOnce() + Send>;

/// The functions of one handle that wait for their turn.
#[derive(Default)]
pub(crate) struct Dispatcher {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Function>,
    has_thread: bool,
    /// The thread sleeps.
    is_idle: bool,
    closed: bool,
}

impl Dispatcher {
    /// Starts the thread if it does not run, so that a caller learns in time that there is none to be had.
    pub(crate) fn ensure_thread(self: &Arc<Self>) -> io::Result<()> {
        self.ensure_thread_of(&mut self.state.lock())
    }

    fn ensure_thread_of(self: &Arc<Self>, state: &mut State) -> io::Result<()> {
        if !state.has_thread {
            let own = self.clone();
            thread::spawn_joined("nacos-complete", move || own.run())?;
            state.has_thread = true;
        }
        Ok(())
    }

    /// Calls `function` after those that wait. Where no thread is to be had any more, at once.
    pub(crate) fn dispatch(self: &Arc<Self>, function: Function) {
        let mut state = self.state.lock();
        // Under one lock with what follows: a thread that finds nothing to do ends.
        if self.ensure_thread_of(&mut state).is_err() {
            drop(state);
            return call(function);
        }
        state.waiting.push_back(function);
        let wakes = state.is_idle;
        drop(state);
        if wakes {
            self.changed.notify_all();
        }
    }

    /// From now on the thread ends as soon as nothing waits.
    pub(crate) fn close(&self) {
        self.state.lock().closed = true;
        self.changed.notify_all();
    }

    fn run(&self) {
        while let Some(function) = self.next() {
            call(function);
        }
    }

    fn next(&self) -> Option<Function> {
        let until = Instant::now() + LINGERS;
        let mut state = self.state.lock();
        loop {
            if let Some(function) = state.waiting.pop_front() {
                return Some(function);
            }
            if state.closed || Instant::now() >= until {
                state.has_thread = false;
                return None;
            }
            state.is_idle = true;
            let woken = self.changed.wait_until(state, until);
            state = woken.unwrap_or_else(|| self.state.lock());
            state.is_idle = false;
        }
    }
}

fn call(function: Function) {
    let _inside = Inside::new();
    // A panic in there is the caller's, and has nobody to be told to.
    let _ = catch_unwind(AssertUnwindSafe(function));
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;
    use crate::observe::is_inside;

    #[test]
    fn functions_run_in_turn_on_one_thread_and_a_panic_ends_none_but_its_own() {
        let (dispatcher, (tell, told)) = (Arc::new(Dispatcher::default()), mpsc::channel());
        let quiet = std::panic::take_hook();
        std::panic::set_hook(Box::new(|_| {}));
        dispatcher.dispatch(Box::new(|| panic!("the test wants it")));
        for number in 0..100 {
            let tell = tell.clone();
            dispatcher.dispatch(Box::new(move || {
                tell.send((number, std::thread::current().id(), is_inside())).unwrap();
            }));
        }
        let all: Vec<_> = (0..100).map(|_| told.recv_timeout(Duration::from_secs(60)).unwrap()).collect();
        std::panic::set_hook(quiet);
        assert!(
            all.iter().enumerate().all(|(i, (number, thread, inside))| i == *number && *thread == all[0].1 && *inside)
        );
        assert_ne!(all[0].1, std::thread::current().id());
    }

    #[test]
    fn none_is_lost_while_the_thread_ends() {
        for round in 0..5_000 {
            let (dispatcher, (tell, told)) = (Arc::new(Dispatcher::default()), mpsc::channel());
            dispatcher.ensure_thread().unwrap();
            dispatcher.close();
            (0..round % 500).for_each(|_| std::hint::spin_loop());
            for _ in 0..4 {
                let tell = tell.clone();
                dispatcher.dispatch(Box::new(move || tell.send(()).unwrap()));
            }
            for _ in 0..4 {
                told.recv_timeout(Duration::from_secs(10)).unwrap();
            }
        }
    }

    #[test]
    fn a_closed_one_ends_its_thread_when_nothing_waits() {
        let dispatcher = Arc::new(Dispatcher::default());
        let (tell, told) = mpsc::channel();
        dispatcher.dispatch(Box::new(move || tell.send(()).unwrap()));
        dispatcher.close();
        told.recv_timeout(Duration::from_secs(60)).unwrap();
        let until = Instant::now() + Duration::from_secs(60);
        while dispatcher.state.lock().has_thread {
            assert!(Instant::now() < until);
            std::thread::yield_now();
        }
    }
}
