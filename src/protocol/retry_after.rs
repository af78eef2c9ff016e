//! The header `Retry-After`: how long a server asks to be left alone.

use std::time::{Duration, SystemTime};

/// A number this close to now, as seconds or milliseconds since 1970, is meant as a moment.
const ABOUT_NOW: Duration = Duration::from_secs(24 * 3600);

/// Seconds or a date; anything else is ignored. `date` is what the same answer has in its header `Date`: a moment is one of
/// the server's clock, which may be another than `now`.
pub(crate) fn read(text: &str, date: Option<&str>, now: SystemTime) -> Option<Duration> {
    let text = text.trim();
    let now = date.and_then(|date| httpdate::parse_http_date(date.trim()).ok()).unwrap_or(now);
    let number = match text.parse() {
        Ok(number) => number,
        // Beyond the reach of a number.
        Err(_) if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) => u64::MAX,
        Err(_) => return httpdate::parse_http_date(text).ok()?.duration_since(now).ok(),
    };
    let moments = [Duration::from_secs(number), Duration::from_millis(number)];
    let now = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    match moments.into_iter().find(|at| at.abs_diff(now) < ABOUT_NOW) {
        Some(at) if number > ABOUT_NOW.as_secs() => at.checked_sub(now),
        _ => Some(Duration::from_secs(number)),
    }
}
