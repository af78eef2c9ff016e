//! A timer by the clock of [`clock`](super::clock), which goes on while the machine sleeps.

use std::{
    io,
    os::fd::{AsRawFd, OwnedFd, RawFd},
    time::Duration,
};

use tokio::io::{Interest, unix::AsyncFd};

/// Readable once its time has come.
pub(crate) struct Timer(OwnedFd);

#[cfg(any(target_os = "linux", target_os = "android"))]
impl Timer {
    pub(crate) fn new() -> io::Result<Self> {
        use std::os::fd::FromRawFd;
        // SAFETY: makes a descriptor, which is nobody else's.
        let fd = unsafe { libc::timerfd_create(libc::CLOCK_BOOTTIME, libc::TFD_CLOEXEC | libc::TFD_NONBLOCK) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: as above.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    /// From now on only `at` counts. What has passed already counts as come.
    pub(crate) fn set(&self, at: Duration) -> io::Result<()> {
        // A time of nothing would stop it.
        let at = at.max(Duration::from_nanos(1));
        let mut time: libc::itimerspec = unsafe { std::mem::zeroed() }; // SAFETY: plain numbers
        time.it_value.tv_sec = at.as_secs().try_into().unwrap_or(libc::time_t::MAX);
        time.it_value.tv_nsec = at.subsec_nanos().into();
        // SAFETY: `time` is read only; the old time is not asked for.
        match unsafe { libc::timerfd_settime(self.as_raw_fd(), libc::TFD_TIMER_ABSTIME, &time, std::ptr::null_mut()) } {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    }

    /// `WouldBlock` unless its time has come since it was set.
    pub(crate) fn take(&self) -> io::Result<()> {
        let mut times = 0u64;
        // SAFETY: eight bytes are there to write to.
        match unsafe { libc::read(self.as_raw_fd(), (&raw mut times).cast(), size_of::<u64>()) } {
            8 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
impl Timer {
    pub(crate) fn new() -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(crate) fn set(&self, _: Duration) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(crate) fn take(&self) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

impl Timer {
    /// For the runtime of the caller to wait for.
    pub(crate) fn on_this_runtime(self) -> io::Result<AsyncFd<Self>> {
        // SAFETY: the descriptor is the timer's own, always the same one and open as long as there is a timer.
        Ok(unsafe { AsyncFd::register_with_interest(self, Interest::READABLE) }?)
    }
}

impl AsRawFd for Timer {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use crate::sys::{clock, descriptor::poll};

    #[test]
    fn it_comes_at_its_time_and_only_the_last_one_counts() {
        let timer = Timer::new().unwrap();
        let comes = |within| poll(timer.as_raw_fd(), libc::POLLIN, None, within);
        let (now, soon, long) = (clock::now(), Duration::from_millis(30), Duration::from_secs(60));
        timer.set(now + soon).unwrap();
        assert!(comes(long) && clock::now() >= now + soon);
        timer.take().unwrap();
        assert_eq!(timer.take().unwrap_err().kind(), io::ErrorKind::WouldBlock);
        for past in [Duration::ZERO, Duration::from_secs(1), now] {
            timer.set(past).unwrap();
            assert!(comes(long));
        }
        // Taken back before anybody looked.
        timer.set(clock::now() + long).unwrap();
        assert!(!comes(soon));
        assert_eq!(timer.take().unwrap_err().kind(), io::ErrorKind::WouldBlock);
        timer.set(Duration::MAX).unwrap();
        assert!(!comes(soon));
    }
}
