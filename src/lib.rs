//! x
#![deny(unsafe_code)]
#![allow(dead_code)]
mod error;
mod secret;
mod sys;
mod protocol;
mod lifecycle;
pub use error::{Error, Kind, Result};
#[allow(missing_docs)]
pub struct Client;
