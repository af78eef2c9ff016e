//! Credentials from elsewhere, and callers who want to be told.

use std::sync::{atomic::AtomicU32, mpsc};

use super::*;

/// A login that takes the password `good` only.
fn takes(good: &Arc<Mutex<&'static str>>) -> Script {
    let good = good.clone();
    Box::new(move |out: &Outgoing| {
        let body = body(out);
        let password = body.rsplit("password=").next().unwrap();
        let good = *good.lock();
        if password == good {
            Ok((200, format!(r#"{{"accessToken":"token-of-{good}","tokenTtl":18000}}"#)))
        } else {
            Ok((403, "user not found!".into()))
        }
    })
}

fn password(username: &str, password: &str) -> Supply {
    Supply::Password { username: username.into(), password: password.into() }
}

fn text(client: &Client) -> String {
    client.token().unwrap().secret.expose().into()
}

fn reject(client: &Client) {
    let token = client.token().unwrap();
    client.report_rejected(token.generation, 403, b"token expired!").unwrap();
}

#[test]
fn a_password_file_is_read_for_each_login_and_again_when_one_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("password");
    std::fs::write(&path, "one\n").unwrap();
    let good = Arc::new(Mutex::new("one"));
    let accepted = good.clone();
    let request = move |out: &Outgoing| {
        let good = bearer(out) == format!("token-of-{}", *accepted.lock());
        Ok(if good { (200, "ok".into()) } else { (403, "token expired!".into()) })
    };
    let f = with(|server| Config::with_password_file(server, "nacos", &path), takes(&good), Box::new(request));
    assert_eq!(f.get().unwrap().status(), 200);
    std::fs::write(&path, "two\r\n").unwrap();
    *good.lock() = "two";
    assert_eq!(f.get().unwrap().status(), 200, "the new password was found");
    assert_eq!((f.logins(), f.client.stats().login_failures), (2, 0));
    // A password that is refused although nothing has changed is no reason to try it twice.
    *good.lock() = "three";
    assert_eq!(f.get().err().unwrap().kind(), Kind::BadCredentials);
    assert_eq!(f.logins(), 3);
}

#[test]
fn a_file_that_gets_better_ends_a_pause() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("password");
    std::fs::write(&path, "wrong").unwrap();
    let good = Arc::new(Mutex::new("right"));
    let f = with(|server| Config::with_password_file(server, "nacos", &path), takes(&good), says(200, ""));
    assert_eq!(f.client.token().unwrap_err().kind(), Kind::BadCredentials);
    assert!(f.client.token().unwrap_err().retry_after().unwrap() > Duration::from_secs(15));
    std::fs::write(&path, "right").unwrap();
    // What the refresher does every 15 s.
    let session = f.session();
    let plan = session.tick(clock::now());
    assert!(!plan.look && plan.next.unwrap() <= clock::now() + Duration::from_secs(15));
    assert!(session.tick(clock::now() + Duration::from_secs(15)).look);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(crate::session::look(&session));
    assert_eq!((text(&f.client).as_str(), f.logins()), ("token-of-right", 2));
}

#[test]
fn a_password_file_that_cannot_be_read_is_told_by_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("password");
    let config = || Config::with_password_file("a", "nacos", &path);
    let refused = || config().check().err().unwrap();
    for content in [None, Some("".as_bytes()), Some(b"\n"), Some(b"\xff"), Some(&[b'x'; 5000])] {
        content.into_iter().for_each(|content| std::fs::write(&path, content).unwrap());
        let error = refused();
        assert_eq!(error.kind(), Kind::InvalidConfig);
        assert!(error.message().starts_with("password_file: ") && error.message().contains(path.to_str().unwrap()));
    }
    std::fs::write(&path, "x").unwrap();
    let f = with(|server| Config::with_password_file(server, "nacos", &path), tokens().0, says(200, ""));
    std::fs::remove_file(&path).unwrap();
    let error = f.client.token().unwrap_err();
    assert_eq!((error.kind(), error.is_retryable()), (Kind::NoCredentials, true));
    assert_eq!((f.logins(), f.client.stats().failures_other), (0, 1));
}

#[test]
fn a_byte_order_mark_is_no_part_of_the_password() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("password");
    for content in ["secret", "secret\n", "\u{feff}secret", "\u{feff}secret\r\n"] {
        std::fs::write(&path, content).unwrap();
        let good = Arc::new(Mutex::new("secret"));
        let f = with(|server| Config::with_password_file(server, "nacos", &path), takes(&good), says(200, ""));
        assert_eq!(text(&f.client), "token-of-secret", "{content:?}");
    }
    let utf_16 = |mark: &[u8], bytes: fn(u16) -> [u8; 2]| -> Vec<u8> {
        [mark, &"secret\n".encode_utf16().flat_map(bytes).collect::<Vec<_>>()].concat()
    };
    let big = utf_16(b"\xfe\xff", u16::to_be_bytes);
    for content in [utf_16(b"\xff\xfe", u16::to_le_bytes), big, utf_16(b"", u16::to_le_bytes)] {
        std::fs::write(&path, content).unwrap();
        let error = Config::with_password_file("a", "nacos", &path).check().err().unwrap();
        assert!(error.message().ends_with("UTF-16 by its looks; save it as UTF-8"), "{error}");
    }
    for (content, says) in [(&b"\xef\xbb\xbf\n"[..], "empty"), (b"secr\xe9t", "not UTF-8; save it as UTF-8")] {
        std::fs::write(&path, content).unwrap();
        let error = Config::with_password_file("a", "nacos", &path).check().err().unwrap();
        assert!(error.message().contains(says), "{error}");
    }
}

#[test]
fn a_callback_is_asked_for_each_login_and_again_when_it_is_refused() {
    let good = Arc::new(Mutex::new("old"));
    let asked = Arc::new(AtomicU32::new(0));
    let counter = asked.clone();
    // It gives what it gave before until it is asked a second time, like a cache that has to be told.
    let give = move || Ok(password("nacos", ["old", "old", "new"][counter.fetch_add(1, Ordering::SeqCst) as usize]));
    let f = with(|server| Config::with_callback(server, give), takes(&good), says(200, ""));
    assert_eq!(text(&f.client), "token-of-old");
    *good.lock() = "new";
    reject(&f.client);
    assert_eq!((text(&f.client).as_str(), asked.load(Ordering::SeqCst)), ("token-of-new", 3));
}

#[test]
fn a_callback_that_fails_says_why() {
    for (gives, said) in [
        (Err("the vault is sealed".to_owned()), "the vault is sealed"),
        (Ok(password("", "x")), "username: empty"),
        (Ok(password("nacos", "")), "password: empty"),
        (Ok(Supply::Token { token: "a b".into(), ttl: None }), "token: empty, or holds a space"),
    ] {
        let f = with(|server| Config::with_callback(server, move || gives.clone()), tokens().0, says(200, ""));
        let error = f.client.token().unwrap_err();
        assert_eq!(error.kind(), Kind::NoCredentials);
        assert!(error.message().contains(said), "{error}");
        assert_eq!(f.logins(), 0);
    }
    let f = with(|server| Config::with_callback(server, || panic!("scripted")), tokens().0, says(200, ""));
    assert!(f.client.token().unwrap_err().message().contains("panicked"));
}

#[test]
fn a_token_from_elsewhere_serves_until_it_is_refused() {
    let f = with(|server| Config::with_token(server, "theirs", None), tokens().0, says(200, ""));
    assert_eq!(text(&f.client), "theirs");
    assert!(f.client.token().unwrap().remaining_ms > 3_600_000);
    reject(&f.client);
    let error = f.client.token().unwrap_err();
    assert_eq!(error.kind(), Kind::BadCredentials);
    assert!(error.message().contains("give it another one"), "{error}");
    f.client.set_token("another", Some(Duration::from_secs(600))).unwrap();
    assert_eq!(text(&f.client), "another");
    assert!(f.client.token().unwrap().remaining_ms <= 600_000);
    f.client.set_credentials("nacos", "x").unwrap();
    assert_eq!((text(&f.client).as_str(), f.logins()), ("t1", 1));
    assert_eq!(f.client.set_token("a\r\nb", None).unwrap_err().kind(), Kind::InvalidArgument);
}

#[test]
fn a_callback_may_give_tokens_of_somebody_elses() {
    let given = AtomicU32::new(0);
    let give = move || {
        let token = format!("theirs-{}", given.fetch_add(1, Ordering::SeqCst) / 2).as_str().into();
        Ok(Supply::Token { token, ttl: Some(Duration::from_secs(600)) })
    };
    let f = with(|server| Config::with_callback(server, give), tokens().0, says(200, ""));
    assert_eq!(text(&f.client), "theirs-0");
    reject(&f.client);
    // It gives the refused one once more, and is asked again at once.
    assert_eq!((text(&f.client).as_str(), f.logins()), ("theirs-1", 0));
}

/// A client of one server whose requests are answered so, with a token like those of Nacos; and the lines of its log.
fn logged(status: u16, body: &'static str) -> (Fixture, mpsc::Receiver<String>) {
    let (lines, log) = mpsc::channel();
    let token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJuYWNvcyJ9.c2lnbmF0dXJl";
    let login = says(200, format!(r#"{{"accessToken":"{token}","tokenTtl":18000}}"#));
    let config = |server: &str| {
        let log = move |event: &crate::Event| _ = lines.send(event.to_string());
        Config::new(server, "nacos", "hunter2").on_log(Level::Warn, log)
    };
    (with(config, login, says(status, body)), log)
}

fn lines(f: &Fixture, log: &mpsc::Receiver<String>) -> Vec<String> {
    f.client.close();
    log.iter().collect()
}

#[test]
fn a_missing_permission_is_told_once_a_minute() {
    let (f, log) = logged(403, r#"{"status":403,"message":"authorization failed!","path":"/x"}"#);
    for _ in 0..50 {
        let request = Request::get("/v1/cs/configs?dataId=secret").unwrap();
        assert_eq!(f.client.request(request).unwrap().status(), 403);
    }
    let session = f.session();
    let server = session.servers.names();
    let said = lines(&f, &log);
    assert_eq!(
        said,
        [format!(
            "{server}: the user has no permission for GET /v1/cs/configs: authorization failed!; give one to its role in \
             Nacos, or log in as another user"
        )]
    );
}

#[test]
fn a_refusal_of_a_token_is_told_with_the_servers_name_and_words() {
    for (body, says) in [
        ("token expired!", "token expired!"),
        (r#"{"status":403,"message":"Invalid signature"}"#, "Invalid signature"),
        ("token invalid! eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJuYWNvcyJ9.c2lnbmF0dXJl", "token invalid!"),
        ("unknown user! hunter2", "unknown user!"),
        ("", "without saying why"),
    ] {
        let (f, log) = logged(403, body);
        assert_eq!(f.get().map(|answer| answer.status()).unwrap_or(403), 403);
        let names = f.session().servers.names();
        let said = lines(&f, &log);
        assert!(said[0].starts_with(&format!("{names} refused token ")), "{body}: {said:?}");
        assert!(said[0].ends_with(&format!(": {says}")), "{body}: {said:?}");
        assert!(said.iter().all(|line| !line.contains("hunter2") && !line.contains("eyJ")), "{said:?}");
    }
}

#[test]
fn other_servers_are_named_only_where_there_are_some() {
    for (servers, others) in [(1, false), (2, true)] {
        let (lines, log) = mpsc::channel();
        let list: Vec<_> = (0..servers).map(|n| format!("host{n}.down{servers}")).collect();
        let config = Config::new(&list.join(","), "nacos", "hunter2");
        let config = config.on_log(Level::Warn, move |event| _ = lines.send(event.to_string()));
        let f = configured(config, SOON, Box::new(|_| Err(Fault::Connect)), Box::new(|_| Err(Fault::Connect)));
        assert_eq!(f.client.token_within(Duration::from_secs(2), None).unwrap_err().kind(), Kind::Connect);
        f.client.close();
        let down: Vec<String> = log.iter().filter(|line| line.contains("cannot be reached")).collect();
        assert_eq!(down.len(), servers, "{down:?}");
        assert!(down.iter().all(|line| line.contains("other servers") == others), "{down:?}");
    }
}

#[test]
fn what_happens_is_told_and_without_secrets() {
    let good = Arc::new(Mutex::new("hunter2"));
    let (events, told) = mpsc::channel();
    let (lines, log) = mpsc::channel();
    let f = with(
        |server| {
            Config::new(server, "nacos", "hunter2")
                .on_event(move |event| {
                    let message = format!("{event}; server: {:?}", event.server());
                    events.send((event.kind(), event.generation(), message)).unwrap()
                })
                .on_log(Level::Info, move |event| lines.send((event.kind().level(), event.to_string())).unwrap())
        },
        takes(&good),
        says(200, ""),
    );
    let generation = f.client.token().unwrap().generation;
    let next = || told.recv_timeout(Duration::from_secs(5)).unwrap();
    assert_eq!(next().0, EventKind::LoginStarted);
    let (kind, about, message) = next();
    assert_eq!((kind, about), (EventKind::TokenRefreshed, generation));
    let names = f.session().servers.names();
    assert!(
        message.contains(&format!(" from {names}, ")) && message.contains(&format!("; server: Some({names:?})")),
        "{message}"
    );
    *good.lock() = "other";
    reject(&f.client);
    assert_eq!(f.client.token().unwrap_err().kind(), Kind::BadCredentials);
    let (kind, about, _) = next();
    assert_eq!((kind, about), (EventKind::TokenRejected, generation));
    assert_eq!(next().0, EventKind::LoginStarted);
    let (kind, _, message) = next();
    assert_eq!(kind, EventKind::LoginFailed);
    assert!(message.contains("user not found!") && message.contains("next login in"), "{message}");
    *good.lock() = "hunter2";
    f.session().clear_failures();
    assert_eq!(text(&f.client), "token-of-hunter2");
    let rest: Vec<EventKind> = (0..3).map(|_| next().0).collect();
    assert_eq!(rest, [EventKind::LoginStarted, EventKind::TokenRefreshed, EventKind::Recovered]);
    f.client.close();
    let lines: Vec<(Level, String)> = log.iter().collect();
    let levels: Vec<Level> = lines.iter().map(|(level, _)| *level).collect();
    assert_eq!(levels, [Level::Info, Level::Warn, Level::Warn, Level::Info, Level::Info], "no Debug");
    assert!(lines.iter().all(|(_, line)| !line.contains("hunter2") && !line.contains("token-of")), "{lines:?}");
}

#[test]
fn situation_45_a_callback_may_get_set_and_close() {
    let client: Arc<Mutex<Option<Arc<Client>>>> = Arc::default();
    let (own, (done, finished)) = (client.clone(), mpsc::channel());
    let f = with(
        |server| {
            Config::new(server, "nacos", "x").on_event(move |event| {
                if event.kind() != EventKind::TokenRefreshed {
                    return;
                }
                let client = loop {
                    if let Some(client) = own.lock().clone() {
                        break client;
                    }
                    std::thread::yield_now();
                };
                // Waits for a login of its own in the thread of the callback.
                reject(&client);
                let token = text(&client);
                client.set_credentials("nacos", "y").unwrap();
                let other = text(&client);
                client.close();
                client.close();
                done.send((token, other, client.token().unwrap_err().kind())).unwrap();
            })
        },
        tokens().0,
        says(200, ""),
    );
    let Fixture { client: shared, .. } = f;
    *client.lock() = Some(shared.clone());
    shared.token().unwrap();
    let (token, other, after) = finished.recv_timeout(Duration::from_secs(10)).expect("no deadlock");
    assert_eq!((token.as_str(), other.as_str(), after), ("t2", "t3", Kind::Closed));
}

#[test]
fn situation_45_a_credentials_callback_may_close_its_own_handle() {
    let client: Arc<Mutex<Option<Arc<Client>>>> = Arc::default();
    let own = client.clone();
    let give = move || {
        own.lock().clone().unwrap().close();
        Ok(password("nacos", "x"))
    };
    let f = with(|server| Config::with_callback(server, give), tokens().0, says(200, ""));
    let shared = f.client;
    *client.lock() = Some(shared.clone());
    assert_eq!(shared.token().unwrap_err().kind(), Kind::Closed);
}

#[test]
fn situation_42_close_lets_go_of_what_the_callbacks_hold() {
    let held = Arc::new(());
    let (a, b, c, witness) = (held.clone(), held.clone(), held.clone(), Arc::downgrade(&held));
    let config = |server: &str| {
        let give = move || {
            let _held = &a;
            Ok(password("nacos", "x"))
        };
        Config::with_callback(server, give)
            .on_event(move |_| drop(b.clone()))
            .on_log(Level::Debug, move |_| drop(c.clone()))
    };
    let f = with(config, tokens().0, says(200, ""));
    drop(held);
    text(&f.client);
    assert!(witness.upgrade().is_some());
    f.client.close();
    let end = Instant::now() + Duration::from_secs(5);
    while witness.upgrade().is_some() {
        assert!(Instant::now() < end, "somebody still holds the caller's functions");
        std::thread::yield_now();
    }
}

#[test]
fn counters_tell_why_logins_happened_and_what_was_suppressed() {
    let good = Arc::new(Mutex::new("hunter2"));
    let f = with(|server| Config::new(server, "nacos", "hunter2"), takes(&good), says(200, ""));
    let old = f.client.token().unwrap().generation;
    reject(&f.client);
    text(&f.client);
    assert_eq!(f.client.report_rejected(old, 403, b"token expired!").unwrap(), Advice::Replay);
    assert_eq!(f.client.report_rejected(old, 403, b"authorization failed!").unwrap(), Advice::Return);
    f.client.report_rejected(f.client.token().unwrap().generation, 200, b"").unwrap();
    *good.lock() = "other";
    reject(&f.client);
    f.client.token().unwrap_err();
    f.client.token().unwrap_err();
    let s = f.client.stats();
    assert_eq!((s.logins, s.logins_first, s.logins_renewal, s.logins_rejection), (2, 1, 0, 1));
    assert_eq!((s.login_failures, s.failures_refused, s.suppressed_by_pause, s.suppressed_by_rejection), (1, 1, 1, 0));
    assert_eq!((s.rejections, s.rejections_identity, s.rejections_permission), (4, 3, 1));
    assert_eq!((s.suppressed_by_generation, s.waits, s.waiting), (1, 3, 0));
    assert!(s.retry_in > Duration::from_secs(15));
}

#[test]
fn a_new_password_that_the_servers_do_not_know_yet_costs_no_call() {
    let good = Arc::new(Mutex::new("old"));
    let f = with(|server| Config::new(server, "nacos", "old"), takes(&good), says(200, ""));
    assert_eq!(text(&f.client), "token-of-old");
    f.client.set_credentials("nacos", "new").unwrap();
    let token = f.client.token().unwrap();
    assert_eq!((token.secret.expose(), f.logins()), ("token-of-old", 2));
    assert!(f.client.live().handle.cache.get().is_some(), "it is as good as before");
    let stats = f.client.stats();
    assert_eq!((stats.failures_refused, stats.refresh_state), (1, RefreshState::BackingOff));
    *good.lock() = "new";
    f.session().clear_failures();
    process::current().wake();
    let end = Instant::now() + Duration::from_secs(5);
    while text(&f.client) != "token-of-new" {
        assert!(Instant::now() < end, "no second login");
        std::thread::sleep(Duration::from_millis(10));
    }
    // Another user's token is not used any more.
    f.client.set_credentials("somebody", "new").unwrap();
    assert!(f.client.live().handle.cache.get().is_none());
    *good.lock() = "other";
    f.client.set_credentials("else", "x").unwrap();
    assert_eq!(f.client.token().unwrap_err().kind(), Kind::BadCredentials);
}
