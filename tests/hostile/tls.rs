//! TLS of every wrong kind: refused in the handshake, before a password or a token has been sent, and told as what it is.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpStream},
    sync::{
        Arc, LazyLock,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use nacos_auth::{Client, Config, Kind};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, CustomExtension, IsCa, KeyPair, date_time_ymd};
use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    pki_types::{CertificateDer, PrivateKeyDer},
};

use crate::{
    memory::{MIB, Memory},
    server::{Server, answer, for_ever, read_request},
    way::{BAD_ANSWER, BAD_CONNECTION, Outcome, WAYS, Way, login_granted},
};

const TIME: Duration = Duration::from_secs(4);

type Issuer = CertifiedIssuer<'static, KeyPair>;
type Tls = StreamOwned<ServerConnection, TcpStream>;

/// The authority that clients here trust, in the file that they are given.
struct Authority {
    issuer: Issuer,
    _folder: tempfile::TempDir,
    file: std::path::PathBuf,
}

static AUTHORITY: LazyLock<Authority> = LazyLock::new(|| {
    let issuer = authority("Authority of the tests", |_| {});
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, issuer.pem()).expect("a file");
    Authority { issuer, _folder: folder, file }
});

fn authority(name: &str, change: impl FnOnce(&mut CertificateParams)) -> Issuer {
    let params = authority_params(name, change);
    CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("an authority")
}

fn authority_params(name: &str, change: impl FnOnce(&mut CertificateParams)) -> CertificateParams {
    let mut params = CertificateParams::new([]).expect("no names");
    params.distinguished_name.push(rcgen::DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    change(&mut params);
    params
}

/// A chain and its key.
#[derive(Clone)]
struct Shown {
    chain: Vec<CertificateDer<'static>>,
    key: Arc<PrivateKeyDer<'static>>,
}

fn issued(issuer: &Issuer, change: impl FnOnce(&mut CertificateParams)) -> Shown {
    let mut params = CertificateParams::new(["localhost".to_owned(), "127.0.0.1".to_owned()]).expect("names");
    change(&mut params);
    let key = KeyPair::generate().expect("a key");
    let certificate = params.signed_by(&key, issuer).expect("a certificate");
    shown(vec![certificate.der().clone()], &key)
}

fn shown(chain: Vec<CertificateDer<'static>>, key: &KeyPair) -> Shown {
    Shown { chain, key: Arc::new(PrivateKeyDer::try_from(key.serialize_der()).expect("a key")) }
}

fn good() -> Shown {
    issued(&AUTHORITY.issuer, |_| {})
}

fn config(shown: &Shown, versions: &[&'static rustls::SupportedProtocolVersion]) -> Arc<ServerConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider).with_protocol_versions(versions).expect("versions");
    let builder = builder.with_no_client_auth();
    Arc::new(builder.with_single_cert(shown.chain.clone(), shown.key.clone_key()).expect("a key of its own"))
}

fn accept(config: &Arc<ServerConfig>, stream: TcpStream) -> Tls {
    StreamOwned::new(ServerConnection::new(config.clone()).expect("a session"), stream)
}

/// Answers everything well, and notes whether anything was asked.
fn server(config: Arc<ServerConfig>) -> (Server, Arc<AtomicBool>) {
    let asked = Arc::new(AtomicBool::new(false));
    let note = asked.clone();
    let server = Server::raw(move |stream| {
        let mut stream = accept(&config, stream);
        while let Some(seen) = read_request(&mut stream) {
            note.store(true, Ordering::SeqCst);
            let body = if seen.is_login() { login_granted() } else { answer("200 OK", "", &Way::Request.body()) };
            if stream.write_all(&body).is_err() {
                break;
            }
        }
    });
    (server, asked)
}

fn once(way: Way, server: &Server, scheme: &str) -> Outcome {
    once_within(way, server, scheme, TIME)
}

fn once_within(way: Way, server: &Server, scheme: &str, timeout: Duration) -> Outcome {
    let address = format!("{scheme}://localhost:{}", server.address.port());
    let config: Config = way.config(&address).ca_file(AUTHORITY.file.clone());
    way.call(&Client::new(config).expect("a client"), 0, timeout)
}

/// Served by both versions of TLS, refused by both engines, and nothing asked.
#[track_caller]
fn must_be_refused(what: &str, shown: &Shown, words: &[&str]) {
    for version in rustls::ALL_VERSIONS {
        for way in WAYS {
            let (server, asked) = server(config(shown, &[version]));
            let outcome = once(way, &server, "https");
            outcome.must_fail(&[Kind::Tls], what);
            let text = outcome.result.as_ref().expect_err("refused").message().to_lowercase();
            assert!(words.iter().any(|word| text.contains(word)), "{what}: none of {words:?} in {text}");
            assert!(!asked.load(Ordering::SeqCst), "{what}: {way:?}: something was sent");
        }
    }
}

#[test]
fn a_good_certificate_is_taken() {
    for version in rustls::ALL_VERSIONS {
        for way in WAYS {
            once(way, &server(config(&good(), &[version])).0, "https").must_be_whole(version);
        }
    }
}

#[test]
fn certificates_that_are_not_good_are_refused() {
    let ours = &AUTHORITY.issuer;
    must_be_refused("expired", &issued(ours, |p| p.not_after = date_time_ymd(2021, 1, 1)), &["expired"]);
    must_be_refused("not yet valid", &issued(ours, |p| p.not_before = date_time_ymd(2090, 1, 1)), &["not valid yet"]);
    let elsewhere = |p: &mut CertificateParams| {
        p.subject_alt_names =
            CertificateParams::new(["elsewhere.example".to_owned()]).expect("names").subject_alt_names;
    };
    must_be_refused("for another host", &issued(ours, elsewhere), &["not valid for name"]);
    must_be_refused("without names", &issued(ours, |p| p.subject_alt_names.clear()), &["not valid for"]);
    let for_clients = |p: &mut CertificateParams| {
        p.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
    };
    must_be_refused(
        "for clients only",
        &issued(ours, for_clients),
        &["extendedkeyusage", "extended key usage", "usage"],
    );

    let stranger = authority("Authority of others", |_| {});
    must_be_refused("of another authority", &issued(&stranger, |_| {}), &["authorities", "ca_file"]);
    // The same name, another key.
    let impostor = authority("Authority of the tests", |_| {});
    must_be_refused("of an authority of the same name", &issued(&impostor, |_| {}), &["authorities", "ca_file"]);
    let key = KeyPair::generate().expect("a key");
    let params = CertificateParams::new(["localhost".to_owned()]).expect("names");
    let own = params.self_signed(&key).expect("a certificate");
    must_be_refused("signed by itself", &shown(vec![own.der().clone()], &key), &["authorities", "ca_file"]);
}

/// In the middle of a chain stands one that may not sign others, or not that many.
#[test]
fn authorities_that_are_none_are_refused() {
    type Changes = fn(&mut CertificateParams);
    let kinds: [(&str, Changes); 4] = [
        ("without basicConstraints", |p| p.is_ca = IsCa::NoCa),
        ("that says it is none", |p| p.is_ca = IsCa::ExplicitNoCa),
        ("that is expired", |p| p.not_after = date_time_ymd(2021, 1, 1)),
        ("for other names", |p| {
            p.name_constraints = Some(rcgen::NameConstraints {
                permitted_subtrees: vec![rcgen::GeneralSubtree::DnsName("example.org".into())],
                excluded_subtrees: Vec::new(),
            });
        }),
    ];
    for (what, change) in kinds {
        let between = CertifiedIssuer::signed_by(
            authority_params("In between", change),
            KeyPair::generate().expect("a key"),
            &AUTHORITY.issuer,
        );
        let between: Issuer = between.expect("an authority");
        let mut shown = issued(&between, |_| {});
        shown.chain.push(between.der().clone());
        must_be_refused(what, &shown, &["certificate"]);
    }
    // The same chain as it should be.
    let between: Issuer = CertifiedIssuer::signed_by(
        authority_params("In between", |_| {}),
        KeyPair::generate().expect("a key"),
        &AUTHORITY.issuer,
    )
    .expect("an authority");
    let mut shown = issued(&between, |_| {});
    shown.chain.push(between.der().clone());
    for way in WAYS {
        once(way, &server(config(&shown, rustls::ALL_VERSIONS)).0, "https").must_be_whole("a chain of two");
    }
}

/// An authority without basicConstraints in the file that is trusted: nothing that it has signed is.
#[test]
fn a_trusted_file_makes_no_authority_of_a_certificate_that_is_none() {
    let leaf = authority("localhost", |p| p.is_ca = IsCa::NoCa);
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("leaf.pem");
    std::fs::write(&file, leaf.pem()).expect("a file");
    let (server, asked) = server(config(&issued(&leaf, |_| {}), rustls::ALL_VERSIONS));
    for way in WAYS {
        let address = format!("https://localhost:{}", server.address.port());
        let client = Client::new(way.config(&address).ca_file(&file)).expect("a client");
        let outcome = way.call(&client, 0, TIME);
        // As a root, webpki takes the word of whoever put it there; what counts is that it is the caller's own file.
        outcome.must_be_whole_or_fail(&[Kind::Tls], "signed by a leaf");
        assert!(outcome.is_whole() || !asked.load(Ordering::SeqCst));
    }
}

#[test]
fn huge_certificates_and_chains_end_in_an_error_or_are_taken() {
    let memory = Memory::watch();
    let mut huge = good();
    let padding = |size: usize| {
        issued(&AUTHORITY.issuer, |p| {
            p.custom_extensions.push(CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 99999, 1], vec![7; size]));
        })
    };
    let mut kinds = vec![("a certificate of 40 KB", padding(40_000)), ("a certificate of 60 KB", padding(60_000))];
    let extra = padding(2000).chain[0].clone();
    huge.chain.extend(std::iter::repeat_n(extra, 2000));
    kinds.push(("2000 certificates", huge));
    // Each of the same name and with a key of its own, so that every one may have signed every other.
    let mut maze = good();
    for _ in 0..60 {
        maze.chain.push(authority("A maze", |_| {}).der().clone());
    }
    let inner = authority("A maze", |_| {});
    let mut lost = issued(&inner, |_| {});
    lost.chain.extend(maze.chain[1..].iter().cloned());
    kinds.push(("a maze of authorities", lost));
    for (what, shown) in kinds {
        for way in WAYS {
            let outcome = once(way, &server(config(&shown, rustls::ALL_VERSIONS)).0, "https");
            // Signatures are verified in one go, a bounded number of them.
            outcome.must_be_whole_or_fail(&[Kind::Tls, Kind::Timeout], what);
        }
    }
    assert!(memory.peak() < 64 * MIB, "{} MiB", memory.peak() / MIB);
}

#[test]
fn http_and_https_mixed_up() {
    for way in WAYS {
        let plain = Server::raw(move |mut stream| {
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(&answer("400 Bad Request", "Connection: close\r\n", b"what?"));
        });
        once(way, &plain, "https").must_fail(&[Kind::Tls], "https where http is spoken");
        let (server, asked) = server(config(&good(), rustls::ALL_VERSIONS));
        // A server may close, or send an alert, which is no HTTP.
        once(way, &server, "http").must_fail(BAD_ANSWER, "http where https is spoken");
        assert!(!asked.load(Ordering::SeqCst));
    }
}

/// Passes on what `server` sends, and only its first `at` bytes.
fn cut_at(server: &Server, at: usize, ends_with: fn(&TcpStream)) -> Server {
    let address = server.address;
    Server::raw(move |client| {
        let Ok(there) = TcpStream::connect(address) else { return };
        let (mut to, mut from) = (there.try_clone().expect("a copy"), client.try_clone().expect("a copy"));
        thread::spawn(move || std::io::copy(&mut from, &mut to));
        let (mut left, mut buffer) = (at, [0; 4096]);
        let (mut from, mut to) = (&there, &client);
        while left > 0 {
            let Ok(n @ 1..) = from.read(&mut buffer) else { break };
            let n = n.min(left);
            if to.write_all(&buffer[..n]).is_err() {
                break;
            }
            left -= n;
        }
        ends_with(&client);
        let _ = there.shutdown(Shutdown::Both);
    })
}

/// Broken off after every few of the bytes that a server sends, of its handshake and of its answer.
#[test]
fn broken_off_at_each_stage() {
    for version in rustls::ALL_VERSIONS {
        for way in WAYS {
            let (server, asked) = server(config(&good(), &[version]));
            let mut seen_whole = 0;
            for at in (0..2400).step_by(if way == Way::Login { 53 } else { 29 }) {
                let cut = cut_at(&server, at, |client| _ = client.shutdown(Shutdown::Both));
                asked.store(false, Ordering::SeqCst);
                let outcome = once_within(way, &cut, "https", Duration::from_millis(900));
                let outcome = match outcome.is_timeout() {
                    true => once_within(way, &cut, "https", Duration::from_secs(8)),
                    false => outcome,
                };
                if !asked.load(Ordering::SeqCst) {
                    outcome.must_fail(BAD_CONNECTION, (version, at));
                }
                outcome.must_be_whole_or_fail(BAD_CONNECTION, (version, at));
                seen_whole += usize::from(outcome.is_whole());
            }
            // The last ones are those that cut nothing any more.
            assert!(seen_whole > 0, "{version:?} {way:?}: never whole");
        }
    }
}

/// A handshake of which a part comes, and then nothing: the time for connecting ends it.
#[test]
fn handshakes_that_stop() {
    let (server, _) = server(config(&good(), rustls::ALL_VERSIONS));
    thread::scope(|scope| {
        for way in WAYS {
            for at in [0, 1, 5, 100, 400] {
                let server = &server;
                scope.spawn(move || {
                    let stops = cut_at(server, at, |_| thread::sleep(Duration::from_secs(6)));
                    let address = format!("https://localhost:{}", stops.address.port());
                    let config = way.config(&address).ca_file(AUTHORITY.file.clone());
                    let client = Client::new(config.connect_timeout(Duration::from_millis(500))).expect("a client");
                    let outcome = way.call(&client, at, TIME);
                    outcome.must_fail(&[Kind::Connect, Kind::Timeout, Kind::Tls], at);
                    if way == Way::Request {
                        assert!(outcome.took < Duration::from_secs(2), "{at}: {:?}", outcome.took);
                    }
                });
            }
        }
    });
}

const fn record<const N: usize>(kind: u8, body: [u8; N]) -> ([u8; 5], [u8; N]) {
    ([kind, 3, 3, 0, N as u8], body)
}

fn bytes<const N: usize>((head, body): ([u8; 5], [u8; N])) -> Vec<u8> {
    [&head[..], &body].concat()
}

/// A ServerHello that chooses `version`, as servers of old would.
fn server_hello(version: u8) -> Vec<u8> {
    let mut hello = vec![3, version];
    hello.extend_from_slice(&[7; 32]);
    hello.extend_from_slice(&[0, 0xc0, 0x2f, 0]);
    let mut message = vec![2, 0, 0, hello.len() as u8];
    message.extend_from_slice(&hello);
    let mut whole = vec![22, 3, version, 0, message.len() as u8];
    whole.extend_from_slice(&message);
    whole
}

#[test]
fn old_versions_are_refused() {
    for way in WAYS {
        for (what, says) in [
            ("SSL 3.0", server_hello(0)),
            ("TLS 1.0", server_hello(1)),
            ("TLS 1.1", server_hello(2)),
            ("a version of the future", server_hello(9)),
            ("protocol_version", vec![21, 3, 1, 0, 2, 2, 70]),
            ("SSL 2.0", vec![0x80, 0x0b, 4, 0, 1, 0, 2, 0, 0, 0, 0, 0, 0]),
        ] {
            let script = says.clone();
            let server = Server::raw(move |mut stream| {
                let _ = stream.read(&mut [0; 4096]);
                let _ = stream.write_all(&script);
                let _ = stream.read(&mut [0; 4096]);
            });
            once(way, &server, "https").must_fail(&[Kind::Tls], what);
        }
    }
}

/// Records that mean nothing, for ever, before and after the server's first words.
#[test]
fn floods_of_records_end_by_the_time_for_connecting() {
    let memory = Memory::watch();
    let pieces = [
        ("warnings", bytes(record(21, [1, 90]))),
        ("unrecognized_name", bytes(record(21, [1, 112]))),
        ("close_notify", bytes(record(21, [1, 0]))),
        ("change_cipher_spec", bytes(record(20, [1]))),
        ("empty handshake records", bytes(record(22, []))),
        ("empty data", bytes(record(23, []))),
        ("hello requests", bytes(record(22, [0, 0, 0, 0]))),
        ("a handshake message of 16 MiB", bytes(record(22, [11, 0xff, 0xff, 0xff, 0, 0, 0, 0]))),
        ("zeros", vec![0; 64]),
    ];
    for way in WAYS {
        for (what, piece) in &pieces {
            for begins in [Vec::new(), server_hello(3)] {
                let script = piece.clone();
                let server = Server::raw(move |mut stream| {
                    let _ = stream.read(&mut [0; 4096]);
                    let _ = stream.write_all(&begins);
                    let _ = for_ever(&mut stream, &script);
                });
                once(way, &server, "https").must_fail(&[Kind::Tls, Kind::Connect, Kind::Timeout], what);
            }
        }
    }
    assert!(memory.peak() < 32 * MIB, "{} MiB", memory.peak() / MIB);
}

/// New keys again and again, which cost the client work and bring it nothing.
#[test]
fn a_flood_of_key_updates_ends_by_the_deadline() {
    for way in WAYS {
        let config = config(&good(), &[&rustls::version::TLS13]);
        let server = Server::raw(move |stream| {
            let mut stream = accept(&config, stream);
            if read_request(&mut stream).is_some() {
                while stream.conn.refresh_traffic_keys().is_ok() && stream.flush().is_ok() {}
            }
        });
        once_within(way, &server, "https", Duration::from_secs(1))
            .must_fail(&[Kind::Timeout, Kind::Io, Kind::Tls], "key updates");
    }
}

/// The end of the connection ends a body without a length; without close_notify anybody on the way may have ended it.
#[test]
fn an_end_without_close_notify_is_no_end_of_a_body() {
    for version in rustls::ALL_VERSIONS {
        for way in WAYS {
            for says_goodbye in [true, false] {
                let config = config(&good(), &[version]);
                let server = Server::raw(move |stream| {
                    let mut stream = accept(&config, stream);
                    if read_request(&mut stream).is_none() {
                        return;
                    }
                    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
                    let _ = stream.write_all(&way.body());
                    if says_goodbye {
                        stream.conn.send_close_notify();
                    }
                    let _ = stream.flush();
                    // Nothing more is sent by dropping it.
                    let _ = stream.sock.shutdown(Shutdown::Write);
                    thread::sleep(Duration::from_millis(50));
                });
                let outcome = once(way, &server, "https");
                match says_goodbye {
                    true => outcome.must_be_whole((version, "close_notify")),
                    false => outcome.must_fail(BAD_ANSWER, (version, "no close_notify")),
                }
            }
        }
    }
}

/// Unasked bytes under TLS, behind an answer: see `surplus`.
#[test]
fn a_second_answer_is_not_taken_for_the_next_ones() {
    let config = config(&good(), rustls::ALL_VERSIONS);
    let server = Server::raw(move |stream| {
        let mut stream = accept(&config, stream);
        while let Some(seen) = read_request(&mut stream) {
            let body = format!("answer to {}", seen.number("dataId="));
            let whole = [answer("200 OK", "", body.as_bytes()), answer("200 OK", "", b"forged")].concat();
            if stream.write_all(&whole).is_err() {
                break;
            }
        }
    });
    let address = format!("https://localhost:{}", server.address.port());
    let client = Client::new(Way::Request.config(&address).ca_file(AUTHORITY.file.clone())).expect("a client");
    for number in 0..6 {
        let outcome = Way::Request.call(&client, number, TIME);
        let expected = format!("answer to {number}");
        assert_eq!(outcome.result.as_deref().ok(), Some(expected.as_bytes()), "{outcome:?}");
    }
}
