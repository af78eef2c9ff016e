//! One request through Nacos: attach the token, send, look whether it was refused, and if so repeat it with another.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method,
    header::{ACCEPT, CONTENT_TYPE},
};
use url::{Url, form_urlencoded};

use super::{
    Client,
    counters::Count,
    identity::{Identity, Lease},
    roster::Entry,
    wait::{Cancel, Limits},
};
use crate::{
    error::{Error, Kind, Result},
    lifecycle::Verdict,
    protocol::{
        carriage::Carriage,
        headers::check_framing,
        rejection::{self, Rejection},
        server::check_path,
    },
    sys::clock,
    transport::{Failure, Incoming, Outgoing, Trouble},
};

/// How often a request is repeated with a new token. The second time is for a token that was on its way already when
/// the first one was refused: it may be of the same old secret.
const MOST_REPLAYS: u32 = 2;
/// The largest answer taken.
const LARGEST_ANSWER: usize = 64 * 1024 * 1024;
const FORM: HeaderValue = HeaderValue::from_static("application/x-www-form-urlencoded");

/// A request to the open API of Nacos.
#[derive(Clone)]
pub struct Request {
    method: Method,
    path: String,
    query: Vec<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
    timeout: Option<Duration>,
    cancel: Option<Cancel>,
}

impl Request {
    /// `method` is any HTTP method; `path` comes after the context path, as in `/v1/cs/configs`, and may carry a query
    /// that is percent-encoded already.
    ///
    /// # Errors
    /// [`Kind::InvalidArgument`] if either is not what HTTP takes, or the path leads out of the context path.
    pub fn new(method: &str, path: &str) -> Result<Self> {
        let method = method.to_ascii_uppercase().parse();
        let method = method.map_err(|_| Error::argument("method: not an HTTP method; write it like \"GET\""))?;
        check_path(path)?;
        Ok(Self {
            method,
            path: path.into(),
            query: Vec::new(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
            timeout: None,
            cancel: None,
        })
    }

    /// `GET path`.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn get(path: &str) -> Result<Self> {
        Self::new("GET", path)
    }

    /// `POST path`.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn post(path: &str) -> Result<Self> {
        Self::new("POST", path)
    }

    /// Adds a parameter to the query; it is percent-encoded here.
    pub fn query(mut self, name: &str, value: &str) -> Self {
        self.query.push((name.into(), value.into()));
        self
    }

    /// Adds a header.
    ///
    /// # Errors
    /// [`Kind::InvalidArgument`] if the name is not a token of HTTP, the value holds CR, LF or another control character, or
    /// the header frames the message or belongs to the connection (as `Content-Length`, `Host`): those are this library's.
    pub fn header(mut self, name: &str, value: &str) -> Result<Self> {
        let wrong = |what: &str| {
            Error::argument(format!("headers: the {what} of \"{}\" is not what HTTP takes", name.escape_debug()))
        };
        let parsed = HeaderName::try_from(name).map_err(|_| wrong("name"))?;
        check_framing(&parsed)?;
        let value = HeaderValue::try_from(value).map_err(|_| wrong("value"))?;
        self.headers.append(parsed, value);
        Ok(self)
    }

    /// The body, as it is.
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// A form as the body, percent-encoded here, with its `Content-Type`.
    ///
    /// # Errors
    /// [`Kind::InvalidArgument`] if there is a field `accessToken`, which would beat the token.
    pub fn form<'a>(mut self, fields: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self> {
        let mut form = form_urlencoded::Serializer::new(String::new());
        for (name, value) in fields {
            Carriage::default().check_parameter(name)?;
            form.append_pair(name, value);
        }
        self.body = form.finish().into();
        self.headers.entry(CONTENT_TYPE).or_insert(FORM);
        Ok(self)
    }

    /// The deadline of this request, replays and logins included; [`Config::request_timeout`](crate::Config::request_timeout) by default.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// A signal that ends this request from another thread.
    pub fn cancel(mut self, cancel: &Cancel) -> Self {
        self.cancel = Some(cancel.clone());
        self
    }

    /// Whether sending it twice does no more than sending it once.
    fn is_idempotent(&self) -> bool {
        self.method.is_idempotent()
    }

    /// Everything but the token, ready for `entry`.
    fn prepare(&self, entry: &Entry) -> Result<Outgoing> {
        let mut url = entry.server.url(&self.path)?;
        if !self.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&self.query);
        }
        let (method, headers) = (self.method.clone(), self.headers.clone());
        Ok(Outgoing { method, url, headers, body: self.body.clone(), largest_answer: LARGEST_ANSWER })
    }

    /// Refuses what would beat our token on the way, or keep the reason of a refusal from us.
    fn check(&mut self, carriage: Carriage) -> Result<()> {
        for (name, value) in &self.headers {
            carriage.check_header(name, value)?;
        }
        let encoded = self.path.split_once('?').map_or("", |(_, query)| query);
        let encoded = form_urlencoded::parse(encoded.as_bytes());
        let names = self.query.iter().map(|(name, _)| name.as_str().into()).chain(encoded.map(|(name, _)| name));
        names.into_iter().try_for_each(|name| carriage.check_parameter(&name))?;
        // A server asked for plain text only leaves out why it refuses.
        let accepts = |range: &[&str]| {
            let accept = self.headers.get_all(ACCEPT);
            accept.iter().any(|v| v.to_str().is_ok_and(|v| range.iter().any(|r| v.contains(r))))
        };
        if self.headers.contains_key(ACCEPT) && !accepts(&["json", "*/*"]) {
            self.headers.append(ACCEPT, HeaderValue::from_static("application/json;q=0.1"));
        }
        Ok(())
    }
}

/// The answer to a [`Request`], whatever its HTTP status.
pub struct Response {
    status: u16,
    headers: HeaderMap,
    body: Bytes,
    generation: u64,
    replays: u32,
}

impl Response {
    /// The HTTP status.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The body. That of a refusal (status 400 and up) is cut at 64 KiB.
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// The generation of the token that got this answer; 0 if it was sent without one.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// How often the request was repeated with a new token: 0 nearly always, 2 at the most.
    pub fn replays(&self) -> u32 {
        self.replays
    }
}

/// One request on its way.
struct Call<'a> {
    client: &'a Client,
    identity: &'a Arc<Identity>,
    request: &'a Request,
    limits: Limits<'a>,
}

pub(super) fn request(client: &Client, mut request: Request) -> Result<Response> {
    request.check(client.carriage())?;
    client.outlet().counters.count(Count::Requests);
    let identity = client.identity()?;
    let timeout = request.timeout.unwrap_or(client.request_timeout());
    let limits = Limits::new(timeout, request.cancel.as_ref(), client.closed());
    let call = Call { client, identity: &identity, request: &request, limits };
    let lease = match call.lease() {
        Ok(lease) => lease,
        Err(error) => return call.without_token(error),
    };
    call.with_token(lease)
}

impl Call<'_> {
    /// Sends with `lease`, and again with another token as long as the answers show that this one was the trouble.
    fn with_token(&self, mut lease: Lease) -> Result<Response> {
        let mut replays = 0;
        loop {
            let generation = lease.snapshot.generation;
            let (answer, server) = self.send(Some(&lease))?;
            let answer = Response { replays, ..answer };
            let Some(why) = rejection::classify(answer.status, &answer.body) else {
                self.identity.accepted(generation);
                return Ok(answer);
            };
            let verdict = self.client.note_rejection(self.identity, generation, why, Some(server));
            let again = verdict == Verdict::Replay
                || (verdict == Verdict::ReplayIfIdempotent && self.request.is_idempotent() && replays == 0);
            if !again || replays == MOST_REPLAYS {
                return Ok(answer);
            }
            lease = match self.lease() {
                // Nobody said that the token was the reason, and there is no other.
                Ok(other) if why == Rejection::Unknown && other.snapshot.generation == generation => return Ok(answer),
                Err(_) if why == Rejection::Unknown => return Ok(answer),
                other => other?,
            };
            self.client.outlet().counters.count(Count::Replays);
            replays += 1;
        }
    }

    fn lease(&self) -> Result<Lease> {
        self.client.cached_lease().map_or_else(|| self.client.lease(self.identity, &self.limits), Ok)
    }

    /// No login succeeds, but the server answers: perhaps it asks nobody for a token. One request shows it.
    fn without_token(&self, error: Error) -> Result<Response> {
        if error.http_status().is_none() || error.kind() == Kind::Forbidden || !self.identity.may_be_open() {
            return Err(error);
        }
        let (answer, _) = self.send(None)?;
        let open = rejection::classify(answer.status, &answer.body).is_none();
        match self.identity.is_open(open) {
            _ if open => Ok(answer),
            true => {
                let (answer, _) = self.send(Some(&self.lease()?))?;
                Ok(Response { replays: 1, ..answer })
            }
            false => Err(error),
        }
    }

    /// Sends to the first server that can be reached; its answer, and its place in the list.
    fn send(&self, lease: Option<&Lease>) -> Result<(Response, usize)> {
        let mut last = None;
        // A broken connection says nothing about what the server did with the request.
        let may_resend = self.request.is_idempotent();
        for entry in self.identity.roster.order(clock::now()) {
            let mut out = self.request.prepare(entry)?;
            if let Some(lease) = lease {
                self.client.carriage().attach(&lease.snapshot.token, &mut out.headers, &mut out.url)?;
            }
            let mut fresh = false;
            loop {
                self.limits.check()?;
                let interrupt = Box::pin(self.limits.interrupted());
                let failure = match self.identity.transport.exchange(out.clone(), self.limits.deadline, interrupt) {
                    Ok(Incoming { status, headers, body }) => {
                        entry.is_up();
                        let generation = lease.map_or(0, |l| l.snapshot.generation);
                        return Ok((Response { status, headers, body, generation, replays: 0 }, entry.index));
                    }
                    Err(failure) => failure,
                };
                let trouble = failure.trouble;
                let error = self.explain(entry, &out.url, failure);
                match trouble {
                    Trouble::Connect | Trouble::Tls => {
                        self.identity.went_down(entry);
                        self.identity.saw_down();
                        last = Some(error);
                        break;
                    }
                    Trouble::Io => {
                        self.identity.saw_down();
                        if !may_resend {
                            return Err(error);
                        }
                        if std::mem::replace(&mut fresh, true) {
                            // A process that dies breaks its connections before it stops taking new ones.
                            self.identity.went_down(entry);
                            last = Some(error);
                            break;
                        }
                    }
                    _ => return Err(error),
                }
            }
        }
        Err(last.unwrap_or_else(|| Error::new(Kind::Internal, "no server to send to")))
    }

    fn explain(&self, entry: &Entry, url: &Url, Failure { trouble, cause }: Failure) -> Error {
        let (kind, what) = match trouble {
            Trouble::Connect => (Kind::Connect, "cannot connect"),
            Trouble::Tls => (Kind::Tls, "no TLS connection"),
            Trouble::Io => (Kind::Io, "the connection broke"),
            Trouble::Timeout => (Kind::Timeout, "deadline passed"),
            Trouble::TooLarge => (Kind::TooLarge, "answer too large"),
            Trouble::Setup => (Kind::Internal, "cannot send"),
            // Close and cancel look alike from below.
            Trouble::Interrupted => match self.limits.check() {
                Err(error) => return error,
                Ok(()) => (Kind::Internal, "interrupted by nobody"),
            },
        };
        let (method, server, path) = (&self.request.method, entry.server.name(), url.path());
        Error::new(kind, format!("{method} {path} at {server}: {what}: {cause}"))
    }
}
