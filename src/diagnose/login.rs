//! Does a login bring a token, and is that as it should be?

use std::time::{Duration, SystemTime};

use super::{
    Examination, Severity, duration,
    node::{Issued, Node},
};
use crate::{
    cause::Cause,
    error::{Error, Result},
    protocol::{
        jwt,
        login::{Api, IssuedToken},
    },
    session::{credentials::Credentials, exchange::NoToken, failure},
};

/// How long a server does not know its users after a start, and a little more.
const START: Duration = Duration::from_millis(5500);
/// Two logins in the same second bring the same token.
const SECOND: Duration = Duration::from_millis(1100);
/// Whoever renews so often costs the server much.
const SHORT: Duration = Duration::from_secs(60);
/// A month: whatever is longer is a password.
const LONG: Duration = Duration::from_secs(31 * 86_400);

impl Examination<'_> {
    /// Whether the server has refused the credentials.
    pub(super) fn log_in(&mut self, node: &mut Node<'_>, credentials: &Credentials) -> Result<bool> {
        let mut outcome = self.attempt(node, credentials);
        let mut has_waited = false;
        // A server that has just started says the same.
        if let Err(error) = &outcome
            && may_have_just_started(node, error)
            && !node.is_open()
            && self.probe.sleep(START)?
        {
            let said = words(node, error);
            outcome = self.attempt(node, credentials);
            has_waited = true;
            if outcome.is_ok() {
                let seen = format!("{said}; {} later the login succeeded", duration(START));
                self.add(Severity::Warning, Cause::UsersNotLoaded, Some(&node.name), seen);
            }
        }
        match outcome {
            Ok((issued, api)) => {
                self.issued(node, issued, api);
                Ok(false)
            }
            Err(error) => {
                let severity = if node.is_open() { Severity::Information } else { Severity::Error };
                self.add(severity, error.cause(), Some(&node.name), words(node, &error));
                // A password that is wrong here is wrong at the others too, and each try counts against its user.
                let is_verdict =
                    matches!(error.cause(), Cause::WrongCredentials | Cause::UnknownUser | Cause::LoginFault);
                Ok(is_verdict && (has_waited || error.cause() != Cause::UnknownUser))
            }
        }
    }

    fn attempt(&self, node: &Node<'_>, credentials: &Credentials) -> Result<(IssuedToken, Api)> {
        let attempt = self.probe.log_in((node.address, &node.endpoint), credentials);
        attempt.map_err(|why| explain(node, why))
    }

    fn issued(&mut self, node: &mut Node<'_>, issued: IssuedToken, api: Api) {
        let IssuedToken { token, ttl } = issued;
        self.secrets.push(token.clone());
        let claims = jwt::read(token.expose());
        let issued = Issued { token, ttl, claims };
        if issued.is_placeholder() {
            let seen = format!("login at {}: no token is needed", api.path());
            self.add(Severity::Ok, Cause::Healthy, Some(&node.name), seen);
            return;
        }
        // The end of the token is by the server's clock, as long as its life is told by it too.
        if let (Some(exp), Some(ttl)) = (issued.claims.as_ref().and_then(|claims| claims.exp), ttl) {
            let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
            node.token_ahead = Some(exp.as_secs_f64() - ttl.as_secs_f64() - now.as_secs_f64());
        }
        let life = ttl.map_or("an untold time".into(), duration);
        let seen = format!("login at {}: a token for {life}", api.path());
        self.add(Severity::Ok, Cause::Healthy, Some(&node.name), seen);
        node.token = Some(issued);
    }

    /// Another login at the first server that gave a token, which shows whether that is cached.
    pub(super) fn try_second_login(&mut self, nodes: &[Node<'_>], credentials: &Credentials) -> Result<()> {
        let has_waited = self.findings.iter().any(|finding| finding.cause() == Cause::UsersNotLoaded);
        let Some(node) = nodes.iter().find(|node| node.token.is_some()) else { return Ok(()) };
        let first = node.token.as_ref().expect("it has one");
        let mut is_cached = false;
        // Tokens that are no JWTs are all different.
        let is_worth_it = first.claims.is_some() && !has_waited && !node.is_open();
        if is_worth_it
            && self.probe.sleep(SECOND)?
            && let Ok((second, _)) = self.probe.log_in((node.address, &node.endpoint), credentials)
        {
            is_cached = second.token == first.token;
            self.secrets.push(second.token);
        }
        if is_cached {
            let seen = "the second login brought the same token as the first";
            self.add(Severity::Information, Cause::TokenCache, Some(&node.name), seen);
        }
        match first.ttl {
            Some(ttl) if ttl < SHORT && !is_cached => {
                let seen = format!("a token lives for {}", duration(ttl));
                self.add(Severity::Warning, Cause::TokenLifeShort, Some(&node.name), seen);
            }
            Some(ttl) if ttl > LONG && !node.is_open() => {
                let seen = format!("a token lives for {}", duration(ttl));
                self.add(Severity::Warning, Cause::TokenLifeLong, Some(&node.name), seen);
            }
            _ => {}
        }
        Ok(())
    }
}

/// What a finding about this server says of it.
fn words(node: &Node<'_>, error: &Error) -> String {
    error.message().replacen(&format!(" at {}", node.name), "", 1)
}

/// Why a login brought no token, as closely as it can be told.
fn explain(node: &Node<'_>, why: NoToken) -> Error {
    let name = &*node.name;
    let error = match why {
        NoToken::Failed(failure) => failure::unreachable(name, &failure).1,
        NoToken::Refused(answer) => failure::refused(name, false, answer).1,
    };
    let is_without_users = node.state.as_ref().is_some_and(|state| state.wants_admin);
    match error.cause() {
        Cause::UnknownUser | Cause::WrongCredentials | Cause::LoginFault if is_without_users => {
            error.because(Cause::NoAdmin)
        }
        Cause::WrongContextPath if node.state.is_some() => error.because(Cause::LoginApiMissing),
        _ => error,
    }
}

/// Whether a server that has not read its users yet would say that.
fn may_have_just_started(node: &Node<'_>, error: &Error) -> bool {
    match error.cause() {
        Cause::UnknownUser => true,
        // The same words for a user who is not there and for a password that is wrong.
        Cause::WrongCredentials => node.version().is_some_and(|version| !([2, 2, 1]..[3, 2, 4]).contains(&version)),
        _ => false,
    }
}
