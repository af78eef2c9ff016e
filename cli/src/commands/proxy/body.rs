//! Bodies on their way through: kept if they are short, passed on piece by piece if not.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use bytes::{Buf, Bytes, BytesMut};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Full, combinators::BoxBody};
use hyper::body::Incoming;

/// What a body that breaks off says.
pub(super) type BoxError = Box<dyn std::error::Error + Send + Sync>;
/// Any body.
pub(super) type AnyBody = BoxBody<Bytes, BoxError>;

pub(super) fn whole(bytes: impl Into<Bytes>) -> AnyBody {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed()
}

/// What has been read of a body, and whether that is all.
pub(super) struct Beginning {
    pub(super) bytes: Bytes,
    pub(super) is_whole: bool,
}

/// Reads until the body ends, more than `most` bytes have come, or `patience` is over.
pub(super) async fn begin(body: &mut Incoming, most: usize, patience: Duration) -> Result<Beginning, hyper::Error> {
    let mut bytes = BytesMut::new();
    let read = async {
        while let Some(frame) = body.frame().await {
            if let Ok(data) = frame?.into_data() {
                bytes.extend_from_slice(&data);
                if bytes.len() > most {
                    return Ok::<_, hyper::Error>(false);
                }
            }
        }
        Ok(true)
    };
    let is_whole = tokio::time::timeout(patience, read).await.unwrap_or(Ok(false))?;
    Ok(Beginning { bytes: bytes.freeze(), is_whole })
}

/// A body whose beginning has been read.
pub(super) struct Prefixed {
    prefix: Bytes,
    rest: Incoming,
}

impl Prefixed {
    pub(super) fn new(prefix: Bytes, rest: Incoming) -> Self {
        Self { prefix, rest }
    }
}

impl Body for Prefixed {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if self.prefix.has_remaining() {
            return Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut self.prefix)))));
        }
        Pin::new(&mut self.rest).poll_frame(context).map_err(Into::into)
    }

    fn is_end_stream(&self) -> bool {
        self.prefix.is_empty() && self.rest.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let (rest, before) = (self.rest.size_hint(), self.prefix.len() as u64);
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower() + before);
        if let Some(upper) = rest.upper() {
            hint.set_upper(upper + before);
        }
        hint
    }
}

/// What a client sends.
#[derive(Clone)]
pub(super) enum Content {
    /// Kept, so that it can be sent again.
    Whole(Bytes),
    /// Passed on once. As long as nothing has been taken of it, it can go to another server.
    Stream(Shared),
}

impl Content {
    /// Keeps a body of up to `most` bytes.
    pub(super) async fn read(mut body: Incoming, most: usize, patience: Duration) -> Result<Self, hyper::Error> {
        if body.size_hint().lower() > most as u64 {
            return Ok(Self::Stream(Shared::new(Prefixed::new(Bytes::new(), body))));
        }
        let Beginning { bytes, is_whole } = begin(&mut body, most, patience).await?;
        Ok(match is_whole {
            true => Self::Whole(bytes),
            false => Self::Stream(Shared::new(Prefixed::new(bytes, body))),
        })
    }

    pub(super) fn body(&self) -> AnyBody {
        match self {
            Self::Whole(bytes) => whole(bytes.clone()),
            Self::Stream(shared) => shared.clone().boxed(),
        }
    }
}

/// A body that several requests hold, one of which takes it.
#[derive(Clone)]
pub(super) struct Shared(Arc<Mutex<Prefixed>>);

impl Shared {
    fn new(body: Prefixed) -> Self {
        Self(Arc::new(Mutex::new(body)))
    }

    fn with<T>(&self, act: impl FnOnce(&mut Prefixed) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Body for Shared {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        self.with(|body| Pin::new(body).poll_frame(context))
    }

    fn is_end_stream(&self) -> bool {
        self.with(|body| body.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        self.with(|body| body.size_hint())
    }
}
