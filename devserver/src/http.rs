//! A request as handlers see it, and the answer they give: plain data, no sockets.

use std::borrow::Cow;

use hyper::header::{ACCEPT, CONTENT_TYPE, HeaderMap};
use hyper::{Method, StatusCode};

/// A request whose body has been read.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) method: Method,
    /// As sent, without the query.
    pub(crate) path: String,
    /// Which of the servers behind the address it reaches.
    pub(crate) node: usize,
    pub(crate) has_body: bool,
    pub(crate) headers: HeaderMap,
    query: Vec<(String, String)>,
    form: Vec<(String, String)>,
}

impl Request {
    pub(crate) fn new(head: &hyper::http::request::Parts, body: &[u8]) -> Self {
        let is_form = head
            .headers
            .get(CONTENT_TYPE)
            .is_some_and(|kind| kind.as_bytes().starts_with(b"application/x-www-form-urlencoded"));
        Self {
            method: head.method.clone(),
            path: head.uri.path().to_owned(),
            node: 0,
            has_body: !body.is_empty(),
            headers: head.headers.clone(),
            query: pairs(head.uri.query().unwrap_or_default().as_bytes()),
            form: if is_form { pairs(body) } else { Vec::new() },
        }
    }

    /// A servlet parameter: the first one of that name, the query before the body.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        let mut all = self.query.iter().chain(&self.form);
        all.find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// A parameter that has a default.
    pub(crate) fn parameter_or<'a>(&'a self, name: &str, default: &'a str) -> &'a str {
        self.parameter(name).filter(|value| !value.is_empty()).unwrap_or(default)
    }

    /// A header's value, if it is text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// What the caller is ready to read.
    pub(crate) fn accept(&self) -> Accept {
        let accept = self.headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or("*/*");
        let first = |kind: &str| accept.find(kind);
        match (first("text/html"), first("application/json").or(first("*/*")).or(first("application/*"))) {
            (Some(html), Some(json)) if html < json => Accept::Html,
            (_, Some(_)) => Accept::Json,
            (Some(_), None) => Accept::Html,
            (None, None) => Accept::Neither,
        }
    }
}

fn pairs(encoded: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(encoded).into_owned().collect()
}

/// How an `Accept` header sorts the two shapes of an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Accept {
    Json,
    Html,
    Neither,
}

/// Who was refused, for the counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Served,
    LoggedIn,
    /// The token is missing, expired or wrong.
    IdentityRefused,
    PermissionRefused,
}

/// A complete answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) content_type: Option<Cow<'static, str>>,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) outcome: Outcome,
}

/// JSON without a charset, as Spring writes it.
pub(crate) const JSON: &str = "application/json";
/// JSON with the charset of Nacos's filter for `/v1/cs`.
pub(crate) const JSON_UTF8: &str = "application/json;charset=UTF-8";
pub(crate) const TEXT_UTF8: &str = "text/plain;charset=UTF-8";
pub(crate) const HTML_UTF8: &str = "text/html;charset=UTF-8";

impl Answer {
    /// A status (one of ours, so a valid one), a content type and a body.
    pub(crate) fn new(status: u16, content_type: impl Into<Option<&'static str>>, body: impl Into<Vec<u8>>) -> Self {
        Self {
            status: StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            content_type: content_type.into().map(Cow::Borrowed),
            headers: Vec::new(),
            body: body.into(),
            outcome: Outcome::Served,
        }
    }

    pub(crate) fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(crate) fn with_outcome(mut self, outcome: Outcome) -> Self {
        self.outcome = outcome;
        self
    }
}
