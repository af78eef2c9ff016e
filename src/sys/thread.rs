//! Threads of the library's own.

use std::{
    io, mem,
    os::unix::thread::JoinHandleExt,
    ptr,
    sync::Arc,
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use super::{
    lock::{Condvar, Mutex},
    per_process::PerProcess,
};

/// Enough for a TLS handshake and for name services loaded by the C library. Given explicitly: otherwise the standard library
/// looks for it in the environment.
const STACK: usize = 1 << 20;

/// How long the beginning of a thread is waited for: a busy machine needs some milliseconds.
const LONGEST_START: Duration = Duration::from_millis(500);

/// How long [`join`] waits. Threads that it is for need less than a millisecond, on a busy machine some.
const PATIENCE: Duration = Duration::from_millis(100);
/// How often it looks, from the first time to the last.
const BETWEEN_LOOKS: [Duration; 2] = [Duration::from_micros(20), Duration::from_millis(2)];

/// The threads started with [`spawn_joined`] that have not been joined.
static JOINED: PerProcess<Mutex<Vec<JoinHandle<()>>>> = PerProcess::new();

/// Starts a thread on which no signal of the program lands: all of them are blocked for its whole life. Nobody waits for its
/// end: it may hang.
pub(crate) fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<()> {
    start(name, run).map(drop)
}

/// What a thread tells when it begins to run. It cannot while the one that has started it loads or unloads a library, for a
/// static object of which it may well be working.
pub(crate) struct Begun<T> {
    told: Mutex<Option<T>>,
    changed: Condvar,
}

impl<T: Clone> Begun<T> {
    pub(crate) fn new() -> Self {
        Self { told: Mutex::new(None), changed: Condvar::default() }
    }

    pub(crate) fn tell(&self, value: T) {
        *self.told.lock() = Some(value);
        self.changed.notify_one();
    }

    /// What it has told, by now.
    pub(crate) fn told(&self) -> Option<T> {
        self.told_by(Instant::now())
    }

    /// The same, waiting for it as long as threads need to begin.
    pub(crate) fn wait(&self) -> Option<T> {
        self.told_by(Instant::now() + LONGEST_START)
    }

    fn told_by(&self, until: Instant) -> Option<T> {
        let mut told = self.told.lock();
        while told.is_none() {
            told = self.changed.wait_until(told, until)?;
        }
        told.clone()
    }
}

/// Runs `work` on a thread as of [`spawn`]; in this one where none is to be had. With `waits`, for a caller that has nothing to do
/// meanwhile, also where it does not begin.
pub(crate) fn run_apart(name: &str, waits: bool, work: impl FnOnce() + Send + 'static) {
    let left = Arc::new((Mutex::new(Some(work)), Begun::new()));
    let theirs = left.clone();
    let spawned = spawn(name, move || {
        let work = theirs.0.lock().take();
        theirs.1.tell(());
        work.into_iter().for_each(|work| work());
    });
    if spawned.is_err() || waits && left.1.wait().is_none() {
        let work = left.0.lock().take();
        work.into_iter().for_each(|work| work());
    }
}

/// As [`spawn`], for one that ends by itself soon when it is not needed any more: [`join`] waits for it.
pub(crate) fn spawn_joined(name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let mut joined = JOINED.get(|_| Mutex::default()).lock();
    joined.retain(|thread| !thread.is_finished());
    joined.push(start(name, run)?);
    Ok(())
}

/// Waits until the threads started with [`spawn_joined`] have ended, while `wanted`, and not long: what is left of them then
/// ends by itself.
pub(crate) fn join(wanted: impl Fn() -> bool) {
    let joined = JOINED.get(|_| Mutex::default());
    let until = Instant::now() + PATIENCE;
    let mut pause = BETWEEN_LOOKS[0];
    while wanted() {
        let mut threads = mem::take(&mut *joined.lock());
        threads.extract_if(.., has_ended).for_each(drop_ended);
        let now = Instant::now();
        if threads.is_empty() || now >= until {
            break;
        }
        joined.lock().append(&mut threads);
        thread::sleep(pause.min(until - now));
        pause = (pause * 2).min(BETWEEN_LOOKS[1]);
    }
}

/// Whether a thread is gone, and joined. One that has finished may still be in destructors of the program's, which take their
/// time, or wait for whoever asks here; this may even be that thread.
#[cfg(target_os = "linux")]
fn has_ended(thread: &mut JoinHandle<()>) -> bool {
    // SAFETY: it has been neither joined nor detached, since its handle is there.
    thread.is_finished() && unsafe { libc::pthread_tryjoin_np(thread.as_pthread_t(), ptr::null_mut()) } == 0
}

#[cfg(target_os = "linux")]
fn drop_ended(thread: JoinHandle<()>) {
    // It is joined: dropping the handle would detach what is not there any more.
    _ = thread.into_pthread_t();
}

#[cfg(not(target_os = "linux"))]
fn has_ended(thread: &mut JoinHandle<()>) -> bool {
    thread.is_finished()
}

#[cfg(not(target_os = "linux"))]
fn drop_ended(thread: JoinHandle<()>) {
    _ = thread.join();
}

fn start(name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    let builder = thread::Builder::new().name(name.into()).stack_size(STACK + taken_by_c_library());
    with_signals_blocked(|| builder.spawn(run))
}

/// How much of a new thread's stack the GNU C library takes for itself: all thread-local variables of the program and of its
/// libraries lie there, which may be megabytes.
fn taken_by_c_library() -> usize {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    {
        type MinStack = unsafe extern "C" fn(*const libc::pthread_attr_t) -> usize;
        // SAFETY: the function is looked for as the standard library does, which has its type from glibc; the attributes are
        // plain memory that the C library fills.
        unsafe {
            let found = libc::dlsym(libc::RTLD_DEFAULT, c"__pthread_get_minstack".as_ptr());
            if !found.is_null() {
                let min_stack = mem::transmute::<*mut libc::c_void, MinStack>(found);
                let mut attributes = mem::zeroed();
                if libc::pthread_attr_init(&mut attributes) == 0 {
                    let taken = min_stack(&attributes);
                    libc::pthread_attr_destroy(&mut attributes);
                    return taken;
                }
            }
        }
    }
    0
}

/// Runs `f` with every signal blocked in this thread; a thread started meanwhile keeps them blocked.
fn with_signals_blocked<T>(f: impl FnOnce() -> T) -> T {
    // SAFETY: both sets are plain memory that the calls fill; only this thread's mask changes, and changes back.
    unsafe {
        let (mut all, mut before) = (std::mem::zeroed(), std::mem::zeroed());
        libc::sigfillset(&mut all);
        libc::pthread_sigmask(libc::SIG_SETMASK, &all, &mut before);
        let result = f();
        libc::pthread_sigmask(libc::SIG_SETMASK, &before, std::ptr::null_mut());
        result
    }
}
