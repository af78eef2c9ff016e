//! Does the server take the token that it has just given?

use ::http::Method;

use super::{Examination, Severity, node::Node, probe::Seen, reach::misconfigured};
use crate::{
    cause::Cause,
    protocol::{openness::QUESTIONS, place::TokenPlace, rejection::Rejection, voice},
    secret::Secret,
};

/// So many connections are tried: behind one address there may be several nodes.
const CONNECTIONS: usize = 6;

/// How a server answers a read with a token.
pub(super) enum Use {
    /// The token is good; perhaps the user may not read that.
    Taken,
    /// The token is no good.
    Refused(Seen),
    /// Something before the server refuses, or the server itself for a reason of its own.
    Other(Cause, Seen),
    /// There is no read that shows it, or no answer.
    Unknown,
}

impl Examination<'_> {
    /// One read with `token`, over a new connection.
    pub(super) fn use_token(&self, node: &Node<'_>, token: &Secret, place: TokenPlace) -> Use {
        let question = node.question.unwrap_or(QUESTIONS[0]);
        let sent = self.probe.send((node.address, &node.endpoint), (&Method::GET, question), Some((token, place)));
        let Ok(seen) = sent else { return Use::Unknown };
        match seen.rejection() {
            None if voice::carried_out(seen.status, &seen.body) => Use::Taken,
            None => Use::Unknown,
            Some(Rejection::Permission) => Use::Taken,
            Some(Rejection::Identity) => Use::Refused(seen),
            Some(Rejection::Misconfigured) => Use::Other(misconfigured(&seen.body), seen),
            // A server that hides its messages.
            Some(Rejection::Unknown) if voice::is_nacos(&seen.body) => Use::Refused(seen),
            Some(Rejection::Unknown) => Use::Other(Cause::GatewayRefusal, seen),
        }
    }

    /// Reads with the token of the server's own login.
    pub(super) fn try_own_token(&mut self, node: &mut Node<'_>) {
        let Some(token) = node.token.as_ref().map(|issued| issued.token.clone()) else {
            // Without a token only what refuses everybody shows.
            return self.try_without_token(node);
        };
        if node.is_open() {
            return;
        }
        let place = if self.token_in == TokenPlace::Auto { TokenPlace::Authorization } else { self.token_in };
        let (mut taken, mut refused, mut other) = (0, None, None);
        for _ in 0..CONNECTIONS {
            match self.use_token(node, &token, place) {
                Use::Taken => taken += 1,
                Use::Refused(seen) => refused = Some(seen),
                Use::Other(cause, seen) => other = Some((cause, seen)),
                Use::Unknown => {}
            }
        }
        let secrets = self.secrets();
        let name = Some(node.name.clone());
        match (taken, refused, other) {
            (0, None, None) => {
                let seen = "neither the v1 nor the v3 API for configurations can be read there";
                self.add(Severity::Warning, Cause::ApiMissing, name.as_ref(), seen);
            }
            (_, None, None) => {
                node.place = Some(place);
                self.add(Severity::Ok, Cause::Healthy, name.as_ref(), "takes the token");
            }
            (0, Some(seen), _) => {
                let said = seen.said(&secrets);
                self.look_elsewhere(node, &token, place, &said);
            }
            (0, None, Some((cause, seen))) => {
                let said = seen.said(&secrets);
                // The server said so already without a token.
                if !self.has(cause, node) {
                    let seen = format!("{said}, to a read with a new token");
                    self.add(Severity::Error, cause, name.as_ref(), seen);
                }
            }
            (_, Some(seen), _) | (_, None, Some((_, seen))) => {
                node.place = Some(place);
                let said = seen.said(&secrets);
                let seen = format!(
                    "of {CONNECTIONS} connections {taken} took a token that the same address had just given, the others not \
                     ({said}): there are several nodes behind it"
                );
                self.add(Severity::Error, Cause::SecretsDiffer, name.as_ref(), seen);
            }
        }
    }

    /// The server refuses its own token in one place: perhaps it gets it in another.
    fn look_elsewhere(&mut self, node: &mut Node<'_>, token: &Secret, place: TokenPlace, said: &str) {
        let others = [TokenPlace::Header, TokenPlace::Query, TokenPlace::Authorization];
        let taken = others
            .into_iter()
            .find(|other| *other != place && matches!(self.use_token(node, token, *other), Use::Taken));
        let name = Some(node.name.clone());
        let Some(taken) = taken else {
            let cause = if said.contains("expired") { Cause::ClocksDiffer } else { Cause::NewTokensRefused };
            let seen = format!("{said}, to a token that it had just given");
            return self.add(Severity::Error, cause, name.as_ref(), seen);
        };
        node.place = Some(taken);
        let written = |place| match place {
            TokenPlace::Header => "in the header accessToken",
            TokenPlace::Query => "in the query",
            TokenPlace::Auto | TokenPlace::Authorization => "in the header Authorization",
        };
        // A client that chooses by itself finds the query.
        let helps = self.token_in == TokenPlace::Auto && !matches!(taken, TokenPlace::Authorization);
        let severity = if helps { Severity::Warning } else { Severity::Error };
        let cause = match (node.is_rnacos, place) {
            (true, _) => Cause::TokenInQuery,
            (false, TokenPlace::Authorization) => Cause::AuthorizationStripped,
            (false, _) => Cause::TokenRefused,
        };
        let seen = format!("takes the token {} only; {}: {said}", written(taken), written(place));
        self.add(severity, cause, name.as_ref(), seen);
    }

    /// Whether a gateway refuses everybody.
    fn try_without_token(&mut self, node: &Node<'_>) {
        let Some(question) = node.question.filter(|_| !node.is_open()) else { return };
        let Ok(seen) = self.probe.send((node.address, &node.endpoint), (&Method::GET, question), None) else { return };
        if seen.rejection() == Some(Rejection::Unknown) && !voice::is_nacos(&seen.body) {
            let said = seen.said(&self.secrets());
            let seen = format!("{said}, to a read; these are no words of a Nacos");
            self.add(Severity::Error, Cause::GatewayRefusal, Some(&node.name), seen);
        }
    }

    fn has(&self, cause: Cause, node: &Node<'_>) -> bool {
        self.findings.iter().any(|finding| finding.cause() == cause && finding.server() == Some(&*node.name))
    }
}
