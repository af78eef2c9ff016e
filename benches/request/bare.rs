//! The HTTP engine by itself, to compare the library's own layers with: hyper's HTTP/1 connection, polled by the calling
//! thread over poll(2). One connection for each thread, kept alive. It does what no caller could do without: builds the URL
//! of each request, puts on the bearer header, keeps a deadline, can be interrupted, reads the whole body.

use std::{
    cell::Cell,
    future::Future,
    io,
    net::TcpStream,
    os::fd::{AsRawFd, FromRawFd, OwnedFd},
    pin::{Pin, pin},
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{HeaderValue, Request, header};
use http_body_util::{BodyExt, Empty};
use hyper::{
    client::conn::http1::{Builder, Connection, SendRequest},
    rt::{Read, ReadBufCursor, Write},
};
use url::{Position, Url};

const DEADLINE: Duration = Duration::from_secs(15);

/// A socket that does not block, for hyper; `wants` collects the events of poll(2) that would let it go on.
struct Socket {
    inner: TcpStream,
    wants: Rc<Cell<i16>>,
}

impl Socket {
    fn outcome(&self, result: isize, event: i16) -> Poll<io::Result<usize>> {
        if let Ok(n) = usize::try_from(result) {
            return Poll::Ready(Ok(n));
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::WouldBlock {
            return Poll::Ready(Err(error));
        }
        self.wants.set(self.wants.get() | event);
        Poll::Pending
    }
}

impl Read for Socket {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, mut to: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        // SAFETY: the kernel writes into memory that is there, and as many bytes are taken as it says it wrote.
        let room = unsafe { to.as_mut() };
        let n = unsafe { libc::recv(self.inner.as_raw_fd(), room.as_mut_ptr().cast(), room.len(), 0) };
        self.outcome(n, libc::POLLIN).map_ok(|n| unsafe { to.advance(n) })
    }
}

impl Write for Socket {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let (fd, flags) = (self.inner.as_raw_fd(), libc::MSG_NOSIGNAL);
        // SAFETY: the kernel reads bytes that are there.
        let n = unsafe { libc::send(fd, bytes.as_ptr().cast(), bytes.len(), flags) };
        self.outcome(n, libc::POLLOUT)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// Remembers that something was woken while it was polled.
#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Release);
    }
}

/// A connection and what it takes to use it.
pub(crate) struct Bare {
    fd: i32,
    interrupt: OwnedFd,
    wants: Rc<Cell<i16>>,
    sender: SendRequest<Empty<Bytes>>,
    connection: Pin<Box<Connection<Socket, Empty<Bytes>>>>,
    woken: Arc<Woken>,
    waker: Waker,
    base: Url,
    host: HeaderValue,
    bearer: HeaderValue,
}

impl Bare {
    pub(crate) fn new(address: &str, token: &str) -> Self {
        let inner = TcpStream::connect(address).unwrap();
        inner.set_nodelay(true).unwrap();
        inner.set_nonblocking(true).unwrap();
        let (fd, wants, woken) = (inner.as_raw_fd(), Rc::new(Cell::new(0)), Arc::<Woken>::default());
        let waker = Waker::from(woken.clone());
        // One send for each request, with MSG_NOSIGNAL, which writev has not.
        let mut builder = Builder::new();
        let handshake = pin!(builder.writev(false).handshake(Socket { inner, wants: wants.clone() }));
        let Poll::Ready(Ok((sender, connection))) = handshake.poll(&mut Context::from_waker(&waker)) else {
            panic!("an HTTP/1 handshake takes no IO");
        };
        // SAFETY: a call that takes no memory.
        let interrupt = unsafe { libc::eventfd(0, libc::EFD_CLOEXEC) };
        assert!(interrupt >= 0, "{}", io::Error::last_os_error());
        // SAFETY: a new descriptor that nobody else has.
        let interrupt = unsafe { OwnedFd::from_raw_fd(interrupt) };
        let base = Url::parse(&format!("http://{address}/nacos/v1/cs/configs")).unwrap();
        let host = HeaderValue::from_str(address).unwrap();
        let bearer = HeaderValue::from_str(&format!("Bearer {token}")).unwrap();
        let connection = Box::pin(connection);
        Self { fd, interrupt, wants, sender, connection, woken, waker, base, host, bearer }
    }

    /// Status and body of the answer to a GET.
    pub(crate) fn get(&mut self, query: &[(&str, &str)]) -> (u16, Bytes) {
        let mut url = self.base.clone();
        url.query_pairs_mut().extend_pairs(query);
        let request = Request::get(&url[Position::BeforePath..])
            .header(header::HOST, self.host.clone())
            .header(header::AUTHORIZATION, self.bearer.clone())
            .body(Empty::new())
            .unwrap();
        let sender = &mut self.sender;
        let mut answer = pin!(async {
            sender.ready().await.unwrap();
            let response = sender.send_request(request).await.unwrap();
            (response.status().as_u16(), response.into_body().collect().await.unwrap().to_bytes())
        });
        let (deadline, mut context) = (Instant::now() + DEADLINE, Context::from_waker(&self.waker));
        loop {
            self.wants.set(0);
            self.woken.0.store(false, Ordering::Relaxed);
            // Each may have given the other something to do.
            for _ in 0..2 {
                if let Poll::Ready(answer) = answer.as_mut().poll(&mut context) {
                    return answer;
                }
                assert!(self.connection.as_mut().poll(&mut context).is_pending(), "the server closed the connection");
            }
            if !self.woken.0.load(Ordering::Acquire) {
                wait(self.fd, self.wants.get(), &self.interrupt, deadline);
            }
        }
    }
}

fn wait(fd: i32, wants: i16, interrupt: &OwnedFd, deadline: Instant) {
    let left = deadline.saturating_duration_since(Instant::now());
    assert!(!left.is_zero(), "no answer in time");
    let events = if wants == 0 { libc::POLLIN } else { wants };
    let mut fds = [
        libc::pollfd { fd, events, revents: 0 },
        libc::pollfd { fd: interrupt.as_raw_fd(), events: libc::POLLIN, revents: 0 },
    ];
    // SAFETY: two entries that are there.
    unsafe { libc::poll(fds.as_mut_ptr(), 2, i32::try_from(left.as_millis()).unwrap()) };
}
