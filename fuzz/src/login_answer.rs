//! What an answer to a login is taken for.

use nacos_auth::{
    Secret,
    fuzzing::{self, NoToken, Reason},
};
use serde_json::Value;

use crate::{
    answer::Answer,
    planted,
    secrets::{PASSWORDS, TOKEN, check_quotation, given_away, repeat},
    spells,
};

pub fn run(data: &[u8]) {
    let Answer { status, choice, body, .. } = Answer::read(data);
    let password = PASSWORDS[choice % PASSWORDS.len()];
    let body = repeat(body, password);
    let secret = Secret::from(password);
    let read = fuzzing::read_login(status, &body, &secret);
    assert_eq!(read, fuzzing::read_login(status, &body, &secret), "not the same twice");
    match read {
        Ok((token, ttl)) => {
            check_token(token.expose(), &body);
            assert!((200..300).contains(&status), "a token from an answer that refuses: {status}");
            assert!(ttl.is_none_or(|ttl| !ttl.is_zero()), "a token that never lived");
        }
        Err(mut refused) => {
            refused.said = planted(refused.said, password.into(), || spells(&body, b"eyZq"));
            check_refusal(status, &body, password, &refused);
        }
    }
    check_voice(status, &body);
}

/// It is what the answer has in its place, and a header can carry it.
fn check_token(token: &str, body: &[u8]) {
    assert!(!token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic()), "{token:?}");
    let json: Value = serde_json::from_slice(body).expect("a token from what is no JSON");
    let data = json["data"].as_str().and_then(|data| data.strip_prefix("Bearer "));
    assert_eq!(Some(token), json["accessToken"].as_str().or(data), "another token than the answer's");
}

fn check_refusal(status: u16, body: &[u8], password: &str, refused: &NoToken) {
    let NoToken { reason, is_verdict, said } = refused;
    check_quotation(said);
    let holds_token = String::from_utf8_lossy(body).contains("accessToken");
    // A message is for people: what a server writes there is shown.
    if holds_token && !(200..300).contains(&status) {
        assert_eq!(given_away(said, TOKEN), None, "{said}");
    }
    if password.chars().count() >= 4 {
        assert_eq!(given_away(said, password), None, "{said}");
    } else {
        let other = fuzzing::read_login(status, body, &Secret::from("Q"));
        assert_eq!(Some(said), other.err().map(|other| other.said).as_ref(), "it tells a short password");
    }
    match reason {
        Reason::MissingApi | Reason::Gateway => assert!(!is_verdict, "nobody has judged the credentials"),
        Reason::Refused => assert!(matches!(status, 200..=299 | 400 | 401 | 403)),
        Reason::Fault => assert_eq!(status, 500),
        Reason::Overloaded => {
            // r-nacos has no status of its own for it.
            let says_so = status == 403 && String::from_utf8_lossy(body).contains("LOGIN_LIMITE_ERROR");
            assert_eq!(*is_verdict, says_so || status == 429, "a 503 may be of what stands before one path");
            assert!(*is_verdict || status == 503);
        }
        Reason::NotNacos => assert!(!is_verdict || status == 500),
    }
    // The same password sent to more paths is a look more: only where no Nacos has spoken.
    if *is_verdict && matches!(status, 400 | 401 | 403) {
        assert!(status != 401 && fuzzing::is_nacos(body), "the verdict of what is no Nacos");
    }
}

fn check_voice(status: u16, body: &[u8]) {
    let is_nacos = fuzzing::is_nacos(body);
    assert!(!(is_nacos && body.trim_ascii_start().starts_with(b"<")), "a page is no Nacos");
    let carried_out = fuzzing::carried_out(status, body);
    match status {
        200..=299 => assert!(carried_out),
        502 | 504 => assert!(!carried_out, "a gateway"),
        400..=599 => assert_eq!(carried_out, is_nacos),
        _ => assert!(!carried_out),
    }
}
