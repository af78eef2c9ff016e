//! Why does a server refuse? An examination, step by step, within bounded time and with at most two logins at each server.
//!
//! It keeps out of the way of the clients of the process: connections, logins and tokens are its own, and none is kept. Each
//! server is looked at by itself ([`reach`], [`login`], [`acceptance`]), then all together ([`cluster`]), then what the caller
//! brought: a token ([`given`]) and a request ([`request`]).

mod acceptance;
mod cluster;
mod finding;
mod given;
mod login;
mod node;
mod probe;
mod reach;
mod request;

use std::{sync::Arc, time::Duration};

pub use finding::{Diagnosis, Finding, Severity};

use self::{node::Node, probe::Probe};
use crate::{
    cause::Cause,
    client::Config,
    error::{Error, Result},
    http::Http,
    protocol::{login as login_protocol, place::TokenPlace},
    secret::Secret,
    session::{
        credentials::{Credentials, Source, Supplied},
        process,
    },
    wait::Cancel,
};

/// What an examination is to look at besides the servers and the credentials, and how long it may take.
pub struct DiagnoseOptions<'a> {
    /// Method and path (with its query, encoded) of a request that fails. One that may change something (neither GET, HEAD
    /// nor OPTIONS) is sent only with [`send_writes`](Self::send_writes). No body goes along.
    pub request: Option<(&'a str, &'a str)>,
    /// A token that is refused. No login is made with it.
    pub token: Option<Secret>,
    /// Send [`request`](Self::request) even though it may change something.
    pub send_writes: bool,
    /// How long it may take; 10 s by default, which is enough for three servers of which two do not answer.
    pub timeout: Duration,
    /// Ends it from another thread.
    pub cancel: Option<&'a Cancel>,
    /// Told each finding when it is made, on the calling thread.
    pub on_finding: Option<&'a dyn Fn(&Finding)>,
}

impl Default for DiagnoseOptions<'_> {
    fn default() -> Self {
        let timeout = Duration::from_secs(10);
        Self { request: None, token: None, send_writes: false, timeout, cancel: None, on_finding: None }
    }
}

/// Finds out whether `config` works, and if not, why not. Blocks for [`DiagnoseOptions::timeout`] at the most. Makes at most two
/// logins at each server, and none at the others once one has refused the password; [`Config::on_event`] and the log are not
/// told. A function that supplies credentials is called on this thread, and waited for.
///
/// # Errors
/// [`Kind::InvalidConfig`](crate::Kind::InvalidConfig) and [`Kind::InvalidArgument`](crate::Kind::InvalidArgument), as
/// [`Client::new`](crate::Client::new) and [`Request::new`](crate::Request::new) have them, and
/// [`Kind::Cancelled`](crate::Kind::Cancelled). Whatever else fails is a finding.
pub fn diagnose(config: Config, options: &DiagnoseOptions<'_>) -> Result<Diagnosis> {
    let checked = config.check()?;
    let request = options.request.map(|(method, path)| request::check(method, path)).transpose()?;
    if let Some(token) = &options.token
        && !login_protocol::is_token(token.expose())
    {
        return Err(Error::argument(
            "token: empty, or holds a space, a line end or another character that no header carries",
        ));
    }
    let settings = &checked.origin.settings;
    let pem = Arc::new(settings.tls.read()?);
    settings.check()?;
    let transport = Http::new(settings, pem, &process::current().resolver)?;
    let mut examination = Examination {
        probe: Probe::new(transport, checked.connect_timeout, options.timeout, options.cancel),
        findings: Vec::new(),
        on_finding: options.on_finding,
        secrets: options.token.iter().cloned().collect(),
        token_in: checked.origin.token_in,
    };
    let mut nodes: Vec<_> = checked.origin.servers.iter().map(Node::new).collect();
    let source = examination.load(checked.source)?;
    let given = match (&options.token, &source) {
        (Some(token), _) | (None, Some(Supplied::Token { token, .. })) => Some(token.clone()),
        _ => None,
    };
    let credentials = match source {
        Some(Supplied::Password(credentials)) => Some(credentials),
        _ => None,
    };
    examination.run(&mut nodes, credentials.as_ref(), given.as_ref(), request.as_ref(), options.send_writes)?;
    Ok(Diagnosis::new(examination.findings))
}

/// An examination under way.
struct Examination<'a> {
    probe: Probe<'a>,
    findings: Vec<Finding>,
    on_finding: Option<&'a dyn Fn(&Finding)>,
    /// What no finding may show.
    secrets: Vec<Secret>,
    token_in: TokenPlace,
}

impl Examination<'_> {
    fn run(
        &mut self,
        nodes: &mut [Node<'_>],
        credentials: Option<&Credentials>,
        given: Option<&Secret>,
        request: Option<&request::Asked<'_>>,
        send_writes: bool,
    ) -> Result<()> {
        let count = nodes.len();
        let mut was_refused = false;
        for (index, node) in nodes.iter_mut().enumerate() {
            self.probe.check()?;
            if self.probe.left().is_zero() {
                self.add(Severity::Warning, Cause::NotTried, Some(&node.name), "not asked: the time was over");
                continue;
            }
            self.probe.share(count - index);
            if !self.reach(node) {
                continue;
            }
            if let Some(credentials) = credentials {
                if was_refused {
                    let seen = "no login: a password that one server refuses is not tried at the others";
                    self.add(Severity::Information, Cause::NotTried, Some(&node.name), seen);
                } else {
                    was_refused = self.log_in(node, credentials)?;
                }
            }
            self.try_own_token(node);
        }
        if let Some(credentials) = credentials {
            self.try_second_login(nodes, credentials)?;
        }
        self.compare(nodes);
        if let Some(token) = given {
            self.try_given_token(nodes, token);
        }
        if let Some(request) = request {
            self.try_request(nodes, given, request, send_writes)?;
        }
        self.probe.check()?;
        self.conclude(nodes, given.is_some());
        Ok(())
    }

    /// What to log in with. A file may fail, or never be read.
    fn load(&mut self, source: Source) -> Result<Option<Supplied>> {
        let supplied = match source {
            Source::Token { token, .. } => Ok(Supplied::Token { token, ttl: None }),
            Source::Password(credentials) => Ok(Supplied::Password(credentials)),
            // The caller's own function is waited for: what it uses may be gone when this has returned.
            source @ Source::Callback(_) => source.load(),
            source => match self.probe.ask(move || source.load()) {
                Some(supplied) => supplied,
                None => {
                    self.probe.check()?;
                    let seen = "the password file has not been read in time";
                    self.add(Severity::Error, Cause::PasswordFile, None, seen);
                    return Ok(None);
                }
            },
        };
        match supplied {
            Ok(supplied) => {
                self.secrets.push(match &supplied {
                    Supplied::Password(credentials) => credentials.password.clone(),
                    Supplied::Token { token, .. } => token.clone(),
                });
                Ok(Some(supplied))
            }
            Err(error) => {
                self.add(Severity::Error, error.cause(), None, error.message());
                Ok(None)
            }
        }
    }

    /// If nothing is wrong: for how long the token is good, and when it would be renewed.
    fn conclude(&mut self, nodes: &[Node<'_>], has_given: bool) {
        if self.findings.iter().any(|finding| finding.severity() >= Severity::Warning) {
            return;
        }
        let Some(life) = nodes.iter().find_map(|node| node.token.as_ref()).map(|token| token.life()) else {
            if !has_given && nodes.iter().all(|node| node.is_open()) {
                self.add(Severity::Ok, Cause::Healthy, None, "all is well: requests need no token");
            }
            return;
        };
        let (earliest, latest) = crate::lifecycle::renewal(life);
        let seen = format!(
            "all is well: a token is good for {}, and a client renews it {} to {} before its end",
            duration(life),
            duration(earliest),
            duration(latest)
        );
        self.add(Severity::Ok, Cause::Healthy, None, seen);
    }

    fn add(&mut self, severity: Severity, cause: Cause, server: Option<&Arc<str>>, seen: impl Into<String>) {
        let finding = Finding::new(severity, cause, server, seen);
        if let Some(tell) = self.on_finding {
            tell(&finding);
        }
        self.findings.push(finding);
    }

    fn secrets(&self) -> Vec<&str> {
        self.secrets.iter().map(Secret::expose).collect()
    }
}

/// For people: the two largest units.
fn duration(time: Duration) -> String {
    let unit = match time.as_secs() {
        0..3600 => 1.0,
        3600..86_400 => 60.0,
        _ => 3600.0,
    };
    let seconds = ((time.as_secs_f64() / unit).round() * unit) as u64;
    let (days, hours, minutes, seconds) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) if seconds == 0 => format!("{minutes} min"),
        (0, 0, _) => format!("{minutes} min {seconds} s"),
        (0, _, 0) => format!("{hours} h"),
        (0, ..) => format!("{hours} h {minutes} min"),
        (_, 0, _) => format!("{days} d"),
        _ => format!("{days} d {hours} h"),
    }
}
