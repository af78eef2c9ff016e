//! Tokens at other servers than the one that gave them: while a secret changes node by node, they are good at some only.

use std::time::Duration;

use super::Time;

/// For how long a server's refusal of a token of another's is remembered.
const REMEMBERED: Duration = Duration::from_secs(30);

/// Servers that refused a token which another server had given, and when: one login each in half a minute.
#[derive(Clone, Debug, Default)]
pub(super) struct ForeignRefusals(Vec<ForeignRefusal>);

#[derive(Clone, Copy, Debug)]
struct ForeignRefusal {
    server: usize,
    at: Time,
}

impl ForeignRefusals {
    /// Notes one; false if there has been one by this server a short while ago.
    pub(super) fn note(&mut self, server: usize, now: Time) -> bool {
        self.0.retain(|r| now.saturating_sub(r.at) < REMEMBERED);
        let is_first = self.0.iter().all(|r| r.server != server);
        if is_first {
            self.0.push(ForeignRefusal { server, at: now });
        }
        is_first
    }
}
