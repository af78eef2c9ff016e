use std::time::{Duration, SystemTime};

use crate::protocol::retry_after::read;

#[test]
fn seconds_and_dates_are_read() {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    assert_eq!(read("120", None, now), Some(Duration::from_secs(120)));
    assert_eq!(read(" 0 ", None, now), Some(Duration::ZERO));
    assert_eq!(read("99999999999999999999999", None, now), Some(Duration::from_secs(u64::MAX)));
    assert_eq!(read("Sun, 09 Sep 2001 01:47:00 GMT", None, now), Some(Duration::from_secs(20)));
    for ignored in ["soon", "-5", "Fri, 31 Dec 1999 23:59:59 GMT", ""] {
        assert_eq!(read(ignored, None, now), None, "{ignored}");
    }
}

#[test]
fn a_date_counts_from_the_date_of_the_answer() {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    let ahead = "Sun, 09 Sep 2001 02:46:40 GMT";
    assert_eq!(read("Sun, 09 Sep 2001 02:46:42 GMT", Some(ahead), now), Some(Duration::from_secs(2)));
    assert_eq!(read("Sun, 09 Sep 2001 01:47:00 GMT", Some(ahead), now), None);
    assert_eq!(read("2", Some(ahead), now), Some(Duration::from_secs(2)));
    assert_eq!(read("Sun, 09 Sep 2001 01:47:00 GMT", Some("later"), now), Some(Duration::from_secs(20)));
}

#[test]
fn a_number_that_is_a_moment_about_now_is_one() {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    assert_eq!(read("1700000090", None, now), Some(Duration::from_secs(90)));
    assert_eq!(read("1700000090500", None, now), Some(Duration::from_millis(90_500)));
    assert_eq!(read("1699999990", None, now), None);
    assert_eq!(read("1699999990000", None, now), None);
    // Of a server whose clock is a day and more ahead.
    assert_eq!(read("1700200007", Some("Fri, 17 Nov 2023 05:46:40 GMT"), now), Some(Duration::from_secs(7)));
    for seconds in [0, 1, 3600, 86_400, 1_600_000_000, u64::MAX] {
        assert_eq!(read(&seconds.to_string(), None, now), Some(Duration::from_secs(seconds)), "{seconds}");
    }
}
