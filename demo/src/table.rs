//! The table: a row per program.

use crate::report::{End, Report, Served};

const TITLES: [&str; 5] = ["program", "requests", "tokens", "rejected", "failures"];

/// A row of the table.
pub(crate) struct Row<'a> {
    pub(crate) name: &'a str,
    pub(crate) content: Content<'a>,
}

/// What there is to say of a program.
pub(crate) enum Content<'a> {
    /// It runs or ran. `served`: requests that the server answered so far, and how many it rejected, if it counts.
    Ran { report: &'a Report, served: Option<Served> },
    /// It is not there, for this reason.
    LeftOut(&'a str),
}

/// Title and rows, without colours or a line end.
pub(crate) fn draw(rows: &[Row<'_>]) -> Vec<String> {
    let margin = rows.iter().map(|row| row.name.len()).max().unwrap_or(0).max(TITLES[0].len());
    let [name, numbers @ ..] = TITLES;
    let mut lines = vec![line(margin, name, numbers.map(String::from), "")];
    for row in rows {
        lines.push(match &row.content {
            Content::Ran { report, served } => {
                line(margin, row.name, numbers_of(report, *served), &state(report, *served))
            }
            Content::LeftOut(reason) => line(margin, row.name, [(); 4].map(|()| "–".into()), &left_out(reason)),
        });
    }
    lines
}

/// One program's numbers as a plain line.
pub(crate) fn sentence(report: &Report, served: Option<Served>) -> String {
    let [requests, tokens, rejected, failures] = numbers_of(report, served);
    format!("requests {requests}, tokens {tokens}, rejected {rejected}, failures {failures}")
}

/// How a missing program is told of.
pub(crate) fn left_out(reason: &str) -> String {
    if reason.is_empty() { "left out".into() } else { format!("left out: {reason}") }
}

fn line(margin: usize, name: &str, numbers: [String; 4], state: &str) -> String {
    let [requests, tokens, rejected, failures] = numbers;
    let line = format!("{name:margin$}  {requests:>8}  {tokens:>6}  {rejected:>8}  {failures:>8}  {state}");
    line.trim_end().into()
}

fn numbers_of(report: &Report, served: Option<Served>) -> [String; 4] {
    // Until its last line a program tells its requests only when the token changes; the server knows better meanwhile.
    let seen = served.map_or(0, |served| served.requests.saturating_sub(served.rejections));
    let requests = if report.done { report.requests } else { report.requests.max(seen) };
    let rejected = served.map_or_else(|| "–".into(), |served| served.rejections.to_string());
    [requests.to_string(), report.distinct_tokens().to_string(), rejected, report.failures.to_string()]
}

fn state(report: &Report, served: Option<Served>) -> String {
    match (&report.end, report.complaint(served)) {
        (None, _) => "running".into(),
        (Some(_), Some(complaint)) => format!("FAILED: {complaint}"),
        (Some((_, End::Exited(_))), None) => "ok".into(),
        (Some((_, End::Broken(_))), None) => unreachable!("a broken end is a complaint"),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::report::Line;

    fn report(lines: &[&str]) -> Report {
        let mut report = Report::default();
        lines.iter().for_each(|text| report.note(Duration::ZERO, &Line::parse(text)));
        report
    }

    #[test]
    fn a_row_per_program() {
        let mut done = report(&["token generation=1 requests=1 replays=0", "done requests=150 replays=1 failures=0"]);
        done.end = Some((Duration::ZERO, End::Exited(0)));
        let mut failed = report(&["failed TIMEOUT: late"]);
        failed.end = Some((Duration::ZERO, End::Broken("killed".into())));
        let running = report(&["token generation=1 requests=1 replays=0"]);
        let served = Some(Served { requests: 152, rejections: 2 });
        let rows = [
            Row { name: "c", content: Content::Ran { report: &done, served } },
            Row { name: "rust", content: Content::Ran { report: &failed, served } },
            Row { name: "a-long-name", content: Content::Ran { report: &running, served } },
            Row { name: "py", content: Content::Ran { report: &running, served: None } },
            Row { name: "go", content: Content::LeftOut("no compiler") },
        ];
        let expected = [
            "program      requests  tokens  rejected  failures",
            "c                 150       1         2         0  ok",
            "rust              150       0         2         1  FAILED: killed",
            "a-long-name       150       1         2         0  running",
            "py                  1       1         –         0  running",
            "go                  –       –         –         –  left out: no compiler",
        ];
        assert_eq!(draw(&rows), expected);
    }

    #[test]
    fn the_same_in_a_sentence() {
        let report = report(&["token generation=4 requests=9 replays=0"]);
        assert_eq!(sentence(&report, None), "requests 9, tokens 1, rejected –, failures 0");
        let served = Some(Served { requests: 12, rejections: 1 });
        assert_eq!(sentence(&report, served), "requests 11, tokens 1, rejected 1, failures 0");
    }
}
