//! Quoting a server's answer in an error without giving a secret away.

use serde_json::Value;
use url::form_urlencoded;
use zeroize::Zeroizing;

/// Longest quotation, in characters.
const LONGEST: usize = 200;
/// Runs of token-like characters at least this long are left out: a JWT's shortest part is longer, words are not.
const TOKEN_LIKE: usize = 20;

/// At most 200 printable characters of `body`, without `secret` (as it is, or escaped for a form or for JSON) and without
/// anything that could be a token.
pub(crate) fn quote(body: &[u8], secret: &str) -> String {
    let head = &body[..body.len().min(4 * LONGEST)];
    let mut text = String::from_utf8_lossy(head).into_owned();
    if !secret.is_empty() {
        let form: Zeroizing<String> = Zeroizing::new(form_urlencoded::byte_serialize(secret.as_bytes()).collect());
        let json = Zeroizing::new(Value::from(secret).to_string());
        for shape in [secret, &form, &json[1..json.len() - 1]] {
            text = text.replace(shape, "***");
        }
    }
    let mut quoted = String::new();
    let mut run = String::new();
    for c in text.chars().chain(std::iter::once(' ')) {
        if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '+' | '/' | '=') {
            run.push(c);
            continue;
        }
        quoted.push_str(if run.len() < TOKEN_LIKE { &run } else { "…" });
        run.clear();
        if !c.is_control() && !c.is_whitespace() {
            quoted.push(c);
        } else if !quoted.ends_with(' ') {
            quoted.push(' ');
        }
    }
    quoted.trim().chars().take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_and_token_like_runs_are_left_out() {
        let body = br#"{"accessToken":"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJuYWNvcyJ9.x","said":"pass word"}"#;
        assert_eq!(quote(body, "pass word"), r#"{"accessToken":"…","said":"***"}"#);
    }

    #[test]
    fn a_secret_is_left_out_in_every_shape() {
        for body in [r#"+ "&ä"#, "password=%2B+%22%26%C3%A4&x=1", r#"{"password":"+ \"&ä"}"#] {
            let quoted = quote(body.as_bytes(), r#"+ "&ä"#);
            assert!(quoted.contains("***") && !quoted.contains("ä") && !quoted.contains("%C3"), "{quoted}");
        }
    }

    #[test]
    fn long_binary_and_controls_become_short_and_printable() {
        let mut body = vec![0u8, 255, b'\r', b'\n', b'a'];
        body.extend(std::iter::repeat_n(b"ab ", 500).flatten());
        let quoted = quote(&body, "");
        assert!(quoted.chars().count() <= LONGEST && !quoted.contains(char::is_control), "{quoted}");
    }
}
