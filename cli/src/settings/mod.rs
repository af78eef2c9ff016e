//! Settings: from options, then the environment, then a profile of a file. Each remembers where it came from, so that a
//! message about a wrong one can say so.

mod file;
mod layers;
mod login;

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use nacos_auth::{Client, Config, Error, Event, Kind, Level, TokenPlace};

use crate::{
    args::{self, Flags},
    exit::{Failure, Result},
};
use layers::{Layers, Value};
use login::Login;

/// The values of token_in.
pub(crate) const PLACES: [&str; 4] = ["auto", "authorization", "header", "query"];

/// Settings that make sense as far as they can be checked without the library.
pub(crate) struct Settings {
    pub(crate) server_addr: String,
    pub(crate) context_path: Option<String>,
    pub(crate) ca_file: Option<PathBuf>,
    pub(crate) client_cert_file: Option<PathBuf>,
    pub(crate) client_key_file: Option<PathBuf>,
    pub(crate) tls_server_name: Option<String>,
    pub(crate) proxy: Option<String>,
    pub(crate) token_in: TokenPlace,
    pub(crate) connect_timeout: Duration,
    pub(crate) request_timeout: Duration,
    pub(crate) verbose: bool,
    login: Login,
    origins: BTreeMap<&'static str, String>,
}

impl Settings {
    /// Reads them; may ask for a password on the terminal.
    pub(crate) fn read(flags: &Flags) -> Result<Self> {
        let layers = Layers::read(flags)?;
        let mut origins = BTreeMap::new();
        let mut text = |name: &'static str| {
            layers.get(name).map(|Value { text, origin }| {
                origins.insert(name, origin.clone());
                text.clone()
            })
        };
        let server_addr = text("server_addr").ok_or_else(|| missing("server_addr", "the servers, as host:port"))?;
        let context_path = text("context_path");
        let mut path = |name| text(name).map(PathBuf::from);
        let (ca_file, cert, key) = (path("ca_file"), path("client_cert_file"), path("client_key_file"));
        let (tls_server_name, proxy) = (text("tls_server_name"), text("proxy"));
        text("username");
        text("password_file");
        Ok(Self {
            server_addr,
            context_path,
            ca_file,
            client_cert_file: cert,
            client_key_file: key,
            tls_server_name,
            proxy,
            token_in: layers.get("token_in").map(place).transpose()?.unwrap_or_default(),
            connect_timeout: time(&layers, "connect_timeout", 2)?,
            request_timeout: time(&layers, "request_timeout", 15)?,
            verbose: flags.verbose,
            login: Login::read(&layers)?,
            origins,
        })
    }

    pub(crate) fn config(&self) -> Config {
        let mut config = self.login.config(&self.server_addr);
        config = config.token_in(self.token_in);
        config = config.connect_timeout(self.connect_timeout).request_timeout(self.request_timeout);
        config = config.user_agent(concat!("nacos-auth-cli/", env!("CARGO_PKG_VERSION")));
        if let Some(path) = &self.context_path {
            config = config.context_path(path);
        }
        if let Some(file) = &self.ca_file {
            config = config.ca_file(file);
        }
        if let Some(file) = &self.client_cert_file {
            config = config.client_cert_file(file);
        }
        if let Some(file) = &self.client_key_file {
            config = config.client_key_file(file);
        }
        if let Some(name) = &self.tls_server_name {
            config = config.tls_server_name(name);
        }
        if let Some(proxy) = &self.proxy {
            config = config.proxy(proxy);
        }
        config
    }

    /// A client, whose events down to `level` go to standard error.
    pub(crate) fn client(&self, level: Level) -> Result<Client> {
        Client::new(self.logging(Some(level))).map_err(|error| self.explain(error))
    }

    /// The same, whose events all go to `on_event` too; none to standard error without a level.
    pub(crate) fn client_told(
        &self,
        level: Option<Level>,
        on_event: impl Fn(&Event) + Send + Sync + 'static,
    ) -> Result<Client> {
        Client::new(self.logging(level).on_event(on_event)).map_err(|error| self.explain(error))
    }

    fn logging(&self, level: Option<Level>) -> Config {
        let Some(level) = level else { return self.config() };
        let level = if self.verbose { Level::Debug } else { level };
        self.config().on_log(level, |event| match event.cause() {
            Some(cause) => eprintln!("nacos-auth: {event} ({})", cause.name()),
            None => eprintln!("nacos-auth: {event}"),
        })
    }

    /// The error with the place where the setting that it names stands.
    pub(crate) fn explain(&self, error: Error) -> Failure {
        let is_config = error.kind() == Kind::InvalidConfig;
        let failure = Failure::from(error);
        match self.origins.iter().find(|(name, _)| is_config && failure.message().starts_with(*name)) {
            Some((_, origin)) => failure.set_by(origin),
            None => failure,
        }
    }
}

fn missing(name: &str, what: &str) -> Failure {
    let (flag, variable) = (layers::flag(name), layers::variable(name));
    Failure::setting(format!("{name}: not set; give {what}, by {flag}, {variable} or {name} in a profile"))
}

fn place(value: &Value) -> Result<TokenPlace> {
    Ok(match value.text.as_str() {
        "auto" => TokenPlace::Auto,
        "authorization" => TokenPlace::Authorization,
        "header" => TokenPlace::Header,
        "query" => TokenPlace::Query,
        other => {
            let places = PLACES.join(", ");
            let message = format!("token_in: \"{}\" is none of {places}", other.escape_debug());
            return Err(Failure::setting(message).set_by(&value.origin));
        }
    })
}

fn time(layers: &Layers, name: &'static str, usual: u64) -> Result<Duration> {
    let Some(value) = layers.get(name) else { return Ok(Duration::from_secs(usual)) };
    let shown = value.text.escape_debug();
    args::duration(&value.text)
        .map_err(|why| Failure::setting(format!("{name}: \"{shown}\": {why}")).set_by(&value.origin))
}
