use std::{collections::HashMap, os::unix::ffi::OsStringExt};

use super::*;
use crate::{error::Kind, http::PemSource};

/// What all languages read.
const TABLE: &str = include_str!("../../../../tests/environment.txt");

#[derive(Default)]
struct Case<'a> {
    what: &'a str,
    variables: HashMap<&'a str, Vec<u8>>,
    settings: HashMap<&'a str, String>,
    error: Option<&'a str>,
}

impl Case<'_> {
    fn look_up(&self, name: &str) -> Option<OsString> {
        self.variables.get(name).map(|value| OsString::from_vec(value.clone()))
    }
}

fn bytes(text: &str) -> Vec<u8> {
    let mut pieces = text.split("\\x");
    let mut bytes = pieces.next().unwrap().as_bytes().to_vec();
    for piece in pieces {
        bytes.push(u8::from_str_radix(&piece[..2], 16).unwrap());
        bytes.extend(&piece.as_bytes()[2..]);
    }
    bytes
}

fn cases() -> Vec<Case<'static>> {
    let mut cases = Vec::<Case<'_>>::new();
    for line in TABLE.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (word, rest) = line.split_once(' ').unwrap();
        let pair = || rest.split_once('=').unwrap();
        if word == "case" {
            cases.push(Case { what: rest, ..Case::default() });
            continue;
        }
        let case = cases.last_mut().unwrap();
        match word {
            "set" => _ = case.variables.insert(pair().0, bytes(pair().1)),
            "gives" => _ = case.settings.insert(pair().0, String::from_utf8(bytes(pair().1)).unwrap()),
            "fails" => case.error = Some(rest),
            _ => panic!("{line}"),
        }
    }
    cases
}

/// Those that have not their defaults.
fn settings(config: &Config) -> HashMap<&'static str, String> {
    let mut found = HashMap::from([("server_addr", config.server_addr.clone())]);
    match &config.login {
        Login::Password { username, password } => {
            found.extend([("username", username.clone()), ("password", password.expose().into())])
        }
        Login::File { username, path } => {
            found.extend([("username", username.clone()), ("password_file", path.display().to_string())])
        }
        Login::Token { token, ttl } => {
            assert_eq!(*ttl, None);
            found.extend([("token", token.expose().into())]);
        }
        Login::Callback => panic!("a callback"),
    }
    let file = |source: &Option<PemSource>| match source {
        None => None,
        Some(PemSource::File(path)) => Some(path.display().to_string()),
        Some(PemSource::Memory(_)) => panic!("PEM from memory"),
    };
    let place = match config.token_in {
        TokenPlace::Auto => None,
        TokenPlace::Authorization => Some("authorization"),
        TokenPlace::Header => Some("header"),
        TokenPlace::Query => Some("query"),
    };
    let optional = [
        ("context_path", config.context_path.clone()),
        ("ca_file", file(&config.tls.ca)),
        ("client_cert_file", file(&config.tls.cert)),
        ("client_key_file", file(&config.tls.key)),
        ("tls_server_name", config.tls.server_name.clone()),
        ("proxy", config.proxy.clone()),
        ("token_in", place.map(str::to_owned)),
    ];
    found.extend(optional.into_iter().filter_map(|(name, value)| Some((name, value?))));
    found
}

#[test]
fn the_table_of_all_languages() {
    let cases = cases();
    assert!(cases.len() > 30);
    for case in &cases {
        match case.error {
            None => assert_eq!(settings(&read(|name| case.look_up(name)).unwrap()), case.settings, "{}", case.what),
            Some(message) => {
                let error = read_and_check(|name| case.look_up(name)).expect_err(case.what);
                assert_eq!(error.message(), message, "{}", case.what);
                assert_eq!(error.kind(), Kind::InvalidConfig, "{}", case.what);
                assert!(!error.message().contains("s3cret"), "{}", case.what);
            }
        }
    }
}

#[test]
fn the_table_has_every_variable() {
    let cases = cases();
    for name in ALL {
        let setting = name.strip_prefix(PREFIX).unwrap().to_ascii_lowercase();
        assert!(cases.iter().any(|case| case.settings.contains_key(setting.as_str())), "{name}");
    }
    assert!(cases.iter().flat_map(|case| case.variables.keys()).all(|name| ALL.contains(name)));
}

#[test]
fn good_settings_make_a_client() {
    let variables = HashMap::from([(SERVER_ADDR, "127.0.0.1:1"), (USERNAME, "nacos"), (PASSWORD, "nacos")]);
    let config = read_and_check(|name| variables.get(name).map(OsString::from)).unwrap();
    Client::new(config).unwrap();
}
