//! One request of an examination: over a connection of its own, within the time that is left.

use std::{
    sync::{Arc, atomic::AtomicBool},
    time::{Duration, Instant, SystemTime},
};

use ::http::{
    HeaderMap, HeaderValue, Method,
    header::{ACCEPT, DATE},
};
use bytes::Bytes;

use crate::{
    error::Result,
    http::{Endpoint, Error, ErrorKind, Http, Options, Phase, Request, Response, Transport},
    protocol::{
        login::{Api, IssuedToken},
        place::TokenPlace,
        quote,
        rejection::{self, Rejection},
        server::Server,
    },
    secret::Secret,
    session::{
        credentials::Credentials,
        exchange::{self, NoToken, Search},
        question::{Asked, Question},
    },
    wait::{Cancel, Executor, Limits, Waiters, here},
};

/// The longest that one answer is waited for.
const ANSWER: Duration = Duration::from_secs(5);
/// The longest that connecting may take: there may be several servers that do not answer.
const CONNECT: Duration = Duration::from_secs(2);
/// The largest answer that is read: of a configuration only whether it comes.
const LARGEST_ANSWER: usize = 16 << 20;

/// What sends.
pub(super) struct Probe<'a> {
    transport: Http,
    connect_timeout: Duration,
    cancel: Option<&'a Cancel>,
    deadline: Instant,
    /// The longest that one answer is waited for: a server that hangs leaves the others their time.
    patience: Duration,
    closed: AtomicBool,
    waiters: Arc<Waiters>,
}

/// One answer.
pub(super) struct Seen {
    pub(super) status: u16,
    pub(super) body: Bytes,
    /// By how much the server's clock is ahead of ours (or behind), as its header `Date` says.
    pub(super) ahead: Option<f64>,
    pub(super) took: Duration,
}

impl Seen {
    /// Why it refuses the request, if it does.
    pub(super) fn rejection(&self) -> Option<Rejection> {
        rejection::classify(self.status, &self.body)
    }

    /// Status and words, without any of `secrets`.
    pub(super) fn said(&self, secrets: &[&str]) -> String {
        let said = quote::quote_refusal(&self.body, secrets);
        if said.is_empty() { format!("HTTP {}", self.status) } else { format!("HTTP {}: {said}", self.status) }
    }
}

impl<'a> Probe<'a> {
    pub(super) fn new(
        transport: Http,
        connect_timeout: Duration,
        timeout: Duration,
        cancel: Option<&'a Cancel>,
    ) -> Self {
        let deadline = Instant::now() + timeout.min(crate::wait::LONGEST);
        let (closed, waiters) = (AtomicBool::new(false), Arc::default());
        Self {
            transport,
            connect_timeout: connect_timeout.min(CONNECT),
            cancel,
            deadline,
            patience: ANSWER,
            closed,
            waiters,
        }
    }

    /// From now on the time that is left is shared by so many servers.
    pub(super) fn share(&mut self, servers: usize) {
        self.patience = ANSWER.min(self.left() / u32::try_from(servers).unwrap_or(u32::MAX).max(1));
    }

    pub(super) fn left(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    fn limits(&self) -> Limits<'_> {
        Limits::new(self.left(), self.cancel.map_or(&[], std::slice::from_ref), &self.closed, &self.waiters)
    }

    /// Fails if the caller has ended the examination.
    pub(super) fn check(&self) -> Result<()> {
        self.limits().check()
    }

    /// Waits; false if there is not that much time.
    pub(super) fn sleep(&self, time: Duration) -> Result<bool> {
        if self.left() <= time {
            return Ok(false);
        }
        here(self.limits().sleep(time))?;
        Ok(true)
    }

    /// What may never answer, for as long as an answer is waited for.
    pub(super) fn ask<T: Clone + Send + 'static>(&self, question: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        match Question::default().ask(Executor::Caller, question) {
            Asked::Promised(promise) => here(self.limits().within(self.patience).until(promise)),
            Asked::Hung(_) => None,
        }
    }

    /// Sends a request without a body, perhaps with a token.
    pub(super) fn send(
        &self,
        (server, endpoint): (&Server, &Arc<Endpoint>),
        (method, path): (&Method, &str),
        token: Option<(&Secret, TokenPlace)>,
    ) -> Result<Seen, Error> {
        let wrong = |e: crate::Error| Error::new(Phase::Prepare, ErrorKind::Setup, e.to_string());
        let mut headers = HeaderMap::new();
        // Nacos words its refusals as JSON only for those who take it.
        headers.insert(ACCEPT, HeaderValue::from_static("application/json, */*;q=0.5"));
        let parameter = match token {
            Some((token, place)) => place.attach(token, &mut headers).map_err(wrong)?,
            None => None,
        };
        let request = Request {
            method: method.clone(),
            endpoint: endpoint.clone(),
            target: server.target(path, parameter).map_err(wrong)?,
            headers,
            body: Bytes::new().into(),
            options: Options {
                largest_answer: LARGEST_ANSWER,
                connect_timeout: self.connect_timeout,
                max_connections: None,
                reuse: false,
            },
        };
        let began = Instant::now();
        let Response { status, headers, body, .. } =
            here(self.transport.exchange(request, &self.limits().within(self.patience)))?;
        Ok(Seen { status, body, ahead: ahead(&headers), took: began.elapsed() })
    }

    /// Logs in, at the first of the paths where a Nacos answers.
    pub(super) fn log_in(
        &self,
        (server, endpoint): (&Server, &Arc<Endpoint>),
        credentials: &Credentials,
    ) -> Result<(IssuedToken, Api), NoToken> {
        let mut search = Search::default();
        for api in Api::ALL {
            let request = exchange::request(server, endpoint, credentials, api, self.connect_timeout);
            let limits = self.limits().within(self.patience);
            let response = request.and_then(|request| here(self.transport.exchange(request, &limits)));
            let why = match exchange::read(response, &credentials.password) {
                Ok(issued) => return Ok((issued, api)),
                Err(why) => why,
            };
            if !search.goes_on_after(why) {
                break;
            }
        }
        Err(search.best().expect("one is asked at least"))
    }
}

fn ahead(headers: &HeaderMap) -> Option<f64> {
    let date = httpdate::parse_http_date(headers.get(DATE)?.to_str().ok()?).ok()?;
    let now = SystemTime::now();
    Some(date.duration_since(now).map_or_else(|behind| -behind.duration().as_secs_f64(), |ahead| ahead.as_secs_f64()))
}
