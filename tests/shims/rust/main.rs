//! The conformance shim of Rust: one JSON object a line in, one out, through the public API alone.

mod grammar;
mod shim;
mod tally;

use std::io::{self, BufRead, Write};

fn main() -> io::Result<()> {
    let mut shim = shim::Shim::default();
    let mut out = io::stdout().lock();
    for line in io::stdin().lock().split(b'\n') {
        let answer = shim.line(&line?);
        writeln!(out, "{answer}")?;
        out.flush()?;
    }
    Ok(())
}
