//! What Nacos says. Pure functions over bytes and text: no socket, no clock, no state.
//!
//! Facts are taken from the sources of alibaba/nacos and from the answers of running servers of the releases
//! 1.4.8, 2.0.4, 2.2.3, 2.3.2, 2.5.1, 3.0.3 and of r-nacos 0.8. What is said of Nacos 3.2 and 3.3 was read, not seen.

pub(crate) mod headers;
pub(crate) mod jwt;
pub(crate) mod login;
pub(crate) mod openness;
pub(crate) mod place;
pub(crate) mod quote;
pub(crate) mod rejection;
pub(crate) mod retry_after;
pub(crate) mod server;
mod spelling;
pub(crate) mod state;
pub(crate) mod voice;

#[cfg(test)]
mod tests;
