//! Quoting a server's answer in an error without giving a secret away.

use serde_json::Value;

use super::{rejection, spelling};

/// Longest quotation, in characters.
const LONGEST: usize = 200;
/// Runs of token-like characters at least this long are left out: a JWT's shortest part is longer, words are not.
const TOKEN_LIKE: usize = 20;
/// A shorter password is part of most texts: that a quotation lacks it, or that there is none, would tell it.
const SHORT: usize = 4;
/// Says the same of a short password and of one that is repeated, so that it tells neither.
const NOT_SHOWN: &str = "(not shown, as it may repeat the password)";

/// What Nacos says when it refuses. Nobody learns anything from these words, whatever the password is; `…` is a
/// name.
const KNOWN: &[&str] = &[
    "unknown user!",
    "user not found!",
    "User not found! Please check user exist or password is right!",
    "caused: User … not found;",
    "token expired!",
    "token invalid!",
    "Invalid signature",
    "unsupported signature algorithm",
    "authorization failed!",
    "Access Denied",
    "Bad credentials",
    "Login failed",
    "Current Nacos auth plugin type is not `nacos`",
    "Handle API Compatibility failed, please see log for detail.",
    "No message available",
    "Code: 401, Message: token expired!.",
    "Code: 401, Message: token invalid!.",
    "Code: 401, Message: Invalid signature.",
    "Code: 401, Message: unsupported signature algorithm.",
    "Code: 401, Message: User not found! Please check user exist or password is right!.",
    "Code: 403, Message: authorization failed!.",
    "expired token",
    "invalid token, username is empty",
    "session expired!",
    "config data not exist",
    "Invalid server identity key or value",
    "Please config `nacos.core.auth.plugin.nacos.token.secret.key`",
    "LOGIN_LIMITE_ERROR,Frequent login, please try again later",
    "Mailbox has closed",
];

/// At most 200 printable characters of `body`, without anything that could be a token. If the body repeats `secret` in
/// any spelling, or the secret is so short that this cannot be told, only words that are known to be Nacos's own.
pub(crate) fn quote(body: &[u8], secret: &str) -> String {
    quote_part(&String::from_utf8_lossy(body), body, secret)
}

/// The same of a part of `body`, be it decoded or not.
pub(crate) fn quote_part(part: &str, body: &[u8], secret: &str) -> String {
    if body.trim_ascii().is_empty() {
        return String::new();
    }
    let is_short = secret.chars().count() < SHORT;
    if is_short || holds(body, part, secret) {
        return known(&String::from_utf8_lossy(body)).unwrap_or(NOT_SHOWN).into();
    }
    printable(part)
}

/// What an answer that refuses a request says, without any of `secrets`: its `message`, if it is JSON that has one.
pub(crate) fn quote_refusal(body: &[u8], secrets: &[&str]) -> String {
    let body = &body[..body.len().min(rejection::READ)];
    let text = String::from_utf8_lossy(body);
    let json: Value = serde_json::from_slice(body).unwrap_or_default();
    let part = json["message"].as_str().filter(|message| !message.trim().is_empty()).unwrap_or(&text);
    let is_told = |secret: &&str| secret.chars().count() < SHORT || holds(body, part, secret);
    if !part.trim().is_empty() && secrets.iter().any(is_told) {
        return known(&text).unwrap_or(NOT_SHOWN).into();
    }
    printable(part)
}

/// Whether `secret` is in the body, or in a part of it, which may be a decoded one.
fn holds(body: &[u8], part: &str, secret: &str) -> bool {
    spelling::holds(body, secret) || (part.as_bytes() != body && spelling::holds(part.as_bytes(), secret))
}

/// The longest of Nacos's own sentences in `text`.
fn known(text: &str) -> Option<&'static str> {
    let is_in = |sentence: &&&str| {
        let mut rest = text;
        sentence.split('…').all(|piece| match rest.split_once(piece) {
            Some((_, behind)) => {
                rest = behind;
                true
            }
            None => false,
        })
    };
    KNOWN.iter().filter(is_in).max_by_key(|sentence| sentence.len()).copied()
}

fn printable(text: &str) -> String {
    let mut quoted = String::new();
    let mut run = String::new();
    for c in text.chars().chain(std::iter::once(' ')) {
        if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '+' | '/' | '=' | '\\' | '%' | '~') {
            run.push(c);
            continue;
        }
        quoted.push_str(if run.len() < TOKEN_LIKE || is_setting(&run) { &run } else { "…" });
        run.clear();
        if !c.is_control() && !c.is_whitespace() {
            quoted.push(c);
        } else if !quoted.ends_with(' ') {
            quoted.push(' ');
        }
    }
    quoted.trim().chars().take(LONGEST).collect()
}

/// Whether it is the name of one of Nacos's settings, as in `nacos.core.auth.server.identity.key`: what to do, mostly.
fn is_setting(run: &str) -> bool {
    let is_word = |part: &str| part.len() < TOKEN_LIKE && part.bytes().all(|b| b.is_ascii_lowercase());
    run.strip_prefix("nacos.").is_some_and(|rest| rest.split('.').all(is_word))
}
