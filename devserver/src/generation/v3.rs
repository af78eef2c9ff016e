//! Nacos 3.0.3, the port of its client API.

use super::v2;
use crate::dialect::{Api, Dialect, GET, InstanceList, POST, PUT, READ_WRITE, Route, Switch, WRITE};
use crate::http::{Answer, Request};
use crate::pages;
use crate::refusal::{LoginFailure, Rejection};

/// Instead of the old heart-beats, which are PUT.
const BEAT: &str = "POST ${contextPath:nacos}/v3/client/ns/instance?heartBeat=true";

pub(super) const DIALECT: Dialect = Dialect {
    version: "3.0.3",
    routes: &[
        Route::new("/v1/auth/login", POST, Api::Login).gone("/v3/auth/user/login", Switch::Client),
        Route::new("/v1/auth/users/login", POST, Api::Login).gone("/v3/auth/user/login", Switch::Client),
        Route::new("/v3/auth/user/login", POST, Api::Login),
        Route::new("/v1/cs/configs", READ_WRITE, Api::ConfigV1).gone_in_two(
            "/v3/client/cs/config",
            "/v3/admin/cs/config",
            Switch::Client,
        ),
        Route::new("/v1/cs/configs/listener", POST, Api::ConfigListener).gone("", Switch::Client),
        Route::new("/v2/cs/config", READ_WRITE, Api::ConfigV2).gone("/v3/admin/cs/config", Switch::Admin),
        Route::new("/v3/client/cs/config", GET, Api::ConfigV3Client),
        Route::new("/v3/admin/cs/config", READ_WRITE, Api::ConfigV3Admin),
        Route::new("/v1/ns/instance", WRITE, Api::InstanceV1).gone("/v3/client/ns/instance", Switch::Client),
        Route::new("/v2/ns/instance", WRITE, Api::InstanceV2).gone("/v3/client/ns/instance", Switch::Admin),
        Route::new("/v3/client/ns/instance", WRITE, Api::InstanceV3),
        Route::new("/v1/ns/instance/beat", PUT, Api::BeatV1).gone(BEAT, Switch::Client),
        Route::new("/v2/ns/instance/beat", PUT, Api::BeatV2).gone(BEAT, Switch::Admin),
        Route::new("/v1/ns/instance/list", GET, Api::InstanceListV1)
            .gone("/v3/client/ns/instance/list", Switch::Client),
        Route::new("/v2/ns/instance/list", GET, Api::InstanceListV2).gone("/v3/client/ns/instance/list", Switch::Admin),
        Route::new("/v3/client/ns/instance/list", GET, Api::InstanceListV3),
        Route::new("/v1/console/server/state", GET, Api::StateV1).gone("/v3/console/server/state", Switch::Console),
        Route::new("/v3/admin/core/state", GET, Api::StateV3),
        Route::new("/v3/admin/core/state/liveness", GET, Api::HealthV2),
        Route::new("/v3/admin/core/state/readiness", GET, Api::HealthV2),
    ],
    instance_list: InstanceList::V3,
    writes_preset_type: true,
    ignores_trailing_slash: false,
    closes_after_500: true,
    rejection,
    login_failure,
    missing_parameter,
    method_not_allowed: |dialect, request| {
        pages::error(dialect, request, 405, &format!("Method '{}' is not supported.", request.method))
    },
    login_not_acceptable: Some(|dialect, request| {
        let message = "Acceptable representations: [application/json, application/*+json].";
        pages::error(dialect, request, 406, message)
    }),
    double_slash: Some(|dialect, request| pages::error(dialect, request, 400, "No message available")),
    not_found: |dialect, request| {
        pages::error(dialect, request, 404, &format!("No endpoint {} {}.", request.method, request.path))
    },
    outside_context: |_, _| pages::tomcat_not_found(),
    ..v2::DIALECT
};

fn rejection(rejection: Rejection) -> String {
    match rejection {
        Rejection::Permission => format!("Code: 403, Message: {}.", v2::text(rejection)),
        Rejection::NoToken => {
            "Code: 401, Message: User not found! Please check user exist or password is right!.".to_owned()
        }
        other => format!("Code: 401, Message: {}.", v2::text(other)),
    }
}

/// The old paths are served through the new one, and lose on the way what it said.
fn login_failure(dialect: &Dialect, request: &Request, failure: &LoginFailure) -> Answer {
    if is_v1(request) {
        let message = "Handle API Compatibility failed, please see log for detail.";
        return pages::error(dialect, request, 500, message);
    }
    match failure {
        LoginFailure::UnknownUser(_) => pages::error(dialect, request, 403, "Access Denied"),
        _ => pages::error(dialect, request, 500, "No message available"),
    }
}

fn missing_parameter(dialect: &Dialect, request: &Request, name: &str) -> Answer {
    if request.path.ends_with("login") && !is_v1(request) {
        return pages::error(dialect, request, 500, "No message available");
    }
    pages::error(dialect, request, 400, &format!("Required parameter '{name}' is not present."))
}

pub(super) fn is_v1(request: &Request) -> bool {
    request.path.starts_with("/nacos/v1/")
}
