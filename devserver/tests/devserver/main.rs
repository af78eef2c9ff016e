//! The devserver from outside, over sockets.

mod beats;
mod client;
mod connections;
mod controls;
mod dialects;
mod faults;
mod gateway;
mod listener;
mod nodes;
mod program;
mod recordings;
mod token_cache;
mod tokens;
