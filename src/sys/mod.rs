//! The few things the core needs from the operating system that the standard library has no safe call for.
#![allow(unsafe_code)]

pub(crate) mod cancellation;
pub(crate) mod clock;
pub(crate) mod descriptor;
pub(crate) mod lock;
pub(crate) mod per_process;
pub(crate) mod socket;
pub(crate) mod sync;
pub(crate) mod thread;
pub(crate) mod timer;
#[cfg(feature = "wiping")]
mod wiping;
pub(crate) mod word;
