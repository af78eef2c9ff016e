//! What the proxy answers itself: logins, its state, its figures.

use http::{Method, Response, StatusCode, request::Parts};
use hyper::body::Incoming;
use nacos_auth::{Cause, METRICS_CONTENT_TYPE, TokenState};
use serde_json::json;

use super::{
    Proxy,
    answer::{Refusal, json_of, text_of},
    body::{AnyBody, begin},
    figures::Count,
};
use std::time::Duration;

/// A login's form is short.
const LONGEST_LOGIN: usize = 64 << 10;
const PATIENCE: Duration = Duration::from_secs(5);

impl Proxy {
    /// A client that insists on logging in gets the token that its requests would carry anyway, whatever its password.
    pub(super) async fn login(&self, parts: &Parts, mut body: Incoming) -> Result<Response<AnyBody>, Refusal> {
        if parts.method != Method::POST {
            return Err(not_allowed("a login is a POST"));
        }
        // Nobody looks at it; but a client that is still sending would miss the answer.
        let read = begin(&mut body, LONGEST_LOGIN, PATIENCE).await;
        if !matches!(read, Ok(beginning) if beginning.is_whole) {
            return Err(Refusal::bad("body", "too much for a login"));
        }
        let token = self.tokens.get().await?;
        self.figures.count(Count::Logins);
        // Of one that is about to be replaced a few seconds may be left: clients need not hurry, since it counts here for
        // longer than it does at a server.
        let life = (token.remaining_ms / 1000).max(5);
        let text = json!({ "accessToken": token.secret.expose(), "tokenTtl": life, "globalAdmin": false });
        Ok(json_of(StatusCode::OK, &text))
    }

    pub(super) fn own(&self, parts: &Parts) -> Result<Response<AnyBody>, Refusal> {
        if !matches!(parts.method, Method::GET | Method::HEAD) {
            return Err(not_allowed("this is read only"));
        }
        match parts.uri.path() {
            "/-/health" => {
                // There may be no requests, which would have a login made, before this has said that it is ready.
                _ = self.client.token_without_waiting();
                let health = self.client.health();
                let status = if health.is_ready() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
                let text = json!({
                    "status": health.status.to_string(),
                    "cause": health.cause().map(Cause::name),
                    "message": health.error.as_ref().map(nacos_auth::Error::message),
                    "token": format!("{:?}", health.token_state).to_lowercase(),
                    "remainingSeconds": (health.token_state != TokenState::None).then_some(health.remaining_ms / 1000),
                    "failingSeconds": health.failing_for.map(|time| time.as_secs()),
                });
                Ok(json_of(status, &text))
            }
            "/-/metrics" => Ok(text_of(StatusCode::OK, METRICS_CONTENT_TYPE, self.figures.text(&self.client))),
            _ => Err(Refusal::new(StatusCode::NOT_FOUND, "path", "there are /-/health and /-/metrics")),
        }
    }
}

fn not_allowed(message: &str) -> Refusal {
    Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "method", message)
}
