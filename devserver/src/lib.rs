//! A Nacos look-alike in memory, for examples, demos, tests and benchmarks. See README.md.
//!
//! Imports run one way: `control` → `server` → `accept` → `connection` → `api` → `world` → `auth` → `nodes` → `tokens` →
//! `dialect`, which is data. The tables in `generation` fill it in; only `server` knows them, and hands one on.
//!
//! ```
//! let server = devserver::Server::start(devserver::Options::default())?;
//! println!("log in at http://{}/nacos/v1/auth/login", server.address());
//! assert_eq!(server.counts().logins, 0);
//! # Ok::<(), std::io::Error>(())
//! ```

mod accept;
mod api;
mod auth;
mod body;
mod clock;
mod compression;
mod configs;
mod connection;
pub mod control;
mod counts;
mod dialect;
mod faults;
mod generation;
mod http;
mod instances;
mod jwt;
mod nodes;
mod pages;
mod refusal;
mod server;
mod tokens;
mod world;

pub use compression::Gzip;
pub use counts::{Counts, DataIdCounts};
pub use faults::{Fault, FaultKind, On};
pub use generation::Generation;
pub use nodes::Spread;
pub use server::{Options, Server};
