//! The login: its request, and what every kind of server answers to it.

use std::time::Duration;

use serde_json::Value;
use url::form_urlencoded;
use zeroize::{Zeroize, Zeroizing};

use super::{
    quote::{quote, quote_part},
    rejection::{READ, is_page},
    voice::{judges_login, stands_in},
};
use crate::{cause::Cause, secret::Secret};

/// What servers with authentication off give for a token, if they have no secret.
pub(crate) const DISABLED: &str = "AUTH_DISABLED";
/// The largest answer to a login that is read.
pub(crate) const LARGEST_ANSWER: usize = 64 * 1024;
/// What some servers and gateways put before UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Where a login may be. Nacos 3 has all three (unless v1 is switched off), 1.x and 2.x both of v1; a gateway may let only
/// one of them through, most often the last, which is what the official clients ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Api {
    V3,
    V1,
    V1Users,
}

impl Api {
    /// In the order in which a server that nothing is known of is asked.
    pub(crate) const ALL: [Self; 3] = [Self::V3, Self::V1, Self::V1Users];

    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::V3 => "/v3/auth/user/login",
            Self::V1 => "/v1/auth/login",
            Self::V1Users => "/v1/auth/users/login",
        }
    }
}

/// The body of a login, `application/x-www-form-urlencoded`. Never the URL: that ends up in access logs.
pub(crate) fn form(username: &str, password: &Secret) -> Zeroizing<String> {
    let pairs = [("username", username), ("password", password.expose())];
    // Room for everything escaped, so that no unwiped copy is left behind by growing.
    let room = pairs.iter().map(|(n, v)| n.len() + 3 * v.len() + 2).sum();
    Zeroizing::new(form_urlencoded::Serializer::new(String::with_capacity(room)).extend_pairs(pairs).finish())
}

/// A successful login.
#[derive(Debug)]
pub(crate) struct IssuedToken {
    pub(crate) token: Secret,
    /// How long the token lives; `None` if the server said nothing usable (missing, not a number, zero, negative).
    pub(crate) ttl: Option<Duration>,
}

/// Why there is no token in an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(feature = "simulation"), allow(unreachable_pub))]
pub enum Reason {
    /// This server does not have this login API.
    MissingApi,
    /// 429, or a 503 in the words of a server: too much to do.
    Overloaded,
    /// 502, 504, a page with 503, of something before the server, which does not reach it.
    Gateway,
    /// 500: a fault, or (2.2.1 to 3.2) a wrong password. Only the past tells which.
    Fault,
    /// 400, 401, 403, or 200 without a token.
    Refused,
    /// Not the answer of a Nacos.
    NotNacos,
}

/// An answer without a token.
#[derive(Debug)]
pub(crate) struct LoginRefused {
    pub(crate) reason: Reason,
    /// A Nacos has spoken, of these credentials. Otherwise it may have been something that stands before it and does not
    /// know this path: another login API may be open.
    pub(crate) is_verdict: bool,
    /// Why, where the server's words tell it.
    pub(crate) known: Option<Cause>,
    /// What the server said, or what is wrong with it; no secret in it.
    pub(crate) said: String,
}

/// Reads the answer to a login. `password` is only used to keep it out of the quotation.
pub(crate) fn read(status: u16, body: &[u8], password: &Secret) -> Result<IssuedToken, LoginRefused> {
    let body = body.strip_prefix(BYTE_ORDER_MARK).unwrap_or(body);
    let said = || said_in(body, password);
    // Not of a success, which holds a token: what is looked through is copied.
    let by_nacos = || judges_login(status, body);
    let refuse =
        |reason, is_verdict, said| Err(LoginRefused { reason, is_verdict, known: known(body, by_nacos()), said });
    match status {
        200..=299 => read_success(status, body, password),
        300..=399 => refuse(Reason::NotNacos, false, "a redirect, which a login never follows".into()),
        // r-nacos before 0.7.4 says so of every path that it does not know; of a password it says it without JSON.
        403 if by_nacos() && contains(body, "timestamp") && contains(body, "unknown user!") => {
            refuse(Reason::MissingApi, false, said())
        }
        // r-nacos counts logins before it looks at the password: while there are too many the right one is refused too.
        403 if by_nacos() && contains(body, "LOGIN_LIMITE_ERROR") => refuse(Reason::Overloaded, true, said()),
        404 | 405 | 410 | 501 => refuse(Reason::MissingApi, false, said()),
        429 => refuse(Reason::Overloaded, true, said()),
        _ if stands_in(status, body) => refuse(Reason::Gateway, false, said()),
        // No login of a Nacos says so, but what is behind a gateway that publishes another one may.
        503 => refuse(Reason::Overloaded, false, said()),
        400 | 401 | 403 => refuse(Reason::Refused, by_nacos(), said()),
        500 if contains(body, "No static resource") => {
            // Nacos 3 serves its console, under another context path, on a port of its own (8080).
            let hint = "this is the console port of a Nacos 3; use the server's main port (8848)";
            Err(LoginRefused {
                reason: Reason::NotNacos,
                is_verdict: by_nacos(),
                known: Some(Cause::ConsolePort),
                said: hint.into(),
            })
        }
        500 => refuse(Reason::Fault, by_nacos(), said()),
        _ => refuse(Reason::NotNacos, false, said()),
    }
}

/// What the words of a refusal tell beyond its status. Those for a user that is not there are of 2.2.1 to 3.2.3 (the others
/// say the same of a password that is wrong), and of a server that has just started, which has not read its users yet.
fn known(body: &[u8], by_nacos: bool) -> Option<Cause> {
    let text = String::from_utf8_lossy(&body[..body.len().min(READ)]).to_ascii_lowercase();
    if is_page(&text) {
        return None;
    }
    let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
    match () {
        () if says(&["please config", "secret key must", "not secure enough"]) => Some(Cause::ServerSecretMissing),
        () if says(&["auth plugin type"]) => Some(Cause::OtherAuthType),
        // r-nacos, one of whose parts has ended.
        () if says(&["mailbox has closed"]) => Some(Cause::ServerFault),
        () if says(&["login_limite_error"]) => Some(Cause::Throttled),
        // From 3.2.4 on it is the first half of what is said of a password that is wrong.
        () if says(&["\"access denied\""]) && !says(&["\"data\":\""]) && by_nacos => Some(Cause::UnknownUser),
        () if text.starts_with("caused: user ") && says(&[" not found;"]) => Some(Cause::UnknownUser),
        // 2.2.3 says no more than the name.
        () if names_a_user(text.trim()) => Some(Cause::UnknownUser),
        () => None,
    }
}

fn names_a_user(text: &str) -> bool {
    let said = text.strip_prefix("caused: ").and_then(|text| text.strip_suffix(';'));
    said.is_some_and(|name| !name.is_empty() && name != "null" && !name.contains([' ', ':', ';', '(']))
}

fn contains(body: &[u8], word: &str) -> bool {
    body.windows(word.len()).any(|w| w == word.as_bytes())
}

/// Whether a header and a query can carry this.
pub(crate) fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic())
}

/// What an answer says, unless it was to bring a token: half of one is a secret too.
fn said_in(body: &[u8], password: &Secret) -> String {
    if contains(body, "accessToken") {
        return "(not shown, as there may be a token in it)".into();
    }
    quote(body, password.expose())
}

/// The token is in it.
struct Json(Value);

impl Drop for Json {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

fn wipe(json: &mut Value) {
    match json {
        Value::String(text) => text.zeroize(),
        Value::Array(values) => values.iter_mut().for_each(wipe),
        Value::Object(fields) => fields.values_mut().for_each(wipe),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// `body` with marks in the place of what is no UTF-8.
fn as_utf8(body: &[u8]) -> Zeroizing<String> {
    // Room for a mark for each byte, so that no unwiped copy is left behind by growing.
    let mut text = Zeroizing::new(String::with_capacity(body.len() * char::REPLACEMENT_CHARACTER.len_utf8()));
    for chunk in body.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend((!chunk.invalid().is_empty()).then_some(char::REPLACEMENT_CHARACTER));
    }
    text
}

fn read_success(status: u16, body: &[u8], password: &Secret) -> Result<IssuedToken, LoginRefused> {
    let not_nacos = |said: String| LoginRefused { reason: Reason::NotNacos, is_verdict: false, known: None, said };
    // Nothing that counts is in letters that a charset could change.
    let copy = str::from_utf8(body).is_err().then(|| as_utf8(body));
    let text = copy.as_ref().map_or(body, |copy| copy.as_bytes());
    let json = serde_json::from_slice(text).map(Json).map_err(|_| {
        let said = said_in(body, password);
        not_nacos(if said.is_empty() { "an empty answer".into() } else { format!("not JSON: {said}") })
    })?;
    let json = &json.0;
    if !json.is_object() || !matches!(json["accessToken"], Value::Null | Value::String(_)) {
        return Err(not_nacos("JSON, but not the answer to a login".into()));
    }
    // `data` held the token, behind "Bearer ", in old servers with another authentication type.
    let token = json["accessToken"].as_str().or_else(|| json["data"].as_str()?.strip_prefix("Bearer "));
    let Some(token) = token.filter(|t| !t.is_empty()) else {
        let whole = || said_in(body, password);
        let said = json["message"].as_str().map_or_else(whole, |message| quote_part(message, body, password.expose()));
        let said = format!("no token in the answer: {said}");
        let by_nacos = judges_login(status, body);
        let is_verdict = by_nacos || json.get("accessToken").is_some();
        // What has data is the answer of something else to something else.
        let is_refusal = is_verdict || json.get("data").is_none();
        let reason = if is_refusal { Reason::Refused } else { Reason::NotNacos };
        return Err(LoginRefused { reason, is_verdict, known: known(body, by_nacos), said });
    };
    if !is_token(token) {
        return Err(not_nacos("a token that no header can carry".into()));
    }
    let seconds = match &json["tokenTtl"] {
        Value::Number(n) => n.as_f64(),
        Value::String(s) => s.trim().parse().ok(),
        _ => None,
    };
    let ttl = seconds.filter(|s| *s > 0.0).map(|s| Duration::try_from_secs_f64(s).unwrap_or(Duration::MAX));
    let ttl = ttl.filter(|ttl| !ttl.is_zero());
    Ok(IssuedToken { token: token.into(), ttl })
}
