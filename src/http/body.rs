//! What is sent along with a request.

use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, SizeHint};

/// How much of a lent body is copied at a time: what fits into a core's cache costs little to copy.
const PIECE: usize = 256 * 1024;

/// Bytes that stay their owner's, who may take them back at any time.
pub(crate) trait Lent: Send + Sync {
    /// How many.
    fn len(&self) -> usize;

    /// A copy of at most `most` bytes from `offset` on; `None` once they have been taken back.
    fn copy(&self, offset: usize, most: usize) -> Option<Bytes>;
}

/// The body of a request. Cloning is cheap.
#[derive(Clone)]
pub(crate) enum Body {
    Whole(Bytes),
    Lent(Arc<dyn Lent>),
}

impl Body {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Whole(bytes) => bytes.len(),
            Self::Lent(lent) => lent.len(),
        }
    }
}

impl<T: Into<Bytes>> From<T> for Body {
    fn from(bytes: T) -> Self {
        Self::Whole(bytes.into())
    }
}

/// A body on its way.
pub(super) struct Sending {
    body: Body,
    sent: usize,
}

impl From<Body> for Sending {
    fn from(body: Body) -> Self {
        Self { body, sent: 0 }
    }
}

/// A lent body has been taken back.
#[derive(Debug)]
pub(super) struct TakenBack;

impl fmt::Display for TakenBack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the call is over")
    }
}

impl std::error::Error for TakenBack {}

impl HttpBody for Sending {
    type Data = Bytes;
    type Error = TakenBack;

    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, TakenBack>>> {
        if self.is_end_stream() {
            return Poll::Ready(None);
        }
        let sent = self.sent;
        let piece = match &self.body {
            Body::Whole(bytes) => Some(bytes.clone()),
            Body::Lent(lent) => lent.copy(sent, PIECE),
        };
        self.sent += piece.as_ref().map_or(0, Bytes::len);
        Poll::Ready(Some(piece.map(Frame::data).ok_or(TakenBack)))
    }

    fn is_end_stream(&self) -> bool {
        self.sent == self.body.len()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact((self.body.len() - self.sent) as u64)
    }
}
