//! The figures of one or several clients in Prometheus' text format.

use std::fmt::Write as _;

use super::{
    Client,
    health::{Health, HealthStatus},
    stats::Stats,
};
use crate::{
    error::{Error, Result},
    lifecycle::{Occasion, TokenState},
    observe::Outcome,
};

/// Under which `Content-Type` the text of [`metrics`] is served.
pub const METRICS_CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What one client has to tell.
struct Reading {
    stats: Stats,
    health: Health,
    /// By occasion, then by outcome.
    logins: Vec<(Occasion, Outcome, u64)>,
}

type Labels<'a> = &'a [(&'a str, &'a str)];
/// Takes the labels and the value of each sample.
type Sink<'a> = dyn FnMut(Labels<'_>, f64) + 'a;

/// A metric: its name, type and help, and its samples of one client.
struct Family {
    name: &'static str,
    kind: &'static str,
    help: &'static str,
    read: fn(&Reading, &mut Sink<'_>),
}

/// All of them but `nacos_auth_build_info`, which is the library's and no client's. docs/monitoring.md has the same list.
const FAMILIES: &[Family] = &[
    Family {
        name: "nacos_auth_health",
        kind: "gauge",
        help: "1 for the state of the client's health, 0 for the others.",
        read: |r, sample| {
            for status in HealthStatus::ALL {
                sample(&[("status", &status.to_string())], f64::from(u8::from(r.health.status == status)));
            }
        },
    },
    Family {
        name: "nacos_auth_health_cause",
        kind: "gauge",
        help: "1 for the cause of its being degraded or down; absent otherwise.",
        read: |r, sample| {
            if let Some(cause) = r.health.cause() {
                sample(&[("cause", cause.name())], 1.0);
            }
        },
    },
    Family {
        name: "nacos_auth_token_seconds_remaining",
        kind: "gauge",
        help: "Seconds until the token's reckoned expiry, negative after it; +Inf if nobody knows its end; absent without one, or when it was refused.",
        read: |r, sample| {
            if !matches!(r.stats.token_state, TokenState::None | TokenState::Rejected) {
                sample(&[], remaining(r.stats.remaining_ms));
            }
        },
    },
    Family {
        name: "nacos_auth_token_generation",
        kind: "gauge",
        help: "Number of the token in this process, 0 without one.",
        read: |r, sample| sample(&[], r.stats.generation as f64),
    },
    Family {
        name: "nacos_auth_logins_total",
        kind: "counter",
        help: "Logins that have ended, by what they were for and how they ended.",
        read: |r, sample| {
            for (reason, result, count) in &r.logins {
                sample(&[("reason", occasion(*reason)), ("result", outcome(*result))], *count as f64);
            }
        },
    },
    Family {
        name: "nacos_auth_login_failing_seconds",
        kind: "gauge",
        help: "Seconds since the first login failed of those that have failed since the last success, 0 if the last one did not.",
        read: |r, sample| sample(&[], r.health.failing_for.map_or(0.0, |time| time.as_secs_f64().max(0.001))),
    },
    Family {
        name: "nacos_auth_login_retry_seconds",
        kind: "gauge",
        help: "Seconds until the next login after one that failed, 0 if none is waiting for its time.",
        read: |r, sample| sample(&[], r.stats.retry_in.as_millis() as f64 / 1000.0),
    },
    Family {
        name: "nacos_auth_requests_total",
        kind: "counter",
        help: "Requests that the program has made through the client.",
        read: |r, sample| sample(&[], r.stats.requests as f64),
    },
    Family {
        name: "nacos_auth_replays_total",
        kind: "counter",
        help: "Requests repeated with a new token, and reports of refusals that advised to.",
        read: |r, sample| sample(&[], r.stats.replays as f64),
    },
    Family {
        name: "nacos_auth_rejections_total",
        kind: "counter",
        help: "Answers that refused a token: invalid or expired (identity), for want of a permission, or without saying why.",
        read: |r, sample| {
            sample(&[("reason", "identity")], r.stats.rejections_identity as f64);
            sample(&[("reason", "permission")], r.stats.rejections_permission as f64);
            sample(&[("reason", "unknown")], r.stats.rejections_unknown as f64);
        },
    },
    Family {
        name: "nacos_auth_suppressed_total",
        kind: "counter",
        help: "Logins that were spared the servers: by a pause, by refused credentials, or as the token had been replaced already.",
        read: |r, sample| {
            sample(&[("by", "pause")], r.stats.suppressed_by_pause as f64);
            sample(&[("by", "rejection")], r.stats.suppressed_by_rejection as f64);
            sample(&[("by", "generation")], r.stats.suppressed_by_generation as f64);
        },
    },
    Family {
        name: "nacos_auth_waits_total",
        kind: "counter",
        help: "Calls that had to wait for a login.",
        read: |r, sample| sample(&[], r.stats.waits as f64),
    },
    Family {
        name: "nacos_auth_waiting",
        kind: "gauge",
        help: "Calls that wait for a login now.",
        read: |r, sample| sample(&[], r.stats.waiting as f64),
    },
];

fn occasion(of: Occasion) -> &'static str {
    match of {
        Occasion::First => "first",
        Occasion::Renewal => "renewal",
        Occasion::Rejection => "rejection",
    }
}

fn outcome(of: Outcome) -> &'static str {
    match of {
        Outcome::Success => "success",
        Outcome::Unreachable => "unreachable",
        Outcome::Overloaded => "overloaded",
        Outcome::Refused => "refused",
        Outcome::Other => "other",
    }
}

fn remaining(ms: i64) -> f64 {
    if ms == i64::MAX { f64::INFINITY } else { ms as f64 / 1000.0 }
}

/// The figures of these clients in Prometheus' text format, to be served as [`METRICS_CONTENT_TYPE`]. Every sample has a label
/// `client` with the name that stands beside its client; a single one may have the empty name, and then there is no label.
/// Closed clients have figures too. Waits for nothing.
///
/// # Errors
/// [`Kind::InvalidArgument`](crate::Kind::InvalidArgument) if two clients have the same name, or one of several has none.
pub fn metrics<'a>(clients: impl IntoIterator<Item = (&'a str, &'a Client)>) -> Result<String> {
    let clients: Vec<_> = clients.into_iter().collect();
    for (at, (name, _)) in clients.iter().enumerate() {
        if clients[..at].iter().any(|(other, _)| other == name) {
            return Err(Error::argument(format!("names: \"{name}\" twice; give each client a name of its own")));
        }
        if name.is_empty() && clients.len() > 1 {
            return Err(Error::argument("names: an empty one; give each of several clients a name"));
        }
    }
    let readings: Vec<_> = clients.iter().map(|(name, client)| (*name, client.reading())).collect();
    let mut text = String::with_capacity(8192);
    head(&mut text, "nacos_auth_build_info", "gauge", "1, with the version of the library.");
    sample(&mut text, "nacos_auth_build_info", &[("version", env!("CARGO_PKG_VERSION"))], 1.0);
    for Family { name, kind, help, read } in FAMILIES {
        head(&mut text, name, kind, help);
        for (client, reading) in &readings {
            read(reading, &mut |labels, value| {
                let named: Vec<_> = [("client", *client)].into_iter().chain(labels.iter().copied()).collect();
                sample(&mut text, name, if client.is_empty() { labels } else { &named }, value);
            });
        }
    }
    Ok(text)
}

impl Client {
    /// The figures of this client alone, as [`metrics`] gives them, without a label for its name.
    pub fn metrics(&self) -> String {
        metrics([("", self)]).unwrap_or_default()
    }

    fn reading(&self) -> Reading {
        let counters = &self.live().handle.counters;
        let outcomes = [Outcome::Success].into_iter().chain(Outcome::FAILURES);
        let logins = Occasion::ALL.into_iter().flat_map(|why| outcomes.clone().map(move |how| (why, how)));
        Reading {
            stats: self.stats(),
            health: self.health(),
            logins: logins.map(|(why, how)| (why, how, counters.logins(why, how))).collect(),
        }
    }
}

fn head(text: &mut String, name: &str, kind: &str, help: &str) {
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

fn sample(text: &mut String, name: &str, labels: Labels<'_>, value: f64) {
    text.push_str(name);
    for (at, (label, value)) in labels.iter().enumerate() {
        let escaped = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        let _ = write!(text, "{}{label}=\"{escaped}\"", if at == 0 { '{' } else { ',' });
    }
    text.push_str(if labels.is_empty() { " " } else { "} " });
    let _ = match value {
        f64::INFINITY => writeln!(text, "+Inf"),
        _ => writeln!(text, "{value}"),
    };
}
