//! Counts what many calls gave.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Mutex,
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{
    grammar::Command,
    shim::{Done, Failure},
};

#[derive(Default)]
struct Tally {
    ok: u64,
    errors: BTreeMap<String, u64>,
    http: BTreeMap<String, u64>,
    generations: BTreeSet<u64>,
    milliseconds: Vec<f64>,
}

impl Tally {
    fn add(&mut self, took: Duration, outcome: Result<Done, Failure>) {
        self.milliseconds.push((took.as_secs_f64() * 1e6).round() / 1e3);
        let (fields, generation) = match outcome {
            Ok(done) => done,
            Err(failure) => {
                *self.errors.entry(failure.status()).or_default() += 1;
                return;
            }
        };
        self.ok += 1;
        if let Some(status) = fields.get("http_status") {
            *self.http.entry(status.to_string()).or_default() += 1;
        }
        if generation != 0 {
            self.generations.insert(generation);
        }
    }

    fn summary(mut self) -> Value {
        self.milliseconds.sort_by(f64::total_cmp);
        // The nearest rank.
        let percentile = |percent: usize| {
            let rank = (self.milliseconds.len() * percent).div_ceil(100);
            rank.checked_sub(1).map_or(0.0, |index| self.milliseconds[index])
        };
        json!({
            "ok": self.ok,
            "errors": self.errors,
            "http": self.http,
            "generations": self.generations.len(),
            "max_ms": percentile(100),
            "p50_ms": percentile(50),
            "p99_ms": percentile(99),
        })
    }
}

pub(crate) fn in_threads(command: &Command, once: impl Fn() -> Result<Done, Failure> + Sync) -> Value {
    let all = Mutex::new(Tally::default());
    thread::scope(|scope| {
        for _ in 0..command.number("threads") {
            scope.spawn(|| {
                for _ in 0..command.number("each") {
                    let start = Instant::now();
                    let outcome = once();
                    let took = start.elapsed();
                    all.lock().expect("no thread panics").add(took, outcome);
                }
            });
        }
    });
    all.into_inner().expect("no thread panics").summary()
}

pub(crate) fn in_a_row(command: &Command, once: impl Fn() -> Result<Done, Failure>) -> Value {
    let [duration, interval] = ["duration_ms", "interval_ms"].map(|f| Duration::from_millis(command.number(f)));
    let mut all = Tally::default();
    let start = Instant::now();
    let mut due = start;
    while start.elapsed() < duration {
        let began = Instant::now();
        let outcome = once();
        all.add(began.elapsed(), outcome);
        due += interval;
        thread::sleep(due.saturating_duration_since(Instant::now()));
    }
    all.summary()
}
