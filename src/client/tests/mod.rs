//! The situations a token must survive, those with threads in them, over a scripted transport. The others stand with the
//! state machine.

mod details;
mod flags;
mod gateways;
mod handles;
mod health;
mod lists;
mod logins;
mod metrics;
mod operations;
mod reports;
mod requests;
mod sources;
mod transport;

use std::{sync::atomic::Ordering, time::Instant};

use self::transport::*;
use super::*;
use crate::{EventKind, Kind, Level, RefreshState, Supply};

impl Client {
    /// An answer that somebody else got from a server that is not told.
    fn report_rejected(&self, generation: u64, status: u16, body: &[u8]) -> Result<Advice> {
        self.report(&Report { generation, status, body, ..Report::default() }).map(|advised| advised.advice)
    }
}

/// Runs `test` on all `cases` at the same time: each has to sit out the second between two logins.
fn side_by_side<T: Send>(cases: impl IntoIterator<Item = T>, test: impl Fn(T) + Sync) {
    let test = &test;
    std::thread::scope(|scope| {
        for case in cases {
            scope.spawn(move || test(case));
        }
    });
}

/// Runs `call` in `threads` threads, all started at once; what each of them got.
fn at_once<T: Send>(threads: usize, call: impl Fn() -> T + Sync) -> Vec<T> {
    let start = std::sync::Barrier::new(threads);
    std::thread::scope(|scope| {
        let call = || {
            start.wait();
            call()
        };
        let all: Vec<_> = (0..threads).map(|_| scope.spawn(call)).collect();
        all.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}
