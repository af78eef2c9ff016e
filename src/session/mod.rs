//! The login that a process shares: who shares it, when it is renewed, and the calls that wait for it.
//!
//! From the top: a handle [`leases`](lease) a token; the [`session`] has it, or wants one; the process's one [`process`] thread
//! runs the [`login`] with [`credentials`] at one of the [`servers`]; the token is published in the [`cache`].

mod alarm;
mod asker;
mod cache;
mod cell;
mod condition;
pub(crate) mod credentials;
pub(crate) mod exchange;
pub(crate) mod failure;
mod handle;
mod lease;
mod login;
mod openness;
pub(crate) mod process;
pub(crate) mod question;
mod search;
mod servers;
#[allow(clippy::module_inception)]
mod session;
mod state;
#[cfg(test)]
mod tests;
mod verdict;

pub(crate) use cache::{Snapshot, TokenCache};
pub(crate) use condition::Condition;
#[cfg(feature = "fuzzing")]
pub(crate) use exchange::retry_after;
pub(crate) use handle::{Handle, Lease};
pub(crate) use lease::{Purpose, lease};
#[cfg(test)]
pub(crate) use login::look;
pub(crate) use servers::Server;
pub(crate) use session::{Gauges, Origin, Session};
pub(crate) use verdict::Refusal;
