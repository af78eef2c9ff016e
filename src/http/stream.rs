//! What hyper reads from and writes to: a socket, plain or under TLS, that blocks nobody but the loop which asks for it.

use std::{
    future::Future,
    io::{self, IoSlice},
    os::fd::RawFd,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI16, AtomicI32, AtomicUsize, Ordering},
    },
    task::{Context, Poll, Wake},
    time::Duration,
};

use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::rt::TokioIo;
use tokio::{
    io::unix::AsyncFd,
    time::{Sleep, sleep},
};
use tokio_rustls::client::TlsStream;

use crate::{sys::socket::Socket, wait::Parker};

const NO_SOCKET: RawFd = -1;
/// How much is read in one round, before the call looks whether it is over. hyper goes on as long as there is something to
/// read, of which a server can send any amount that means nothing.
const ROUND: usize = 256 * 1024;
/// The same where others wait for their turn, for how long they get it.
const SHARED_ROUND: usize = 32 * 1024;
const REST: Duration = Duration::from_millis(1);

/// What a connection waits for, for the loop that polls it. Only one thread at a time uses a connection.
pub(super) struct Interest {
    fd: AtomicI32,
    events: AtomicI16,
    /// Whether a read may find something: not after one that found less than it had room for, until poll(2) says so.
    readable: AtomicBool,
    /// The next read waits for a moment if there is nothing yet.
    read_waits: AtomicBool,
    /// How much has been read in this round.
    read: AtomicUsize,
    /// How much has been received since the last request.
    received: AtomicUsize,
    /// How much the answer to it may have.
    allowed: AtomicUsize,
    /// Woken when something else than the socket lets the connection go on.
    parker: Arc<Parker>,
}

impl Interest {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            fd: AtomicI32::new(NO_SOCKET),
            events: AtomicI16::new(0),
            readable: AtomicBool::new(true),
            read_waits: AtomicBool::new(false),
            read: AtomicUsize::new(0),
            received: AtomicUsize::new(0),
            allowed: AtomicUsize::new(0),
            parker: Parker::new(),
        })
    }

    /// Begins a round: forgets what was waited for.
    pub(super) fn clear(&self) {
        self.events.store(0, Ordering::Relaxed);
        self.read_waits.store(false, Ordering::Relaxed);
        self.read.store(0, Ordering::Relaxed);
    }

    /// The socket and the poll(2) events that would let it go on; `None` if there is no socket.
    pub(super) fn wanted(&self) -> Option<(RawFd, i16)> {
        let fd = self.fd.load(Ordering::Relaxed);
        let events = self.events.load(Ordering::Relaxed);
        (fd != NO_SOCKET).then_some((fd, if events == 0 { libc::POLLIN } else { events }))
    }

    /// Something has happened on the socket, or may have.
    pub(super) fn set_ready(&self) {
        self.readable.store(true, Ordering::Relaxed);
    }

    /// Whether a read that waits would do: nothing else is waited for, and the last one that was to wait has been made.
    pub(super) fn may_wait_in_read(&self) -> bool {
        self.events.load(Ordering::Relaxed) == libc::POLLIN && !self.read_waits.load(Ordering::Relaxed)
    }

    /// The next read of this round waits.
    pub(super) fn wait_in_read(&self) {
        self.read_waits.store(true, Ordering::Relaxed);
    }

    fn takes_wait(&self) -> bool {
        self.read_waits.load(Ordering::Relaxed) && self.read_waits.swap(false, Ordering::Relaxed)
    }

    pub(super) fn parker(&self) -> &Arc<Parker> {
        &self.parker
    }

    /// Nothing has been received yet of an answer that may have `largest` bytes.
    pub(super) fn begin_request(&self, largest: usize) {
        self.received.store(0, Ordering::Relaxed);
        self.allowed.store(largest, Ordering::Relaxed);
    }

    pub(super) fn has_received(&self) -> bool {
        self.received.load(Ordering::Relaxed) > 0
    }

    fn note_received(&self, bytes: usize) {
        self.received.fetch_add(bytes, Ordering::Relaxed);
    }

    /// More has been received than the answer may have: what comes means nothing.
    fn is_flooded(&self) -> bool {
        self.received.load(Ordering::Relaxed) > self.allowed.load(Ordering::Relaxed)
    }

    fn wait_for<T>(&self, event: i16) -> Poll<T> {
        self.events.fetch_or(event, Ordering::Relaxed);
        Poll::Pending
    }
}

/// A socket, and where it says what it waits for.
pub(super) struct Tcp {
    socket: Arc<Socket>,
    interest: Arc<Interest>,
}

impl Tcp {
    pub(super) fn new(socket: Arc<Socket>, interest: &Arc<Interest>) -> Self {
        interest.fd.store(socket.fd(), Ordering::Relaxed);
        interest.set_ready();
        Self { socket, interest: interest.clone() }
    }

    /// Waits until connecting has ended, well or not.
    pub(super) fn poll_connected(&self) -> Poll<io::Result<()>> {
        if !crate::sys::descriptor::poll(self.socket.fd(), libc::POLLOUT, None, Duration::ZERO) {
            return self.interest.wait_for(libc::POLLOUT);
        }
        Poll::Ready(self.socket.connected())
    }

    fn outcome<T>(&self, result: io::Result<T>, event: i16) -> Poll<io::Result<T>> {
        match result {
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => self.interest.wait_for(event),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {
                // As good as not tried: the next wait will return at once.
                self.interest.wait_for(event)
            }
            other => Poll::Ready(other),
        }
    }
}

impl Drop for Tcp {
    fn drop(&mut self) {
        // Its number may be another file's soon.
        self.interest.fd.store(NO_SOCKET, Ordering::Relaxed);
    }
}

impl Read for Tcp {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, mut buffer: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        let waits = self.interest.takes_wait();
        if !waits && !self.interest.readable.load(Ordering::Relaxed) {
            return self.interest.wait_for(libc::POLLIN);
        }
        if self.interest.read.load(Ordering::Relaxed) >= ROUND {
            self.interest.parker.wake_by_ref();
            return Poll::Pending;
        }
        match self.outcome(self.socket.receive(&mut buffer, waits), libc::POLLIN) {
            Poll::Ready(Ok((n, filled))) => {
                if n > 0 {
                    self.interest.note_received(n);
                    self.interest.read.fetch_add(n, Ordering::Relaxed);
                    self.interest.readable.store(filled, Ordering::Relaxed);
                }
                Poll::Ready(Ok(()))
            }
            Poll::Ready(Err(e)) => Poll::Ready(Err(e)),
            Poll::Pending => {
                self.interest.readable.store(false, Ordering::Relaxed);
                Poll::Pending
            }
        }
    }
}

impl Write for Tcp {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.outcome(self.socket.send(bytes), libc::POLLOUT)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.outcome(self.socket.send_vectored(slices), libc::POLLOUT)
    }
}

/// A socket of a runtime, whose thread is others' too: after each [`SHARED_ROUND`] that comes without a break they have their
/// turn, and it rests if what comes means nothing.
pub(super) struct Shared {
    socket: AsyncFd<Arc<Socket>>,
    interest: Arc<Interest>,
    /// How much has been read in this round.
    read: usize,
    rest: Option<Pin<Box<Sleep>>>,
}

impl Shared {
    /// To be called, like everything here, inside the runtime.
    pub(super) fn new(socket: Arc<Socket>, interest: &Arc<Interest>) -> io::Result<Self> {
        Ok(Self { socket: socket.register()?, interest: interest.clone(), read: 0, rest: None })
    }

    /// Waits until connecting has ended, well or not.
    pub(super) async fn connected(&self) -> io::Result<()> {
        self.socket.writable().await?.retain_ready();
        self.socket.get_ref().connected()
    }

    fn poll_send(&self, cx: &mut Context<'_>, send: impl Fn(&Socket) -> io::Result<usize>) -> Poll<io::Result<usize>> {
        loop {
            let mut ready = std::task::ready!(self.socket.poll_write_ready(cx))?;
            match send(self.socket.get_ref()) {
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => ready.clear_ready(),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                done => return Poll::Ready(done),
            }
        }
    }
}

impl Read for Shared {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut cursor: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let Self { socket, interest, read, rest } = &mut *self;
        if *read >= SHARED_ROUND {
            *read = 0;
            if !interest.is_flooded() {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            *rest = Some(Box::pin(sleep(REST)));
        }
        if let Some(resting) = rest {
            std::task::ready!(resting.as_mut().poll(cx));
            *rest = None;
        }
        loop {
            let Poll::Ready(ready) = socket.poll_read_ready(cx)? else {
                *read = 0;
                return Poll::Pending;
            };
            let mut ready = ready;
            match socket.get_ref().receive(&mut cursor, false) {
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => ready.clear_ready(),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Poll::Ready(Err(e)),
                Ok((n, filled)) => {
                    if n > 0 && !filled {
                        // There was no more, and what comes later is told anew.
                        ready.clear_ready();
                    }
                    *read += n;
                    interest.note_received(n);
                    return Poll::Ready(Ok(()));
                }
            }
        }
    }
}

impl Write for Shared {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_send(cx, |socket| socket.send(bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    // A handshake goes out at once: its first record alone may make the server hang up before it has said why.
    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_send(cx, |socket| socket.send_vectored(slices))
    }
}

/// What a connection runs over: TCP, TLS over TCP, or TLS over a TLS connection to a proxy.
pub(super) enum Stream {
    Tcp(Tcp),
    Shared(Shared),
    Tls(Box<TokioIo<TlsStream<TokioIo<Stream>>>>),
}

macro_rules! delegate {
    ($self:ident, $stream:ident => $call:expr) => {
        match $self.get_mut() {
            Stream::Tcp($stream) => {
                let $stream = Pin::new($stream);
                $call
            }
            Stream::Shared($stream) => {
                let $stream = Pin::new($stream);
                $call
            }
            Stream::Tls($stream) => {
                let $stream = Pin::new(&mut **$stream);
                $call
            }
        }
    };
}

impl Read for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        delegate!(self, stream => stream.poll_read(cx, buffer))
    }
}

impl Write for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        delegate!(self, stream => stream.poll_write(cx, bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        delegate!(self, stream => stream.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        delegate!(self, stream => stream.poll_shutdown(cx))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        delegate!(self, stream => stream.poll_write_vectored(cx, slices))
    }
}
