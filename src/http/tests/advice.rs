//! Failures say who is to blame and what to do.

use super::{
    tls::{Certificate, Folder, get, https},
    *,
};
use crate::cause::Cause;

/// What each engine says.
fn errors(http: &Http, request: &Request) -> Vec<(Executor, Error)> {
    EXECUTORS.iter().map(|executor| (*executor, send(*executor, http, request).unwrap_err())).collect()
}

fn through(proxy: String) -> Http {
    http_with(&Settings { proxy: Some(proxy), ..settings() })
}

fn nobody() -> SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

#[test]
fn a_proxy_that_cannot_be_reached_is_named_and_no_server_is_blamed() {
    let target = answering(OK);
    let dead = nobody();
    for scheme in ["http", "https", "socks5", "socks5h", "socks4"] {
        for https in [false, true] {
            let request = request_to(https, "127.0.0.1", target.address.port(), Method::POST);
            for (name, error) in errors(&through(format!("{scheme}://{dead}")), &request) {
                let case = format!("{name:?}, {scheme}, {https}: {error:?}");
                assert_eq!(error.kind, ErrorKind::Proxy, "{case}");
                assert!(error.cause.starts_with(&format!("proxy {dead}: ")), "{case}");
                assert!(!error.was_sent() && !error.blames_server(), "{case}");
            }
        }
    }
    for (name, error) in errors(&through("http://proxy.invalid:1".into()), &request(target.address, Method::GET)) {
        assert!(
            error.kind == ErrorKind::Proxy && error.cause.starts_with("proxy proxy.invalid:1: "),
            "{name:?}: {error:?}"
        );
    }
    assert_eq!(target.connections(), 0);
}

#[test]
fn a_server_that_cannot_be_reached_through_a_proxy_is_still_the_servers_fault() {
    let refuses = Server::new(|mut peer| {
        read_request(&mut peer);
        let _ = peer.write_all(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n");
    });
    let http = through(format!("http://{}", refuses.address));
    for (name, error) in errors(&http, &request_to(true, "10.0.0.1", 443, Method::GET)) {
        assert!(error.blames_server() && !error.was_sent(), "{name:?}: {error:?}");
        assert!(error.cause.contains(&format!("proxy {}: ", refuses.address)), "{name:?}: {error:?}");
        assert_eq!(error.reason(), Cause::ProxyFailed, "{name:?}: {error:?}");
    }
    // As squid bars ports that are not for TLS, and others whom they do not like.
    let bars = answering(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
    for (name, error) in
        errors(&through(format!("http://{}", bars.address)), &request_to(true, "10.0.0.1", 443, Method::GET))
    {
        assert!(error.reason() == Cause::ProxyFailed && !error.was_sent(), "{name:?}: {error:?}");
    }
}

#[test]
fn a_proxy_that_refuses_is_named() {
    let answers: [(&[u8], &str); 4] = [
        (b"HTTP/1.1 407 Auth\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n", "user name and a password"),
        (b"HTTP/1.1 403 No\r\nServer: squid/6.1\r\nContent-Length: 0\r\n\r\n", "HTTP 403"),
        (b"HTTP/1.1 403 No\r\nX-Squid-Error: ERR_ACCESS_DENIED 0\r\nContent-Length: 0\r\n\r\n", "HTTP 403"),
        (b"HTTP/1.0 405 No\r\nServer: tinyproxy/1.11.1\r\nContent-Length: 0\r\n\r\n", "HTTP 405"),
    ];
    for (answer, says) in answers {
        let proxy = answering(answer);
        let http = through(format!("http://{}", proxy.address));
        for (name, error) in errors(&http, &request_to(false, "10.0.0.1", 8848, Method::POST)) {
            assert!(error.kind == ErrorKind::Proxy && !error.was_sent(), "{name:?}: {error:?}");
            assert!(error.cause.starts_with(&format!("proxy {}: ", proxy.address)), "{name:?}: {error:?}");
            assert!(error.cause.contains(says), "{name:?}: {error:?}");
        }
    }
    let proxy = answering(answers[0].0);
    let http = through(format!("http://{}", proxy.address));
    for (name, error) in errors(&http, &request_to(true, "10.0.0.1", 443, Method::POST)) {
        assert!(error.kind == ErrorKind::Proxy && !error.was_sent(), "{name:?}: {error:?}");
        assert!(error.cause.contains("user:password@"), "{name:?}: {error:?}");
    }
    // The server's own refusal is an answer, through a proxy too, and so is any without one.
    let server = answering(b"HTTP/1.1 403 Forbidden\r\nServer: nginx\r\nContent-Length: 0\r\n\r\n");
    let squid = answering(answers[1].0);
    for executor in EXECUTORS {
        let http = through(format!("http://{}", server.address));
        assert_eq!(send(executor, &http, &request_to(false, "10.0.0.1", 8848, Method::GET)).unwrap().status, 403);
        assert_eq!(send(executor, &super::http(), &request(squid.address, Method::GET)).unwrap().status, 403);
    }
}

#[test]
fn https_where_plain_http_is_spoken() {
    let folder = Folder::new();
    let trust = https(Some(&folder.file("ca.pem", &Certificate::new("localhost").pem())));
    // As a Tomcat answers, and as many others do.
    let speaks = Server::new(|mut peer| {
        _ = take_some(&mut peer);
        let _ = peer.write_all(b"HTTP/1.1 400 \r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    });
    let ends = Server::new(|mut peer| _ = take_some(&mut peer));
    for server in [speaks, ends] {
        for (name, error) in errors(&trust, &get(&server, "localhost")) {
            assert!(error.cause.contains("plain http") && error.cause.contains("http://"), "{name:?}: {error:?}");
            assert!(!error.was_sent() && error.blames_server(), "{name:?}: {error:?}");
        }
    }
}

#[test]
fn plain_http_where_tls_is_spoken() {
    let certificate = Certificate::new("localhost");
    let alerts = certificate.answers();
    for (name, error) in errors(&http(), &request(alerts.address, Method::GET)) {
        assert!(error.cause.contains("write https://"), "{name:?}: {error:?}");
    }
    for words in [
        "<h1>400 Bad Request</h1>The plain HTTP request was sent to HTTPS port",
        "Bad Request\r\nThis combination of host and port requires TLS.\r\n",
        "Client sent an HTTP request to an HTTPS server.\n",
        "You're speaking plain HTTP to an SSL-enabled server port.",
    ] {
        let text = format!("HTTP/1.1 400 Bad Request\r\nContent-Length: {}\r\n\r\n{words}", words.len());
        let server = answering(text);
        for (name, error) in errors(&http(), &request(server.address, Method::POST)) {
            assert!(error.cause.contains("write https://") && !error.was_sent(), "{name:?}: {error:?}");
        }
    }
    let other = answering(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\n\r\nno");
    assert_eq!(send(Executor::Caller, &http(), &request(other.address, Method::GET)).unwrap().status, 400);
}

#[test]
fn a_certificate_of_an_unknown_authority() {
    for certificate in [Certificate::new("localhost"), Certificate::authority("localhost")] {
        let (server, folder) = (certificate.answers(), Folder::new());
        let other = folder.file("other.pem", &Certificate::authority("localhost").pem());
        for ca in [None, Some(&*other)] {
            for (name, error) in errors(&https(ca), &get(&server, "localhost")) {
                assert!(error.kind == ErrorKind::Tls && error.cause.contains("ca_file"), "{name:?}: {error:?}");
            }
        }
        let own = folder.file("own.pem", &certificate.pem());
        for (name, error) in errors(&https(Some(&own)), &get(&server, "127.0.0.1")) {
            assert!(!error.cause.contains("ca_file"), "another name is another matter: {name:?}: {error:?}");
        }
    }
}

#[test]
fn a_server_that_wants_a_client_certificate() {
    let certificate = Certificate::new("localhost");
    let folder = Folder::new();
    let trust = https(Some(&folder.file("ca.pem", &certificate.pem())));
    for version in [&rustls::version::TLS13, &rustls::version::TLS12] {
        let server = certificate.server_for_clients(version);
        for (name, error) in errors(&trust, &get(&server, "localhost")) {
            assert!(error.kind == ErrorKind::Tls && !error.was_sent(), "{name:?}: {error:?}");
            let says = error.cause.contains("client_cert_file") && error.cause.contains("client_key_file");
            assert!(says, "{name:?}: {error:?}");
        }
    }
    let words = "<center>No required SSL certificate was sent</center>";
    let text = format!("HTTP/1.1 400 Bad Request\r\nContent-Length: {}\r\n\r\n{words}", words.len());
    let nginx = certificate.server(move |stream| _ = stream.write_all(text.as_bytes()));
    for (name, error) in errors(&trust, &get(&nginx, "localhost")) {
        assert!(error.cause.contains("client_cert_file") && !error.was_sent(), "{name:?}: {error:?}");
    }
}
