//! The figures of one handle.

use std::time::Duration;

use crate::{
    lifecycle::{Occasion, RefreshState, TokenState},
    observe::{Count, Counters, Outcome},
    session::Gauges,
};

/// Counters since the client was made, and its present state.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Stats {
    /// Logins that brought a token this client uses.
    pub logins: u64,
    /// Logins that did not.
    pub login_failures: u64,
    /// Calls of [`Client::request`](crate::Client::request).
    pub requests: u64,
    /// Requests repeated with a new token.
    pub replays: u64,
    /// Answers that refused a token, whatever the reason.
    pub rejections: u64,
    /// Of those: for want of a permission.
    pub rejections_permission: u64,
    /// Calls that waited for a login.
    pub waits: u64,
    /// Generation of the token; 0 if there is none.
    pub generation: u64,
    /// Milliseconds until the token's reckoned expiry.
    pub remaining_ms: i64,
    /// State of the token.
    pub token_state: TokenState,
    /// State of its renewal.
    pub refresh_state: RefreshState,
    /// Successful logins when there was no token yet.
    pub logins_first: u64,
    /// Successful logins before a token's expiry.
    pub logins_renewal: u64,
    /// Successful logins after a server refused the token.
    pub logins_rejection: u64,
    /// Failed logins: no server could be reached.
    pub failures_unreachable: u64,
    /// Failed logins: no answer in time, or too much to do (429, 502 to 504).
    pub failures_overloaded: u64,
    /// Failed logins: the credentials were refused, or the server failed over them (500).
    pub failures_refused: u64,
    /// Failed logins: the answer was not that of a Nacos, or there was nothing to log in with.
    pub failures_other: u64,
    /// Refused tokens: invalid or expired.
    pub rejections_identity: u64,
    /// Refused tokens: without saying why.
    pub rejections_unknown: u64,
    /// Calls that got the last login's error because the next login was not due yet.
    pub suppressed_by_pause: u64,
    /// The same while the credentials counted as wrong.
    pub suppressed_by_rejection: u64,
    /// Refusals of a token that had been replaced already: answered by a replay, without a login.
    pub suppressed_by_generation: u64,
    /// Calls that wait for a login now.
    pub waiting: u64,
    /// How long until the next login after one that failed; zero if none is waiting for its time.
    pub retry_in: Duration,
}

impl Stats {
    pub(super) fn of(counters: &Counters, gauges: Gauges) -> Self {
        use Count::*;
        let get = |count| counters.get(count);
        let logins = |occasion| counters.logins(occasion, Outcome::Success);
        let failures = |why| Occasion::ALL.iter().map(|occasion| counters.logins(*occasion, why)).sum::<u64>();
        let Gauges { generation, remaining_ms, retry_in, token, refresh } = gauges;
        Self {
            logins: Occasion::ALL.map(logins).iter().sum(),
            login_failures: Outcome::FAILURES.map(failures).iter().sum(),
            requests: get(Requests),
            replays: get(Replays),
            rejections: get(RejectionsIdentity) + get(RejectionsPermission) + get(RejectionsUnknown),
            rejections_permission: get(RejectionsPermission),
            waits: get(Waits),
            generation,
            remaining_ms,
            token_state: token,
            refresh_state: refresh,
            logins_first: logins(Occasion::First),
            logins_renewal: logins(Occasion::Renewal),
            logins_rejection: logins(Occasion::Rejection),
            failures_unreachable: failures(Outcome::Unreachable),
            failures_overloaded: failures(Outcome::Overloaded),
            failures_refused: failures(Outcome::Refused),
            failures_other: failures(Outcome::Other),
            rejections_identity: get(RejectionsIdentity),
            rejections_unknown: get(RejectionsUnknown),
            suppressed_by_pause: get(SuppressedByPause),
            suppressed_by_rejection: get(SuppressedByRejection),
            suppressed_by_generation: get(SuppressedByGeneration),
            waiting: get(Waiting),
            retry_in,
        }
    }
}
