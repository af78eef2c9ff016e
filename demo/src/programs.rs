//! The programs as child processes: started, listened to, and ended whatever happens.

use std::{
    io::{self, BufRead, BufReader, Read},
    os::unix::process::{CommandExt, ExitStatusExt},
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc::{self, Receiver, RecvTimeoutError, Sender},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process_group};

use crate::{
    args,
    report::{End, Line, Report},
};

/// How long after its time a program may still need to come to its end.
const GRACE: Duration = Duration::from_secs(10);
/// How long after its end its last lines may be on their way.
const LAST_LINES: Duration = Duration::from_secs(1);
/// How often to look whether a program has ended.
const LOOK: Duration = Duration::from_millis(100);

/// Where the programs find their server.
pub(crate) struct Access<'a> {
    pub(crate) server: &'a str,
    pub(crate) username: &'a str,
    pub(crate) password: &'a str,
}

/// A program that was started, or could not be.
pub(crate) struct Program {
    pub(crate) name: String,
    pub(crate) data_id: String,
    pub(crate) report: Report,
    child: Option<Running>,
}

/// What a program did just now.
pub(crate) enum Event {
    /// A line of its standard output, already in its report.
    Said(Line),
    /// A line of its standard error.
    Complained(String),
    /// It has ended, and its report says how.
    Ended,
}

/// All programs.
pub(crate) struct Programs {
    pub(crate) all: Vec<Program>,
    started: Instant,
    deadline: Duration,
    heard: Receiver<(usize, Heard)>,
}

enum Heard {
    Out(String),
    Err(String),
    OutClosed,
}

struct Running {
    child: Child,
    /// Its standard output is closed.
    closed: bool,
    /// When and how it ended, while its last lines may be missing.
    exited: Option<(Duration, End)>,
}

impl Programs {
    /// Starts all programs for `seconds`. One that cannot be started is broken from the beginning.
    pub(crate) fn start(
        programs: &[args::Program],
        access: &Access<'_>,
        data_id: impl Fn(&str) -> String,
        seconds: u64,
    ) -> Self {
        let (tell, heard) = mpsc::channel();
        let start = |(index, program): (usize, &args::Program)| {
            let data_id = data_id(&program.name);
            let mut report = Report { planned: Duration::from_secs(seconds), ..Report::default() };
            let child = match spawn(&program.command, access, &data_id, seconds) {
                Ok(child) => Some(listen(index, child, &tell)),
                Err(error) => {
                    let what = format!("cannot start {}: {error}", program.command[0]);
                    report.end = Some((Duration::ZERO, End::Broken(what)));
                    None
                }
            };
            Program { name: program.name.clone(), data_id, report, child }
        };
        let started = Instant::now();
        let all = programs.iter().enumerate().map(start).collect();
        Self { all, started, deadline: Duration::from_secs(seconds) + GRACE, heard }
    }

    /// Since the start.
    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    pub(crate) fn all_ended(&self) -> bool {
        self.all.iter().all(|program| program.report.end.is_some())
    }

    /// Ends those that still run, for this reason.
    pub(crate) fn end(&mut self, reason: &str) {
        let now = self.elapsed();
        for program in &mut self.all {
            if program.child.take().is_some() {
                program.report.end = Some((now, End::Broken(reason.into())));
            }
        }
    }

    /// Waits a moment, and returns what the programs did in it, by their number.
    pub(crate) fn watch(&mut self) -> Vec<(usize, Event)> {
        let mut events = Vec::new();
        let until = Instant::now() + LOOK;
        loop {
            match self.heard.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok((index, heard)) => events.extend(self.take(index, heard).map(|event| (index, event))),
                Err(RecvTimeoutError::Timeout) => break,
                // Everybody has closed their output: nothing more to hear, but perhaps still an end to wait for.
                Err(RecvTimeoutError::Disconnected) => {
                    thread::sleep(until.saturating_duration_since(Instant::now()));
                    break;
                }
            }
        }
        let now = self.elapsed();
        for (index, program) in self.all.iter_mut().enumerate() {
            if program.look(now, self.deadline) {
                events.push((index, Event::Ended));
            }
        }
        events
    }

    fn take(&mut self, index: usize, heard: Heard) -> Option<Event> {
        let now = self.elapsed();
        let program = &mut self.all[index];
        match heard {
            Heard::Out(text) => {
                let line = Line::parse(&text);
                program.report.note(now, &line);
                Some(Event::Said(line))
            }
            Heard::Err(text) => Some(Event::Complained(text)),
            Heard::OutClosed => {
                if let Some(running) = &mut program.child {
                    running.closed = true;
                }
                None
            }
        }
    }
}

impl Program {
    /// Whether it has ended just now.
    fn look(&mut self, now: Duration, deadline: Duration) -> bool {
        let Some(running) = &mut self.child else { return false };
        if running.exited.is_none() {
            running.exited = running.look(now, deadline);
        }
        match &running.exited {
            Some((at, _)) if running.closed || now > *at + LAST_LINES => {
                self.report.end = running.exited.take();
                self.child = None;
                true
            }
            _ => false,
        }
    }
}

impl Running {
    /// How it ended, if it has or has to.
    fn look(&mut self, now: Duration, deadline: Duration) -> Option<(Duration, End)> {
        match self.child.try_wait() {
            Ok(Some(status)) => Some((now, end(status))),
            Ok(None) if now > deadline => {
                self.kill();
                let late = GRACE.as_secs();
                Some((now, End::Broken(format!("did not end by itself, killed {late} s after its time"))))
            }
            Ok(None) => None,
            Err(error) => Some((now, End::Broken(format!("cannot be watched: {error}")))),
        }
    }

    /// Ends it and what it has started itself, and waits until it is gone.
    fn kill(&mut self) {
        // It leads a process group of its own; until it is waited for, nobody else can have its number.
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = kill_process_group(Pid::from_child(&self.child), Signal::KILL);
            let _ = self.child.wait();
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}

fn spawn(command: &[String], access: &Access<'_>, data_id: &str, seconds: u64) -> io::Result<Child> {
    Command::new(&command[0])
        .args(&command[1..])
        .arg(seconds.to_string())
        .env("NACOS_SERVER_ADDR", access.server)
        .env("NACOS_USERNAME", access.username)
        .env("NACOS_PASSWORD", access.password)
        .env("NACOS_DATA_ID", data_id)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        // Ctrl-C at a terminal reaches this program alone, which then ends the others.
        .process_group(0)
        .spawn()
}

fn listen(index: usize, mut child: Child, tell: &Sender<(usize, Heard)>) -> Running {
    if let Some(stdout) = child.stdout.take() {
        let tell = tell.clone();
        thread::spawn(move || {
            lines(stdout, |text| tell.send((index, Heard::Out(text))).is_ok());
            // Nobody listens any more when the demo itself ends.
            let _ = tell.send((index, Heard::OutClosed));
        });
    }
    if let Some(stderr) = child.stderr.take() {
        let tell = tell.clone();
        thread::spawn(move || lines(stderr, |text| tell.send((index, Heard::Err(text))).is_ok()));
    }
    Running { child, closed: false, exited: None }
}

/// Hands over line by line, until the end or until nobody `hears` them; what is not UTF-8 is replaced.
fn lines(from: impl Read, hears: impl Fn(String) -> bool) {
    for line in BufReader::new(from).split(b'\n') {
        let Ok(line) = line else { return };
        if !hears(String::from_utf8_lossy(&line).trim_end().into()) {
            return;
        }
    }
}

fn end(status: ExitStatus) -> End {
    match (status.code(), status.signal()) {
        (Some(code), _) => End::Exited(code),
        (None, Some(signal)) => End::Broken(format!("ended by signal {signal}")),
        (None, None) => End::Broken("ended in an unknown way".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(scripts: &[&str], seconds: u64) -> (Vec<(usize, Event)>, Programs) {
        let program = |script: &&str| args::Program {
            name: "test".into(),
            command: ["sh", "-c", script, "sh"].map(String::from).to_vec(),
        };
        let access = Access { server: "127.0.0.1:1", username: "user", password: "secret" };
        let specs: Vec<_> = scripts.iter().map(program).collect();
        let mut programs = Programs::start(&specs, &access, |name| format!("demo-{name}"), seconds);
        let mut events = Vec::new();
        while !programs.all_ended() {
            assert!(programs.elapsed() < Duration::from_secs(60), "a program neither ends nor is ended");
            events.extend(programs.watch());
        }
        (events, programs)
    }

    #[test]
    fn a_program_is_told_what_to_do_and_heard() {
        let script = r#"echo "$NACOS_SERVER_ADDR $NACOS_USERNAME $NACOS_PASSWORD $NACOS_DATA_ID $1" >&2
            echo "token generation=1 requests=1 replays=0"
            printf 'done requests=2 tokens=1 replays=0 failures=0'"#;
        let (events, programs) = run(&[script], 1);
        assert_eq!(programs.all[0].report.complaint(None), None);
        assert_eq!(programs.all[0].report.requests, 2);
        let told = events.iter().find_map(|(_, event)| match event {
            Event::Complained(text) => Some(text.as_str()),
            _ => None,
        });
        assert_eq!(told, Some("127.0.0.1:1 user secret demo-test 1"));
        assert_eq!(events.iter().filter(|(_, event)| matches!(event, Event::Ended)).count(), 1);
    }

    #[test]
    fn broken_programs_are_told_apart() {
        let (_, programs) = run(&["exit 3", "kill -9 $$", "exec /nowhere/to/be/found"], 3);
        let ends: Vec<_> = programs.all.iter().map(|p| p.report.end.clone().unwrap().1).collect();
        assert_eq!(ends, [End::Exited(3), End::Broken("ended by signal 9".into()), End::Exited(127)]);
    }

    #[test]
    fn a_program_that_cannot_be_started_is_broken() {
        let access = Access { server: "", username: "", password: "" };
        let spec = args::Program { name: "gone".into(), command: vec!["/nowhere/to/be/found".into()] };
        let programs = Programs::start(&[spec], &access, |name| name.into(), 3);
        assert!(programs.all_ended());
        assert!(programs.all[0].report.complaint(None).unwrap().contains("cannot start /nowhere/to/be/found"));
    }

    #[cfg(target_os = "linux")] // for /proc
    #[test]
    fn a_hung_program_is_killed_with_its_children() {
        let access = Access { server: "", username: "", password: "" };
        let script = "sleep 1000 & echo $!; wait";
        let command = ["sh", "-c", script].map(String::from).to_vec();
        let spec = args::Program { name: "hung".into(), command };
        let mut programs = Programs::start(&[spec], &access, |name| name.into(), 3);
        let mut grandchild = None;
        while grandchild.is_none() {
            assert!(programs.elapsed() < Duration::from_secs(60), "the script says nothing");
            for (_, event) in programs.watch() {
                if let Event::Said(Line::Other(text)) = event {
                    grandchild = text.parse::<i32>().ok();
                }
            }
        }
        programs.deadline = Duration::ZERO;
        while !programs.all_ended() {
            programs.watch();
        }
        assert!(programs.all[0].report.complaint(None).unwrap().contains("killed"));
        let state = || std::fs::read_to_string(format!("/proc/{}/stat", grandchild.unwrap()));
        // Whoever inherited the orphan may not have collected it yet.
        while state().is_ok_and(|stat| !stat.contains(") Z ")) {
            assert!(programs.elapsed() < Duration::from_secs(60), "the grandchild lives on");
            thread::sleep(Duration::from_millis(10));
        }
    }
}
