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
        retry_after,
        server::Server,
    },
    secret::{Secret, Wiped},
};

/// An answer without a token.
pub(crate) struct Answer {
    pub(crate) refused: LoginRefused,
    pub(crate) status: u16,
    pub(crate) retry_after: Option<Duration>,
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
pub(crate) fn read(response: Response, password: &Secret) -> Result<IssuedToken, Answer> {
    let Response { status, headers, body, .. } = response;
    let issued = login::read(status, &body, password);
    if let Ok(mut body) = body.try_into_mut() {
        body.zeroize(); // it holds the token
    }
    issued.map_err(|refused| Answer { refused, status, retry_after: retry_after(&headers) })
}

/// How long an answer with these headers asks to wait.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let date = headers.get(DATE).and_then(|date| date.to_str().ok());
    retry_after::read(headers.get(RETRY_AFTER)?.to_str().ok()?, date, SystemTime::now())
}

/// The answers of one server at the paths where its login may be: the one that tells most.
#[derive(Default)]
pub(crate) struct Search {
    best: Option<Answer>,
}

impl Search {
    /// Takes the answer at one path; whether another path may tell more: what stands before a Nacos answers as it likes to
    /// paths that it does not know.
    pub(crate) fn goes_on_after(&mut self, answer: Answer) -> bool {
        let is_verdict = answer.refused.is_verdict;
        let tells = |answer: &Answer| (answer.refused.is_verdict, telling(answer.refused.reason));
        if self.best.as_ref().is_none_or(|best| tells(&answer) > tells(best)) {
            self.best = Some(answer);
        }
        !is_verdict
    }

    pub(crate) fn best(self) -> Option<Answer> {
        self.best
    }
}

/// How much an answer that is not a Nacos's tells.
fn telling(reason: Reason) -> u8 {
    match reason {
        Reason::MissingApi => 0,
        Reason::NotNacos => 1,
        Reason::Gateway => 2,
        Reason::Fault => 3,
        Reason::Refused | Reason::Overloaded => 4,
    }
}
