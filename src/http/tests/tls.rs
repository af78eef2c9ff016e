//! TLS: whom is trusted, and what files that change do.

use std::path::{Path, PathBuf};

use rustls::pki_types::PrivateKeyDer;

use super::*;
use crate::{
    http::tls::{self, Tls},
    wait::{Executor, Promise},
};

/// A certificate that signs itself; `is_ca` as `openssl req -x509` makes it.
pub(super) struct Certificate {
    made: rcgen::CertifiedKey<rcgen::KeyPair>,
}

impl Certificate {
    fn with(name: &str, change: impl FnOnce(&mut rcgen::CertificateParams)) -> Self {
        let mut params = rcgen::CertificateParams::new([name.to_owned()]).unwrap();
        change(&mut params);
        let signing_key = rcgen::KeyPair::generate().unwrap();
        let cert = params.self_signed(&signing_key).unwrap();
        Self { made: rcgen::CertifiedKey { cert, signing_key } }
    }

    pub(super) fn new(name: &str) -> Self {
        Self::with(name, |_| {})
    }

    pub(super) fn authority(name: &str) -> Self {
        Self::with(name, |params| params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained))
    }

    pub(super) fn pem(&self) -> String {
        self.made.cert.pem()
    }

    /// A server that shows it and answers each request; a connection at a time stays open.
    pub(super) fn server(
        &self,
        after: impl Fn(&mut rustls::StreamOwned<rustls::ServerConnection, std::net::TcpStream>) + Send + Sync + 'static,
    ) -> Server {
        self.serve(rustls::ALL_VERSIONS, false, after)
    }

    /// A server that takes only those who show a certificate that this one has signed.
    pub(super) fn server_for_clients(&self, version: &'static rustls::SupportedProtocolVersion) -> Server {
        self.serve(&[version], true, |stream| _ = stream.write_all(OK))
    }

    fn serve(
        &self,
        versions: &[&'static rustls::SupportedProtocolVersion],
        asks_clients: bool,
        after: impl Fn(&mut rustls::StreamOwned<rustls::ServerConnection, std::net::TcpStream>) + Send + Sync + 'static,
    ) -> Server {
        let key = PrivateKeyDer::try_from(self.made.signing_key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut roots = rustls::RootCertStore::empty();
        roots.add(self.made.cert.der().clone()).unwrap();
        let clients = rustls::server::WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone());
        let config = rustls::ServerConfig::builder_with_provider(provider).with_protocol_versions(versions).unwrap();
        let config = match asks_clients {
            true => config.with_client_cert_verifier(clients.build().unwrap()),
            false => config.with_no_client_auth(),
        };
        let config = Arc::new(config.with_single_cert(vec![self.made.cert.der().clone()], key).unwrap());
        Server::new(move |peer| {
            let session = rustls::ServerConnection::new(config.clone()).unwrap();
            let mut stream = rustls::StreamOwned::new(session, peer.stream);
            while read_message(&mut stream).is_some() {
                after(&mut stream);
            }
        })
    }

    pub(super) fn answers(&self) -> Server {
        self.server(|stream| _ = stream.write_all(OK))
    }
}

pub(super) fn https(ca: Option<&Path>) -> Http {
    http_with(&Settings {
        tls: TlsSettings { ca: ca.map(|path| PemSource::File(path.to_owned())), ..TlsSettings::default() },
        ..settings()
    })
}

pub(super) fn get(server: &Server, host: &str) -> Request {
    request_to(true, host, server.address.port(), Method::GET)
}

pub(super) struct Folder(tempfile::TempDir);

impl Folder {
    pub(super) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(super) fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.0.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }
}

#[test]
fn both_engines_trust_the_given_authority_and_nobody_else() {
    for certificate in [Certificate::new("localhost"), Certificate::authority("localhost")] {
        let (server, folder) = (certificate.answers(), Folder::new());
        let ca = folder.file("ca.pem", &certificate.pem());
        let other = folder.file("other.pem", &Certificate::authority("localhost").pem());
        for executor in EXECUTORS {
            let answer = send(executor, &https(Some(&ca)), &get(&server, "localhost"));
            assert_eq!(answer.map(|a| a.status).map_err(|e| e.cause), Ok(200), "{executor:?}");
            for (ca, host) in [(Some(&ca), "127.0.0.1"), (Some(&other), "localhost"), (None, "localhost")] {
                let error = send(executor, &https(ca.map(PathBuf::as_path)), &get(&server, host)).unwrap_err();
                assert_eq!((error.kind, error.phase), (ErrorKind::Tls, Phase::Handshake), "{executor:?} {error:?}");
            }
        }
    }
}

#[test]
fn a_certificate_past_its_end_is_refused_although_it_is_the_ca_file() {
    for is_ca in [false, true] {
        let certificate = Certificate::with("localhost", |params| {
            params.not_after = rcgen::date_time_ymd(2020, 1, 1);
            if is_ca {
                params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
            }
        });
        let (server, folder) = (certificate.answers(), Folder::new());
        let error = send(
            Executor::Caller,
            &https(Some(&folder.file("ca.pem", &certificate.pem()))),
            &get(&server, "localhost"),
        )
        .unwrap_err();
        assert!(error.kind == ErrorKind::Tls && error.cause.contains("expired"), "{error:?}");
    }
}

#[test]
fn a_failure_while_the_answer_is_read_is_no_failed_handshake() {
    let certificate = Certificate::new("localhost");
    let server = certificate.server(|stream| _ = stream.get_mut().write_all(b"\x99 this is no TLS record"));
    let folder = Folder::new();
    let http = https(Some(&folder.file("ca.pem", &certificate.pem())));
    let error =
        send(Executor::Caller, &http, &request_to(true, "localhost", server.address.port(), Method::POST)).unwrap_err();
    assert!(error.was_sent() && error.phase == Phase::Answer, "{error:?}");
}

#[test]
fn what_speaks_no_tls_fails_in_the_handshake() {
    let folder = Folder::new();
    let http = https(Some(&folder.file("ca.pem", &Certificate::new("localhost").pem())));
    let plain = answering(OK);
    let error = send(Executor::Caller, &http, &get(&plain, "localhost")).unwrap_err();
    assert_eq!(error.phase, Phase::Handshake, "{error:?}");
    assert!(!error.was_sent());
}

#[test]
fn a_ca_file_that_changes_is_used_and_a_withdrawn_authority_trusted_no_longer() {
    let (one, two) = (Certificate::new("localhost"), Certificate::new("localhost"));
    let (first, second) = (one.answers(), two.answers());
    let folder = Folder::new();
    let ca = folder.file("ca.pem", &one.pem());
    let http = https(Some(&ca));
    assert!(send(Executor::Caller, &http, &get(&first, "localhost")).is_ok());
    assert!(send(Executor::Caller, &http, &get(&second, "localhost")).is_err());
    // As Kubernetes does it: a link that is replaced.
    let renewed = folder.file("renewed.pem", &two.pem());
    let link = folder.0.path().join("link");
    std::os::unix::fs::symlink(&renewed, &link).unwrap();
    std::fs::rename(&link, &ca).unwrap();
    let end = Instant::now() + LONG;
    while send(Executor::Caller, &http, &get(&second, "localhost")).is_err() {
        assert!(Instant::now() < end, "never read again");
        thread::sleep(Duration::from_millis(100));
    }
    let error = send(Executor::Caller, &http, &get(&first, "localhost")).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Tls, "a connection from former times was used");
}

#[test]
fn a_file_that_becomes_unreadable_changes_nothing() {
    let certificate = Certificate::new("localhost");
    let (server, folder) = (certificate.answers(), Folder::new());
    let ca = folder.file("ca.pem", &certificate.pem());
    let http = https(Some(&ca));
    std::fs::write(&ca, "-----BEGIN CERT").unwrap();
    thread::sleep(Duration::from_millis(2100));
    assert!(send(Executor::Caller, &http, &get(&server, "localhost")).is_ok());
}

#[test]
fn a_file_that_hangs_is_read_again_once_another_stands_in_its_place() {
    let (one, two) = (Certificate::new("localhost"), Certificate::new("localhost"));
    let folder = Folder::new();
    let ca = folder.file("ca.pem", &one.pem());
    let settings = TlsSettings { ca: Some(PemSource::File(ca.clone())), ..TlsSettings::default() };
    let tls = Tls::new(settings.clone(), Arc::new(settings.read().unwrap()));
    let mut now = Instant::now();
    let mut look = |seconds| {
        now += Duration::from_secs(seconds);
        tls.look_at(now, Executor::Runtime)
    };
    let ends = |read: &Promise<()>| {
        let until = Instant::now() + Duration::from_millis(300);
        while read.value().is_none() && Instant::now() < until {
            thread::sleep(Duration::from_millis(5));
        }
        read.value().is_some()
    };
    let fifo = |name: &str| {
        let path = folder.0.path().join(name);
        assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
        path
    };
    let hung = fifo("hung");
    // It opens and has nothing to say, or does not open.
    std::fs::rename(&hung, &ca).unwrap();
    assert!(!ends(&look(3).unwrap()), "a FIFO was read");
    // However long it hangs, one reader is enough for it; nor has a connection to wait for it each time.
    assert!(look(3).is_none());
    for _ in 0..20 {
        assert!(ends(&look(100).unwrap()), "more than one hang in the same file");
    }
    let old = folder.0.path().join("old");
    std::fs::rename(&ca, &old).unwrap();
    folder.file("ca.pem", &two.pem());
    let version = tls.current().version;
    assert!(ends(&look(100).unwrap()));
    assert_eq!(tls.current().version, version + 1, "the file is never read again");
    // The one that hung brings what nobody wants any more.
    std::fs::write(&old, one.pem()).unwrap();
    thread::sleep(Duration::from_millis(100));
    assert_eq!(tls.current().version, version + 1, "an old file came back");
    // There is an end to those that hang.
    let mut hanging = 0;
    for at in 0..10 {
        std::fs::rename(fifo(&at.to_string()), &ca).unwrap();
        hanging += usize::from(look(100).is_some_and(|read| !ends(&read)));
    }
    assert_eq!(hanging, tls::MOST_READERS);
}

#[test]
fn a_server_reached_by_address_may_have_another_name_in_its_certificate() {
    let certificate = Certificate::new("nacos.example");
    let server = certificate.answers();
    let http = |name: Option<&str>| {
        let ca = Some(PemSource::Memory(certificate.pem().into()));
        http_with(&Settings {
            tls: TlsSettings { ca, server_name: name.map(str::to_owned), ..TlsSettings::default() },
            ..settings()
        })
    };
    for executor in EXECUTORS {
        let answer = send(executor, &http(Some("nacos.example")), &get(&server, "127.0.0.1"));
        assert_eq!(answer.map(|a| a.status).map_err(|e| e.cause), Ok(200), "{executor:?}");
        for wrong in [Some("other.example"), None] {
            let error = send(executor, &http(wrong), &get(&server, "127.0.0.1")).unwrap_err();
            assert_eq!(
                (error.kind, error.reason()),
                (ErrorKind::Tls, crate::Cause::CertificateName),
                "{executor:?}: {}",
                error.cause
            );
            assert!(error.cause.contains("tls_server_name"), "{executor:?}: {}", error.cause);
        }
    }
}

#[test]
fn what_is_wrong_with_a_file_is_told_without_what_is_in_it() {
    let files = Folder::new();
    let certificate = Certificate::new("localhost");
    let cert = files.file("cert.pem", &certificate.pem());
    let key = certificate.made.signing_key.serialize_pem();
    let (begin, end) = ("-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----");
    let cases = [
        // As when it comes by way of an environment variable.
        ("lines", key.replace('\n', "")),
        ("spaces", key.replace('\n', " ")),
        ("end", key.replace(end, "")),
        ("half", key[..key.len() / 2].to_owned()),
        ("dashes", format!("-----BEGIN SECRET\nSECRET\n{end}\n")),
        ("label", "-----BEGIN SECRET-----\nSECRET\n".to_owned()),
        ("content", format!("{begin}\n SECRET! \n{end}\n")),
        ("nothing", "SECRET".to_owned()),
        ("empty", String::new()),
    ];
    for (name, content) in cases {
        let key = files.file(name, &content);
        let file = |path: &PathBuf| Some(PemSource::File(path.clone()));
        let message = |tls: TlsSettings| tls.read().err().unwrap().to_string();
        let of_key = message(TlsSettings { cert: file(&cert), key: file(&key), ..TlsSettings::default() });
        let of_cert = message(TlsSettings { cert: file(&key), key: file(&key), ..TlsSettings::default() });
        let of_ca = message(TlsSettings { ca: file(&key), ..TlsSettings::default() });
        for (field, message) in [("client_key_file", of_key), ("client_cert_file", of_cert), ("ca_file", of_ca)] {
            assert!(message.starts_with(field) && message.contains(name), "{message}");
            assert!(message.len() < 300 && !message.contains("SECRET") && !message.contains("83, 69, 67"), "{message}");
            assert!(!message.contains('['), "numbers: {message}");
        }
    }
}

#[test]
fn authorities_of_which_none_can_be_decoded_are_refused_at_once() {
    let read = |pem: &str| {
        TlsSettings { ca: Some(PemSource::Memory(pem.to_owned().into())), ..TlsSettings::default() }
            .read()
            .map(drop)
            .map_err(|error| error.to_string())
    };
    let damaged = "-----BEGIN CERTIFICATE-----\nU0VDUkVU\n-----END CERTIFICATE-----\n";
    let error = read(damaged).unwrap_err();
    assert!(error.starts_with("ca_pem: ") && error.contains("damaged") && !error.contains("SECRET"), "{error}");
    // Beside others it does no harm, as in the system's own list.
    assert_eq!(read(&format!("{damaged}{}", Certificate::new("localhost").pem())), Ok(()));
}

#[test]
fn a_mark_that_editors_put_before_a_text_does_not_count() {
    let certificate = Certificate::new("localhost");
    let source = |text: String| Some(PemSource::Memory(format!("\u{feff}{text}").into()));
    let (cert, key) = (certificate.pem(), certificate.made.signing_key.serialize_pem());
    let tls = TlsSettings { ca: source(cert.clone()), cert: source(cert), key: source(key), ..TlsSettings::default() };
    assert_eq!(tls.read().map(drop).map_err(|error| error.to_string()), Ok(()));
}
