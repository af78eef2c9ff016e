use super::*;
use crate::generation::Generation;

/// The middle of a second, some time ago: nothing here looks at a clock.
const START: Millis = 1_700_000_000_500;
const SECOND: Millis = 1000;

fn tokens(generation: Generation, ttl: u64, cache_on: bool) -> Tokens {
    Tokens::new(generation.dialect(), vec![7; 32], ttl, cache_on, START)
}

#[test]
fn from_2_on_a_token_lives_through_the_second_of_its_exp() {
    for (generation, last) in [(Generation::V14, 5499), (Generation::V2, 6499), (Generation::RNacos, 5999)] {
        let mut tokens = tokens(generation, 6, false);
        let (token, ttl) = tokens.issue("nacos", START);
        assert_eq!(ttl, 6);
        assert_eq!(tokens.check(&token, START + last), Ok("nacos".to_owned()), "{generation:?}");
        assert!(tokens.check(&token, START + last + 1).is_err(), "{generation:?}");
    }
}

#[test]
fn what_is_wrong_with_a_token() {
    let mut tokens = tokens(Generation::V2, 6, false);
    let foreign = jwt::sign(&[8; 32], &Claims { sub: "nacos".to_owned(), exp: i64::MAX });
    for (token, rejection) in [
        ("", Rejection::NoToken),
        ("garbage", Rejection::Malformed),
        ("a.b.", Rejection::Malformed),
        ("a.b.c", Rejection::ForeignHeader),
        (foreign.as_str(), Rejection::Signature),
    ] {
        assert_eq!(tokens.check(token, START), Err(rejection), "{token}");
    }
}

#[test]
fn of_a_known_token_older_servers_tell_the_whole_life() {
    for (generation, left) in [(Generation::V14, 100), (Generation::V2, 60)] {
        let mut tokens = tokens(generation, 100, false);
        let (token, _) = tokens.issue("nacos", START);
        assert_eq!(tokens.ttl_of(&token, START + 40 * SECOND), left);
    }
}

#[test]
fn a_token_after_a_revocation_is_another_one() {
    let mut tokens = tokens(Generation::V2, 100, false);
    let (old, _) = tokens.issue("nacos", START);
    tokens.revoke();
    let (new, ttl) = tokens.issue("nacos", START);
    assert_eq!(ttl, 101, "it lives a second longer, and says so");
    assert_eq!(tokens.check(&old, START), Err(Rejection::Signature));
    assert_eq!(tokens.check(&new, START), Ok("nacos".to_owned()));
}

#[test]
fn the_cache_gives_the_same_token_until_its_last_tenth() {
    let mut tokens = tokens(Generation::V2, 100, true);
    let (first, ttl) = tokens.issue("nacos", START);
    assert_eq!(ttl, 100);
    assert_eq!(tokens.issue("nacos", START + 45 * SECOND), (first.clone(), 55));
    assert_eq!(tokens.issue("nacos", START + 90 * SECOND), (first.clone(), 10));
    let (second, ttl) = tokens.issue("nacos", START + 90 * SECOND + 1);
    assert_ne!(second, first);
    assert_eq!(ttl, 100);
    assert!(tokens.check(&first, START + 91 * SECOND).is_ok(), "the first one lives on");
    assert_ne!(tokens.issue("poor", START + 91 * SECOND).0, second);
}

#[test]
fn below_ten_seconds_there_is_no_last_tenth() {
    let mut tokens = tokens(Generation::V3, 9, true);
    let (first, _) = tokens.issue("nacos", START);
    assert_eq!(tokens.issue("nacos", START + 9 * SECOND), (first.clone(), 0));
    assert_ne!(tokens.issue("nacos", START + 9 * SECOND + 1).0, first);
}

#[test]
fn the_cache_accepts_what_expired_until_it_is_swept() {
    let mut tokens = tokens(Generation::V2, 100, true);
    let (token, _) = tokens.issue("nacos", START);
    // It ends after 100 s; Nacos sweeps after 30, 90, 150 s.
    assert!(tokens.check(&token, START + 149 * SECOND).is_ok());
    assert_eq!(tokens.check(&token, START + 150 * SECOND), Err(Rejection::Expired));
}

#[test]
fn the_cache_has_words_of_its_own() {
    let mut tokens = tokens(Generation::V2, 100, true);
    let sign = |sub: &str, exp| jwt::sign(&[7; 32], &Claims { sub: sub.to_owned(), exp });
    let now = START / SECOND;
    assert_eq!(tokens.check(&sign("", now + 10), START), Err(Rejection::CacheNoUser));
    assert_eq!(tokens.check(&sign("nacos", now), START), Err(Rejection::CacheExpired));
    assert_eq!(tokens.check(&sign("nacos", now - 1), START), Err(Rejection::Expired));
}

#[test]
fn a_new_secret_does_not_reach_what_is_cached() {
    let mut tokens = tokens(Generation::V2, 100, true);
    let (issued, _) = tokens.issue("nacos", START);
    let used = jwt::sign(&[7; 32], &Claims { sub: "poor".to_owned(), exp: START / SECOND + 50 });
    let unused = jwt::sign(&[7; 32], &Claims { sub: "poor".to_owned(), exp: START / SECOND + 51 });
    assert!(tokens.check(&used, START).is_ok());
    tokens.set_secret(vec![9; 32]);
    assert_eq!(tokens.issue("nacos", START).0, issued);
    assert!(tokens.check(&issued, START).is_ok());
    assert!(tokens.check(&used, START).is_ok());
    assert_eq!(tokens.check(&unused, START), Err(Rejection::Signature));
    tokens.restart(START);
    assert_eq!(tokens.check(&issued, START), Err(Rejection::Signature), "a restart forgets the cache");
}

#[test]
fn older_servers_and_rnacos_have_no_cache() {
    for generation in [Generation::V14, Generation::RNacos] {
        let mut tokens = tokens(generation, 100, true);
        let (first, _) = tokens.issue("nacos", START);
        assert_ne!(tokens.issue("nacos", START + SECOND).0, first);
    }
}
