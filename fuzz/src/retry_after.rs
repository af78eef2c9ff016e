//! What servers say besides: when to come back, and that they were spoken to in the wrong way.

use std::time::Duration;

use http::HeaderValue;
use nacos_auth::fuzzing::{self, LoginError, Machine, Reason, Time};

use crate::{answer::Answer, planted, spells};

/// An hour, and a fifth for the spreading of many clients.
const LONGEST: Duration = Duration::from_secs(3600 * 6 / 5);
/// How far off a moment may be.
const DAY: Duration = Duration::from_secs(24 * 3600);

pub fn run(data: &[u8]) {
    let Answer { status, choice, headers, body } = Answer::read(data);
    if let Some(value) = headers.first().and_then(|header| HeaderValue::from_bytes(header).ok()) {
        check_retry_after(&value, choice);
    }
    for https in [false, true] {
        let advice = fuzzing::advice(status, https, body);
        assert!(advice.is_none() || status == 400);
        // Written by this library: nothing of the answer is in it.
        assert!(advice.is_none_or(|advice| advice.contains("https://") || advice.contains("client_cert_file")));
    }
}

fn check_retry_after(value: &HeaderValue, choice: usize) {
    let after = fuzzing::retry_after(value.clone());
    let text = value.to_str().unwrap_or("?").trim();
    let after = planted(after, Some(Duration::ZERO), || spells(text, b"7777"));
    if !text.is_empty() && text.len() < 19 && text.bytes().all(|byte| byte.is_ascii_digit()) {
        let seconds = Duration::from_secs(text.parse().expect("digits"));
        // What is a moment about now, as seconds or milliseconds since 1970, is taken for one.
        assert!(after == Some(seconds) || after.is_none_or(|after| after < DAY) && seconds > DAY, "{text}: {after:?}");
    } else if !text.bytes().any(|byte| byte.is_ascii_digit()) {
        assert_eq!(after, None, "neither a number nor a date");
    }
    if after.is_none() {
        return;
    }
    let reasons = [Reason::Overloaded, Reason::Gateway, Reason::Fault, Reason::Refused, Reason::NotNacos];
    let reason = reasons[choice % reasons.len()];
    let now = Time::from_secs(1000);
    let mut machine = Machine::new(choice as u64);
    machine.demand(now);
    let number = machine.start(now).expect("a login is due");
    assert!(machine.failed(number, LoginError::Answered(reason, after), now));
    let until = fuzzing::view(&machine, now).retry_at.expect("a pause");
    assert!(until > now && until <= now + LONGEST, "{after:?} of {text:?} is a pause of {:?}", until - now);
}
