//! What may happen to a request.

use std::sync::atomic::{AtomicBool, AtomicU32};

use super::*;

const EXPIRED: &str = r#"{"status":403,"error":"Forbidden","message":"token expired!"}"#;

/// A server that takes the last token only, and none before `valid`; refuses the others with this answer.
fn strict(valid: u32, status: u16, refusal: &'static str) -> Fixture {
    let (login, current) = tokens();
    let request = move |out: &Outgoing| {
        std::thread::sleep(Duration::from_millis(1));
        let token = bearer(out);
        let number: u32 = token.trim_start_matches('t').parse().unwrap_or(0);
        if token == *current.lock() && number >= valid { Ok((200, "ok".into())) } else { Ok((status, refusal.into())) }
    };
    fixture(SOON, login, Box::new(request))
}

#[test]
fn situation_19_five_hundred_requests_refused_at_once_cost_one_login() {
    let f = strict(2, 403, EXPIRED);
    f.takes_its_first_token();
    let replays = at_once(500, || {
        let response = f.client.request(Request::post("/v1/x").unwrap().body("b")).unwrap();
        assert_eq!((response.status(), &response.body()[..]), (200, &b"ok"[..]));
        response.replays()
    });
    assert_eq!(f.logins(), 2);
    let replays: u32 = replays.iter().sum();
    assert_eq!(f.requests(), 500 + replays, "no request is sent more than twice");
    assert_eq!(f.client.stats().replays, u64::from(replays));
}

#[test]
fn situation_20_a_request_that_lost_its_token_on_the_way_is_sent_again_without_a_login() {
    let (login, current) = tokens();
    let (slow, parked) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicBool::new(false)));
    let (hold, arrived) = (slow.clone(), parked.clone());
    let request = move |out: &Outgoing| {
        let token = bearer(out);
        if out.target.path().ends_with("slow") && token == "t1" {
            arrived.store(true, Ordering::SeqCst);
            while hold.load(Ordering::SeqCst) {
                std::thread::yield_now();
            }
        }
        if token == *current.lock() { Ok((200, token)) } else { Ok((403, EXPIRED.into())) }
    };
    let f = fixture(SOON, login, Box::new(request));
    let first = f.client.token().unwrap();
    std::thread::scope(|scope| {
        let late = scope.spawn(|| f.client.request(Request::get("/slow").unwrap()).unwrap());
        while !parked.load(Ordering::SeqCst) {
            std::thread::yield_now();
        }
        f.client.report_rejected(first.generation, 403, EXPIRED.as_bytes()).unwrap();
        assert_eq!(f.client.token().unwrap().secret.expose(), "t2");
        slow.store(false, Ordering::SeqCst);
        let late = late.join().unwrap();
        assert_eq!((late.status(), late.replays(), &late.body()[..]), (200, 1, &b"t2"[..]));
    });
    assert_eq!(f.logins(), 2);
}

#[test]
fn situation_21_a_missing_permission_is_handed_on_without_a_login() {
    let f = fixture(SOON, tokens().0, says(403, "authorization failed!"));
    for _ in 0..10_000 {
        let response = f.get().unwrap();
        assert_eq!((response.status(), response.replays()), (403, 0));
    }
    let stats = f.client.stats();
    assert_eq!((f.logins(), stats.rejections_permission, stats.replays), (1, 10_000, 0));
}

#[test]
fn situation_22_a_403_of_a_proxy_costs_one_login_and_takes_nothing_from_others() {
    side_by_side(["", "<html>Forbidden</html>"], |body| {
        let request = move |out: &Outgoing| {
            if out.target.path().ends_with("walled") { Ok((403, body.into())) } else { Ok((200, "ok".into())) }
        };
        let f = fixture(SOON, tokens().0, Box::new(request));
        for _ in 0..100 {
            assert_eq!(f.client.request(Request::get("/walled").unwrap()).unwrap().status(), 403);
            assert_eq!(f.get().unwrap().status(), 200);
        }
        assert_eq!((f.logins(), f.client.stats().replays), (2, 1));
    });
}

#[test]
fn situation_22_a_403_of_a_proxy_that_bars_the_login_too_takes_no_token_away() {
    let first = AtomicBool::new(true);
    let login = move |_: &Outgoing| {
        if first.swap(false, Ordering::SeqCst) {
            Ok((200, r#"{"accessToken":"t","tokenTtl":18000}"#.into()))
        } else {
            Ok((403, "<html>Forbidden</html>".into()))
        }
    };
    let request = |out: &Outgoing| {
        if out.target.path().ends_with("walled") { Ok((403, String::new())) } else { Ok((200, bearer(out))) }
    };
    let f = fixture(SOON, Box::new(login), Box::new(request));
    for _ in 0..10 {
        let walled = f.client.request(Request::get("/walled").unwrap()).unwrap();
        assert_eq!((walled.status(), walled.replays()), (403, 0));
        assert_eq!(&f.get().unwrap().body()[..], b"t");
    }
    // The second one at both paths of 1.x, as no Nacos has answered.
    assert_eq!((f.logins(), f.client.stats().login_failures), (3, 1));
}

#[test]
fn situation_23_a_huge_403_is_told_by_its_first_words() {
    let mut body = String::from("token expired!\u{0}\u{1}");
    body.extend(std::iter::repeat_n('x', 1 << 20));
    // The connection cuts a refusal at 64 KiB (its own tests show it); 4 KiB of that are looked at.
    let f = fixture(SOON, tokens().0, says(200, ""));
    let token = f.client.token().unwrap();
    assert_eq!(f.client.report_rejected(token.generation, 403, body.as_bytes()).unwrap(), Advice::Replay);
}

#[test]
fn a_refusal_that_is_reported_as_it_was_compressed_is_understood() {
    use std::io::Write;
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(r#"{"message":"token expired!"}"#.as_bytes()).unwrap();
    let f = fixture(SOON, tokens().0, says(200, ""));
    let token = f.client.token().unwrap();
    let packed = packed.finish().unwrap();
    assert_eq!(f.client.report_rejected(token.generation, 403, &packed).unwrap(), Advice::Replay);
}

#[test]
fn situation_24_a_new_secret_costs_a_login_and_no_request() {
    let (login, current) = tokens();
    let taken = current.clone();
    let request = move |out: &Outgoing| {
        if bearer(out) == *taken.lock() { Ok((200, "ok".into())) } else { Ok((403, "Invalid signature".into())) }
    };
    let f = fixture(SOON, login, Box::new(request));
    let others: Vec<Client> = (0..4).map(|_| f.sibling()).collect();
    std::thread::scope(|scope| {
        for client in &others {
            scope.spawn(|| {
                for _ in 0..2000 {
                    assert_eq!(client.request(Request::get("/v1/x").unwrap()).unwrap().status(), 200);
                }
            });
        }
        while f.requests() < 1000 {
            std::thread::yield_now();
        }
        *current.lock() = "none of those there are".into();
    });
    assert_eq!(f.logins(), 2);
}

#[test]
fn situation_25_a_secret_that_changes_from_node_to_node_costs_no_request() {
    // A token is the secret of the node that issued it, and good at every node that has the same.
    let secrets = Arc::new(Mutex::new(["old"; 3]));
    let (issuer, taker) = (secrets.clone(), secrets.clone());
    let node = |out: &Outgoing| out.endpoint.host.as_bytes()["host".len()] as usize - usize::from(b'0');
    let login = move |out: &Outgoing| {
        Ok((200, format!(r#"{{"accessToken":"{}","tokenTtl":18000}}"#, issuer.lock()[node(out)])))
    };
    let request = move |out: &Outgoing| {
        let good = bearer(out) == taker.lock()[node(out)];
        Ok(if good { (200, "ok".into()) } else { (403, "Invalid signature".into()) })
    };
    let f = cluster(3, SOON, Box::new(login), Box::new(request));
    // A client keeps to one node for its logins and its requests, so it sees one change.
    for changed in 0..3 {
        for _ in 0..50 {
            assert_eq!(f.get().unwrap().status(), 200);
        }
        secrets.lock()[changed] = "new";
    }
    assert_eq!((f.get().unwrap().status(), f.logins()), (200, 2));
}

#[test]
fn situation_61_the_token_of_a_server_that_is_down_is_refused_by_the_one_left_for_good() {
    // Two servers, each with another secret after each start; one is always there.
    let (up, secrets) = (Arc::new(Mutex::new([true, false])), Arc::new(Mutex::new([0, 0])));
    let node = |out: &Outgoing| out.endpoint.host.as_bytes()["host".len()] as usize - usize::from(b'0');
    let answers = |serve: fn(usize, u32, &Outgoing) -> (u16, String)| -> Script {
        let (up, secrets) = (up.clone(), secrets.clone());
        Box::new(move |out| {
            let at = node(out);
            if up.lock()[at] { Ok(serve(at, secrets.lock()[at], out)) } else { Err(Fault::Connect) }
        })
    };
    let login = answers(|at, secret, _| (200, format!(r#"{{"accessToken":"{at}-{secret}","tokenTtl":18000}}"#)));
    let request = answers(|at, secret, out| {
        if bearer(out) == format!("{at}-{secret}") { (200, "ok".into()) } else { (403, "Invalid signature".into()) }
    });
    let f = cluster(2, SOON, login, request);
    assert_eq!(f.get().unwrap().status(), 200);
    for there in [1, 0, 1] {
        secrets.lock()[there] += 1;
        *up.lock() = [there == 0, there == 1];
        assert_eq!(f.get().unwrap().status(), 200, "{there} is left");
    }
}

#[test]
fn situation_26_where_one_server_gives_tokens_that_are_no_good_another_is_asked_for_one() {
    // The one that is asked first.
    let bad = Arc::new(Mutex::new(String::new()));
    let worse = bad.clone();
    let login = move |out: &Outgoing| {
        let mut bad = bad.lock();
        if bad.is_empty() {
            *bad = out.endpoint.host.clone();
        }
        let token = if out.endpoint.host == *bad { "bad" } else { "good" };
        Ok((200, format!(r#"{{"accessToken":"{token}","tokenTtl":18000}}"#)))
    };
    let request = move |out: &Outgoing| {
        let good = bearer(out) == "good" && out.endpoint.host != *worse.lock();
        Ok(if good { (200, "ok".into()) } else { (403, "token expired!".into()) })
    };
    let f = cluster(2, SOON, Box::new(login), Box::new(request));
    let began = Instant::now();
    while !f.get().is_ok_and(|answer| answer.status() == 200) {
        // Two in a row make a pause of half a minute at the most.
        assert!(began.elapsed() < Duration::from_secs(45), "{} logins", f.logins());
        std::thread::sleep(Duration::from_millis(100));
    }
    assert!(f.logins() <= 4, "{}", f.logins());
}

#[test]
fn situation_26_two_tokens_refused_in_a_row_are_enough() {
    let f = fixture(SOON, tokens().0, says(403, "Invalid signature"));
    let response = f.get().unwrap();
    // In the query too, and each of the two as often as it might only be too new.
    assert_eq!((response.status(), f.requests(), f.logins()), (403, 10, 2));
    let error = f.get().err().unwrap();
    assert_eq!((error.kind(), error.http_status(), f.logins()), (Kind::Forbidden, Some(403), 2));
    assert!(error.message().contains("secret") && error.retry_after().is_some());
}

#[test]
fn situation_27_a_refused_post_or_delete_is_sent_again_once_and_whole() {
    side_by_side(["POST", "DELETE", "PUT"], |method| {
        let sent = Arc::new(Mutex::new(Vec::new()));
        let witness = sent.clone();
        let request = move |out: &Outgoing| {
            let mut sent = witness.lock();
            sent.push((out.method.to_string(), bearer(out), body(out)));
            Ok(if sent.len() == 1 { (403, EXPIRED.into()) } else { (200, "true".into()) })
        };
        let f = fixture(SOON, tokens().0, Box::new(request));
        f.takes_its_first_token();
        let response = f.client.request(Request::new(method, "/v1/x").unwrap().body("content=1")).unwrap();
        assert_eq!((response.status(), response.replays()), (200, 1));
        let expected = ["t1", "t2"].map(|token| (method.to_owned(), token.to_owned(), "content=1".to_owned()));
        assert_eq!(*sent.lock(), expected);
    });
}

#[test]
fn situation_34_a_server_without_authentication_has_it_switched_on() {
    let on = Arc::new(AtomicBool::new(false));
    let (login_on, request_on) = (on.clone(), on.clone());
    let login = move |_: &Outgoing| {
        let token = if login_on.load(Ordering::SeqCst) { "real" } else { "AUTH_DISABLED" };
        Ok((200, format!(r#"{{"accessToken":"{token}","tokenTtl":1715002590}}"#)))
    };
    let request = move |out: &Outgoing| {
        let refused = request_on.load(Ordering::SeqCst) && bearer(out) != "real";
        Ok(if refused { (403, "token invalid!".into()) } else { (200, bearer(out)) })
    };
    let f = fixture(SOON, Box::new(login), Box::new(request));
    for _ in 0..100 {
        assert_eq!(&f.get().unwrap().body()[..], b"AUTH_DISABLED");
    }
    assert_eq!(f.logins(), 1);
    on.store(true, Ordering::SeqCst);
    for _ in 0..100 {
        assert_eq!(&f.get().unwrap().body()[..], b"real");
    }
    assert_eq!(f.logins(), 2);
}

#[test]
fn situation_48_an_open_server_is_served_without_a_token_although_no_login_succeeds() {
    // 34: an empty token is what some servers answer with authentication off.
    let denied = r#"{"timestamp":"t","status":403,"error":"Forbidden","message":"Access Denied"}"#;
    for (status, body) in [(500, "caused: User nacos not found;"), (403, denied), (200, r#"{"accessToken":""}"#)] {
        let request = |out: &Outgoing| {
            assert_eq!(bearer(out), "");
            Ok((200, "ok".into()))
        };
        let open = fixture(SOON, says(status, body), Box::new(request));
        for _ in 0..20 {
            let response = open.get().unwrap();
            assert_eq!((response.status(), response.generation()), (200, 0));
        }
        assert_eq!(open.logins(), 1);
        // One that asks for a token is not asked without one again and again.
        let shut = fixture(SOON, says(status, body), says(403, "user not found!"));
        for _ in 0..20 {
            let error = shut.get().err().unwrap();
            assert_eq!((error.kind(), error.http_status()), (Kind::BadCredentials, Some(status)));
        }
        assert_eq!(shut.requests(), 1);
    }
}

#[test]
fn situation_49_a_500_that_speaks_of_an_expired_token_is_seen_by_nobody() {
    let f = strict(2, 500, "Server failed,JWT expired at 2026-01-01T00:00:00Z. Current time: 2026-01-01T00:00:01Z");
    f.takes_its_first_token();
    let response = f.client.request(Request::post("/v1/x").unwrap()).unwrap();
    assert_eq!((response.status(), response.replays(), f.logins()), (200, 1, 2));
    // Any other 500 is the caller's business.
    let f = fixture(SOON, tokens().0, says(500, "Server failed, disk full"));
    assert_eq!((f.get().unwrap().status(), f.logins()), (500, 1));
}

#[test]
fn situation_51_five_seconds_of_missing_permissions_are_handed_on() {
    let starting = Arc::new(AtomicBool::new(true));
    let starts = starting.clone();
    let request = move |_: &Outgoing| {
        Ok(if starts.load(Ordering::SeqCst) { (403, "authorization failed!".into()) } else { (200, "ok".into()) })
    };
    let f = fixture(SOON, tokens().0, Box::new(request));
    for _ in 0..100 {
        assert_eq!(f.get().unwrap().status(), 403);
    }
    starting.store(false, Ordering::SeqCst);
    assert_eq!((f.get().unwrap().status(), f.logins()), (200, 1));
}

#[test]
fn situation_52_a_refusal_without_words_is_cured_if_the_token_was_the_reason() {
    let bodies = ["", r#"{"status":403,"error":"Forbidden"}"#];
    side_by_side(bodies, |body| {
        let f = strict(2, 403, body);
        let response = f.get().unwrap();
        assert_eq!((response.status(), response.replays(), f.logins()), (200, 1, 2));
    });
    // What must not be sent twice is handed on, and the next is served.
    side_by_side(bodies, |body| {
        let f = strict(2, 403, body);
        let post = || f.client.request(Request::post("/v1/x").unwrap()).unwrap().status();
        assert_eq!((post(), post(), f.logins(), f.requests()), (403, 200, 2, 2));
    });
}

#[test]
fn situation_53_an_empty_answer_is_handed_on() {
    let f = fixture(SOON, tokens().0, says(200, ""));
    for _ in 0..100 {
        let response = f.client.request(Request::get("/v3/client/cs/config").unwrap()).unwrap();
        assert_eq!((response.status(), response.body().len(), response.replays()), (200, 0, 0));
    }
    assert_eq!((f.logins(), f.requests()), (1, 100));
}

#[test]
fn after_a_break_a_request_goes_over_a_connection_of_its_own() {
    // An idle one may be of the same lot: whoever restarts breaks all it has, one after the other.
    let reuse = Arc::new(Mutex::new(Vec::new()));
    let seen = reuse.clone();
    let script: Script = Box::new(move |out| {
        seen.lock().push(out.options.reuse);
        if seen.lock().len() == 1 { Err(Fault::Io) } else { Ok((200, "ok".into())) }
    });
    let f = fixture(SOON, tokens().0, script);
    assert_eq!(f.get().unwrap().status(), 200);
    assert_eq!(*reuse.lock(), [true, false]);
}

#[test]
fn what_must_not_be_sent_twice_goes_over_a_new_connection_after_a_refusal() {
    // A server that closes without saying so closes the connection while the second request is on its way.
    for (request, expected) in [(Request::post("/v1/x"), [true, false]), (Request::get("/v1/x"), [true, true])] {
        let reuse = Arc::new(Mutex::new(Vec::new()));
        let seen = reuse.clone();
        let script: Script = Box::new(move |out| {
            seen.lock().push(out.options.reuse);
            // As r-nacos up to 0.8.5, which reads the token in the query only.
            let in_query = out.target.query().is_some_and(|query| query.contains("accessToken="));
            Ok(if in_query { (200, "ok".into()) } else { (403, "unknown user!".into()) })
        });
        let f = fixture(SOON, tokens().0, script);
        assert_eq!(f.client.request(request.unwrap()).unwrap().status(), 200);
        assert_eq!(*reuse.lock(), expected);
    }
    let reuse = Arc::new(Mutex::new(Vec::new()));
    let seen = reuse.clone();
    let script: Script = Box::new(move |out| {
        seen.lock().push(out.options.reuse);
        Ok(if seen.lock().len() == 1 { (403, "token expired!".into()) } else { (200, "ok".into()) })
    });
    let f = fixture(SOON, tokens().0, script);
    assert_eq!(f.client.request(Request::post("/v1/x").unwrap()).unwrap().status(), 200);
    assert_eq!(*reuse.lock(), [true, false], "with another token");
}

#[test]
fn situation_30_a_server_that_breaks_connections_is_left_for_the_next() {
    let dying = |out: &Outgoing| {
        if out.endpoint.host.starts_with("host0") { Err(Fault::Io) } else { Ok((200, "ok".into())) }
    };
    let f = cluster(2, SOON, tokens().0, Box::new(dying));
    for _ in 0..3 {
        assert_eq!(f.get().unwrap().status(), 200);
    }
    // Twice at the dying one, and not again for half a minute.
    assert!(f.requests() <= 5, "{}", f.requests());
    let f = cluster(2, SOON, tokens().0, Box::new(|_| Err(Fault::Io)));
    assert_eq!(f.get().err().unwrap().kind(), Kind::Io);
    assert_eq!(f.requests(), 4);
}

#[test]
fn situation_24_the_secret_changes_while_a_renewal_is_on_its_way() {
    let count = AtomicU32::new(0);
    let changed = Arc::new(AtomicBool::new(false));
    let (is_new, refused) = (changed.clone(), Arc::new(AtomicBool::new(false)));
    let refuses = refused.clone();
    // The second login's token is signed with the old secret, and arrives when one of that has been refused.
    let login = move |_: &Outgoing| {
        if count.load(Ordering::SeqCst) == 1 && !refused.load(Ordering::SeqCst) {
            return Err(Fault::NotYet);
        }
        let number = count.fetch_add(1, Ordering::SeqCst);
        let signed = if number < 2 { "old" } else { "new" };
        Ok((200, format!(r#"{{"accessToken":"{signed}-{number}","tokenTtl":4}}"#)))
    };
    let request = move |out: &Outgoing| {
        let good = is_new.load(Ordering::SeqCst) == bearer(out).starts_with("new");
        refuses.fetch_or(!good, Ordering::SeqCst);
        Ok(if good { (200, "ok".into()) } else { (403, "token expired!".into()) })
    };
    let f = fixture(SOON, Box::new(login), Box::new(request));
    assert_eq!(f.get().unwrap().status(), 200);
    let end = Instant::now() + Duration::from_secs(10);
    while f.client.stats().refresh_state != RefreshState::InFlight {
        assert!(Instant::now() < end, "no renewal");
        std::thread::sleep(Duration::from_millis(5));
    }
    changed.store(true, Ordering::SeqCst);
    let answer = f.get().unwrap();
    // The second token was tried again for a second, as it might only have been too new.
    assert_eq!((answer.status(), answer.replays(), f.logins()), (200, 2, 3));
}
