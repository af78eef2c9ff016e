//! No false alarm.

use super::*;

#[test]
fn a_healthy_server_of_any_generation_gets_nothing_above_information() {
    std::thread::scope(|scope| {
        for generation in GENERATIONS {
            scope.spawn(move || {
                let server = server(generation);
                let diagnosis = examine_request(config(&server), "GET", path(generation));
                if generation == Generation::RNacos085 {
                    // It is healthy, but cannot read the header.
                    assert_names(&diagnosis, &["token-in-query"]);
                    return;
                }
                assert_names(&diagnosis, &[]);
                assert!(
                    diagnosis.findings().iter().any(|f| f.seen().contains("takes the token")),
                    "{}",
                    diagnosis.to_text()
                );
                let counts = server.counts();
                assert!(counts.logins <= 2 && counts.login_failures == 0, "{counts:?}");
            });
        }
    });
}

fn path(generation: Generation) -> &'static str {
    match generation {
        Generation::V32 | Generation::V33 => "/v3/client/cs/config?dataId=demo&groupName=DEFAULT_GROUP",
        _ => "/v1/cs/configs?dataId=demo&group=DEFAULT_GROUP",
    }
}

#[test]
fn the_last_words_tell_how_long_the_token_is_good_and_when_it_is_renewed() {
    let server = server(Generation::V2);
    let diagnosis = examine(config(&server));
    let last = diagnosis.findings().last().unwrap();
    assert!(last.seen().contains("good for 5 h"), "{}", last.seen());
    assert!(last.seen().contains("renews it 1 h 40 min to 20 min before its end"), "{}", last.seen());
    assert_eq!(diagnosis.severity(), Severity::Ok);
}

#[test]
fn nobody_is_asked_for_a_token_where_authentication_is_off() {
    for generation in [Generation::V14, Generation::V2, Generation::V3, Generation::V33] {
        let server = Server::start(Options { generation, auth: false, ..Options::default() }).unwrap();
        let diagnosis = examine(config(&server));
        assert_names(&diagnosis, &[]);
        assert!(names(&diagnosis, Severity::Information).contains(&"authentication-off"), "{}", diagnosis.to_text());
    }
}

#[test]
fn a_user_without_rights_is_no_fault_of_the_login() {
    let server = server(Generation::V2);
    let diagnosis = examine(Config::new(&server.address().to_string(), "poor", "poor"));
    assert_names(&diagnosis, &[]);
}

#[test]
fn a_cluster_with_one_secret_is_well() {
    let secret = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=".to_owned();
    let node = || Server::start(Options { secrets: vec![secret.clone()], ..Options::default() }).unwrap();
    let (a, b) = (node(), node());
    let diagnosis = examine(at(&format!("{},{}", a.address(), b.address())));
    assert_names(&diagnosis, &[]);
    assert!(diagnosis.to_text().contains("each server takes the tokens of the others"), "{}", diagnosis.to_text());
}
