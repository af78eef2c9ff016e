//! One connection: hyper's HTTP/1, polled by whoever sends over it.

use std::{
    future::Future,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use ::http::{
    HeaderValue, Method,
    header::{ACCEPT, CONTENT_LENGTH, HOST, PROXY_AUTHORIZATION},
};
use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::{
    body::{Body, Incoming},
    client::conn::http1,
};

use super::{
    Endpoint, Request, Response,
    body::Sending,
    drive::drive,
    error::{Error, ErrorKind, Phase},
    proxy::Forward,
    stream::{Interest, Stream},
};
use crate::{
    sys::socket::Socket,
    wait::{Executor, Limits},
};

/// How long an idle connection is kept. Nacos closes its end after 60 s.
const KEPT_IDLE: Duration = Duration::from_secs(45);
/// Servers keep idle connections for longer than this. One that was closed sooner tells that its server went.
const JUST_IN_USE: Duration = Duration::from_secs(4);
/// A refusal longer than this is cut: its first words are what counts.
pub(super) const LONGEST_REFUSAL: usize = 64 * 1024;
/// More headers than this are refused: no server sends as many, and each costs room before it has come. hyper takes 100
/// unless told, which some gateways exceed. The whole head may have some 400 KB, which is hyper's limit.
pub(super) const MOST_HEADERS: usize = 256;
/// How many times as much is set aside for a body as has come of it, if its length says so.
const RESERVED: usize = 16;

type Driver = http1::Connection<Stream, Sending>;

/// hyper's two ends of a connection.
pub(super) struct Link {
    sender: http1::SendRequest<Sending>,
    /// `None` once it has ended.
    driver: Option<Pin<Box<Driver>>>,
    /// Why it has, if it broke.
    broken: Option<Error>,
    endpoint: Arc<Endpoint>,
    forward: Option<Forward>,
}

impl Link {
    /// Over a `stream` that is ready for requests to `endpoint`.
    pub(super) async fn new(stream: Stream, endpoint: &Arc<Endpoint>, forward: Option<Forward>) -> Result<Self, Error> {
        let done = http1::Builder::new()
            .max_headers(MOST_HEADERS)
            // RFC 9112 has a client read both: a value folded into several lines, and a blank before the colon.
            .allow_obsolete_multiline_headers_in_responses(true)
            .allow_spaces_after_header_name_in_responses(true)
            // Nor does a line that is no header, with a name or a value that nobody may send, spoil the rest.
            .ignore_invalid_headers_in_responses(true)
            .handshake(stream)
            .await;
        let (sender, driver) = done.map_err(|e| Error::from_cause(Phase::Connect, &e))?;
        Ok(Self { sender, driver: Some(Box::pin(driver)), broken: None, endpoint: endpoint.clone(), forward })
    }

    /// The answer. What was surely not sent is left in `message`.
    pub(super) async fn round_trip(
        &mut self,
        message: &mut Option<Message>,
        largest: usize,
    ) -> Result<Response, Error> {
        let Self { sender, driver, broken, forward, endpoint } = self;
        if let (Some(forward), Some(message)) = (forward, message.as_mut()) {
            forward.put_on(message, endpoint);
        }
        let closed = || Error::new(Phase::Connect, ErrorKind::Broken, "the server closed the connection");
        let answer = pin!(async {
            sender.ready().await.map_err(|_| closed())?;
            let Some(out) = message.take() else { return Err(closed()) };
            match sender.try_send_request(out).await {
                Ok(response) => receive(response, largest).await,
                Err(mut e) => {
                    *message = e.take_message();
                    Err(Error::from_cause(Phase::Send, &e.into_error()))
                }
            }
        });
        RoundTrip { driver, broken, answer }.await
    }
}

/// A connection, which may be kept for other requests of its executor.
pub(super) struct Connection {
    link: Link,
    interest: Arc<Interest>,
    socket: Arc<Socket>,
    pub(super) endpoint: Arc<Endpoint>,
    /// Of the TLS settings it was made with.
    pub(super) tls_version: u64,
    pub(super) executor: Executor,
    /// Nothing has been sent over it yet.
    is_new: bool,
    used: Instant,
}

/// What came of an exchange.
pub(super) enum Exchange {
    Answered(Response),
    Failed(Error),
    /// The connection had been closed already, and the message is still there.
    Unsent,
}

impl Connection {
    /// Over a `stream` that is ready for requests to `endpoint`.
    pub(super) async fn new(
        stream: Stream,
        (interest, socket): (Arc<Interest>, Arc<Socket>),
        endpoint: &Arc<Endpoint>,
        forward: Option<Forward>,
        tls_version: u64,
        limits: &Limits<'_>,
    ) -> Result<Self, Error> {
        let link = {
            let link = pin!(Link::new(stream, endpoint, forward));
            drive(link, &interest, limits, Phase::Connect).await?
        };
        let (endpoint, executor, used) = (endpoint.clone(), limits.executor, Instant::now());
        Ok(Self { link, interest, socket, endpoint, tls_version, executor, is_new: true, used })
    }

    /// Whether it was used less than `time` ago.
    pub(super) fn was_used_within(&self, time: Duration) -> bool {
        self.used.elapsed() < time
    }

    /// Whether it may still be used: kept too long, or closed by the server, it may not.
    pub(super) fn is_alive(&self) -> bool {
        self.link.driver.is_some() && self.used.elapsed() < KEPT_IDLE && !self.is_closed_by_server()
    }

    pub(super) fn is_closed_by_server(&self) -> bool {
        self.socket.is_closed_by_peer()
    }

    pub(super) fn was_just_in_use(&self) -> bool {
        self.was_used_within(JUST_IN_USE)
    }

    /// Whether another request may follow.
    pub(super) fn is_reusable(&self) -> bool {
        self.link.driver.is_some() && self.link.sender.is_ready()
    }

    /// Why nothing could be sent over it.
    pub(super) fn why_unsent(self) -> Error {
        let closed = || Error::new(Phase::Connect, ErrorKind::Broken, "the server closed the new connection");
        self.link.broken.unwrap_or_else(closed)
    }

    pub(super) async fn exchange(
        &mut self,
        message: &mut Option<Message>,
        largest: usize,
        limits: &Limits<'_>,
    ) -> Exchange {
        self.interest.begin_request(largest);
        let is_new = std::mem::take(&mut self.is_new);
        match self.executor {
            // An idle connection is read from first, which shows whether the server has closed it.
            Executor::Caller => self.interest.set_ready(),
            // A runtime reads when it is told that there is something to read, which may be after the request has gone out.
            Executor::Runtime if !is_new && self.is_closed_by_server() => return Exchange::Unsent,
            Executor::Runtime => {}
        }
        let result = {
            // Pinned here, since each future that takes another one by value has room for it twice.
            let round_trip = pin!(self.link.round_trip(message, largest));
            drive(round_trip, &self.interest, limits, Phase::Send).await
        };
        if message.is_some() {
            return Exchange::Unsent;
        }
        self.used = Instant::now();
        match result {
            Ok(response) => {
                self.settle();
                Exchange::Answered(response)
            }
            Err(error) => {
                let answers = self.interest.has_received() && error.phase != Phase::Handshake;
                let phase = if answers { Phase::Answer } else { error.phase };
                Exchange::Failed(Error { phase, ..error })
            }
        }
    }

    /// Lets the connection see that the answer is complete: it becomes idle, or closes.
    fn settle(&mut self) {
        self.interest.clear();
        if let Some(driver) = &mut self.link.driver
            && driver.as_mut().poll(&mut Context::from_waker(std::task::Waker::noop())).is_ready()
        {
            self.link.driver = None;
        }
    }
}

/// A request as hyper takes it.
pub(super) type Message = ::http::Request<Sending>;

pub(super) fn message(request: Request) -> Message {
    let Request { method, endpoint, target, mut headers, body, .. } = request;
    headers.insert(HOST, endpoint.authority.clone());
    headers.entry(ACCEPT).or_insert(HeaderValue::from_static("*/*"));
    // hyper tells no length of what is empty, and some servers and gateways answer 411 then.
    if body.len() == 0 && matches!(method, Method::POST | Method::PUT | Method::PATCH) {
        headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    }
    let mut message = ::http::Request::new(body.into());
    *message.method_mut() = method;
    *message.uri_mut() = target.into();
    *message.headers_mut() = headers;
    message
}

impl Forward {
    /// A proxy for http is told the whole address.
    fn put_on(&self, message: &mut Message, endpoint: &Endpoint) {
        if let Some(Ok(uri)) = message.uri().path_and_query().map(|target| endpoint.url(target).parse()) {
            *message.uri_mut() = uri;
        }
        if let Some(credentials) = &self.authorization {
            message.headers_mut().insert(PROXY_AUTHORIZATION, credentials.clone());
        }
    }
}

/// Reads the answer to its end; what goes beyond `largest` is an error, a refusal's surplus is left out.
async fn receive(response: ::http::Response<Incoming>, largest: usize) -> Result<Response, Error> {
    let (head, mut body) = response.into_parts();
    let status = head.status.as_u16();
    let (limit, cut) = if status >= 400 { (LONGEST_REFUSAL, true) } else { (largest, false) };
    let too_large = || Error::too_large(limit);
    // 0 where no length is told, and where no body belongs to it.
    let announced = body.size_hint().lower();
    if !cut && announced > limit as u64 {
        return Err(too_large());
    }
    let (mut whole, mut truncated) = (Collected::new(announced.min(limit as u64) as usize), false);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|e| Error::from_cause(Phase::Answer, &e))?;
        let Ok(data) = frame.into_data() else { continue };
        if whole.len() + data.len() > limit {
            if !cut {
                return Err(too_large());
            }
            let room = limit - whole.len();
            whole.push(data.slice(..room))?;
            truncated = true;
            break;
        }
        let is_last = body.is_end_stream();
        whole.push(data)?;
        if is_last {
            break;
        }
    }
    Ok(Response { status, headers: head.headers, body: whole.finish(), truncated, lost_connection: false })
}

/// A body as it comes in. The usual one comes as one piece, which is handed on as it is.
struct Collected {
    only: Bytes,
    all: Vec<u8>,
    /// How long the server says that it is; 0 if it does not.
    announced: usize,
}

impl Collected {
    fn new(announced: usize) -> Self {
        Self { only: Bytes::new(), all: Vec::new(), announced }
    }

    fn len(&self) -> usize {
        self.only.len() + self.all.len()
    }

    fn push(&mut self, data: Bytes) -> Result<(), Error> {
        if self.len() == 0 {
            self.only = data;
            return Ok(());
        }
        let len = self.len() + data.len();
        if self.all.capacity() < len {
            // What is only announced costs the server nothing.
            let whole = self.announced.min(RESERVED * len).max(len);
            self.all.try_reserve(whole - self.all.len()).map_err(|_| Error::no_memory(whole))?;
        }
        if self.all.is_empty() {
            self.all.extend_from_slice(&std::mem::take(&mut self.only));
        }
        self.all.extend_from_slice(&data);
        Ok(())
    }

    fn finish(self) -> Bytes {
        if self.all.is_empty() { self.only } else { self.all.into() }
    }
}

/// An answer, and the connection it comes over, polled together.
struct RoundTrip<'a, F> {
    driver: &'a mut Option<Pin<Box<Driver>>>,
    broken: &'a mut Option<Error>,
    answer: Pin<&'a mut F>,
}

impl<T, F: Future<Output = Result<T, Error>>> Future for RoundTrip<'_, F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let had_ended = self.driver.is_none();
        if let Some(driver) = &mut *self.driver
            && let Poll::Ready(end) = driver.as_mut().poll(context)
        {
            *self.broken = end.err().map(|e| Error::from_cause(Phase::Connect, &e));
            *self.driver = None;
        }
        match self.answer.as_mut().poll(context) {
            Poll::Pending if had_ended => {
                Poll::Ready(Err(Error::new(Phase::Send, ErrorKind::Broken, "the connection ended")))
            }
            other => other,
        }
    }
}
