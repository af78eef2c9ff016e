//! A token of the caller's: what it says of itself, and what the servers say to it.

use std::time::{Duration, SystemTime};

use super::{Examination, Severity, acceptance::Use, duration, node::Node};
use crate::{
    cause::Cause,
    protocol::{
        jwt::{self, Claims},
        place::TokenPlace,
        rejection::Rejection,
    },
    secret::Secret,
};

impl Examination<'_> {
    pub(super) fn try_given_token(&mut self, nodes: &[Node<'_>], token: &Secret) {
        let claims = jwt::read(token.expose());
        let said = tell(claims.as_ref(), self.secrets().first().copied().unwrap_or_default());
        let mut was_tried = false;
        for node in nodes.iter().filter(|node| node.question.is_some() && !node.is_open()) {
            let place = node.place.unwrap_or(match self.token_in {
                TokenPlace::Auto => TokenPlace::Authorization,
                chosen => chosen,
            });
            let mut outcome = self.use_token(node, token, place);
            was_tried = true;
            if node.place.is_none() && self.token_in == TokenPlace::Auto && matches!(outcome, Use::Refused(_)) {
                // As a client does.
                match self.use_token(node, token, TokenPlace::Query) {
                    Use::Taken => {
                        let cause = if node.is_rnacos { Cause::TokenInQuery } else { Cause::AuthorizationStripped };
                        let seen = format!("takes the given token in the query only, {said}");
                        self.add(Severity::Warning, cause, Some(&node.name), seen);
                        continue;
                    }
                    // The one that was not lost on its way tells more.
                    Use::Refused(seen) => outcome = Use::Refused(seen),
                    Use::Other(..) | Use::Unknown => {}
                }
            }
            match outcome {
                Use::Taken => {
                    let seen = format!("takes the given token, {said}");
                    self.add(Severity::Ok, Cause::Healthy, Some(&node.name), seen);
                }
                Use::Refused(seen) => {
                    let words = seen.said(&self.secrets());
                    let cause = match seen.rejection() {
                        Some(Rejection::Unknown) => Cause::TokenRefused,
                        _ => judge(claims.as_ref(), &words, node),
                    };
                    let seen = format!("refuses the given token, {said}: {words}");
                    self.add(Severity::Error, cause, Some(&node.name), seen);
                }
                Use::Other(cause, seen) => {
                    let words = seen.said(&self.secrets());
                    if !self.findings.iter().any(|finding| finding.cause() == cause) {
                        self.add(Severity::Error, cause, Some(&node.name), format!("the given token: {words}"));
                    }
                }
                Use::Unknown => {}
            }
        }
        if !was_tried {
            // No server could be asked, so it is only read.
            let (severity, cause) = match remaining(claims.as_ref()) {
                Some(left) if left < 0.0 => (Severity::Error, Cause::TokenExpired),
                _ => (Severity::Information, Cause::NotTried),
            };
            self.add(severity, cause, None, format!("the given token, {said}, was not tried at any server"));
        }
    }
}

/// Why a server refuses a token of the caller's.
fn judge(claims: Option<&Claims>, words: &str, node: &Node<'_>) -> Cause {
    let words = words.to_ascii_lowercase();
    let ahead = node.ahead().unwrap_or_default();
    match claims {
        // By the server's clock.
        Some(_) if remaining(claims).is_some_and(|left| left - ahead <= 0.0) => Cause::TokenExpired,
        _ if words.contains("expired") => Cause::TokenExpired,
        // It says so of a request without a token.
        _ if !node.is_rnacos && (words.contains("user not found") || words.contains("unknown user")) => {
            Cause::AuthorizationStripped
        }
        _ if words.contains("unsupported signature algorithm") => Cause::TokenForeign,
        Some(claims) if claims.is_of_nacos => Cause::TokenOfOtherSecret,
        // Its tokens are no JWTs, and it says the same of all that are no good.
        None if node.is_rnacos => Cause::TokenExpired,
        _ => Cause::TokenForeign,
    }
}

/// Seconds until it ends, by the clock of this machine.
fn remaining(claims: Option<&Claims>) -> Option<f64> {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Some(claims?.exp?.as_secs_f64() - now.as_secs_f64())
}

/// What a token says of itself.
fn tell(claims: Option<&Claims>, secret: &str) -> String {
    let Some(read) = claims else { return "which is no JWT".into() };
    let shown = |text: &str| {
        let text: String = text.chars().filter(|c| !c.is_control()).take(60).collect();
        // Somebody may have put a secret there.
        if !secret.is_empty() && text.contains(secret) { "…".into() } else { text }
    };
    let ends = match remaining(claims) {
        None => "which has no end".into(),
        Some(left) => {
            let time = duration(Duration::try_from_secs_f64(left.abs()).unwrap_or(Duration::MAX));
            if left < 0.0 { format!("which ended {time} ago") } else { format!("which ends in {time}") }
        }
    };
    let user = read.sub.as_deref().map(|sub| format!(", of user \"{}\"", shown(sub))).unwrap_or_default();
    let issuer = read.iss.as_deref().map(|iss| format!(", issued by \"{}\"", shown(iss))).unwrap_or_default();
    format!("{ends}{user}{issuer}")
}
