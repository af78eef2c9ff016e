//! Faults on demand: what a network, a proxy or a sick server does to a request.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use hyper::StatusCode;
use serde::{Deserialize, Deserializer};

use crate::http::Answer;
use crate::pages;

/// Which requests a fault hits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum On {
    /// Logins.
    Login,
    /// Everything else.
    Request,
    /// Every request.
    All,
}

/// What happens to them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FaultKind {
    /// Served as usual, `delay_ms` later.
    Delay,
    /// Read, and never answered.
    Hang,
    /// Served as usual, but the answer comes byte by byte, `delay_ms` (default 20) apart.
    Drip,
    /// Read, then the connection is reset. Without effect.
    Reset,
    /// `status` (default 500) with `retry_after`, `content_type` and `body`, all optional. Without effect.
    Status,
    /// A page of HTML with `status` (default 200), as a captive portal or a proxy sends it. Without effect.
    Html,
    /// `status` (default 200) and a body of 1 GiB, in chunks: `body` (default a space) over and over. Without effect.
    Oversized,
    /// `status` (default 302) to `location` (default `/nacos/elsewhere`). Without effect.
    Redirect,
    /// Served as usual, but the connection ends in the middle of the answer's body.
    Cut,
    /// A gateway's own page of HTML, as nginx writes it: `status` (default 502) with `retry_after`, `location` and
    /// `body`, all optional. Without effect.
    Gateway,
    /// Served as usual, but where Nacos refuses (401 or 403), a gateway's page takes the place of what it says, with
    /// `status` (default 401).
    Rewrite,
}

/// A fault and how often it happens. Build one with [`Fault::new`] and struct update.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Which requests it hits.
    pub on: On,
    /// What happens to them.
    pub kind: FaultKind,
    /// How often; 0: until the faults are cleared.
    #[serde(default)]
    pub times: u32,
    /// How long, in milliseconds from when it is set; absent: until the faults are cleared.
    pub for_ms: Option<u64>,
    /// Only these paths, as they are sent; one that ends in `*` stands for all that begin so. Empty: every path.
    #[serde(default)]
    pub paths: Vec<String>,
    /// None of these, written in the same way.
    #[serde(default)]
    pub except: Vec<String>,
    /// Milliseconds; for `Delay` before the answer, for `Drip` between bytes.
    pub delay_ms: Option<u64>,
    /// Status of an answer made up.
    pub status: Option<u16>,
    /// `Retry-After` of an answer made up: seconds or an HTTP date.
    #[serde(default, deserialize_with = "text_or_number")]
    pub retry_after: Option<String>,
    /// `Content-Type` of an answer made up.
    pub content_type: Option<String>,
    /// Body of an answer made up.
    pub body: Option<String>,
    /// Where a redirect leads.
    pub location: Option<String>,
}

impl Fault {
    /// A fault with every default, until the faults are cleared.
    #[must_use]
    pub fn new(on: On, kind: FaultKind) -> Self {
        Self {
            on,
            kind,
            times: 0,
            for_ms: None,
            paths: Vec::new(),
            except: Vec::new(),
            delay_ms: None,
            status: None,
            retry_after: None,
            content_type: None,
            body: None,
            location: None,
        }
    }

    /// The same, but only so often.
    #[must_use]
    pub fn times(self, times: u32) -> Self {
        Self { times, ..self }
    }

    /// Only for these paths.
    #[must_use]
    pub fn paths<const N: usize>(self, paths: [&str; N]) -> Self {
        Self { paths: paths.map(str::to_owned).into(), ..self }
    }

    /// For all paths but these.
    #[must_use]
    pub fn except<const N: usize>(self, except: [&str; N]) -> Self {
        Self { except: except.map(str::to_owned).into(), ..self }
    }

    /// Whether a request is served although this fault hits it.
    pub(crate) fn serves(&self) -> bool {
        matches!(self.kind, FaultKind::Delay | FaultKind::Drip | FaultKind::Cut | FaultKind::Rewrite)
    }

    /// What is left of an answer that was served.
    pub(crate) fn rewrite(&self, answer: Answer) -> Answer {
        let refused = matches!(answer.status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
        match self.kind {
            FaultKind::Rewrite if refused => self.answer().with_outcome(answer.outcome),
            _ => answer,
        }
    }

    fn hits(&self, is_login: bool, path: &str) -> bool {
        let on = match self.on {
            On::Login => is_login,
            On::Request => !is_login,
            On::All => true,
        };
        let is_one_of = |patterns: &[String]| patterns.iter().any(|pattern| matches(pattern, path));
        on && (self.paths.is_empty() || is_one_of(&self.paths)) && !is_one_of(&self.except)
    }

    /// The answer made up by `Status`, `Html`, `Oversized` (one repetition of its body), `Redirect`, `Gateway` and
    /// `Rewrite`.
    pub(crate) fn answer(&self) -> Answer {
        let (status, content_type, body) = match self.kind {
            FaultKind::Html => {
                (200, "text/html;charset=UTF-8", "<!doctype html><html><body>Please sign in</body></html>")
            }
            FaultKind::Oversized => (200, "text/plain", " "),
            FaultKind::Redirect => (302, "text/plain", ""),
            FaultKind::Gateway => (502, "text/html", ""),
            FaultKind::Rewrite => (401, "text/html", ""),
            _ => (500, "text/plain", ""),
        };
        let status = self.status.unwrap_or(status);
        let mut answer = match (&self.body, self.kind) {
            (None, FaultKind::Gateway | FaultKind::Rewrite) => pages::gateway(status),
            (given, _) => Answer::new(status, content_type, given.as_deref().unwrap_or(body)),
        };
        if let Some(content_type) = &self.content_type {
            answer.content_type = Some(content_type.clone().into());
        }
        if let Some(retry_after) = &self.retry_after {
            answer = answer.with_header("Retry-After", retry_after);
        }
        let elsewhere = (self.kind == FaultKind::Redirect).then_some("/nacos/elsewhere");
        if let Some(location) = self.location.as_deref().or(elsewhere) {
            answer = answer.with_header("Location", location);
        }
        answer
    }
}

/// Whether a path is the pattern, or begins with it up to its `*`.
fn matches(pattern: &str, path: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(beginning) => path.starts_with(beginning),
        None => path == pattern,
    }
}

/// The faults that are set, oldest first, and when each of them ends.
#[derive(Debug, Default)]
pub(crate) struct Faults(VecDeque<(Fault, Option<Instant>)>);

impl Faults {
    pub(crate) fn add(&mut self, fault: Fault, now: Instant) {
        let end = fault.for_ms.and_then(|for_ms| now.checked_add(Duration::from_millis(for_ms)));
        self.0.push_back((fault, end));
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// The oldest one that hits this request; it has then happened once.
    pub(crate) fn pick(&mut self, is_login: bool, path: &str, now: Instant) -> Option<Fault> {
        self.0.retain(|(_, end)| end.is_none_or(|end| now < end));
        let index = self.0.iter().position(|(fault, _)| fault.hits(is_login, path))?;
        let fault = self.0[index].0.clone();
        match fault.times {
            0 => {}
            1 => drop(self.0.remove(index)),
            _ => self.0[index].0.times -= 1,
        }
        Some(fault)
    }
}

fn text_or_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum TextOrNumber {
        Text(String),
        Number(i64),
    }
    let value = Option::<TextOrNumber>::deserialize(deserializer)?;
    Ok(value.map(|value| match value {
        TextOrNumber::Text(text) => text,
        TextOrNumber::Number(number) => number.to_string(),
    }))
}
