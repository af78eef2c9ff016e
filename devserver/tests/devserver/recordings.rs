//! Every request that was recorded from real servers, sent to the devserver: the answers must be the same.
//!
//! In a recording `json_page` and `html_page` stand for Spring's error pages with that message. `<valid>`, `<expired>`,
//! `<old secret>` and `<valid, no permission>` are tokens, `<number>` is a time or an id, `<port>` the server's.

use std::collections::BTreeMap;
use std::path::Path;

use devserver::{Generation, Options, Server};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::client::{LIMIT, Response, ask, login, login_as, status_with, wait_until};

/// Seconds that tokens lived on the recorded servers.
const TTL: u64 = 6;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Recording {
    server: String,
    exchanges: Vec<Exchange>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Exchange {
    name: String,
    /// Method, a space, path and query.
    request: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    form: Option<BTreeMap<String, String>>,
    json: Option<Value>,
    status: u16,
    #[serde(rename = "type")]
    content_type: Option<String>,
    json_page: Option<String>,
    html_page: Option<String>,
    #[serde(default)]
    body: String,
}

#[test]
fn nacos_1_4() {
    replay(Generation::V14, 114);
}

#[test]
fn nacos_2() {
    replay(Generation::V2, 120);
}

#[test]
fn nacos_3() {
    replay(Generation::V3, 120);
}

#[test]
fn rnacos() {
    replay(Generation::RNacos, 108);
}

fn replay(generation: Generation, exchanges: usize) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/recorded/{}.json", generation.name()));
    let recording: Recording = serde_json::from_slice(&std::fs::read(path).expect("a recording")).expect("its form");
    assert_eq!(recording.exchanges.len(), exchanges);

    let server = Server::start(Options { generation, ttl: Some(TTL), ..Options::default() }).expect("a server");
    server.publish("held-out", "G", "hello");
    let tokens = Tokens::of(&server);
    let differences: Vec<String> =
        recording.exchanges.iter().filter_map(|exchange| difference(&server, &tokens, exchange)).collect();
    assert!(
        differences.is_empty(),
        "{} of {exchanges} answers are not those of {}:\n{}",
        differences.len(),
        recording.server,
        differences.join("\n")
    );
}

/// Tokens of every kind that is not simply a new one.
struct Tokens {
    old_secret: String,
    expired: String,
    no_permission: String,
}

impl Tokens {
    fn of(server: &Server) -> Self {
        let (old_secret, _) = login(server);
        server.set_secret(None).expect("a random secret");
        server.set_ttl(1);
        let (expired, _) = login(server);
        wait_until("a token of 1 s to expire", || status_with(server, &expired) == 403);
        server.set_ttl(LIMIT.as_secs() * 100);
        let (no_permission, _) = login_as(server, "poor", "poor");
        server.set_ttl(TTL);
        Self { old_secret, expired, no_permission }
    }
}

fn difference(server: &Server, tokens: &Tokens, exchange: &Exchange) -> Option<String> {
    // A new one each time: it must be as good as new when tokenTtl is compared.
    let (valid, _) = login(server);
    let fill = |text: &str| {
        text.replace("<valid>", &valid)
            .replace("<expired>", &tokens.expired)
            .replace("<old secret>", &tokens.old_secret)
            .replace("<valid, no permission>", &tokens.no_permission)
    };
    let (method, target) = exchange.request.split_once(' ').expect("method and path");
    let mut headers: Vec<(&str, String)> =
        exchange.headers.iter().map(|(name, value)| (name.as_str(), fill(value))).collect();
    let form = exchange.form.as_ref().map(|form| {
        headers.push(("Content-Type", "application/x-www-form-urlencoded".to_owned()));
        form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish()
    });
    let body = form.or_else(|| exchange.json.as_ref().map(Value::to_string));
    let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let response = ask(server.address(), method, &fill(target), &headers, body.as_deref()).expect("an answer");

    let expected = (exchange.status, exchange.content_type.as_deref(), expected_body(exchange, method, target));
    let actual = (response.status, response.header("Content-Type"), actual_body(server, &valid, exchange, &response));
    let same = expected == actual;
    (!same).then(|| format!("{}: {}\n  expected {expected:?}\n  got      {actual:?}", exchange.name, exchange.request))
}

fn expected_body(exchange: &Exchange, method: &str, target: &str) -> String {
    let status = exchange.status;
    let reason = hyper::StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason()).unwrap_or("?");
    let path = target.split('?').next().unwrap_or_default();
    match (&exchange.json_page, &exchange.html_page) {
        _ if method == "HEAD" => String::new(),
        (Some(message), _) => format!(
            r#"{{"timestamp":"<time>","status":{status},"error":"{reason}","message":{},"path":"{path}"}}"#,
            json!(message)
        ),
        (_, Some(message)) => format!(
            "<html><body><h1>Whitelabel Error Page</h1><p>This application has no explicit mapping for /error, so \
             you are seeing this as a fallback.</p><div id='created'><time></div><div>There was an unexpected error \
             (type={reason}, status={status}).</div><div>{message}</div></body></html>"
        ),
        _ => exchange.body.clone(),
    }
}

fn actual_body(server: &Server, valid: &str, exchange: &Exchange, response: &Response) -> String {
    let mut body = response.body.clone();
    // Tokens of one second are the same text, so the recording says which one is meant.
    if exchange.body.contains("<a new token>") {
        body = replace_between(&body, "\"accessToken\":\"", "\"", "<a new token>");
    }
    body = body.replace(valid, "<valid>");
    body = replace_between(&body, "\"timestamp\":\"", "\"", "<time>");
    body = replace_between(&body, "<div id='created'>", "</div>", "<time>");
    body = body.replace(&format!("\"{}\"", server.address().port()), "\"<port>\"");
    // A second may have passed since the token was made.
    body = body.replace("\"tokenTtl\":5", "\"tokenTtl\":6");
    without_long_numbers(&body)
}

/// A login answers what it also puts into the header: checked here once for all generations.
#[test]
fn a_login_repeats_its_token_as_a_bearer() {
    for generation in Generation::ALL {
        let server = Server::start(Options { generation, ..Options::default() }).expect("a server");
        let response = crate::client::try_login(&server, "nacos", "nacos").expect("an answer");
        let bearer = format!("Bearer {}", response.json()["accessToken"].as_str().expect("a token"));
        assert_eq!(response.header("Authorization"), Some(bearer.as_str()));
    }
}

fn replace_between(text: &str, before: &str, after: &str, with: &str) -> String {
    let Some((head, tail)) = text.split_once(before) else { return text.to_owned() };
    let Some(end) = tail.find(after) else { return text.to_owned() };
    format!("{head}{before}{with}{}", &tail[end..])
}

/// Times in milliseconds and ids, 13 digits or more, differ from run to run.
fn without_long_numbers(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let (before, digits) = rest.split_at(start);
        let length = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
        out += before;
        out += if length >= 13 { "<number>" } else { &digits[..length] };
        rest = &digits[length..];
    }
    out + rest
}
