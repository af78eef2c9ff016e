//! Ways from the proxy to the servers: TLS, and proxies between.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use rustls::{ServerConfig, crypto::ring, pki_types::PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use crate::support::{DEMO, Proxy, command, run, server};

/// Ends TLS before `target`, with a certificate for `localhost` that signs itself; its address, and the certificate as a file.
fn tls_before(target: SocketAddr, folder: &tempfile::TempDir) -> (SocketAddr, PathBuf) {
    let rcgen::CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let file = folder.path().join("ca.pem");
    fs::write(&file, cert.pem()).unwrap();
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    listener.set_nonblocking(true).unwrap();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let (listener, acceptor) =
                (tokio::net::TcpListener::from_std(listener).unwrap(), TlsAcceptor::from(Arc::new(config)));
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let Ok(mut client) = acceptor.accept(stream).await else { return };
                    let mut server = tokio::net::TcpStream::connect(target).await.unwrap();
                    _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
                });
            }
        });
    });
    (address, file)
}

/// A proxy for CONNECT and for absolute URIs, and how often it was asked for each.
fn forward_proxy() -> (SocketAddr, Arc<[AtomicUsize; 2]>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let asked: Arc<[AtomicUsize; 2]> = Arc::default();
    let counts = asked.clone();
    thread::spawn(move || {
        for client in listener.incoming() {
            let (client, counts) = (client.unwrap(), counts.clone());
            thread::spawn(move || relay(client, &counts));
        }
    });
    (address, asked)
}

fn relay(mut client: TcpStream, counts: &[AtomicUsize; 2]) {
    let mut reader = BufReader::new(client.try_clone().unwrap());
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).unwrap_or(0) == 0 {
            return;
        }
    }
    let target = head.split(' ').nth(1).unwrap();
    let is_tunnel = head.starts_with("CONNECT ");
    assert!(is_tunnel || head.contains("proxy-authorization: Basic dTpw"), "{head}");
    counts[usize::from(is_tunnel)].fetch_add(1, Ordering::SeqCst);
    let authority = target.trim_start_matches("http://").split('/').next().unwrap();
    let mut server = TcpStream::connect(authority).unwrap();
    if is_tunnel {
        client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
    } else {
        server.write_all(head.as_bytes()).unwrap();
    }
    let (mut back, mut from) = (client, server.try_clone().unwrap());
    thread::spawn(move || std::io::copy(&mut from, &mut back));
    _ = std::io::copy(&mut reader, &mut server);
}

#[test]
fn a_server_behind_tls_is_reached_if_its_certificate_is_trusted() {
    let server = server(100);
    let folder = tempfile::tempdir().unwrap();
    let (address, file) = tls_before(server.address(), &folder);
    let with = |host: &str, args: &[&str]| {
        let mut command = command(&server);
        command.env("NACOS_SERVER_ADDR", format!("https://{host}:{}", address.port())).args(args);
        command
    };
    let listen = ["proxy", "--listen", "127.0.0.1:0"];
    let trusting = Proxy::with(with("localhost", &listen).env("NACOS_CA_FILE", &file));
    assert_eq!(trusting.get(DEMO).body, "hello");
    server.set_secret(None).unwrap();
    assert_eq!(trusting.get(DEMO).body, "hello");
    let mut by_address = with("127.0.0.1", &listen);
    let by_address = Proxy::with(by_address.env("NACOS_CA_FILE", &file).env("NACOS_TLS_SERVER_NAME", "localhost"));
    assert_eq!(by_address.get(DEMO).body, "hello");

    let (status, _, err) = run(&mut with("localhost", &["token"]));
    assert_eq!(status, 3);
    assert!(err.contains("(untrusted-certificate)"), "{err}");
    let (status, _, err) = run(with("127.0.0.1", &["token"]).env("NACOS_CA_FILE", &file));
    assert_eq!(status, 3);
    assert!(err.contains("(certificate-name)"), "{err}");
}

/// With a token from elsewhere the library makes no connection: what is seen is the proxy's own.
#[test]
fn the_proxys_own_connections_look_at_certificates_too() {
    let server = server(100);
    let folder = tempfile::tempdir().unwrap();
    let (address, file) = tls_before(server.address(), &folder);
    for (host, trusts, is_served) in
        [("localhost", true, true), ("localhost", false, false), ("127.0.0.1", true, false)]
    {
        let (_, token, _) = run(command(&server).arg("token"));
        let mut command = crate::support::bare();
        command.env("NACOS_SERVER_ADDR", format!("https://{host}:{}", address.port())).env("NACOS_TOKEN", token.trim());
        if trusts {
            command.env("NACOS_CA_FILE", &file);
        }
        let proxy = Proxy::with(command.args(["proxy", "--listen", "127.0.0.1:0"]));
        let answer = proxy.get(DEMO);
        assert_eq!(answer.status == 200, is_served, "{host} {trusts}: {answer:?}");
        assert!(is_served || (answer.status == 502 && answer.body.contains("ertificate")), "{answer:?}");
    }
}

#[test]
fn a_proxy_on_the_way_passes_http_on_and_makes_tunnels_for_tls() {
    let server = server(100);
    let folder = tempfile::tempdir().unwrap();
    let (tls, file) = tls_before(server.address(), &folder);
    let (address, asked) = forward_proxy();
    let counts = || [0, 1].map(|kind: usize| asked[kind].swap(0, Ordering::SeqCst));
    let listen = ["proxy", "--listen", "127.0.0.1:0"];
    let way = format!("http://u:p@{address}");
    let proxy = Proxy::with(command(&server).env("NACOS_PROXY", &way).args(listen));
    assert_eq!(proxy.get(DEMO).body, "hello");
    let [http, tunnels] = counts();
    assert!(http >= 2 && tunnels == 0, "{http} {tunnels}");
    let mut command = command(&server);
    command.env("NACOS_SERVER_ADDR", format!("https://localhost:{}", tls.port())).env("NACOS_CA_FILE", &file);
    let proxy = Proxy::with(command.env("NACOS_PROXY", &way).args(listen));
    assert_eq!(proxy.get(DEMO).body, "hello");
    let [http, tunnels] = counts();
    assert!(http == 0 && tunnels >= 2, "{http} {tunnels}");
}
