//! One login: which server, which API, and what its failure means.

use std::{sync::Arc, time::Duration};

use http::{
    HeaderMap, HeaderValue, Method,
    header::{ACCEPT, CONTENT_TYPE, RETRY_AFTER},
};

use super::{
    identity::{Identity, Landing},
    roster::Entry,
    source::{Credentials, Supplied},
};
use crate::{
    error::{Error, Kind},
    lifecycle::{LoginError, Time},
    protocol::login::{self, Api, IssuedToken, LoginRefused, Reason},
    sys::clock,
    transport::{Failure, Outgoing, Trouble},
};

/// The longest one server may take over a login.
const ATTEMPT: Duration = Duration::from_secs(30);
/// The longest a flight may take, whatever it meets on its way.
const FLIGHT: Duration = Duration::from_secs(35);

/// Flies flight `number` to its end, on the runtime of the calling task. It lands whatever happens, a panic included.
pub(super) async fn fly(identity: Arc<Identity>, number: u64) {
    let sent = clock::now();
    let attempt = tokio::spawn({
        let identity = identity.clone();
        async move { tokio::time::timeout(FLIGHT, log_in(&identity, sent)).await }
    });
    let landing = match attempt.await {
        Ok(Ok(landing)) => landing,
        Ok(Err(_)) => Err(too_slow(&identity.roster.names())),
        Err(_) => Err((LoginError::Unreachable, Error::new(Kind::Internal, "a fault of this library ended the login"))),
    };
    identity.land(number, sent, landing);
}

/// Ends flight `number`, which its only pilot leaves.
pub(super) fn abandon(identity: &Identity, number: u64) {
    identity.land(number, clock::now(), Err(too_slow(&identity.roster.names())));
}

/// Gets credentials and uses them; and once more, if they are refused and its source has others by then.
pub(super) async fn log_in(identity: &Arc<Identity>, now: Time) -> Landing {
    let first = supply(identity).await?;
    let landing = spend(identity, &first, now).await;
    let refused = matches!(landing, Err((LoginError::Answered(Reason::Refused | Reason::Fault, _), _)));
    if refused
        && !identity.source.is_fixed()
        && let Ok(second) = supply(identity).await
        && second != first
    {
        return spend(identity, &second, now).await;
    }
    landing
}

/// Looks whether the source has something else than what is being refused.
pub(super) async fn look(identity: Arc<Identity>) {
    if let Ok(supplied) = supply(&identity).await {
        identity.saw(&supplied);
    }
}

async fn supply(identity: &Arc<Identity>) -> Result<Supplied, (LoginError, Error)> {
    let supplied = if identity.source.is_fixed() {
        identity.source.supply()
    } else {
        let identity = identity.clone();
        let asked = tokio::task::spawn_blocking(move || identity.source.supply()).await;
        asked.unwrap_or_else(|_| Err(Error::new(Kind::Internal, "a fault of this library ended the login")))
    };
    supplied.map_err(|error| (LoginError::NoCredentials, error))
}

async fn spend(identity: &Identity, supplied: &Supplied, now: Time) -> Landing {
    identity.uses(supplied);
    match supplied {
        Supplied::Password(credentials) => go_round(identity, credentials, now).await,
        Supplied::Token { token, .. } if identity.has_seen_refused(token) => {
            let message = "the token given to this library was refused by a server; give it another one";
            Err((LoginError::Answered(Reason::Refused, None), Error::new(Kind::BadCredentials, message)))
        }
        Supplied::Token { token, ttl } => Ok((IssuedToken { token: token.clone(), ttl: *ttl }, None)),
    }
}

/// Goes from server to server until one can be reached: a password is never sprayed over a cluster.
///
/// One exception: a server that has restarted unseen knows no users for some 5 s, and answers 500 to a password known to
/// be good. Then one other is asked, rather than callers kept waiting.
async fn go_round(identity: &Identity, credentials: &Credentials, now: Time) -> Landing {
    let mut last = None;
    let mut may_ask_another = identity.trusts_its_password(now);
    for entry in identity.roster.order(now) {
        let first = entry.api();
        for api in [first, first.other()] {
            match ask(identity, credentials, entry, api).await {
                Ok(Ok(grant)) => {
                    entry.remember(api);
                    return Ok((grant, Some(entry.index)));
                }
                Ok(Err((refusal, _, _))) if refusal.reason == Reason::MissingApi && api == first => {}
                Ok(Err(answer)) => {
                    entry.remember(api);
                    let is_fault = answer.0.reason == Reason::Fault;
                    let error = explain(entry.server.name(), identity.was_good(), answer);
                    if !is_fault || !std::mem::take(&mut may_ask_another) {
                        return Err(error);
                    }
                    last = Some(error);
                    break;
                }
                Err(failure) => {
                    identity.went_down(entry);
                    let error = unreachable(entry.server.name(), &failure);
                    if failure.trouble == Trouble::Timeout {
                        // It has too much to do, and works this login off all the same. The others may be no better.
                        return Err(error);
                    }
                    last = Some(error);
                    break;
                }
            }
        }
    }
    Err(last.unwrap_or_else(|| too_slow(&identity.roster.names())))
}

type Answer = Result<IssuedToken, (LoginRefused, u16, Option<Duration>)>;

async fn ask(identity: &Identity, credentials: &Credentials, entry: &Entry, api: Api) -> Result<Answer, Failure> {
    let url = entry.server.url(api.path());
    let url = url.map_err(|e| Failure { trouble: Trouble::Setup, cause: e.to_string() })?;
    let password = &credentials.password;
    let mut headers = HeaderMap::new();
    // The server resolves a token before it looks at the password, so nothing that could be one goes along.
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
    headers.insert(ACCEPT, HeaderValue::from_static("application/json, */*;q=0.5"));
    let out = Outgoing {
        method: Method::POST,
        url,
        headers,
        body: bytes::Bytes::from_owner(Wiped(login::form(&credentials.username, password))),
        largest_answer: login::LARGEST_ANSWER,
    };
    let answer = match tokio::time::timeout(ATTEMPT, identity.transport.exchange_once(out)).await {
        Ok(answer) => answer?,
        Err(_) => return Err(Failure { trouble: Trouble::Timeout, cause: "no answer in time".into() }),
    };
    entry.is_up();
    let grant = login::read(api, answer.status, &answer.body, password);
    Ok(grant.map_err(|refusal| (refusal, answer.status, retry_after(&answer.headers))))
}

/// A body that is wiped when the last reference to it goes.
struct Wiped(zeroize::Zeroizing<String>);

impl AsRef<[u8]> for Wiped {
    fn as_ref(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

/// Seconds or a date; anything else is ignored.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    httpdate::parse_http_date(text).ok()?.duration_since(std::time::SystemTime::now()).ok()
}

fn unreachable(server: &str, failure: &Failure) -> (LoginError, Error) {
    let Failure { trouble, cause } = failure;
    let (setback, kind, what) = match trouble {
        Trouble::Connect => (LoginError::Unreachable, Kind::Connect, "cannot connect"),
        Trouble::Tls => (LoginError::Unreachable, Kind::Tls, "no TLS connection"),
        Trouble::Timeout => return too_slow(server),
        Trouble::TooLarge => {
            let setback = LoginError::Answered(Reason::NotNacos, None);
            (setback, Kind::Protocol, "this is not the login of a Nacos")
        }
        Trouble::Setup | Trouble::Interrupted => (LoginError::Unreachable, Kind::Internal, "cannot send"),
        Trouble::Io => (LoginError::Unreachable, Kind::Io, "the connection broke"),
    };
    (setback, Error::new(kind, format!("login at {server}: {what}: {cause}")))
}

fn too_slow(server: &str) -> (LoginError, Error) {
    (LoginError::Slow, Error::new(Kind::Timeout, format!("login at {server}: no answer in time")))
}

/// `was_good`: these credentials have brought a token before.
fn explain(
    server: &str,
    was_good: bool,
    (refusal, status, after): (LoginRefused, u16, Option<Duration>),
) -> (LoginError, Error) {
    let LoginRefused { reason, said } = refusal;
    let (kind, what) = match reason {
        Reason::Refused if said.is_empty() => (Kind::BadCredentials, "user name or password refused".into()),
        Reason::Refused => (Kind::BadCredentials, format!("user name or password refused: {said}")),
        Reason::Fault if was_good => (Kind::Server, format!("the server failed: {said}")),
        Reason::Fault => {
            (Kind::BadCredentials, format!("the server failed, as Nacos also does over a wrong password: {said}"))
        }
        Reason::Overloaded if status == 429 => (Kind::Throttled, "the server asks to be left alone for a while".into()),
        Reason::Overloaded => (Kind::Server, format!("the server has too much to do: {said}")),
        Reason::MissingApi => {
            (Kind::Protocol, "no login API there; is this a Nacos, and is context_path right?".into())
        }
        Reason::NotNacos => (Kind::Protocol, format!("not the answer of a Nacos: {said}")),
    };
    let error = Error::new(kind, format!("login at {server}: HTTP {status}: {what}")).with_http_status(status);
    (LoginError::Answered(reason, after), error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_in_both_forms() {
        let read = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, HeaderValue::from_str(text).unwrap());
            retry_after(&headers)
        };
        assert_eq!(read("120"), Some(Duration::from_secs(120)));
        assert!(read("Tue, 31 Dec 2999 23:59:59 GMT").unwrap() > Duration::from_secs(1_000_000));
        for ignored in ["soon", "-5", "Fri, 31 Dec 1999 23:59:59 GMT", ""] {
            assert_eq!(read(ignored), None, "{ignored}");
        }
    }
}
