//! Whether a client can do its work, for probes: a reading of what is known, for which nothing is asked and waited for.

use std::{fmt, time::Duration};

use crate::{
    cause::Cause,
    error::{Error, Kind},
    lifecycle::{RefreshState, TokenState},
    session::Condition,
};

/// A login that no server has answered for so long is no good sign for calls that wait for it.
const HANGING: Duration = Duration::from_secs(5);

/// How well a client is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HealthStatus {
    /// Nothing is known yet: no login has been tried, or the first one has just begun.
    Unknown,
    /// There is a token, and nothing is wrong with logins.
    Ok,
    /// Calls work, and will not for long if nothing changes.
    Degraded,
    /// There is no token that works, and no login brings one.
    Down,
}

impl HealthStatus {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Unknown, Self::Ok, Self::Degraded, Self::Down];
}

/// The name that labels of metrics have too, as `degraded`.
impl fmt::Display for HealthStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "unknown",
            Self::Ok => "ok",
            Self::Degraded => "degraded",
            Self::Down => "down",
        })
    }
}

/// What is known of a client's health.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Health {
    /// In one word.
    pub status: HealthStatus,
    /// What is wrong, with its cause, the server and its words, if something is: what calls get or will get. No secrets.
    pub error: Option<Error>,
    /// How long ago the first login failed of those that have failed since the last success; `None` if the last one did not.
    pub failing_for: Option<Duration>,
    /// Milliseconds until the token's reckoned expiry, negative after it; 0 if there is none.
    pub remaining_ms: i64,
    /// How long until the next login after one that failed; zero if none is waiting for its time.
    pub retry_in: Duration,
    /// State of the token.
    pub token_state: TokenState,
    /// State of its renewal.
    pub refresh_state: RefreshState,
}

impl Health {
    /// Whether requests can be expected to succeed: for readiness probes.
    pub fn is_ready(&self) -> bool {
        matches!(self.status, HealthStatus::Ok | HealthStatus::Degraded)
    }

    /// Why it is not well; `None` if it is, or if nothing is known.
    pub fn cause(&self) -> Option<Cause> {
        self.error.as_ref().map(Error::cause)
    }

    /// `anonymous`: whether requests go without a token where servers ask for none and logins fail with such an error.
    pub(super) fn of(condition: Condition, closed: bool, servers: &str, anonymous: impl Fn(&Error) -> bool) -> Self {
        let (status, error) = match closed {
            true => (HealthStatus::Down, Some(Error::closed())),
            false => judge(&condition, servers, anonymous),
        };
        let Condition { gauges, failing_for, .. } = condition;
        let retries = error.is_some() && !gauges.retry_in.is_zero();
        let error = error.map(|error| if retries { error.with_retry_after(gauges.retry_in) } else { error });
        Self {
            status,
            error,
            failing_for,
            remaining_ms: gauges.remaining_ms,
            retry_in: gauges.retry_in,
            token_state: gauges.token,
            refresh_state: gauges.refresh,
        }
    }
}

fn judge(c: &Condition, servers: &str, anonymous: impl Fn(&Error) -> bool) -> (HealthStatus, Option<Error>) {
    use HealthStatus::{Degraded, Down, Ok, Unknown};
    let token = c.gauges.token;
    let failing = c.failing_for.is_some();
    if matches!(token, TokenState::Fresh | TokenState::Advisory | TokenState::Mandatory) {
        return if failing { (Degraded, c.error.clone()) } else { (Ok, None) };
    }
    if c.external {
        let error = if token == TokenState::Expired { Some(ended(c)) } else { c.error.clone() };
        return (Down, error);
    }
    // What a pause was chosen for may be an error of a client that is gone.
    if let Some(error) = &c.error
        && (failing || c.refused_everywhere || !c.gauges.retry_in.is_zero())
    {
        if c.open && token == TokenState::None && anonymous(error) {
            let message = format!("{servers}: no login succeeds, and no token is asked for: {}", error.message());
            return (Degraded, Some(error.clone().with_message(message).because(Cause::SentWithoutToken)));
        }
        return (Down, Some(error.clone()));
    }
    if let Some(hanging) = c.login_for.filter(|time| *time >= HANGING) {
        return (Down, Some(unanswered(c, servers, hanging)));
    }
    match token {
        TokenState::Expired => (Degraded, Some(ended(c))),
        TokenState::Rejected => {
            let message = "a server refused the token; the next call that wants one logs in";
            (Degraded, Some(Error::new(Kind::Forbidden, message).because(Cause::TokenExpired)))
        }
        _ => (Unknown, None),
    }
}

fn ended(c: &Condition) -> Error {
    let ago = c.gauges.remaining_ms.unsigned_abs().div_ceil(1000);
    let (kind, then) = match c.external {
        true => (Kind::BadCredentials, "it was given to this library, which cannot renew it; give it another one"),
        false => (Kind::Forbidden, "a login is due"),
    };
    Error::new(kind, format!("the token ended {ago} s ago; {then}")).because(Cause::TokenExpired)
}

fn unanswered(c: &Condition, servers: &str, hanging: Duration) -> Error {
    let seconds = hanging.as_secs();
    if let Some(cause) = c.waits_for {
        let message = format!("what gives the credentials has not answered for {seconds} s; no token until it does");
        return Error::new(Kind::NoCredentials, message).because(cause);
    }
    let message = format!("{servers}: no answer to a login for {seconds} s, and no token until there is one");
    Error::new(Kind::Timeout, message).because(Cause::NoAnswer)
}
