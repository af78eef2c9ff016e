//! Operations among the calls: each that has started is told of once, where it was to be, and none that has not.

use std::{
    ffi::{CStr, c_void},
    ptr,
    sync::atomic::{AtomicI32, AtomicU32, Ordering},
    time::{Duration, Instant},
};

use nacos_auth::Cause;

use crate::{
    abi::{self, CANCELLED, OK, Status, WOULD_BLOCK},
    call::checked,
};

/// How many operations a handle may have under way.
pub const MOST: u64 = 3;
const QUEUES: usize = 2;
/// Whatever happens, all is over by then.
const PATIENCE: Duration = Duration::from_secs(15);

/// What happens to one, and to the queues.
pub struct Operations {
    queues: [Queue; QUEUES],
    queues_made: u32,
    started: Vec<Started>,
}

struct Queue {
    pointer: *mut c_void,
    number: u32,
}

struct Started {
    end: Box<End>,
    /// NULL once it has been freed.
    operation: *mut c_void,
    /// The number of its handle.
    handle: u64,
    may_be_cancelled: bool,
    /// Its queue was freed when it had been told of so many times.
    given_up: Option<u32>,
}

/// What its completion leads to.
struct End {
    /// The number of its queue; 0: its callback is called.
    queue: u32,
    times: AtomicU32,
    status: AtomicI32,
}

impl End {
    fn times(&self) -> u32 {
        self.times.load(Ordering::SeqCst)
    }
}

/// What a program may do with operations: the call, of which handle, and how.
pub struct Call {
    pub auth: *mut c_void,
    pub handle: u64,
    pub timeout_ms: u64,
    pub how: u8,
    pub cancel: *mut c_void,
}

impl Default for Operations {
    fn default() -> Self {
        let mut operations = Self {
            queues: std::array::from_fn(|_| Queue { pointer: ptr::null_mut(), number: 0 }),
            queues_made: 0,
            started: Vec::new(),
        };
        (0..QUEUES).for_each(|at| operations.make_queue(at));
        operations
    }
}

impl Operations {
    fn make_queue(&mut self, at: usize) {
        let mut queue = ptr::null_mut();
        assert_eq!(checked(&[], |error| unsafe { abi::nacos_queue_new(&mut queue, error) }), OK);
        assert!(unsafe { abi::nacos_queue_fd(queue) } >= 0);
        self.queues_made += 1;
        self.queues[at] = Queue { pointer: queue, number: self.queues_made };
    }

    pub fn start_request(&mut self, call: &Call) -> Status {
        let body = vec![b'b'; usize::from(call.how) * 64];
        let pair: [u64; 5] = [c"dataId".as_ptr() as u64, c"value".as_ptr() as u64, 0, 3, 1];
        let mut options = [0u64; 13];
        options[0] = 104;
        options[1] = if call.how & 0x10 == 0 { c"GET".as_ptr() } else { c"POST".as_ptr() } as u64;
        options[2] = c"/v1/cs/configs".as_ptr() as u64;
        (options[3], options[4]) = (pair.as_ptr() as u64, 1);
        (options[9], options[10]) = (body.as_ptr() as u64, body.len() as u64);
        options[11] = call.cancel as u64;
        // Not to wait, and not to repeat.
        options[12] = call.timeout_ms | (u64::from(call.how >> 3 & 3) << 32);
        self.start(call, |start, operation, error| unsafe {
            abi::nacos_request_start(call.auth, options.as_ptr(), start, operation, error)
        })
    }

    pub fn start_token(&mut self, call: &Call) -> Status {
        let options = [24, call.cancel as u64, call.timeout_ms | (u64::from(call.how >> 3 & 1) << 32)];
        self.start(call, |start, operation, error| unsafe {
            abi::nacos_token_start(call.auth, options.as_ptr(), start, operation, error)
        })
    }

    fn start(
        &mut self,
        call: &Call,
        start: impl FnOnce(*const u64, *mut *mut c_void, *mut *mut c_void) -> Status,
    ) -> Status {
        let queue = (call.how & 4 == 0).then(|| &self.queues[usize::from(call.how & 1)]);
        let number = queue.map_or(0, |queue| queue.number);
        let end = Box::new(End { queue: number, times: AtomicU32::new(0), status: AtomicI32::new(0) });
        let function: abi::OnComplete = ended;
        // struct_size, data, queue and on_complete.
        let words = [
            32,
            ptr::from_ref::<End>(&end) as u64,
            queue.map_or(0, |queue| queue.pointer as u64),
            if queue.is_some() { 0 } else { function as usize as u64 },
        ];
        let waiting =
            |s: &&Started| s.handle == call.handle && s.end.queue != 0 && s.given_up.is_none() && s.end.times() == 0;
        let waiting = self.started.iter().filter(waiting).count() as u64;
        let begun = self.started.iter().filter(|s| s.handle == call.handle).count() as u64;
        let mut operation = ptr::dangling_mut::<u64>().cast::<c_void>();
        let place = if call.how & 0x80 == 0 { &raw mut operation } else { ptr::null_mut() };
        let status = checked(&[], |error| start(words.as_ptr(), place, error));
        match status {
            OK => assert!(waiting < MOST, "{waiting} wait to be taken"),
            WOULD_BLOCK => assert!(begun >= MOST, "no more than {begun} have begun"),
            _ => {}
        }
        if place.is_null() || status != OK {
            assert!(place.is_null() || operation.is_null());
            operation = ptr::null_mut();
        }
        if status == OK {
            let may_be_cancelled = !call.cancel.is_null();
            self.started.push(Started { end, operation, handle: call.handle, may_be_cancelled, given_up: None });
        }
        status
    }

    fn chosen(&mut self, how: u8) -> Option<&mut Started> {
        let count = self.started.len();
        (count > 0).then(|| &mut self.started[usize::from(how) % count])
    }

    pub fn cancel(&mut self, how: u8) {
        if let Some(started) = self.chosen(how).filter(|started| !started.operation.is_null()) {
            started.may_be_cancelled = true;
            unsafe { abi::nacos_operation_cancel(started.operation) };
        }
    }

    pub fn free(&mut self, how: u8) {
        if let Some(started) = self.chosen(how) {
            unsafe { abi::nacos_operation_free(started.operation) };
            started.operation = ptr::null_mut();
        }
    }

    /// Takes one, if one waits: it is one of this queue's. What is readable has something to take.
    pub fn take(&mut self, how: u8) -> bool {
        let queue = &self.queues[usize::from(how) % QUEUES];
        let readable = is_readable(unsafe { abi::nacos_queue_fd(queue.pointer) }, if how & 0x20 == 0 { 0 } else { 5 });
        let mut completion = [u64::MAX; 6];
        completion[0] = 48;
        let status =
            checked(&[], |error| unsafe { abi::nacos_queue_next(queue.pointer, completion.as_mut_ptr(), error) });
        if status != OK {
            assert_eq!(status, WOULD_BLOCK);
            assert!(!readable, "nothing waits in a queue that is readable");
            assert!(completion[1..].iter().all(|word| *word == 0));
            return false;
        }
        let end = completion[1] as *const End;
        assert!(self.started.iter().any(|started| ptr::eq(&raw const *started.end, end)), "of nobody");
        assert_eq!(unsafe { &*end }.queue, queue.number, "of another queue");
        end_of(&completion);
        true
    }

    pub fn free_queue(&mut self, how: u8) {
        let at = usize::from(how) % QUEUES;
        self.give_up(at);
        self.make_queue(at);
    }

    fn give_up(&mut self, at: usize) {
        let Queue { pointer, number } = self.queues[at];
        unsafe { abi::nacos_queue_free(pointer) };
        for started in self.started.iter_mut().filter(|started| started.end.queue == number) {
            started.given_up = Some(started.end.times());
        }
    }

    /// All handles are gone: so are their operations, soon.
    pub fn finish(mut self) {
        let until = Instant::now() + PATIENCE;
        let is_over = |started: &Started| started.given_up.is_some() || started.end.times() > 0;
        while !self.started.iter().all(is_over) {
            assert!(Instant::now() < until, "an operation is not told of");
            if (0..QUEUES as u8).all(|at| !self.take(at | 0x20)) {
                std::thread::sleep(Duration::from_micros(200));
            }
        }
        assert!((0..QUEUES as u8).all(|at| !self.take(at)), "one is told of once more");
        (0..QUEUES).for_each(|at| self.give_up(at));
        for started in &self.started {
            let (times, status) = (started.end.times(), started.end.status.load(Ordering::SeqCst));
            assert_eq!(started.given_up.unwrap_or(1), times);
            assert!(started.end.queue == 0 || times <= 1);
            assert!(status != CANCELLED || started.may_be_cancelled, "nobody has cancelled it");
            unsafe { abi::nacos_operation_cancel(started.operation) };
            unsafe { abi::nacos_operation_free(started.operation) };
        }
    }
}

unsafe extern "C" fn ended(data: *mut c_void, completion: *const u64) {
    let completion = unsafe { &*completion.cast::<[u64; 6]>() };
    assert_eq!((completion[0], completion[1]), (48, data as u64));
    end_of(completion);
}

/// What is in a completion fits together; lets go of it.
fn end_of(completion: &[u64; 6]) {
    let [_, data, response, token, error, status] = *completion;
    let (response, token, error) = (response as *mut c_void, token as *mut c_void, error as *mut c_void);
    let (status, reserved) = (status as u32 as i32, status >> 32);
    assert_eq!(reserved, 0);
    assert_eq!([response, token, error].iter().filter(|pointer| !pointer.is_null()).count(), 1);
    assert_eq!(status == OK, error.is_null());
    let name = unsafe { CStr::from_ptr(abi::nacos_status_name(status)) };
    assert!(name != c"UNKNOWN" && name != c"PANIC", "{status}");
    unsafe {
        if !response.is_null() {
            let mut length = 0;
            let body = abi::nacos_response_body(response, &mut length);
            std::hint::black_box(std::slice::from_raw_parts(body, length).to_vec());
            assert!((100..1000).contains(&abi::nacos_response_status(response)));
        }
        if !token.is_null() {
            let mut info = [0u64; 5];
            info[0] = 40;
            assert_eq!(abi::nacos_token_describe(token, info.as_mut_ptr(), ptr::null_mut()), OK);
            let text = CStr::from_ptr(abi::nacos_token_text(token)).to_bytes();
            assert!(text.len() as u64 == info[1] && !text.is_empty() && info[2] > 0);
            assert!(text.iter().all(u8::is_ascii_graphic));
        }
        if !error.is_null() {
            assert_eq!(abi::nacos_error_status(error), status);
            assert!(!CStr::from_ptr(abi::nacos_error_message(error)).is_empty());
            let cause = CStr::from_ptr(abi::nacos_error_cause(error)).to_str().expect("UTF-8");
            assert!(Cause::ALL.iter().any(|known| known.name() == cause), "{cause}");
        }
        abi::nacos_response_free(response);
        abi::nacos_token_free(token);
        abi::nacos_error_free(error);
        let end = &*(data as *const End);
        end.status.store(status, Ordering::SeqCst);
        assert_eq!(end.times.fetch_add(1, Ordering::SeqCst), 0, "told of twice");
    }
}

fn is_readable(fd: i32, timeout_ms: i32) -> bool {
    #[repr(C)]
    struct Polled {
        fd: i32,
        events: i16,
        revents: i16,
    }
    unsafe extern "C" {
        fn poll(polled: *mut Polled, count: u64, timeout_ms: i32) -> i32;
    }
    let mut polled = Polled { fd, events: 1, revents: 0 };
    unsafe { poll(&mut polled, 1, timeout_ms) == 1 }
}
