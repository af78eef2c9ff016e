//! A TCP socket that never raises SIGPIPE, and blocks only where it is asked to.

use std::{
    io::{self, IoSlice},
    net::SocketAddr,
    os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd},
    sync::Arc,
    time::Duration,
};

use hyper::rt::ReadBufCursor;
use socket2::{Domain, Protocol, Type};
use tokio::io::unix::AsyncFd;

/// `send` with this raises no signal when the peer has closed, and never waits. Other systems have a socket option for the first.
#[cfg(not(target_vendor = "apple"))]
const FLAGS: i32 = libc::MSG_NOSIGNAL | libc::MSG_DONTWAIT;
#[cfg(target_vendor = "apple")]
const FLAGS: i32 = libc::MSG_DONTWAIT;

pub(crate) struct Socket(socket2::Socket);

impl Socket {
    /// Begins to connect. The socket becomes writable when that has ended; see [`connected`](Self::connected).
    pub(crate) fn connect(to: SocketAddr) -> io::Result<Self> {
        // Closed on exec.
        let socket = socket2::Socket::new(Domain::for_address(to), Type::STREAM, Some(Protocol::TCP))?;
        socket.set_nonblocking(true)?;
        // What makes it faster is worth no connection: a sandbox may refuse all options of sockets.
        let _ = socket.set_tcp_nodelay(true);
        #[cfg(target_vendor = "apple")]
        socket.set_nosigpipe(true)?;
        match socket.connect(&to.into()) {
            Err(e) if e.raw_os_error() != Some(libc::EINPROGRESS) && e.kind() != io::ErrorKind::WouldBlock => Err(e),
            _ => Ok(Self(socket)),
        }
    }

    /// How connecting ended, once the socket is writable.
    pub(crate) fn connected(&self) -> io::Result<()> {
        self.0.take_error()?.map_or(Ok(()), Err)
    }

    /// Lets [`receive`](Self::receive) wait if it is told to, and no longer than `most`. Where this fails it never waits.
    pub(crate) fn let_receive_wait(&self, most: Duration) {
        if self.0.set_read_timeout(Some(most)).is_ok() {
            let _ = self.0.set_nonblocking(false);
        }
    }

    pub(crate) fn send(&self, bytes: &[u8]) -> io::Result<usize> {
        self.0.send_with_flags(bytes, FLAGS)
    }

    pub(crate) fn send_vectored(&self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        self.0.send_vectored_with_flags(slices, FLAGS)
    }

    /// Reads into `buffer`; how much, and whether that filled it. 0 is the end. With `waits` it waits until there is something.
    pub(crate) fn receive(&self, buffer: &mut ReadBufCursor<'_>, waits: bool) -> io::Result<(usize, bool)> {
        let flags = if waits { 0 } else { libc::MSG_DONTWAIT };
        // SAFETY: the room is only written to, and only what was written is counted as filled.
        unsafe {
            let room = buffer.as_mut();
            let size = room.len();
            let n = self.0.recv_with_flags(room, flags)?;
            buffer.advance(n);
            Ok((n, n == size))
        }
    }

    /// Whether the peer has closed. Reads nothing.
    pub(crate) fn is_closed_by_peer(&self) -> bool {
        #[cfg(any(target_os = "linux", target_os = "android"))]
        const CLOSED: i16 = libc::POLLRDHUP;
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        const CLOSED: i16 = 0; // POLLHUP and POLLERR are always told
        super::descriptor::poll(self.fd(), CLOSED, None, Duration::ZERO)
    }

    /// The same as the runtime knows it in which this is called.
    pub(crate) fn register(self: Arc<Self>) -> io::Result<AsyncFd<Arc<Self>>> {
        // SAFETY: a socket has one descriptor, which is closed when it is dropped, after it has been deregistered.
        unsafe { AsyncFd::register(self) }.map_err(Into::into)
    }

    pub(crate) fn fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl AsRawFd for Socket {
    fn as_raw_fd(&self) -> RawFd {
        self.fd()
    }
}
