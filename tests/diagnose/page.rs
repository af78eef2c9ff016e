//! What the page on 403 promises of each wording, the doctor says.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use nacos_auth::Secret;

use super::*;

/// Status, words and cause of each row in the tables of a section.
fn rows(section: &str) -> Vec<(u16, String, String)> {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/403.md")).unwrap();
    let text =
        page.split("\n#").find_map(|part| part.trim_start_matches([' ', '#']).strip_prefix(section)).expect(section);
    let cells = |row: &str| {
        let cause = row.rsplit_once("[`")?.1.split('`').next()?;
        Some((row.split('|').nth(1)?.trim().parse().ok()?, row.split('`').nth(1)?.to_owned(), cause.to_owned()))
    };
    let rows: Vec<_> = text.lines().filter(|line| line.starts_with('|')).skip(2).collect();
    assert!(!rows.is_empty(), "{section}");
    rows.into_iter().map(|row| cells(row).expect(row)).collect()
}

/// As a Nacos sends such words.
fn body(status: u16, words: &str) -> String {
    match words.chars().next() {
        Some('{' | '<') => words.to_owned(),
        _ => format!(
            r#"{{"timestamp":"t","status":{status},"error":"E","message":"{words}","path":"/nacos/v1/cs/configs"}}"#
        ),
    }
}

/// One that a Nacos could have given, and that has not ended.
fn token() -> String {
    [r#"{"alg":"HS256"}"#, r#"{"sub":"nacos","exp":4102444800}"#, "signature"]
        .map(|part| URL_SAFE_NO_PAD.encode(part))
        .join(".")
}

#[test]
fn of_a_token_and_of_a_request() {
    for section in ["The token is no good", "The user may not do that", "The server lacks a setting", "Neither"] {
        for (code, words, cause) in rows(section) {
            let server = server(Generation::V2);
            let reads = ["/nacos/v1/cs/*".to_owned(), "/nacos/v3/client/*".to_owned()].to_vec();
            server.add_fault(Fault { paths: reads, ..status(On::Request, code, &body(code, &words)) });
            let options = DiagnoseOptions {
                token: Some(Secret::from(&*token())),
                request: Some(("GET", "/v1/cs/configs?dataId=demo&group=DEFAULT_GROUP")),
                ..DiagnoseOptions::default()
            };
            let config = Config::with_token(&server.address().to_string(), &token(), None);
            let diagnosis = diagnose(config, &options).unwrap();
            let found = names(&diagnosis, Severity::Warning);
            assert_eq!(found.first(), Some(&&*cause), "{words}\n{}", diagnosis.to_text());
        }
    }
}

#[test]
fn of_a_login() {
    std::thread::scope(|scope| {
        for (code, words, cause) in rows("When the login itself is refused") {
            scope.spawn(move || {
                let server = server(Generation::V2);
                // Up to 2.5, and by r-nacos, it is said as plain text.
                let plain = ["caused: ", "unknown user!", "user not found!", "LOGIN_", "Mailbox "];
                let is_plain = plain.iter().any(|beginning| words.starts_with(beginning));
                let body = if is_plain { words.clone() } else { body(code, &words) };
                server.add_fault(status(On::Login, code, &body));
                let diagnosis = examine(config(&server));
                assert_eq!(names(&diagnosis, Severity::Warning), [&*cause], "{words}\n{}", diagnosis.to_text());
                assert!(server.counts().login_failures <= 6, "three paths, twice at the most");
            });
        }
    });
}
