//! What a token says of itself, read without the key: nobody has to believe it, but it tells a reader where it comes from.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;

/// The longest token that is read.
const LONGEST: usize = 16 * 1024;

/// The claims of a JWT.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Claims {
    /// When it ends, since 1970.
    pub(crate) exp: Option<Duration>,
    pub(crate) sub: Option<String>,
    pub(crate) iss: Option<String>,
    /// It has what a Nacos puts into its tokens, and no more: `sub` and `exp`, signed with a secret.
    pub(crate) is_of_nacos: bool,
}

/// The claims of `token`; `None`: it is no JWT, as those of r-nacos are not.
pub(crate) fn read(token: &str) -> Option<Claims> {
    if token.len() > LONGEST {
        return None;
    }
    let mut parts = token.split('.');
    let (header, claims, _) = (json(parts.next()?)?, json(parts.next()?)?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let text = |name: &str| claims[name].as_str().map(str::to_owned);
    let seconds = claims["exp"].as_f64().filter(|exp| *exp >= 0.0);
    let exp = seconds.and_then(|exp| Duration::try_from_secs_f64(exp).ok());
    let is_of_nacos = claims.as_object()?.keys().all(|name| name == "sub" || name == "exp" || name == "auth")
        && exp.is_some()
        && header["alg"].as_str().is_some_and(|algorithm| algorithm.starts_with("HS"));
    Some(Claims { exp, sub: text("sub"), iss: text("iss"), is_of_nacos })
}

fn json(part: &str) -> Option<Value> {
    let value: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part.trim_end_matches('=')).ok()?).ok()?;
    value.is_object().then_some(value)
}
