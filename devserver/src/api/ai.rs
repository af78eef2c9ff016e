//! AI resources: enough of them to be read. Every name exists, and nothing is in it.

use serde_json::json;

use super::success;
use crate::dialect::Api;
use crate::http::{Answer, JSON, Request};
use crate::world::World;

/// A ZIP archive without a file.
const EMPTY_ZIP: &[u8] = b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";

pub(super) fn answer(world: &World, request: &Request, api: Api) -> Answer {
    let dialect = world.dialect;
    let required = match api {
        Api::Prompt => Some("promptKey"),
        Api::Skill | Api::AgentSpec => Some("name"),
        _ => None,
    };
    if let Some(name) = required.filter(|name| request.parameter(name).is_none()) {
        return (dialect.missing_parameter)(dialect, request, name);
    }
    let name = json!(required.and_then(|name| request.parameter(name)).unwrap_or_default());
    match api {
        Api::Prompt => Answer::new(200, JSON, success(&json!({"promptKey": name, "template": ""}).to_string())),
        Api::Skill => Answer::new(200, "application/zip", EMPTY_ZIP),
        Api::AgentSpec => Answer::new(200, JSON, success(&json!({"name": name, "content": ""}).to_string())),
        Api::AgentSpecSearch => {
            let page = json!({"totalCount": 0, "pageNumber": 1, "pagesAvailable": 0, "pageItems": []});
            Answer::new(200, JSON, success(&page.to_string()))
        }
        _ => Answer::new(200, JSON, r#"{"items":[]}"#),
    }
}
