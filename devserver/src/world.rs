//! Everything a running devserver knows, behind one lock. Handlers change it and never wait.

use crate::auth::Auth;
use crate::compression::Gzip;
use crate::configs::Configs;
use crate::counts::Counts;
use crate::dialect::{Dialect, Switch};
use crate::faults::Faults;
use crate::instances::Instances;

#[derive(Debug)]
pub(crate) struct World {
    pub(crate) dialect: &'static Dialect,
    pub(crate) auth: Auth,
    pub(crate) settings: Settings,
    pub(crate) configs: Configs,
    pub(crate) instances: Instances,
    pub(crate) counts: Counts,
    pub(crate) faults: Faults,
}

/// What is set for a server, beside who may use it.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) port: u16,
    /// A secret was given, so that tokens are made even while authentication is off.
    pub(crate) has_secret: bool,
    /// 3.x has the old client API.
    pub(crate) client_compatibility: bool,
    /// From 3.2 on some reads of AI resources need no credentials.
    pub(crate) anonymous_ai: bool,
    pub(crate) gzip: Gzip,
}

impl World {
    pub(crate) fn new(dialect: &'static Dialect, auth: Auth, settings: Settings) -> Self {
        Self {
            dialect,
            auth,
            settings,
            configs: Configs::default(),
            instances: Instances::default(),
            counts: Counts::default(),
            faults: Faults::default(),
        }
    }
}

impl Settings {
    pub(crate) fn is_on(&self, switch: Switch) -> bool {
        switch == Switch::Client && self.client_compatibility
    }
}
