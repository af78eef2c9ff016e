//! A request of the caller's: what it is answered, with the token that the caller uses or with a new one.

use std::time::Duration;

use ::http::Method;

use super::{Examination, Severity, duration, node::Node, reach::misconfigured};
use crate::{
    cause::Cause,
    client::Request,
    error::Result,
    protocol::{
        place::TokenPlace,
        rejection::{self, Rejection},
        voice,
    },
    secret::Secret,
};

/// 1.x lets everybody log in for so long after its start, and refuses every token for lack of permission.
const START: Duration = Duration::from_millis(5500);

/// What is asked.
pub(super) struct Asked<'a> {
    method: Method,
    path: &'a str,
}

impl Asked<'_> {
    /// Without its query.
    fn name(&self) -> String {
        format!("{} {}", self.method, self.path.split('?').next().unwrap_or_default())
    }
}

/// Refuses what no server can be asked for.
pub(super) fn check<'a>(method: &str, path: &'a str) -> Result<Asked<'a>> {
    let method = Request::new(method, path)?.method;
    Ok(Asked { method, path })
}

impl Examination<'_> {
    pub(super) fn try_request(
        &mut self,
        nodes: &[Node<'_>],
        given: Option<&Secret>,
        asked: &Asked<'_>,
        send_writes: bool,
    ) -> Result<()> {
        let name = asked.name();
        if !asked.method.is_safe() && !send_writes {
            let seen = format!("{name}: not sent, because it may change something");
            self.add(Severity::Information, Cause::NotTried, None, seen);
            return Ok(());
        }
        let usable = |node: &&Node<'_>| node.token.is_some() || node.is_open() || given.is_some();
        let Some(node) = nodes.iter().filter(|node| node.is_reached).find(usable) else {
            self.add(Severity::Warning, Cause::NotTried, None, format!("{name}: not sent, for want of a token"));
            return Ok(());
        };
        let own = node.token.as_ref().map(|issued| issued.token.clone());
        let is_new = own.is_some();
        let token = own.as_ref().or(given);
        let (mut severity, mut cause, mut seen) = self.ask(node, asked, token, is_new);
        // A server that has just started.
        if cause == Cause::PermissionMissing
            && node.version().is_some_and(|version| version < [2, 0, 0])
            && self.probe.sleep(START)?
            && let (_, Cause::Healthy, later) = self.ask(node, asked, token, is_new)
        {
            (severity, cause) = (Severity::Warning, Cause::UsersNotLoaded);
            seen = format!("{seen}; {} later {later}", duration(START));
        }
        self.add(severity, cause, Some(&node.name), seen);
        Ok(())
    }

    /// Sends it, and judges the answer.
    fn ask(
        &self,
        node: &Node<'_>,
        asked: &Asked<'_>,
        token: Option<&Secret>,
        is_new: bool,
    ) -> (Severity, Cause, String) {
        let place = node.place.unwrap_or(match self.token_in {
            TokenPlace::Auto => TokenPlace::Authorization,
            chosen => chosen,
        });
        let ticket = token.map(|token| (token, place));
        let name = asked.name();
        let seen = match self.probe.send((node.address, &node.endpoint), (&asked.method, asked.path), ticket) {
            Ok(seen) => seen,
            Err(failure) => {
                return (Severity::Error, failure.reason(), format!("{name}: {}", failure.cause));
            }
        };
        let said = format!(
            "{name}: {}",
            if seen.status < 400 { format!("HTTP {}", seen.status) } else { seen.said(&self.secrets()) }
        );
        let is_missing = rejection::is_missing_api(seen.status, &seen.body) || matches!(seen.status, 405 | 410 | 501);
        let (severity, cause) = match (seen.status, seen.rejection()) {
            (_, Some(Rejection::Permission)) => (Severity::Error, Cause::PermissionMissing),
            (_, Some(Rejection::Misconfigured)) => (Severity::Error, misconfigured(&seen.body)),
            (_, Some(Rejection::Identity)) if is_new => (Severity::Error, Cause::NewTokensRefused),
            (_, Some(Rejection::Identity)) => (Severity::Error, Cause::TokenExpired),
            (_, Some(Rejection::Unknown)) if voice::is_nacos(&seen.body) => (Severity::Error, Cause::NewTokensRefused),
            (_, Some(Rejection::Unknown)) => (Severity::Error, Cause::GatewayRefusal),
            _ if is_missing && node.address.repeated_context(asked.path).is_some() => {
                (Severity::Error, Cause::WrongContextPath)
            }
            _ if is_missing => (Severity::Error, Cause::ApiMissing),
            (429, _) => (Severity::Error, Cause::Throttled),
            (502 | 504, _) => (Severity::Error, Cause::Gateway),
            (503, _) if !voice::is_nacos(&seen.body) => (Severity::Error, Cause::Gateway),
            (500.., _) => (Severity::Error, Cause::ServerFault),
            (300..=399, _) => (Severity::Error, Cause::NotNacos),
            (400..=499, _) if !voice::is_nacos(&seen.body) && !matches!(seen.status, 400 | 404) => {
                (Severity::Error, Cause::GatewayRefusal)
            }
            // What is asked for is not there, or something is wrong with the parameters: nothing of ours.
            (400..=499, _) => (Severity::Information, Cause::Healthy),
            _ => (Severity::Ok, Cause::Healthy),
        };
        let said = match node.address.repeated_context(asked.path) {
            Some(context) if cause == Cause::WrongContextPath => {
                format!("{said}; paths come after context_path: leave \"{context}\" out of this one")
            }
            _ => said,
        };
        (severity, cause, said)
    }
}
