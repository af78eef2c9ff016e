//! When a token is worth renewing, when callers had better wait for the new one, and when it is over.

use std::time::Duration;

use fastrand::Rng;

use super::Time;

/// Life assumed when the server says nothing usable.
pub(super) const ASSUMED: Duration = Duration::from_secs(300);
/// The longest life believed: servers without authentication report an epoch second as `tokenTtl`.
pub(super) const LONGEST: Duration = Duration::from_secs(24 * 3600);
/// A Nacos token ends on a whole second: up to this long before `sent + tokenTtl`.
const ROUNDING: Duration = Duration::from_secs(1);

/// The three moments in a token's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    /// From here on it is renewed in the background.
    pub(super) advisory: Time,
    /// From here on callers wait (a little) for the renewal.
    pub(super) mandatory: Time,
    /// From here on servers refuse it, as far as one can know beforehand.
    pub(super) expiry: Time,
}

/// The life to reckon with, given what the server said.
pub(crate) fn believable(ttl: Option<Duration>) -> Duration {
    ttl.unwrap_or(ASSUMED).min(LONGEST)
}

/// How much life a token has left when it is renewed: at most, which is the first time, and at least.
pub(crate) fn renewal(life: Duration) -> (Duration, Duration) {
    let life = life.min(LONGEST);
    (ahead(life, FIRST), ahead(life, LAST))
}

/// The earliest first renewal, the earliest later one and the latest of all, as shares of the life that are left.
const FIRST: f64 = 1.0 / 3.0;
const LATER: f64 = 0.095;
const LAST: f64 = 1.0 / 15.0;

fn ahead(whole: Duration, share: f64) -> Duration {
    let short = Duration::from_secs(3).min(whole / 4);
    if whole < Duration::from_secs(60) { whole.mul_f64(share).max(short) } else { whole.mul_f64(share) }
}

impl Window {
    /// The window of a token that lives until `sent + remaining`, out of a life of `whole`.
    ///
    /// `first` spreads the first renewal of many processes started together over a fifth of the life. Later ones fall
    /// strictly inside the last tenth: a server with its token cache on hands out the same token until then.
    pub(super) fn draw(rng: &mut Rng, sent: Time, remaining: Duration, whole: Duration, first: bool) -> Self {
        let expiry = sent + remaining - ROUNDING.min(whole / 4).min(remaining);
        Self::before(rng, expiry, whole, first)
    }

    /// The window of a token that nothing renews: good until its expiry, and nothing to wait for before.
    pub(super) fn until(expiry: Time) -> Self {
        Self { advisory: expiry, mandatory: expiry, expiry }
    }

    /// Another window before the same expiry, for a process that got the token from its parent.
    pub(super) fn redraw(&self, rng: &mut Rng, whole: Duration) -> Self {
        Self::before(rng, self.expiry, whole, false)
    }

    fn before(rng: &mut Rng, expiry: Time, whole: Duration, first: bool) -> Self {
        let earliest = if first { FIRST } else { LATER };
        let ahead = ahead(whole, LAST + rng.f64() * (earliest - LAST));
        let mandatory = Duration::from_secs(5).min(whole / 10).min(ahead / 2);
        Self { advisory: expiry.saturating_sub(ahead), mandatory: expiry.saturating_sub(mandatory), expiry }
    }
}
