//! Does a server ask for tokens at all? Where authentication is off logins may fail for ever: a fresh Nacos 2.4 or later has
//! no user, a 1.4 no secret. Then requests need no token.
//!
//! What shows it is a read of a configuration that nobody has, without a token: every Nacos that has authentication on
//! refuses it. (Other reads prove nothing: a Nacos 3.3 may serve some of its AI resources to everybody.)

use super::{
    rejection::{self, READ, Rejection},
    state,
    voice::is_nacos,
};

/// What to ask for, one after the other, until one tells. The last two are state pages, which need no token.
pub(crate) const QUESTIONS: [&str; 4] = [
    "/v1/cs/configs?dataId=nacos-auth.absent&group=nacos-auth",
    "/v3/client/cs/config?dataId=nacos-auth.absent&groupName=nacos-auth",
    state::PATHS[0],
    state::PATHS[1],
];

/// Whether a server asks for tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Openness {
    /// A Nacos that does not.
    Open,
    /// One that does, or nobody knows: perhaps it is no Nacos.
    Closed,
}

/// Reads the answer to one of the questions; `None`: it tells nothing. `is_known`: the server has been seen to be a Nacos.
pub(crate) fn read(question: &str, status: u16, body: &[u8], is_known: bool) -> Option<Openness> {
    if question.ends_with("/state") {
        return read_state(status, body);
    }
    match rejection::classify(status, body) {
        Some(Rejection::Unknown) if !is_known => return None,
        Some(_) => return Some(Openness::Closed),
        None => {}
    }
    let text = String::from_utf8_lossy(&body[..body.len().min(READ)]);
    let absent = is_nacos(body) && (text.contains("config data not exist") || text.contains("20004"));
    match status {
        200 | 404 if absent => Some(Openness::Open),
        200..=299 if is_known => Some(Openness::Open),
        _ => None,
    }
}

/// 1.x says nothing of authentication. In 3.x `true` may mean that only the console asks for tokens.
fn read_state(status: u16, body: &[u8]) -> Option<Openness> {
    (state::read(status, body)?.asks_for_tokens == Some(false)).then_some(Openness::Open)
}
