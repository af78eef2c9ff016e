//! What the command does, one module each.

pub(crate) mod doctor;
pub(crate) mod exec;
pub(crate) mod generate;
pub(crate) mod keep;
pub(crate) mod proxy;
pub(crate) mod request;
pub(crate) mod token;
pub(crate) mod watch;
