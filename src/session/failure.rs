//! What a failed login means, for the machine and in words.

use super::exchange::Answer;
use crate::{
    cause::Cause,
    error::{Error, Kind},
    http::{Error as HttpError, ErrorKind, Phase},
    lifecycle::LoginError,
    protocol::login::{Api, LoginRefused, Reason},
};

/// No answer.
pub(crate) fn unreachable(server: &str, failure: &HttpError) -> (LoginError, Error) {
    let HttpError { phase, kind, cause, .. } = failure;
    let (error, kind, what) = match kind {
        ErrorKind::Tls if !failure.was_sent() => (LoginError::Unreachable, Kind::Tls, "no TLS connection"),
        ErrorKind::Slow | ErrorKind::Timeout if failure.was_sent() => return too_slow(server),
        ErrorKind::TooLarge => {
            let error = LoginError::Answered(Reason::NotNacos, None);
            (error, Kind::Protocol, "this is not the login of a Nacos")
        }
        ErrorKind::Undecodable => {
            (LoginError::Answered(Reason::NotNacos, None), Kind::Io, "the answer cannot be decoded")
        }
        ErrorKind::Setup | ErrorKind::Interrupted | ErrorKind::Exhausted | ErrorKind::WouldBlock => {
            (LoginError::Unreachable, Kind::Internal, "cannot send")
        }
        _ if *phase <= Phase::Handshake => (LoginError::Unreachable, Kind::Connect, "cannot connect"),
        _ => (LoginError::Unreachable, Kind::Io, "the connection broke"),
    };
    let reason = if failure.kind == ErrorKind::TooLarge { Cause::NotNacos } else { failure.reason() };
    (error, Error::new(kind, format!("login at {server}: {what}: {cause}")).because(reason).at(server))
}

/// No answer in time.
pub(crate) fn too_slow(server: &str) -> (LoginError, Error) {
    let error = Error::new(Kind::Timeout, format!("login at {server}: no answer in time"));
    (LoginError::Slow, error.because(Cause::NoAnswer).at(server))
}

/// What is no Nacos answers logins, and the state page alike: nobody has looked at the password, as it seems.
pub(crate) fn guarded(server: &str, answer: Answer) -> (LoginError, Error) {
    let Answer { refused: LoginRefused { said, .. }, status, retry_after, .. } = answer;
    let said = if said.is_empty() { "nothing more".into() } else { said };
    let path = Api::V1Users.path();
    let what = "something before the Nacos lets nothing through, its state page neither; let it pass";
    let message =
        format!("login at {server}: HTTP {status}: {what} POST {path}, if this does not end by itself: {said}");
    let error = Error::new(Kind::Server, message).because(Cause::GatewayRefusal);
    (LoginError::Guarded(status, retry_after), error.at(server).with_http_status(status))
}

/// An answer without a token. `was_good`: these credentials have brought one before.
pub(crate) fn refused(server: &str, was_good: bool, answer: Answer) -> (LoginError, Error) {
    let Answer { refused: LoginRefused { reason, is_verdict, known, said }, status, retry_after, .. } = answer;
    let said = if said.is_empty() { "nothing more".into() } else { said };
    let (kind, what) = match reason {
        Reason::Fault if was_good => (Kind::Server, format!("the server failed: {said}")),
        _ if known == Some(Cause::ServerFault) => (Kind::Server, format!("the server failed: {said}")),
        _ if known == Some(Cause::ServerSecretMissing) => {
            (Kind::Server, format!("the server has no secret to sign tokens with, or one that is too short: {said}"))
        }
        _ if known == Some(Cause::OtherAuthType) => {
            (Kind::BadCredentials, format!("the server takes no password, but the tokens of another service: {said}"))
        }
        Reason::Refused | Reason::Fault if known == Some(Cause::UnknownUser) => {
            (Kind::BadCredentials, format!("no such user, or the server has just started and knows none yet: {said}"))
        }
        Reason::Refused if is_verdict => (Kind::BadCredentials, format!("user name or password refused: {said}")),
        Reason::Refused => {
            let what = "refused, perhaps by a gateway before the Nacos; let it pass";
            (Kind::BadCredentials, format!("{what} POST {}, or check the password: {said}", Api::V1Users.path()))
        }
        Reason::Fault => {
            (Kind::BadCredentials, format!("the server failed, as Nacos also does over a wrong password: {said}"))
        }
        Reason::Overloaded if status == 429 || known == Some(Cause::Throttled) => {
            (Kind::Throttled, "the server asks to be left alone for a while".into())
        }
        Reason::Overloaded => (Kind::Server, format!("the server has too much to do: {said}")),
        Reason::Gateway => (Kind::Server, format!("a gateway does not reach the Nacos behind it: {said}")),
        Reason::MissingApi if status == 410 => {
            (Kind::Protocol, format!("the server has switched its login API off: {said}"))
        }
        Reason::MissingApi => {
            (Kind::Protocol, "no login API there; is this a Nacos, and is context_path right?".into())
        }
        Reason::NotNacos => (
            Kind::Protocol,
            format!("not the answer of a Nacos; are server_addr and context_path right? It says: {said}"),
        ),
    };
    let cause = match reason {
        Reason::Fault if was_good => Cause::ServerFault,
        _ if known.is_some() => known.expect("it is"),
        Reason::Refused if is_verdict => Cause::WrongCredentials,
        Reason::Refused => Cause::GatewayRefusal,
        Reason::Fault => Cause::LoginFault,
        Reason::Overloaded if status == 429 => Cause::Throttled,
        Reason::Overloaded => Cause::Overloaded,
        Reason::Gateway => Cause::Gateway,
        Reason::MissingApi if status == 410 => Cause::LoginSwitchedOff,
        Reason::MissingApi => Cause::WrongContextPath,
        Reason::NotNacos => Cause::NotNacos,
    };
    let error = Error::new(kind, format!("login at {server}: HTTP {status}: {what}"));
    let error = error.because(cause).at(server).with_http_status(status);
    (LoginError::Answered(reason, retry_after), error)
}
