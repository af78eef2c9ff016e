//! Where completions wait until the caller's own loop takes them.

use std::{
    collections::VecDeque,
    ffi::c_void,
    io,
    mem::offset_of,
    ptr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use super::{
    boundary::{Output, borrow, guard, guard_blocking, write},
    error::{Failure, nacos_error},
    operation::nacos_completion,
    pointer::{borrow_or, contain, give, release},
    request::nacos_response,
    status::{NACOS_INTERNAL, NACOS_OK, NACOS_WOULD_BLOCK, nacos_status},
    token::nacos_token,
};
use crate::{
    Cancel, Cause,
    client::Slot,
    sys::{
        descriptor::{Event, is_exhausted},
        lock::Mutex,
        per_process::PerProcess,
    },
};

/// The size of a nacos_completion in the first version that had one: everything in there has an owner.
const FIRST_SIZE: usize = offset_of!(nacos_completion, reserved0) + size_of::<i32>();

/// Where operations that have ended wait to be taken, for a loop that polls descriptors. Thread-safe, owned by the caller, freed
/// with nacos_queue_free.
pub struct nacos_queue(Arc<Queue>);

/// What both the caller and the operations have of it.
pub(super) struct Queue {
    entries: PerProcess<Entries>,
    /// Ends every operation whose completion would come here.
    freed: Cancel,
    is_freed: AtomicBool,
}

struct Entries {
    arrived: Mutex<Arrived>,
    /// What is being taken, in an order of its own, so that those who take seldom meet those who put. Locked before `arrived`.
    taken: Mutex<VecDeque<Completion>>,
}

impl Entries {
    fn new(event: Option<Event>) -> Self {
        let arrived = Arrived { completions: VecDeque::new(), event, is_told: false };
        Self { arrived: Mutex::new(arrived), taken: Mutex::default() }
    }
}

struct Arrived {
    completions: VecDeque<Completion>,
    /// Readable as long as something waits here or in `taken`. `None` once the queue is freed, whoever still has it, and where no
    /// descriptor was to be had after a fork.
    event: Option<Event>,
    /// The event is set.
    is_told: bool,
}

/// What an operation brought.
pub(super) enum Outcome {
    Response(Box<nacos_response>),
    Token(Box<nacos_token>),
    Error(Failure),
}

/// The end of an operation, until somebody takes it.
pub(super) struct Completion {
    pub(super) data: *mut c_void,
    pub(super) outcome: Outcome,
    pub(super) _slot: Option<Slot>,
}

// The header says that an operation may be completed on any thread, with the data that it was given.
unsafe impl Send for Completion {}

impl Completion {
    /// As C gets it: from now on it owns what is in there.
    pub(super) fn into_c(self) -> nacos_completion {
        let Self { data, outcome, .. } = self;
        let (mut response, mut token, mut error, mut status) =
            (ptr::null_mut(), ptr::null_mut(), ptr::null_mut(), NACOS_OK);
        match outcome {
            Outcome::Response(answer) => response = Box::into_raw(answer),
            Outcome::Token(found) => token = Box::into_raw(found),
            Outcome::Error(failure) => {
                status = failure.status();
                error = Box::into_raw(failure);
            }
        }
        let struct_size = size_of::<nacos_completion>();
        nacos_completion { struct_size, data, response, token, error, status, reserved0: 0 }
    }
}

impl nacos_queue {
    pub(super) fn queue(&self) -> &Arc<Queue> {
        &self.0
    }
}

impl Queue {
    /// Here, or in the child of a fork: nothing waits there.
    fn entries(&self) -> &Entries {
        self.entries.get(|_| Entries::new(Event::new().ok()))
    }

    fn fd(&self) -> Option<i32> {
        self.entries().arrived.lock().event.as_ref().map(Event::fd)
    }

    /// Ends the operations whose completions would come here.
    pub(super) fn freed(&self) -> &Cancel {
        &self.freed
    }

    pub(super) fn push(&self, completion: Completion) {
        let entries = self.entries();
        let mut arrived = entries.arrived.lock();
        if self.is_freed.load(Ordering::SeqCst) {
            drop(arrived);
            drop(completion);
            return;
        }
        arrived.completions.push_back(completion);
        if !arrived.is_told {
            arrived.is_told = true;
            arrived.event.iter().for_each(Event::set);
        }
    }

    fn next(&self) -> Option<Completion> {
        let entries = self.entries();
        let mut taken = entries.taken.lock();
        let mut next = taken.pop_front();
        if taken.is_empty() {
            let mut arrived = entries.arrived.lock();
            std::mem::swap(&mut *taken, &mut arrived.completions);
            next = next.or_else(|| taken.pop_front());
            if taken.is_empty() && arrived.is_told {
                arrived.is_told = false;
                arrived.event.iter().for_each(Event::reset);
            }
        }
        next
    }

    fn free(&self) {
        let gone = {
            let entries = self.entries();
            let mut taken = entries.taken.lock();
            let mut arrived = entries.arrived.lock();
            self.is_freed.store(true, Ordering::SeqCst);
            (std::mem::take(&mut *taken), std::mem::take(&mut arrived.completions), arrived.event.take())
        };
        self.freed.trigger();
        drop(gone); // under no lock
    }
}

fn no_queue(e: &io::Error) -> Failure {
    if is_exhausted(e) {
        let message = "no queue: this process has no descriptors left";
        return nacos_error::new(NACOS_INTERNAL, message).because(Cause::NoDescriptors);
    }
    nacos_error::new(NACOS_INTERNAL, format!("no queue: no descriptor to be had: {e}"))
}

/// A new queue, with a descriptor of its own. Operations of any number of handles may complete to it. Fails with NACOS_INTERNAL
/// if there is none to be had, or an argument error; then `*queue` is NULL. Any thread.
///
/// # Safety
/// `queue` is valid; `error` may be NULL.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn nacos_queue_new(queue: *mut *mut nacos_queue, error: *mut *mut nacos_error) -> nacos_status {
    unsafe {
        guard_blocking(error, || {
            write("queue", queue, ptr::null_mut())?;
            let mut event = Some(Event::new().map_err(|e| no_queue(&e))?);
            let made = Queue { entries: PerProcess::new(), freed: Cancel::new(), is_freed: AtomicBool::new(false) };
            made.entries.get(|_| Entries::new(event.take()));
            write("queue", queue, give(nacos_queue(Arc::new(made))))
        })
    }
}

/// A descriptor that is readable as long as a completion waits, for poll, epoll (level or edge triggered), kqueue and what is made of
/// them. It is the queue's own: do not read, write or close it. In the child of a fork the queue is empty and has another one.
/// -1 for NULL, and in the child of a fork that has no descriptors left. Any thread.
///
/// # Safety
/// `queue` is NULL or has not been freed.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn nacos_queue_fd(queue: *const nacos_queue) -> i32 {
    contain(-1, || unsafe { borrow_or(queue, -1, |q| q.0.fd().unwrap_or(-1)) })
}

/// Takes the completion that has waited longest: NACOS_OK, and the caller owns what is in `*completion`. NACOS_WOULD_BLOCK if
/// none waits. Never waits itself. Take until none is left when the descriptor is readable: an edge-triggered epoll tells of the
/// first one only. Any thread; of several that take, each gets others.
///
/// # Safety
/// `queue` and `completion` are valid; `error` may be NULL.
#[unsafe(no_mangle)]
#[must_use]
pub unsafe extern "C" fn nacos_queue_next(
    queue: *mut nacos_queue,
    completion: *mut nacos_completion,
    error: *mut *mut nacos_error,
) -> nacos_status {
    unsafe {
        guard(error, || {
            let output = Output::new("completion", completion)?.ok_or_else(|| nacos_error::null("completion"))?;
            output.check_room("completion", FIRST_SIZE)?;
            let next = borrow("queue", queue)?.0.next();
            let none = || nacos_error::new(NACOS_WOULD_BLOCK, "no operation has ended");
            output.set(next.ok_or_else(none)?.into_c());
            Ok(())
        })
    }
}

/// Frees a queue. Operations under way that would complete to it are cancelled, and no completion of theirs comes; what waits
/// in it is freed, and its descriptor closed. Does not wait for them. NULL is a no-op.
///
/// # Safety
/// `queue` is NULL or has not been freed, and no other thread is passing it to a function right now.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nacos_queue_free(queue: *mut nacos_queue) {
    let _blocks = crate::sys::cancellation::Disabled::new();
    contain((), || unsafe { borrow_or(queue, (), |q| q.0.free()) });
    unsafe { release(queue) }
}
