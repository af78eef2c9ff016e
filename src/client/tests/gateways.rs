//! What stands before a Nacos, or in its place; nodes that do not agree; servers that read the token elsewhere.

use std::sync::{
    atomic::{AtomicU32, AtomicUsize},
    mpsc,
};

use super::*;
use crate::{Anonymous, Cause, TokenPlace};

const HTML: &str = "<!doctype html><html><h1>Welcome</h1></html>";
const WRONG: &str = "User not found! Please check user exist or password is right!";
const DENIED: &str =
    r#"{"code":10001,"message":"access denied","data":"Code: 401, Message: User not found! Please check user."}"#;

const SPRING: &str = r#"{"timestamp":"t","path":"/","status":502,"error":"Bad Gateway","message":"no instance"}"#;

type Paths = Arc<Mutex<Vec<String>>>;

/// A client of one server whose logins are answered at every path, and the paths of those that came.
fn behind(
    login: impl Fn(&str) -> (u16, String) + Send + Sync + 'static,
    request: impl Fn(&Outgoing) -> (u16, String) + Send + Sync + 'static,
) -> (Fixture, Paths) {
    let paths = Paths::default();
    let seen = paths.clone();
    let login = move |out: &Outgoing| {
        seen.lock().push(out.target.path().to_owned());
        Ok(login(out.target.path()))
    };
    let f = fixture(SOON, Box::new(login), Box::new(move |out| Ok(request(out))));
    f.speaks(0);
    (f, paths)
}

fn token(text: &str) -> (u16, String) {
    (200, format!(r#"{{"accessToken":"{text}","tokenTtl":18000}}"#))
}

fn post(client: &Client) -> Result<Response> {
    client.request(Request::post("/v1/cs/configs").unwrap().body("content=for-nacos-only"))
}

#[test]
fn situation_58_a_login_is_found_behind_whatever_answers_at_the_other_paths() {
    let answers = [
        (403, HTML),
        (401, ""),
        (400, "Bad Request"),
        (503, HTML),
        (302, ""),
        (200, HTML),
        (200, ""),
        (501, HTML),
        (405, ""),
        (404, HTML),
        (500, HTML),
        (403, r#"{"timestamp":"t","status":403,"error":"Forbidden","message":"unknown user!","path":"/"}"#),
    ];
    let open = ["/nacos/v3/auth/user/login", "/nacos/v1/auth/login", "/nacos/v1/auth/users/login"];
    let cases = answers.into_iter().flat_map(|answer| open.map(|path| (answer, path)));
    side_by_side(cases, |((status, page), open)| {
        let (f, paths) =
            behind(move |path| if path == open { token("t") } else { (status, page.into()) }, |_| (200, "ok".into()));
        assert_eq!(f.get().unwrap().status(), 200, "{status} {open}");
        let looked = paths.lock().len();
        // Found once, it is asked first.
        let generation = f.client.token().unwrap().generation;
        f.client.report_rejected(generation, 403, b"token expired!").unwrap();
        f.client.token().unwrap();
        let paths = paths.lock();
        assert_eq!((paths.len(), paths.last().unwrap().as_str()), (looked + 1, open), "{status}");
    });
}

#[test]
fn situation_58_a_login_is_found_behind_words_that_are_nacoss_only_by_chance() {
    let document = |status: u16| {
        let path = "/nacos/v3/auth/user/login";
        (status, format!(r#"{{"timestamp":"t","status":{status},"error":"E","message":"no route","path":"{path}"}}"#))
    };
    let said = [
        (403, "RBAC: access denied"),
        (403, "access denied by plugin"),
        (401, "Access denied due to missing subscription key"),
        (401, r#"{"error":"invalid_token","error_description":"Bad credentials"}"#),
        (403, r#"{"message":"invalid token"}"#),
        (401, r#"{"message":"user not found"}"#),
        (200, r#"{"code":401,"message":"Login failed, token missing"}"#),
        (200, r#"{"code":30000,"message":"route not found","data":null}"#),
        (500, r#"{"code":500,"message":"No static resource nacos/v3/auth/user/login."}"#),
    ];
    let said = said.map(|(status, words)| Ok((status, words.to_owned())));
    let documents = [401, 502, 503, 504].map(|status| Ok(document(status)));
    let faults = [Fault::TooLarge, Fault::Undecodable].map(Err);
    for answer in said.into_iter().chain(documents).chain(faults) {
        let shown = format!("{answer:?}");
        let login = move |out: &Outgoing| match out.target.path() {
            "/nacos/v3/auth/user/login" => answer.clone(),
            _ => Ok(token("t")),
        };
        let f = fixture(SOON, Box::new(login), says(200, "ok"));
        f.speaks(0);
        assert_eq!(f.get().map(|answer| answer.status()).map_err(|e| e.to_string()), Ok(200), "{shown}");
        assert_eq!(f.logins(), 2, "{shown}");
    }
}

#[test]
fn situation_58_what_wants_to_be_left_alone_is_not_asked_at_another_path() {
    let f = fixture(SOON, Box::new(|_| Err(Fault::AskedToWait(503))), says(200, "ok"));
    f.speaks(0);
    let error = f.get().err().unwrap();
    assert_eq!((error.http_status(), f.logins()), (Some(503), 1));
    assert!(error.retry_after().is_some());
}

#[test]
fn situation_58_what_a_nacos_says_of_a_password_is_asked_once() {
    let document = |status: u16, words: &str| {
        format!(r#"{{"timestamp":"t","status":{status},"error":"E","message":"{words}","path":"/"}}"#)
    };
    for (status, body) in [
        (403, "unknown user!".into()),
        (403, "user not found!".into()),
        (403, WRONG.into()),
        (403, document(403, "Access Denied")),
        (403, format!(r#"{{"code":10001,"message":"access denied","data":"{WRONG}"}}"#)),
        (500, document(500, "No message available")),
        (500, document(500, "Handle API Compatibility failed, please see log for detail.")),
        (500, "caused: User nacos not found;".into()),
        (200, r#"{"code":401,"message":"Login failed","data":null}"#.into()),
        (200, r#"{"code":23000,"message":"Current Nacos auth plugin type is not `nacos`","data":null}"#.into()),
    ] {
        let shown = format!("{status} {body}");
        let (f, paths) = behind(move |_| (status, body.clone()), |_| (403, DENIED.into()));
        assert_eq!(f.client.token().unwrap_err().kind(), Kind::BadCredentials, "{shown}");
        assert_eq!(paths.lock().len(), 1, "{shown}");
    }
}

#[test]
fn situation_58_refusals_through_a_gateway_advise_to_look_at_it() {
    for (status, words) in [(403, "RBAC: access denied"), (401, r#"{"message":"user not found"}"#)] {
        let (f, _) = behind(move |_| (status, words.into()), |_| (403, DENIED.into()));
        let error = f.client.token().unwrap_err();
        assert_eq!((error.cause(), error.http_status()), (Cause::GatewayRefusal, Some(status)), "{error}");
    }
}

#[test]
fn situation_57_a_document_with_502_is_a_gateways_too() {
    let (f, _) = behind(|_| (502, SPRING.into()), |_| (502, SPRING.into()));
    let error = f.client.token_within(Duration::from_millis(500), None).unwrap_err();
    assert_eq!(error.cause(), Cause::Gateway, "{error}");
    assert!(error.retry_after().unwrap() <= Duration::from_secs(3), "{:?}", error.retry_after());
}

#[test]
fn a_page_of_errors_costs_no_permission_and_no_second_post() {
    let page = "<html><body><h1>Error response</h1><p>Error code: 403</p><p>Message: Forbidden.</p></body></html>";
    let count = AtomicU32::new(0);
    let login = move |_: &str| token(&format!("t{}", count.fetch_add(1, Ordering::SeqCst)));
    let (f, paths) =
        behind(login, move |out| if bearer(out) == "t0" { (403, page.into()) } else { (200, "ok".into()) });
    assert_eq!(f.get().unwrap().status(), 200);
    assert_eq!((paths.lock().len(), f.client.stats().rejections_permission), (2, 0));
    for page in [page.replace("403", "401"), "<html>Your session expired</html>".into()] {
        let (f, _) = behind(
            |_| token("t"),
            move |out| if out.method == "POST" { (401, page.clone()) } else { (200, "ok".into()) },
        );
        assert_eq!(f.get().unwrap().status(), 200);
        assert_eq!(post(&f.client).unwrap().status(), 401);
        assert_eq!(f.requests(), 2);
    }
}

#[test]
fn situation_58_another_login_is_looked_for_when_the_one_found_stops_working() {
    let open = Arc::new(Mutex::new("/nacos/v3/auth/user/login"));
    let now = open.clone();
    let (f, _) =
        behind(move |path| if path == *now.lock() { token("t") } else { (403, HTML.into()) }, |_| (200, "ok".into()));
    f.client.token().unwrap();
    *open.lock() = "/nacos/v1/auth/users/login";
    f.client.report_rejected(f.client.token().unwrap().generation, 403, b"token expired!").unwrap();
    f.client.token().unwrap();
}

#[test]
fn situation_58_a_wrong_password_costs_three_looks_through_whatever_gateway() {
    // Of which only the first knows what a Nacos has said.
    for (refusal, looks) in [(WRONG, 1), (HTML, 3), ("", 3)] {
        let (f, paths) = behind(move |_| (403, refusal.into()), |_| (403, DENIED.into()));
        for _ in 0..20 {
            assert_eq!(f.get().err().unwrap().kind(), Kind::BadCredentials);
        }
        assert_eq!(paths.lock().len(), looks, "{refusal}");
        let after = f.client.token().unwrap_err().retry_after().unwrap();
        assert!(looks == 1 || after > Duration::from_secs(800), "{after:?}");
    }
}

#[test]
fn situation_58_a_gateway_without_a_server_is_asked_once_a_login() {
    let down = Arc::new(AtomicBool::new(false));
    let away = down.clone();
    let (f, paths) = behind(
        move |path| match away.load(Ordering::SeqCst) {
            true => (503, HTML.into()),
            false if path.contains("users") => token("t"),
            false => (404, HTML.into()),
        },
        |_| (200, "ok".into()),
    );
    f.client.token().unwrap();
    down.store(true, Ordering::SeqCst);
    paths.lock().clear();
    f.client.report_rejected(f.client.token().unwrap().generation, 403, b"token expired!").unwrap();
    let error = f.client.token_within(Duration::from_millis(1200), None).unwrap_err();
    assert_eq!((error.kind(), error.http_status()), (Kind::Server, Some(503)));
    assert!(error.message().contains("gateway"), "{error}");
    assert_eq!(*paths.lock(), ["/nacos/v1/auth/users/login"]);
}

#[test]
fn situation_59_what_a_stranger_answers_is_no_answer_and_it_gets_no_body() {
    for (status, page) in
        [(200, HTML), (302, ""), (404, HTML), (501, HTML), (200, r#"{"code":200,"data":[]}"#), (405, "")]
    {
        let posts = Arc::new(AtomicU32::new(0));
        let seen = posts.clone();
        let (f, _) = behind(
            move |_| (status, page.into()),
            move |out| {
                seen.fetch_add(u32::from(out.method != "GET" || !body(out).is_empty()), Ordering::SeqCst);
                (status, page.into())
            },
        );
        for _ in 0..3 {
            for answer in [f.get(), post(&f.client)] {
                let error = answer.err().unwrap();
                assert_eq!((error.kind(), error.http_status()), (Kind::Protocol, Some(status)), "{page}");
                assert!(error.message().contains("context_path"), "{error}");
            }
        }
        assert_eq!(posts.load(Ordering::SeqCst), 0);
    }
}

#[test]
fn situation_59_a_stranger_in_the_list_is_passed_over() {
    for stranger in [Ok((200, HTML.into())), Err(Fault::TooLarge), Err(Fault::Undecodable)] {
        for _ in 0..8 {
            let stranger = stranger.clone();
            let login = move |out: &Outgoing| {
                if out.endpoint.host.starts_with("host0") { stranger.clone() } else { Ok(token("t")) }
            };
            // Whichever comes first.
            let f = cluster(2, SOON, Box::new(login), says(200, "ok"));
            assert_eq!(f.client.token().unwrap().secret.expose(), "t");
        }
    }
}

#[test]
fn situation_48_a_gateway_may_hide_all_but_the_data_of_an_open_server() {
    let (f, _) = behind(
        |_| (404, HTML.into()),
        |out| match out.target.path() {
            "/nacos/v1/cs/configs" => (404, "config data not exist".into()),
            _ => (200, "ok".into()),
        },
    );
    assert_eq!(f.get().unwrap().status(), 200);
}

#[test]
fn situation_48_a_state_page_says_that_authentication_is_off() {
    for state in [
        r#"{"version":"2.5.1","function_mode":null,"auth_enabled":"false"}"#,
        r#"{"code":0,"message":"success","data":{"version":"3.0.3","function_mode":null,"auth_enabled":"false"}}"#,
    ] {
        let (f, _) = behind(
            |_| (404, HTML.into()),
            move |out| match out.target.path() {
                "/nacos/v1/console/server/state" => (200, state.into()),
                "/nacos/v1/x" => (200, "ok".into()),
                _ => (404, HTML.into()),
            },
        );
        assert_eq!(f.get().unwrap().status(), 200);
    }
}

#[test]
fn situation_63_what_is_served_to_everybody_hides_no_wrong_password() {
    let (f, _) = behind(
        |_| (403, WRONG.into()),
        |out| match out.target.path() {
            "/nacos/v3/client/ai/skills" => (200, "[]".into()),
            _ => (403, DENIED.into()),
        },
    );
    let error = f.client.request(Request::get("/v3/client/ai/skills").unwrap()).err().unwrap();
    assert_eq!((error.kind(), error.http_status()), (Kind::BadCredentials, Some(403)));
}

#[test]
fn situation_48_nothing_goes_without_a_token_where_that_is_not_wanted() {
    let never = |server: &str| Config::new(server, "nacos", "hunter2").anonymous(Anonymous::Never);
    let f = with(never, says(500, "caused: User nacos not found;"), says(200, "ok"));
    assert_eq!(f.get().err().unwrap().http_status(), Some(500));
    assert_eq!(f.requests(), 0);
}

#[test]
fn situation_48_a_server_that_has_once_given_a_token_is_asked_with_one_only() {
    let good = AtomicBool::new(true);
    let login = move |_: &str| if good.swap(false, Ordering::SeqCst) { token("t") } else { (403, WRONG.into()) };
    let (f, _) = behind(login, |out| if bearer(out) == "t" { (403, DENIED.into()) } else { (200, "everybody".into()) });
    f.takes_its_first_token();
    assert_eq!(f.get().err().unwrap().kind(), Kind::BadCredentials);
}

#[test]
fn situation_48_every_request_without_a_token_is_told() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let events = told.clone();
    let config = move |server: &str| {
        Config::new(server, "nacos", "hunter2").on_event(move |event| events.lock().push(event.kind()))
    };
    let f = with(config, says(500, "caused: User nacos not found;"), says(200, "ok"));
    for _ in 0..3 {
        f.get().unwrap();
    }
    f.client.close();
    assert_eq!(told.lock().iter().filter(|kind| **kind == EventKind::SentWithoutToken).count(), 3);
}

#[test]
fn situation_48_a_thousand_threads_find_out_once_that_authentication_is_off() {
    let f = fixture(SOON, says(500, "caused: User nacos not found;"), says(200, "ok"));
    assert!(at_once(1000, || f.get().unwrap().status()).iter().all(|status| *status == 200));
    assert_eq!((f.logins(), f.requests()), (1, 1001));
}

/// A server that reads the token where r-nacos up to 0.8.5 does: the whole value of `Authorization`, else the query.
fn raw(out: &Outgoing) -> (u16, String) {
    let header = out.headers.get(http::header::AUTHORIZATION).map(|value| value.to_str().unwrap().to_owned());
    let query = out.target.query().unwrap_or_default();
    let token = header.unwrap_or_else(|| query.split("accessToken=").nth(1).unwrap_or_default().into());
    if token == "t" { (200, "ok".into()) } else { (403, "unknown user!".into()) }
}

#[test]
fn situation_62_the_place_of_the_token_is_found_and_remembered() {
    let (f, paths) = behind(|_| token("t"), raw);
    // Three times before it is believed: it might be another node behind the same address.
    for replays in [1, 1, 1, 0, 0] {
        let answer = f.get().unwrap();
        assert_eq!((answer.status(), answer.replays()), (200, replays));
    }
    assert_eq!((f.requests(), paths.lock().len()), (8, 1));
    // All at once, too: nobody logs in for it.
    let (f, paths) = behind(|_| token("t"), raw);
    assert!(at_once(50, || post(&f.client).unwrap().status()).iter().all(|status| *status == 200));
    assert_eq!(paths.lock().len(), 1);
}

#[test]
fn situation_62_nodes_of_different_secrets_are_not_taken_for_another_place() {
    let in_query = Arc::new(AtomicU32::new(0));
    let (seen, turn) = (in_query.clone(), AtomicU32::new(0));
    let (f, _) = behind(
        |_| token("a"),
        move |out| {
            seen.fetch_add(u32::from(out.target.query().is_some()), Ordering::SeqCst);
            // The first one is refused by a node of another secret, the same in the query reaches another node.
            if turn.fetch_add(1, Ordering::SeqCst) % 5 == 0 {
                (403, "token invalid!".into())
            } else {
                (200, "ok".into())
            }
        },
    );
    for _ in 0..50 {
        assert_eq!(f.get().unwrap().status(), 200);
    }
    assert_eq!(in_query.load(Ordering::SeqCst), 1);
}

#[test]
fn situation_62_a_server_that_reads_the_header_at_last_gets_it_there() {
    let old = Arc::new(AtomicBool::new(true));
    let is_old = old.clone();
    let count = AtomicU32::new(0);
    let (f, _) = behind(
        move |_| token(&format!("t{}", count.fetch_add(1, Ordering::SeqCst))),
        move |out| {
            let in_query = out.target.query().is_some();
            if in_query == is_old.load(Ordering::SeqCst) { (200, "ok".into()) } else { (403, "unknown user!".into()) }
        },
    );
    for _ in 0..5 {
        assert_eq!(f.get().unwrap().status(), 200);
    }
    old.store(false, Ordering::SeqCst);
    for _ in 0..5 {
        assert_eq!(f.get().unwrap().status(), 200);
    }
}

#[test]
fn situation_62_a_late_refusal_of_an_old_token_does_not_undo_the_place() {
    // Whether the next token is met by a refusal of the old one, or comes before anybody has seen one.
    side_by_side([true, false], |is_refused| {
        let current = Arc::new(AtomicU32::new(0));
        let (held, (arrived, arrives), (release, released)) = (current.clone(), mpsc::channel(), mpsc::channel());
        let (arrived, released) = (Mutex::new(arrived), Mutex::new(released));
        let issues = current.clone();
        let (f, paths) = behind(
            move |_| token(&format!("t{}", issues.load(Ordering::SeqCst))),
            move |out| {
                let is_late = out.target.path().ends_with("/late");
                let query = out.target.query().unwrap_or_default();
                if is_late && query.ends_with("t0") {
                    arrived.lock().send(()).unwrap();
                    released.lock().recv().unwrap();
                }
                let is_good = query.ends_with(&format!("t{}", held.load(Ordering::SeqCst)));
                if is_good { (200, "ok".into()) } else { (403, "unknown user!".into()) }
            },
        );
        for _ in 0..4 {
            assert_eq!(f.get().unwrap().status(), 200);
        }
        std::thread::scope(|scope| {
            let late = scope.spawn(|| f.client.request(Request::get("/late").unwrap()).unwrap().status());
            arrives.recv().unwrap();
            current.store(1, Ordering::SeqCst);
            if !is_refused {
                let generation = f.client.token_without_waiting().unwrap().generation;
                f.client.report_rejected(generation, 403, b"unknown user!").unwrap();
            }
            for _ in 0..4 {
                assert_eq!(f.get().unwrap().status(), 200);
            }
            release.send(()).unwrap();
            assert_eq!(late.join().unwrap(), 200);
        });
        for _ in 0..4 {
            assert_eq!((f.get().unwrap().status(), paths.lock().len()), (200, 2));
        }
    });
}

#[test]
fn situation_62_a_place_that_was_chosen_is_obeyed() {
    let bearer_only = |server: &str| Config::new(server, "nacos", "hunter2").token_in(TokenPlace::Authorization);
    let in_query = Arc::new(AtomicBool::new(false));
    let seen = in_query.clone();
    let request = move |out: &Outgoing| {
        seen.fetch_or(out.target.query().is_some(), Ordering::SeqCst);
        Ok(raw(out))
    };
    let f = with(bearer_only, Box::new(|_| Ok(token("t"))), Box::new(request));
    assert_eq!(f.get().unwrap().status(), 403);
    assert!(!in_query.load(Ordering::SeqCst));
}

#[test]
fn situation_62_a_token_that_was_taken_never_rides_in_the_query() {
    let in_query = Arc::new(AtomicBool::new(false));
    let (seen, good) = (in_query.clone(), AtomicBool::new(true));
    let (f, _) = behind(
        |_| token("t"),
        move |out| {
            seen.fetch_or(out.target.query().is_some(), Ordering::SeqCst);
            if good.swap(false, Ordering::SeqCst) { (200, "ok".into()) } else { (403, "token expired!".into()) }
        },
    );
    assert_eq!(f.get().unwrap().status(), 200);
    f.get().ok();
    assert!(!in_query.load(Ordering::SeqCst));
}

#[test]
fn handles_that_differ_in_the_place_of_the_token_share_no_pause() {
    let (f, _) = behind(|_| (403, WRONG.into()), |_| (403, DENIED.into()));
    f.client.token().unwrap_err();
    let mut origin = f.session().origin.clone();
    origin.token_in = TokenPlace::Query;
    assert!(origin != f.session().origin);
}

#[test]
fn situation_60_a_token_that_counts_a_little_later_costs_no_login() {
    side_by_side([60, 800], |delay| {
        let issued = Arc::new(Mutex::new(None));
        let born = issued.clone();
        let login = move |_: &str| {
            born.lock().get_or_insert_with(Instant::now);
            token("t")
        };
        let request = move |_: &Outgoing| {
            let old = issued.lock().is_some_and(|at| at.elapsed() >= Duration::from_millis(delay));
            if old { (200, "ok".into()) } else { (403, "unknown user!".into()) }
        };
        let (f, paths) = behind(login, request);
        let statuses = at_once(20, || post(&f.client).unwrap().status());
        assert!(statuses.iter().all(|status| *status == 200), "{delay}: {statuses:?}");
        assert_eq!(paths.lock().len(), 1);
    });
}

#[test]
fn situation_60_no_renewal_is_noticed_where_tokens_count_a_little_later() {
    let issued = Arc::new(Mutex::new(Vec::new()));
    let known = issued.clone();
    let login = move |_: &str| {
        let mut known = known.lock();
        known.push(Instant::now());
        (200, format!(r#"{{"accessToken":"t{}","tokenTtl":4}}"#, known.len()))
    };
    let request = move |out: &Outgoing| {
        let number: usize = bearer(out).trim_start_matches('t').parse().unwrap_or(0);
        let age = issued.lock().get(number.wrapping_sub(1)).map(Instant::elapsed);
        let counts = age.is_some_and(|age| (Duration::from_millis(800)..Duration::from_secs(4)).contains(&age));
        if counts { (200, "ok".into()) } else { (403, "unknown user!".into()) }
    };
    let (f, paths) = behind(login, request);
    let end = Instant::now() + Duration::from_secs(9);
    while Instant::now() < end {
        assert_eq!(post(&f.client).unwrap().status(), 200);
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!((3..=8).contains(&paths.lock().len()), "{:?}", paths.lock().len());
}

/// Nodes behind one address, each with a secret of its own. `next` says which one gets the next request.
fn balanced(secrets: &'static str, next: impl Fn(bool) -> usize + Send + Sync + 'static) -> (Fixture, Paths) {
    let next = Arc::new(next);
    let node = move |reuse: bool, next: &dyn Fn(bool) -> usize| &secrets[next(reuse)..][..1];
    let at_login = next.clone();
    let count = AtomicU32::new(0);
    behind(
        move |_| token(&format!("{}{}", node(false, &*at_login), count.fetch_add(1, Ordering::SeqCst))),
        move |out| {
            let secret = node(out.options.reuse, &*next);
            if bearer(out).starts_with(secret) { (200, "ok".into()) } else { (403, "token invalid!".into()) }
        },
    )
}

#[test]
fn situation_61_nodes_of_different_secrets_behind_one_address() {
    side_by_side(["aab", "ab", "abc", "aaab"], |secrets| {
        let turn = AtomicUsize::new(0);
        let in_turn = move |_| turn.fetch_add(1, Ordering::SeqCst) % secrets.len();
        // By chance, but the same in each run.
        let dice = || Mutex::new(fastrand::Rng::with_seed(3));
        let (rng, other_rng) = (dice(), dice());
        let by_chance = move |_| rng.lock().usize(..secrets.len());
        let at = AtomicUsize::new(0);
        // By connection: one that is kept stays with its node.
        let sticky = move |reuse: bool| {
            if !reuse {
                at.store(other_rng.lock().usize(..secrets.len()), Ordering::SeqCst);
            }
            at.load(Ordering::SeqCst)
        };
        for (name, (f, paths)) in [
            ("in turn", balanced(secrets, in_turn)),
            ("by chance", balanced(secrets, by_chance)),
            ("sticky", balanced(secrets, sticky)),
        ] {
            // A client that keeps its first token is served by one node of each secret.
            let (calls, least, most) = if secrets == "abc" { (400, 90, 8) } else { (400, 97, 5) };
            let served = (0..calls).filter(|_| post(&f.client).is_ok_and(|answer| answer.status() == 200)).count();
            let logins = paths.lock().len();
            assert!(
                served * 100 >= calls * least && logins <= most,
                "{secrets} {name}: {served} of {calls}, {logins} logins"
            );
        }
    });
}

#[test]
fn situation_61_who_waits_for_a_login_goes_on_when_the_token_is_good_after_all() {
    // One request is refused by another node and waits for the second between two logins; meanwhile the token is taken.
    let (f, paths) = behind(
        |_| token("t"),
        |out| match out.target.path() {
            "/nacos/slow" => {
                std::thread::sleep(Duration::from_millis(300));
                (200, "ok".into())
            }
            "/nacos/refused" if out.options.reuse => (403, "token invalid!".into()),
            _ => (200, "ok".into()),
        },
    );
    assert_eq!(f.get().unwrap().status(), 200);
    let began = Instant::now();
    std::thread::scope(|scope| {
        let refused =
            scope.spawn(|| f.client.request(Request::get("/refused").unwrap().timeout(Duration::from_secs(8))));
        std::thread::sleep(Duration::from_millis(100));
        // As if a request had been sent after the refusal, by the library's own doing.
        let mut attempts = crate::lifecycle::Attempts::default();
        attempts.begin(clock::now());
        f.session().accepted(&attempts, 0, || None);
        let generation = f.session().gauges().generation;
        f.session().accepted(&attempts, generation, || None);
        let answer = refused.join().unwrap();
        assert!(began.elapsed() < Duration::from_secs(3), "{:?} {:?}", began.elapsed(), answer.map(|a| a.status()));
    });
    assert!(paths.lock().len() <= 2);
}

#[test]
fn situation_61_the_cause_is_told() {
    let told = Arc::new(Mutex::new(Vec::new()));
    let events = told.clone();
    let config = move |server: &str| {
        Config::new(server, "nacos", "hunter2").on_event(move |event| events.lock().push(event.clone()))
    };
    let (turn, count) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let login = move |_: &Outgoing| Ok(token(&format!("a{}", count.fetch_add(1, Ordering::SeqCst))));
    let request = move |out: &Outgoing| {
        let secret = ["a", "b"][turn.fetch_add(1, Ordering::SeqCst) / 3 % 2];
        Ok(if bearer(out).starts_with(secret) { (200, "ok".into()) } else { (403, "token invalid!".into()) })
    };
    let f = with(config, Box::new(login), Box::new(request));
    for _ in 0..20 {
        f.get().ok();
    }
    f.client.close();
    let told = told.lock();
    let cause: Vec<_> = told.iter().filter(|event| event.kind() == EventKind::ServersDisagree).collect();
    assert!(cause.len() == 1 && cause[0].to_string().contains("secret"), "{told:?}");
}

#[test]
fn a_401_without_a_word_of_nacos_takes_no_token_away() {
    let busy = Arc::new(AtomicBool::new(false));
    let is_busy = busy.clone();
    let (f, _) = behind(
        move |_| if is_busy.load(Ordering::SeqCst) { (503, HTML.into()) } else { token("t") },
        |out| if out.target.path().ends_with("guarded") { (401, HTML.into()) } else { (200, "ok".into()) },
    );
    assert_eq!(f.get().unwrap().status(), 200);
    busy.store(true, Ordering::SeqCst);
    for _ in 0..3 {
        assert_eq!(f.client.request(Request::get("/guarded").unwrap()).unwrap().status(), 401);
        assert_eq!(f.get().unwrap().status(), 200);
    }
}

#[test]
fn what_a_gateway_says_is_no_sign_that_the_token_is_good() {
    for (status, page) in [(502, HTML), (502, SPRING), (404, HTML), (302, "")] {
        let f = fixture(SOON, tokens().0, says(status, page));
        f.get().unwrap();
        let (session, token) = (f.session(), f.client.token().unwrap());
        // The server that gave it may still be one that reads it elsewhere.
        let servers = session.servers.candidates(clock::now());
        assert!(session.is_unproven(token.generation, servers[0].index), "{status}");
    }
}

#[test]
fn what_everybody_is_answered_is_no_sign_that_the_token_is_good() {
    let f = fixture(SOON, tokens().0, says(200, r#"{"version":"2.5.1"}"#));
    let proves = |path: &str| {
        let answer = f.client.request(Request::get(path).unwrap()).unwrap();
        assert_eq!(answer.status(), 200);
        let (session, token) = (f.session(), f.client.token().unwrap());
        let servers = session.servers.candidates(clock::now());
        !session.is_unproven(token.generation, servers[0].index)
    };
    for open in [
        "/v1/console/server/state",
        "/v1/console/health/readiness?x=1",
        "/v2/console/health/liveness",
        "/v3/admin/core/state",
        "/v3/admin/core/state/readiness",
        "/v3/console/server/state",
        "/v3/console/health/liveness",
        "/actuator/prometheus",
    ] {
        assert!(!proves(open), "{open}");
    }
    assert!(proves("/v1/cs/configs?dataId=/v1/console/server/state"));
}

#[test]
fn situation_62_a_probe_of_the_state_page_does_not_hide_that_tokens_are_read_in_the_query() {
    let count = AtomicUsize::new(0);
    let (f, paths) = behind(
        move |_| token(&format!("t{}", count.fetch_add(1, Ordering::SeqCst))),
        |out| {
            let (path, query) = (out.target.path(), out.target.query().unwrap_or_default());
            let is_open = path.ends_with("/state");
            if is_open || query.contains("accessToken=t") {
                (200, "ok".into())
            } else {
                (403, "user not found!".into())
            }
        },
    );
    assert_eq!(f.client.request(Request::get("/v1/console/server/state").unwrap()).unwrap().status(), 200);
    for _ in 0..5 {
        assert_eq!(f.get().unwrap().status(), 200);
    }
    assert_eq!(paths.lock().len(), 1);
}

/// Whatever comes is answered with this, as long as it is there.
fn guarded_by(
    guard: &Arc<Mutex<Option<(u16, &'static str)>>>,
    config: impl FnOnce(&str) -> Config,
) -> (Fixture, Paths) {
    let paths = Paths::default();
    let (seen, before, also) = (paths.clone(), guard.clone(), guard.clone());
    let login = move |out: &Outgoing| {
        seen.lock().push(out.target.path().to_owned());
        Ok(before.lock().map_or_else(|| token("t"), |(status, page)| (status, page.into())))
    };
    let request = move |out: &Outgoing| match *also.lock() {
        Some((status, page)) => Ok((status, page.into())),
        None if out.target.path().ends_with("/state") => Ok((404, HTML.into())),
        None => Ok((200, "ok".into())),
    };
    let f = with(config, Box::new(login), Box::new(request));
    f.speaks(0);
    (f, paths)
}

fn plain(server: &str) -> Config {
    Config::new(server, "nacos", "hunter2")
}

#[test]
fn what_lets_nothing_through_is_an_outage_and_the_password_waits_for_its_end() {
    let pages = [(403, HTML), (500, HTML), (401, ""), (400, "Bad Request"), (403, "RBAC: access denied")];
    side_by_side(pages, |page| {
        let guard = Arc::new(Mutex::new(Some(page)));
        let (f, paths) = guarded_by(&guard, plain);
        let began = Instant::now();
        while began.elapsed() < Duration::from_secs(4) {
            let error = f.get().err().unwrap();
            assert_eq!((error.kind(), error.http_status()), (Kind::Server, Some(page.0)), "{error}");
            assert_eq!(error.cause(), Cause::GatewayRefusal, "{error}");
            assert!(error.retry_after().unwrap() <= Duration::from_secs(4), "{error}");
            std::thread::sleep(Duration::from_millis(100));
        }
        // Nobody knows where the login is, so it was looked for once; then the state page alone is.
        assert_eq!(paths.lock().len(), 3, "{page:?}");
        *guard.lock() = None;
        let served = || f.get().is_ok_and(|answer| answer.status() == 200);
        assert!(
            (0..40).any(|_| served() || {
                std::thread::sleep(Duration::from_millis(100));
                false
            }),
            "{page:?}"
        );
        assert_eq!(paths.lock().len(), 4, "{page:?}");
    });
}

#[test]
fn a_state_page_that_is_never_let_through_makes_no_password_looked_at_more_often() {
    // As an outage it seems: the password is wrong, and the gateway makes pages of all that Nacos says.
    let guard = Arc::new(Mutex::new(Some((403, HTML))));
    let (f, paths) = guarded_by(&guard, plain);
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(6) {
        f.get().err().unwrap();
    }
    // Nor by a program that makes a handle for each call.
    let client = f.comes_back();
    while began.elapsed() < Duration::from_secs(10) {
        client.token().unwrap_err();
    }
    assert_eq!(paths.lock().len(), 3);
}

#[test]
fn a_success_without_a_token_is_a_refusal_whatever_the_state_page_says() {
    let message = r#"{"code":500,"message":"no"}"#;
    let (f, _) = behind(move |_| (200, message.into()), |_| (200, "[]".into()));
    assert_eq!(f.client.token().unwrap_err().kind(), Kind::BadCredentials);
}

#[test]
fn what_was_let_through_again_costs_six_looks_at_a_wrong_password() {
    // The gateway makes pages of what Nacos says of a password.
    let guard = Arc::new(AtomicBool::new(true));
    let there = guard.clone();
    let (f, paths) = behind(
        |_| (403, HTML.into()),
        move |_| if there.load(Ordering::SeqCst) { (403, HTML.into()) } else { (404, HTML.into()) },
    );
    f.client.token().unwrap_err();
    guard.store(false, Ordering::SeqCst);
    let began = Instant::now();
    // The last of them is the second opinion, after 5 to 6.5 s, as of a server that has just started.
    while paths.lock().len() < 6 && began.elapsed() < Duration::from_secs(20) {
        f.client.token().unwrap_err();
        std::thread::sleep(Duration::from_millis(100));
    }
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(paths.lock().len(), 6);
    assert!(f.client.token().unwrap_err().retry_after().unwrap() > Duration::from_secs(800));
}

#[test]
fn a_password_that_was_good_keeps_a_look_for_when_a_page_has_gone() {
    let page = Arc::new(AtomicBool::new(false));
    let is_there = page.clone();
    let (f, paths) = behind(
        move |_| if is_there.load(Ordering::SeqCst) { (403, HTML.into()) } else { token("t") },
        |_| (200, "ok".into()),
    );
    f.takes_its_first_token();
    page.store(true, Ordering::SeqCst);
    f.client.report_rejected(f.client.token().unwrap().generation, 403, b"token expired!").unwrap();
    let error = f.client.token().unwrap_err();
    assert_eq!(error.kind(), Kind::BadCredentials, "{error}");
    // Once at the start; then where it was found, and where a gateway lets it through most likely.
    let looked = ["/nacos/v3/auth/user/login", "/nacos/v3/auth/user/login", "/nacos/v1/auth/users/login"];
    assert_eq!(*paths.lock(), looked);
    let after = error.retry_after().unwrap();
    assert!(after < Duration::from_secs(30), "{after:?}");
}

#[test]
fn a_server_of_a_list_that_lets_nothing_through_is_passed_over() {
    side_by_side(0..6, |_| {
        let guarded = |out: &Outgoing| out.endpoint.host.starts_with("host0");
        let login = move |out: &Outgoing| Ok(if guarded(out) { (403, HTML.into()) } else { token("t") });
        let request = move |out: &Outgoing| Ok(if guarded(out) { (403, HTML.into()) } else { (404, HTML.into()) });
        let f = cluster(2, SOON, Box::new(login), Box::new(request));
        f.speaks(0);
        // Who waited for the login that met it may be told; the next one is made at the other.
        if let Err(error) = f.client.token() {
            assert_eq!(error.kind(), Kind::Server, "{error}");
            assert_eq!(f.client.token().unwrap().secret.expose(), "t");
        }
    });
}

#[test]
fn situation_52_a_namespace_that_is_forbidden_without_words_hides_no_changed_secret() {
    let good = Arc::new(Mutex::new(String::from("t")));
    let (given, taken) = (good.clone(), good.clone());
    let hidden = |path: &str| format!(r#"{{"timestamp":"t","status":403,"error":"Forbidden","path":"{path}"}}"#);
    let (f, paths) = behind(
        move |_| token(&given.lock()),
        move |out| {
            let (path, query) = (out.target.path(), out.target.query().unwrap_or_default());
            let served = bearer(out) == *taken.lock() && !query.contains("forbidden");
            if served { (200, "ok".into()) } else { (403, hidden(path)) }
        },
    );
    let get = |tenant: &str| f.client.request(Request::get("/v1/cs/configs").unwrap().query("tenant", tenant)).unwrap();
    assert_eq!(get("open").status(), 200);
    assert_eq!(get("forbidden").status(), 403);
    std::thread::sleep(Duration::from_secs(5));
    *good.lock() = "u".into();
    assert_eq!(get("forbidden").status(), 403);
    let logins = paths.lock().len();
    assert_eq!((get("open").status(), paths.lock().len()), (200, logins + 1));
}
