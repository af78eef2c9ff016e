//! Does what a line asks for.

use std::{collections::HashMap, str};

use base64::{Engine, prelude::BASE64_STANDARD};
use nacos_auth::{Advice, Client, Config, Error, Report, Request, TokenPlace};
use serde_json::{Map, Value, json};

use crate::{grammar::Command, tally};

unsafe extern "C" {
    /// The Rust interface has no number for the C interface that is built from the same sources.
    safe fn nacos_auth_abi_version() -> u32;
}

pub(crate) enum Failure {
    Library(Error),
    /// The line, not the library, is at fault.
    Line(String),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Library(error)
    }
}

impl Failure {
    /// The name of the C status, without its prefix.
    pub(crate) fn status(&self) -> String {
        match self {
            Self::Library(error) => error.kind().to_string(),
            Self::Line(_) => "SHIM".into(),
        }
    }

    fn answer(&self) -> Value {
        let status = self.status();
        match self {
            Self::Line(message) => json!({"ok": false, "status": status, "message": message}),
            Self::Library(error) => json!({
                "ok": false,
                "status": status,
                "http_status": error.http_status().unwrap_or(0),
                "retryable": error.is_retryable(),
                "retry_after_ms": error.retry_after().map_or(0, |after| after.as_millis() as u64),
                "message": error.message(),
            }),
        }
    }
}

/// The fields of an answer, and the generation of the token that it was got with (0: none).
pub(crate) type Done = (Map<String, Value>, u64);

#[derive(Default)]
pub(crate) struct Shim {
    clients: HashMap<String, Client>,
}

impl Shim {
    /// The answer to one line.
    pub(crate) fn line(&mut self, line: &[u8]) -> Value {
        let done = Command::parse(line).and_then(|command| match command.op {
            "init" => self.init(&command),
            "free" => self.free(&command),
            "parallel" | "loop" => self.many(&command),
            _ => self.act(&command),
        });
        match done {
            Err(failure) => failure.answer(),
            Ok((mut fields, _)) => {
                // parallel and loop answer a count.
                fields.entry("ok").or_insert(true.into());
                Value::Object(fields)
            }
        }
    }

    /// What any thread may do.
    pub(crate) fn act(&self, command: &Command) -> Result<Done, Failure> {
        if command.op == "hello" {
            let version = env!("CARGO_PKG_VERSION");
            return Ok(done(json!({"language": "rust", "version": version, "abi": nacos_auth_abi_version()}), 0));
        }
        let client = self.client(command)?;
        match command.op {
            "get_token" => get_token(client, command),
            "request" => request(client, command),
            "report_rejected" => {
                let status = u16::try_from(command.number("http_status"))
                    .map_err(|_| Failure::Line("http_status: not an HTTP status".into()))?;
                let body = command.text("body").as_bytes();
                let report = Report { generation: command.number("generation"), status, body, ..Report::default() };
                let advice = match client.report(&report)?.advice {
                    Advice::Return => "return",
                    Advice::Replay => "replay",
                    Advice::ReplayIfIdempotent => "replay_if_idempotent",
                };
                Ok(done(json!({"advice": advice}), 0))
            }
            "set_credentials" => {
                client.set_credentials(command.text("username"), command.text("password"))?;
                Ok(done(json!({}), 0))
            }
            "stats" => Ok(stats(client)),
            _ => {
                client.close();
                Ok(done(json!({}), 0))
            }
        }
    }

    pub(crate) fn client(&self, command: &Command) -> Result<&Client, Failure> {
        let name = command.text("auth");
        self.clients.get(name).ok_or_else(|| Failure::Line(format!("unknown handle {name:?}")))
    }

    fn init(&mut self, command: &Command) -> Result<Done, Failure> {
        let name = command.text("auth");
        if self.clients.contains_key(name) {
            return Err(Failure::Line(format!("handle {name:?} is in use")));
        }
        let (user, password) = (command.text("username"), command.text("password"));
        let mut config = Config::new(command.text("server_addr"), user, password);
        config = config.token_in(match command.given("carriage") {
            None => TokenPlace::Auto,
            Some("bearer") => TokenPlace::Authorization,
            Some("header") => TokenPlace::Header,
            Some("query") => TokenPlace::Query,
            Some(other) => return Err(Failure::Line(format!("unknown carriage {other:?}"))),
        });
        if let Some(path) = command.given("context_path") {
            config = config.context_path(path);
        }
        if let Some(file) = command.given("ca_file") {
            config = config.ca_file(file);
        }
        if let Some(file) = command.given("client_cert_file") {
            config = config.client_cert_file(file);
        }
        if let Some(file) = command.given("client_key_file") {
            config = config.client_key_file(file);
        }
        if let Some(address) = command.given("proxy") {
            config = config.proxy(address);
        }
        if let Some(timeout) = command.time("connect_timeout_ms") {
            config = config.connect_timeout(timeout);
        }
        if let Some(timeout) = command.time("request_timeout_ms") {
            config = config.request_timeout(timeout);
        }
        self.clients.insert(name.into(), Client::new(config)?);
        Ok(done(json!({}), 0))
    }

    fn free(&mut self, command: &Command) -> Result<Done, Failure> {
        self.client(command)?;
        self.clients.remove(command.text("auth"));
        Ok(done(json!({}), 0))
    }

    fn many(&self, command: &Command) -> Result<Done, Failure> {
        let inner = command.inner()?;
        if inner.op != "hello" {
            self.client(&inner)?;
        }
        let once = || self.act(&inner);
        Ok(done(
            if command.op == "loop" { tally::in_a_row(command, once) } else { tally::in_threads(command, once) },
            0,
        ))
    }
}

fn get_token(client: &Client, command: &Command) -> Result<Done, Failure> {
    let token = match command.time("timeout_ms") {
        None => client.token()?,
        Some(timeout) => client.token_within(timeout, None)?,
    };
    let text = token.secret.expose();
    let mut fields = json!({
        "length": text.len(),
        "generation": token.generation,
        "remaining_ms": token.remaining_ms,
        "expired": token.expired,
    });
    if command.flag("reveal") {
        fields["token"] = text.into();
    }
    Ok(done(fields, token.generation))
}

fn request(client: &Client, command: &Command) -> Result<Done, Failure> {
    let mut request = Request::new(command.text("method"), command.text("path"))?.body(command.body()?);
    for (name, value) in command.pairs("query") {
        request = request.query(name, value);
    }
    for (name, value) in command.pairs("headers") {
        request = request.header(name, value)?;
    }
    let form = command.pairs("form");
    if !form.is_empty() {
        request = request.form(form)?;
    }
    if let Some(timeout) = command.time("timeout_ms") {
        request = request.timeout(timeout);
    }
    let response = client.request(request)?;
    let headers = response.headers().iter();
    let headers: Vec<_> = headers.map(|(n, v)| [n.to_string(), String::from_utf8_lossy(v.as_bytes()).into()]).collect();
    let mut fields = json!({"http_status": response.status(), "headers": headers, "replayed": response.replays() > 0});
    match str::from_utf8(response.body()) {
        Ok(text) => fields["body"] = text.into(),
        Err(_) => fields["body_base64"] = BASE64_STANDARD.encode(response.body()).into(),
    }
    Ok(done(fields, response.generation()))
}

fn stats(client: &Client) -> Done {
    let stats = client.stats();
    let counters = json!({
        "logins": stats.logins,
        "login_failures": stats.login_failures,
        "requests": stats.requests,
        "replays": stats.replays,
        "rejections": stats.rejections,
        "rejections_permission": stats.rejections_permission,
        "waits": stats.waits,
        "generation": stats.generation,
        "remaining_ms": stats.remaining_ms,
    });
    done(counters, 0)
}

fn done(fields: Value, generation: u64) -> Done {
    let Value::Object(fields) = fields else { unreachable!("answers are objects") };
    (fields, generation)
}
