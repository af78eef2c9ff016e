//! One login at one server: the request, and what its answer brings.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Method,
    header::{ACCEPT, CONTENT_TYPE, DATE, RETRY_AFTER},
};
use zeroize::Zeroize;

use super::credentials::Credentials;
use crate::{
    http::{Endpoint, Error, ErrorKind, Options, Phase, Request, Response},
    protocol::{
        login::{self, Api, IssuedToken, LoginRefused, Reason},
        quote::quote,
        rejection::READ,
        retry_after,
        server::Server,
        voice,
    },
    secret::{Secret, Wiped},
};

/// An answer without a token.
pub(crate) struct Answer {
    pub(crate) refused: LoginRefused,
    pub(crate) status: u16,
    pub(crate) retry_after: Option<Duration>,
    /// The state page is answered so too: something before the server lets nothing through.
    pub(crate) of_guard: bool,
}

/// Why there is no token.
pub(crate) enum NoToken {
    Refused(Answer),
    Failed(Error),
}

/// Whether something answered, with what is too long for a login or cannot be read: no Nacos.
pub(crate) fn is_unreadable(failure: &Error) -> bool {
    matches!(failure.kind, ErrorKind::TooLarge | ErrorKind::Undecodable)
}

/// A login with `credentials` at `server`.
pub(crate) fn request(
    server: &Server,
    endpoint: &Arc<Endpoint>,
    credentials: &Credentials,
    api: Api,
    connect_timeout: Duration,
) -> Result<Request, Error> {
    let target = server.target(api.path(), None);
    let target = target.map_err(|e| Error::new(Phase::Prepare, ErrorKind::Setup, e.to_string()))?;
    let mut headers = HeaderMap::new();
    // The server resolves a token before it looks at the password, so nothing that could be one goes along.
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
    headers.insert(ACCEPT, HeaderValue::from_static("application/json, */*;q=0.5"));
    let form = login::form(&credentials.username, &credentials.password);
    Ok(Request {
        method: Method::POST,
        endpoint: endpoint.clone(),
        target,
        headers,
        body: Bytes::from_owner(Wiped::from(form)).into(),
        options: Options {
            largest_answer: login::LARGEST_ANSWER,
            connect_timeout,
            max_connections: None,
            reuse: false,
        },
    })
}

/// The token in the answer to it. `password` is only used to keep it out of what is said.
pub(crate) fn read(response: Result<Response, Error>, password: &Secret) -> Result<IssuedToken, NoToken> {
    let Response { status, headers, body, .. } = response.map_err(NoToken::Failed)?;
    let issued = login::read(status, &body, password);
    if let Ok(mut body) = body.try_into_mut() {
        body.zeroize(); // it holds the token
    }
    issued.map_err(|refused| {
        NoToken::Refused(Answer { refused, status, retry_after: retry_after(&headers), of_guard: false })
    })
}

/// A question for the state page at `path`, for which nobody needs a token.
pub(crate) fn question(
    server: &Server,
    endpoint: &Arc<Endpoint>,
    path: &str,
    connect_timeout: Duration,
) -> Result<Request, Error> {
    let target = server.target(path, None);
    let target = target.map_err(|e| Error::new(Phase::Prepare, ErrorKind::Setup, e.to_string()))?;
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_static("application/json, */*;q=0.5"));
    Ok(Request {
        method: Method::GET,
        endpoint: endpoint.clone(),
        target,
        headers,
        body: Bytes::new().into(),
        options: Options {
            largest_answer: login::LARGEST_ANSWER,
            connect_timeout,
            max_connections: None,
            reuse: false,
        },
    })
}

/// The answer that a login would have now, which was answered with `status` by what is no Nacos: if the state page is answered
/// so too, or what answers reaches nobody.
pub(crate) fn guarded_as(status: u16, response: &Response, password: &Secret) -> Option<Answer> {
    let Response { status: now, headers, body, .. } = response;
    let alike = *now == status && !voice::is_nacos(body);
    (alike || voice::stands_in(*now, body)).then(|| {
        let said = quote(&body[..body.len().min(READ)], password.expose());
        Answer { retry_after: retry_after(headers), ..guarded(status, said) }
    })
}

/// What stands before a server has `said` so.
pub(crate) fn guarded(status: u16, said: String) -> Answer {
    let refused = LoginRefused { reason: Reason::Refused, is_verdict: false, known: None, said };
    Answer { refused, status, retry_after: None, of_guard: true }
}

/// How long an answer with these headers asks to wait.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let date = headers.get(DATE).and_then(|date| date.to_str().ok());
    retry_after::read(headers.get(RETRY_AFTER)?.to_str().ok()?, date, SystemTime::now())
}

/// What came of asking one server at the paths where its login may be: what tells most.
#[derive(Default)]
pub(crate) struct Search {
    best: Option<NoToken>,
}

impl Search {
    /// Takes what came of one path; whether another path may tell more: what stands before a Nacos answers as it likes to
    /// paths that it does not know.
    pub(crate) fn goes_on_after(&mut self, why: NoToken) -> bool {
        let is_over = is_over(&why);
        if self.best.as_ref().is_none_or(|best| (is_over, telling(&why)) > (false, telling(best))) {
            self.best = Some(why);
        }
        !is_over
    }

    pub(crate) fn best(self) -> Option<NoToken> {
        self.best
    }
}

/// Whether the search is: a Nacos has judged, or nothing answers.
fn is_over(why: &NoToken) -> bool {
    match why {
        NoToken::Refused(answer) => answer.refused.is_verdict,
        NoToken::Failed(failure) => !is_unreadable(failure),
    }
}

/// How much it tells, if it is not a Nacos's. Refusals come first: the password may have been looked at.
fn telling(why: &NoToken) -> u8 {
    let NoToken::Refused(answer) = why else { return 1 };
    match answer.refused.reason {
        Reason::MissingApi => 0,
        Reason::NotNacos => 1,
        Reason::Gateway => 2,
        Reason::Overloaded => 3,
        Reason::Fault => 4,
        Reason::Refused => 5,
    }
}
