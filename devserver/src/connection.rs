//! The life of one connection, and of each request on it.

use std::convert::Infallible;
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use hyper::header::{CONNECTION, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use parking_lot::Mutex;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};

use crate::api::{self, Poll, Reply};
use crate::body::Content;
use crate::clock::now;
use crate::faults::FaultKind;
use crate::http::{Answer, Request};
use crate::nodes::Spread;
use crate::world::World;

/// Tomcat's limits of an idle connection and (about) of a posted form.
const IDLE: Duration = Duration::from_secs(60);
const MAX_BODY: usize = 16 << 20;

/// What all connections share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) world: Mutex<World>,
    pub(crate) login_cost: Duration,
}

/// What no HTTP server does to a connection of its own accord.
enum Raw {
    Reset,
    /// Write this, `pause` before each byte, or all at once if there is none. Then close.
    Write {
        bytes: Vec<u8>,
        pause: Option<Duration>,
    },
}

/// One connection as its requests see it.
struct Link {
    shared: Arc<Shared>,
    served: AtomicU32,
    /// The node of all its requests, unless each of them has its own.
    node: Option<usize>,
    raw: mpsc::UnboundedSender<Raw>,
}

/// Serve until it is closed by either side, or until the server restarts.
pub(crate) async fn serve(stream: TcpStream, shared: Arc<Shared>, mut restart: watch::Receiver<()>) {
    // Answers are small and nobody reads two at a time: nothing to gain from waiting.
    let _ = stream.set_nodelay(true);
    let (sender, mut raw) = mpsc::unbounded_channel();
    let node = {
        let nodes = &mut shared.world.lock().auth.nodes;
        (nodes.spread == Spread::Connection).then(|| nodes.next())
    };
    let link = Arc::new(Link { shared, served: AtomicU32::new(0), node, raw: sender });
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(IDLE)
        .title_case_headers(true)
        .serve_connection(TokioIo::new(stream), service_fn(move |request| handle(Arc::clone(&link), request)));
    let raw = tokio::select! {
        _ = &mut connection => return,
        Some(raw) = raw.recv() => raw,
        _ = restart.changed() => Raw::Reset,
    };
    let mut stream = connection.into_parts().io.into_inner();
    match raw {
        Raw::Reset => reset(&stream),
        Raw::Write { bytes, pause } => tokio::select! {
            _ = write(&mut stream, &bytes, pause) => {}
            _ = restart.changed() => reset(&stream),
        },
    }
}

/// Closing it will then say RST instead of FIN.
fn reset(stream: &TcpStream) {
    let _ = socket2::SockRef::from(stream).set_linger(Some(Duration::ZERO));
}

async fn write(stream: &mut TcpStream, bytes: &[u8], pause: Option<Duration>) -> std::io::Result<()> {
    let Some(pause) = pause else { return stream.write_all(bytes).await };
    for byte in bytes {
        tokio::time::sleep(pause).await;
        stream.write_all(&[*byte]).await?;
    }
    Ok(())
}

async fn handle(link: Arc<Link>, request: hyper::Request<Incoming>) -> Result<Response<Content>, Infallible> {
    let (head, body) = request.into_parts();
    let Ok(body) = Limited::new(body, MAX_BODY).collect().await else {
        return Ok(link.respond(Answer::new(413, None, ""), Content::whole));
    };
    let mut request = Request::new(&head, &body.to_bytes());
    let is_login = api::is_login(&request.path);
    let world = &link.shared.world;
    let (fault, gzip) = {
        let mut world = world.lock();
        world.counts.arrived(&request, is_login);
        let fault = world.faults.pick(is_login, &request.path, Instant::now());
        if fault.as_ref().is_some_and(|fault| !fault.serves()) {
            world.counts.answered(&request, is_login, None);
        }
        (fault, world.settings.gzip)
    };
    let pause = |default| Duration::from_millis(fault.as_ref().and_then(|fault| fault.delay_ms).unwrap_or(default));
    let kind = fault.as_ref().map(|fault| fault.kind);
    match (kind, &fault) {
        (Some(FaultKind::Delay), _) => tokio::time::sleep(pause(1000)).await,
        (Some(FaultKind::Hang), _) => pending().await,
        (Some(FaultKind::Reset), _) => link.take_over(Raw::Reset).await,
        (Some(FaultKind::Oversized), Some(fault)) => {
            return Ok(link.respond(fault.answer(), |body| Content::oversized(&body)));
        }
        (_, Some(fault)) if !fault.serves() => {
            return Ok(link.respond(gzip.apply(fault.answer(), &request), Content::whole));
        }
        _ => {}
    }
    let answer = link.serve(&mut request, is_login).await;
    let answer = match &fault {
        Some(fault) => fault.rewrite(answer),
        None => answer,
    };
    let answer = gzip.apply(answer, &request);
    match kind {
        Some(FaultKind::Drip) => {
            let bytes = plain(&answer, answer.body.len());
            link.take_over(Raw::Write { bytes, pause: Some(pause(20)) }).await
        }
        Some(FaultKind::Cut) => {
            let bytes = plain(&answer, answer.body.len() / 2);
            link.take_over(Raw::Write { bytes, pause: None }).await
        }
        _ => Ok(link.respond(answer, Content::whole)),
    }
}

impl Link {
    /// Leave the rest to the connection's task, which ends this one.
    async fn take_over<T>(&self, raw: Raw) -> T {
        let _ = self.raw.send(raw);
        pending().await
    }

    /// The answer of the node that the request reaches.
    async fn serve(&self, request: &mut Request, is_login: bool) -> Answer {
        let Shared { world, login_cost } = &*self.shared;
        if is_login && !login_cost.is_zero() {
            tokio::time::sleep(*login_cost).await;
        }
        let reply = {
            let mut world = world.lock();
            request.node = self.node.unwrap_or_else(|| world.auth.nodes.next());
            api::answer(&mut world, request, now())
        };
        let answer = match reply {
            Reply::Answer(answer) => answer,
            Reply::Poll(poll) => self.wait_for_change(&poll).await,
        };
        world.lock().counts.answered(request, is_login, Some(&answer));
        answer
    }

    async fn wait_for_change(&self, poll: &Poll) -> Answer {
        let mut changes = self.shared.world.lock().configs.changes();
        let end = tokio::time::Instant::now() + poll.patience;
        loop {
            if let Some(answer) = poll.changed(&self.shared.world.lock().configs) {
                return answer;
            }
            tokio::select! {
                _ = changes.changed() => {}
                () = tokio::time::sleep_until(end) => return poll.unchanged(),
            }
        }
    }

    fn respond(&self, answer: Answer, content: impl FnOnce(Vec<u8>) -> Content) -> Response<Content> {
        let dialect = self.shared.world.lock().dialect;
        let served = self.served.fetch_add(1, Ordering::Relaxed) + 1;
        let last = dialect.requests_per_connection.is_some_and(|limit| served >= limit);
        let close = last || (dialect.closes_after_500 && answer.status == StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = Response::new(content(answer.body));
        *response.status_mut() = answer.status;
        let headers = response.headers_mut();
        if let Some(content_type) = answer.content_type.and_then(|kind| HeaderValue::from_str(&kind).ok()) {
            headers.insert(CONTENT_TYPE, content_type);
        }
        for (name, value) in answer.headers {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(name, value);
            }
        }
        if close {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

/// An answer as it goes over the wire, with so much of its body.
fn plain(answer: &Answer, body: usize) -> Vec<u8> {
    let mut bytes = format!("HTTP/1.1 {}\r\n", answer.status);
    for (name, value) in &answer.headers {
        bytes += &format!("{name}: {value}\r\n");
    }
    if let Some(content_type) = &answer.content_type {
        bytes += &format!("Content-Type: {content_type}\r\n");
    }
    bytes += &format!("Content-Length: {}\r\nConnection: close\r\n\r\n", answer.body.len());
    [bytes.as_bytes(), &answer.body[..body]].concat()
}
