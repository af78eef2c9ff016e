//! Faults on demand: what a network, a proxy or a sick server does to a request.

use std::collections::VecDeque;

use serde::{Deserialize, Deserializer};

use crate::http::Answer;

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

    /// The answer made up by `Status`, `Html`, `Oversized` (one repetition of its body) and `Redirect`.
    pub(crate) fn answer(&self) -> Answer {
        let (status, content_type, body) = match self.kind {
            FaultKind::Html => {
                (200, "text/html;charset=UTF-8", "<!doctype html><html><body>Please sign in</body></html>")
            }
            FaultKind::Oversized => (200, "text/plain", " "),
            FaultKind::Redirect => (302, "text/plain", ""),
            _ => (500, "text/plain", ""),
        };
        let body = self.body.as_deref().unwrap_or(body);
        let mut answer = Answer::new(self.status.unwrap_or(status), content_type, body);
        if let Some(content_type) = &self.content_type {
            answer.content_type = Some(content_type.clone().into());
        }
        if let Some(retry_after) = &self.retry_after {
            answer = answer.with_header("Retry-After", retry_after);
        }
        if self.kind == FaultKind::Redirect {
            answer = answer.with_header("Location", self.location.as_deref().unwrap_or("/nacos/elsewhere"));
        }
        answer
    }
}

/// The faults that are set, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Faults(VecDeque<Fault>);

impl Faults {
    pub(crate) fn add(&mut self, fault: Fault) {
        self.0.push_back(fault);
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// The oldest one that hits this request; it has then happened once.
    pub(crate) fn pick(&mut self, is_login: bool) -> Option<Fault> {
        let hits = |fault: &Fault| match fault.on {
            On::Login => is_login,
            On::Request => !is_login,
            On::All => true,
        };
        let index = self.0.iter().position(hits)?;
        match self.0[index].times {
            0 => Some(self.0[index].clone()),
            1 => self.0.remove(index),
            _ => {
                self.0[index].times -= 1;
                Some(self.0[index].clone())
            }
        }
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
