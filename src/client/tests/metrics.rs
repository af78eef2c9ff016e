//! The figures as text.

use super::*;
use crate::metrics;

fn value(text: &str, sample: &str) -> Option<f64> {
    let line = text.lines().find(|line| line.strip_prefix(sample).is_some_and(|rest| rest.starts_with(' ')))?;
    Some(line.rsplit(' ').next()?.parse().unwrap())
}

#[test]
fn a_client_has_the_same_figures_as_its_stats() {
    let f = fixture(SOON, tokens().0, says(200, "ok"));
    let before = f.client.metrics();
    assert_eq!(value(&before, r#"nacos_auth_health{status="unknown"}"#), Some(1.0));
    assert_eq!(value(&before, "nacos_auth_token_seconds_remaining"), None);
    assert_eq!(value(&before, "nacos_auth_token_generation"), Some(0.0));
    f.get().unwrap();
    let (text, stats) = (f.client.metrics(), f.client.stats());
    assert_eq!(value(&text, r#"nacos_auth_health{status="ok"}"#), Some(1.0));
    assert_eq!(value(&text, r#"nacos_auth_health{status="unknown"}"#), Some(0.0));
    assert_eq!(value(&text, r#"nacos_auth_logins_total{reason="first",result="success"}"#), Some(1.0));
    assert_eq!(value(&text, r#"nacos_auth_logins_total{reason="renewal",result="refused"}"#), Some(0.0));
    assert_eq!(value(&text, "nacos_auth_requests_total"), Some(1.0));
    assert_eq!(value(&text, "nacos_auth_token_generation"), Some(stats.generation as f64));
    let remaining = value(&text, "nacos_auth_token_seconds_remaining").unwrap();
    assert!((17_900.0..=18_000.0).contains(&remaining), "{remaining}");
    assert!(!text.contains("health_cause{"), "{text}");
    f.client.close();
    assert_eq!(value(&f.client.metrics(), r#"nacos_auth_health_cause{cause="closed"}"#), Some(1.0));
}

#[test]
fn failed_logins_are_counted_by_what_they_were_for() {
    let good = AtomicBool::new(true);
    let login = move |_: &Outgoing| match good.swap(false, Ordering::SeqCst) {
        true => Ok((200, r#"{"accessToken":"t","tokenTtl":18000}"#.into())),
        false => Ok((429, "later".into())),
    };
    let f = fixture(SOON, Box::new(login), says(403, "token invalid!"));
    f.takes_its_first_token();
    assert!(f.get().is_err() || f.client.stats().login_failures > 0);
    let (text, stats) = (f.client.metrics(), f.client.stats());
    // One, or more where the machine is so busy that the pause after it was over.
    assert!(stats.login_failures >= 1 && stats.failures_overloaded == stats.login_failures, "{stats:?}");
    assert!(value(&text, r#"nacos_auth_logins_total{reason="rejection",result="overloaded"}"#) >= Some(1.0));
    assert_eq!(value(&text, r#"nacos_auth_logins_total{reason="first",result="overloaded"}"#), Some(0.0));
    assert_eq!(value(&text, "nacos_auth_token_seconds_remaining"), None, "of a token that was refused");
    assert!(value(&text, "nacos_auth_login_failing_seconds").unwrap() > 0.0);
    assert!(value(&text, "nacos_auth_login_retry_seconds").is_some());
}

#[test]
fn a_token_without_a_known_end_has_for_ever() {
    let f = fixture(SOON, says(500, "no"), says(200, "ok"));
    f.client.set_token("given", None).unwrap();
    assert_eq!(value(&f.client.metrics(), "nacos_auth_token_seconds_remaining"), Some(f64::INFINITY));
}

#[test]
fn several_clients_are_told_apart_by_names_of_any_kind() {
    let (a, b) = (fixture(SOON, tokens().0, says(200, "ok")), fixture(SOON, tokens().0, says(200, "ok")));
    a.get().unwrap();
    let text = metrics([("a\\b\"c\nd", &*a.client), ("é", &*b.client)]).unwrap();
    assert_eq!(value(&text, r#"nacos_auth_requests_total{client="a\\b\"c\nd"}"#), Some(1.0));
    assert_eq!(value(&text, r#"nacos_auth_requests_total{client="é"}"#), Some(0.0));
    assert_eq!(value(&text, r#"nacos_auth_health{client="é",status="unknown"}"#), Some(1.0));
    for line in text.lines().filter(|line| line.starts_with("# TYPE")) {
        assert_eq!(text.matches(&format!("{line}\n")).count(), 1, "{line}");
    }
    for names in [["x", "x"], ["", ""], ["x", ""]] {
        let error = metrics([(names[0], &*a.client), (names[1], &*b.client)]).unwrap_err();
        assert_eq!(error.kind(), Kind::InvalidArgument);
    }
    let none = metrics([]).unwrap();
    assert!(none.contains("nacos_auth_build_info{version="));
}
