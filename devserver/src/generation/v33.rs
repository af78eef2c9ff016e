//! Nacos 3.3.0: 3.2 and the AI registry's own protocol. Derived as that is.

use serde_json::json;

use super::v32;
use crate::dialect::{Api, Dialect, GET, POST, READ_WRITE, Route, Switch, WRITE};
use crate::http::{Answer, JSON, Request};

/// The registry's paths, with and without the context path: a real one has a port of its own (9080) and no context.
const ARD: &str = "/v3/ai/ard";

pub(super) const DIALECT: Dialect = Dialect {
    version: "3.3.0",
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
        Route::new("/v3/ai/ard/agents", GET, Api::Ard).may_be_anonymous(),
        Route::new("/v3/ai/ard/ai-catalog.json", GET, Api::Ard).may_be_anonymous(),
        Route::new("/v3/ai/ard/search", POST, Api::Ard).may_be_anonymous(),
        Route::new("/v3/admin/core/state", GET, Api::StateV3),
        Route::new("/v3/admin/core/state/liveness", GET, Api::HealthV2),
        Route::new("/v3/admin/core/state/readiness", GET, Api::HealthV2),
    ],
    bare_routes: &[
        v32::CONSOLE_STATE,
        v32::CONSOLE_LIVENESS,
        v32::CONSOLE_READINESS,
        Route::new("/v3/ai/ard/agents", GET, Api::Ard).may_be_anonymous(),
        Route::new("/v3/ai/ard/ai-catalog.json", GET, Api::Ard).may_be_anonymous(),
        Route::new("/v3/ai/ard/search", POST, Api::Ard).may_be_anonymous(),
    ],
    refused,
    ..v32::DIALECT
};

/// The registry tells a bad token from a missing permission by the status.
fn refused(dialect: &Dialect, request: &Request, message: &str) -> Answer {
    if !request.path.contains(ARD) {
        return (v32::DIALECT.refused)(dialect, request, message);
    }
    let (status, code) = match message.starts_with("Code: 403") {
        true => (403, "PERMISSION_DENIED"),
        false => (401, "UNAUTHENTICATED"),
    };
    Answer::new(status, JSON, format!(r#"{{"errorCode":"{code}","message":{}}}"#, json!(message)))
}
