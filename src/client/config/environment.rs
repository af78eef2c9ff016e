//! Settings from environment variables: the only place in this library that reads any.

use std::{env, ffi::OsString};

use zeroize::Zeroizing;

use super::{Config, Login, TokenPlace};
use crate::{
    client::Client,
    error::{Error, Result},
};

/// A variable is named after its setting.
const PREFIX: &str = "NACOS_";
const SERVER_ADDR: &str = "NACOS_SERVER_ADDR";
const USERNAME: &str = "NACOS_USERNAME";
const PASSWORD: &str = "NACOS_PASSWORD";
const PASSWORD_FILE: &str = "NACOS_PASSWORD_FILE";
const TOKEN: &str = "NACOS_TOKEN";
const CONTEXT_PATH: &str = "NACOS_CONTEXT_PATH";
const CA_FILE: &str = "NACOS_CA_FILE";
const CLIENT_CERT_FILE: &str = "NACOS_CLIENT_CERT_FILE";
const CLIENT_KEY_FILE: &str = "NACOS_CLIENT_KEY_FILE";
const TLS_SERVER_NAME: &str = "NACOS_TLS_SERVER_NAME";
const PROXY: &str = "NACOS_PROXY";
const TOKEN_IN: &str = "NACOS_TOKEN_IN";
const ALL: [&str; 12] = [
    SERVER_ADDR,
    USERNAME,
    PASSWORD,
    PASSWORD_FILE,
    TOKEN,
    CONTEXT_PATH,
    CA_FILE,
    CLIENT_CERT_FILE,
    CLIENT_KEY_FILE,
    TLS_SERVER_NAME,
    PROXY,
    TOKEN_IN,
];

impl Config {
    /// From environment variables, which have the same names in every language: `NACOS_SERVER_ADDR`; `NACOS_USERNAME` with
    /// `NACOS_PASSWORD` or `NACOS_PASSWORD_FILE`, or else `NACOS_TOKEN`; and, where wanted, `NACOS_CONTEXT_PATH`,
    /// `NACOS_CA_FILE`, `NACOS_CLIENT_CERT_FILE`, `NACOS_CLIENT_KEY_FILE`, `NACOS_TLS_SERVER_NAME`, `NACOS_PROXY` and
    /// `NACOS_TOKEN_IN` (`auto`, `authorization`, `header` or `query`). An empty one counts as not set.
    ///
    /// Nothing else in this library reads the environment. Call it while no other thread changes it.
    ///
    /// # Errors
    /// [`Kind::InvalidConfig`](crate::Kind::InvalidConfig), naming the variable, for what is missing, contradictory or not
    /// usable, be it a file that cannot be read.
    pub fn from_env() -> Result<Self> {
        read_and_check(|name| env::var_os(name))
    }
}

/// `look_up` gives the value of a variable.
fn read_and_check(look_up: impl Fn(&str) -> Option<OsString>) -> Result<Config> {
    let config = read(look_up)?;
    // The errors of a client name settings, and only here it is known where they came from.
    match Client::new(config.clone()).err().and_then(name_the_variable) {
        Some(error) => Err(error),
        // What is wrong with no variable may be mended before the client is made.
        None => Ok(config),
    }
}

fn read(look_up: impl Fn(&str) -> Option<OsString>) -> Result<Config> {
    let mut values = [const { None }; ALL.len()];
    for (name, value) in ALL.iter().zip(&mut values) {
        if let Some(found) = look_up(name).filter(|found| !found.is_empty()) {
            let text = found.into_string().map_err(|_| Error::config(format!("{name}: not valid UTF-8")))?;
            *value = Some(Zeroizing::new(text));
        }
    }
    let get =
        |name: &str| ALL.iter().position(|one| *one == name).and_then(|at| values[at].as_deref()).map(String::as_str);

    let server_addr = get(SERVER_ADDR).ok_or_else(|| {
        Error::config(format!("{SERVER_ADDR}: not set; write it like \"10.0.0.1:8848\" or \"https://host:443\""))
    })?;
    for (one, other) in [(TOKEN, USERNAME), (TOKEN, PASSWORD), (TOKEN, PASSWORD_FILE), (PASSWORD, PASSWORD_FILE)] {
        if get(one).is_some() && get(other).is_some() {
            return Err(Error::config(format!("{one} and {other}: they exclude each other; unset one of them")));
        }
    }
    let mut config = Config::with(server_addr, login(get)?);
    for (one, other) in [(CLIENT_CERT_FILE, CLIENT_KEY_FILE), (CLIENT_KEY_FILE, CLIENT_CERT_FILE)] {
        if get(one).is_some() && get(other).is_none() {
            return Err(Error::config(format!("{other}: not set; it goes with {one}: set both or neither")));
        }
    }
    for (name, set) in [
        (CONTEXT_PATH, Config::context_path as fn(Config, &str) -> Config),
        (CA_FILE, |config, path| config.ca_file(path)),
        (CLIENT_CERT_FILE, |config, path| config.client_cert_file(path)),
        (CLIENT_KEY_FILE, |config, path| config.client_key_file(path)),
        (TLS_SERVER_NAME, Config::tls_server_name),
        (PROXY, Config::proxy),
    ] {
        if let Some(value) = get(name) {
            config = set(config, value);
        }
    }
    let place = match get(TOKEN_IN) {
        None | Some("auto") => TokenPlace::Auto,
        Some("authorization") => TokenPlace::Authorization,
        Some("header") => TokenPlace::Header,
        Some("query") => TokenPlace::Query,
        Some(_) => {
            return Err(Error::config(format!("{TOKEN_IN}: not known; write auto, authorization, header or query")));
        }
    };
    Ok(config.token_in(place))
}

fn login<'a>(get: impl Fn(&str) -> Option<&'a str>) -> Result<Login> {
    if let Some(token) = get(TOKEN) {
        return Ok(Login::Token { token: token.into(), ttl: None });
    }
    let username = get(USERNAME).map(str::to_owned).ok_or_else(|| {
        Error::config(format!("{USERNAME}: not set; set it with {PASSWORD} or {PASSWORD_FILE}, or set {TOKEN}"))
    })?;
    match (get(PASSWORD), get(PASSWORD_FILE)) {
        (Some(password), _) => Ok(Login::Password { username, password: password.into() }),
        (None, Some(path)) => Ok(Login::File { username, path: path.into() }),
        (None, None) => Err(Error::config(format!(
            "{PASSWORD}: not set; set it, or {PASSWORD_FILE} to the name of a file that holds it"
        ))),
    }
}

/// An error that begins with the name of a setting begins with that of its variable instead. `None`: it is about none.
fn name_the_variable(error: Error) -> Option<Error> {
    let end = error.message().find(|c: char| !c.is_ascii_lowercase() && c != '_')?;
    let (setting, rest) = error.message().split_at(end);
    let name = format!("{PREFIX}{}", setting.to_ascii_uppercase());
    let message = format!("{name}{rest}");
    ALL.contains(&name.as_str()).then(|| error.with_message(message))
}

#[cfg(test)]
mod tests;
