use std::time::{Duration, SystemTime};

use crate::protocol::retry_after::read;

#[test]
fn seconds_and_dates_are_read() {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    assert_eq!(read("120", now), Some(Duration::from_secs(120)));
    assert_eq!(read(" 0 ", now), Some(Duration::ZERO));
    assert_eq!(read("Sun, 09 Sep 2001 01:47:00 GMT", now), Some(Duration::from_secs(20)));
    for ignored in ["soon", "-5", "Fri, 31 Dec 1999 23:59:59 GMT", ""] {
        assert_eq!(read(ignored, now), None, "{ignored}");
    }
}
