//! A token that comes from elsewhere and that no login renews.

use std::time::Duration;

use super::{
    Time,
    decision::{Issued, Verdict},
    machine::Machine,
    token::{Token, Trust},
    window::Window,
};
use crate::protocol::rejection::Rejection;

impl Machine {
    /// A machine for a token that comes from elsewhere and that no login renews: [`give`](Self::give) brings it. No login
    /// is ever due. It is served until a server refuses it for its own sake, then callers fail at once.
    pub(crate) fn external(seed: u64) -> Self {
        Self { external: true, ..Self::new(seed) }
    }

    /// A token came from elsewhere: for a machine that is [`external`](Self::external). It lives exactly as long as it
    /// is said to, or without an end.
    pub(crate) fn give(&mut self, issued: Issued, now: Time) {
        debug_assert!(self.external, "a token that a login would replace");
        let Issued { generation, ttl, sent, server: issued_by, .. } = issued;
        let window = Window::until(ttl.map_or(Time::MAX, |ttl| sent.saturating_add(ttl)));
        let trust = Trust::new(self.token.as_ref().map(|t| t.trust));
        let whole = ttl.unwrap_or(Duration::MAX);
        self.token =
            Some(Token { generation, sent, issued: now, accepted: None, taken: None, issued_by, window, whole, trust });
    }

    /// A token from elsewhere was refused. Whoever asks for a token again gets another one if one has been given in the
    /// meantime, else the error that says what is to be done. Without a reason it is kept, as no login can show more.
    pub(super) fn external_rejected(&mut self, generation: u64, why: Rejection) -> Verdict {
        match &mut self.token {
            Some(token) if token.is_usable() && token.generation == generation => {
                if why != Rejection::Identity {
                    return Verdict::Return;
                }
                token.trust.reject();
                Verdict::Replay
            }
            _ if why == Rejection::Identity => Verdict::Replay,
            _ => Verdict::ReplayIfIdempotent,
        }
    }
}
