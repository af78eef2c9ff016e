//! Waiting for descriptors, and one to wake those who wait.

use std::{
    io,
    os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd},
    thread,
    time::Duration,
};

/// How often it is looked for what nothing can wait for.
const BETWEEN_LOOKS: Duration = Duration::from_millis(5);

/// Readable once [`set`](Event::set), until [`reset`](Event::reset).
#[derive(Debug)]
pub(crate) struct Event {
    reader: OwnedFd,
    /// Where there is no eventfd, the other end of a pipe.
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    writer: OwnedFd,
}

impl Event {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub(crate) fn new() -> io::Result<Self> {
        // SAFETY: makes a descriptor, which is nobody else's.
        let fd = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC | libc::EFD_NONBLOCK) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: as above.
        Ok(Self { reader: unsafe { OwnedFd::from_raw_fd(fd) } })
    }

    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    pub(crate) fn new() -> io::Result<Self> {
        let mut ends = [0; 2];
        // SAFETY: fills two descriptors, which are nobody else's.
        unsafe {
            if libc::pipe(ends.as_mut_ptr()) != 0 {
                return Err(io::Error::last_os_error());
            }
            for fd in ends {
                libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC);
                libc::fcntl(fd, libc::F_SETFL, libc::O_NONBLOCK);
            }
            Ok(Self { reader: OwnedFd::from_raw_fd(ends[0]), writer: OwnedFd::from_raw_fd(ends[1]) })
        }
    }

    pub(crate) fn set(&self) {
        #[cfg(any(target_os = "linux", target_os = "android"))]
        let writer = &self.reader;
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        let writer = &self.writer;
        let one = 1u64.to_ne_bytes();
        // SAFETY: writes eight bytes that are there. It is no socket and its reader lives, so no signal comes of it.
        unsafe { libc::write(writer.as_raw_fd(), one.as_ptr().cast(), one.len()) };
    }

    /// Not readable any more.
    pub(crate) fn reset(&self) {
        let mut read = [0u8; 64];
        // SAFETY: reads at most as many bytes as there is room for. A pipe is set once at a time, so it holds no more.
        unsafe { libc::read(self.reader.as_raw_fd(), read.as_mut_ptr().cast(), read.len()) };
    }

    pub(crate) fn fd(&self) -> RawFd {
        self.reader.as_raw_fd()
    }
}

/// Waits until `fd` has one of `events` (POLLIN, POLLOUT), `other` is readable, a signal has been handled, or `timeout`
/// is over; whether it was `fd`.
pub(crate) fn poll(fd: RawFd, events: i16, other: Option<&Event>, timeout: Duration) -> bool {
    let mut fds = [
        libc::pollfd { fd, events, revents: 0 },
        libc::pollfd { fd: other.map_or(-1, Event::fd), events: libc::POLLIN, revents: 0 },
    ];
    // Rounded up: a wait that ends too early would be followed by another one of no length.
    let milliseconds = timeout.as_nanos().div_ceil(1_000_000).min(i32::MAX as u128) as i32;
    let count = if other.is_some() { 2 } else { 1 };
    // SAFETY: `fds` holds that many entries.
    let found = unsafe { libc::poll(fds.as_mut_ptr(), count, milliseconds) };
    if found < 0 && io::Error::last_os_error().kind() != io::ErrorKind::Interrupted {
        // It takes no more entries than this process may open descriptors, which may be none. Then who waits looks himself.
        thread::sleep(timeout.min(BETWEEN_LOOKS));
        return !timeout.is_zero();
    }
    fds[0].revents != 0
}

/// Whether this error says that the process or the machine has no descriptors left.
pub(crate) fn is_exhausted(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE))
}

/// How many descriptors this process may have open.
pub(crate) fn limit() -> u64 {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `limit` is valid to write to.
    unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) };
    limit.rlim_cur
}
