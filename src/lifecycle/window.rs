//! When a token is worth renewing, when callers had better wait for the new one, and when it is over.

use std::time::Duration;

use fastrand::Rng;

use super::Time;

/// Life assumed when the server says nothing usable.
const ASSUMED: Duration = Duration::from_secs(300);
/// The longest life believed: servers without authentication report an epoch second as `tokenTtl`.
const LONGEST: Duration = Duration::from_secs(24 * 3600);
/// A Nacos token ends on a whole second: up to this long before `sent + tokenTtl`.
const ROUNDING: Duration = Duration::from_secs(1);

/// The three moments in a token's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    /// From here on it is renewed in the background.
    pub(crate) advisory: Time,
    /// From here on callers wait (a little) for the renewal.
    pub(crate) mandatory: Time,
    /// From here on servers refuse it, as far as one can know beforehand.
    pub(crate) expiry: Time,
}

/// The life to reckon with, given what the server said.
pub(crate) fn believable(ttl: Option<Duration>) -> Duration {
    ttl.unwrap_or(ASSUMED).min(LONGEST)
}

impl Window {
    /// The window of a token that lives until `sent + remaining`, out of a life of `whole`.
    ///
    /// `first` spreads the first renewal of many processes started together over a fifth of the life. Later ones fall
    /// strictly inside the last tenth: a server with its token cache on hands out the same token until then.
    pub(crate) fn draw(rng: &mut Rng, sent: Time, remaining: Duration, whole: Duration, first: bool) -> Self {
        let expiry = sent + remaining - ROUNDING.min(whole / 4).min(remaining);
        Self::before(rng, expiry, whole, first)
    }

    /// Another window before the same expiry, for a process that got the token from its parent.
    pub(crate) fn redraw(&self, rng: &mut Rng, whole: Duration) -> Self {
        Self::before(rng, self.expiry, whole, false)
    }

    fn before(rng: &mut Rng, expiry: Time, whole: Duration, first: bool) -> Self {
        let latest = if first { 1.0 / 3.0 } else { 0.095 };
        let share = 1.0 / 15.0 + rng.f64() * (latest - 1.0 / 15.0);
        let short = Duration::from_secs(3).min(whole / 4);
        let ahead =
            if whole < Duration::from_secs(60) { whole.mul_f64(share).max(short) } else { whole.mul_f64(share) };
        let mandatory = Duration::from_secs(5).min(whole / 10).min(ahead / 2);
        Self { advisory: expiry.saturating_sub(ahead), mandatory: expiry.saturating_sub(mandatory), expiry }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SENT: Time = Duration::from_secs(1000);

    #[test]
    fn moments_come_in_order_for_every_life() {
        let mut rng = Rng::with_seed(7);
        for seconds in [1, 2, 3, 5, 8, 10, 59, 60, 300, 18_000, 86_400] {
            let life = Duration::from_secs(seconds);
            for first in [true, false] {
                let w = Window::draw(&mut rng, SENT, life, life, first);
                assert!(SENT < w.advisory && w.advisory < w.mandatory && w.mandatory < w.expiry, "{seconds} {w:?}");
                assert!(w.expiry < SENT + life);
            }
        }
    }

    #[test]
    fn later_cycles_renew_inside_the_last_tenth() {
        let mut rng = Rng::with_seed(1);
        let life = Duration::from_secs(18_000);
        for _ in 0..1000 {
            let w = Window::draw(&mut rng, SENT, life, life, false);
            assert!(w.advisory > SENT + life.mul_f64(0.9) && w.advisory < SENT + life.mul_f64(0.94));
        }
    }

    #[test]
    fn absurd_lives_are_clamped() {
        assert_eq!(believable(Some(Duration::MAX)), LONGEST);
        assert_eq!(believable(None), ASSUMED);
    }
}
