//! Configurations: read, publish, delete.

use hyper::Method;
use serde_json::json;

use super::{envelope, success};
use crate::clock::Millis;
use crate::configs::{Config, Key};
use crate::dialect::{Api, Dialect, TokenKind};
use crate::http::{Answer, JSON, JSON_UTF8, Request, TEXT_UTF8};
use crate::world::World;

/// v1 and v2 call the parameters differently from v3.
struct Names {
    group: &'static str,
    namespace: &'static str,
}

pub(super) fn answer(world: &mut World, request: &Request, api: Api, now: Millis) -> Answer {
    let dialect = world.dialect;
    let names = match api {
        Api::ConfigV1 => Names { group: "group", namespace: "tenant" },
        Api::ConfigV2 => Names { group: "group", namespace: "namespaceId" },
        _ => Names { group: "groupName", namespace: "namespaceId" },
    };
    for name in ["dataId", names.group] {
        if request.parameter(name).is_none() {
            return (dialect.missing_parameter)(dialect, request, name);
        }
    }
    let key = Key {
        namespace: request.parameter_or(names.namespace, "public").to_owned(),
        group: request.parameter_or(names.group, "DEFAULT_GROUP").to_owned(),
        data_id: request.parameter_or("dataId", "").to_owned(),
    };
    match request.method {
        Method::POST => {
            let Some(content) = request.parameter("content") else {
                return (dialect.missing_parameter)(dialect, request, "content");
            };
            world.configs.put(key, content, request.parameter_or("type", "text"), now);
            done(dialect, api)
        }
        Method::DELETE => {
            world.configs.remove(&key);
            done(dialect, api)
        }
        _ => match world.configs.get(&key) {
            Some(config) => found(api, &key, config),
            None => missing(dialect, api),
        },
    }
}

fn done(dialect: &Dialect, api: Api) -> Answer {
    match api {
        Api::ConfigV1 if dialect.tokens == TokenKind::Opaque => Answer::new(200, "text/html; charset=utf-8", "true"),
        Api::ConfigV1 => Answer::new(200, JSON_UTF8, "true"),
        _ => Answer::new(200, JSON, success("true")),
    }
}

fn missing(dialect: &Dialect, api: Api) -> Answer {
    let text = "config data not exist";
    let not_found = |data| envelope(20004, "resource not found", data);
    match api {
        Api::ConfigV1 if dialect.tokens == TokenKind::Opaque => Answer::new(404, None, text),
        Api::ConfigV1 => Answer::new(404, JSON_UTF8, format!("{text}\n")),
        Api::ConfigV2 => Answer::new(404, dialect.missing_config_type, not_found("\"config data not exist\"") + "\n"),
        Api::ConfigV3Client => Answer::new(200, JSON, not_found("null")),
        _ => Answer::new(404, JSON, not_found("\"Config not exist, please publish Config first.\"")),
    }
}

fn found(api: Api, key: &Key, config: &Config) -> Answer {
    let Config { content, kind, created, modified } = config;
    let md5 = format!("{:x}", md5::compute(content));
    let text = json!(content);
    match api {
        Api::ConfigV1 => Answer::new(200, TEXT_UTF8, content.as_str()).with_header("Content-MD5", md5),
        Api::ConfigV2 => Answer::new(200, JSON_UTF8, success(&text.to_string())).with_header("Content-MD5", md5),
        Api::ConfigV3Client => {
            let data = format!(
                r#"{{"resultCode":200,"errorCode":0,"message":null,"requestId":null,"content":{text},"encryptedDataKey":"","contentType":{},"md5":"{md5}","lastModified":{modified},"tag":null,"beta":false,"success":true}}"#,
                json!(kind)
            );
            Answer::new(200, JSON, success(&data))
        }
        _ => {
            let data = format!(
                r#"{{"id":"{created}","namespaceId":{},"groupName":{},"dataId":{},"md5":"{md5}","type":{},"appName":"","createTime":{created},"modifyTime":{modified},"content":{text},"desc":null,"encryptedDataKey":"","createUser":"nacos","createIp":"127.0.0.1","configTags":null}}"#,
                json!(key.namespace),
                json!(key.group),
                json!(key.data_id),
                json!(kind)
            );
            Answer::new(200, JSON, success(&data))
        }
    }
}
