//! Secrets that answers repeat, and whether a message gives one away.

use base64::prelude::{BASE64_STANDARD, Engine};

/// One of words, one with something for each escape, and two so short that nobody can say whether they are repeated.
pub const PASSWORDS: [&str; 4] = ["hunter2hunter", "P+ä \"/&ß7\\<q>", "ab", "zz9"];
/// As r-nacos has them, and short enough not to be left out for its length.
pub const TOKEN: &str = "9f8e7d6c5b4a3";

const PASSWORD_MARK: u8 = 1;
const TOKEN_MARK: u8 = 2;

/// `text` with the password or the token in the place of each mark. The byte behind it says how it is escaped, up to three
/// times.
pub fn repeat(text: &[u8], password: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + 64);
    let mut bytes = text.iter().copied();
    while let Some(byte) = bytes.next() {
        let secret = match byte {
            PASSWORD_MARK => password,
            TOKEN_MARK => TOKEN,
            other => {
                out.push(other);
                continue;
            }
        };
        let how = bytes.next().unwrap_or(0).wrapping_sub(b'0');
        out.extend_from_slice(escaped(secret, how).as_bytes());
    }
    out
}

/// Escaped as the digits of `how` (to the base of six) say.
fn escaped(secret: &str, how: u8) -> String {
    let mut text = secret.to_owned();
    // In Base64 nothing is looked for that was escaped before.
    for (at, digit) in [how % 6, how / 6 % 6, how / 36].into_iter().enumerate() {
        text = match digit {
            1 => form(&text),
            2 => json(&text),
            3 => html(&text),
            4 => text.to_uppercase(),
            5 if at == 0 => BASE64_STANDARD.encode(&text),
            _ => text,
        };
    }
    text
}

fn form(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

fn json(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted[1..quoted.len() - 1].into()
}

fn html(text: &str) -> String {
    text.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;").replace('>', "&gt;")
}

/// The spelling of `secret` that `message` holds, if it holds one: whole, or as much as tells it.
pub fn given_away(message: &str, secret: &str) -> Option<String> {
    let text = message.to_lowercase();
    let spellings = [secret.to_owned(), form(secret), json(secret), html(secret)];
    let reversed = secret.chars().rev().collect();
    let mut found = spellings.into_iter().chain([reversed]).find(|s| text.contains(&s.to_lowercase()));
    if found.is_none() {
        // Case tells in Base64.
        found = Some(BASE64_STANDARD.encode(secret)).filter(|packed| message.contains(packed.trim_end_matches('=')));
    }
    let characters: Vec<char> = secret.to_lowercase().chars().collect();
    let telling = (characters.len() * 2).div_ceil(3).max(6).min(characters.len());
    let ends = [&characters[..telling], &characters[characters.len() - telling..]];
    found.or_else(|| ends.into_iter().map(String::from_iter).find(|end| text.contains(end.as_str())))
}

/// What a quotation of an answer always is: short and printable.
pub fn check_quotation(said: &str) {
    assert!(said.chars().count() <= 240, "too long: {said}");
    assert!(!said.contains(char::is_control), "a control character: {said:?}");
}
