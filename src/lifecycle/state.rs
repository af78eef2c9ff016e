//! What the machine tells about itself.

use super::{
    Time,
    backoff::{Class, Pause},
    decision::{Occasion, RefreshState, TokenState},
    machine::{BETWEEN_ATTEMPTS, Machine, Refresh},
    token::Trust,
};

impl Machine {
    pub(crate) fn token_state(&self, now: Time) -> TokenState {
        match &self.token {
            None => TokenState::None,
            Some(t) if !t.is_usable() => TokenState::Rejected,
            Some(t) if now >= t.window.expiry => TokenState::Expired,
            Some(t) if now >= t.window.mandatory => TokenState::Mandatory,
            Some(t) if now >= t.window.advisory => TokenState::Advisory,
            Some(_) => TokenState::Fresh,
        }
    }

    pub(crate) fn refresh_state(&self) -> RefreshState {
        match self.refresh {
            Refresh::Idle => RefreshState::Idle,
            Refresh::LoggingIn { .. } => RefreshState::InFlight,
            Refresh::Pausing(Pause { class: Class::CredentialsRejected, .. }) => RefreshState::CredentialsRejected,
            Refresh::Pausing(_) => RefreshState::BackingOff,
        }
    }

    /// The generation that may be used without asking again, if there is one.
    pub(crate) fn cacheable(&self, now: Time) -> Option<u64> {
        let usable = |trust: Trust| matches!(trust, Trust::Usable { .. }) && !trust.is_doubted();
        let token = self.token.as_ref().filter(|t| usable(t.trust) && now < t.window.mandatory)?;
        Some(token.generation)
    }

    /// When the token is reckoned to expire. None if there is no token, or nobody knows its end.
    pub(crate) fn expiry(&self) -> Option<Time> {
        self.token.as_ref().map(|t| t.window.expiry).filter(|at| *at < Time::MAX)
    }

    /// When a pause after a failed login ends with another, if there is one.
    pub(crate) fn retry_at(&self) -> Option<Time> {
        match self.refresh {
            Refresh::Pausing(pause) => {
                Some(self.last_attempt.map_or(pause.until, |at| pause.until.max(at + BETWEEN_ATTEMPTS)))
            }
            Refresh::Idle | Refresh::LoggingIn { .. } => None,
        }
    }

    /// Since when a login has been under way, if one is.
    pub(crate) fn logging_in_since(&self) -> Option<Time> {
        match self.refresh {
            Refresh::LoggingIn { since, .. } => Some(since),
            Refresh::Idle | Refresh::Pausing(_) => None,
        }
    }

    /// Whether the last logins were refused for their credentials' sake.
    pub(crate) fn is_refused(&self) -> bool {
        matches!(self.refresh, Refresh::Pausing(pause) if pause.class.is_refusal())
    }

    /// The status with which something before the servers let nothing through when the last login was made.
    pub(crate) fn guarded(&self) -> Option<u16> {
        self.guarded
    }

    /// Two generations in a row were refused although both were fresh: a failure of the servers, not of a login.
    pub(crate) fn is_refused_everywhere(&self) -> bool {
        self.refused_in_a_row >= 2
    }

    /// What a login is good for now.
    pub(crate) fn occasion(&self) -> Occasion {
        match &self.token {
            None => Occasion::First,
            Some(token) if !token.is_usable() || token.trust.is_doubted() => Occasion::Rejection,
            Some(_) => Occasion::Renewal,
        }
    }

    /// Whether these credentials have brought a token before.
    pub(crate) fn was_good(&self) -> bool {
        self.was_good
    }

    /// Whether servers were unreachable a short while ago.
    pub(crate) fn had_outage(&self, now: Time) -> bool {
        self.backoff.had_outage(now)
    }
}
