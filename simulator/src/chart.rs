//! Logins per second over time, as SVG: one panel for each scenario, logarithmic upwards.

use std::fmt::Write;

pub(crate) struct Panel {
    pub(crate) title: String,
    /// Seconds along the x-axis.
    pub(crate) seconds: usize,
    /// What the servers can do, per second.
    pub(crate) capacity: f64,
    /// The highest line last: it is drawn over the others.
    pub(crate) lines: Vec<Line>,
}

pub(crate) struct Line {
    pub(crate) name: &'static str,
    pub(crate) color: &'static str,
    pub(crate) per_second: Vec<u32>,
}

const COLUMNS: usize = 2;
const PANEL: (usize, usize) = (560, 210);
const PLOT: (f64, f64, f64, f64) = (52.0, 34.0, 476.0, 140.0);
/// The y-axis, in powers of ten.
const DECADES: (f64, f64) = (-0.3, 4.2);
const POINTS: usize = 245;

pub(crate) fn svg(panels: &[Panel], legend: &str) -> String {
    let (width, height) = (COLUMNS * PANEL.0, panels.len().div_ceil(COLUMNS) * PANEL.1 + 40);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" font-size=\"11\" fill=\"#333\">\n\
         <rect width=\"{width}\" height=\"{height}\" fill=\"#fff\"/>\n<text x=\"52\" y=\"24\" font-size=\"13\">{legend}</text>\n"
    );
    let lines = panels.first().map_or(&[][..], |p| &p.lines);
    for (i, line) in lines.iter().enumerate() {
        let x = width - 420 + 130 * i;
        let _ = writeln!(
            out,
            "<path d=\"M{x} 20h24\" stroke=\"{}\" stroke-width=\"3\"/><text x=\"{}\" y=\"24\">{}</text>",
            line.color,
            x + 30,
            line.name
        );
    }
    for (i, panel) in panels.iter().enumerate() {
        let (x, y) = (i % COLUMNS * PANEL.0, i / COLUMNS * PANEL.1 + 40);
        let _ = writeln!(out, "<g transform=\"translate({x} {y})\">\n{}</g>", draw(panel));
    }
    out + "</svg>\n"
}

fn draw(panel: &Panel) -> String {
    let (left, top, width, height) = PLOT;
    let y = |value: f64| {
        let share = (value.max(0.5).log10() - DECADES.0) / (DECADES.1 - DECADES.0);
        top + height * (1.0 - share)
    };
    let mut out = format!("<text x=\"{left}\" y=\"24\" font-weight=\"bold\">{}</text>\n", panel.title);
    for power in 0..=4 {
        let value = 10_u32.pow(power);
        let at = y(f64::from(value));
        let _ = writeln!(
            out,
            "<path d=\"M{left} {at:.1}h{width}\" stroke=\"#e4e4e4\"/><text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{value}</text>",
            left - 6.0,
            at + 4.0
        );
    }
    for tick in 0..=5 {
        let minutes = panel.seconds as f64 / 60.0 * f64::from(tick) / 5.0;
        let x = left + width * f64::from(tick) / 5.0;
        let _ = writeln!(
            out,
            "<text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{minutes:.0} min</text>",
            top + height + 16.0
        );
    }
    let at = y(panel.capacity);
    let _ = writeln!(out, "<path d=\"M{left} {at:.1}h{width}\" stroke=\"#888\" stroke-dasharray=\"5 4\"/>");
    for line in &panel.lines {
        let mut points = String::new();
        for i in 0..POINTS {
            let seconds =
                i * panel.seconds / POINTS..((i + 1) * panel.seconds / POINTS).max(i * panel.seconds / POINTS + 1);
            let most = seconds.filter_map(|s| line.per_second.get(s)).max().copied().unwrap_or(0);
            let x = left + width * i as f64 / (POINTS - 1) as f64;
            let _ = write!(points, "{x:.0},{:.1} ", y(f64::from(most)));
        }
        let _ = writeln!(
            out,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"1.4\"/>",
            points.trim_end(),
            line.color
        );
    }
    out
}
