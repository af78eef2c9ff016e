//! A request to the open API of Nacos, and its answer.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method,
    header::{ACCEPT, CONTENT_TYPE},
};
use url::form_urlencoded;

use crate::{
    error::{Error, Result},
    http::{Body, Lent},
    protocol::{headers, place::TokenPlace, server},
    secret::Secret,
    wait::Cancel,
};

/// More than any server reads; what holds them takes two and a half times as many.
const MOST_HEADERS: usize = 10_000;

const FORM: HeaderValue = HeaderValue::from_static("application/x-www-form-urlencoded");

/// A request to the open API of Nacos.
#[derive(Clone)]
pub struct Request {
    pub(crate) method: Method,
    pub(super) path: String,
    pub(super) query: Vec<(String, String)>,
    pub(super) headers: HeaderMap,
    pub(super) body: Body,
    pub(super) timeout: Option<Duration>,
    pub(super) cancel: Option<Cancel>,
    pub(super) idempotent: Option<bool>,
    pub(super) no_wait: bool,
    pub(super) no_replay: bool,
    pub(super) no_failover: bool,
    pub(super) no_anonymous: bool,
    /// What no message may hold.
    pub(super) sensitive: Vec<Secret>,
}

impl Request {
    /// `method` is any HTTP method; `path` comes after the context path, as in `/v1/cs/configs`, and may carry a query
    /// that is percent-encoded already.
    ///
    /// # Errors
    /// [`Kind::InvalidArgument`](crate::Kind::InvalidArgument) if either is not what HTTP takes, or the path leads out of
    /// the context path.
    pub fn new(method: &str, path: &str) -> Result<Self> {
        let method = method.to_ascii_uppercase().parse();
        let method = method.map_err(|_| Error::argument("method: not an HTTP method; write it like \"GET\""))?;
        server::check_path(path)?;
        Ok(Self {
            method,
            path: path.into(),
            query: Vec::new(),
            headers: HeaderMap::new(),
            body: Bytes::new().into(),
            timeout: None,
            cancel: None,
            idempotent: None,
            no_wait: false,
            no_replay: false,
            no_failover: false,
            no_anonymous: false,
            sensitive: Vec::new(),
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
    /// [`Kind::InvalidArgument`](crate::Kind::InvalidArgument) if the name is not a token of HTTP, the value holds CR, LF or
    /// another control character, the header frames the message or belongs to the connection (as `Content-Length`, `Host`):
    /// those are this library's; or there are 10,000 already. Of `Accept-Encoding` only what can be decoded is sent.
    pub fn header(mut self, name: &str, value: &str) -> Result<Self> {
        let wrong = |what: &str| {
            let shown = headers::shown(name);
            Error::argument(format!("headers: the {what} of \"{shown}\" is not what HTTP takes"))
        };
        let parsed = HeaderName::try_from(name).map_err(|_| wrong("name"))?;
        headers::check_framing(&parsed)?;
        if self.headers.len() >= MOST_HEADERS {
            return Err(Error::argument(format!(
                "headers: more than {MOST_HEADERS}, which no server reads; send less"
            )));
        }
        let value = HeaderValue::try_from(value).map_err(|_| wrong("value"))?;
        self.headers.append(parsed, value);
        Ok(self)
    }

    /// The body, as it is.
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = Body::Whole(body.into());
        self
    }

    /// The same, lent for the time of the call.
    pub(crate) fn lent_body(mut self, body: Arc<dyn Lent>) -> Self {
        self.body = Body::Lent(body);
        self
    }

    /// A form as the body, percent-encoded here, with its `Content-Type`.
    ///
    /// # Errors
    /// [`Kind::InvalidArgument`](crate::Kind::InvalidArgument) if there is a field `accessToken`, which would beat the
    /// token.
    pub fn form<'a>(mut self, fields: impl IntoIterator<Item = (&'a str, &'a str)>) -> Result<Self> {
        let mut form = form_urlencoded::Serializer::new(String::new());
        for (name, value) in fields {
            TokenPlace::default().check_parameter(name)?;
            form.append_pair(name, value);
        }
        self.body = Body::Whole(form.finish().into());
        self.headers.entry(CONTENT_TYPE).or_insert(FORM);
        Ok(self)
    }

    /// The deadline of this request, replays and logins included; [`Config::request_timeout`](crate::Config::request_timeout)
    /// by default, and as much more as a header `Long-Pulling-Timeout` says (in milliseconds, ten minutes at the most), with
    /// which a server holds back its answer.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// A signal that ends this request from another thread.
    pub fn cancel(mut self, cancel: &Cancel) -> Self {
        self.cancel = Some(cancel.clone());
        self
    }

    /// Whether sending it twice does no more than sending it once. Without this the method decides, as HTTP has it: GET,
    /// HEAD, OPTIONS, TRACE, PUT and DELETE do no more.
    pub fn idempotent(mut self, idempotent: bool) -> Self {
        self.idempotent = Some(idempotent);
        self
    }

    /// Waits for no login, no pause and no connection that others use, only for the server's answer: where it would have to,
    /// it fails with [`Kind::WouldBlock`](crate::Kind::WouldBlock).
    pub fn no_wait(mut self) -> Self {
        self.no_wait = true;
        self
    }

    /// Sends it once at the most: not again with another token (the answer is the refusal then), nor after a connection
    /// broke over it.
    pub fn no_replay(mut self) -> Self {
        self.no_replay = true;
        self
    }

    /// Asks one server only, whatever becomes of it.
    pub fn no_failover(mut self) -> Self {
        self.no_failover = true;
        self
    }

    /// Never sends it without a token, as [`Anonymous::Never`](crate::Anonymous::Never) for all requests.
    pub fn no_anonymous(mut self) -> Self {
        self.no_anonymous = true;
        self
    }

    /// A value of this request that messages never hold, not even where a server repeats it.
    pub fn sensitive(mut self, value: &str) -> Self {
        self.sensitive.push(value.into());
        self
    }

    /// How long it may take, where calls usually may take `usual`.
    pub(crate) fn time(&self, usual: Duration) -> Duration {
        self.timeout.unwrap_or_else(|| usual.saturating_add(headers::long_poll(&self.headers)))
    }

    /// Whether sending it twice does no more than sending it once.
    pub(super) fn is_idempotent(&self) -> bool {
        self.idempotent.unwrap_or(self.method.is_idempotent())
    }

    /// Refuses what would beat our token on the way, or keep the reason of a refusal from us.
    pub(super) fn check(&mut self, token_in: TokenPlace) -> Result<()> {
        for (name, value) in &self.headers {
            token_in.check_header(name, value)?;
        }
        let encoded = self.path.split_once('?').map_or("", |(_, query)| query);
        let encoded = form_urlencoded::parse(encoded.as_bytes());
        let names = self.query.iter().map(|(name, _)| name.as_str().into()).chain(encoded.map(|(name, _)| name));
        names.into_iter().try_for_each(|name| token_in.check_parameter(&name))?;
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
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    pub(super) truncated: bool,
    pub(super) server: Arc<str>,
    pub(super) generation: u64,
    pub(super) replays: u32,
    pub(super) attempts: u32,
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

    /// The body. That of a refusal (status 400 and up) is cut at 64 KiB. One that came compressed (gzip, deflate) is decoded,
    /// and its headers `Content-Encoding` and `Content-Length` are gone; another coding stays, and its header tells.
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// The generation of the token that got this answer; 0 if it was sent without one.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Whether the body was cut: that of a refusal beyond 64 KiB.
    pub fn is_truncated(&self) -> bool {
        self.truncated
    }

    /// The server that answered, as `host:port`.
    pub fn server(&self) -> &str {
        &self.server
    }

    /// How often the request was sent in all, to whatever server: 1 nearly always.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// How often the request was repeated with a new token: 0 nearly always, 2 at the most.
    pub fn replays(&self) -> u32 {
        self.replays
    }
}
