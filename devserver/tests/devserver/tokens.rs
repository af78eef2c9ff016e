//! Tokens: what they are, when they end, and what a login and a request do with them.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use devserver::{Generation, Options, Server};
use serde_json::{Value, json};

use crate::client::{ask, login, login_as, read, status_with, try_login, wait_until};

fn start(generation: Generation, ttl: u64) -> Server {
    Server::start(Options { generation, ttl: Some(ttl), ..Options::default() }).expect("a server")
}

#[test]
fn a_jwt_holds_sub_and_exp_alone() {
    let (token, ttl) = login(&start(Generation::V2, 18_000));
    assert_eq!(ttl, 18_000);
    let parts: Vec<Value> = token
        .split('.')
        .take(2)
        .map(|part| serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(part).expect("Base64")).expect("JSON"))
        .collect();
    assert_eq!(parts[0], json!({"alg": "HS256"}));
    assert_eq!(parts[1]["sub"], "nacos");
    assert!(parts[1]["exp"].is_i64());
    assert_eq!(parts[1].as_object().expect("an object").len(), 2);
}

#[test]
fn rnacos_tokens_are_no_jwts() {
    let server = start(Generation::RNacos, 18_000);
    let ((first, _), (second, _)) = (login(&server), login(&server));
    assert!(!first.contains('.'));
    assert_ne!(first, second);
}

#[test]
fn two_logins_of_one_second_give_the_same_jwt() {
    let server = start(Generation::V2, 18_000);
    wait_until("two logins within one second", || login(&server).0 == login(&server).0);
}

#[test]
fn revoked_tokens_stay_revoked_and_the_next_one_works() {
    for (generation, message) in [
        (Generation::V14, "token invalid!"),
        (Generation::V2, "Invalid signature"),
        (Generation::V3, "Code: 401, Message: Invalid signature."),
        (Generation::RNacos, "unknown user!"),
    ] {
        let server = start(generation, 18_000);
        let (old, _) = login(&server);
        server.revoke();
        let (new, _) = login(&server);
        let refused = read(&server, &old).expect("an answer");
        assert_eq!((refused.status, refused.message()), (403, message.to_owned()));
        assert_eq!(status_with(&server, &new), 200);
    }
}

#[test]
fn a_ttl_of_nothing() {
    let refused = try_login(&start(Generation::V14, 0), "nacos", "nacos").expect("an answer");
    assert_eq!((refused.status, refused.body.as_str()), (403, "token expired!"));
    let (_, ttl) = login(&start(Generation::V2, 0));
    assert_eq!(ttl, 0);
}

#[test]
fn a_token_outlives_the_password() {
    let server = start(Generation::V2, 18_000);
    let (token, _) = login(&server);
    assert!(server.set_password("nacos", "changed"));
    assert_eq!(status_with(&server, &token), 200);
    assert_eq!(try_login(&server, "nacos", "nacos").expect("an answer").status, 403);
    login_as(&server, "nacos", "changed");
}

#[test]
fn bearer_beats_the_parameter_and_the_parameter_the_header() {
    let server = start(Generation::V2, 18_000);
    let (valid, _) = login(&server);
    let bearer = format!("Bearer {valid}");
    let get = |query: &str, headers: &[(&str, &str)]| {
        let target = format!("/nacos/v1/cs/configs?dataId=demo&group=DEFAULT_GROUP{query}");
        ask(server.address(), "GET", &target, headers, None).expect("an answer").status
    };
    let with_valid = format!("&accessToken={valid}");
    assert_eq!(get("&accessToken=bad", &[("Authorization", &bearer)]), 200);
    assert_eq!(get(&with_valid, &[("Authorization", "Bearer bad")]), 403);
    assert_eq!(get(&with_valid, &[("accessToken", "bad")]), 200);
    assert_eq!(get(&with_valid, &[("Authorization", "Basic bmFjb3M6bmFjb3M=")]), 200);
    assert_eq!(get(&format!("{with_valid}&accessToken=bad"), &[]), 200);
}
