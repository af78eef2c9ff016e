//! Nacos's token cache.

use devserver::{Generation, Options, Server};

use crate::client::{login, login_as, read, status_with, wait_until};

fn start(generation: Generation, ttl: u64) -> Server {
    Server::start(Options { generation, ttl, token_cache: true, ..Options::default() }).expect("a server")
}

#[test]
fn everybody_gets_the_same_token_and_less_of_it() {
    let server = start(Generation::V2, 100);
    let (first, ttl) = login(&server);
    assert!((99..=100).contains(&ttl), "{ttl}");
    wait_until("tokenTtl to fall", || {
        let (token, left) = login(&server);
        assert_eq!(token, first);
        left < ttl - 1
    });
    assert_ne!(login_as(&server, "poor", "poor").0, first);
}

#[test]
fn a_new_token_comes_in_the_last_tenth() {
    let server = start(Generation::V3, 10);
    let (first, _) = login(&server);
    let mut left_before = 10;
    wait_until("another token", || {
        let (token, left) = login(&server);
        let changed = token != first;
        if changed {
            assert_eq!(left_before, 1, "the window of 10 s is the last second");
            assert!(left >= 9);
        }
        left_before = left;
        changed
    });
    assert_eq!(status_with(&server, &first), 200, "the first one lives on");
}

#[test]
fn below_ten_seconds_there_is_no_window() {
    let server = start(Generation::V2, 2);
    let (first, _) = login(&server);
    let mut lowest = 2;
    wait_until("another token", || {
        let (token, left) = login(&server);
        lowest = lowest.min(if token == first { left } else { lowest });
        token != first
    });
    assert_eq!(lowest, 0);
    assert_eq!(status_with(&server, &first), 200, "accepted until the next sweep, though expired");
}

#[test]
fn a_new_secret_does_not_reach_the_cache() {
    let server = start(Generation::V2, 100);
    let (first, _) = login(&server);
    server.set_secret(None).expect("a random secret");
    assert_eq!(login(&server).0, first);
    assert_eq!(status_with(&server, &first), 200);
    server.revoke();
    assert_eq!(read(&server, &first).expect("an answer").message(), "Invalid signature");
    assert_ne!(login(&server).0, first);
}

#[test]
fn older_servers_have_none() {
    for generation in [Generation::V14, Generation::RNacos] {
        let server = start(generation, 100);
        let (first, _) = login(&server);
        wait_until("another token", || login(&server).0 != first);
    }
}
