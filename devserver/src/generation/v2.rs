//! Nacos 2.5.1.

use super::v14;
use hyper::Method;
use serde_json::json;

use crate::dialect::{Api, Dialect, GET, InstanceList, LoginWhenOff, POST, PUT, READ_WRITE, Route, StatePage, WRITE};
use crate::http::{Answer, JSON, Request};
use crate::pages;
use crate::refusal::{LoginFailure, Rejection};

pub(super) const DIALECT: Dialect = Dialect {
    version: "2.5.1",
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
        Route::new("/v2/console/health/liveness", GET, Api::HealthV2),
    ],
    ttl_is_remaining: true,
    has_token_cache: true,
    expires_at_exp: false,
    checks_what_it_issues: false,
    logs_in_before_roles: false,
    identity_headers: true,
    login_when_off: LoginWhenOff::AuthDisabledWithoutSecret,
    instance_list: InstanceList::V2,
    state_page: StatePage::Settings,
    beats_tell_light: true,
    rejection: |rejection| text(rejection).to_owned(),
    login_failure,
    missing_parameter: |_, request, name| missing_parameter(request, name, "&#39;"),
    method_not_allowed: |_, request| {
        pages::text(request, 500, format!("caused: Request method &#39;{}&#39; not supported;", request.method))
    },
    login_not_acceptable: Some(v14::login_not_acceptable),
    double_slash: Some(v14::double_slash),
    not_found: |dialect, request| pages::error(dialect, request, 404, "No message available"),
    outside_context: |_, _| pages::tomcat_not_found(),
    ..v14::DIALECT
};

/// 3.x says the same, apart from `NoToken`.
pub(super) fn text(rejection: Rejection) -> &'static str {
    match rejection {
        Rejection::NoToken => "user not found!",
        Rejection::Expired => "token expired!",
        Rejection::Malformed => "token invalid!",
        Rejection::ForeignHeader => "unsupported signature algorithm",
        Rejection::Signature => "Invalid signature",
        Rejection::CacheExpired => "expired token",
        Rejection::CacheNoUser => "invalid token, username is empty",
        Rejection::Permission => "authorization failed!",
    }
}

fn login_failure(_: &Dialect, request: &Request, failure: &LoginFailure) -> Answer {
    match failure {
        LoginFailure::Token(rejection) => pages::text(request, 403, text(*rejection)),
        LoginFailure::WrongPassword => pages::text(request, 403, text(Rejection::NoToken)),
        LoginFailure::UnknownUser(name) if name.is_empty() => pages::text(request, 403, text(Rejection::NoToken)),
        LoginFailure::UnknownUser(name) => {
            pages::text(request, 500, format!("caused: User {} not found;", pages::escape(name)))
        }
    }
}

/// In v1 the quotation marks are escaped, or not yet.
pub(super) fn missing_parameter(request: &Request, name: &str, quote: &str) -> Answer {
    if !request.path.starts_with("/nacos/v2/") {
        let spring = format!("request parameter {quote}{name}{quote} for method parameter type String");
        return v14::missing_parameter(request, name, &spring);
    }
    let is_checked_by_nacos = request.method == Method::POST || request.path.ends_with("/instance");
    let data = match is_checked_by_nacos {
        true => format!("Required parameter '{name}' type String is not present"),
        false => format!("Required request parameter '{name}' for method parameter type String is not present"),
    };
    Answer::new(400, JSON, format!(r#"{{"code":10000,"message":"parameter missing","data":{}}}"#, json!(data)))
}
