//! What a program says of itself, line by line, and what that adds up to. Pure: time comes in as an argument.

use std::{collections::BTreeSet, time::Duration};

/// What a program's clock may differ from ours.
const SLACK: Duration = Duration::from_secs(1);

/// One line of a program's standard output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// Another token serves from now on.
    Token { generation: u64, requests: u64, replays: u64 },
    /// A request failed.
    Failed(String),
    /// The program is through.
    Done { requests: u64, replays: u64, failures: u64 },
    /// Not one of ours.
    Other(String),
}

impl Line {
    /// Never fails: what is not understood is [`Line::Other`].
    pub(crate) fn parse(text: &str) -> Self {
        let text = text.trim_end();
        let parsed = match text.split_once(' ') {
            Some(("failed", what)) => Some(Self::Failed(what.into())),
            Some(("token", rest)) => Self::token(rest),
            Some(("done", rest)) => Self::done(rest),
            _ => None,
        };
        parsed.unwrap_or_else(|| Self::Other(text.into()))
    }

    fn token(rest: &str) -> Option<Self> {
        let get = |name| field(rest, name);
        Some(Self::Token { generation: get("generation")?, requests: get("requests")?, replays: get("replays")? })
    }

    fn done(rest: &str) -> Option<Self> {
        let get = |name| field(rest, name);
        Some(Self::Done { requests: get("requests")?, replays: get("replays")?, failures: get("failures")? })
    }
}

/// The number in `name=number`, somewhere in `text`.
fn field(text: &str, name: &str) -> Option<u64> {
    text.split(' ').find_map(|word| word.strip_prefix(name)?.strip_prefix('=')?.parse().ok())
}

/// How a program ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// By itself, with this code.
    Exited(i32),
    /// Not as a program should; in words.
    Broken(String),
}

/// What the server counted of one program.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Served {
    pub(crate) requests: u64,
    pub(crate) rejections: u64,
}

/// Everything known of one program.
#[derive(Clone, Debug, Default)]
pub(crate) struct Report {
    /// How long it was told to run.
    pub(crate) planned: Duration,
    pub(crate) requests: u64,
    pub(crate) replays: u64,
    pub(crate) failures: u64,
    /// When which generation began to serve.
    pub(crate) tokens: Vec<(Duration, u64)>,
    /// When a request failed.
    pub(crate) failed_at: Vec<Duration>,
    pub(crate) done: bool,
    /// How it ended and when, once it has.
    pub(crate) end: Option<(Duration, End)>,
}

impl Report {
    pub(crate) fn note(&mut self, now: Duration, line: &Line) {
        match *line {
            Line::Token { generation, requests, replays } => {
                self.tokens.push((now, generation));
                self.requests = requests;
                self.replays = replays;
            }
            Line::Failed(_) => {
                self.failures += 1;
                self.failed_at.push(now);
            }
            Line::Done { requests, replays, failures } => {
                self.done = true;
                self.requests = requests;
                self.replays = replays;
                // Whichever is worse: a program must not talk itself out of a failure it told of.
                self.failures = self.failures.max(failures);
            }
            Line::Other(_) => {}
        }
    }

    /// Distinct tokens that served.
    pub(crate) fn distinct_tokens(&self) -> usize {
        self.tokens.iter().map(|(_, generation)| generation).collect::<BTreeSet<_>>().len()
    }

    /// Why this run does not count as a success, if it does not.
    /// `served` is what the server has to say of it, if it counts.
    pub(crate) fn complaint(&self, served: Option<Served>) -> Option<String> {
        let seen = served.map_or(self.requests, |served| served.requests);
        match &self.end {
            None => Some("still running".into()),
            Some((_, End::Broken(what))) => Some(what.clone()),
            _ if self.failures > 0 => Some(format!("{} of {} requests failed", self.failures, self.requests)),
            Some((_, End::Exited(code))) if *code != 0 => Some(format!("ended with exit code {code}")),
            _ if !self.done => Some("ended without its last line, \"done …\"".into()),
            // A program that is through early has not met what was to come.
            Some((at, _)) if *at + SLACK < self.planned => {
                Some(format!("ended after {:.0} of {} s", at.as_secs_f64(), self.planned.as_secs()))
            }
            _ if self.requests == 0 => Some("made no request".into()),
            _ if seen < self.requests => Some(format!("made {seen} requests, but tells of {}", self.requests)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn report(lines: &[&str], end: End) -> Report {
        let mut report = Report { planned: at(30), ..Report::default() };
        lines.iter().for_each(|text| report.note(at(1), &Line::parse(text)));
        report.end = Some((at(30), end));
        report
    }

    #[test]
    fn lines_of_the_examples() {
        let token = Line::Token { generation: 7, requests: 31, replays: 1 };
        assert_eq!(Line::parse("token generation=7 requests=31 replays=1"), token);
        assert_eq!(Line::parse("token replays=1 generation=7 requests=31 more=words\r"), token);
        assert_eq!(Line::parse("failed HTTP 503: try later"), Line::Failed("HTTP 503: try later".into()));
        let done = Line::Done { requests: 150, replays: 2, failures: 0 };
        assert_eq!(Line::parse("done requests=150 tokens=7 replays=2 failures=0"), done);
    }

    #[test]
    fn anything_else_is_kept_as_it_is() {
        for text in [
            "",
            "token",
            "done",
            "tokens generation=7 requests=31 replays=1",
            "token generation=seven requests=31 replays=1",
            "token generation=-7 requests=31 replays=1",
            "done requests=150",
            "hello world",
        ] {
            assert_eq!(Line::parse(text), Line::Other(text.into()));
        }
    }

    #[test]
    fn adds_up() {
        let lines = [
            "token generation=1 requests=1 replays=0",
            "token generation=2 requests=20 replays=1",
            "token generation=1 requests=21 replays=1",
            "done requests=30 tokens=2 replays=2 failures=0",
        ];
        let report = report(&lines, End::Exited(0));
        assert_eq!((report.requests, report.replays, report.failures, report.distinct_tokens()), (30, 2, 0, 2));
        assert_eq!(report.complaint(None), None);
    }

    #[test]
    fn only_a_complete_clean_run_is_a_success() {
        const DONE: &str = "done requests=30 tokens=2 replays=2 failures=0";
        let complaint = |lines: &[&str], end| report(lines, end).complaint(None).unwrap_or_default();
        assert!(Report::default().complaint(None).is_some());
        assert!(complaint(&[], End::Exited(0)).contains("done"));
        assert!(complaint(&["token generation=1 requests=1 replays=0"], End::Exited(0)).contains("done"));
        assert!(complaint(&["done requests=0 tokens=0 replays=0 failures=0"], End::Exited(0)).contains("no request"));
        assert!(complaint(&[DONE], End::Exited(3)).contains("code 3"));
        assert!(complaint(&[DONE], End::Broken("hung".into())).contains("hung"));
        assert!(complaint(&["failed TIMEOUT: late", DONE], End::Exited(0)).contains("1 of 30"));
        let mut early = report(&[DONE], End::Exited(0));
        early.end = Some((at(7), End::Exited(0)));
        assert!(early.complaint(None).unwrap().contains("7 of 30 s"));
        let seen = |requests| Some(Served { requests, rejections: 0 });
        assert_eq!(report(&[DONE], End::Exited(0)).complaint(seen(30)), None);
        assert!(report(&[DONE], End::Exited(0)).complaint(seen(29)).unwrap().contains("made 29"));
        let failed = "done requests=30 tokens=2 replays=2 failures=4";
        assert!(complaint(&[failed], End::Exited(1)).contains("4 of 30"));
    }
}
