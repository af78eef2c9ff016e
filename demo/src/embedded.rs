//! The server that the demo brings along, and what it does to it.

use std::{io, time::Duration};

use devserver::{Options, Server};

use crate::{programs::Access, report::Served};

/// How long its tokens live, in seconds.
pub(crate) const TTL: u64 = 5;
/// How long a login takes at a real server.
const LOGIN_COST: Duration = Duration::from_millis(70);

/// A Nacos look-alike in this process; it ends with this value.
pub(crate) struct Embedded {
    server: Server,
    address: String,
}

impl Embedded {
    pub(crate) fn start() -> io::Result<Self> {
        let server = Server::start(Options { ttl: Some(TTL), login_cost: LOGIN_COST, ..Options::default() })?;
        let address = server.address().to_string();
        Ok(Self { server, address })
    }

    pub(crate) fn access(&self) -> Access<'_> {
        Access { server: &self.address, username: "nacos", password: "nacos" }
    }

    /// What the program of that name reads.
    pub(crate) fn data_id(name: &str) -> String {
        format!("demo-{name}")
    }

    pub(crate) fn publish(&self, data_id: &str) {
        self.server.publish(data_id, "DEFAULT_GROUP", "written by nacos-demo");
    }

    pub(crate) fn rotate_secret(&self) -> io::Result<()> {
        self.server.set_secret(None)
    }

    pub(crate) fn cut(&self) -> io::Result<()> {
        self.server.restart(Duration::ZERO, Duration::ZERO);
        Ok(())
    }

    /// What it counted for the readers of `data_id`.
    pub(crate) fn served(&self, data_id: &str) -> Served {
        let counts = self.server.counts();
        let counts = counts.by_data_id.get(data_id);
        counts.map_or_else(Served::default, |c| Served { requests: c.requests, rejections: c.rejections })
    }

    /// What it counted in all, in a sentence.
    pub(crate) fn summary(&self) -> String {
        let counts = self.server.counts();
        format!(
            "the server counted {} logins ({} more failed), {} requests, {} of them rejected, {} connections",
            counts.logins, counts.login_failures, counts.requests, counts.rejections, counts.connections
        )
    }
}
