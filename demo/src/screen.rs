//! Standard output: a block of lines redrawn in place at a terminal, plain lines anywhere else.

use std::{
    env,
    fs::File,
    io::{self, Write},
    path::Path,
};

use console::{Term, truncate_str};

/// Where everything is shown.
pub(crate) struct Screen {
    term: Term,
    live: bool,
    /// The lines of the block that stand there now.
    block: Vec<String>,
    /// Gets every line that stays, and those that a live screen shows in its block alone.
    copy: Option<File>,
}

impl Screen {
    /// `copy`: a file that gets the same as plain lines.
    pub(crate) fn new(copy: Option<&Path>) -> io::Result<Self> {
        let term = Term::buffered_stdout();
        let live = term.is_term() && env::var_os("TERM").is_some_and(|name| name != "dumb");
        Ok(Self { term, live, block: Vec::new(), copy: copy.map(File::create).transpose()? })
    }

    /// Whether [`show`](Self::show) shows anything.
    pub(crate) fn is_live(&self) -> bool {
        self.live
    }

    /// A line that stays, above the block.
    pub(crate) fn say(&mut self, line: &str) -> io::Result<()> {
        self.note(line)?;
        let block = self.take_away()?;
        self.term.write_line(line)?;
        self.put(block)
    }

    /// A line for the copy only.
    pub(crate) fn note(&mut self, line: &str) -> io::Result<()> {
        self.copy.as_mut().map_or(Ok(()), |copy| writeln!(copy, "{line}"))
    }

    /// Replaces the block; at a terminal only.
    pub(crate) fn show(&mut self, lines: Vec<String>) -> io::Result<()> {
        if !self.live {
            return Ok(());
        }
        // A line that wraps or scrolls away could not be found again.
        let (height, width) = self.term.size();
        let lines = lines.iter().take(usize::from(height).saturating_sub(1));
        let lines: Vec<_> = lines.map(|line| truncate_str(line, width.into(), "…").into_owned()).collect();
        if lines == self.block {
            return Ok(());
        }
        self.take_away()?;
        self.put(lines)
    }

    fn take_away(&mut self) -> io::Result<Vec<String>> {
        self.term.clear_last_lines(self.block.len())?;
        Ok(std::mem::take(&mut self.block))
    }

    fn put(&mut self, block: Vec<String>) -> io::Result<()> {
        for line in &block {
            self.term.write_line(line)?;
        }
        self.block = block;
        self.term.flush()
    }
}
