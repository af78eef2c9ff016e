//! What a handle's owner is told while the library works: events, which are the lines of its log as well.

use std::{fmt, time::Duration};

use crate::{cause::Cause, error::Error};

/// How much a line of the log matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Calls fail, and go on failing until somebody does something.
    Error,
    /// Something went wrong that the library deals with.
    Warn,
    /// Life goes on.
    Info,
    /// What the library is about to do.
    Debug,
}

/// What kind of thing has happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum EventKind {
    /// A login begins.
    LoginStarted,
    /// A login brought a token.
    TokenRefreshed,
    /// A login failed; another one comes later.
    LoginFailed,
    /// The credentials were refused twice: logins are minutes apart until others are there.
    CredentialsRejected,
    /// A login succeeded after one or several that failed.
    Recovered,
    /// A server refused the token, which is not used any more until a login has shown better.
    TokenRejected,
    /// A server cannot be reached; for a while it is only asked when no other is left.
    ServerDown,
    /// Servers, or nodes behind one address, do not agree on which tokens are good.
    ServersDisagree,
    /// A server takes the token in the query only, so that is where it rides from now on: an old r-nacos.
    TokenInQuery,
    /// A request was sent without a token: no login succeeds, and the server asks for none.
    SentWithoutToken,
    /// The user has no permission for what a request wanted. Told once a minute at the most.
    PermissionDenied,
}

impl EventKind {
    /// How much it matters.
    pub fn level(self) -> Level {
        match self {
            Self::CredentialsRejected => Level::Error,
            Self::LoginFailed | Self::TokenRejected | Self::ServerDown => Level::Warn,
            Self::ServersDisagree | Self::TokenInQuery | Self::SentWithoutToken | Self::PermissionDenied => Level::Warn,
            Self::TokenRefreshed | Self::Recovered => Level::Info,
            Self::LoginStarted => Level::Debug,
        }
    }
}

/// Something that has happened. Holds no password, token or query; [`Display`](fmt::Display) is its line in a log.
#[derive(Clone, Debug)]
pub struct Event {
    pub(crate) kind: EventKind,
    pub(crate) generation: u64,
    pub(crate) error: Option<Error>,
    pub(crate) message: String,
    server: Option<String>,
    cause: Option<Cause>,
}

impl Event {
    /// What kind of thing.
    pub fn kind(&self) -> EventKind {
        self.kind
    }

    /// Generation of the token it is about; 0 if it is about none.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Why, if a login failed; with the time until the next one.
    pub fn error(&self) -> Option<&Error> {
        self.error.as_ref()
    }

    /// The server it is about, as `host:port`; `None` if it is about none, or about all of them.
    pub fn server(&self) -> Option<&str> {
        self.server.as_deref().or_else(|| self.error()?.server())
    }

    /// Why; `None` for what is no trouble.
    pub fn cause(&self) -> Option<Cause> {
        self.cause.or_else(|| self.error().map(Error::cause))
    }

    fn new(kind: EventKind, generation: u64, message: String) -> Self {
        // A line of a log, even if what the program's own function says has several.
        let message = message.replace(char::is_control, " ");
        Self { kind, generation, error: None, message, server: None, cause: None }
    }

    fn at(mut self, server: &str, cause: Cause) -> Self {
        self.server = Some(server.to_owned());
        self.cause = Some(cause);
        self
    }

    pub(crate) fn login_started(servers: &str) -> Self {
        Self::new(EventKind::LoginStarted, 0, format!("logging in at {servers}"))
    }

    /// `server`: that gave it; None if a function of the program did.
    pub(crate) fn token_refreshed(generation: u64, life: Duration, server: Option<&str>) -> Self {
        let from = server.map_or_else(String::new, |server| format!(" from {server}"));
        let message = format!("token {generation}{from}, good for {} s", life.as_secs());
        Self { server: server.map(str::to_owned), ..Self::new(EventKind::TokenRefreshed, generation, message) }
    }

    pub(crate) fn recovered(generation: u64) -> Self {
        let message = format!("logins succeed again, with token {generation}");
        Self::new(EventKind::Recovered, generation, message)
    }

    pub(crate) fn login_failed(error: Error, rejected: bool) -> Self {
        let kind = if rejected { EventKind::CredentialsRejected } else { EventKind::LoginFailed };
        let seconds = error.retry_after().map_or(0, |after| after.as_millis().div_ceil(1000));
        let next = if seconds == 0 { String::new() } else { format!("; next login in {seconds} s") };
        let message = format!("{}{next}", error.message());
        Self { error: Some(error), ..Self::new(kind, 0, message) }
    }

    /// `server` and `said` are its name and words, or what stands for them.
    pub(crate) fn token_rejected(server: &str, generation: u64, said: &str) -> Self {
        let message = format!("{server} refused token {generation}: {said}");
        Self::new(EventKind::TokenRejected, generation, message).at(server, Cause::TokenExpired)
    }

    pub(crate) fn servers_disagree(generation: u64, servers: &str) -> Self {
        let message = format!(
            "{servers}: token {generation} is taken by one node and refused by another; requests are repeated until the right one \
             answers: give all nodes the same secret (nacos.core.auth.plugin.nacos.token.secret.key)"
        );
        Self { cause: Some(Cause::SecretsDiffer), ..Self::new(EventKind::ServersDisagree, generation, message) }
    }

    pub(crate) fn token_in_query(server: &str) -> Self {
        let message = format!(
            "{server} takes the token in the query only, as r-nacos up to 0.8.5 does; from now on it rides there, where access \
             logs may keep it (set the place yourself to forbid it)"
        );
        Self::new(EventKind::TokenInQuery, 0, message).at(server, Cause::TokenInQuery)
    }

    pub(crate) fn sent_without_token(server: &str) -> Self {
        let message =
            format!("{server} asks for no token, and no login succeeds there: a request was sent without one");
        Self::new(EventKind::SentWithoutToken, 0, message).at(server, Cause::SentWithoutToken)
    }

    pub(crate) fn server_down(server: &str, cause: Cause, is_only_one: bool) -> Self {
        let then = if is_only_one { "" } else { "; other servers come first for a while" };
        let message = format!("{server} cannot be reached{then}");
        Self::new(EventKind::ServerDown, 0, message).at(server, cause)
    }

    pub(crate) fn permission_denied(server: &str, generation: u64, request: &str, said: &str) -> Self {
        let what = "the user has no permission for";
        let message =
            format!("{server}: {what} {request}: {said}; give one to its role in Nacos, or log in as another user");
        Self::new(EventKind::PermissionDenied, generation, message).at(server, Cause::PermissionMissing)
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Kind;

    #[test]
    fn the_time_until_the_next_login_is_never_none() {
        let failed = |ms| {
            let error = Error::new(Kind::Connect, "no server");
            Event::login_failed(error.with_retry_after(Duration::from_millis(ms)), false).to_string()
        };
        assert_eq!(failed(1), "no server; next login in 1 s");
        assert_eq!(failed(1000), "no server; next login in 1 s");
        assert_eq!(failed(1001), "no server; next login in 2 s");
        assert_eq!(failed(0), "no server");
    }
}
