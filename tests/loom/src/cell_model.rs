//! Readers of the cell see one value, whole, never one that was replaced before, and none after it was invalidated.

use std::sync::Arc;

use loom::{
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use crate::cell::{Cell, Numbered};

struct Token {
    generation: u64,
    text: u64,
}

impl Numbered for Token {
    fn number(&self) -> u64 {
        self.generation
    }
}

fn token(generation: u64) -> Arc<Token> {
    Arc::new(Token { generation, text: 100 + generation })
}

fn seen(cell: &Cell<Token>) -> Option<u64> {
    let guard = cell.read()?;
    let token = guard.as_ref().expect("read() gives values only");
    assert_eq!(token.text, 100 + token.generation, "half a token");
    Some(token.generation)
}

/// Every order with at most three preemptions: without a bound it takes hours, and more have never shown more.
fn check(model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(model);
}

#[test]
fn readers_see_values_whole_and_in_their_order() {
    check(|| {
        let word = std::sync::Arc::new(AtomicU64::new(0));
        let cell = Arc::new(Cell::new(word.clone()));
        cell.store(Some(&token(1)), Some(1));
        let writer = thread::spawn({
            let cell = cell.clone();
            move || {
                cell.store(Some(&token(2)), Some(2));
                cell.store(Some(&token(3)), Some(3));
            }
        });
        let mut last = 0;
        for _ in 0..3 {
            if let Some(generation) = seen(&cell) {
                assert!(generation >= last, "{generation} after {last}");
                last = generation;
            }
        }
        writer.join().unwrap();
        assert_eq!(seen(&cell), Some(3));
    });
}

#[test]
fn what_was_invalidated_is_not_seen_by_whoever_knows_of_it() {
    check(|| {
        let word = std::sync::Arc::new(AtomicU64::new(0));
        let cell = Arc::new(Cell::new(word.clone()));
        cell.store(Some(&token(1)), Some(1));
        let told = Arc::new(Mutex::new(false));
        let writer = thread::spawn({
            let (cell, told) = (cell.clone(), told.clone());
            move || {
                cell.invalidate();
                *told.lock().unwrap() = true;
            }
        });
        if *told.lock().unwrap() {
            assert_eq!(seen(&cell), None);
        }
        writer.join().unwrap();
        assert_eq!((seen(&cell), word.load(Ordering::Acquire)), (None, 0));
    });
}

#[test]
fn a_token_that_may_not_be_cached_never_is() {
    check(|| {
        let word = std::sync::Arc::new(AtomicU64::new(0));
        let cell = Arc::new(Cell::new(word.clone()));
        cell.store(Some(&token(1)), Some(1));
        let writer = thread::spawn({
            let cell = cell.clone();
            move || {
                cell.store(Some(&token(2)), None);
                cell.store(Some(&token(3)), Some(3));
            }
        });
        for _ in 0..2 {
            assert_ne!(seen(&cell), Some(2));
        }
        writer.join().unwrap();
        assert_eq!(seen(&cell), Some(3));
    });
}
