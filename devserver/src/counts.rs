//! What the devserver has seen, so that a test can assert "one login".

use std::collections::BTreeMap;

use hyper::StatusCode;
use serde::Serialize;

use crate::http::{Answer, Outcome, Request};

/// What was seen since the start or the last reset.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Logins answered with a token.
    pub logins: u64,
    /// Login requests that got anything else, a fault or no answer at all included. A probe for a login URL that the
    /// generation does not have is counted nowhere.
    pub login_failures: u64,
    /// Requests to a login URL, by its path, whatever comes of them.
    pub login_attempts: BTreeMap<String, u64>,
    /// All requests that are no logins, when they arrive.
    pub requests: u64,
    /// Those of them that came with a body.
    pub bodies: u64,
    /// 403 for a missing, expired or wrong token.
    pub rejections: u64,
    /// 403 for a missing permission.
    pub permission_rejections: u64,
    /// Connections accepted.
    pub connections: u64,
    /// Requests that name a configuration, by its `dataId`.
    pub by_data_id: BTreeMap<String, DataIdCounts>,
}

/// The part of the counts that concerns one `dataId`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct DataIdCounts {
    /// Requests that name it.
    pub requests: u64,
    /// Those refused for a missing, expired or wrong token.
    pub rejections: u64,
}

impl Counts {
    /// A request has been read.
    pub(crate) fn arrived(&mut self, request: &Request, is_login: bool) {
        if is_login {
            *self.login_attempts.entry(request.path.clone()).or_default() += 1;
            return;
        }
        self.requests += 1;
        self.bodies += u64::from(request.has_body);
        if let Some(data_id) = request.parameter("dataId") {
            self.by_data_id.entry(data_id.to_owned()).or_default().requests += 1;
        }
    }

    /// It got this answer; None if a fault stood in for one.
    pub(crate) fn answered(&mut self, request: &Request, is_login: bool, answer: Option<&Answer>) {
        match (is_login, answer.map(|answer| answer.outcome)) {
            (true, Some(Outcome::LoggedIn)) => self.logins += 1,
            (true, _) if answer.is_some_and(is_no_login) => {}
            (true, _) => self.login_failures += 1,
            (false, Some(Outcome::IdentityRefused)) => {
                self.rejections += 1;
                if let Some(counts) = request.parameter("dataId").and_then(|id| self.by_data_id.get_mut(id)) {
                    counts.rejections += 1;
                }
            }
            (false, Some(Outcome::PermissionRefused)) => self.permission_rejections += 1,
            (false, _) => {}
        }
    }
}

/// The login URL of another generation, or another method.
fn is_no_login(answer: &Answer) -> bool {
    matches!(answer.status, StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED | StatusCode::GONE)
}
