//! What the fuzzer drives by itself: no part of the API.
#![allow(missing_docs)]

use std::time::Duration;

use http::{HeaderMap, HeaderValue, header::RETRY_AFTER};

use crate::{
    error::Result,
    lifecycle::{RefreshState, TokenState},
    protocol::{
        login,
        openness::{self, Openness},
        quote, rejection, server, voice,
    },
    secret::Secret,
    session,
};

pub use crate::simulation::{Attempts, Demand, Issued, LoginError, Machine, Reason, Rejection, Time, Verdict};
pub use crate::{client::fuzzing::*, http::fuzzing::*};

/// Why an answer to a login has no token.
#[derive(Debug, PartialEq, Eq)]
pub struct NoToken {
    pub reason: Reason,
    pub is_verdict: bool,
    pub said: String,
}

pub fn read_login(
    status: u16,
    body: &[u8],
    password: &Secret,
) -> std::result::Result<(Secret, Option<Duration>), NoToken> {
    match login::read(status, body, password) {
        Ok(issued) => Ok((issued.token, issued.ttl)),
        Err(login::LoginRefused { reason, is_verdict, said, .. }) => Err(NoToken { reason, is_verdict, said }),
    }
}

/// What the header `Retry-After` says.
pub fn retry_after(value: HeaderValue) -> Option<Duration> {
    session::retry_after(&HeaderMap::from_iter([(RETRY_AFTER, value)]))
}

pub fn is_nacos(body: &[u8]) -> bool {
    voice::is_nacos(body)
}

pub fn carried_out(status: u16, body: &[u8]) -> bool {
    voice::carried_out(status, body)
}

pub fn classify(status: u16, body: &[u8]) -> Option<Rejection> {
    rejection::classify(status, body)
}

pub fn is_missing_api(status: u16, body: &[u8]) -> bool {
    rejection::is_missing_api(status, body)
}

pub fn quote_refusal(body: &[u8], secrets: &[&str]) -> String {
    quote::quote_refusal(body, secrets)
}

pub fn questions() -> &'static [&'static str] {
    &openness::QUESTIONS
}

/// Whether the answer to a question shows that a server asks nobody for tokens, or that it does.
pub fn is_open(question: &str, status: u16, body: &[u8], is_known: bool) -> Option<bool> {
    openness::read(question, status, body, is_known).map(|openness| openness == Openness::Open)
}

/// One server of a list.
#[derive(Debug, PartialEq, Eq)]
pub struct Address {
    pub https: bool,
    pub host: String,
    pub port: u16,
    pub name: String,
    /// Context path and path, as it is asked for.
    pub target: String,
}

pub fn addresses(list: &str, context_path: Option<&str>) -> Result<Vec<Address>> {
    let servers = server::parse(list, context_path)?;
    let address = |server: &server::Server| {
        Ok(Address {
            https: server.is_https(),
            host: server.host().into(),
            port: server.port(),
            name: server.name().into(),
            target: server.target("/v1/cs/configs", None)?.to_string(),
        })
    };
    servers.iter().map(address).collect()
}

/// What a machine tells about itself.
#[derive(Debug)]
pub struct View {
    pub token: TokenState,
    pub refresh: RefreshState,
    /// The generation that may be used without asking.
    pub cacheable: Option<u64>,
    pub retry_at: Option<Time>,
}

pub fn view(machine: &Machine, now: Time) -> View {
    View {
        token: machine.token_state(now),
        refresh: machine.refresh_state(),
        cacheable: machine.cacheable(now),
        retry_at: machine.retry_at(),
    }
}

/// The machine of a child process.
pub fn forked(machine: &Machine, seed: u64) -> Machine {
    machine.forked(seed)
}

/// `other` takes over the token of `machine`, as those of the same user do; whether there is one.
pub fn take_over(other: &mut Machine, machine: &Machine) -> bool {
    other.inherit(machine)
}

/// The machine of the next session with the same credentials, after the last handle has gone.
pub fn come_back(machine: &Machine, seed: u64, now: Time) -> Machine {
    let mut next = machine.pauses(now).map_or_else(|| Machine::new(seed), |pauses| Machine::with_pauses(seed, pauses));
    next.clear_failures();
    next
}

pub fn auth_switched_on(machine: &mut Machine, now: Time) -> bool {
    machine.auth_switched_on(now)
}
