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
    /// Send the request again with the token of `generation`, once `after` is over: to another server if that token was
    /// refused by this one in the same request, and over another connection, which may lead to another node.
    Retry {
        /// The token to send.
        generation: u64,
        /// How long to wait before.
        after: Duration,
    },
}

/// What servers have said to one request so far.
#[derive(Clone, Debug, Default)]
pub struct Attempts {
    /// When it was sent last. What was sent before a token was given up says nothing of it.
    pub(super) sent: Time,
    /// When a token of it was refused first.
    pub(super) refused_at: Option<Time>,
    /// Tokens refused for their own sake, and by whom.
    pub(super) refused: Vec<(u64, Option<usize>)>,
    /// The fresh token that was waited for, and how often.
    pub(super) waits: (u64, usize),
    /// A token was so fresh that its refusal says nothing of the servers' secrets.
    pub(super) was_fresh: bool,
    /// What was asked for, as a number, if it may be asked for again.
    pub(super) request: Option<u64>,
    /// The request is sent by somebody else.
    pub(super) reported: bool,
    /// Who says which server it was, and waits when told to.
    pub(super) waits_when_told: bool,
    /// How many servers the request may be sent to; 0 if that is not known.
    servers: usize,
    /// Those of them that are down: what they would say is not to be had.
    down: Vec<usize>,
}

impl Attempts {
    /// Of a request that may be sent to so many `servers`.
    pub fn among(servers: usize) -> Self {
        Self { servers, ..Self::default() }
    }

    /// Of a request that somebody else sends, who reports the answer to it.
    pub fn reported() -> Self {
        Self { reported: true, ..Self::default() }
    }

    /// The same of somebody who says which server it was, and waits when told to, and who has been refused the token of
    /// `generation` so many `times` before.
    pub fn counted(generation: u64, times: usize) -> Self {
        Self { waits: (generation, times), waits_when_told: true, ..Self::reported() }
    }

    /// The request is sent now.
    pub fn begin(&mut self, now: Time) {
        self.sent = now;
    }

    /// What it asks for is this, as a number.
    pub(crate) fn asks_for(&mut self, request: Option<u64>) {
        self.request = request;
    }

    /// These servers are down, by their places.
    pub fn note_down(&mut self, servers: Vec<usize>) {
        self.down = servers;
    }

    pub(super) fn is_down(&self, at: usize) -> bool {
        self.down.contains(&at)
    }

    /// How often a token was refused.
    pub fn count(&self) -> usize {
        self.refused.len()
    }

    /// Whether nothing has been refused.
    pub fn is_empty(&self) -> bool {
        self.refused.is_empty()
    }

    /// Whether the server `at` has refused the token of `generation` in this request.
    pub fn was_refused(&self, generation: u64, at: usize) -> bool {
        self.refused.contains(&(generation, Some(at)))
    }

    /// Whether there are servers that have not refused this request, so that another send is theirs.
    pub(super) fn may_go_elsewhere(&self) -> bool {
        // One may have been asked twice; one that is down never answers.
        self.servers > 1 && self.count() < 2 * self.servers && !self.is_refused_everywhere()
    }

    /// Whether each of several servers has refused this request, but for those that are down. Behind one address there may be
    /// others that did not.
    pub(super) fn is_refused_everywhere(&self) -> bool {
        let has_refused = |at| self.refused.iter().any(|(_, by)| *by == Some(at));
        self.servers > 1 && (0..self.servers).all(|at| self.is_down(at) || has_refused(at))
    }

    /// Whether another token than that of `generation` has been refused in this request.
    pub(super) fn has_refused_another(&self, generation: u64) -> bool {
        self.refused.iter().any(|(refused, _)| *refused != generation)
    }

    /// Whether the token of `generation` has been refused in this request.
    pub fn has_refused(&self, generation: u64) -> bool {
        self.refused.iter().any(|(refused, _)| *refused == generation)
            || (self.waits_when_told && self.waits.0 == generation && self.waits.1 > 0)
    }
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

impl Occasion {
    pub(crate) const ALL: [Self; 3] = [Self::First, Self::Renewal, Self::Rejection];
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
    CredentialsRejected,
}
