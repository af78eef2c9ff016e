//! What goes into the machine and what comes out of it, but for times.

use std::time::Duration;

use super::Time;

/// What a caller who wants a token is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Demand {
    /// Use the token there is.
    Serve { expired: bool },
    /// Wait for the end of a login. With `patience` only until then: there is a token to use instead.
    Wait { patience: Option<Time> },
    /// Take the last error; the next login comes at `retry_at` ([`Time::MAX`]: there will be none).
    Fail { retry_at: Time },
}

/// What to do with an answer that refuses a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Hand it to the caller.
    Return,
    /// Ask for the token again and send the request once more.
    Replay,
    /// The same, if the request may be sent twice.
    ReplayIfIdempotent,
}

/// A new token, as far as the machine needs to know it.
#[derive(Clone, Copy, Debug)]
pub struct Issued {
    /// Number of the token, given by the caller, rising, never 0.
    pub generation: u64,
    /// What the server said, if that was usable.
    pub ttl: Option<Duration>,
    /// The server handed out the very token that is held already.
    pub same: bool,
    /// When the login was *sent*.
    pub sent: Time,
    /// The server that gave it, if that is known.
    pub server: Option<usize>,
}

/// What a login is good for, for statistics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Occasion {
    /// There is no token yet.
    First,
    /// The token is about to expire.
    Renewal,
    /// A server refused the token.
    Rejection,
}

/// State of the token, for statistics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum TokenState {
    None,
    Fresh,
    Advisory,
    Mandatory,
    Expired,
    Rejected,
}

/// State of the refresh, for statistics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum RefreshState {
    Idle,
    InFlight,
    BackingOff,
    Latched,
}
