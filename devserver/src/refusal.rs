//! Why a request or a login is refused; the generations say it in different words.

/// Why a request's identity or permission does not do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rejection {
    NoToken,
    Expired,
    Malformed,
    ForeignHeader,
    Signature,
    /// Only with the token cache: in the second after expiry.
    CacheExpired,
    /// Only with the token cache: no `sub`.
    CacheNoUser,
    Permission,
}

/// Why a login fails.
#[derive(Debug)]
pub(crate) enum LoginFailure {
    /// The login carried a token, and that one is looked at first.
    Token(Rejection),
    WrongPassword,
    UnknownUser(String),
}
