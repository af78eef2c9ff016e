//! Heart-beats: of an instance that is known, and of one that has to register again.

use devserver::{Generation, Options, Server};
use serde_json::{Value, json};

use crate::client::{Response, ask};

const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");
const INSTANCE: &str = "serviceName=g@@s&ip=10.0.0.1&port=80";
const IN_FULL: &str = "serviceName=g@@s&beat=%7B%22ip%22%3A%2210.0.0.1%22%2C%22port%22%3A80%7D";
const V1: &str = "/nacos/v1/ns/instance";
const V2: &str = "/nacos/v2/ns/instance";
const V3: &str = "/nacos/v3/client/ns/instance";

struct Client(Server, String);

impl Client {
    fn of(generation: Generation) -> Self {
        let server = Server::start(Options { generation, ..Options::default() }).expect("a server");
        let form = Some("username=nacos&password=nacos");
        let login = ask(server.address(), "POST", "/nacos/v1/auth/login", &[FORM], form).expect("an answer").json();
        let token = login["accessToken"].as_str().expect("a token").to_owned();
        Self(server, token)
    }

    fn send(&self, method: &str, path: &str, form: &str) -> Response {
        let target = format!("{path}?accessToken={}", self.1);
        ask(self.0.address(), method, &target, &[FORM], Some(form)).expect("an answer")
    }

    fn beat(&self, path: &str, form: &str) -> Value {
        let response = self.send("PUT", &format!("{path}/beat"), form);
        assert_eq!(response.status, 200, "{response:?}");
        response.json()
    }
}

#[test]
fn v1_and_v2() {
    for (generation, path, unknown) in [
        (Generation::V14, V1, json!({"clientBeatInterval": 5000, "code": 20404})),
        (Generation::V20, V1, json!({"clientBeatInterval": 5000, "code": 20404, "lightBeatEnabled": true})),
        (Generation::V20, V2, json!({"clientBeatInterval": 5000, "code": 20404, "lightBeatEnabled": true})),
        (Generation::V22, V2, json!({"clientBeatInterval": 5000, "code": 20404, "lightBeatEnabled": true})),
        (Generation::V2, V1, json!({"clientBeatInterval": 5000, "code": 20404, "lightBeatEnabled": true})),
        (Generation::V2, V2, json!({"clientBeatInterval": 5000, "code": 20404, "lightBeatEnabled": true})),
        (Generation::V3, V1, json!({"clientBeatInterval": 5000, "code": 20404, "lightBeatEnabled": true})),
        (Generation::RNacos, V1, json!({"clientBeatInterval": 5000, "code": 20404, "lightBeatEnabled": true})),
    ] {
        let client = Client::of(generation);
        let known = json!({"clientBeatInterval": 5000, "code": 10200, "lightBeatEnabled": true});
        assert_eq!(client.beat(path, INSTANCE), unknown, "{generation:?}");
        assert_eq!(client.send("POST", V1, INSTANCE).status, 200);
        assert_eq!(client.beat(path, INSTANCE), known, "{generation:?}");
        assert_eq!(client.send("DELETE", V1, INSTANCE).status, 200);
        assert_eq!(client.beat(path, INSTANCE), unknown, "{generation:?}");
        assert_eq!(client.beat(path, IN_FULL), known, "in full it registers: {generation:?}");
        assert_eq!(client.beat(path, INSTANCE), known, "{generation:?}");
    }
}

#[test]
fn v3() {
    for generation in [Generation::V3, Generation::V32, Generation::V33] {
        let client = Client::of(generation);
        let beat = format!("{INSTANCE}&heartBeat=true");
        let unknown = client.send("POST", V3, &beat);
        assert_eq!(unknown.status, 200);
        assert_eq!(unknown.json(), json!({"code": 21003, "message": "instance not found", "data": null}));
        assert_eq!(client.send("POST", V3, INSTANCE).json()["data"], "ok");
        let known = client.send("POST", V3, &beat);
        assert_eq!(known.json(), json!({"code": 0, "message": "success", "data": "ok"}));
    }
}

#[test]
fn what_they_want() {
    let client = Client::of(Generation::V2);
    assert_eq!(client.send("PUT", "/nacos/v1/ns/instance/beat", "ip=10.0.0.1&port=80").status, 400);
    // v1 puts the group before the service by itself.
    assert_eq!(client.beat(V1, "serviceName=s&ip=10.0.0.1&port=80")["code"], 20404);
    assert_eq!(client.send("PUT", "/nacos/v2/ns/instance/beat", "serviceName=s&ip=10.0.0.1&port=80").status, 400);
    let client = Client(client.0, "bad".to_owned());
    for path in [V1, V2] {
        assert_eq!(client.send("PUT", &format!("{path}/beat"), INSTANCE).status, 403);
    }
    let client = Client::of(Generation::V3);
    assert_eq!(client.send("PUT", "/nacos/v2/ns/instance/beat", INSTANCE).status, 410);
}
