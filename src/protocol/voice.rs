//! Is this the voice of a Nacos? What stands before one, or in its place, answers too: with pages of its own.

use serde_json::Value;

use super::rejection::READ;

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
    "access denied",
    "bad credentials",
    "login failed",
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

/// Whether `body` is what a Nacos says that refuses: its own words as plain text, its envelope, or the error document of
/// its framework. A page of HTML is none, whatever it says.
pub(crate) fn is_nacos(body: &[u8]) -> bool {
    let body = &body[..body.len().min(READ)];
    let text = String::from_utf8_lossy(body);
    let text = text.trim();
    if text.starts_with('<') {
        return false;
    }
    match serde_json::from_str::<Value>(text) {
        Ok(Value::Object(json)) => {
            // A gateway of the same framework adds the number of the request.
            let framework =
                json.contains_key("status") && json.contains_key("error") && !json.contains_key("requestId");
            let code = json.get("code").and_then(Value::as_i64);
            let envelope = code.is_some_and(|code| CODES.contains(&code)) && json.contains_key("message");
            framework || envelope || says(text)
        }
        _ => text.starts_with(FAULT) || says(text),
    }
}

/// Whether an answer that refuses no token shows that a Nacos has taken the token: it did what was asked, or failed in its
/// own words. What a gateway says shows nothing.
pub(crate) fn carried_out(status: u16, body: &[u8]) -> bool {
    match status {
        200..=299 => true,
        400..=599 => is_nacos(body),
        _ => false,
    }
}

fn says(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    WORDS.iter().any(|word| text.contains(word))
}
