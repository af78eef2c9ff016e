//! r-nacos 0.8.8: not a servlet container, so one way to say no, and the token is looked at before the path.

use super::v2;
use crate::dialect::{Api, Authorization, Dialect, GET, InstanceList, POST, PUT, READ_WRITE, Route, TokenKind, WRITE};
use crate::http::{Answer, JSON_UTF8, Request};
use crate::pages;

const ANY: &[hyper::Method] = &[hyper::Method::POST, hyper::Method::GET, hyper::Method::PUT, hyper::Method::DELETE];
const REFUSED: &str = "unknown user!";

pub(super) const DIALECT: Dialect = Dialect {
    version: "0.8.8",
    routes: &[
        Route::new("/v1/auth/login", ANY, Api::Login),
        Route::new("/v1/auth/users/login", ANY, Api::Login),
        Route::new("/v3/auth/user/login", ANY, Api::Login),
        Route::new("/v1/cs/configs", READ_WRITE, Api::ConfigV1),
        Route::new("/v1/cs/configs/listener", POST, Api::ConfigListener),
        Route::new("/v1/ns/instance", WRITE, Api::InstanceV1),
        Route::new("/v1/ns/instance/beat", PUT, Api::BeatV1),
        Route::new("/v1/ns/instance/list", GET, Api::InstanceListV1),
    ],
    tokens: TokenKind::Opaque,
    authorization: Authorization::BearerOrWhole,
    ttl_is_remaining: false,
    has_token_cache: false,
    expires_at_exp: true,
    token_beats_password: false,
    has_permissions: false,
    instance_list: InstanceList::RNacos,
    listens_without_a_time: true,
    listener_type: "text/html; charset=utf-8",
    nothing_to_listen_to: |_, _| Answer::new(204, "text/html; charset=utf-8", ""),
    tells_admins: false,
    ignores_trailing_slash: false,
    requests_per_connection: None,
    token_before_path: true,
    rejection: |_| REFUSED.to_owned(),
    login_failure: |_, _, _| Answer::new(403, None, REFUSED),
    missing_parameter: |_, request, name| match request.path.ends_with("/login") {
        true => Answer::new(403, None, REFUSED),
        false => Answer::new(400, None, format!("{name} is missing")),
    },
    method_not_allowed: |_, _| Answer::new(405, None, ""),
    login_not_acceptable: None,
    double_slash: None,
    refused: refuse,
    not_found: |_, _| Answer::new(404, None, ""),
    outside_context: |_, _| Answer::new(404, None, ""),
    ..v2::DIALECT
};

/// The one rejection of r-nacos, in JSON whatever the caller accepts.
fn refuse(dialect: &Dialect, request: &Request, _: &str) -> Answer {
    let page = pages::json_page(dialect, &request.path, 403, REFUSED);
    Answer::new(403, JSON_UTF8, page)
}
