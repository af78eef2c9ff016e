//! Why did the server refuse a request? Nacos answers 403 to a bad token and to a missing permission alike;
//! only the words differ.

/// How many bytes of an answer are read for its words.
pub(crate) const READ: usize = 4096;

/// Why a server refused a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(not(feature = "simulation"), allow(unreachable_pub))]
pub enum Rejection {
    /// The token is expired, unknown or signed with another secret: a login cures it.
    Identity,
    /// The user may not do this: no login cures it.
    Permission,
    /// The server itself lacks a setting: no login cures it.
    Misconfigured,
    /// A 401 or 403 without words that tell: perhaps a proxy's, perhaps a server that hides its messages.
    Unknown,
}

const PERMISSION: &[&str] = &["authorization failed", "code: 403, message:"];
const MISCONFIGURED: &[&str] = &["server identity", "please config"];
const IDENTITY: &[&str] = &[
    "code: 401, message:",
    "token expired",
    "expired token",
    "jwt expired",
    "token invalid",
    "invalid token",
    "invalid signature",
    "unsupported signature algorithm",
    "unknown user",
    "user not found",
    "\"errorcode\":\"unauthenticated\"",
    "session expired!",
];

/// Sorts an answer; `None` if it is no rejection at all. The first list with a hit wins, in this order: permission,
/// misconfigured, identity. A 500 counts only with the words that 1.4.8 puts into it in the instant of expiry. A page of
/// HTML gives no reason, whatever it says, unless it is the one of Nacos's framework.
pub(crate) fn classify(status: u16, body: &[u8]) -> Option<Rejection> {
    if !matches!(status, 401 | 403 | 500) {
        return None;
    }
    let text = String::from_utf8_lossy(&body[..body.len().min(READ)]).to_ascii_lowercase();
    let is_foreign = is_page(&text) && !text.contains("whitelabel error page");
    let says = |words: &[&str]| !is_foreign && words.iter().any(|w| text.contains(w));
    match status {
        500 => says(&["jwt expired"]).then_some(Rejection::Identity),
        _ if says(PERMISSION) => Some(Rejection::Permission),
        _ if says(MISCONFIGURED) => Some(Rejection::Misconfigured),
        _ if says(IDENTITY) => Some(Rejection::Identity),
        _ => Some(Rejection::Unknown),
    }
}

/// Whether it is HTML, or XML.
pub(crate) fn is_page(text: &str) -> bool {
    text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}').starts_with('<')
}

/// Whether a server says that it has no such API, not that something asked of the API is not there.
pub(crate) fn is_missing_api(status: u16, body: &[u8]) -> bool {
    let text = String::from_utf8_lossy(&body[..body.len().min(READ)]);
    match status {
        404 => !text.contains("not exist"),
        500 => text.contains("No static resource"),
        _ => false,
    }
}
