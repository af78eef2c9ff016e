//! Is this the voice of a Nacos? What stands before one, or in its place, answers too: with pages of its own.

use serde_json::{Map, Value};

use super::rejection::{READ, is_page};

/// What a Nacos, or r-nacos, says to a request that it does not carry out. Lower case; 1.x and 2.x say it as plain text.
const WORDS: &[&str] = &[
    "unknown user!",
    "user not found!",
    "user not found",
    "token expired!",
    "expired token",
    "token invalid!",
    "invalid token",
    "invalid signature",
    "unsupported signature algorithm",
    "authorization failed!",
    "server identity",
    "please config",
    "nacos auth plugin",
    "api compatibility",
    "config data not exist",
    "login_limite_error",
    "mailbox has closed",
];
/// `caused: ` begins what 1.x and 2.x say of a fault of their own.
const FAULT: &str = "caused: ";
/// Numbers of results that are Nacos's own: parameters, access, missing, plugin, fault, deprecated.
const CODES: &[i64] = &[10000, 10001, 10002, 20001, 20002, 20003, 20004, 20005, 20006, 22001, 23000, 30000, 40000];

/// How a Nacos, or r-nacos, begins that refuses a login in plain text. Lower case.
const LOGIN: &[&str] = &[
    "unknown user!",
    "user not found!",
    "token expired!",
    "please config",
    "login_limite_error",
    "mailbox has closed",
];
/// The result of a login that is refused, from 3.2 on.
const DENIED: i64 = 10001;
/// The type of authentication is not Nacos's own.
const OTHER_TYPE: i64 = 23000;

/// Whether `body` is what a Nacos says that refuses: its own words as plain text, its envelope, or the error document of
/// its framework. A page of HTML is none, whatever it says.
pub(crate) fn is_nacos(body: &[u8]) -> bool {
    let body = &body[..body.len().min(READ)];
    let text = String::from_utf8_lossy(body);
    let text = text.trim();
    if is_page(text) {
        return false;
    }
    match serde_json::from_str::<Value>(text) {
        Ok(Value::Object(json)) => is_document(&json) || is_envelope(&json) || says(text),
        _ => text.starts_with(FAULT) || says(text),
    }
}

/// Whether an answer that brings no token is a Nacos's own word about a login. The shapes are those that real servers answer
/// logins with: others use its words too, and a gateway may stand before one login path only.
pub(crate) fn judges_login(status: u16, body: &[u8]) -> bool {
    let text = String::from_utf8_lossy(&body[..body.len().min(READ)]);
    let text = text.trim();
    let Ok(Value::Object(json)) = serde_json::from_str::<Value>(text) else {
        let lower = text.to_ascii_lowercase();
        let is_known = text.starts_with(FAULT) || LOGIN.iter().any(|words| lower.starts_with(words));
        return is_known && matches!(status, 400 | 403 | 500);
    };
    let code = json.get("code").and_then(Value::as_i64);
    match status {
        200..=299 => {
            let failed = json.get("message").and_then(Value::as_str) == Some("Login failed");
            code == Some(OTHER_TYPE) || code == Some(401) && failed
        }
        400 | 403 | 500 => {
            let is_of_status = json.get("status").and_then(Value::as_u64) == Some(status.into());
            let is_refusal = status != 403 || code == Some(DENIED);
            (is_document(&json) && is_of_status) || (is_envelope(&json) && is_refusal)
        }
        // Nacos answers no login with 401, nor with what is left.
        _ => false,
    }
}

/// The error document of its framework. A gateway of the same one adds the number of the request.
fn is_document(json: &Map<String, Value>) -> bool {
    json.contains_key("status") && json.contains_key("error") && !json.contains_key("requestId")
}

fn is_envelope(json: &Map<String, Value>) -> bool {
    let code = json.get("code").and_then(Value::as_i64);
    code.is_some_and(|code| CODES.contains(&code)) && json.contains_key("message")
}

/// Whether an answer that refuses no token shows that a Nacos has taken the token: it did what was asked, or failed in its
/// own words. What a gateway says shows nothing, and 502 and 504 are a gateway's whatever it writes.
pub(crate) fn carried_out(status: u16, body: &[u8]) -> bool {
    match status {
        200..=299 => true,
        502 | 504 => false,
        400..=599 => is_nacos(body),
        _ => false,
    }
}

/// Whether something answers in the place of a server that it does not reach.
pub(crate) fn stands_in(status: u16, body: &[u8]) -> bool {
    match status {
        502 | 504 | 520..=530 => true,
        503 => !is_nacos(body),
        _ => false,
    }
}

fn says(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    WORDS.iter().any(|word| text.contains(word))
}
