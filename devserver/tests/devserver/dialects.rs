//! The generations that nobody recorded: Nacos 3.2 and 3.3 as their sources and specifications have them, and
//! r-nacos 0.8.5 where it differs from 0.8.8.

use std::sync::Arc;

use devserver::{Generation, Options, Server, control};
use serde_json::{Value, json};

use crate::client::{Response, ask, post_form, wait_until};

const V3_LOGIN: &str = "/nacos/v3/auth/user/login";
const V1_LOGINS: [&str; 2] = ["/nacos/v1/auth/login", "/nacos/v1/auth/users/login"];
const READ: &str = "/nacos/v3/client/cs/config?dataId=demo&groupName=DEFAULT_GROUP";
const READ_V1: &str = "/nacos/v1/cs/configs?dataId=demo&group=DEFAULT_GROUP";
const SKILL: &str = "/nacos/v3/client/ai/skills?name=s";
const WRONG_CREDENTIALS: &str = "User not found! Please check user exist or password is right!";
const NEWEST: [Generation; 2] = [Generation::V32, Generation::V33];

fn start(generation: Generation) -> Server {
    Server::start(Options { generation, ..Options::default() }).expect("a server")
}

fn get(server: &Server, target: &str, headers: &[(&str, &str)]) -> Response {
    ask(server.address(), "GET", target, headers, None).expect("an answer")
}

fn token(server: &Server, user: &str) -> String {
    let form = format!("username={user}&password={user}");
    let response = post_form(server.address(), V3_LOGIN, &form).expect("an answer");
    assert_eq!(response.status, 200, "{response:?}");
    response.json()["accessToken"].as_str().expect("a token").to_owned()
}

fn denied(reason: &str) -> Value {
    json!({"code": 10001, "message": "access denied", "data": reason})
}

#[test]
fn a_refusal_of_3_2_gives_its_reason_inside_an_envelope() {
    for generation in NEWEST {
        let server = start(generation);
        let poor = format!("Bearer {}", token(&server, "poor"));
        let old = format!("Bearer {}", token(&server, "nacos"));
        server.set_ttl(0);
        let short = format!("Bearer {}", token(&server, "nacos"));
        wait_until("a token of nothing to expire", || get(&server, READ, &[("Authorization", &short)]).status == 403);
        server.set_ttl(100);
        let reason_of = |bearer: Option<&str>, accept: &str| {
            let headers = bearer.map(|value| ("Authorization", value)).into_iter().chain([("Accept", accept)]);
            let response = get(&server, READ, &headers.collect::<Vec<_>>());
            assert_eq!((response.status, response.header("Content-Type")), (403, Some("application/json")));
            let reason = response.json()["data"].as_str().expect("a reason").to_owned();
            assert_eq!(response.json(), denied(&reason), "{generation:?}");
            reason
        };
        assert_eq!(reason_of(None, "*/*"), format!("Code: 401, Message: {WRONG_CREDENTIALS}."));
        assert_eq!(reason_of(Some(&short), "*/*"), "Code: 401, Message: token expired!.");
        assert_eq!(reason_of(Some(&short), "text/html"), "Code: 401, Message: token expired!.");
        assert_eq!(reason_of(Some("Bearer garbage"), "*/*"), "Code: 401, Message: token invalid!.");
        assert_eq!(reason_of(Some(&poor), "*/*"), "Code: 403, Message: authorization failed!.");
        server.set_secret(None).expect("a random secret");
        assert_eq!(reason_of(Some(&old), "*/*"), "Code: 401, Message: Invalid signature.");
    }
}

#[test]
fn of_v1_and_v2_the_login_of_v1_is_left() {
    for generation in NEWEST {
        let server = start(generation);
        for path in V1_LOGINS {
            let response = post_form(server.address(), path, "username=nacos&password=nacos").expect("an answer");
            assert_eq!((response.status, response.json()["tokenTtl"].as_i64()), (200, Some(18_000)), "{path}");
        }
        let bearer = format!("Bearer {}", token(&server, "nacos"));
        for (target, status) in [
            (READ, 200),
            (READ_V1, 404),
            ("/nacos/v2/cs/config?dataId=demo&group=DEFAULT_GROUP", 404),
            ("/nacos/v1/ns/instance/list?serviceName=s", 404),
            ("/nacos/v3/client/ns/instance/list?serviceName=s", 200),
        ] {
            assert_eq!(get(&server, target, &[("Authorization", &bearer)]).status, status, "{generation:?} {target}");
        }
    }
}

#[test]
fn without_compatibility_v1_answers_410_with_json_inside_json() {
    for generation in [Generation::V3, Generation::V32, Generation::V33] {
        let options = Options { generation, compatibility: false, ..Options::default() };
        let server = Arc::new(Server::start(options).expect("a server"));
        let control = control::serve(Arc::clone(&server), 0).expect("a control address");
        for path in V1_LOGINS {
            let response = post_form(server.address(), path, "username=nacos&password=wrong").expect("an answer");
            assert_eq!((response.status, response.json()["error"].as_str()), (410, Some("Gone")));
            let inside: Value = serde_json::from_str(&response.message()).expect("JSON inside JSON");
            assert_eq!(inside["code"], 40000);
            let advice = inside["message"].as_str().expect("a text");
            assert!(advice.contains("`POST ${contextPath:nacos}/v3/auth/user/login`"), "{advice}");
            assert!(advice.contains("nacos.core.api.compatibility.client.enabled"), "{advice}");
        }
        token(&server, "nacos");
        assert_eq!(server.counts().login_failures, 0, "a login that is not there is no failure");
        let on = ask(control, "POST", "/compatibility", &[], Some(r#"{"enabled": true}"#)).expect("an answer");
        assert_eq!(on.json(), json!({"ok": true}));
        let response = post_form(server.address(), V1_LOGINS[0], "username=nacos&password=nacos").expect("an answer");
        assert_eq!(response.status, 200);
    }
}

#[test]
fn the_old_client_api_of_3_0_names_what_to_use() {
    let server = start(Generation::V3);
    server.set_compatibility(false);
    for (method, path, advice) in [
        ("GET", "/nacos/v1/cs/configs", "`GET ${contextPath:nacos}/v3/client/cs/config`"),
        ("POST", "/nacos/v1/cs/configs", "`POST ${contextPath:nacos}/v3/admin/cs/config`"),
        ("POST", "/nacos/v1/cs/configs/listener", "If wanted continue to use"),
        ("PUT", "/nacos/v1/ns/instance/beat", "`POST ${contextPath:nacos}/v3/client/ns/instance?heartBeat=true`"),
        ("DELETE", "/nacos/v1/ns/instance", "`DELETE ${contextPath:nacos}/v3/client/ns/instance`"),
    ] {
        let response = ask(server.address(), method, path, &[], None).expect("an answer");
        assert_eq!(response.status, 410, "{method} {path}");
        assert!(response.message().contains(advice), "{method} {path}: {}", response.message());
    }
}

#[test]
fn whatever_is_wrong_with_the_credentials_3_2_says_the_same() {
    for generation in NEWEST {
        let server = start(generation);
        for form in [
            "username=nacos&password=wrong",
            "username=nobody&password=x",
            "username=&password=",
            "username=nacos&password=",
            "username=nacos",
            "",
        ] {
            let v3 = post_form(server.address(), V3_LOGIN, form).expect("an answer");
            assert_eq!((v3.status, v3.json()), (403, denied(WRONG_CREDENTIALS)), "{form}");
            for path in V1_LOGINS {
                let v1 = post_form(server.address(), path, form).expect("an answer");
                assert_eq!((v1.status, v1.body.as_str()), (403, WRONG_CREDENTIALS), "{form}");
            }
        }
    }
}

#[test]
fn the_ai_registry_says_401() {
    let server = start(Generation::V33);
    let poor = format!("Bearer {}", token(&server, "poor"));
    let good = format!("Bearer {}", token(&server, "nacos"));
    let no_user = format!("Code: 401, Message: {WRONG_CREDENTIALS}.");
    for context in ["", "/nacos"] {
        let target = format!("{context}/v3/ai/ard/agents?namespaceId=public");
        for (headers, status, code, message) in [
            (vec![], 401, "UNAUTHENTICATED", no_user.as_str()),
            (vec![("Authorization", "Bearer x")], 401, "UNAUTHENTICATED", "Code: 401, Message: token invalid!."),
            (vec![("Authorization", &poor)], 403, "PERMISSION_DENIED", "Code: 403, Message: authorization failed!."),
        ] {
            let response = get(&server, &target, &headers);
            assert_eq!((response.status, response.json()), (status, json!({"errorCode": code, "message": message})));
        }
        assert_eq!(get(&server, &target, &[("Authorization", &good)]).status, 200);
    }
    assert_eq!(server.counts().rejections, 4);
    let older = start(Generation::V32);
    let bearer = format!("Bearer {}", token(&older, "nacos"));
    assert_eq!(get(&older, "/nacos/v3/ai/ard/agents", &[("Authorization", &bearer)]).status, 404);
}

#[test]
fn anonymous_reads_of_ai_resources() {
    for generation in NEWEST {
        let server = start(generation);
        assert_eq!(get(&server, SKILL, &[]).status, 403, "off unless it is switched on");
        server.set_anonymous_ai(true);
        for (target, headers, status) in [
            (SKILL, vec![], 200),
            ("/nacos/v3/client/ai/agentspecs?name=a", vec![], 200),
            ("/nacos/v3/client/ai/agentspecs/search", vec![], 200),
            // Explicit credentials that are wrong or empty are refused.
            (SKILL, vec![("Authorization", "Bearer wrong")], 403),
            (SKILL, vec![("Authorization", "")], 403),
            (SKILL, vec![("accessToken", "wrong")], 403),
            ("/nacos/v3/client/ai/skills?name=s&accessToken=", vec![], 403),
            ("/nacos/v3/client/ai/skills?name=s&username=nacos&password=wrong", vec![], 403),
            // So is everything that has not opted in.
            ("/nacos/v3/client/ai/prompt?promptKey=p", vec![], 403),
            (READ, vec![], 403),
        ] {
            assert_eq!(get(&server, target, &headers).status, status, "{generation:?} {target} {headers:?}");
        }
        let bearer = format!("Bearer {}", token(&server, "nacos"));
        assert_eq!(get(&server, SKILL, &[("Authorization", &bearer)]).bytes[..2], *b"PK");
    }
    let catalogue = "/v3/ai/ard/ai-catalog.json";
    let options = Options { generation: Generation::V33, anonymous_ai: true, ..Options::default() };
    let server = Server::start(options).expect("a server");
    assert_eq!(get(&server, catalogue, &[]).status, 200);
    assert_eq!(get(&server, catalogue, &[("Authorization", "Bearer wrong")]).status, 401);
}

#[test]
fn state_pages_are_open() {
    for (generation, version) in [(Generation::V32, "3.2.4"), (Generation::V33, "3.3.0")] {
        let server = start(generation);
        let state = get(&server, "/nacos/v3/admin/core/state", &[]).json();
        assert_eq!((&state["code"], &state["data"]["version"]), (&json!(0), &json!(version)));
        assert_eq!(state["data"]["auth_enabled"], "true");
        // The console's, which has neither a context path nor an envelope.
        assert_eq!(get(&server, "/v3/console/server/state", &[]).json()["auth_system_type"], "nacos");
        for path in [
            "/nacos/v3/admin/core/state/liveness",
            "/nacos/v3/admin/core/state/readiness",
            "/v3/console/health/liveness",
            "/v3/console/health/readiness",
        ] {
            assert_eq!(get(&server, path, &[]).json(), json!({"code": 0, "message": "success", "data": "ok"}));
        }
        assert_eq!(get(&server, "/v3/client/cs/config", &[]).header("Content-Type"), Some("text/html;charset=utf-8"));
    }
}

#[test]
fn a_missing_parameter_of_3_2_has_the_envelope_too() {
    let server = start(Generation::V32);
    let bearer = format!("Bearer {}", token(&server, "nacos"));
    let response = get(&server, "/nacos/v3/client/cs/config?dataId=demo", &[("Authorization", &bearer)]);
    assert_eq!((response.status, &response.json()["code"]), (400, &json!(10000)));
}

#[test]
fn where_r_nacos_looks_for_a_token() {
    // Header, query, and whether 0.8.5 and 0.8.8 take the request; <T> is a good token.
    for (header, query, old, new) in [
        (None, "", 403, 403),
        (Some(("Authorization", "<T>")), "", 200, 200),
        (Some(("Authorization", "Bearer <T>")), "", 403, 200),
        (Some(("Authorization", "bearer <T>")), "", 403, 200),
        (Some(("Authorization", "Bearer <T>")), "&accessToken=<T>", 403, 200),
        (Some(("Authorization", "Bearer x")), "&accessToken=<T>", 403, 403),
        (Some(("accessToken", "<T>")), "", 403, 200),
        (Some(("accessToken", "<T>")), "&accessToken=<T>", 200, 200),
        (None, "&accessToken=<T>", 200, 200),
        (None, "&accessToken=x", 403, 403),
    ] {
        for (generation, status) in [(Generation::RNacos085, old), (Generation::RNacos, new)] {
            let server = start(generation);
            let token = token(&server, "nacos");
            let value = header.map(|(name, value)| (name, value.replace("<T>", &token)));
            let headers: Vec<_> = value.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let response = get(&server, &format!("{READ_V1}{}", query.replace("<T>", &token)), &headers);
            assert_eq!(response.status, status, "{generation:?} {header:?} {query}");
            if status == 403 {
                assert_eq!(response.message(), "unknown user!");
            }
        }
    }
}

#[test]
fn r_nacos_looks_into_the_form_last() {
    let server = start(Generation::RNacos085);
    let good = token(&server, "nacos");
    for (query, token_in_form, status) in [("", good.as_str(), 200), ("?accessToken=x", &good, 403), ("", "x", 403)] {
        let form = format!("dataId=a&group=b&content=c&accessToken={token_in_form}");
        let response = post_form(server.address(), &format!("/nacos/v1/cs/configs{query}"), &form).expect("an answer");
        assert_eq!(response.status, status, "{query} {token_in_form}");
    }
}

#[test]
fn how_long_a_token_lives_unless_it_is_told() {
    for (generation, ttl) in [(Generation::RNacos085, 3600), (Generation::RNacos, 18_000), (Generation::V33, 18_000)] {
        let server = start(generation);
        let response =
            post_form(server.address(), V3_LOGIN, "username=nacos&password=nacos").expect("an answer").json();
        assert_eq!(response["tokenTtl"], ttl, "{generation:?}");
    }
}
