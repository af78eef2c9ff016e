//! Nacos 2.0.4: the words of 1.4, an older Spring, and a draft of v2.

use serde_json::json;

use super::v14;
use crate::dialect::{Api, Dialect, GET, InstanceList, POST, PUT, READ_WRITE, Route, WRITE};
use crate::http::{Answer, JSON, Request};
use crate::pages;

pub(super) const DIALECT: Dialect = Dialect {
    version: "2.0.4",
    routes: &[
        Route::new("/v1/auth/login", POST, Api::Login),
        Route::new("/v1/auth/users/login", POST, Api::Login),
        Route::new("/v1/cs/configs", READ_WRITE, Api::ConfigV1),
        Route::new("/v1/cs/configs/listener", POST, Api::ConfigListener),
        Route::new("/v1/ns/instance", WRITE, Api::InstanceV1),
        Route::new("/v1/ns/instance/beat", PUT, Api::BeatV1),
        Route::new("/v2/ns/instance", WRITE, Api::InstanceV2),
        Route::new("/v2/ns/instance/beat", PUT, Api::BeatV2),
        Route::new("/v1/ns/instance/list", GET, Api::InstanceListV1),
        Route::new("/v2/ns/instance/list", GET, Api::InstanceListV2),
        Route::new("/v1/console/server/state", GET, Api::StateV1),
        Route::new("/v1/console/health/liveness", GET, Api::HealthV1),
    ],
    logs_in_before_roles: false,
    trims_tokens: true,
    is_spring_2_1: true,
    drafts_v2_instances: true,
    instance_list: InstanceList::V2,
    beats_tell_light: true,
    missing_parameter,
    double_slash: Some(|dialect, request| {
        pages::error(dialect, request, 500, "The request was rejected because the URL was not normalized.")
    }),
    ..v14::DIALECT
};

fn missing_parameter(_: &Dialect, request: &Request, name: &str) -> Answer {
    let spring = format!("String parameter '{name}'");
    if !request.path.starts_with("/nacos/v2/") {
        return v14::missing_parameter(request, name, &spring);
    }
    let message = format!("caused: Required {spring} is not present;");
    Answer::new(500, JSON, format!(r#"{{"code":500,"message":{},"data":null}}"#, json!(message)))
}
