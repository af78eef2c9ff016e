//! Which credentials: a password from a file, the environment, the command line or the terminal, or a token.

use std::io::{self, IsTerminal};

use nacos_auth::{Config, Secret};

use super::{
    layers::{Layer, Layers},
    missing,
};
use crate::exit::{Failure, Result};

/// What can stand for a password.
const KINDS: [&str; 3] = ["password", "password_file", "token"];

pub(super) enum Login {
    Password { username: String, password: Secret },
    File { username: String, path: String },
    Token(Secret),
}

impl Login {
    /// Of the first layer that has any; a user name given before a token wants a password.
    pub(super) fn read(layers: &Layers) -> Result<Self> {
        let username = layers.get("username");
        let mut has_user = false;
        for layer in layers.each() {
            match kind(layer)? {
                Some("token") if !has_user => return Ok(Self::Token(layer["token"].text.as_str().into())),
                Some(kind @ ("password" | "password_file")) => {
                    let value = &layer[kind];
                    let user = username.ok_or_else(|| missing("username", "the user to log in as"))?.text.clone();
                    return Ok(match kind {
                        "password" => {
                            if value.origin.starts_with('-') {
                                eprintln!(
                                    "nacos-auth: warning: everybody on this machine can read a password on the command \
                                     line; use --password-file, NACOS_PASSWORD or the prompt"
                                );
                            }
                            Self::Password { username: user, password: value.text.as_str().into() }
                        }
                        _ => Self::File { username: user, path: value.text.clone() },
                    });
                }
                _ => {}
            }
            has_user |= layer.contains_key("username");
        }
        let user = username.ok_or_else(|| missing("username", "the user to log in as"))?.text.clone();
        let password = ask(&user)?;
        Ok(Self::Password { username: user, password })
    }

    pub(super) fn config(&self, servers: &str) -> Config {
        match self {
            Self::Password { username, password } => Config::new(servers, username, password.expose()),
            Self::File { username, path } => Config::with_password_file(servers, username, path),
            Self::Token(token) => Config::with_token(servers, token.expose(), None),
        }
    }
}

/// Which kind of credentials a layer has; two at once are one too many.
fn kind(layer: &Layer) -> Result<Option<&'static str>> {
    let there: Vec<_> = KINDS.into_iter().filter(|kind| layer.contains_key(kind)).collect();
    match there[..] {
        [] => Ok(None),
        [one] => Ok(Some(one)),
        [first, second, ..] => Err(Failure::setting(format!(
            "{first} and {second}: both are set, by {} and {}; leave one out",
            layer[first].origin, layer[second].origin
        ))),
    }
}

fn ask(user: &str) -> Result<Secret> {
    if !io::stderr().is_terminal() {
        return Err(Failure::setting(
            "password: not set, and there is no terminal to ask at; give a file with it by --password-file, \
             NACOS_PASSWORD_FILE or password_file in a profile, or set NACOS_PASSWORD",
        ));
    }
    let password = rpassword::prompt_password(format!("Password of {}: ", user.escape_debug()));
    let password = zeroize::Zeroizing::new(password.map_err(|e| Failure::local("cannot ask for the password", e))?);
    if password.is_empty() {
        return Err(Failure::setting("password: empty"));
    }
    Ok(password.as_str().into())
}
