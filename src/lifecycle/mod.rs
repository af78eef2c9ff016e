//! WHEN to log in. A pure state machine: time and randomness come in as arguments, decisions go out as values.
//! It knows no socket, no clock, no thread and no lock, so that every situation is a plain test.
//!
//! Two states that do not touch each other: the token's (none, fresh, advisory, mandatory, expired, rejected) and the
//! refresh's (idle, logging in, pausing). A failure changes only the second: a failed refresh never takes away a token
//! that still works.

// Public is what the simulator drives; without its feature nobody outside reaches it.
#![cfg_attr(not(feature = "simulation"), allow(unreachable_pub))]

mod backoff;
mod decision;
mod disagreement;
mod external;
mod foreign;
mod machine;
mod pauses;
mod refusal;
mod state;
mod token;
mod window;

#[cfg(test)]
mod tests;

pub use backoff::LoginError;
pub(crate) use backoff::retry_after;
pub(crate) use decision::Occasion;
pub use decision::{Attempts, Demand, Issued, RefreshState, TokenState, Verdict};
pub use machine::Machine;
pub(crate) use pauses::Pauses;
pub(crate) use window::{believable, renewal};

/// A moment, counted from any fixed origin.
pub type Time = std::time::Duration;
