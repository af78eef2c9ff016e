//! The token, and how far it is trusted.

use std::time::Duration;

use super::{Time, window::Window};

/// A token, as far as the machine needs to know it: its text is the caller's.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) generation: u64,
    /// When its login was sent, and when the answer came.
    pub(super) sent: Time,
    pub(super) issued: Time,
    /// When a server was first known to take it.
    pub(super) accepted: Option<Time>,
    /// When the request was sent with which one was last told to have taken it: that is told after each refusal.
    pub(super) taken: Option<Time>,
    /// The server that gave it, if that is known.
    pub(super) issued_by: Option<usize>,
    pub(super) window: Window,
    /// The life it began with; `window` shrinks when a server hands out the same token again.
    pub(super) whole: Duration,
    pub(super) trust: Trust,
}

impl Token {
    /// Whether callers may have it.
    pub(super) fn is_usable(&self) -> bool {
        matches!(self.trust, Trust::Usable { .. })
    }
}

/// How far a token is trusted.
///
/// ```text
/// login ──▶ Usable ───────────── refused for its own sake ─────────────▶ Rejected
///           │  record: New or Replacement ── accepted ──▶ Accepted          │
///           │          Replacement ── refused once ──▶ Contested            │
///           │          Accepted ── refused like the one before ──▶ Contested │
///           │  doubt:  None ◀── 403 without a reason, then login failed ──▶ Unexplained
///           └───────────────── the next login brings another token ─────────┘
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trust {
    /// Callers get it.
    Usable { record: Record, doubt: Doubt },
    /// A server refused it for its own sake, so nobody gets it any more. A login for it waits until somebody wants a
    /// token, unless it was due already because the token was doubted.
    Rejected { was_accepted: bool, login_due: bool },
}

/// What servers have said about a usable token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Record {
    /// Nothing yet.
    New,
    /// Nothing yet, but the token before it had been accepted.
    Replacement,
    /// A server took it.
    Accepted,
    /// A replacement that was refused when it was new, or while others were served with it: perhaps by one path or server
    /// only, so it is kept.
    Contested { accepted: bool },
}

impl Record {
    fn is_accepted(self) -> bool {
        matches!(self, Self::Accepted | Self::Contested { accepted: true })
    }
}

/// Why a login is wanted before a usable token's time has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Doubt {
    /// It is not.
    None,
    /// The token was refused without a reason. One login shows more; until it has ended, callers wait for it a little.
    Unexplained,
    /// The token was got with other credentials of the same user. As `Unexplained`, until the first login with the
    /// present credentials has ended.
    OtherCredentials,
    /// That login failed: callers have the token at once, but logins go on as fast as the pauses allow.
    OtherCredentialsFailed,
}

impl Trust {
    /// A new token. `before`: the token it replaces.
    pub(super) fn new(before: Option<Self>) -> Self {
        let record = if before.is_some_and(Self::was_accepted) { Record::Replacement } else { Record::New };
        Self::Usable { record, doubt: Doubt::None }
    }

    /// A token that had been given up or set aside, and that a server takes all the same.
    pub(super) fn revived() -> Self {
        Self::Usable { record: Record::Accepted, doubt: Doubt::None }
    }

    /// Another set of credentials takes the token over. None if it is worth nothing.
    pub(super) fn taken_over(self) -> Option<Self> {
        match self {
            Self::Usable { record, .. } => Some(Self::Usable { record, doubt: Doubt::OtherCredentials }),
            Self::Rejected { .. } => None,
        }
    }

    /// A server took it.
    pub(super) fn accept(&mut self) {
        match self {
            Self::Usable { record: Record::Contested { accepted }, .. } => *accepted = true,
            Self::Usable { record, .. } => *record = Record::Accepted,
            Self::Rejected { was_accepted, .. } => *was_accepted = true,
        }
    }

    /// Refused, but perhaps by one path or server only.
    pub(super) fn contest(&mut self) {
        if let Self::Usable { record, .. } = self {
            *record = Record::Contested { accepted: record.is_accepted() };
        }
    }

    /// Refused for its own sake.
    pub(super) fn reject(&mut self) {
        *self = Self::Rejected { was_accepted: self.was_accepted(), login_due: self.is_doubted() };
    }

    /// Refused without a reason.
    pub(super) fn doubt(&mut self) {
        if let Self::Usable { doubt, .. } = self {
            *doubt = match doubt {
                Doubt::None | Doubt::Unexplained => Doubt::Unexplained,
                Doubt::OtherCredentials | Doubt::OtherCredentialsFailed => Doubt::OtherCredentials,
            };
        }
    }

    /// A login ended without another token.
    pub(super) fn login_failed(&mut self) {
        match self {
            Self::Usable { doubt, .. } => {
                *doubt = match doubt {
                    Doubt::None | Doubt::Unexplained => Doubt::None,
                    Doubt::OtherCredentials | Doubt::OtherCredentialsFailed => Doubt::OtherCredentialsFailed,
                }
            }
            Self::Rejected { login_due, .. } => *login_due = false,
        }
    }

    /// Whether a login is due at once and callers had better wait for it, although the token has not been rejected; or
    /// was, when it was rejected.
    pub(super) fn is_doubted(self) -> bool {
        matches!(
            self,
            Self::Usable { doubt: Doubt::Unexplained | Doubt::OtherCredentials, .. }
                | Self::Rejected { login_due: true, .. }
        )
    }

    /// Whether a login is due whatever the clock says and whoever asks.
    pub(super) fn wants_login(self) -> bool {
        self.is_doubted() || matches!(self, Self::Usable { doubt: Doubt::OtherCredentialsFailed, .. })
    }

    pub(super) fn is_contested(self) -> bool {
        matches!(self, Self::Usable { record: Record::Contested { .. }, .. })
    }

    /// Whether the token before it had been accepted, and nobody has said anything about this one.
    pub(super) fn is_replacement(self) -> bool {
        matches!(self, Self::Usable { record: Record::Replacement, .. })
    }

    /// Whether it is usable and nobody has taken it yet.
    pub(super) fn is_unproven(self) -> bool {
        matches!(self, Self::Usable { record: Record::New | Record::Replacement, .. })
    }

    /// Whether a server has taken it.
    pub(super) fn was_accepted(self) -> bool {
        match self {
            Self::Usable { record, .. } => record.is_accepted(),
            Self::Rejected { was_accepted, .. } => was_accepted,
        }
    }
}
