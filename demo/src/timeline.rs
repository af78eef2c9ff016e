//! Which token served when: a line per program, a column per second.

use std::time::Duration;

use crate::report::Report;

/// More columns than this, and a column stands for several seconds.
const WIDEST: u64 = 60;

/// Something that happened to all programs at once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark {
    pub(crate) at: Duration,
    pub(crate) symbol: char,
    pub(crate) what: &'static str,
}

/// The lines of the picture: a ruler, a line per program, the marks and what they mean. `length` is the planned run,
/// `now` how far it has got; nothing is drawn beyond.
pub(crate) fn draw(programs: &[(&str, &Report)], marks: &[Mark], length: Duration, now: Duration) -> Vec<String> {
    let seconds = length.as_secs().max(1);
    let step = seconds.div_ceil(WIDEST);
    let columns = seconds.div_ceil(step);
    let drawn = columns.min(now.as_secs() / step + 1);
    let margin = programs.iter().map(|(name, _)| name.len()).max().unwrap_or(0).max("seconds".len());

    let mut lines = vec![format!("{:margin$}  {}", "seconds", ruler(columns, step))];
    for (name, report) in programs {
        let line: String = (0..drawn).map(|column| symbol(report, column, step)).collect();
        lines.push(format!("{name:margin$}  {}", line.trim_end()));
    }
    if !marks.is_empty() {
        let line: String = (0..columns).map(|column| marked(marks, column, step).unwrap_or(' ')).collect();
        lines.push(format!("{:margin$}  {}", "", line.trim_end()));
    }
    let each = if step == 1 { "one column per second".into() } else { format!("one column per {step} seconds") };
    lines.push(format!("{each}; the digit is the token's number, ! a failure"));
    lines.extend(marks.iter().map(|m| format!("{} at {:.1} s: {}", m.symbol, m.at.as_secs_f64(), m.what)));
    lines
}

/// A number every ten columns.
fn ruler(columns: u64, step: u64) -> String {
    let labels: String = (0..columns).step_by(10).map(|column| format!("{:<10}", column * step)).collect();
    labels.trim_end().into()
}

/// The token that served last in a column, unless a request failed in it.
fn symbol(report: &Report, column: u64, step: u64) -> char {
    let within = |at: Duration| at.as_secs() / step == column;
    if report.failed_at.iter().any(|at| within(*at)) {
        return '!';
    }
    let over = |(at, _): &(Duration, _)| at.as_secs() / step < column;
    if report.end.as_ref().is_some_and(over) {
        return ' ';
    }
    match report.tokens.iter().rfind(|(at, _)| at.as_secs() / step <= column) {
        Some((_, generation)) => char::from(b"0123456789abcdefghijklmnopqrstuvwxyz"[(generation % 36) as usize]),
        None => '.',
    }
}

fn marked(marks: &[Mark], column: u64, step: u64) -> Option<char> {
    marks.iter().find(|mark| mark.at.as_secs() / step == column).map(|mark| mark.symbol)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::End;

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn report(tokens: &[(u64, u64)]) -> Report {
        let tokens = tokens.iter().map(|(at, generation)| (ms(*at), *generation)).collect();
        Report { tokens, ..Report::default() }
    }

    const MARKS: [Mark; 2] = [
        Mark { at: Duration::from_secs(4), symbol: 'S', what: "another secret" },
        Mark { at: Duration::from_secs(8), symbol: 'X', what: "connections cut" },
    ];

    #[test]
    fn a_column_per_second() {
        let mut go = report(&[(1200, 1), (3900, 2), (4100, 3), (8000, 4)]);
        go.failed_at = vec![ms(6500)];
        go.end = Some((ms(10_100), End::Exited(1)));
        let python = report(&[(2000, 9), (5000, 10), (6000, 36)]);
        let lines = draw(&[("go", &go), ("python", &python)], &MARKS, ms(12_000), ms(12_300));
        let expected = [
            "seconds  0         10",
            "go       .11233!3444",
            "python   ..999a000000",
            "             S   X",
            "one column per second; the digit is the token's number, ! a failure",
            "S at 4.0 s: another secret",
            "X at 8.0 s: connections cut",
        ];
        assert_eq!(lines, expected);
    }

    #[test]
    fn nothing_is_drawn_that_has_not_happened() {
        let go = report(&[(1200, 1)]);
        let lines = draw(&[("go", &go)], &[], ms(30_000), ms(2999));
        assert_eq!(lines[0], "seconds  0         10        20");
        assert_eq!(lines[1], "go       .11");
        assert_eq!(lines.len(), 3);
    }

    #[test]
    fn a_long_run_is_squeezed() {
        let go = report(&[(0, 1), (150_000, 2)]);
        let lines = draw(&[("go", &go)], &MARKS[..1], ms(300_000), ms(300_000));
        assert_eq!(lines[0], "seconds  0         50        100       150       200       250");
        assert_eq!(lines[1], format!("go       {}{}", "1".repeat(30), "2".repeat(30)));
        assert_eq!(lines[2], "         S");
        assert!(lines[3].starts_with("one column per 5 seconds"));
    }
}
