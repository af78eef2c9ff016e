//! The few things the core needs from the operating system that the standard library has no safe call for.
#![allow(unsafe_code)]

pub(crate) mod clock;
pub(crate) mod fork;
pub(crate) mod signals;
pub(crate) mod sync;
