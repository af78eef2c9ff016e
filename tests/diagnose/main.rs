//! What the doctor says: of healthy servers nothing, of each planted fault its name.

mod causes;
mod gateway;
mod healthy;
mod page;
mod secrets;
mod tls;
mod tokens;

use std::time::Duration;

use devserver::{Fault, FaultKind, Generation, On, Options, Server};
use nacos_auth::{Config, DiagnoseOptions, Diagnosis, Severity, diagnose};

const GENERATIONS: [Generation; 10] = Generation::ALL;

fn server(generation: Generation) -> Server {
    Server::start(Options { generation, ..Options::default() }).unwrap()
}

fn config(server: &Server) -> Config {
    Config::new(&server.address().to_string(), "nacos", "nacos")
}

fn status(on: On, status: u16, body: &str) -> Fault {
    let json = body.starts_with('{').then(|| "application/json".to_owned());
    Fault { status: Some(status), body: Some(body.into()), content_type: json, ..Fault::new(on, FaultKind::Status) }
}

/// The names of all findings that are at least so bad, without repetitions.
fn names(diagnosis: &Diagnosis, least: Severity) -> Vec<&'static str> {
    let mut names: Vec<_> = diagnosis
        .findings()
        .iter()
        .filter(|finding| finding.severity() >= least)
        .map(|finding| finding.cause().name())
        .collect();
    names.dedup();
    names
}

fn examine(config: Config) -> Diagnosis {
    diagnose(config, &DiagnoseOptions::default()).unwrap()
}

fn examine_request(config: Config, method: &str, path: &str) -> Diagnosis {
    diagnose(config, &DiagnoseOptions { request: Some((method, path)), ..DiagnoseOptions::default() }).unwrap()
}

/// Fails unless exactly these are the warnings and errors.
#[track_caller]
fn assert_names(diagnosis: &Diagnosis, expected: &[&str]) {
    assert_eq!(names(diagnosis, Severity::Warning), expected, "\n{}", diagnosis.to_text());
}

/// A configuration that cannot wait for long.
fn at(address: &str) -> Config {
    Config::new(address, "nacos", "nacos").connect_timeout(Duration::from_millis(500))
}
