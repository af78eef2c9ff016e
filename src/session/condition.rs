//! How a session is, for whoever asks: everything that its health follows from, read in one go.

use std::time::Duration;

use super::{
    credentials::Source,
    session::{Gauges, Session},
};
use crate::{cause::Cause, error::Error, protocol::openness::Openness, sys::clock};

/// What the health of a client follows from.
pub(crate) struct Condition {
    pub(crate) gauges: Gauges,
    /// What calls get that have no token: the last login's error, or that of tokens which servers refuse one after the other.
    pub(crate) error: Option<Error>,
    /// How long ago the first login failed of those that have failed since the last success.
    pub(crate) failing_for: Option<Duration>,
    /// Tokens are refused although they are new.
    pub(crate) refused_everywhere: bool,
    /// For how long a login has been under way.
    pub(crate) login_for: Option<Duration>,
    /// It still waits for its credentials: what that is the matter of.
    pub(crate) waits_for: Option<Cause>,
    /// No login brings a token, but somebody else.
    pub(crate) external: bool,
    /// The credentials have brought a token before.
    pub(crate) was_good: bool,
    /// When asked last, the servers wanted no token of anybody.
    pub(crate) open: bool,
}

impl Session {
    pub(crate) fn condition(&self) -> Condition {
        let state = self.lock();
        let now = clock::now();
        let login = state.machine.logging_in_since();
        Condition {
            gauges: state.gauges(now),
            error: state.last_error.clone(),
            failing_for: state.failing_since.map(|since| now.saturating_sub(since)),
            refused_everywhere: state.machine.is_refused_everywhere(),
            login_for: login.map(|since| now.saturating_sub(since)),
            waits_for: login.filter(|since| state.looked < *since).and(match self.source {
                Source::File { .. } => Some(Cause::PasswordFile),
                Source::Callback(_) => Some(Cause::CredentialsCallback),
                Source::Password(_) | Source::Token { .. } => None,
            }),
            external: matches!(self.source, Source::Token { .. }),
            was_good: state.machine.was_good(),
            open: matches!(state.openness, Some((Openness::Open, _))),
        }
    }
}
