//! What a client says of its health, in each state that it can be in.

use super::*;
use crate::{Anonymous, Cause, Health, HealthStatus, TokenState, session::Condition, session::Gauges};

/// A client that has just been made.
fn fresh() -> Condition {
    let (token, refresh) = (TokenState::None, RefreshState::Idle);
    Condition {
        gauges: Gauges { generation: 0, remaining_ms: 0, retry_in: Duration::ZERO, token, refresh },
        error: None,
        failing_for: None,
        refused_everywhere: false,
        login_for: None,
        waits_for: None,
        external: false,
        was_good: false,
        open: false,
    }
}

fn of(change: impl FnOnce(&mut Condition)) -> Health {
    let mut condition = fresh();
    change(&mut condition);
    Health::of(condition, false, "a:8848", |_| false)
}

fn refused() -> Option<Error> {
    Some(Error::new(Kind::BadCredentials, "a:8848 refuses it"))
}

fn seen(health: &Health) -> (HealthStatus, Option<Cause>) {
    (health.status, health.cause())
}

use HealthStatus::{Degraded, Down, Ok as Well, Unknown};

#[test]
fn every_state_of_token_and_logins_has_its_status() {
    let usable = [TokenState::Fresh, TokenState::Advisory, TokenState::Mandatory];
    let gone = [TokenState::None, TokenState::Expired, TokenState::Rejected];
    for state in usable {
        assert_eq!(seen(&of(|c| c.gauges.token = state)), (Well, None), "{state:?}");
    }
    // An error without a failed login: tokens were refused one after the other, and then one was taken.
    let taken = of(|c| (c.gauges.token, c.error) = (TokenState::Fresh, refused()));
    assert_eq!(seen(&taken), (Well, None));
    for (states, expected) in [(usable, Degraded), (gone, Down)] {
        for state in states {
            let failing = |c: &mut Condition| {
                (c.gauges.token, c.error, c.failing_for) = (state, refused(), Some(Duration::from_secs(7)));
                c.gauges.retry_in = Duration::from_secs(20);
            };
            let health = of(failing);
            assert_eq!(seen(&health), (expected, Some(Cause::WrongCredentials)), "{state:?}");
            assert_eq!(health.failing_for, Some(Duration::from_secs(7)));
            assert_eq!(health.error.unwrap().retry_after(), Some(Duration::from_secs(20)));
            // The same while the next one is under way, and when its time has come.
            for retry_in in [0, 1] {
                let retrying = of(|c| {
                    failing(c);
                    (c.login_for, c.gauges.retry_in) = (Some(Duration::from_secs(1)), Duration::from_secs(retry_in));
                });
                assert_eq!(seen(&retrying), (expected, Some(Cause::WrongCredentials)), "{state:?}");
            }
        }
    }
}

#[test]
fn nothing_is_known_before_the_first_login_has_ended() {
    assert_eq!(seen(&of(|_| ())), (Unknown, None));
    assert!(!of(|_| ()).is_ready());
    assert_eq!(seen(&of(|c| c.login_for = Some(Duration::from_secs(4)))), (Unknown, None));
    let waits = |secs, waits_for| of(|c| (c.login_for, c.waits_for) = (Some(Duration::from_secs(secs)), waits_for));
    assert_eq!(seen(&waits(4, Some(Cause::CredentialsCallback))), (Unknown, None));
    // A login that nobody answers, or that gets no credentials, is bad news long before its time is over.
    assert_eq!(seen(&waits(5, None)), (Down, Some(Cause::NoAnswer)));
    for cause in [Cause::CredentialsCallback, Cause::PasswordFile] {
        assert_eq!(seen(&waits(5, Some(cause))), (Down, Some(cause)));
    }
    // A token that works keeps calls from noticing.
    let hanging = of(|c| (c.gauges.token, c.login_for) = (TokenState::Advisory, Some(Duration::from_secs(29))));
    assert_eq!(seen(&hanging), (Well, None));
}

#[test]
fn a_token_that_has_ended_or_was_refused_is_bad_only_when_logins_bring_no_other() {
    for state in [TokenState::Expired, TokenState::Rejected] {
        let health = of(|c| c.gauges.token = state);
        assert_eq!(seen(&health), (Degraded, Some(Cause::TokenExpired)), "{state:?}");
        assert!(health.is_ready());
        let hanging = of(|c| (c.gauges.token, c.login_for) = (state, Some(Duration::from_secs(5))));
        assert_eq!(seen(&hanging), (Down, Some(Cause::NoAnswer)));
    }
    let everywhere = of(|c| {
        (c.gauges.token, c.refused_everywhere) = (TokenState::Rejected, true);
        c.error = Some(Error::new(Kind::Forbidden, "two in a row"));
    });
    assert_eq!(seen(&everywhere), (Down, Some(Cause::NewTokensRefused)));
}

#[test]
fn a_pause_that_a_former_client_left_behind_is_bad_until_it_is_over() {
    let left = |secs| of(|c| (c.error, c.gauges.retry_in) = (refused(), Duration::from_secs(secs)));
    assert_eq!(seen(&left(3)), (Down, Some(Cause::WrongCredentials)));
    assert_eq!(seen(&left(0)), (Unknown, None));
}

#[test]
fn where_no_token_is_asked_for_requests_go_without_one() {
    let open = |c: &mut Condition| (c.open, c.error, c.failing_for) = (true, refused(), Some(Duration::ZERO));
    let health = |may: bool| {
        let mut condition = fresh();
        open(&mut condition);
        Health::of(condition, false, "a:8848", |_| may)
    };
    assert_eq!(seen(&health(true)), (Degraded, Some(Cause::SentWithoutToken)));
    assert_eq!(seen(&health(false)), (Down, Some(Cause::WrongCredentials)));
}

#[test]
fn what_was_closed_is_down_whatever_it_was_before() {
    for state in [TokenState::None, TokenState::Fresh] {
        let mut condition = fresh();
        condition.gauges.token = state;
        assert_eq!(seen(&Health::of(condition, true, "a", |_| false)), (Down, Some(Cause::Closed)));
    }
}

#[test]
fn from_the_first_login_to_a_wrong_password_and_back() {
    let right = Arc::new(AtomicBool::new(true));
    let now = right.clone();
    let login = move |_: &Outgoing| match now.load(Ordering::SeqCst) {
        true => Ok((200, r#"{"accessToken":"t","tokenTtl":18000}"#.into())),
        false => Ok((403, "unknown user!".into())),
    };
    let f = fixture(SOON, Box::new(login), says(200, "ok"));
    assert_eq!(seen(&f.client.health()), (Unknown, None));
    assert_eq!(f.logins(), 0, "a look at the health logs in");
    f.takes_its_first_token();
    let health = f.client.health();
    assert_eq!((seen(&health), health.failing_for), ((Well, None), None));
    assert!(health.remaining_ms > 17_000_000 && health.is_ready());

    // The password is changed: the new one is refused, while the old token works on.
    right.store(false, Ordering::SeqCst);
    f.client.set_credentials("nacos", "another").unwrap();
    f.client.token().unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    while f.client.health().status != Degraded {
        assert!(Instant::now() < deadline, "{:?}", f.client.health());
        std::thread::sleep(Duration::from_millis(5));
    }
    let health = f.client.health();
    let error = health.error.as_ref().unwrap();
    assert!(matches!(error.cause(), Cause::WrongCredentials | Cause::UnknownUser), "{error:?}");
    assert!(error.server().is_some() && !error.message().contains("another"), "{error:?}");
    assert!(health.failing_for.is_some() && !health.retry_in.is_zero() && health.remaining_ms > 0);

    f.client.close();
    assert_eq!(seen(&f.client.health()), (Down, Some(Cause::Closed)));
}

#[test]
fn without_a_token_and_with_logins_that_fail_it_is_down() {
    let f = fixture(SOON, says(403, "unknown user!"), says(403, "unknown user!"));
    let error = f.client.token().unwrap_err();
    let health = f.client.health();
    assert_eq!(seen(&health), (Down, Some(error.cause())));
    assert_eq!(health.error.unwrap().message(), error.message());
}

#[test]
fn where_authentication_is_off_it_works_without_a_token() {
    let f = fixture(SOON, says(500, "caused: User nacos not found;"), says(200, "ok"));
    assert!(f.client.token().is_err());
    assert_eq!(f.client.health().status, Down, "nobody has asked the server yet");
    f.get().unwrap();
    assert_eq!(seen(&f.client.health()), (Degraded, Some(Cause::SentWithoutToken)));
    let never = |server: &str| Config::new(server, "nacos", "hunter2").anonymous(Anonymous::Never);
    let f = with(never, says(500, "caused: User nacos not found;"), says(200, "ok"));
    assert!(f.get().is_err());
    assert_eq!(f.client.health().status, Down);
}

#[test]
fn a_token_from_elsewhere_works_to_its_end_and_as_long_as_it_is_taken() {
    let f = fixture(SOON, says(500, "no"), says(403, "token invalid!"));
    f.client.set_token("given", None).unwrap();
    assert_eq!(seen(&f.client.health()), (Well, None));
    let token = f.client.token().unwrap();
    f.client.report_rejected(token.generation, 403, b"token invalid!").unwrap();
    assert_eq!(seen(&f.client.health()), (Down, Some(Cause::TokenRefused)));
    f.client.set_token("short", Some(Duration::from_millis(1))).unwrap();
    std::thread::sleep(Duration::from_millis(5));
    let health = f.client.health();
    assert_eq!(seen(&health), (Down, Some(Cause::TokenExpired)));
    assert!(health.error.unwrap().message().contains("give it another one"));
    f.client.set_token("long", Some(Duration::from_secs(60))).unwrap();
    assert_eq!(seen(&f.client.health()), (Well, None));
}
