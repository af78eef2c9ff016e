//! Instances of services: register, deregister, list.

use hyper::Method;
use serde_json::{Value, json};

use super::success;
use crate::clock::Millis;
use crate::dialect::{Api, InstanceList, TokenKind};
use crate::http::{Answer, JSON, Request, TEXT_UTF8};
use crate::instances::Service;
use crate::pages;
use crate::world::World;

/// Register or deregister.
pub(super) fn change(world: &mut World, request: &Request, api: Api) -> Answer {
    let dialect = world.dialect;
    for name in ["serviceName", "ip", "port"] {
        if request.parameter(name).is_none() {
            return (dialect.missing_parameter)(dialect, request, name);
        }
    }
    if api == Api::InstanceV2 && dialect.drafts_v2_instances && request.parameter("metadata").is_none() {
        return (dialect.missing_parameter)(dialect, request, "metadata");
    }
    let port = request.parameter_or("port", "").parse().unwrap_or_default();
    let instance = (request.parameter_or("ip", "").to_owned(), port);
    match request.method {
        Method::DELETE => world.instances.remove(&service(request), &instance),
        _ => world.instances.insert(service(request), instance),
    }
    match api {
        Api::InstanceV1 if dialect.tokens == TokenKind::Opaque => Answer::new(200, None, "ok"),
        Api::InstanceV1 => Answer::new(200, TEXT_UTF8, "ok"),
        _ => Answer::new(200, JSON, success("\"ok\"")),
    }
}

pub(super) fn list(world: &mut World, request: &Request, api: Api, now: Millis) -> Answer {
    let dialect = world.dialect;
    if request.parameter("serviceName").is_none() {
        return (dialect.missing_parameter)(dialect, request, "serviceName");
    }
    let is_draft = api == Api::InstanceListV2 && dialect.drafts_v2_instances;
    if is_draft && !request.parameter_or("serviceName", "").contains("@@") {
        return pages::illegal_service_name(request);
    }
    let service = service(request);
    let (_, name) = &service;
    let hosts: Vec<Value> = world.instances.of(&service).map(|(ip, port)| host(ip, *port, name, api)).collect();
    let hosts = json!(hosts);
    if api == Api::InstanceListV3 {
        return Answer::new(200, JSON, success(&hosts.to_string()));
    }
    let (group, short) = name.split_once("@@").unwrap_or(("", name));
    let head = format!(r#""name":{},"#, json!(name));
    let body = match dialect.instance_list {
        InstanceList::V14 => format!(r#"{{{head}"clusters":"","cacheMillis":3000,"hosts":{hosts}}}"#),
        InstanceList::RNacos => format!(
            r#"{{{head}"clusters":"","cacheMillis":10000,"hosts":{hosts},"lastRefTime":{now},"checksum":"{now}","useSpecifiedURL":false,"env":"","protectThreshold":null,"reachLocalSiteCallThreshold":null,"dom":{},"metadata":null}}"#,
            json!(short)
        ),
        shape @ (InstanceList::V2 | InstanceList::V3) => format!(
            r#"{{{head}"groupName":{},"clusters":"","cacheMillis":10000,"hosts":{hosts},"lastRefTime":{now},"checksum":"","{}":false,"reachProtectionThreshold":false,"valid":true}}"#,
            json!(group),
            if shape == InstanceList::V2 { "allIPs" } else { "allIps" }
        ),
    };
    Answer::new(200, JSON, if api == Api::InstanceListV2 && !is_draft { success(&body) } else { body })
}

/// Namespace and `group@@service`.
pub(super) fn service(request: &Request) -> Service {
    let name = request.parameter_or("serviceName", "");
    let name = match name.contains("@@") {
        true => name.to_owned(),
        false => format!("{}@@{name}", request.parameter_or("groupName", "DEFAULT_GROUP")),
    };
    (request.parameter_or("namespaceId", "public").to_owned(), name)
}

fn host(ip: &str, port: u16, service: &str, api: Api) -> Value {
    let mut host = json!({
        "ip": ip,
        "port": port,
        "weight": 1.0,
        "healthy": true,
        "enabled": true,
        "ephemeral": true,
        "clusterName": "DEFAULT",
        "serviceName": service,
        "metadata": {},
        "instanceHeartBeatInterval": 5000,
        "instanceHeartBeatTimeOut": 15000,
        "ipDeleteTimeout": 30000,
        "instanceIdGenerator": "simple",
    });
    if api != Api::InstanceListV2 {
        host["instanceId"] = format!("{ip}#{port}#DEFAULT#{service}").into();
    }
    host
}
