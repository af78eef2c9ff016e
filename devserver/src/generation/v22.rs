//! Nacos 2.2.3: what it says in v1 is not escaped.

use super::{v2, v14, v23};
use crate::dialect::{Api, Dialect, GET, LoginWhenOff, POST, PUT, READ_WRITE, Route, StatePage, WRITE};
use crate::http::{Answer, Request};
use crate::pages;
use crate::refusal::LoginFailure;

pub(super) const DIALECT: Dialect = Dialect {
    version: "2.2.3",
    routes: &[
        Route::new("/v1/auth/login", POST, Api::Login),
        Route::new("/v1/auth/users/login", POST, Api::Login),
        Route::new("/v1/cs/configs", READ_WRITE, Api::ConfigV1),
        Route::new("/v1/cs/configs/listener", POST, Api::ConfigListener),
        Route::new("/v2/cs/config", READ_WRITE, Api::ConfigV2),
        Route::new("/v1/ns/instance", WRITE, Api::InstanceV1),
        Route::new("/v1/ns/instance/beat", PUT, Api::BeatV1),
        Route::new("/v2/ns/instance", WRITE, Api::InstanceV2),
        Route::new("/v2/ns/instance/beat", PUT, Api::BeatV2),
        Route::new("/v1/ns/instance/list", GET, Api::InstanceListV1),
        Route::new("/v2/ns/instance/list", GET, Api::InstanceListV2),
        Route::new("/v1/console/server/state", GET, Api::StateV1),
        Route::new("/v1/console/health/liveness", GET, Api::HealthV1),
    ],
    login_when_off: LoginWhenOff::Refused,
    state_page: StatePage::Authentication,
    login_failure,
    missing_parameter: |_, request, name| v2::missing_parameter(request, name, "'"),
    method_not_allowed: v14::DIALECT.method_not_allowed,
    ..v23::DIALECT
};

fn login_failure(dialect: &Dialect, request: &Request, failure: &LoginFailure) -> Answer {
    match failure {
        LoginFailure::UnknownUser(name) if !name.is_empty() => pages::text(request, 500, format!("caused: {name};")),
        _ => (v2::DIALECT.login_failure)(dialect, request, failure),
    }
}
