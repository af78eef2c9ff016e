//! Fuzz targets: what each of them reads, and what has to hold whatever it reads. See `fuzz/README.md`.

use std::{cell::Cell, sync::OnceLock};

pub mod abi;
pub mod answer;
pub mod call;
pub mod calls;
pub mod coding;
pub mod files;
pub mod http_answer;
pub mod login_answer;
pub mod machine;
pub mod operations;
pub mod options;
pub mod refusal;
pub mod request_target;
pub mod retry_after;
pub mod secrets;
pub mod server_list;

thread_local! {
    static PLANTED_HERE: Cell<bool> = const { Cell::new(false) };
}

/// Whether a fault has been planted into what the targets look at, to see that they find it.
pub fn is_planted() -> bool {
    static PLANTED: OnceLock<bool> = OnceLock::new();
    PLANTED_HERE.get() || *PLANTED.get_or_init(|| std::env::var_os("FUZZ_PLANTED").is_some())
}

/// Runs it with the fault planted, in this thread alone.
pub fn with_planted_fault<T>(run: impl FnOnce() -> T) -> T {
    struct Unplanted;
    impl Drop for Unplanted {
        fn drop(&mut self) {
            PLANTED_HERE.set(false);
        }
    }
    let _unplanted = Unplanted;
    PLANTED_HERE.set(true);
    run()
}

/// Whether to tell what happens on the way: for one input, to understand it.
pub fn is_traced() -> bool {
    static TRACED: OnceLock<bool> = OnceLock::new();
    *TRACED.get_or_init(|| std::env::var_os("FUZZ_TRACE").is_some())
}

/// Whether `text` begins with `word`, compared as a number: libFuzzer sees what such are compared with, and tries it.
pub fn spells(text: impl AsRef<[u8]>, word: &[u8; 4]) -> bool {
    let head = text.as_ref().first_chunk().map(|head| u32::from_le_bytes(*head));
    head.is_some_and(|head| std::hint::black_box(head) == u32::from_le_bytes(*word))
}

/// `is` unless a fault has been planted and the input is one of the few that show it.
pub fn planted<T>(is: T, instead: T, shows: impl FnOnce() -> bool) -> T {
    if is_planted() && shows() { instead } else { is }
}
