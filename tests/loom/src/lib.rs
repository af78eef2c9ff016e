//! Models for [loom](https://docs.rs/loom), which runs them through every order in which their threads can meet:
//! the cell that publishes a token, which is the library's own source file; and the way callers wait for a login, around
//! the library's own state machine.
#![cfg(test)]

#[path = "../../../src/session/cell.rs"]
mod cell;
mod cell_model;
mod login_model;
mod sys;
