//! Where the credentials of a login come from.

use std::{
    fmt,
    fs::File,
    io::Read,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use zeroize::Zeroizing;

use super::listener::Listener;
use crate::{
    error::{Error, Kind, Result},
    protocol::login,
    secret::Secret,
};

/// The largest password file read.
const LARGEST_FILE: usize = 4096;

/// Who we are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Credentials {
    pub(super) username: String,
    pub(super) password: Secret,
}

impl Credentials {
    /// `wrong` makes the error of the place these credentials came from.
    pub(super) fn check(username: String, password: Secret, wrong: fn(String) -> Error) -> Result<Self> {
        check_username(&username, wrong)?;
        if password.expose().is_empty() {
            return Err(wrong("password: empty; Nacos has no users without one".into()));
        }
        Ok(Self { username, password })
    }
}

fn check_username(username: &str, wrong: fn(String) -> Error) -> Result<()> {
    if username.is_empty() {
        return Err(wrong("username: empty; give the name of a Nacos user".into()));
    }
    if username.contains(char::is_control) {
        return Err(wrong("username: holds a control character; perhaps a line end was read along with it".into()));
    }
    Ok(())
}

/// Refuses a token that no request can carry.
fn check_token(token: &Secret, wrong: fn(String) -> Error) -> Result<()> {
    if login::is_token(token.expose()) {
        return Ok(());
    }
    Err(wrong("token: empty, or holds a space, a line end or another character that no header carries".into()))
}

/// What a login uses, as a credentials callback gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Supply {
    /// Log in as this user.
    Password {
        /// Name of the user.
        username: String,
        /// Its password.
        password: Secret,
    },
    /// Use this token, which somebody else got: no login.
    Token {
        /// The token.
        token: Secret,
        /// How long it lives; `None`: the callback is asked again after some minutes.
        ttl: Option<Duration>,
    },
}

/// What a login is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Supplied {
    Password(Credentials),
    Token { token: Secret, ttl: Option<Duration> },
}

/// Where what a login is made of comes from.
#[derive(Clone)]
pub(super) enum Source {
    Password(Credentials),
    /// Read anew for each login: somebody else changes it.
    File {
        username: String,
        path: PathBuf,
    },
    /// Asked for each login.
    Callback(Arc<Listener>),
    /// A token that somebody else got.
    Token {
        token: Secret,
        ttl: Option<Duration>,
    },
}

impl PartialEq for Source {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Password(a), Self::Password(b)) => a == b,
            (Self::File { username: a, path: p }, Self::File { username: b, path: q }) => (a, p) == (b, q),
            (Self::Callback(a), Self::Callback(b)) => Arc::ptr_eq(a, b),
            (Self::Token { token: a, ttl: t }, Self::Token { token: b, ttl: u }) => (a, t) == (b, u),
            _ => false,
        }
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Password(_) => "a password",
            Self::File { .. } => "a password file",
            Self::Callback(_) => "a callback",
            Self::Token { .. } => "a token",
        })
    }
}

impl Source {
    pub(super) fn file(username: String, path: PathBuf) -> Result<Self> {
        check_username(&username, Error::config)?;
        read(&username, &path, Error::config)?;
        Ok(Self::File { username, path })
    }

    /// Of a token without a known life one hears from the servers when it is over.
    pub(super) fn token(token: Secret, ttl: Option<Duration>, wrong: fn(String) -> Error) -> Result<Self> {
        check_token(&token, wrong)?;
        Ok(Self::Token { token, ttl: ttl.or(Some(Duration::MAX)) })
    }

    /// Whether it always gives the same.
    pub(super) fn is_fixed(&self) -> bool {
        matches!(self, Self::Password(_) | Self::Token { .. })
    }

    /// The name of the user, where it is fixed.
    pub(super) fn user(&self) -> Option<&str> {
        match self {
            Self::Password(Credentials { username, .. }) | Self::File { username, .. } => Some(username),
            Self::Callback(_) | Self::Token { .. } => None,
        }
    }

    /// Whether another handle may come with the same source.
    pub(super) fn is_shared(&self) -> bool {
        !matches!(self, Self::Callback(_))
    }

    /// What to log in with now. May block, as long as a file or the caller's function takes.
    pub(super) fn supply(&self) -> Result<Supplied> {
        let nothing = |message: String| Error::new(Kind::NoCredentials, message);
        match self {
            Self::Password(credentials) => Ok(Supplied::Password(credentials.clone())),
            Self::Token { token, ttl } => Ok(Supplied::Token { token: token.clone(), ttl: *ttl }),
            Self::File { username, path } => read(username, path, nothing).map(Supplied::Password),
            Self::Callback(listener) => match listener.supply() {
                Ok(Supply::Password { username, password }) => {
                    let wrong = |message| Error::new(Kind::NoCredentials, format!("credentials callback: {message}"));
                    Credentials::check(username, password, wrong).map(Supplied::Password)
                }
                Ok(Supply::Token { token, ttl }) => {
                    let wrong = |message| Error::new(Kind::NoCredentials, format!("credentials callback: {message}"));
                    check_token(&token, wrong)?;
                    Ok(Supplied::Token { token, ttl })
                }
                Err(message) => Err(nothing(format!("the credentials callback failed: {message}"))),
            },
        }
    }
}

/// The password in a file, without the line end that editors put behind it.
fn read(username: &str, path: &Path, wrong: fn(String) -> Error) -> Result<Credentials> {
    let failed = |what: &dyn fmt::Display| wrong(format!("password_file: {}: {what}", path.display()));
    // Room for all of it, so that no unwiped copy is left behind by growing.
    let mut text = Zeroizing::new(Vec::with_capacity(LARGEST_FILE));
    let file = File::open(path).map_err(|e| failed(&e))?;
    file.take(LARGEST_FILE as u64).read_to_end(&mut text).map_err(|e| failed(&e))?;
    if text.len() == LARGEST_FILE {
        return Err(failed(&"too large for a password"));
    }
    let text = std::str::from_utf8(&text).map_err(|_| failed(&"not UTF-8"))?;
    let password = text.trim_end_matches(['\r', '\n']);
    if password.is_empty() {
        return Err(failed(&"empty; write the password into it"));
    }
    Ok(Credentials { username: username.into(), password: password.into() })
}
