//! The command from outside: the real binary against the look-alike.

mod commands;
mod crowd;
mod doctor;
mod exec;
mod keep;
mod proxy;
mod settings;
mod smuggling;
mod streaming;
mod support;
mod watch;
mod ways;
