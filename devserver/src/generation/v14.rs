//! Nacos 1.4.8.

use crate::dialect::{
    Api, Authorization, Dialect, GET, InstanceList, LoginWhenOff, POST, PUT, READ_WRITE, Route, StatePage, TokenKind,
    WRITE,
};
use crate::http::{Answer, JSON_UTF8, Request};
use crate::pages;
use crate::refusal::{LoginFailure, Rejection};

pub(super) const DIALECT: Dialect = Dialect {
    version: "1.4.8",
    routes: &[
        Route::new("/v1/auth/login", POST, Api::Login),
        Route::new("/v1/auth/users/login", POST, Api::Login),
        Route::new("/v1/cs/configs", READ_WRITE, Api::ConfigV1),
        Route::new("/v1/cs/configs/listener", POST, Api::ConfigListener),
        Route::new("/v1/ns/instance", WRITE, Api::InstanceV1),
        Route::new("/v1/ns/instance/beat", PUT, Api::BeatV1),
        Route::new("/v1/ns/instance/list", GET, Api::InstanceListV1),
        Route::new("/v1/console/server/state", GET, Api::StateV1),
        Route::new("/v1/console/health/liveness", GET, Api::HealthV1),
    ],
    bare_routes: &[],
    tokens: TokenKind::Jwt,
    authorization: Authorization::Bearer,
    ttl: 18_000,
    ttl_is_remaining: false,
    has_token_cache: false,
    expires_at_exp: true,
    token_beats_password: true,
    checks_what_it_issues: true,
    has_permissions: true,
    logs_in_before_roles: true,
    tells_admins: true,
    identity_headers: false,
    writes_preset_type: false,
    login_when_off: LoginWhenOff::Token,
    trims_tokens: false,
    is_spring_2_1: false,
    drafts_v2_instances: false,
    missing_config_type: None,
    instance_list: InstanceList::V14,
    state_page: StatePage::Version,
    beats_tell_light: false,
    listens_without_a_time: false,
    listener_type: JSON_UTF8,
    nothing_to_listen_to: |_, request| pages::text(request, 400, "caused: invalid probeModify;"),
    ignores_trailing_slash: true,
    closes_after_500: false,
    requests_per_connection: Some(100),
    token_before_path: false,
    rejection: |rejection| text(rejection).to_owned(),
    login_failure,
    missing_parameter: |_, request, name| {
        missing_parameter(request, name, &format!("request parameter '{name}' for method parameter type String"))
    },
    method_not_allowed: |_, request| {
        pages::text(request, 500, format!("caused: Request method '{}' not supported;", request.method))
    },
    login_not_acceptable: Some(login_not_acceptable),
    double_slash: Some(double_slash),
    refused: pages::forbidden,
    not_found: |dialect, request| pages::error(dialect, request, 404, "No message available"),
    outside_context: |_, _| pages::tomcat_not_found(),
};

fn text(rejection: Rejection) -> &'static str {
    match rejection {
        Rejection::NoToken => "unknown user!",
        Rejection::Expired => "token expired!",
        Rejection::Permission => "authorization failed!",
        _ => "token invalid!",
    }
}

fn login_failure(_: &Dialect, request: &Request, failure: &LoginFailure) -> Answer {
    let text = match failure {
        LoginFailure::Token(rejection) => text(*rejection),
        LoginFailure::WrongPassword | LoginFailure::UnknownUser(_) => "unknown user!",
    };
    pages::text(request, 403, text)
}

/// The same in 2.x.
pub(super) fn login_not_acceptable(_: &Dialect, request: &Request) -> Answer {
    pages::text(request, 500, pages::NOT_ACCEPTABLE)
}

/// Spring words its complaint in another way with every version; the naming module has its own.
pub(super) fn missing_parameter(request: &Request, name: &str, spring: &str) -> Answer {
    match request.path.starts_with("/nacos/v1/ns/") {
        true => pages::text(request, 400, format!("caused: Param '{name}' is required.;")),
        false => pages::text(request, 500, format!("caused: Required {spring} is not present;")),
    }
}

/// The same in 2.x.
pub(super) fn double_slash(dialect: &Dialect, request: &Request) -> Answer {
    let message = "The request was rejected because the URL contained a potentially malicious String \"//\"";
    pages::error(dialect, request, 500, message)
}
