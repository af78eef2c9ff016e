//! The run itself: watches the programs, disturbs the server at the right moments, and tells of it.

use std::{
    io,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use anyhow::{Context, Result};

use crate::{
    args::Missing,
    embedded::Embedded,
    programs::{Event, Program, Programs},
    report::{Line, Served},
    screen::Screen,
    table::{self, Content, Row},
    timeline::{self, Mark},
};

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Passed,
    Failed,
    Interrupted,
}

/// Something done to the server on the way.
struct Fault {
    mark: Mark,
    inflict: fn(&Embedded) -> io::Result<()>,
}

/// One run.
pub(crate) struct Show<'a> {
    screen: &'a mut Screen,
    missing: &'a [Missing],
    /// The server to disturb; somebody else's is left alone.
    embedded: Option<&'a Embedded>,
    length: Duration,
    faults: Vec<Fault>,
    marks: Vec<Mark>,
}

impl<'a> Show<'a> {
    pub(crate) fn new(
        screen: &'a mut Screen,
        missing: &'a [Missing],
        embedded: Option<&'a Embedded>,
        length: Duration,
    ) -> Self {
        let faults = if embedded.is_some() { faults(length) } else { Vec::new() };
        Self { screen, missing, embedded, length, faults, marks: Vec::new() }
    }

    /// Goes on until every program has ended, or somebody interrupts.
    pub(crate) fn run(mut self, mut programs: Programs, interrupted: &AtomicBool) -> Result<Outcome> {
        for program in programs.all.iter().filter(|program| program.report.end.is_some()) {
            self.tell(&program.name, programs.elapsed(), &self.ended(program))?;
        }
        while !programs.all_ended() {
            for (index, event) in programs.watch() {
                self.event(&programs, index, event)?;
            }
            if interrupted.load(Ordering::Relaxed) {
                programs.end("interrupted");
                self.leave(&programs)?;
                self.screen.say("INTERRUPTED  all programs are ended")?;
                return Ok(Outcome::Interrupted);
            }
            self.disturb(&programs)?;
            self.screen.show(self.block(&programs))?;
        }
        self.sum_up(&programs)
    }

    fn disturb(&mut self, programs: &Programs) -> Result<()> {
        let Some(embedded) = self.embedded else { return Ok(()) };
        while let Some(fault) = self.faults.pop_if(|fault| programs.elapsed() >= fault.mark.at) {
            (fault.inflict)(embedded).context("cannot disturb the server")?;
            let mark = Mark { at: programs.elapsed(), ..fault.mark };
            self.tell("server", mark.at, mark.what)?;
            self.marks.push(mark);
        }
        Ok(())
    }

    fn event(&mut self, programs: &Programs, index: usize, event: Event) -> Result<()> {
        let program = &programs.all[index];
        let what = match event {
            Event::Complained(text) | Event::Said(Line::Other(text)) => text,
            Event::Said(Line::Failed(what)) => format!("failed {what}"),
            // The table shows these.
            Event::Said(_) if self.screen.is_live() => {
                let what = table::sentence(&program.report, self.served(program));
                return Ok(self.screen.note(&timed(&program.name, programs.elapsed(), &what))?);
            }
            Event::Said(_) => table::sentence(&program.report, self.served(program)),
            Event::Ended => self.ended(program),
        };
        self.tell(&program.name, programs.elapsed(), &what)
    }

    fn tell(&mut self, who: &str, when: Duration, what: &str) -> Result<()> {
        Ok(self.screen.say(&timed(who, when, what))?)
    }

    fn served(&self, program: &Program) -> Option<Served> {
        self.embedded.map(|server| server.served(&program.data_id))
    }

    /// What speaks against a program, now that it has ended.
    fn complaint(&self, program: &Program) -> Option<String> {
        program.report.complaint(self.served(program))
    }

    fn ended(&self, program: &Program) -> String {
        self.complaint(program).unwrap_or_else(|| "ended well".into())
    }

    /// Table and timeline as they stand.
    fn block(&self, programs: &Programs) -> Vec<String> {
        let ran = programs.all.iter().map(|program| Row {
            name: &program.name,
            content: Content::Ran { report: &program.report, served: self.served(program) },
        });
        let missing = self.missing.iter().map(|m| Row { name: &m.name, content: Content::LeftOut(&m.reason) });
        let rows: Vec<_> = ran.chain(missing).collect();
        let tracks: Vec<_> = programs.all.iter().map(|p| (p.name.as_str(), &p.report)).collect();

        let mut lines = vec![String::new()];
        lines.extend(table::draw(&rows));
        lines.push(String::new());
        lines.extend(timeline::draw(&tracks, &self.marks, self.length, programs.elapsed()));
        lines
    }

    /// The same for good, and whole however small the terminal is.
    fn leave(&mut self, programs: &Programs) -> Result<()> {
        self.screen.show(Vec::new())?;
        for line in self.block(programs) {
            self.screen.say(&line)?;
        }
        Ok(self.screen.say("")?)
    }

    fn sum_up(mut self, programs: &Programs) -> Result<Outcome> {
        self.leave(programs)?;
        if let Some(embedded) = self.embedded {
            self.screen.say(&embedded.summary())?;
        }
        let complaints = programs.all.iter().filter_map(|p| Some(format!("{}: {}", p.name, self.complaint(p)?)));
        let mut complaints: Vec<_> = complaints.collect();
        complaints.extend(self.faults.iter().map(|fault| format!("server: never came to \"{}\"", fault.mark.what)));
        if !complaints.is_empty() {
            self.screen.say(&format!("FAILED  {}", complaints.join("; ")))?;
            return Ok(Outcome::Failed);
        }
        let requests: u64 = programs.all.iter().map(|program| program.report.requests).sum();
        let count = programs.all.len();
        let who = if count == 1 { "1 program".into() } else { format!("{count} programs") };
        let left_out = match self.missing.len() {
            0 => String::new(),
            number => format!("; {number} left out"),
        };
        self.screen.say(&format!("PASSED  {who}, {requests} requests, no failure seen{left_out}"))?;
        Ok(Outcome::Passed)
    }
}

fn timed(who: &str, when: Duration, what: &str) -> String {
    format!("{:5.1} s  {who}: {what}", when.as_secs_f64())
}

/// What happens to the server, the last first.
fn faults(length: Duration) -> Vec<Fault> {
    let secret = Mark { at: length / 3, symbol: 'S', what: "new secret, every token is refused" };
    let cut = Mark { at: length * 2 / 3, symbol: 'X', what: "every connection cut" };
    vec![Fault { mark: cut, inflict: Embedded::cut }, Fault { mark: secret, inflict: Embedded::rotate_secret }]
}
