//! Heart-beats of instances.

use serde::Deserialize;

use super::instance::service;
use super::{envelope, success};
use crate::dialect::Api;
use crate::http::{Answer, JSON, Request};
use crate::instances::Instance;
use crate::pages;
use crate::world::World;

const ILLEGAL_NAME: &str = r#""Param 'serviceName' is illegal, it should be format as 'groupName@@serviceName'""#;

/// The parameter `beat`: an instance in full. A light heart-beat has `ip` and `port` instead.
#[derive(Deserialize)]
struct Beat {
    ip: String,
    port: u16,
}

/// Whether a request to v3's path for registrations is a heart-beat.
pub(super) fn is_beat(request: &Request) -> bool {
    request.method == hyper::Method::POST && request.parameter("heartBeat") == Some("true")
}

/// v1 and v2: a heart-beat in full registers an unknown instance, a light one is told that it is unknown.
pub(super) fn answer(world: &mut World, request: &Request, api: Api) -> Answer {
    let dialect = world.dialect;
    let Some(name) = request.parameter("serviceName") else {
        return (dialect.missing_parameter)(dialect, request, "serviceName");
    };
    if api == Api::BeatV2 && !name.contains("@@") {
        return match dialect.drafts_v2_instances {
            true => pages::illegal_service_name(request),
            false => Answer::new(400, JSON, envelope(20002, "parameter validate error", ILLEGAL_NAME)),
        };
    }
    let service = service(request);
    let beat = request.parameter("beat").and_then(|beat| serde_json::from_str::<Beat>(beat).ok());
    let known = match beat {
        Some(Beat { ip, port }) => {
            world.instances.insert(service, (ip, port));
            true
        }
        None => world.instances.has(&service, &light(request)),
    };
    let code = if known { 10200 } else { 20404 };
    let light = if known || dialect.beats_tell_light { r#","lightBeatEnabled":true"# } else { "" };
    Answer::new(200, JSON, format!(r#"{{"clientBeatInterval":5000,"code":{code}{light}}}"#))
}

/// v3: all heart-beats are light.
pub(super) fn answer_v3(world: &mut World, request: &Request) -> Answer {
    let dialect = world.dialect;
    for name in ["serviceName", "ip", "port"] {
        if request.parameter(name).is_none() {
            return (dialect.missing_parameter)(dialect, request, name);
        }
    }
    match world.instances.has(&service(request), &light(request)) {
        true => Answer::new(200, JSON, success("\"ok\"")),
        false => Answer::new(200, JSON, envelope(21003, "instance not found", "null")),
    }
}

fn light(request: &Request) -> Instance {
    let port = request.parameter_or("port", "0").parse().unwrap_or_default();
    (request.parameter_or("ip", "").to_owned(), port)
}
