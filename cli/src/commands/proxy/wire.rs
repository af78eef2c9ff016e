//! What a client's bytes said of the length of a request: hyper leaves out one of two contradicting headers, and never
//! tells that there were two.

use std::{
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// More than hyper takes itself.
const MOST_HEADERS: usize = 256;

/// How a head says where its request ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Framing {
    /// How many headers Content-Length there are.
    pub(super) lengths: usize,
    /// How many headers Transfer-Encoding there are.
    pub(super) encodings: usize,
}

/// The bytes from the beginning of the next request on.
#[derive(Clone, Default)]
pub(super) struct Record(Arc<Mutex<Recorded>>);

#[derive(Default)]
struct Recorded {
    bytes: Vec<u8>,
    /// How many bytes are still those of a body.
    skip: u64,
}

impl Record {
    fn lock(&self) -> MutexGuard<'_, Recorded> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, bytes: &[u8]) {
        let mut record = self.lock();
        let skipped = record.skip.min(bytes.len() as u64);
        record.skip -= skipped;
        record.bytes.extend_from_slice(&bytes[skipped as usize..]);
    }

    /// The framing of the request that hyper has just read the head of, with a body of `length` bytes; `None`: its end is
    /// not known beforehand, so it is to be the last one of its connection.
    pub(super) fn next(&self, length: Option<u64>) -> Option<Framing> {
        let mut record = self.lock();
        let mut headers = [httparse::EMPTY_HEADER; MOST_HEADERS];
        let mut request = httparse::Request::new(&mut headers);
        let Ok(httparse::Status::Complete(head)) = request.parse(&record.bytes) else { return None };
        let count = |name: &str| request.headers.iter().filter(|header| header.name.eq_ignore_ascii_case(name)).count();
        let framing = Framing { lengths: count("content-length"), encodings: count("transfer-encoding") };
        let behind = (record.bytes.len() - head) as u64;
        let Some(length) = length else {
            *record = Recorded { bytes: Vec::new(), skip: u64::MAX };
            return Some(framing);
        };
        record.skip = length.saturating_sub(behind);
        let end = head + length.min(behind) as usize;
        record.bytes.drain(..end);
        Some(framing)
    }
}

/// A client's connection, whose bytes are recorded.
pub(super) struct Wire<S> {
    stream: S,
    record: Record,
}

impl<S> Wire<S> {
    pub(super) fn new(stream: S) -> (Self, Record) {
        let record = Record::default();
        (Self { stream, record: record.clone() }, record)
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Wire<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let before = buffer.filled().len();
        let result = Pin::new(&mut self.stream).poll_read(context, buffer);
        self.record.add(&buffer.filled()[before..]);
        result
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Wire<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[std::io::IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_head_is_found_behind_the_body_before_it() {
        let record = Record::default();
        record.add(b"POST / HTTP/1.1\r\ncontent-length: 5\r\n\r\nhel");
        assert_eq!(record.next(Some(5)), Some(Framing { lengths: 1, encodings: 0 }));
        record.add(b"loGET / HTTP/1.1\r\n\r\n\r\nPOST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nCONTENT-LENGTH: 3\r\n\r\n0\r");
        assert_eq!(record.next(Some(0)), Some(Framing::default()));
        assert_eq!(record.next(None), Some(Framing { lengths: 1, encodings: 1 }));
        record.add(b"\n\r\nGET / HTTP/1.1\r\n\r\n");
        assert_eq!(record.next(Some(0)), None);
    }
}
