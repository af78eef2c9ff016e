//! The body of an answer: whole, or far too long.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::body::{Body, Bytes, Frame, SizeHint};

/// How far an oversized body goes, in bytes.
const OVERSIZED: usize = 1 << 30;
const CHUNK: usize = 64 * 1024;

pub(crate) enum Content {
    Whole(Option<Bytes>),
    Oversized { chunk: Bytes, left: usize },
}

impl Content {
    pub(crate) fn whole(body: Vec<u8>) -> Self {
        Self::Whole(Some(body.into()).filter(|body: &Bytes| !body.is_empty()))
    }

    /// This text over and over.
    pub(crate) fn oversized(text: &[u8]) -> Self {
        let text: &[u8] = if text.is_empty() { b" " } else { text };
        Self::Oversized { chunk: text.repeat(CHUNK.div_ceil(text.len())).into(), left: OVERSIZED }
    }
}

impl Body for Content {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let next = match self.get_mut() {
            Self::Whole(body) => body.take(),
            Self::Oversized { left: 0, .. } => None,
            Self::Oversized { chunk, left } => {
                *left = left.saturating_sub(chunk.len());
                Some(chunk.clone())
            }
        };
        Poll::Ready(next.map(|data| Ok(Frame::data(data))))
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(None))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(body) => SizeHint::with_exact(body.as_ref().map_or(0, Bytes::len) as u64),
            Self::Oversized { .. } => SizeHint::default(),
        }
    }
}
