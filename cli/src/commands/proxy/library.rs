//! Requests that the library sends itself, whole: it knows what to do where nodes behind one address disagree about tokens, or
//! where a server takes the token in the query only.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{HeaderMap, Method, Response, StatusCode, header::CONTENT_LENGTH};
use nacos_auth::{Error, Request};
use tokio::sync::Semaphore;

use super::{
    Proxy,
    answer::Refusal,
    body::{AnyBody, whole},
    figures::Count,
};

/// Each waits in a thread.
const AT_ONCE: usize = 64;
/// How long requests go this way at once, after the other way has failed where this one did not.
const TURN: Duration = Duration::from_secs(60);

/// Two tokens refused within this time are not two that have ended: nodes disagree.
const DISAGREEMENT: Duration = Duration::from_secs(10);

pub(super) struct Library {
    places: Semaphore,
    turn: Mutex<Option<Instant>>,
    /// The generation that was refused last, and when.
    refused: Mutex<Option<(u64, Instant)>>,
}

impl Default for Library {
    fn default() -> Self {
        Self { places: Semaphore::new(AT_ONCE), turn: Mutex::default(), refused: Mutex::default() }
    }
}

impl Library {
    /// Whether the other way has failed a short while ago.
    pub(super) fn has_its_turn(&self) -> bool {
        let turn = *self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        turn.is_some_and(|began| began.elapsed() < TURN)
    }

    /// Notes a refused token; whether another one was refused a short while ago.
    pub(super) fn nodes_disagree(&self, generation: u64) -> bool {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        let before = refused.filter(|(other, _)| *other != generation);
        if refused.is_none() || before.is_some() {
            *refused = Some((generation, Instant::now()));
        }
        before.is_some_and(|(_, at)| at.elapsed() < DISAGREEMENT)
    }

    fn take_turn(&self) {
        *self.turn.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }
}

/// A request with nothing of a client's token on it.
pub(super) struct Whole<'a> {
    pub(super) method: &'a Method,
    pub(super) path: &'a str,
    pub(super) query: &'a str,
    pub(super) headers: &'a HeaderMap,
    pub(super) body: Bytes,
    pub(super) patience: Duration,
}

impl Proxy {
    /// Has the library send it.
    pub(super) async fn through_library(&self, whole_request: Whole<'_>) -> Result<Response<AnyBody>, Refusal> {
        let _place = self.library.places.acquire().await.expect("never closed");
        let request = self.for_library(&whole_request)?;
        let client = self.client.clone();
        let answer = tokio::task::spawn_blocking(move || client.request(request)).await;
        let answer = answer.map_err(|_| Refusal::new(StatusCode::BAD_GATEWAY, "internal", "the proxy failed"))??;
        let mut response = Response::new(whole(answer.body().clone()));
        *response.status_mut() = StatusCode::from_u16(answer.status()).unwrap_or(StatusCode::BAD_GATEWAY);
        *response.headers_mut() = answer.headers().clone();
        super::forward::drop_of_connection(response.headers_mut());
        // It was decoded, or cut.
        response.headers_mut().remove(CONTENT_LENGTH);
        Ok(response)
    }

    /// The same after the other way has failed: if this one does not, what comes next goes it at once.
    pub(super) async fn over_to_library(&self, whole: Whole<'_>) -> Result<Response<AnyBody>, Refusal> {
        self.figures.count(Count::Replays);
        let response = self.through_library(whole).await?;
        if !matches!(response.status(), StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
            self.library.take_turn();
        }
        Ok(response)
    }

    fn for_library(&self, whole: &Whole<'_>) -> Result<Request, Error> {
        let path = whole.path.strip_prefix(self.gate.context.as_str()).unwrap_or(whole.path);
        let target = if whole.query.is_empty() { path.to_owned() } else { format!("{path}?{}", whole.query) };
        let mut request =
            Request::new(whole.method.as_str(), &target)?.body(whole.body.clone()).timeout(whole.patience);
        for (name, value) in whole.headers {
            // What is no text no server of Nacos reads.
            if let Ok(value) = value.to_str() {
                request = request.header(name.as_str(), value)?;
            }
        }
        Ok(request)
    }
}
