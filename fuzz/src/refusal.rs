//! Why a request was refused, and whether a server asks for tokens at all.

use nacos_auth::fuzzing::{self, Rejection};

use crate::{
    answer::Answer,
    planted,
    secrets::{PASSWORDS, TOKEN, check_quotation, given_away, repeat},
    spells,
};

/// How much of an answer is read.
const READ: usize = 4096;

pub fn run(data: &[u8]) {
    let Answer { status, choice, body, .. } = Answer::read(data);
    let password = PASSWORDS[choice % PASSWORDS.len()];
    let body = repeat(body, password);
    let why = fuzzing::classify(status, &body);
    check_reason(status, &body, why);
    check_quotations(&body, password);
    for question in fuzzing::questions() {
        for is_known in [false, true] {
            check_openness(question, status, &body, is_known, why);
        }
    }
    let missing = fuzzing::is_missing_api(status, &body);
    assert!(!missing || matches!(status, 404 | 500));
    assert!(!(missing && status == 404 && why.is_some()), "a refusal, and no API");
}

fn check_reason(status: u16, body: &[u8], why: Option<Rejection>) {
    match status {
        401 | 403 => assert!(why.is_some()),
        // A fault in the instant of a token's expiry.
        500 => assert!(matches!(why, None | Some(Rejection::Identity))),
        _ => assert_eq!(why, None),
    }
    let shouted = fuzzing::classify(status, &body.to_ascii_uppercase());
    let shouted = planted(shouted, None, || spells(body, b"fz:q"));
    assert_eq!(why, shouted, "the case of words tells nothing");
    let mut padded = body.to_vec();
    padded.resize(READ.max(body.len()), b' ');
    padded.extend_from_slice(b"jwt expired token expired! authorization failed!");
    assert_eq!(why, fuzzing::classify(status, &padded), "only the beginning is read");
}

fn check_quotations(body: &[u8], password: &str) {
    let said = fuzzing::quote_refusal(body, &[TOKEN, password]);
    check_quotation(&said);
    assert_eq!(given_away(&said, TOKEN), None, "{said}");
    if password.chars().count() >= 4 {
        assert_eq!(given_away(&said, password), None, "{said}");
    }
}

fn check_openness(question: &str, status: u16, body: &[u8], is_known: bool, why: Option<Rejection>) {
    let open = fuzzing::is_open(question, status, body, is_known);
    if question.ends_with("/state") {
        return assert!(matches!(open, None | Some(true)) && (open.is_none() || status == 200));
    }
    match open {
        Some(true) => {
            assert!(why.is_none() && matches!(status, 200..=299 | 404), "open, by a refusal");
            assert!(is_known || fuzzing::is_nacos(body), "open, by what is no Nacos");
        }
        Some(false) => assert!(why.is_some(), "closed, by no refusal"),
        None => assert!(!is_known || why.is_none()),
    }
}
