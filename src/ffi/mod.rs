//! The C ABI. The only room with raw pointers: converts, calls the client, converts back, decides nothing.
//!
//! Every function reads the same: [`boundary::guard`] contains panics and turns the result into a status; inside, pointers
//! become references, options become plain values, and then safe code runs.
#![allow(unsafe_code, non_camel_case_types, unreachable_pub)]

#[cfg(not(panic = "unwind"))]
compile_error!("the C ABI contains panics by unwinding; build with panic = \"unwind\"");

mod auth;
mod boundary;
mod callback;
mod cancel;
mod diagnose;
mod error;
mod health;
mod metrics;
mod names;
mod operation;
mod options;
mod pointer;
mod queue;
mod request;
mod status;
mod token;
