//! Takes the tokens that a client brings off its request: in headers, the query and a form.

use std::borrow::Cow;

use bytes::Bytes;
use http::{
    HeaderMap, HeaderName,
    header::{AUTHORIZATION, CONTENT_TYPE},
};
use nacos_auth::TokenPlace;
use percent_encoding::percent_decode_str;

pub(super) const ACCESS_TOKEN: &str = "accessToken";
pub(super) const ACCESS_TOKEN_HEADER: HeaderName = HeaderName::from_static("accesstoken");

/// What was found.
#[derive(Default, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) tokens: Vec<String>,
    /// A header Authorization that is no token, where the token goes.
    pub(super) other_authorization: bool,
}

impl Found {
    fn add(&mut self, token: &str) {
        // Some SDKs send an empty one as long as they have none.
        if !matches!(token.trim(), "" | "null" | "None" | "undefined") {
            self.tokens.push(token.trim().to_owned());
        }
    }
}

pub(super) fn headers(headers: &mut HeaderMap, place: TokenPlace, found: &mut Found) {
    for value in headers.get_all(ACCESS_TOKEN_HEADER) {
        found.add(&String::from_utf8_lossy(value.as_bytes()));
    }
    headers.remove(ACCESS_TOKEN_HEADER);
    let is_bearer = |value: &[u8]| value.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"bearer "));
    let values: Vec<_> = headers.get_all(AUTHORIZATION).iter().cloned().collect();
    headers.remove(AUTHORIZATION);
    for value in values {
        let text = value.as_bytes();
        if is_bearer(text) {
            found.add(&String::from_utf8_lossy(&text[7..]));
        } else if matches!(place, TokenPlace::Auto | TokenPlace::Authorization) {
            // As r-nacos has it: the value is the token.
            let is_scheme = text.contains(&b' ');
            found.other_authorization |= is_scheme;
            if !is_scheme {
                found.add(&String::from_utf8_lossy(text));
            }
        } else {
            headers.append(AUTHORIZATION, value);
        }
    }
}

/// The query, or form, without the token; the rest stays byte by byte.
pub(super) fn parameters<'a>(text: &'a str, found: &mut Found) -> Cow<'a, str> {
    let is_token = |pair: &str| name(pair).eq_ignore_ascii_case(ACCESS_TOKEN);
    if !text.split('&').any(is_token) {
        return text.into();
    }
    let (tokens, rest): (Vec<_>, Vec<_>) = text.split('&').partition(|pair| is_token(pair));
    tokens.iter().for_each(|pair| found.add(&decoded(pair.split_once('=').map_or("", |(_, value)| value))));
    rest.join("&").into()
}

/// The same of a body, if it is a form.
pub(super) fn form(headers: &HeaderMap, body: &Bytes, found: &mut Found) -> Option<Bytes> {
    let kind = headers.get(CONTENT_TYPE)?.to_str().ok()?.trim_start().to_ascii_lowercase();
    if !kind.starts_with("application/x-www-form-urlencoded") {
        return None;
    }
    let text = std::str::from_utf8(body).ok()?;
    match parameters(text, found) {
        Cow::Borrowed(_) => None,
        Cow::Owned(rest) => Some(rest.into()),
    }
}

fn name(pair: &str) -> Cow<'_, str> {
    decoded(pair.split('=').next().unwrap_or_default())
}

fn decoded(text: &str) -> Cow<'_, str> {
    percent_decode_str(text).decode_utf8_lossy()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_lose_the_token_however_it_is_written_and_nothing_else() {
        for (text, rest, tokens) in [
            ("a=1&b=%20+", "a=1&b=%20+", &[] as &[&str]),
            ("accessToken=T", "", &["T"]),
            ("a=1&accessToken=T&b=2&&c", "a=1&b=2&&c", &["T"]),
            ("ACCESSTOKEN=T&access%54oken=U%2E", "", &["T", "U."]),
            ("accessToken=&a=accessToken", "a=accessToken", &[]),
            ("accessToken", "", &[]),
        ] {
            let mut found = Found::default();
            assert_eq!(parameters(text, &mut found), rest, "{text}");
            assert_eq!(found.tokens, tokens, "{text}");
        }
    }

    #[test]
    fn headers_lose_the_token() {
        let all = |place| {
            let mut map = HeaderMap::new();
            for (name, value) in [("authorization", "bEARER T"), ("accesstoken", "U"), ("authorization", "Basic abc")] {
                map.append(name, value.parse().unwrap());
            }
            let mut found = Found::default();
            headers(&mut map, place, &mut found);
            (map.len(), found)
        };
        let tokens = vec!["U".to_owned(), "T".to_owned()];
        assert_eq!(all(TokenPlace::Auto), (0, Found { tokens: tokens.clone(), other_authorization: true }));
        assert_eq!(all(TokenPlace::Header), (1, Found { tokens, other_authorization: false }));
    }
}
