mod backoff;
mod details;
mod disagreement;
mod external;
mod foreign;
mod invariants;
mod pauses;
mod recovery;
mod situations;
mod window;
mod world;

use std::time::Duration;

use super::{
    Attempts, Demand, Issued, LoginError, Machine, Occasion, RefreshState, Time, TokenState, Verdict,
    machine::{BETWEEN_ATTEMPTS, PATIENCE, THREE_REFUSALS},
};
use crate::protocol::rejection::Rejection;
