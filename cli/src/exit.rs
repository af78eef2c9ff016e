//! How the command ends: exit statuses, and failures in words.

use std::{fmt, process::ExitCode};

use nacos_auth::{Cause, Error, Kind};

/// Where the page of a cause is.
pub(crate) const PAGES: &str = "docs/causes.md#";

/// What `--help` and the man page say of them.
pub(crate) const HELP: &str = "\
Exit status:
  0    done
  1    a server said no: an HTTP status of 400 and up; doctor: there are errors
  2    the command line, or a setting, is wrong
  3    no server can be reached, or none answers in time
  4    the credentials are refused, or there are none
  5    something failed on this machine: a file, a socket, a limit
  6    doctor: there are warnings, and no errors
exec ends with the status of its command: 126 and 127 if it cannot be run, 128+n if signal n ended it.";

/// An exit status, other than 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Status {
    Refused = 1,
    Usage = 2,
    Unreachable = 3,
    Credentials = 4,
    Local = 5,
    Warned = 6,
}

impl Status {
    fn of(kind: Kind) -> Self {
        use Kind::*;
        match kind {
            InvalidArgument | InvalidConfig => Self::Usage,
            Connect | Timeout | Tls | Io | Throttled | Server | Protocol => Self::Unreachable,
            BadCredentials | NoCredentials | Forbidden => Self::Credentials,
            TooLarge => Self::Refused,
            _ => Self::Local,
        }
    }
}

/// What the command ends with when it cannot do what it should. Holds no secret.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) status: Status,
    message: String,
    cause: Option<Cause>,
}

/// The result of everything here that can fail.
pub(crate) type Result<T, E = Failure> = std::result::Result<T, E>;

impl Failure {
    /// A wrong setting or argument: `message` names it, and says what to write instead.
    pub(crate) fn setting(message: impl Into<String>) -> Self {
        Self { status: Status::Usage, message: message.into(), cause: Some(Cause::InvalidConfig) }
    }

    /// This machine would not do `what`.
    pub(crate) fn local(what: impl fmt::Display, why: impl fmt::Display) -> Self {
        Self { status: Status::Local, message: format!("{what}: {why}"), cause: None }
    }

    /// The same error with the place where the setting that it names stands.
    pub(crate) fn set_by(mut self, origin: &str) -> Self {
        self.message = format!("{} (set by {origin})", self.message);
        self
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.cause == Some(Cause::Cancelled)
    }

    pub(crate) fn message(&self) -> &str {
        &self.message
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { status: Status::of(error.kind()), message: error.message().into(), cause: Some(error.cause()) }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.cause {
            Some(cause) => {
                let name = cause.name();
                write!(f, "{} ({name})\n  see {PAGES}{name}", self.message)
            }
            None => f.write_str(&self.message),
        }
    }
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> Self {
        Self::from(status as u8)
    }
}
