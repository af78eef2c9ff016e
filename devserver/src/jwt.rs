//! HS256 tokens as Nacos makes them: the claims are `sub` and `exp`, nothing else.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use ring::hmac;
use serde::{Deserialize, Serialize};

/// `{"alg":"HS256"}`: Nacos compares this text instead of parsing a header.
const HEADER: &str = "eyJhbGciOiJIUzI1NiJ9";

/// What a token says.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Claims {
    pub(crate) sub: String,
    /// Seconds since 1970.
    pub(crate) exp: i64,
}

/// Why a token's text is not one of ours. Expiry is not looked at here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Defect {
    /// Not three parts, or no claims in it.
    Malformed,
    /// Three parts, but not Nacos's header.
    ForeignHeader,
    /// Signed with another key.
    Signature,
}

/// Sign.
pub(crate) fn sign(secret: &[u8], claims: &Claims) -> String {
    let claims = serde_json::to_vec(claims).expect("a text and a number are JSON");
    let signed = format!("{HEADER}.{}", BASE64.encode(claims));
    let signature = hmac::sign(&key(secret), signed.as_bytes());
    format!("{signed}.{}", BASE64.encode(signature))
}

/// Check the signature and read the claims.
pub(crate) fn parse(secret: &[u8], token: &str) -> Result<Claims, Defect> {
    // An empty last part does not count, as with Java's split.
    let parts: Vec<&str> = token.trim_end_matches('.').split('.').collect();
    let [header, claims, signature] = parts[..] else { return Err(Defect::Malformed) };
    if header != HEADER {
        return Err(Defect::ForeignHeader);
    }
    let signed = format!("{header}.{claims}");
    let signature = BASE64.decode(signature).map_err(|_| Defect::Signature)?;
    hmac::verify(&key(secret), signed.as_bytes(), &signature).map_err(|_| Defect::Signature)?;
    let claims = BASE64.decode(claims).map_err(|_| Defect::Malformed)?;
    serde_json::from_slice(&claims).map_err(|_| Defect::Malformed)
}

fn key(secret: &[u8]) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, secret)
}
