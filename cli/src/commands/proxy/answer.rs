//! Answers of the proxy's own.

use http::{HeaderValue, Response, StatusCode, header};
use nacos_auth::{Error, Kind};
use serde_json::json;

use super::body::{AnyBody, whole};
use crate::exit::PAGES;

/// A request that is not passed on, and why.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    /// A word for programs.
    reason: &'static str,
    message: String,
    /// The page of the cause.
    page: Option<String>,
    retry_after: Option<u64>,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, reason: &'static str, message: impl Into<String>) -> Self {
        Self { status, reason, message: message.into(), page: None, retry_after: None }
    }

    /// The request is not what a client may send.
    pub(super) fn bad(reason: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, reason, message)
    }

    pub(super) fn forbidden(reason: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, reason, message)
    }

    pub(super) fn response(&self) -> Response<AnyBody> {
        // The members of a Nacos's own error document, which clients know how to show.
        let mut text = json!({
            "status": self.status.as_u16(),
            "error": self.status.canonical_reason().unwrap_or_default(),
            "message": format!("nacos-auth proxy: {}", self.message),
            "cause": self.reason,
        });
        if let Some(page) = &self.page {
            text["page"] = page.as_str().into();
        }
        let mut response = json_of(self.status, &text);
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        if self.status == StatusCode::BAD_REQUEST {
            // Who sends such things is not to send more over the same connection.
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

/// There is no token, or no server.
impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        use Kind::*;
        let status = match error.kind() {
            Timeout => StatusCode::GATEWAY_TIMEOUT,
            BadCredentials | NoCredentials | Forbidden => StatusCode::FORBIDDEN,
            Throttled | Server => StatusCode::SERVICE_UNAVAILABLE,
            Closed => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::BAD_GATEWAY,
        };
        let name = error.cause().name();
        let retry_after = error.retry_after().map(|after| after.as_secs() + 1);
        let page = Some(format!("{PAGES}{name}"));
        Self { page, retry_after, ..Self::new(status, name, error.message()) }
    }
}

pub(super) fn json_of(status: StatusCode, value: &serde_json::Value) -> Response<AnyBody> {
    text_of(status, "application/json;charset=UTF-8", format!("{value}\n"))
}

pub(super) fn text_of(status: StatusCode, kind: &'static str, text: String) -> Response<AnyBody> {
    let mut response = Response::new(whole(text));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
