//! Answers reported by callers with an HTTP stack of their own.

use super::*;

const EXPIRED: &[u8] = br#"{"status":403,"error":"Forbidden","message":"token expired!"}"#;

fn report(f: &Fixture, report: Report<'_>) -> Advised {
    f.client.report(&report).unwrap()
}

#[test]
fn a_token_that_is_too_new_for_a_server_gets_its_time() {
    let (login, _) = tokens();
    let f = fixture(SOON, login, says(200, "ok"));
    let generation = f.client.token().unwrap().generation;
    let server = f.session().servers.names();
    let refused = |refused_before| Report {
        generation,
        status: 403,
        body: EXPIRED,
        server: Some(&server),
        refused_before,
        ..Report::default()
    };
    for (before, wait_ms) in [(0, 50), (1, 200), (2, 800)] {
        let advised = report(&f, refused(before));
        assert_eq!(advised, Advised { advice: Advice::Replay, wait: Duration::from_millis(wait_ms) });
        assert_eq!(f.client.generation(), generation, "it is still the token");
    }
    let advised = report(&f, refused(3));
    assert_eq!(advised, Advised { advice: Advice::Replay, wait: Duration::ZERO });
    assert_eq!(f.client.token().unwrap().secret.expose(), "t2", "now it has been given up");
    assert_eq!(f.client.stats().rejections, 1, "one token, however often it was tried");
}

#[test]
fn without_a_server_any_refusal_ends_the_token() {
    let (login, _) = tokens();
    let f = fixture(SOON, login, says(200, "ok"));
    let generation = f.client.token().unwrap().generation;
    for server in [None, Some("elsewhere.example:8848")] {
        let advised = report(&f, Report { generation, status: 403, body: EXPIRED, server, ..Report::default() });
        assert_eq!(advised, Advised { advice: Advice::Replay, wait: Duration::ZERO }, "{server:?}");
    }
    assert_eq!(f.client.token().unwrap().secret.expose(), "t2");
}

#[test]
fn a_server_that_refuses_the_tokens_of_another_costs_one_login() {
    let (login, _) = tokens();
    let f = cluster(2, SOON, login, says(200, "ok"));
    let names: Vec<String> = f.session().servers.names().split(", ").map(str::to_owned).collect();
    let taken = || {
        let generation = f.client.token().unwrap().generation;
        let issuer = usize::from(!f.session().is_unproven(generation, 0));
        report(&f, Report { generation, status: 200, ..Report::default() });
        (generation, issuer)
    };
    let (generation, issuer) = taken();
    let other = &names[1 - issuer];
    let refused = Report { generation, status: 403, body: EXPIRED, server: Some(other), ..Report::default() };
    assert_eq!(report(&f, refused).advice, Advice::Replay);
    // It has another secret, so that the next token fares no better there, and all others do well with it.
    let (generation, again) = taken();
    assert_eq!(again, issuer);
    assert_eq!(report(&f, Report { generation, ..refused }).advice, Advice::Return);
    assert_eq!((f.client.generation(), f.logins()), (generation, 2));
    let url = format!("http://{}/nacos/v1/cs/configs", names[issuer]);
    assert_eq!(report(&f, Report { generation, server: Some(&url), ..refused }).advice, Advice::Replay);
    assert_ne!(f.client.generation(), generation);
}

#[test]
fn a_server_that_asks_to_be_left_alone_is_passed_on() {
    let (login, _) = tokens();
    let f = fixture(SOON, login, says(200, "ok"));
    let generation = f.client.token().unwrap().generation;
    for (status, text, wait) in [
        (429, Some("7"), 7),
        (503, Some("2"), 2),
        (503, None, 0),
        (429, Some("soon"), 0),
        (429, Some("99999999"), 600),
        (200, Some("7"), 0),
    ] {
        let advised = report(&f, Report { generation, status, retry_after: text, ..Report::default() });
        assert_eq!(advised, Advised { advice: Advice::Return, wait: Duration::from_secs(wait) }, "{status} {text:?}");
    }
    assert_eq!(f.client.generation(), generation);
}
