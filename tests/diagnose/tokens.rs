//! A token of the caller's: what is wrong with it.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use nacos_auth::{Client, Secret};

use super::*;

/// A token that the server has given.
fn token(server: &Server) -> String {
    Client::new(config(server)).unwrap().token().unwrap().secret.expose().into()
}

fn jwt(header: &str, claims: &str) -> String {
    [header, claims, "signature"].map(|part| URL_SAFE_NO_PAD.encode(part)).join(".")
}

fn given(config: Config, token: &str) -> Diagnosis {
    let options = DiagnoseOptions { token: Some(Secret::from(token)), ..DiagnoseOptions::default() };
    diagnose(config, &options).unwrap()
}

/// Of whom, and of what, nobody has to know the password.
fn alone(server: &Server, token: &str) -> Diagnosis {
    examine(Config::with_token(&server.address().to_string(), token, None))
}

#[test]
fn one_that_is_good() {
    for generation in GENERATIONS {
        let server = server(generation);
        let token = token(&server);
        let expected: &[&str] = if generation == Generation::RNacos085 { &["token-in-query"] } else { &[] };
        assert_names(&alone(&server, &token), expected);
        assert_eq!(server.counts().logins, 1, "no login is made for a token");
    }
}

#[test]
fn one_that_has_expired_and_by_how_much() {
    std::thread::scope(|scope| {
        for generation in GENERATIONS {
            scope.spawn(move || {
                let server = Server::start(Options { generation, ttl: Some(1), ..Options::default() }).unwrap();
                let token = token(&server);
                std::thread::sleep(Duration::from_millis(4500));
                let diagnosis = alone(&server, &token);
                assert_names(&diagnosis, &["token-expired"]);
                if !matches!(generation, Generation::RNacos | Generation::RNacos085) {
                    let text = diagnosis.to_text();
                    assert!(text.contains("which ended") && text.contains("ago, of user \"nacos\""), "{text}");
                }
            });
        }
    });
}

#[test]
fn one_of_another_secret() {
    for generation in
        [Generation::V14, Generation::V20, Generation::V22, Generation::V2, Generation::V3, Generation::V33]
    {
        let (server, other) = (server(generation), super::server(generation));
        let diagnosis = given(config(&server), &token(&other));
        assert_names(&diagnosis, &["token-of-other-secret"]);
        assert!(diagnosis.to_text().contains("which ends in "), "{}", diagnosis.to_text());
    }
}

#[test]
fn one_that_comes_from_elsewhere() {
    let foreign = jwt(
        r#"{"alg":"RS256","typ":"JWT"}"#,
        r#"{"iss":"https://login.example.com/","sub":"somebody","exp":4102444800,"aud":"nacos"}"#,
    );
    let server = server(Generation::V2);
    let diagnosis = given(config(&server), &foreign);
    assert_names(&diagnosis, &["token-foreign"]);
    assert!(diagnosis.to_text().contains("issued by \"https://login.example.com/\""), "{}", diagnosis.to_text());
    assert_names(&given(config(&server), "not-a-token"), &["token-foreign"]);
    let cut = &token(&server)[..60];
    assert_names(&given(config(&server), cut), &["token-foreign"]);
}

#[test]
fn what_no_header_carries_is_refused_before_anything_is_sent() {
    let server = server(Generation::V2);
    let options = DiagnoseOptions { token: Some(Secret::from("a b")), ..DiagnoseOptions::default() };
    let error = diagnose(config(&server), &options).unwrap_err();
    assert!(error.message().starts_with("token: "), "{error}");
    let options = DiagnoseOptions { request: Some(("GET", "v1")), ..DiagnoseOptions::default() };
    assert!(diagnose(config(&server), &options).unwrap_err().message().starts_with("path: "));
    assert_eq!(server.counts().connections, 0);
}

#[test]
fn a_server_that_cannot_be_reached_leaves_what_the_token_says_of_itself() {
    let expired = jwt(r#"{"alg":"HS256"}"#, r#"{"sub":"nacos","exp":1700000000}"#);
    let options = DiagnoseOptions { token: Some(Secret::from(&*expired)), ..DiagnoseOptions::default() };
    let diagnosis = diagnose(at("127.0.0.1:1"), &options).unwrap();
    assert_eq!(names(&diagnosis, Severity::Warning), ["connection-refused", "token-expired"]);
}
