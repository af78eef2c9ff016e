//! Why there is no answer, by how far the request had come.

use std::{error::Error as StdError, io};

use super::{
    advice::{self, Advice},
    connection::MOST_HEADERS,
};
use crate::{cause::Cause, sys::descriptor};

/// How far the request had come. From [`Send`](Phase::Send) on the server may have acted on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// Waiting for a connection that others use, or not begun.
    Prepare,
    Resolve,
    Connect,
    Handshake,
    Send,
    Answer,
}

/// What kind of failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ErrorKind {
    /// Refused, reset, broken, or not what the protocol allows.
    Broken,
    /// TLS: certificate, name, version.
    Tls,
    /// The proxy: the server has no part in it, and the others are behind the same one.
    Proxy,
    /// The time allowed for this phase is over; the call may have more.
    Slow,
    /// The deadline of the call passed.
    Timeout,
    /// The call was cancelled, or its handle closed.
    Interrupted,
    /// Something would have had to be waited for, and the call was told not to.
    WouldBlock,
    /// The answer is larger than the request allows.
    TooLarge,
    /// The answer came compressed, and damaged.
    Undecodable,
    /// This process has no descriptors left, or no memory: the server has no part in it.
    Exhausted,
    /// This library could not even begin.
    Setup,
}

/// Why there is no answer, with the cause in words (no URL, no secret).
#[derive(Clone, Debug)]
pub(crate) struct Error {
    pub(crate) phase: Phase,
    pub(crate) kind: ErrorKind,
    pub(crate) cause: String,
    /// The same as a word, if it is known more closely than phase and kind tell.
    pub(super) known: Option<Cause>,
}

impl Error {
    pub(crate) fn new(phase: Phase, kind: ErrorKind, cause: impl Into<String>) -> Self {
        Self { phase, kind, cause: cause.into(), known: None }
    }

    pub(super) fn because(mut self, cause: impl Into<Option<Cause>>) -> Self {
        self.known = cause.into().or(self.known);
        self
    }

    /// Why, as a word.
    pub(crate) fn reason(&self) -> Cause {
        self.known.unwrap_or(match (self.kind, self.phase) {
            (ErrorKind::Tls, _) => Cause::TlsFailed,
            (ErrorKind::Proxy, _) => Cause::ProxyFailed,
            (ErrorKind::TooLarge, _) => Cause::AnswerTooLarge,
            (ErrorKind::Undecodable, _) => Cause::AnswerDamaged,
            (ErrorKind::Exhausted, _) => Cause::NoDescriptors,
            (ErrorKind::Interrupted, _) => Cause::Cancelled,
            (ErrorKind::WouldBlock, _) => Cause::WouldBlock,
            (ErrorKind::Setup, _) => Cause::Internal,
            (ErrorKind::Timeout, Phase::Prepare) => Cause::PoolTimeout,
            (ErrorKind::Slow | ErrorKind::Timeout, Phase::Send | Phase::Answer) => Cause::NoAnswer,
            (ErrorKind::Slow | ErrorKind::Timeout, _) => Cause::ConnectTimeout,
            (ErrorKind::Broken, Phase::Resolve) => Cause::NameUnknown,
            (ErrorKind::Broken, Phase::Prepare | Phase::Connect) => Cause::Unreachable,
            (ErrorKind::Broken, _) => Cause::ConnectionBroken,
        })
    }

    /// Whether the server may have acted on the request.
    pub(crate) fn was_sent(&self) -> bool {
        self.phase >= Phase::Send
    }

    /// Whether it says something about the server: then others are better asked first.
    pub(crate) fn blames_server(&self) -> bool {
        matches!(self.kind, ErrorKind::Broken | ErrorKind::Tls | ErrorKind::Slow | ErrorKind::Timeout)
            && self.phase > Phase::Prepare
    }

    pub(super) fn too_large(limit: usize) -> Self {
        Self::new(Phase::Answer, ErrorKind::TooLarge, format!("an answer of more than {limit} bytes"))
    }

    pub(super) fn no_memory(size: usize) -> Self {
        let cause = format!("this process has no memory left for an answer of {size} bytes");
        Self::new(Phase::Answer, ErrorKind::Exhausted, cause).because(Cause::NoMemory)
    }

    pub(crate) fn no_descriptors(phase: Phase) -> Self {
        let cause = format!(
            "this process has no descriptors left (it may have {}); raise the limit or use fewer connections at a time",
            descriptor::limit()
        );
        Self::new(phase, ErrorKind::Exhausted, cause)
    }

    /// From an error of the system or of a library below, whose innermost cause is what counts.
    pub(crate) fn from_cause(phase: Phase, error: &(dyn StdError + 'static)) -> Self {
        let (mut cause, mut tls, mut advice) = (error, false, None);
        loop {
            advice = advice.or_else(|| advice::on(phase, cause));
            if let Some(io) = cause.downcast_ref::<io::Error>() {
                if descriptor::is_exhausted(io) {
                    return Self::no_descriptors(phase);
                }
                // rustls hides in an io::Error, whose `source` skips what it wraps.
                if let Some(inner) = io.get_ref() {
                    cause = inner;
                    continue;
                }
            }
            if cause.downcast_ref::<hyper::Error>().is_some_and(is_too_large_a_head) {
                let cause = format!("an answer with more than {MOST_HEADERS} headers, or too long ones");
                return Self::new(Phase::Answer, ErrorKind::TooLarge, cause);
            }
            tls |= cause.is::<rustls::Error>();
            match cause.source() {
                Some(deeper) => cause = deeper,
                None => break,
            }
        }
        let kind = if tls { ErrorKind::Tls } else { ErrorKind::Broken };
        match advice {
            Some(Advice { words, cause, in_handshake }) => {
                let phase = if in_handshake { phase.min(Phase::Handshake) } else { phase };
                Self::new(phase, kind, words).because(cause)
            }
            None => Self::new(phase, kind, cause.to_string()).because(refused(cause)),
        }
    }
}

/// Whether the machine there says that nothing listens.
fn refused(error: &(dyn StdError + 'static)) -> Option<Cause> {
    let io = error.downcast_ref::<io::Error>()?;
    (io.kind() == io::ErrorKind::ConnectionRefused).then_some(Cause::ConnectionRefused)
}

/// hyper has a function of its own for this with servers only.
fn is_too_large_a_head(error: &hyper::Error) -> bool {
    error.is_parse() && error.to_string() == "message head is too large"
}
