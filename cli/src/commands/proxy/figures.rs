//! What the proxy counts, and how it tells.

use std::{
    fmt::Write,
    sync::atomic::{AtomicU64, Ordering},
};

use http::StatusCode;
use nacos_auth::Client;

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

    /// In the text format of Prometheus, after those of the client.
    pub(super) fn text(&self, client: &Client) -> String {
        let get = |what: Count| self.0[what as usize].load(Ordering::Relaxed);
        let mut text = client.metrics();
        let mut family = |name: &str, kind: &str, help: &str, values: &[(&str, u64)]| {
            _ = writeln!(text, "# HELP nacos_auth_proxy_{name} {help}\n# TYPE nacos_auth_proxy_{name} {kind}");
            for (labels, value) in values {
                _ = writeln!(text, "nacos_auth_proxy_{name}{labels} {value}");
            }
        };
        family("requests_total", "counter", "Requests of clients.", &[("", get(Count::Requests))]);
        let answers = [
            ("{class=\"2xx\"}", get(Count::Answers2xx)),
            ("{class=\"3xx\"}", get(Count::Answers3xx)),
            ("{class=\"4xx\"}", get(Count::Answers4xx)),
            ("{class=\"5xx\"}", get(Count::Answers5xx)),
        ];
        family("answers_total", "counter", "Answers to clients.", &answers);
        family("replays_total", "counter", "Requests sent once more.", &[("", get(Count::Replays))]);
        let help = "Requests answered with an error of the proxy's own.";
        family("refused_total", "counter", help, &[("", get(Count::Refused))]);
        family("client_logins_total", "counter", "Logins of clients answered here.", &[("", get(Count::Logins))]);
        family("clients", "gauge", "Connections of clients.", &[("", get(Count::Clients))]);
        family("requests_in_flight", "gauge", "Requests under way.", &[("", get(Count::InFlight))]);
        text
    }
}
