use std::time::Duration;

use http::HeaderMap;

use crate::{Kind, Request, protocol::headers::long_poll};

#[test]
fn headers_that_frame_a_message_or_belong_to_a_connection_are_refused() {
    for name in [
        "Content-Length",
        "Transfer-Encoding",
        "Host",
        "Connection",
        "Keep-Alive",
        "Proxy-Connection",
        "Proxy-Authorization",
        "Upgrade",
        "Expect",
        "TE",
        "Trailer",
        "HTTP2-Settings",
    ] {
        for name in [name.to_owned(), name.to_uppercase(), name.to_lowercase()] {
            let error = Request::post("/v1/cs/configs").unwrap().header(&name, "x").err().expect(&name);
            assert_eq!(error.kind(), Kind::InvalidArgument);
            let begin = format!("headers: \"{}\" ", name.to_lowercase());
            assert!(error.message().starts_with(&begin) && error.message().contains("leave it out"), "{error}");
        }
    }
}

#[test]
fn other_headers_are_the_callers() {
    for name in ["Accept", "Content-Type", "Accept-Encoding", "Cookie", "X-Host", "Content-MD5", "Via", "Authorization"]
    {
        assert!(Request::get("/v1/x").unwrap().header(name, "x").is_ok(), "{name}");
    }
}

#[test]
fn a_listener_says_how_long_its_answer_may_be_held_back() {
    for (text, ms) in [
        ("30000", 30_000),
        (" 30000 ", 30_000),
        ("1", 1),
        ("0", 0),
        ("", 0),
        ("-30000", 0),
        ("+30000", 0),
        ("30s", 0),
        ("1e9", 0),
        ("3.5", 0),
        ("600000", 600_000),
        ("600001", 600_000),
        ("31536000000", 600_000),
        ("18446744073709551615", 600_000),
        ("99999999999999999999999999", 600_000),
    ] {
        let mut headers = HeaderMap::new();
        headers.insert("Long-Pulling-Timeout", text.parse().unwrap());
        assert_eq!(long_poll(&headers), Duration::from_millis(ms), "{text:?}");
    }
    assert_eq!(long_poll(&HeaderMap::new()), Duration::ZERO);
}

#[test]
fn a_long_poll_has_more_time_unless_the_caller_says_how_much() {
    let usual = Duration::from_secs(15);
    let poll = Request::post("/v1/cs/configs/listener").unwrap();
    assert_eq!(poll.time(usual), usual);
    let poll = poll.header("Long-Pulling-Timeout", "30000").unwrap();
    assert_eq!(poll.time(usual), Duration::from_secs(45));
    assert_eq!(poll.time(Duration::MAX), Duration::MAX);
    assert_eq!(poll.timeout(Duration::from_secs(1)).time(usual), Duration::from_secs(1));
}

#[test]
fn a_name_that_is_none_is_shown_only_as_far_as_it_is_one() {
    for (name, shown) in [
        ("Authorization: Bearer hunter2", "Authorization…"),
        ("accessToken:hunter2", "accessToken…"),
        ("X-Key hunter2", "X-Key…"),
        ("X-Key=hunter2", "X-Key…"),
        ("X-Key\r\nAuthorization: hunter2", "X-Key…"),
        ("ähunter2", "…"),
        (": hunter2", "…"),
        ("", ""),
    ] {
        let message = Request::get("/v1/x").unwrap().header(name, "x").err().unwrap().to_string();
        assert_eq!(message, format!("headers: the name of \"{shown}\" is not what HTTP takes"));
    }
    let message = Request::get("/v1/x").unwrap().header("X-Key", "hunter2\n").err().unwrap().to_string();
    assert_eq!(message, "headers: the value of \"X-Key\" is not what HTTP takes");
}
