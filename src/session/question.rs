//! What may block for ever (a file, the caller's function), asked on a thread of its own, at most one question at a time.

use std::time::{Duration, Instant};

use crate::sys::lock::Mutex;
use crate::{
    sys::thread,
    wait::{Executor, Promise},
};

/// How long an answer is waited for. Longer than any file takes that answers at all.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Question<T>(Mutex<Option<(Instant, Promise<T>)>>);

/// What came of asking.
pub(crate) enum Asked<T> {
    Promised(Promise<T>),
    /// The last question has not been answered for so long.
    Hung(Duration),
}

impl<T> Default for Question<T> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<T: Clone + Send + 'static> Question<T> {
    /// Asks on behalf of a caller of this `executor`, or joins the question under way.
    pub(crate) fn ask(&self, executor: Executor, question: impl FnOnce() -> T + Send + 'static) -> Asked<T> {
        let promise = {
            let mut last = self.0.lock();
            if let Some((began, promise)) = &*last {
                // An answer that nobody waited for any more is as good as a new one.
                let hung = promise.value().is_none() && began.elapsed() > PATIENCE;
                return if hung { Asked::Hung(began.elapsed()) } else { Asked::Promised(promise.clone()) };
            }
            let promise = Promise::new();
            *last = Some((Instant::now(), promise.clone()));
            promise
        };
        let fulfils = promise.clone();
        thread::run_apart("nacos-callback", executor == Executor::Caller, move || fulfils.fulfil(question()));
        Asked::Promised(promise)
    }

    /// The answer has been used: the next question is a new one.
    pub(super) fn used(&self, promise: &Promise<T>) {
        let mut last = self.0.lock();
        if last.as_ref().is_some_and(|(_, other)| other.is_same(promise)) {
            *last = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    };

    use super::*;

    #[test]
    fn one_question_at_a_time_and_a_late_answer_is_used() {
        let (question, asked) = (Question::default(), Arc::new(AtomicU32::new(0)));
        let (release, held) = std::sync::mpsc::channel::<()>();
        let held = Arc::new(Mutex::new(held));
        let ask = || {
            let (asked, held) = (asked.clone(), held.clone());
            let work = move || {
                let _ = held.lock().recv();
                asked.fetch_add(1, Ordering::SeqCst)
            };
            match question.ask(Executor::Runtime, work) {
                Asked::Promised(promise) => promise,
                Asked::Hung(_) => panic!("hung"),
            }
        };
        let (first, second) = (ask(), ask());
        assert!(first.is_same(&second) && first.value().is_none());
        drop(release);
        let end = Instant::now() + Duration::from_secs(60);
        while first.value().is_none() {
            assert!(Instant::now() < end);
            std::thread::yield_now();
        }
        assert!(ask().is_same(&first), "a late answer is used");
        question.used(&first);
        assert!(!ask().is_same(&first));
    }
}
