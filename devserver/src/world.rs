//! Everything a running devserver knows, behind one lock. Handlers change it and never wait.

use crate::auth::Auth;
use crate::configs::Configs;
use crate::counts::Counts;
use crate::dialect::Dialect;
use crate::faults::Faults;
use crate::instances::Instances;

#[derive(Debug)]
pub(crate) struct World {
    pub(crate) dialect: &'static Dialect,
    pub(crate) auth: Auth,
    /// A secret was given, so that tokens are made even while authentication is off.
    pub(crate) has_secret: bool,
    pub(crate) port: u16,
    pub(crate) configs: Configs,
    pub(crate) instances: Instances,
    pub(crate) counts: Counts,
    pub(crate) faults: Faults,
}

impl World {
    pub(crate) fn new(dialect: &'static Dialect, auth: Auth, has_secret: bool, port: u16) -> Self {
        Self {
            dialect,
            auth,
            has_secret,
            port,
            configs: Configs::default(),
            instances: Instances::default(),
            counts: Counts::default(),
            faults: Faults::default(),
        }
    }
}
