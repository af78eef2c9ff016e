//! One handle, as its session knows it.

use std::{sync::Arc, time::Duration};

use super::cache::{Snapshot, TokenCache};
use crate::{
    observe::{Counters, Listener},
    wait::Waiters,
};

/// What a session knows of one handle.
pub(crate) struct Handle {
    pub(crate) cache: TokenCache,
    pub(crate) counters: Arc<Counters>,
    /// The caller's own functions, if there are any.
    pub(crate) listener: Option<Arc<Listener>>,
    pub(crate) waiters: Arc<Waiters>,
    pub(crate) connect_timeout: Duration,
}

/// A token to use for one request.
pub(crate) struct Lease {
    pub(crate) snapshot: Arc<Snapshot>,
    pub(crate) expired: bool,
}
