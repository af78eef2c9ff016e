//! Where the credentials of a login come from.

use std::{
    fmt,
    fs::File,
    hash::{Hash, Hasher},
    io::Read,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use zeroize::Zeroizing;

use crate::{
    cause::Cause,
    error::{Error, Kind, Result},
    lifecycle::Time,
    observe::{Listener, Supply},
    protocol::login,
    secret::Secret,
    sys::clock,
};

/// The largest password file read.
const LARGEST_FILE: usize = 4096;

/// Who we are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Credentials {
    pub(crate) username: String,
    pub(crate) password: Secret,
}

impl Credentials {
    /// `wrong` makes the error of the place these credentials came from.
    pub(crate) fn check(username: String, password: Secret, wrong: fn(String) -> Error) -> Result<Self> {
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

/// What a login is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Supplied {
    Password(Credentials),
    Token { token: Secret, ttl: Option<Duration> },
}

/// Where what a login is made of comes from.
#[derive(Clone)]
pub(crate) enum Source {
    Password(Credentials),
    /// Read anew for each login: somebody else changes it.
    File {
        username: String,
        path: PathBuf,
    },
    /// Asked for each login.
    Callback(Arc<Listener>),
    /// A token that somebody else got, and when its life ends, if that is known.
    Token {
        token: Secret,
        ends: Option<Time>,
    },
}

impl Source {
    /// Whether sessions with the one and the other are the same.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Password(a), Self::Password(b)) => a == b,
            (Self::File { username: a, path: p }, Self::File { username: b, path: q }) => (a, p) == (b, q),
            (Self::Callback(a), Self::Callback(b)) => Arc::ptr_eq(a, b),
            // Each has its life from the moment it was given.
            (Self::Token { .. }, Self::Token { .. }) => false,
            _ => false,
        }
    }
}

/// For the keyed hash under which pauses are kept.
impl Hash for Source {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            Self::Password(Credentials { username, password }) => (0, username, password.expose()).hash(state),
            Self::File { username, path } => (1, username, path).hash(state),
            Self::Callback(_) | Self::Token { .. } => 2.hash(state),
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
    pub(crate) fn file(username: String, path: PathBuf) -> Result<Self> {
        check_username(&username, Error::config)?;
        read(&username, &path, Error::config)?;
        Ok(Self::File { username, path })
    }

    /// A token that lives for `ttl` from now.
    pub(crate) fn token(token: Secret, ttl: Option<Duration>, wrong: fn(String) -> Error) -> Result<Self> {
        check_token(&token, wrong)?;
        Ok(Self::Token { token, ends: ttl.and_then(|ttl| clock::now().checked_add(ttl)) })
    }

    /// The same in the child of a fork, whose own `listener` calls the functions there.
    pub(crate) fn forked(&self, listener: Option<&Arc<Listener>>) -> Self {
        match (self, listener) {
            (Self::Callback(_), Some(listener)) => Self::Callback(listener.clone()),
            _ => self.clone(),
        }
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

    /// What its failure is called.
    pub(super) fn cause(&self) -> Cause {
        if let Self::File { .. } = self { Cause::PasswordFile } else { Cause::CredentialsCallback }
    }

    /// Whether another handle may come with the same.
    pub(super) fn is_shared(&self) -> bool {
        matches!(self, Self::Password(_) | Self::File { .. })
    }

    /// What to log in with now. May block, as long as a file or the caller's function takes.
    pub(crate) fn load(&self) -> Result<Supplied> {
        let nothing = |message: String| Error::new(Kind::NoCredentials, message);
        match self {
            Self::Password(credentials) => Ok(Supplied::Password(credentials.clone())),
            Self::Token { .. } => Err(nothing("nothing logs in for a token that somebody else got".into())),
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

/// The password in a file, without the line end that editors put behind it and the mark that some put before it.
fn read(username: &str, path: &Path, wrong: fn(String) -> Error) -> Result<Credentials> {
    let failed = |what: &dyn fmt::Display| {
        wrong(format!("password_file: {}: {what}", path.display())).because(Cause::PasswordFile)
    };
    // Room for all of it, so that no unwiped copy is left behind by growing.
    let mut text = Zeroizing::new(Vec::with_capacity(LARGEST_FILE));
    let file = File::open(path).map_err(|e| failed(&e))?;
    file.take(LARGEST_FILE as u64).read_to_end(&mut text).map_err(|e| failed(&e))?;
    if text.len() == LARGEST_FILE {
        return Err(failed(&"too large for a password"));
    }
    let is_utf_16 = text.starts_with(&[0xff, 0xfe]) || text.starts_with(&[0xfe, 0xff]) || text.contains(&0);
    let Some(text) = std::str::from_utf8(&text).ok().filter(|_| !is_utf_16) else {
        return Err(failed(&if is_utf_16 {
            "UTF-16 by its looks; save it as UTF-8"
        } else {
            "not UTF-8; save it as UTF-8"
        }));
    };
    let password = text.strip_prefix('\u{feff}').unwrap_or(text).trim_end_matches(['\r', '\n']);
    if password.is_empty() {
        return Err(failed(&"empty; write the password into it"));
    }
    Ok(Credentials { username: username.into(), password: password.into() })
}
