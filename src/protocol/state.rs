//! The state page of a server, which needs no token: its version and what it says of authentication.

use serde_json::Value;

/// Where it is: up to 2.x, and from 3.0 on.
pub(crate) const PATHS: [&str; 2] = ["/v1/console/server/state", "/v3/admin/core/state"];

/// What every Nacos answers to everybody, so that a success says nothing of the token: state, health, and what the framework tells.
const PUBLIC: &[&str] = &[
    "/v1/console/server/",
    "/v1/console/health/",
    "/v2/console/health/",
    "/v3/console/server/",
    "/v3/console/health/",
    "/v3/admin/core/state",
    "/actuator",
];

/// Whether a server answers this path, which may have a query, whatever token comes with it, or none.
pub(crate) fn is_public(path: &str) -> bool {
    PUBLIC.iter().any(|public| path.starts_with(public))
}

/// What a server says of itself. 1.x says its version only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct State {
    pub(crate) version: String,
    /// In 3.x it may be only the console that asks for tokens.
    pub(crate) asks_for_tokens: Option<bool>,
    /// `nacos`, `ldap`, `oidc`.
    pub(crate) auth_type: Option<String>,
    /// Nobody has made the first user yet (from 2.4 on).
    pub(crate) wants_admin: bool,
}

/// Reads the answer; `None`: it is no state page.
pub(crate) fn read(status: u16, body: &[u8]) -> Option<State> {
    let json: Value = serde_json::from_slice(body).ok().filter(|_| status == 200)?;
    let state = if json["data"].is_object() { &json["data"] } else { &json };
    state.get("function_mode")?;
    let flag = |name: &str| match &state[name] {
        Value::String(text) => text.parse().ok(),
        other => other.as_bool(),
    };
    Some(State {
        version: state["version"].as_str()?.to_owned(),
        asks_for_tokens: flag("auth_enabled"),
        auth_type: state["auth_system_type"].as_str().filter(|name| !name.is_empty()).map(str::to_owned),
        wants_admin: flag("auth_admin_request").unwrap_or_default(),
    })
}
