//! Whatever happens, and whatever a server repeats of what it was sent: no password, token, query, header or body stands in
//! an event, a line of the log, an error or a debug output.

use std::{
    fmt::Debug,
    io::Write,
    net::TcpStream,
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use nacos_auth::{Cancel, Client, Config, Error, Level, Report, Request, Supply, TokenPlace};

use crate::server::{Seen, Server, answer, chunked};

/// What must not be told, in the spellings in which it travels.
const SECRETS: [&str; 13] = [
    "S3cret+Pass w0rd",
    "S3cret%2BPass+w0rd",
    "S3cret%2BPass%20w0rd",
    "UzNjcmV0K1Bhc3MgdzByZA",
    "tok-SECRET",
    "QUERY-SECRET",
    "HEADER-SECRET",
    "BODY-SECRET",
    "PROXY-SECRET",
    "UFJPWFktU0VDUkVU",
    "ADDRESS-SECRET",
    "FILE-SECRET",
    "CALLBACK-SECRET",
];
const PASSWORD: &str = SECRETS[0];
const TIME: Duration = Duration::from_millis(400);

/// All that is told.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<String>>>);

impl Told {
    fn add(&self, text: impl Debug) {
        self.0.lock().expect("no panic").push(format!("{text:?}"));
    }

    fn add_error(&self, error: &Error) {
        self.add(error);
        self.add(error.to_string());
    }

    fn listen(&self, config: Config) -> Config {
        let (events, lines) = (self.clone(), self.clone());
        self.add(&config);
        config
            .on_event(move |event| {
                events.add(event);
                events.add(event.to_string());
            })
            .on_log(Level::Debug, move |event| lines.add((event.kind().level(), event.to_string())))
    }

    /// What has been told in this situation holds no secret, and says something.
    fn check(&self, situation: impl Debug, at_least: usize) {
        let told = std::mem::take(&mut *self.0.lock().expect("no panic"));
        assert!(told.len() >= at_least, "{situation:?}: set-up: only {told:?}");
        for text in &told {
            let secret = SECRETS.iter().find(|secret| text.contains(**secret));
            assert!(secret.is_none(), "{situation:?}: {secret:?} is told: {text}");
        }
    }
}

fn token_number(number: usize) -> String {
    format!(r#"{{"accessToken":"tok-SECRET-{number}","tokenTtl":18000}}"#)
}

/// A call of each kind, with a secret in each place that one may stand in.
fn calls(told: &Told, client: &Client) {
    match client.token_within(TIME, None) {
        Ok(token) => told.add(&token),
        Err(error) => told.add_error(&error),
    }
    for method in ["GET", "POST"] {
        let request = Request::new(method, "/v1/cs/configs").expect("a request");
        let request = request.query("dataId", "QUERY-SECRET").header("X-Own", "HEADER-SECRET").expect("a header");
        if let Err(error) = client.request(request.body("BODY-SECRET").timeout(TIME)) {
            told.add_error(&error);
        }
    }
    told.add(client);
    told.add(client.stats());
}

type Echo = fn(&Seen, &mut TcpStream) -> std::io::Result<bool>;

/// Answers that repeat the request, in every part of an answer.
const ECHOES: [(&str, Echo); 16] = [
    ("403", |seen, out| echo(out, "403 Forbidden", "", seen.text.as_bytes())),
    ("403 expired", |seen, out| {
        let text = seen.text.replace(['"', '\r', '\n', '\\'], " ");
        echo(out, "403 Forbidden", "", format!(r#"{{"status":403,"message":"token expired! {text}"}}"#).as_bytes())
    }),
    ("403 permission", |seen, out| {
        let text = seen.text.replace(['"', '\r', '\n', '\\'], " ");
        echo(
            out,
            "403 Forbidden",
            "",
            format!(r#"{{"status":403,"message":"authorization failed! {text}"}}"#).as_bytes(),
        )
    }),
    ("401", |seen, out| echo(out, "401 Unauthorized", "", seen.text.as_bytes())),
    ("400", |seen, out| echo(out, "400 Bad Request", "", seen.text.as_bytes())),
    ("404", |seen, out| echo(out, "404 Not Found", "", seen.text.as_bytes())),
    ("429", |seen, out| echo(out, "429 Too Many Requests", "", seen.text.as_bytes())),
    ("500", |seen, out| echo(out, "500 Fault", "", format!("caused: {}", seen.text).as_bytes())),
    ("502", |seen, out| echo(out, "502 Bad Gateway", "", seen.text.as_bytes())),
    ("200", |seen, out| echo(out, "200 OK", "", seen.text.as_bytes())),
    ("redirect", |seen, out| echo(out, "302 Found", &format!("Location: http://x/?{}\r\n", line(seen)), b"")),
    ("reason", |seen, out| echo(out, &format!("500 {}", line(seen)), "", b"")),
    ("the request itself", |seen, out| out.write_all(seen.text.as_bytes()).map(|()| false)),
    ("a header that is none", |seen, out| echo(out, "200 OK", &format!("{}\r\n", line(seen)), b"")),
    ("a length that is none", |seen, out| {
        write!(out, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", line(seen))?;
        Ok(false)
    }),
    ("a chunk that is none", |seen, out| {
        write!(out, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{}\r\n", line(seen))?;
        Ok(false)
    }),
];

fn echo(out: &mut TcpStream, status: &str, more: &str, body: &[u8]) -> std::io::Result<bool> {
    out.write_all(&answer(status, more, body)).map(|()| true)
}

/// The request in one line.
fn line(seen: &Seen) -> String {
    seen.text.replace(['\r', '\n'], " ")
}

fn good(seen: &Seen, out: &mut TcpStream) -> std::io::Result<bool> {
    static NEXT: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
    let number = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    if seen.is_login() {
        echo(out, "200 OK", "", token_number(number).as_bytes())
    } else {
        echo(out, "200 OK", "", b"well")
    }
}

#[test]
fn logins_that_meet_an_echo() {
    let told = Told::default();
    for (what, answers) in ECHOES {
        let server = Server::new(answers);
        let config = Config::new(&server.address.to_string(), "operator", PASSWORD);
        let client = Client::new(told.listen(config)).expect("a client");
        calls(&told, &client);
        client.close();
        told.check(what, 6);
    }
}

#[test]
fn requests_that_meet_an_echo() {
    thread::scope(|scope| {
        for (what, answers) in ECHOES {
            scope.spawn(move || {
                for place in [TokenPlace::Auto, TokenPlace::Authorization, TokenPlace::Header, TokenPlace::Query] {
                    request_that_meets(what, answers, place);
                }
            });
        }
    });
}

fn request_that_meets(what: &str, answers: Echo, place: TokenPlace) {
    let told = Told::default();
    let server = Server::new(move |seen, out| if seen.is_login() { good(seen, out) } else { answers(seen, out) });
    let config = Config::new(&server.address.to_string(), "operator", PASSWORD).token_in(place);
    let client = Client::new(told.listen(config)).expect("a client");
    calls(&told, &client);
    if let Ok(token) = client.token_within(TIME, None) {
        let body = format!(r#"{{"status":403,"message":"token expired! {}"}}"#, token.secret.expose());
        told.add(client.report(&Report {
            generation: token.generation,
            status: 403,
            body: body.as_bytes(),
            ..Report::default()
        }));
        told.add(client.token_within(TIME, None));
    }
    client.close();
    told.check((what, place), 5);
}

#[test]
fn connections_that_fail() {
    let told = Told::default();
    let plain = Server::new(good);
    let hangs = Server::raw(|_| thread::sleep(Duration::from_secs(3)));
    let breaks = Server::raw(drop);
    let cut = Server::new(|seen, out| {
        let whole = chunked("200 OK", "", seen.text.as_bytes());
        out.write_all(&whole[..whole.len() - 7])?;
        Ok(false)
    });
    for address in [
        format!("https://{}", plain.address),
        hangs.address.to_string(),
        breaks.address.to_string(),
        cut.address.to_string(),
        "127.0.0.1:1".into(),
        "name.invalid".into(),
    ] {
        let config = Config::new(&address, "operator", PASSWORD).connect_timeout(TIME);
        let client = Client::new(told.listen(config)).expect("a client");
        calls(&told, &client);
        client.close();
        told.check(address, 6);
    }
}

#[test]
fn proxies_with_a_password() {
    let told = Told::default();
    let server = Server::new(good);
    for (what, answers) in ECHOES {
        for target in ["http", "https"] {
            let proxy = Server::new(answers);
            let config = Config::new(&format!("{target}://{}", server.address), "operator", PASSWORD);
            let config = config.proxy(&format!("http://operator:PROXY-SECRET@{}", proxy.address));
            let client = Client::new(told.listen(config)).expect("a client");
            calls(&told, &client);
            client.close();
            told.check((what, target), 6);
        }
    }
    for scheme in ["socks5", "socks4", "ftp", "https"] {
        let config = Config::new("127.0.0.1:1", "operator", PASSWORD);
        match Client::new(told.listen(config.proxy(&format!("{scheme}://operator:PROXY-SECRET@127.0.0.1:1")))) {
            Ok(client) => calls(&told, &client),
            Err(error) => told.add_error(&error),
        }
        told.check(scheme, 2);
    }
}

#[test]
fn settings_and_arguments_that_are_refused() {
    let told = Told::default();
    for address in [
        "http://operator:ADDRESS-SECRET@127.0.0.1:1",
        "operator:ADDRESS-SECRET@127.0.0.1",
        "http://operator:ADDRESS-SECRET@[",
        "http://127.0.0.1:1/?password=ADDRESS-SECRET",
        "good:1,http://operator:ADDRESS-SECRET@bad:1",
    ] {
        match Client::new(told.listen(Config::new(address, "operator", PASSWORD))) {
            Ok(client) => calls(&told, &client),
            Err(error) => told.add_error(&error),
        }
        told.check(address, 2);
    }
    for (user, password) in [("", PASSWORD), ("operator\0", PASSWORD), ("operator", "S3cret+Pass w0rd\0")] {
        if let Err(error) = Client::new(told.listen(Config::new("127.0.0.1:1", user, password))) {
            told.add_error(&error);
        }
        told.check((user, "and a password"), 1);
    }
    for error in [
        Request::get("/v1/../x?q=QUERY-SECRET").err(),
        Request::get("no slash?q=QUERY-SECRET").err(),
        Request::get("/v1 x?q=QUERY-SECRET").err(),
        Request::new("GET\r\nX: HEADER-SECRET", "/v1").err(),
        Request::get("/v1").expect("a request").header("X", "HEADER-SECRET\r\n").err(),
        Request::get("/v1").expect("a request").header("Host", "HEADER-SECRET").err(),
        Request::get("/v1").expect("a request").form([("accessToken", "BODY-SECRET")]).err(),
    ] {
        told.add_error(&error.expect("refused"));
    }
    let client = Client::new(told.listen(Config::new("127.0.0.1:1", "operator", PASSWORD))).expect("a client");
    for result in [
        client.set_token("tok-SECRET\r\n", None),
        client.set_token("", None),
        client.set_credentials("", PASSWORD),
        client.set_credentials("operator", PASSWORD),
        client.set_token("tok-SECRET", Some(Duration::from_secs(100))),
    ] {
        told.add(&result);
    }
    for request in [
        Request::get("/v1?accessToken=QUERY-SECRET").expect("a request"),
        Request::get("/v1").expect("a request").query("accessToken", "QUERY-SECRET"),
        Request::get("/v1").expect("a request").header("Authorization", "Bearer HEADER-SECRET").expect("a header"),
        Request::get("/v1").expect("a request").header("accessToken", "HEADER-SECRET").expect("a header"),
    ] {
        if let Err(error) = client.request(request.timeout(TIME)) {
            told.add_error(&error);
        }
    }
    client.close();
    told.check("arguments", 15);
}

#[test]
fn credentials_from_elsewhere() {
    let told = Told::default();
    let refuses = Server::new(ECHOES[0].1);
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("password");
    for content in [&b"FILE-SECRET\n"[..], b"FILE-SECRET\0", b"\xff\xfeFILE-SECRET", b"FILE-SECRET\nFILE-SECRET\n"] {
        std::fs::write(&path, content).expect("a file");
        let config = Config::with_password_file(&refuses.address.to_string(), "operator", &path);
        match Client::new(told.listen(config)) {
            Ok(client) => {
                calls(&told, &client);
                client.close();
            }
            Err(error) => told.add_error(&error),
        }
        told.check(String::from_utf8_lossy(content), 3);
    }
    let supplies: [fn() -> Result<Supply, String>; 3] = [
        || Ok(Supply::Password { username: "operator".into(), password: "CALLBACK-SECRET".into() }),
        || Ok(Supply::Password { username: "operator".into(), password: "CALLBACK-SECRET\0".into() }),
        || Err("the vault is closed".into()),
    ];
    for supply in supplies {
        let client = Client::new(told.listen(Config::with_callback(&refuses.address.to_string(), supply)));
        let client = client.expect("a client");
        calls(&told, &client);
        client.close();
        told.check("a callback", 3);
    }
}

#[test]
fn calls_that_are_ended() {
    let told = Told::default();
    let server = Server::new(|seen, out| {
        thread::sleep(Duration::from_millis(300));
        good(seen, out)
    });
    for closes in [true, false] {
        let config = Config::new(&server.address.to_string(), "operator", PASSWORD);
        let client = Arc::new(Client::new(told.listen(config)).expect("a client"));
        let cancel = Cancel::new();
        let (other, signal) = (client.clone(), cancel.clone());
        thread::spawn(move || {
            thread::sleep(Duration::from_millis(450));
            if closes { other.close() } else { signal.trigger() }
        });
        let request = Request::get("/v1/cs/configs").expect("a request").query("dataId", "QUERY-SECRET");
        let error = client.request(request.cancel(&cancel)).map(drop).expect_err("ended");
        told.add_error(&error);
        told.add(&cancel);
        calls(&told, &client);
        client.close();
        told.check(("closes", closes), 5);
    }
}

/// A search that finds nothing may be blind.
#[test]
fn what_is_told_is_searched() {
    let told = Told::default();
    told.add(format!("a line with {PASSWORD} in it"));
    let blind = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| told.check("planted", 1)));
    assert!(blind.is_err());
}
