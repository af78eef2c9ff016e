//! The devserver from outside, over sockets.

mod client;
mod connections;
mod controls;
mod faults;
mod recordings;
mod token_cache;
mod tokens;
