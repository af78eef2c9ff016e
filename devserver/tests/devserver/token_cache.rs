//! Nacos's token cache from outside; its times are tested inside, where they need no waiting.

use devserver::{Generation, Options, Server};

use crate::client::{login, read, status_with, wait_until};

fn start(generation: Generation) -> Server {
    Server::start(Options { generation, ttl: Some(100), token_cache: true, ..Options::default() }).expect("a server")
}

#[test]
fn everybody_gets_the_same_token_and_less_of_it() {
    let server = start(Generation::V3);
    let (first, ttl) = login(&server);
    assert!((99..=100).contains(&ttl), "{ttl}");
    wait_until("tokenTtl to fall", || {
        let (token, left) = login(&server);
        assert_eq!(token, first);
        left < ttl
    });
}

#[test]
fn a_new_secret_does_not_reach_it_but_a_revocation_does() {
    let server = start(Generation::V2);
    let (first, _) = login(&server);
    server.set_secret(None).expect("a random secret");
    assert_eq!(login(&server).0, first);
    assert_eq!(status_with(&server, &first), 200);
    server.revoke();
    assert_eq!(read(&server, &first).expect("an answer").message(), "Invalid signature");
    assert_ne!(login(&server).0, first);
}
