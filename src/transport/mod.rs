//! The wire: send one request, get one answer. Knows nothing of tokens.

mod http;
mod lane;
mod tls;

use std::{future::Future, pin::Pin, time::Instant};

use ::http::{HeaderMap, Method};
use bytes::Bytes;
use url::Url;

pub(crate) use self::http::{Http, Settings};

/// A future on the heap, as traits need it.
pub(crate) type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// One request, complete. Cloning is cheap: the body is shared.
#[derive(Clone)]
pub(crate) struct Outgoing {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// The largest body taken as an answer. A refusal (status 400 and up) is cut at 64 KiB instead.
    pub(crate) largest_answer: usize,
}

/// One answer, complete.
pub(crate) struct Incoming {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// No connection: nothing has been sent.
    Connect,
    /// No TLS: nothing has been sent.
    Tls,
    /// The connection broke, or what came over it was not HTTP. The server may have acted on the request.
    Io,
    /// The deadline passed.
    Timeout,
    /// The answer is larger than the request allowed.
    TooLarge,
    /// The caller's own signal.
    Interrupted,
    /// This library could not even begin.
    Setup,
}

/// Why there is no answer, with the cause in words (no URL, no secret).
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) trouble: Trouble,
    pub(crate) cause: String,
}

/// Sends requests. Scripted in tests, [`Http`] otherwise.
pub(crate) trait Transport: Send + Sync {
    /// Sends `out` and blocks until the answer is complete, `until` has passed, or `interrupt` is ready.
    fn exchange(&self, out: Outgoing, until: Instant, interrupt: Boxed<'_, ()>) -> Result<Incoming, Failure>;

    /// The same as a future, on the runtime of the thread that polls it, and over a connection of its own: a pooled
    /// one may have been closed by the server meanwhile, and a login must not be repeated blindly.
    fn exchange_once(&self, out: Outgoing) -> Boxed<'_, Result<Incoming, Failure>>;

    /// Lets go of connections that have been idle for long.
    fn tidy(&self);
}

#[cfg(test)]
mod tests;
