//! The login: its request, and what every kind of server answers to it.

use std::time::Duration;

use serde_json::Value;
use url::form_urlencoded;
use zeroize::{Zeroize, Zeroizing};

use super::quote::{quote, quote_part};
use crate::secret::Secret;

/// The largest answer to a login that is read.
pub(crate) const LARGEST_ANSWER: usize = 64 * 1024;

/// The two generations of the login API. 3.x has both (unless v1 is switched off), 1.x and 2.x only v1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Api {
    V3,
    V1,
}

impl Api {
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::V3 => "/v3/auth/user/login",
            Self::V1 => "/v1/auth/login",
        }
    }

    pub(crate) fn other(self) -> Self {
        match self {
            Self::V3 => Self::V1,
            Self::V1 => Self::V3,
        }
    }

    /// Whether this status says that the server does not have this API.
    fn is_missing(self, status: u16) -> bool {
        match self {
            Self::V3 => matches!(status, 404 | 405 | 501),
            Self::V1 => matches!(status, 404 | 410),
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
    /// This server does not have this login API: ask the other one.
    MissingApi,
    /// 429, 502, 503, 504: too much to do.
    Overloaded,
    /// A 502, 503 or 504 that is not Nacos's own: nobody is behind what answered.
    #[cfg_attr(not(any(test, feature = "simulation")), allow(dead_code, reason = "read by the classification to come"))]
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
    /// What the server said, or what is wrong with it; no secret in it.
    pub(crate) said: String,
}

/// Reads the answer to a login. `password` is only used to keep it out of the quotation.
pub(crate) fn read(api: Api, status: u16, body: &[u8], password: &Secret) -> Result<IssuedToken, LoginRefused> {
    let said = || said_in(body, password);
    let refuse = |reason, said| Err(LoginRefused { reason, said });
    match status {
        200..=299 => read_success(body, password),
        _ if api.is_missing(status) => refuse(Reason::MissingApi, said()),
        300..=399 => refuse(Reason::NotNacos, "a redirect, which a login never follows".into()),
        429 | 502..=504 => refuse(Reason::Overloaded, said()),
        400 | 401 | 403 => refuse(Reason::Refused, said()),
        500 if contains(body, "No static resource") => {
            // Nacos 3 serves its console, under another context path, on a port of its own (8080).
            let hint = "this is the console port of a Nacos 3; use the server's main port (8848)";
            refuse(Reason::NotNacos, hint.into())
        }
        500..=599 => refuse(Reason::Fault, said()),
        _ => refuse(Reason::NotNacos, said()),
    }
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

fn read_success(body: &[u8], password: &Secret) -> Result<IssuedToken, LoginRefused> {
    let not_nacos = |said: String| LoginRefused { reason: Reason::NotNacos, said };
    let json = serde_json::from_slice(body).map(Json).map_err(|_| {
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
        return Err(LoginRefused { reason: Reason::Refused, said: format!("no token in the answer: {said}") });
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
    Ok(IssuedToken { token: token.into(), ttl })
}
