//! Everything in the corpus once more, with any toolchain and without libFuzzer: what was found once is looked at with every
//! change. And each target sees the fault that is planted for it.

use std::{
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
};

use nacos_auth_fuzz::with_planted_fault;

macro_rules! replays {
    ($($target:ident)*) => {
        const TARGETS: &[&str] = &[$(stringify!($target)),*];
        $(
            #[test]
            fn $target() {
                replay(stringify!($target), nacos_auth_fuzz::$target::run);
            }
        )*
    };
}

replays! {
    calls coding files http_answer login_answer machine options refusal request_target retry_after server_list
}

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn names(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut names: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    names.sort_unstable();
    names
}

fn replay(target: &str, run: fn(&[u8])) {
    let input = |path: &Path| fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let holds = |path: &Path| {
        let data = input(path);
        catch_unwind(|| run(&data)).is_ok()
    };
    let faulty = here("planted").join(format!("{target}.found"));
    let corpus = names(&here("corpus").join(target));
    assert!(!corpus.is_empty());
    let broken: Vec<_> = corpus.iter().chain([&faulty]).filter(|path| !holds(path)).collect();
    assert!(broken.is_empty(), "of {} inputs, a property does not hold for {broken:#?}", corpus.len() + 1);
    let data = input(&faulty);
    let seen = catch_unwind(AssertUnwindSafe(|| with_planted_fault(|| run(&data)))).is_err();
    assert!(seen, "{} does not show the planted fault: the target looks at nothing", faulty.display());
}

#[test]
fn every_target_is_replayed() {
    let mut targets: Vec<_> = TARGETS.iter().map(|target| here("targets").join(format!("{target}.rs"))).collect();
    targets.sort_unstable();
    assert_eq!(names(&here("targets")), targets);
}
