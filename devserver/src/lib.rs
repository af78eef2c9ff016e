//! A Nacos look-alike in memory, for examples, demos, tests and benchmarks. See README.md.
//!
//! Imports run one way: `connection` → `api` → `world` → `auth` → `tokens` → `dialect`, which is data. The tables in
//! `generation` fill it in, and only this file knows them.
//!
//! ```
//! let server = devserver::Server::start(devserver::Options::default())?;
//! println!("log in at http://{}/nacos/v1/auth/login", server.address());
//! assert_eq!(server.counts().logins, 0);
//! # Ok::<(), std::io::Error>(())
//! ```

mod api;
mod auth;
mod body;
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
mod pages;
mod refusal;
mod server;
mod tokens;
mod world;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

pub use counts::{Counts, DataIdCounts};
pub use faults::{Fault, FaultKind, On};
pub use generation::Generation;

use auth::Auth;
use connection::{Shared, now};
use server::Listener;
use tokens::Tokens;
use world::World;

/// How a server starts.
#[derive(Clone, Debug)]
pub struct Options {
    /// Which server it plays.
    pub generation: Generation,
    /// Its port on 127.0.0.1; 0 for a free one.
    pub port: u16,
    /// Life of a token in seconds.
    pub ttl: u64,
    /// Base64 of the key that signs tokens; a random one if absent.
    pub secret: Option<String>,
    /// Nacos's token cache: one token per user until its last tenth.
    pub token_cache: bool,
    /// Whether requests need a token.
    pub auth: bool,
    /// How long a login takes at least. A real one costs some 70 ms of one core.
    pub login_cost: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            generation: Generation::default(),
            port: 0,
            ttl: 18_000,
            secret: None,
            token_cache: false,
            auth: true,
            login_cost: Duration::ZERO,
        }
    }
}

/// A running server, with a thread of its own. It stops when this is dropped. All functions may be called from any
/// thread, and what they change is in force when they return.
#[derive(Debug)]
pub struct Server {
    listener: Listener,
    shared: Arc<Shared>,
}

impl Server {
    /// Start; it answers when this returns.
    ///
    /// # Errors
    /// The port is taken, the secret is not Base64, or the process may not have another thread.
    pub fn start(options: Options) -> io::Result<Self> {
        let Options { generation, port, ttl, secret, token_cache, auth, login_cost } = options;
        let dialect = generation.dialect();
        let has_secret = secret.is_some();
        let key = decode(secret)?;
        let (listener, shared) = Listener::start(port, |port| {
            let tokens = Tokens::new(dialect, key, ttl, token_cache, now());
            let mut world = World::new(dialect, Auth::new(dialect, tokens, auth), has_secret, port);
            world.configs.publish("demo", "DEFAULT_GROUP", "hello", now());
            Shared { world: world.into(), login_cost }
        })?;
        Ok(Self { listener, shared })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.listener.address
    }

    /// What it has seen since the start or the last reset.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.shared.world.lock().counts.clone()
    }

    /// Count from zero again.
    pub fn reset_counts(&self) {
        self.shared.world.lock().counts = Counts::default();
    }

    /// Sign with another key (Base64; a random one if absent). Old tokens are refused, unless the token cache holds
    /// them, as in Nacos.
    ///
    /// # Errors
    /// The secret is not Base64.
    pub fn set_secret(&self, secret: Option<String>) -> io::Result<()> {
        let key = decode(secret)?;
        let mut world = self.shared.world.lock();
        world.has_secret = true;
        world.auth.tokens.set_secret(key);
        Ok(())
    }

    /// Cut every connection, refuse new ones for `down`, then be without users for `warm_up`, as that generation is
    /// after a start. Tokens stay valid. Returns when the connections are cut and, unless `down` is 0, new ones refused.
    pub fn restart(&self, down: Duration, warm_up: Duration) {
        self.shared.world.lock().auth.restart(now(), (down + warm_up).as_millis().try_into().unwrap_or(i64::MAX));
        self.listener.restart(down);
    }

    /// Change a password. False if there is no such user.
    pub fn set_password(&self, username: &str, password: &str) -> bool {
        self.shared.world.lock().auth.set_password(username, password)
    }

    /// Add or change a user; without permission every request is refused.
    pub fn set_user(&self, username: &str, password: &str, permitted: bool) {
        self.shared.world.lock().auth.set_user(username, password, permitted);
    }

    /// Be another server from now on, as after an upgrade. Users, configurations and what signs the tokens stay.
    pub fn set_generation(&self, generation: Generation) {
        let mut world = self.shared.world.lock();
        world.dialect = generation.dialect();
        world.auth.set_dialect(generation.dialect());
    }

    /// Life of the tokens issued from now on, in seconds.
    pub fn set_ttl(&self, seconds: u64) {
        self.shared.world.lock().auth.tokens.ttl = seconds;
    }

    /// Switch authentication on or off.
    pub fn set_auth(&self, enabled: bool) {
        self.shared.world.lock().auth.enabled = enabled;
    }

    /// Switch the token cache on or off; it starts empty.
    pub fn set_token_cache(&self, enabled: bool) {
        self.shared.world.lock().auth.tokens.set_cache(enabled);
    }

    /// Refuse every token issued so far, as that generation refuses a wrong signature.
    pub fn revoke(&self) {
        self.shared.world.lock().auth.tokens.revoke();
    }

    /// Publish a configuration into the default namespace.
    pub fn publish(&self, data_id: &str, group: &str, content: &str) {
        self.shared.world.lock().configs.publish(data_id, group, content, now());
    }

    /// Set a fault, behind those that are set. A request meets the oldest one that hits it.
    pub fn add_fault(&self, fault: Fault) {
        self.shared.world.lock().faults.add(fault);
    }

    /// Forget all faults. What hangs goes on hanging.
    pub fn clear_faults(&self) {
        self.shared.world.lock().faults.clear();
    }
}

fn decode(secret: Option<String>) -> io::Result<Vec<u8>> {
    let secret = secret.unwrap_or_else(tokens::random_secret);
    let not_base64 = |error| io::Error::new(io::ErrorKind::InvalidInput, format!("the secret is not Base64: {error}"));
    BASE64_STANDARD.decode(secret).map_err(not_base64)
}
