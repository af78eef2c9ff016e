//! Does the server answer, is it a Nacos, and does it ask for tokens?

use ::http::Method;

use super::{Examination, Severity, node::Node, probe::Seen};
use crate::{
    cause::Cause,
    http,
    protocol::{
        openness::{self, Openness},
        rejection::{self, Rejection},
        state, voice,
    },
};

impl Examination<'_> {
    /// Whether there is something to ask further.
    pub(super) fn reach(&mut self, node: &mut Node<'_>) -> bool {
        if let Err(failure) = self.look_at_state(node) {
            let seen = format!("no answer: {}", failure.cause);
            self.add(Severity::Error, failure.reason(), Some(&node.name), seen);
            return false;
        }
        node.is_reached = true;
        self.look_for_tokens(node);
        true
    }

    fn look_at_state(&mut self, node: &mut Node<'_>) -> Result<(), http::Error> {
        let mut took = None;
        for path in state::PATHS {
            let seen = self.probe.send((node.address, &node.endpoint), (&Method::GET, path), None)?;
            node.date_ahead = node.date_ahead.or(seen.ahead);
            took = took.or(Some(seen.took));
            node.is_rnacos |= is_rnacos(&seen);
            if let Some(state) = state::read(seen.status, &seen.body) {
                let took = took.unwrap_or_default().as_millis();
                let seen = format!("Nacos {} answers, after {took} ms", printable(&state.version));
                self.add(Severity::Ok, Cause::Healthy, Some(&node.name), seen);
                if let Some(kind) = state.auth_type.as_ref().filter(|kind| *kind != "nacos") {
                    let seen = format!("its users come from elsewhere: {}", printable(kind));
                    self.add(Severity::Information, Cause::OtherAuthType, Some(&node.name), seen);
                }
                node.state = Some(state);
                return Ok(());
            }
        }
        if node.is_rnacos {
            self.add(Severity::Ok, Cause::Healthy, Some(&node.name), "an r-nacos answers");
        }
        Ok(())
    }

    /// What a read without a token is answered.
    fn look_for_tokens(&mut self, node: &mut Node<'_>) {
        let secrets = self.secrets.clone();
        let secrets: Vec<_> = secrets.iter().map(|secret| secret.expose()).collect();
        for question in &openness::QUESTIONS[..2] {
            let Ok(seen) = self.probe.send((node.address, &node.endpoint), (&Method::GET, question), None) else {
                continue;
            };
            let is_known = node.state.is_some() || node.is_rnacos;
            let is_missing = rejection::is_missing_api(seen.status, &seen.body) || seen.status == 410;
            if !is_missing && seen.rejection() == Some(Rejection::Misconfigured) {
                let cause = misconfigured(&seen.body);
                self.add(Severity::Error, cause, Some(&node.name), seen.said(&secrets));
            }
            node.openness = openness::read(question, seen.status, &seen.body, is_known);
            if node.openness.is_some() || seen.rejection().is_some() {
                node.question = Some(question);
                break;
            }
        }
        if node.openness == Some(Openness::Open) {
            let seen = "reads need no token";
            self.add(Severity::Information, Cause::AuthenticationOff, Some(&node.name), seen);
        }
    }
}

/// What a server lacks that refuses for want of a setting.
pub(super) fn misconfigured(body: &[u8]) -> Cause {
    let text = String::from_utf8_lossy(&body[..body.len().min(rejection::READ)]).to_ascii_lowercase();
    if text.contains("server identity") { Cause::ServerIdentityMissing } else { Cause::ServerSecretMissing }
}

/// r-nacos refuses its state pages, which every Nacos serves.
fn is_rnacos(seen: &Seen) -> bool {
    seen.status == 403
        && voice::is_nacos(&seen.body)
        && String::from_utf8_lossy(&seen.body[..seen.body.len().min(rejection::READ)]).contains("unknown user!")
}

/// What a stranger calls its version.
fn printable(version: &str) -> String {
    version.chars().filter(|c| c.is_ascii_graphic()).take(40).collect()
}
