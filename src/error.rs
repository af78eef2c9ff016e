//! What can go wrong, in words for the person who reads it.

use std::{fmt, sync::Arc, time::Duration};

use crate::cause::Cause;

/// What kind of failure an [`Error`] is. The C status codes map to these one to one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// An argument of this call is not usable; the message names it.
    InvalidArgument,
    /// A setting given to [`Client::new`](crate::Client::new) is not usable; the message names it.
    InvalidConfig,
    /// No server could be reached: refused, no route, unknown host, connect time-out.
    Connect,
    /// The deadline of the call passed.
    Timeout,
    /// The TLS handshake failed: unknown authority, wrong host name, no common version.
    Tls,
    /// The connection broke while a request was under way.
    Io,
    /// The server answered something that is not Nacos.
    Protocol,
    /// The answer is larger than this library takes.
    TooLarge,
    /// The server refuses user name and password.
    BadCredentials,
    /// The servers refuse one fresh token after the other.
    Forbidden,
    /// The server asked to be left alone for a while (HTTP 429).
    Throttled,
    /// The server failed (HTTP 5xx).
    Server,
    /// There are no credentials to log in with: the password file cannot be read, or the credentials callback failed.
    NoCredentials,
    /// The caller cancelled the call.
    Cancelled,
    /// The client has been closed.
    Closed,
    /// The call would have had to wait, and was told not to.
    WouldBlock,
    /// A fault of this library or of the operating system below it.
    Internal,
}

impl Kind {
    /// Whether the same call may succeed later without anybody changing anything.
    pub fn is_retryable(self) -> bool {
        use Kind::*;
        matches!(self, Connect | Timeout | Io | Forbidden | Throttled | Server | NoCredentials | WouldBlock)
    }

    /// What an error of this kind is due to unless more is known.
    fn cause(self) -> Cause {
        match self {
            Self::InvalidArgument => Cause::InvalidArgument,
            Self::InvalidConfig => Cause::InvalidConfig,
            Self::Connect => Cause::Unreachable,
            Self::Timeout => Cause::Deadline,
            Self::Tls => Cause::TlsFailed,
            Self::Io => Cause::ConnectionBroken,
            Self::Protocol => Cause::NotNacos,
            Self::TooLarge => Cause::AnswerTooLarge,
            Self::BadCredentials => Cause::WrongCredentials,
            Self::Forbidden => Cause::NewTokensRefused,
            Self::Throttled => Cause::Throttled,
            Self::Server => Cause::ServerFault,
            Self::NoCredentials => Cause::CredentialsCallback,
            Self::Cancelled => Cause::Cancelled,
            Self::Closed => Cause::Closed,
            Self::WouldBlock => Cause::WouldBlock,
            Self::Internal => Cause::Internal,
        }
    }
}

/// What a message repeats of an argument, or of a server's words, may be of any length.
const LONGEST_MESSAGE: usize = 2048;

/// The beginning and the end, which tells what to do.
fn shortened(message: &str) -> Arc<str> {
    let half = LONGEST_MESSAGE / 2;
    let boundary = |from: usize| (from..).find(|at| message.is_char_boundary(*at)).unwrap_or(message.len());
    format!("{} … {}", &message[..boundary(half)], &message[boundary(message.len() - half)..]).into()
}

/// The name that the C status has too, as `BAD_CREDENTIALS`: the same word in every language's logs.
impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InvalidArgument => "INVALID_ARGUMENT",
            Self::InvalidConfig => "INVALID_CONFIG",
            Self::Connect => "CONNECT",
            Self::Timeout => "TIMEOUT",
            Self::Tls => "TLS",
            Self::Io => "IO",
            Self::Protocol => "PROTOCOL",
            Self::TooLarge => "TOO_LARGE",
            Self::BadCredentials => "BAD_CREDENTIALS",
            Self::Forbidden => "FORBIDDEN",
            Self::Throttled => "THROTTLED",
            Self::Server => "SERVER",
            Self::NoCredentials => "NO_CREDENTIALS",
            Self::Cancelled => "CANCELLED",
            Self::Closed => "CLOSED",
            Self::WouldBlock => "WOULD_BLOCK",
            Self::Internal => "INTERNAL",
        })
    }
}

/// A failure: its kind and cause, a message without secrets, and what the server said of it.
/// Cloning is cheap: all callers that waited for one login share its error.
#[derive(Clone, Debug)]
pub struct Error {
    kind: Kind,
    message: Arc<str>,
    cause: Cause,
    server: Option<Arc<str>>,
    http_status: Option<u16>,
    retry_after: Option<Duration>,
    maybe_sent: bool,
}

/// The result of everything here that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub(crate) fn new(kind: Kind, message: impl Into<Arc<str>>) -> Self {
        let message = message.into();
        Self {
            kind,
            message: if message.len() > LONGEST_MESSAGE { shortened(&message) } else { message },
            cause: kind.cause(),
            server: None,
            http_status: None,
            retry_after: None,
            maybe_sent: false,
        }
    }

    pub(crate) fn argument(message: impl Into<Arc<str>>) -> Self {
        Self::new(Kind::InvalidArgument, message)
    }

    pub(crate) fn config(message: impl Into<Arc<str>>) -> Self {
        Self::new(Kind::InvalidConfig, message)
    }

    pub(crate) fn closed() -> Self {
        Self::new(Kind::Closed, "the client has been closed")
    }

    pub(crate) fn because(mut self, cause: Cause) -> Self {
        self.cause = cause;
        self
    }

    /// The same in other words.
    pub(crate) fn with_message(mut self, message: impl Into<Arc<str>>) -> Self {
        self.message = message.into();
        self
    }

    /// `server`: the name of the server that it is about.
    pub(crate) fn at(mut self, server: &str) -> Self {
        self.server = Some(server.into());
        self
    }

    pub(crate) fn with_http_status(mut self, status: u16) -> Self {
        self.http_status = Some(status);
        self
    }

    pub(crate) fn with_retry_after(mut self, after: Duration) -> Self {
        self.retry_after = Some(after);
        self
    }

    /// A server may have acted on the request.
    pub(crate) fn maybe_sent(mut self, sent: bool) -> Self {
        self.maybe_sent |= sent;
        self
    }

    /// What kind of failure this is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// What failed, on which server, and what to do. Holds no password, token or query.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Why, more closely than [`kind`](Self::kind) says it.
    pub fn cause(&self) -> Cause {
        self.cause
    }

    /// The server that it is about, as `host:port`; `None` if it is about none, or about all of them.
    pub fn server(&self) -> Option<&str> {
        self.server.as_deref()
    }

    /// Whether a server may have acted on the request: false if it surely did not. False for what is no request.
    pub fn was_maybe_sent(&self) -> bool {
        self.maybe_sent
    }

    /// The HTTP status of the answer that caused this, if an answer did.
    pub fn http_status(&self) -> Option<u16> {
        self.http_status
    }

    /// Whether the same call may succeed later without anybody changing anything.
    pub fn is_retryable(&self) -> bool {
        self.kind.is_retryable()
    }

    /// How long until this library itself tries again; a call before that gets the same error.
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_that_repeats_something_endless_keeps_its_beginning_and_its_end() {
        let error = Error::config(format!("server_addr: \"{}\" is no host; write one", "ä".repeat(1 << 20)));
        assert!(error.message().len() < 2100);
        assert!(error.message().starts_with("server_addr: ") && error.message().ends_with("is no host; write one"));
    }
}
