//! A server, and what can be done to it while it runs.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use crate::accept::Listener;
use crate::auth::{Auth, May};
use crate::clock::{Millis, now};
use crate::compression::Gzip;
use crate::connection::Shared;
use crate::counts::Counts;
use crate::faults::Fault;
use crate::generation::Generation;
use crate::nodes::{Nodes, Spread};
use crate::tokens::{self, Tokens};
use crate::world::{Settings, World};

/// How a server starts.
#[derive(Clone, Debug)]
pub struct Options {
    /// Which server it plays.
    pub generation: Generation,
    /// Its port on 127.0.0.1; 0 for a free one.
    pub port: u16,
    /// Life of a token in seconds; absent: as long as that generation has it, 18,000 or 3600.
    pub ttl: Option<u64>,
    /// Base64 of the key that signs tokens. Several: as many nodes behind the address. None: one node with a random key.
    pub secrets: Vec<String>,
    /// How requests are spread over the nodes.
    pub spread: Spread,
    /// Nacos's token cache: one token per user until its last tenth.
    pub token_cache: bool,
    /// Whether requests need a token.
    pub auth: bool,
    /// How long a login takes at least. A real one costs some 70 ms of one core.
    pub login_cost: Duration,
    /// How long a new token does not count yet.
    pub token_delay: Duration,
    /// Whether 3.x has the client API of v1; of that, 3.2 and 3.3 have nothing but the login.
    pub compatibility: bool,
    /// Whether 3.2 and 3.3 serve some reads of AI resources without credentials.
    pub anonymous_ai: bool,
    /// Which answers are compressed.
    pub gzip: Gzip,
    /// Faults from the start on.
    pub faults: Vec<Fault>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            generation: Generation::default(),
            port: 0,
            ttl: None,
            secrets: Vec::new(),
            spread: Spread::default(),
            token_cache: false,
            auth: true,
            login_cost: Duration::ZERO,
            token_delay: Duration::ZERO,
            compatibility: true,
            anonymous_ai: false,
            gzip: Gzip::default(),
            faults: Vec::new(),
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
        let dialect = options.generation.dialect();
        let has_secret = !options.secrets.is_empty();
        let secrets = options.secrets.into_iter().map(|secret| decode(Some(secret))).collect::<io::Result<Vec<_>>>()?;
        let first = secrets.first().cloned().map_or_else(|| decode(None), Ok)?;
        let mut tokens = Tokens::new(dialect, first, options.ttl.unwrap_or(dialect.ttl), options.token_cache, now());
        tokens.delay = millis(options.token_delay);
        let mut nodes = Nodes::new(tokens);
        if has_secret {
            nodes.replace(secrets, options.spread);
        }
        let (listener, shared) = Listener::start(options.port, |port| {
            let settings = Settings {
                port,
                has_secret,
                client_compatibility: options.compatibility,
                anonymous_ai: options.anonymous_ai,
                gzip: options.gzip,
            };
            let mut world = World::new(dialect, Auth::new(dialect, nodes, options.auth), settings);
            world.configs.publish("demo", "DEFAULT_GROUP", "hello", now());
            options.faults.into_iter().for_each(|fault| world.faults.add(fault, Instant::now()));
            Shared { world: world.into(), login_cost: options.login_cost }
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
        world.settings.has_secret = true;
        world.auth.nodes.set_secret(key);
        Ok(())
    }

    /// The same for one of several nodes, counted from 0. False if there is no such node.
    ///
    /// # Errors
    /// The secret is not Base64.
    pub fn set_secret_of(&self, node: usize, secret: Option<String>) -> io::Result<bool> {
        let key = decode(secret)?;
        Ok(self.shared.world.lock().auth.nodes.set_secret_of(node, key))
    }

    /// Be several nodes behind one address, one for each secret (Base64), or a single one again. Nodes with the same
    /// secret know each other's tokens.
    ///
    /// # Errors
    /// A secret is not Base64, or there is none.
    pub fn set_nodes(&self, secrets: Vec<String>, spread: Spread) -> io::Result<()> {
        if secrets.is_empty() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "there must be one secret at least"));
        }
        let secrets = secrets.into_iter().map(|secret| decode(Some(secret))).collect::<io::Result<_>>()?;
        let mut world = self.shared.world.lock();
        world.settings.has_secret = true;
        world.auth.nodes.replace(secrets, spread);
        Ok(())
    }

    /// Cut every connection, refuse new ones for `down`, then be without users for `warm_up`, as that generation is
    /// after a start. Tokens stay valid. Returns when the connections are cut and, unless `down` is 0, new ones refused.
    pub fn restart(&self, down: Duration, warm_up: Duration) {
        self.shared.world.lock().auth.restart(now(), millis(down + warm_up));
        self.listener.restart(down);
    }

    /// Change a password. False if there is no such user.
    pub fn set_password(&self, username: &str, password: &str) -> bool {
        self.shared.world.lock().auth.set_password(username, password)
    }

    /// Add or change a user; without permission every request is refused.
    pub fn set_user(&self, username: &str, password: &str, permitted: bool) {
        let may = if permitted { May::Write } else { May::Nothing };
        self.shared.world.lock().auth.set_user(username, password, may);
    }

    /// Be another server from now on, as after an upgrade. Users, configurations and what signs the tokens stay.
    pub fn set_generation(&self, generation: Generation) {
        let mut world = self.shared.world.lock();
        world.dialect = generation.dialect();
        world.auth.set_dialect(generation.dialect());
    }

    /// Life of the tokens issued from now on, in seconds.
    pub fn set_ttl(&self, seconds: u64) {
        self.shared.world.lock().auth.nodes.each().for_each(|tokens| tokens.ttl = seconds);
    }

    /// How long the tokens issued from now on do not count yet: they are refused until then.
    pub fn set_token_delay(&self, delay: Duration) {
        self.shared.world.lock().auth.nodes.each().for_each(|tokens| tokens.delay = millis(delay));
    }

    /// Switch authentication on or off.
    pub fn set_auth(&self, enabled: bool) {
        self.shared.world.lock().auth.enabled = enabled;
    }

    /// Switch 3.x's client API of v1 on or off; off, it answers 410.
    pub fn set_compatibility(&self, enabled: bool) {
        self.shared.world.lock().settings.client_compatibility = enabled;
    }

    /// Switch reads of AI resources without credentials on or off.
    pub fn set_anonymous_ai(&self, enabled: bool) {
        self.shared.world.lock().settings.anonymous_ai = enabled;
    }

    /// Which answers are compressed from now on.
    pub fn set_gzip(&self, gzip: Gzip) {
        self.shared.world.lock().settings.gzip = gzip;
    }

    /// Switch the token cache on or off; it starts empty.
    pub fn set_token_cache(&self, enabled: bool) {
        self.shared.world.lock().auth.nodes.each().for_each(|tokens| tokens.set_cache(enabled));
    }

    /// Refuse every token issued so far, as that generation refuses a wrong signature.
    pub fn revoke(&self) {
        self.shared.world.lock().auth.nodes.each().for_each(Tokens::revoke);
    }

    /// Publish a configuration into the default namespace.
    pub fn publish(&self, data_id: &str, group: &str, content: &str) {
        self.shared.world.lock().configs.publish(data_id, group, content, now());
    }

    /// Set a fault, behind those that are set. A request meets the oldest one that hits it.
    pub fn add_fault(&self, fault: Fault) {
        self.shared.world.lock().faults.add(fault, Instant::now());
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

fn millis(duration: Duration) -> Millis {
    duration.as_millis().try_into().unwrap_or(Millis::MAX)
}
