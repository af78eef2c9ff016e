//! What the proxy counts, and how it tells.

use std::{
    fmt::Write,
    sync::atomic::{AtomicU64, Ordering},
};

use http::StatusCode;
use nacos_auth::{Stats, TokenState};

/// What is counted.
#[derive(Clone, Copy)]
pub(super) enum Count {
    Requests,
    Replays,
    Refused,
    Logins,
    Answers2xx,
    Answers3xx,
    Answers4xx,
    Answers5xx,
    /// These two fall as well.
    Clients,
    InFlight,
}

const COUNTS: usize = Count::InFlight as usize + 1;

#[derive(Default)]
pub(super) struct Figures([AtomicU64; COUNTS]);

/// Something that goes on, until it is dropped.
pub(super) struct Going<'a>(&'a AtomicU64);

impl Drop for Going<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Figures {
    pub(super) fn count(&self, what: Count) {
        self.0[what as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn answered(&self, status: StatusCode) {
        self.count(match status.as_u16() {
            ..300 => Count::Answers2xx,
            300..400 => Count::Answers3xx,
            400..500 => Count::Answers4xx,
            _ => Count::Answers5xx,
        });
    }

    pub(super) fn going(&self, what: Count) -> Going<'_> {
        self.count(what);
        Going(&self.0[what as usize])
    }

    /// In the text format of Prometheus.
    pub(super) fn text(&self, stats: &Stats) -> String {
        let get = |what: Count| self.0[what as usize].load(Ordering::Relaxed);
        let mut text = String::new();
        let mut family = |name: &str, kind: &str, help: &str, values: &[(&str, u64)]| {
            _ = writeln!(text, "# HELP nacos_auth_{name} {help}\n# TYPE nacos_auth_{name} {kind}");
            for (labels, value) in values {
                _ = writeln!(text, "nacos_auth_{name}{labels} {value}");
            }
        };
        let remaining = if stats.generation == 0 { 0 } else { stats.remaining_ms.max(0).unsigned_abs() / 1000 };
        family(
            "token_usable",
            "gauge",
            "Whether there is a token that servers take.",
            &[("", is_usable(stats).into())],
        );
        family("token_remaining_seconds", "gauge", "Time until the token's expiry.", &[("", remaining)]);
        let logins = [
            ("{reason=\"first\"}", stats.logins_first),
            ("{reason=\"renewal\"}", stats.logins_renewal),
            ("{reason=\"rejection\"}", stats.logins_rejection),
        ];
        family("logins_total", "counter", "Logins that brought a token.", &logins);
        let failures = [
            ("{class=\"unreachable\"}", stats.failures_unreachable),
            ("{class=\"overloaded\"}", stats.failures_overloaded),
            ("{class=\"refused\"}", stats.failures_refused),
            ("{class=\"other\"}", stats.failures_other),
        ];
        family("login_failures_total", "counter", "Logins that did not.", &failures);
        let rejections = [
            ("{class=\"identity\"}", stats.rejections_identity),
            ("{class=\"permission\"}", stats.rejections_permission),
            ("{class=\"unknown\"}", stats.rejections_unknown),
        ];
        family("rejections_total", "counter", "Requests that servers refused.", &rejections);
        family("proxy_requests_total", "counter", "Requests of clients.", &[("", get(Count::Requests))]);
        let answers = [
            ("{class=\"2xx\"}", get(Count::Answers2xx)),
            ("{class=\"3xx\"}", get(Count::Answers3xx)),
            ("{class=\"4xx\"}", get(Count::Answers4xx)),
            ("{class=\"5xx\"}", get(Count::Answers5xx)),
        ];
        family("proxy_answers_total", "counter", "Answers to clients.", &answers);
        family("proxy_replays_total", "counter", "Requests sent once more.", &[("", get(Count::Replays))]);
        family(
            "proxy_refused_total",
            "counter",
            "Requests answered with an error of the proxy's own.",
            &[("", get(Count::Refused))],
        );
        family("proxy_client_logins_total", "counter", "Logins of clients answered here.", &[("", get(Count::Logins))]);
        family("proxy_clients", "gauge", "Connections of clients.", &[("", get(Count::Clients))]);
        family("proxy_requests_in_flight", "gauge", "Requests under way.", &[("", get(Count::InFlight))]);
        text
    }
}

pub(super) fn is_usable(stats: &Stats) -> bool {
    matches!(stats.token_state, TokenState::Fresh | TokenState::Advisory | TokenState::Mandatory)
}
