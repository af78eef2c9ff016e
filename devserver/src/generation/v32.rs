//! Nacos 3.2.4: v1 and v2 are gone but for the login, and every refusal has an envelope.
//!
//! Derived from its sources and specifications; there was no server to ask. What nobody has read there is as in 3.0.3.

use serde_json::json;

use super::v3;
use crate::dialect::{Api, Dialect, GET, POST, READ_WRITE, Route, Switch, WRITE};
use crate::http::{Answer, JSON, Request};
use crate::pages;
use crate::refusal::LoginFailure;

/// Says a login whatever is wrong with its credentials.
const WRONG_CREDENTIALS: &str = "User not found! Please check user exist or password is right!";

/// What the console port has, which knows no context path.
pub(super) const CONSOLE_STATE: Route = Route::new("/v3/console/server/state", GET, Api::StateV1);
pub(super) const CONSOLE_LIVENESS: Route = Route::new("/v3/console/health/liveness", GET, Api::HealthV2);
pub(super) const CONSOLE_READINESS: Route = Route::new("/v3/console/health/readiness", GET, Api::HealthV2);

pub(super) const DIALECT: Dialect = Dialect {
    version: "3.2.4",
    routes: &[
        Route::new("/v1/auth/login", POST, Api::Login).gone("/v3/auth/user/login", Switch::Client),
        Route::new("/v1/auth/users/login", POST, Api::Login).gone("/v3/auth/user/login", Switch::Client),
        Route::new("/v3/auth/user/login", POST, Api::Login),
        Route::new("/v3/client/cs/config", GET, Api::ConfigV3Client),
        Route::new("/v3/admin/cs/config", READ_WRITE, Api::ConfigV3Admin),
        Route::new("/v3/client/ns/instance", WRITE, Api::InstanceV3),
        Route::new("/v3/client/ns/instance/list", GET, Api::InstanceListV3),
        Route::new("/v3/client/ai/prompt", GET, Api::Prompt),
        Route::new("/v3/client/ai/skills", GET, Api::Skill).may_be_anonymous(),
        Route::new("/v3/client/ai/agentspecs", GET, Api::AgentSpec).may_be_anonymous(),
        Route::new("/v3/client/ai/agentspecs/search", GET, Api::AgentSpecSearch).may_be_anonymous(),
        Route::new("/v3/admin/core/state", GET, Api::StateV3),
        Route::new("/v3/admin/core/state/liveness", GET, Api::HealthV2),
        Route::new("/v3/admin/core/state/readiness", GET, Api::HealthV2),
    ],
    bare_routes: &[CONSOLE_STATE, CONSOLE_LIVENESS, CONSOLE_READINESS],
    refused: |_, _, message| Answer::new(403, JSON, denied(message)),
    login_failure,
    missing_parameter,
    ..v3::DIALECT
};

/// The envelope of a refusal; the reason is its data.
fn denied(message: &str) -> String {
    format!(r#"{{"code":10001,"message":"access denied","data":{}}}"#, json!(message))
}

/// v1 says it in plain text, as its controller has no handler of its own for that.
fn login_failure(dialect: &Dialect, request: &Request, failure: &LoginFailure) -> Answer {
    let message = match failure {
        LoginFailure::Token(rejection) => (dialect.rejection)(*rejection),
        LoginFailure::WrongPassword | LoginFailure::UnknownUser(_) => WRONG_CREDENTIALS.to_owned(),
    };
    match v3::is_v1(request) {
        true => pages::text(request, 403, message),
        false => Answer::new(403, JSON, denied(&message)),
    }
}

/// A login without one is as one with a blank.
fn missing_parameter(dialect: &Dialect, request: &Request, name: &str) -> Answer {
    if request.path.ends_with("/login") {
        return login_failure(dialect, request, &LoginFailure::WrongPassword);
    }
    let data = format!("Required parameter '{name}' type String is not present");
    Answer::new(400, JSON, format!(r#"{{"code":10000,"message":"parameter missing","data":{}}}"#, json!(data)))
}
