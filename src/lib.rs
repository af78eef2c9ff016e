//! Keeps a program authenticated against a [Nacos](https://nacos.io) server.
//!
//! A server with authentication on hands out an access token for a login, good for some hours, and answers 403 to
//! everything once it has expired. A [`Client`] logs in, caches the token, renews it before it expires while the old one
//! still serves, and logs in again (once, however many threads ask) when a server refuses it: after a restart, a change of
//! the server's secret, a change of the password. [`Client::request`] repeats the refused request, so that its caller
//! never sees any of this.
//!
//! ```no_run
//! use nacos_auth::{Client, Config, Request};
//!
//! let client = Client::new(Config::new("127.0.0.1:8848", "nacos", "nacos"))?;
//! let request = Request::get("/v1/cs/configs")?.query("dataId", "app.yaml").query("group", "DEFAULT_GROUP");
//! let response = client.request(request)?;
//! println!("{} {}", response.status(), String::from_utf8_lossy(response.body()));
//! # Ok::<(), nacos_auth::Error>(())
//! ```
//!
//! # Layout
//! Imports run one way: `ffi` (the C ABI) → `client` (what a program calls) → `session` (the login that a process shares)
//! → `lifecycle` (when to log in: pure) → `protocol` (what Nacos says: pure), with `http` (connections), `observe` (telling
//! the host) and `wait` beside, and `sys` below.
#![deny(unsafe_code)]

mod cause;
mod client;
mod diagnose;
mod error;
mod ffi;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod http;
mod lifecycle;
mod observe;
mod protocol;
mod secret;
mod session;
mod sys;
mod wait;

pub use cause::Cause;
pub use client::{
    Advice, Advised, Anonymous, Client, Config, Health, HealthStatus, METRICS_CONTENT_TYPE, Report, Request, Response,
    Stats, Token, metrics,
};
pub use diagnose::{DiagnoseOptions, Diagnosis, Finding, Severity, diagnose};
pub use error::{Error, Kind, Result};
pub use lifecycle::{RefreshState, TokenState};
pub use observe::{Event, EventKind, Level, Supply};
pub use protocol::place::TokenPlace;
pub use secret::Secret;
pub use wait::Cancel;

/// The state machine by itself, for the simulator: no part of the API.
#[cfg(feature = "simulation")]
#[doc(hidden)]
pub mod simulation {
    pub use crate::{
        lifecycle::{Attempts, Demand, Issued, LoginError, Machine, Time, Verdict},
        protocol::{login::Reason, rejection::Rejection},
    };
}
