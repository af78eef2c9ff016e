//! What may happen to a login.

use std::sync::atomic::{AtomicBool, AtomicUsize};

use super::*;

fn text_within(client: &Client, seconds: u64) -> String {
    client.token_within(Duration::from_secs(seconds), None).unwrap().secret.expose().into()
}

fn text(client: &Client) -> String {
    client.token().unwrap().secret.expose().into()
}

/// The host and the password of every login.
type Seen = Arc<Mutex<Vec<(String, String)>>>;

/// Logins answered by `answer`, which is told the host and the password.
fn witnessed(answer: impl Fn(&str, &str) -> Result<(u16, String), Fault> + Send + Sync + 'static) -> (Script, Seen) {
    let seen = Seen::default();
    let witness = seen.clone();
    let login = move |out: &Outgoing| {
        let host = out.endpoint.host.split('.').next().unwrap().to_owned();
        let body = body(out);
        let password = body.rsplit("password=").next().unwrap().to_owned();
        let answer = answer(&host, &password);
        witness.lock().push((host, password));
        answer
    };
    (Box::new(login), seen)
}

fn granted() -> Result<(u16, String), Fault> {
    Ok((200, r#"{"accessToken":"t","tokenTtl":18000}"#.into()))
}

#[test]
fn situation_01_a_thousand_threads_share_one_login() {
    let f = fixture(Some(Duration::from_millis(100)), tokens().0, says(200, ""));
    assert!(at_once(1000, || text(&f.client)).iter().all(|token| token == "t1"));
    assert_eq!((f.logins(), f.client.stats().logins), (1, 1));
}

#[test]
fn situation_03_a_thousand_threads_share_one_error() {
    let f = fixture(SOON, says(403, "unknown user!"), says(403, "unknown user!"));
    for error in at_once(1000, || f.client.token().unwrap_err()) {
        assert_eq!((error.kind(), error.http_status()), (Kind::BadCredentials, Some(403)));
        assert!(error.retry_after().is_some());
    }
    assert!(f.client.token().unwrap_err().retry_after().unwrap() > Duration::from_secs(15));
    assert_eq!(f.logins(), 1);
}

#[test]
fn situation_09_the_right_password_is_used_at_once() {
    let login = |_: &str, password: &str| {
        if password == "right" { granted() } else { Ok((403, "user not found!".into())) }
    };
    let f = fixture(SOON, witnessed(login).0, says(403, "user not found!"));
    assert_eq!(f.client.token().unwrap_err().kind(), Kind::BadCredentials);
    f.client.set_credentials("nacos", "right").unwrap();
    assert_eq!(text(&f.client), "t");
    let stats = f.client.stats();
    assert_eq!((stats.logins, stats.login_failures), (1, 1));
    assert_eq!(f.client.set_credentials("", "x").unwrap_err().kind(), Kind::InvalidArgument);
}

#[test]
fn situation_09_a_password_that_is_right_again_is_used_at_once() {
    let right = Arc::new(Mutex::new("right"));
    let now = right.clone();
    let login = move |_: &str, password: &str| {
        if password == *now.lock() { granted() } else { Ok((403, "unknown user!".into())) }
    };
    let f = fixture(SOON, witnessed(login).0, says(403, "unknown user!"));
    assert_eq!(f.client.token().unwrap_err().kind(), Kind::BadCredentials);
    f.client.set_credentials("nacos", "right").unwrap();
    assert_eq!(text(&f.client), "t");
    *right.lock() = "hunter2";
    // The same ones are no news, and must not cost a login.
    f.client.set_credentials("nacos", "right").unwrap();
    assert_eq!((text(&f.client).as_str(), f.logins()), ("t", 2));
    f.client.set_credentials("nacos", "hunter2").unwrap();
    assert_eq!((text(&f.client).as_str(), f.logins()), ("t", 3));
}

#[test]
fn situation_10_the_answer_to_a_login_with_the_old_password_is_thrown_away() {
    let login = |_: &str, password: &str| {
        if password == "hunter2" {
            // The slow one is the old one, so that its answer comes last.
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok((200, format!(r#"{{"accessToken":"of-{password}","tokenTtl":18000}}"#)))
    };
    let (login, _) = witnessed(login);
    let f = fixture(SOON, login, says(200, ""));
    let hasty = f.client.token_within(Duration::from_millis(10), None).unwrap_err();
    assert_eq!((hasty.kind(), f.logins()), (Kind::Timeout, 1));
    f.client.set_credentials("nacos", "new").unwrap();
    assert_eq!(text(&f.client), "of-new");
    // Longer than the old one takes, which nobody waits for any more.
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!((text(&f.client).as_str(), f.client.stats().logins), ("of-new", 1));
}

#[test]
fn situation_12_the_second_opinion_is_another_servers() {
    let (login, seen) = witnessed(|_, _| Ok((403, "user not found!".into())));
    let f = cluster(3, SOON, login, says(403, "user not found!"));
    f.client.token().unwrap_err();
    // The second login itself comes after some 20 s; this is the server it goes to.
    let session = f.session();
    let next = session.servers.candidates(clock::now())[0].address.name().to_owned();
    assert!(!next.starts_with(&seen.lock()[0].0), "{next} again");
}

#[test]
fn situation_13_a_500_to_a_password_known_to_be_good_is_the_servers_fault() {
    let good = std::sync::atomic::AtomicBool::new(true);
    let login = move |_: &Outgoing| {
        if good.swap(false, Ordering::SeqCst) { granted() } else { Ok((500, "caused: something;".into())) }
    };
    let f = fixture(SOON, Box::new(login), says(200, ""));
    let token = f.client.token().unwrap();
    f.client.report_rejected(token.generation, 403, b"token expired!").unwrap();
    let error = f.client.token().unwrap_err();
    assert_eq!((error.kind(), error.is_retryable()), (Kind::Server, true));
    // Of a password that nobody has seen to be good, a 500 says that it is wrong.
    let f = fixture(SOON, says(500, "caused: User x not found;"), says(403, "user not found!"));
    assert_eq!(f.client.token().unwrap_err().kind(), Kind::BadCredentials);
}

#[test]
fn situation_18_the_same_string_again_is_a_new_generation() {
    let f = fixture(SOON, Box::new(|_| granted()), says(200, ""));
    let first = f.client.token().unwrap();
    f.client.report_rejected(first.generation, 403, b"token expired!").unwrap();
    let seconds = at_once(20, || f.client.token().unwrap());
    assert!(seconds.iter().all(|s| s.generation > first.generation && s.secret == first.secret));
    assert_eq!(f.logins(), 2);
}

#[test]
fn situation_28_a_deadline_ends_the_wait_but_not_the_login() {
    let f = fixture(Some(Duration::from_millis(400)), tokens().0, says(200, ""));
    let began = Instant::now();
    let error = f.client.token_within(Duration::from_millis(50), None).unwrap_err();
    assert_eq!(error.kind(), Kind::Timeout);
    assert!(began.elapsed() >= Duration::from_millis(50) && began.elapsed() < Duration::from_millis(300));
    assert_eq!(text(&f.client), "t1");
    assert_eq!(f.logins(), 1);
}

#[test]
fn situation_28_a_deadline_may_lie_beyond_the_end_of_time() {
    let f = fixture(SOON, tokens().0, says(200, ""));
    assert_eq!(f.client.token_within(Duration::MAX, None).unwrap().secret.expose(), "t1");
    let request = Request::get("/v1/x").unwrap().timeout(Duration::MAX);
    assert_eq!(f.client.request(request).unwrap().status(), 200);
}

#[test]
fn situation_30_the_living_serve_and_the_dead_are_not_asked_first() {
    for living in ["host0", "host1", "host2"] {
        let (login, seen) = witnessed(move |host, _| if host == living { granted() } else { Err(Fault::Connect) });
        let asked = Arc::new(Mutex::new(Vec::new()));
        let witness = asked.clone();
        let request: Script = Box::new(move |out| {
            let host = out.endpoint.host.split('.').next().unwrap().to_owned();
            let lives = host == living;
            witness.lock().push(host);
            if lives { Ok((200, "ok".into())) } else { Err(Fault::Connect) }
        });
        let f = cluster(3, SOON, login, request);
        assert_eq!(f.get().unwrap().status(), 200);
        assert!(seen.lock().len() <= 3 && seen.lock().last().unwrap().0 == living);
        for _ in 0..20 {
            assert_eq!(f.get().unwrap().status(), 200);
        }
        // Whoever was found dead by the login is not asked by a request.
        assert!(asked.lock().len() <= 21 + 3 - seen.lock().len(), "{:?} after {:?}", asked.lock(), seen.lock());
        assert_eq!(f.client.stats().login_failures, 0);
    }
}

#[test]
fn situation_31_a_redirected_login_goes_nowhere() {
    let (login, seen) = witnessed(|_, _| Ok((302, String::new())));
    let f = cluster(3, SOON, login, says(200, ""));
    let error = f.client.token().unwrap_err();
    assert_eq!((error.kind(), error.http_status()), (Kind::Protocol, Some(302)));
    // Each server once at each path of 1.x: nobody has judged the password.
    assert_eq!(seen.lock().len(), 6);
}

/// What a client makes of this answer to its logins.
fn is_a_protocol_error(body: String) {
    let login = body.clone();
    let f = fixture(SOON, Box::new(move |_| Ok((200, login.clone()))), says(403, "user not found!"));
    assert_eq!(f.client.token().unwrap_err().kind(), Kind::Protocol, "{body}");
    assert!(f.get().is_err() && f.logins() <= 2, "{body}");
}

#[test]
fn situation_33_a_token_that_no_header_can_carry_is_refused() {
    for token in ["a\\rb", "a\\nb", "a\\u0000b", "a b", "\u{e4}", "a\\u007f"] {
        is_a_protocol_error(format!(r#"{{"accessToken":"{token}"}}"#));
    }
}

#[test]
fn situation_53_an_empty_answer_to_a_login_is_a_protocol_error() {
    is_a_protocol_error(String::new());
}

#[test]
fn situation_32_what_is_no_answer_of_a_nacos_is_a_protocol_error() {
    let deep = || "[".repeat(60_000);
    for body in [
        "<html><body>Welcome</body></html>".into(),
        r#"{"accessToken":"eyJhb"#.into(),
        r#"{"accessToken":"t","tokenTtl":NaN}"#.into(),
        "\u{0}\u{1}".into(),
        deep(),
    ] {
        is_a_protocol_error(body);
    }
    let f = fixture(SOON, Box::new(|_| Err(Fault::TooLarge)), says(403, ""));
    assert_eq!(f.client.token().unwrap_err().kind(), Kind::Protocol);
    // The last of two wins, as with every JSON library.
    let f = fixture(SOON, says(200, r#"{"accessToken":"a","accessToken":"b"}"#), says(200, ""));
    assert_eq!(text(&f.client), "b");
}

#[test]
fn situation_35_the_other_login_api_is_found_and_found_again_after_an_upgrade() {
    let f = fixture(SOON, tokens().0, says(200, ""));
    let renew = || {
        let token = f.client.token().unwrap();
        for answer in [(200, ""), (403, "token expired!")] {
            f.client.report_rejected(token.generation, answer.0, answer.1.as_bytes()).unwrap();
        }
        text(&f.client)
    };
    assert_eq!((text(&f.client).as_str(), renew().as_str()), ("t1", "t2"));
    f.speaks(3);
    assert_eq!(renew(), "t3");
    f.speaks(1);
    assert_eq!(renew(), "t4");
    assert_eq!((f.logins(), f.client.stats().login_failures), (4, 0));
}

#[test]
fn situation_36_no_token_rides_on_a_login() {
    // The transport itself looks at every login; this one happens while an expired token is held.
    let f = fixture(SOON, Box::new(|_| Ok((200, r#"{"accessToken":"t","tokenTtl":1}"#.into()))), says(200, ""));
    f.client.token().unwrap();
    let limit = Instant::now() + Duration::from_secs(10);
    while f.logins() < 3 && Instant::now() < limit {
        f.client.token().unwrap();
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(f.logins() >= 3 && f.client.stats().login_failures == 0);
}

#[test]
fn situation_41_a_panic_in_a_login_is_an_error_to_its_waiters_and_no_more() {
    let broken = std::sync::atomic::AtomicBool::new(true);
    let login = move |_: &Outgoing| {
        assert!(!broken.swap(false, Ordering::SeqCst), "scripted");
        granted()
    };
    let f = fixture(SOON, Box::new(login), says(200, ""));
    assert!(at_once(20, || f.client.token().unwrap_err().kind()).iter().all(|kind| *kind == Kind::Internal));
    assert_eq!(text(&f.client), "t");
}

#[test]
fn situation_41_a_panic_in_the_refresher_does_not_end_it() {
    let f = fixture(SOON, tokens().0, says(200, ""));
    let token = f.client.token().unwrap();
    f.breaks_the_refresher();
    f.client.report_rejected(token.generation, 403, b"token expired!").unwrap();
    assert_eq!(text(&f.client), "t2");
}

#[test]
fn situation_29_a_login_in_vain_goes_to_each_server_at_most_once() {
    let asked = |trouble, kind| {
        let (login, seen) = witnessed(move |_, _| Err(trouble));
        let f = cluster(3, SOON, login, says(200, ""));
        assert_eq!(f.client.token().unwrap_err().kind(), kind);
        let mut hosts: Vec<String> = seen.lock().iter().map(|(host, _)| host.clone()).collect();
        hosts.sort();
        hosts.join(" ")
    };
    assert_eq!(asked(Fault::Connect, Kind::Connect), "host0 host1 host2");
    assert_eq!(asked(Fault::Io, Kind::Io), "host0 host1 host2");
    // One that takes its time has been reached. What it cannot cope with is not given to the others as well.
    assert_eq!(asked(Fault::Timeout, Kind::Timeout).split(' ').count(), 1);
}

#[test]
fn situation_11_a_node_that_has_restarted_unseen_keeps_nobody_waiting() {
    let starting = Arc::new(Mutex::new(String::new()));
    let down = starting.clone();
    let (login, seen) =
        witnessed(
            move |host, _| {
                if *down.lock() == host { Ok((500, "caused: User nacos not found;".into())) } else { granted() }
            },
        );
    let f = cluster(3, SOON, login, says(200, ""));
    text(&f.client);
    *starting.lock() = seen.lock()[0].0.clone();
    let token = f.client.token().unwrap();
    f.client.report_rejected(token.generation, 403, b"token expired!").unwrap();
    let began = Instant::now();
    text(&f.client);
    assert!(began.elapsed() < Duration::from_secs(3));
    let hosts: Vec<String> = seen.lock().iter().map(|(host, _)| host.clone()).collect();
    assert_eq!(hosts.len(), 3);
    assert!(hosts[1] == hosts[0] && hosts[2] != hosts[0], "{hosts:?}");
}

#[test]
fn situation_11_servers_that_start_after_an_outage_are_asked_one_at_a_time() {
    let good = AtomicBool::new(true);
    let login = move |_: &Outgoing| {
        if good.swap(false, Ordering::SeqCst) { granted() } else { Ok((500, "caused: User nacos not found;".into())) }
    };
    let f = cluster(3, SOON, Box::new(login), says(200, ""));
    let token = f.client.token().unwrap();
    f.session().server_unreachable();
    f.client.report_rejected(token.generation, 403, b"token expired!").unwrap();
    f.client.token_within(Duration::from_millis(1500), None).unwrap_err();
    assert_eq!(f.logins(), 2);
}

#[test]
fn situation_11_a_call_waits_until_a_server_that_has_started_knows_its_users() {
    let times = AtomicUsize::new(0);
    let login = move |_: &Outgoing| match times.fetch_add(1, Ordering::SeqCst) {
        1 | 2 => Ok((403, "unknown user!".into())),
        _ => granted(),
    };
    let f = fixture(SOON, Box::new(login), says(200, ""));
    let token = f.client.token().unwrap();
    f.session().server_unreachable();
    f.client.report_rejected(token.generation, 403, b"token expired!").unwrap();
    let asked = at_once(10, || f.client.token_within(Duration::from_secs(15), None).map(|_| ()));
    assert!(asked.iter().all(Result::is_ok), "{asked:?}");
    assert_eq!(f.logins(), 4);
}

#[test]
fn a_token_that_comes_after_the_login_was_given_up_is_used() {
    // The next login begins half a second after the end of this one at the earliest.
    let f = fixture(Some(Duration::from_millis(30_100)), tokens().0, says(200, "ok"));
    let asked = at_once(2, || text_within(&f.client, 40));
    assert_eq!(asked, ["t1", "t1"]);
    assert_eq!((f.client.stats().login_failures, f.client.stats().logins, f.logins()), (1, 1, 1));
}
