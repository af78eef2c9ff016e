//! Standard output: a block of lines redrawn in place at a terminal, plain lines anywhere else.

use std::{env, io};

use console::{Term, truncate_str};

pub(super) struct Screen {
    term: Term,
    is_live: bool,
    /// How many lines of the block stand there now.
    height: usize,
}

impl Screen {
    pub(super) fn new() -> Self {
        let term = Term::buffered_stdout();
        let is_live = term.is_term() && env::var_os("TERM").is_some_and(|name| name != "dumb");
        Self { term, is_live, height: 0 }
    }

    /// Whether it is redrawn.
    pub(super) fn is_live(&self) -> bool {
        self.is_live
    }

    pub(super) fn say(&self, line: &str) -> io::Result<()> {
        self.term.write_line(line)?;
        self.term.flush()
    }

    pub(super) fn show(&mut self, lines: Vec<String>) -> io::Result<()> {
        // A line that wraps or scrolls away could not be found again.
        let (height, width) = self.term.size();
        self.term.clear_last_lines(self.height)?;
        self.height = lines.len().min(usize::from(height).saturating_sub(1));
        for line in lines.iter().take(self.height) {
            self.term.write_line(&truncate_str(line, width.into(), "…"))?;
        }
        self.term.flush()
    }
}
