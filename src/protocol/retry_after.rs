//! The header `Retry-After`: how long a server asks to be left alone.

use std::time::{Duration, SystemTime};

/// Seconds or a date; anything else is ignored.
pub(crate) fn read(text: &str, now: SystemTime) -> Option<Duration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    httpdate::parse_http_date(text).ok()?.duration_since(now).ok()
}
