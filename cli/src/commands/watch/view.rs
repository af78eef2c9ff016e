//! What there is to see, as lines.

use std::{collections::VecDeque, time::Duration};

use console::{Style, style};
use nacos_auth::{RefreshState, Stats, TokenState};

/// How many events stay on the screen.
const EVENTS: usize = 10;
const BAR: usize = 30;

/// How a server answered last.
pub(super) struct Asked {
    pub(super) server: String,
    pub(super) said: String,
    pub(super) took: Duration,
}

#[derive(Default)]
pub(super) struct View {
    events: VecDeque<String>,
    /// The token's generation, and how long it was good when it was first seen.
    life: (u64, i64),
}

impl View {
    pub(super) fn event(&mut self, line: String) {
        self.events.push_back(line);
        if self.events.len() > EVENTS {
            self.events.pop_front();
        }
    }

    pub(super) fn block(&mut self, stats: &Stats, asked: Option<&Asked>) -> Vec<String> {
        if self.life.0 != stats.generation {
            self.life = (stats.generation, stats.remaining_ms);
        }
        let mut lines = vec![
            row("token", format!("{}{}", colour(stats).apply_to(token(stats)), self.bar(stats))),
            row("renewal", renewal(stats)),
            row("logins", logins(stats)),
            row("refusals", refusals(stats)),
            row("server", asked.map_or_else(|| "not asked yet".into(), server)),
            String::new(),
        ];
        lines.extend(self.events.iter().cloned());
        lines
    }

    fn bar(&self, stats: &Stats) -> String {
        if stats.generation == 0 || self.life.1 <= 0 {
            return String::new();
        }
        let left = stats.remaining_ms.clamp(0, self.life.1) as usize * BAR / self.life.1 as usize;
        format!("  {}{}", style("━".repeat(left)).green(), style("━".repeat(BAR - left)).dim())
    }

    /// All of it that does not change by itself.
    pub(super) fn state(stats: &Stats) -> String {
        let (logins, refusals) = (logins(stats), refusals(stats));
        format!("{:?} {:?} {} {logins} {refusals}", stats.token_state, stats.refresh_state, stats.generation)
    }

    pub(super) fn line(stats: &Stats) -> String {
        let (token, renewal) = (token(stats), renewal(stats));
        format!("token {token}; renewal {renewal}; logins {}; refusals {}", logins(stats), refusals(stats))
    }
}

fn row(name: &str, text: impl std::fmt::Display) -> String {
    format!("{} {text}", style(format!("{name:<9}")).bold())
}

fn colour(stats: &Stats) -> Style {
    match stats.token_state {
        TokenState::Fresh => Style::new().green(),
        TokenState::Advisory | TokenState::Mandatory => Style::new().yellow(),
        _ => Style::new().red(),
    }
}

fn token(stats: &Stats) -> String {
    let state = format!("{:?}", stats.token_state).to_lowercase();
    if stats.generation == 0 {
        return state;
    }
    format!("{} {state}, {} left", stats.generation, time(stats.remaining_ms))
}

fn time(ms: i64) -> String {
    humantime::format_duration(Duration::from_secs(ms.max(0).unsigned_abs() / 1000)).to_string()
}

fn renewal(stats: &Stats) -> String {
    let state = match stats.refresh_state {
        RefreshState::Idle => "idle",
        RefreshState::InFlight => "under way",
        RefreshState::BackingOff => "waiting after a failure",
        _ => "waiting for other credentials",
    };
    match stats.retry_in.as_millis().div_ceil(1000) {
        0 => state.into(),
        seconds => format!("{state}, next login in {seconds} s"),
    }
}

fn logins(stats: &Stats) -> String {
    let Stats { logins, logins_first, logins_renewal, logins_rejection, login_failures, .. } = stats;
    let text = format!("{logins} ({logins_first} first, {logins_renewal} renewals, {logins_rejection} after refusals)");
    format!("{text}, {login_failures} failed")
}

fn refusals(stats: &Stats) -> String {
    let Stats { rejections_identity, rejections_permission, rejections_unknown, .. } = stats;
    format!(
        "{rejections_identity} of the token, {rejections_permission} of a permission, {rejections_unknown} without a reason"
    )
}

fn server(asked: &Asked) -> String {
    let at = if asked.server.is_empty() { String::new() } else { format!("{}: ", asked.server) };
    format!("{at}{}, after {} ms", asked.said, asked.took.as_millis())
}
