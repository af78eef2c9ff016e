//! Each fault, planted, and named.

use std::net::TcpListener;

use super::*;

/// A server that has been changed, and what the doctor is to say of it.
fn planted(generation: Generation, plant: impl FnOnce(&Server), expected: &[&str]) {
    let server = server(generation);
    plant(&server);
    assert_names(&examine(config(&server)), expected);
}

#[test]
fn where_nothing_answers() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    assert_names(&examine(at(&format!("127.0.0.1:{port}"))), &["connection-refused"]);
    assert_names(&examine(at("no-such-host.invalid:8848")), &["name-unknown"]);
    assert_names(&examine(at("127.0.0.1:8848").proxy("http://127.0.0.1:1")), &["proxy-failed"]);
}

#[test]
fn a_server_that_hangs_is_named_within_the_time() {
    let server = server(Generation::V2);
    server.add_fault(Fault::new(On::All, FaultKind::Hang));
    let began = std::time::Instant::now();
    assert_names(&examine(config(&server)), &["no-answer"]);
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
}

#[test]
fn what_is_no_nacos() {
    planted(
        Generation::V2,
        |server| server.add_fault(Fault { status: Some(200), ..Fault::new(On::All, FaultKind::Html) }),
        &["not-nacos"],
    );
    planted(Generation::V2, |server| server.add_fault(Fault::new(On::All, FaultKind::Redirect)), &["not-nacos"]);
    planted(
        Generation::V2,
        |server| server.add_fault(Fault { status: Some(502), ..Fault::new(On::All, FaultKind::Gateway) }),
        &["gateway"],
    );
}

#[test]
fn the_wrong_place() {
    let server = server(Generation::V2);
    assert_names(&examine(config(&server).context_path("/elsewhere")), &["wrong-context-path"]);
    let console = r#"{"timestamp":"t","status":500,"error":"Internal Server Error","message":"caused: No static resource nacos/v3/auth/user/login.;","path":"/nacos/v3/auth/user/login"}"#;
    server.add_fault(status(On::All, 500, console));
    assert_names(&examine(config(&server)), &["console-port"]);
}

#[test]
fn a_login_that_cannot_be_reached() {
    let logins = ["/nacos/v1/auth/*".to_owned(), "/nacos/v3/auth/*".to_owned()];
    let blocked =
        |code| Fault { status: Some(code), paths: logins.to_vec(), ..Fault::new(On::All, FaultKind::Gateway) };
    planted(Generation::V2, |server| server.add_fault(blocked(404)), &["login-api-missing"]);
    planted(Generation::V2, |server| server.add_fault(blocked(403)), &["gateway-refusal"]);
    planted(Generation::V2, |server| server.add_fault(blocked(401)), &["gateway-refusal"]);
    let gone =
        r#"{"status":410,"error":"Gone","message":"{\"code\":40000,\"message\":\"Current API will be deprecated\"}"}"#;
    planted(Generation::V2, |server| server.add_fault(status(On::Login, 410, gone)), &["login-switched-off"]);
}

#[test]
fn who_cannot_log_in() {
    let refused = |generation, user: &str, password: &str, name| {
        let server = server(generation);
        assert_names(&examine(Config::new(&server.address().to_string(), user, password)), &[name]);
        assert!(server.counts().login_failures <= 2, "{generation:?}: {:?}", server.counts());
    };
    std::thread::scope(|scope| {
        for generation in GENERATIONS {
            let name = if matches!(generation, Generation::V3) { "login-fault" } else { "wrong-credentials" };
            scope.spawn(move || refused(generation, "nacos", "wrong", name));
        }
        // Where the words tell a user who is not there from a password that is wrong.
        for generation in [Generation::V22, Generation::V23, Generation::V2, Generation::V3] {
            scope.spawn(move || refused(generation, "nobody", "nacos", "unknown-user"));
        }
    });
}

#[test]
fn a_server_that_has_just_started() {
    std::thread::scope(|scope| {
        for generation in [Generation::V20, Generation::V22, Generation::V2, Generation::V3, Generation::V33] {
            scope.spawn(move || {
                let warm_up = |server: &Server| server.restart(Duration::ZERO, Duration::from_secs(4));
                planted(generation, warm_up, &["users-not-loaded"]);
            });
        }
        // It lets everybody log in, and nobody do anything.
        scope.spawn(|| {
            let server = server(Generation::V14);
            server.restart(Duration::ZERO, Duration::from_secs(4));
            let path = "/v1/cs/configs?dataId=demo&group=DEFAULT_GROUP";
            assert_names(&examine_request(config(&server), "GET", path), &["users-not-loaded"]);
        });
    });
}

#[test]
fn a_server_that_nobody_has_set_up() {
    let state = r#"{"auth_system_type":"nacos","auth_enabled":"true","auth_admin_request":"true","version":"2.5.1","function_mode":null}"#;
    let page = Fault { paths: vec!["/nacos/v1/console/server/state".into()], ..status(On::Request, 200, state) };
    let server = server(Generation::V2);
    server.add_fault(page);
    let began = std::time::Instant::now();
    assert_names(&examine(Config::new(&server.address().to_string(), "nobody", "nacos")), &["no-admin"]);
    assert!(began.elapsed() < Duration::from_secs(3));
}

#[test]
fn what_the_server_lacks() {
    let secret =
        "caused: Please config `nacos.core.auth.plugin.nacos.token.secret.key`, detail: See https://nacos.io/;";
    planted(Generation::V2, |server| server.add_fault(status(On::Login, 400, secret)), &["server-secret-missing"]);
    let identity = r#"{"timestamp":"t","status":403,"error":"Forbidden","message":"Invalid server identity key or value, Please make sure set `nacos.core.auth.server.identity.key` and `nacos.core.auth.server.identity.value`, or open `nacos.core.auth.enable.userAgentAuthWhite`","path":"/nacos/v1/cs/configs"}"#;
    let reads = Fault { paths: vec!["/nacos/v1/cs/*".into()], ..status(On::Request, 403, identity) };
    planted(Generation::V2, |server| server.add_fault(reads), &["server-identity-missing"]);
    let oidc = r#"{"code":23000,"message":"Current Nacos auth plugin type is not `nacos`, please use the right one","data":null}"#;
    planted(Generation::V3, |server| server.add_fault(status(On::Login, 200, oidc)), &["other-auth-type"]);
}

#[test]
fn a_server_that_wants_to_be_left_alone() {
    let busy =
        || Fault { status: Some(429), retry_after: Some("30".into()), ..Fault::new(On::Login, FaultKind::Status) };
    planted(Generation::V2, |server| server.add_fault(busy()), &["throttled"]);
    let limit = "LOGIN_LIMITE_ERROR,Frequent login, please try again later";
    planted(Generation::RNacos, |server| server.add_fault(status(On::Login, 403, limit)), &["throttled"]);
}

#[test]
fn nodes_that_do_not_share_a_secret() {
    let (a, b) = (server(Generation::V2), server(Generation::V2));
    let diagnosis = examine(at(&format!("{},{}", a.address(), b.address())));
    assert_names(&diagnosis, &["secrets-differ"]);
    assert!(
        diagnosis.to_text().contains(&a.address().to_string())
            && diagnosis.to_text().contains(&b.address().to_string())
    );
    for spread in [devserver::Spread::Request, devserver::Spread::Connection] {
        let secrets = ["a", "b"].map(|letter| letter.repeat(44)).to_vec();
        let server = Server::start(Options { secrets, spread, ..Options::default() }).unwrap();
        assert_names(&examine(config(&server)), &["secrets-differ"]);
    }
}

#[test]
fn a_gateway_that_answers_401_itself() {
    let guard = Fault {
        status: Some(401),
        paths: vec!["/nacos/v1/cs/*".into()],
        ..Fault::new(On::Request, FaultKind::Gateway)
    };
    planted(Generation::V2, |server| server.add_fault(guard), &["gateway-refusal"]);
}

#[test]
fn what_a_request_is_refused_for() {
    let server = server(Generation::V2);
    let poor = || Config::new(&server.address().to_string(), "poor", "poor");
    let path = "/v1/cs/configs?dataId=demo&group=DEFAULT_GROUP";
    assert_names(&examine_request(poor(), "GET", path), &["permission-missing"]);
    assert_names(&examine_request(config(&server), "GET", "/v9/nothing"), &["api-missing"]);
    assert_names(&examine_request(config(&server), "GET", "/nacos/v1/cs/configs"), &["wrong-context-path"]);
    let new = super::server(Generation::V33);
    assert_names(&examine_request(config(&new), "GET", path), &["api-missing"]);
    // What may change something is not sent unless that is asked for.
    let delete = "/v1/cs/configs?dataId=demo&group=DEFAULT_GROUP";
    let before = server.counts().by_data_id.get("demo").map_or(0, |counts| counts.requests);
    let diagnosis = examine_request(config(&server), "DELETE", delete);
    assert_eq!(names(&diagnosis, Severity::Information), ["not-tried"], "{}", diagnosis.to_text());
    assert_eq!(server.counts().by_data_id.get("demo").map_or(0, |counts| counts.requests), before);
    let options =
        DiagnoseOptions { request: Some(("DELETE", delete)), send_writes: true, ..DiagnoseOptions::default() };
    assert_names(&diagnose(poor(), &options).unwrap(), &["permission-missing"]);
    assert_names(&diagnose(config(&server), &options).unwrap(), &[]);
}

#[test]
fn lives_that_are_too_short_or_too_long_and_a_cache() {
    planted(Generation::V2, |server| server.set_ttl(30), &["token-life-short"]);
    planted(Generation::V2, |server| server.set_ttl(86_400 * 365), &["token-life-long"]);
    let server = server(Generation::V2);
    server.set_token_cache(true);
    let diagnosis = examine(config(&server));
    assert_names(&diagnosis, &[]);
    assert_eq!(names(&diagnosis, Severity::Information), ["token-cache"], "{}", diagnosis.to_text());
}

#[test]
fn users_that_come_from_elsewhere() {
    let state = r#"{"auth_system_type":"ldap","auth_enabled":"true","version":"2.5.1","function_mode":null}"#;
    let server = server(Generation::V2);
    server.add_fault(Fault { paths: vec!["/nacos/v1/console/server/state".into()], ..status(On::Request, 200, state) });
    let diagnosis = examine(config(&server));
    assert_names(&diagnosis, &[]);
    assert_eq!(names(&diagnosis, Severity::Information), ["other-auth-type"]);
}

#[test]
fn a_password_from_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("password");
    std::fs::write(&file, "nacos").unwrap();
    let server = server(Generation::V2);
    let config = || Config::with_password_file(&server.address().to_string(), "nacos", &file);
    assert_names(&examine(config()), &[]);
    std::fs::write(&file, "wrong").unwrap();
    assert_names(&examine(config()), &["wrong-credentials"]);
}

#[test]
fn a_password_that_one_server_refuses_is_not_tried_at_the_others() {
    let (a, b) = (server(Generation::V2), server(Generation::V2));
    let address = format!("{},{}", a.address(), b.address());
    let diagnosis = examine(Config::new(&address, "nacos", "wrong"));
    assert_names(&diagnosis, &["wrong-credentials"]);
    assert_eq!(a.counts().login_failures + b.counts().login_failures, 1);
}

#[test]
fn one_server_of_three_that_is_dead_does_not_hide_the_others() {
    let live = server(Generation::V2);
    let diagnosis = examine(at(&format!("127.0.0.1:1,{},127.0.0.1:2", live.address())));
    assert_eq!(names(&diagnosis, Severity::Warning), ["connection-refused"]);
    assert!(diagnosis.to_text().contains("takes the token"), "{}", diagnosis.to_text());
}
