//! The wire against a server of a few lines, which answers with whatever bytes a test wants.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::Duration,
};

use super::*;

fn transport() -> Http {
    let settings = Settings {
        connect_timeout: Duration::from_millis(500),
        ca_file: None,
        client_cert_file: None,
        client_key_file: None,
        proxy: None,
        https: false,
    };
    Http::new(&settings).unwrap()
}

/// Serves each connection with `serve`, for as long as the test process lives; the address and the count of connections.
fn server(serve: impl Fn(TcpStream) + Send + Sync + 'static) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (count, serve) = (Arc::new(AtomicUsize::new(0)), Arc::new(serve));
    let counted = count.clone();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            counted.fetch_add(1, Ordering::SeqCst);
            let serve = serve.clone();
            thread::spawn(move || serve(stream));
        }
    });
    (address, count)
}

/// Reads one request (head and a body of a few bytes); false at the end of the connection.
fn read_request(stream: &mut TcpStream) -> bool {
    let mut buffer = [0; 4096];
    stream.read(&mut buffer).is_ok_and(|n| n > 0)
}

fn out(address: SocketAddr, method: Method) -> Outgoing {
    let url = Url::parse(&format!("http://{address}/nacos/x?secret=1")).unwrap();
    Outgoing { method, url, headers: HeaderMap::new(), body: Bytes::new(), largest_answer: 100_000 }
}

fn get(http: &Http, address: SocketAddr, within: Duration) -> Result<Incoming, Failure> {
    http.exchange(out(address, Method::GET), Instant::now() + within, Box::pin(std::future::pending()))
}

const LONG: Duration = Duration::from_secs(20);

#[test]
fn a_connection_closed_while_idle_is_not_used_again() {
    let (went, gone) = mpsc::channel();
    let (address, connections) = server(move |mut stream| {
        // Answers one request, promises to stay, and goes.
        read_request(&mut stream);
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").unwrap();
        drop(stream);
        went.send(()).unwrap();
    });
    let http = transport();
    for n in 1..=200 {
        let post = http.exchange(out(address, Method::POST), Instant::now() + LONG, Box::pin(std::future::pending()));
        assert_eq!(post.map_err(|f| f.cause).unwrap().status, 200, "request {n}");
        assert_eq!(connections.load(Ordering::SeqCst), n);
        gone.recv().unwrap();
    }
}

#[test]
fn a_connection_that_stays_is_used_again() {
    let (address, connections) = server(|mut stream| {
        while read_request(&mut stream) {
            stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap();
        }
    });
    let http = transport();
    for _ in 0..50 {
        assert_eq!(get(&http, address, LONG).map_err(|f| f.cause).unwrap().status, 204);
    }
    assert_eq!(connections.load(Ordering::SeqCst), 1);
}

#[test]
fn long_refusals_are_cut() {
    let (address, _) = server(|mut stream| {
        read_request(&mut stream);
        let _ = stream.write_all(b"HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n");
        let chunk = [b'x'; 10_000];
        while stream.write_all(&chunk).is_ok() {}
    });
    let http = transport();
    let refusal = get(&http, address, LONG).map_err(|f| f.cause).unwrap();
    assert_eq!((refusal.status, refusal.body.len()), (403, 64 * 1024));
}

#[test]
fn every_trouble_has_its_name_and_hides_the_query() {
    let http = transport();
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (endless, _) = server(|mut stream| {
        read_request(&mut stream);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
        while stream.write_all(&[b'x'; 10_000]).is_ok() {}
    });
    let (cut, _) = server(|mut stream| {
        read_request(&mut stream);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nx");
    });
    let (mute, _) = server(|mut stream| while read_request(&mut stream) {});
    let (babble, _) = server(|mut stream| {
        read_request(&mut stream);
        let _ = stream.write_all(b"SSH-2.0-OpenSSH\r\n\r\n");
    });
    for (address, within, trouble) in [
        (nobody, LONG, Trouble::Connect),
        (endless, LONG, Trouble::TooLarge),
        (cut, LONG, Trouble::Io),
        (mute, Duration::from_millis(100), Trouble::Timeout),
        (babble, LONG, Trouble::Io),
    ] {
        let failure = get(&http, address, within).err().unwrap();
        assert_eq!(failure.trouble, trouble, "{}", failure.cause);
        assert!(!failure.cause.contains("secret"), "{}", failure.cause);
    }
    let ready = http.exchange(out(mute, Method::GET), Instant::now() + LONG, Box::pin(std::future::ready(())));
    assert_eq!(ready.err().unwrap().trouble, Trouble::Interrupted);
}

#[test]
fn a_redirect_is_an_answer() {
    let (address, _) = server(|mut stream| {
        read_request(&mut stream);
        let _ = stream.write_all(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n");
    });
    assert_eq!(get(&transport(), address, LONG).map_err(|f| f.cause).unwrap().status, 302);
}

#[test]
fn unusable_settings_are_named() {
    let settings = |change: fn(&mut Settings)| {
        let mut settings = Settings {
            connect_timeout: LONG,
            ca_file: None,
            client_cert_file: None,
            client_key_file: None,
            proxy: None,
            https: true,
        };
        change(&mut settings);
        Http::new(&settings).err().unwrap().to_string()
    };
    assert!(settings(|s| s.ca_file = Some("/nowhere.pem".into())).starts_with("ca_file: cannot read /nowhere.pem"));
    assert!(settings(|s| s.ca_file = Some("Cargo.toml".into())).starts_with("ca_file: no certificate in Cargo.toml"));
    assert!(settings(|s| s.client_cert_file = Some("a".into())).contains("go together"));
    assert!(settings(|s| s.proxy = Some("http://".into())).starts_with("proxy:"));
    assert!(settings(|s| s.proxy = Some("gopher://a".into())).starts_with("proxy:"));
}

/// A server behind TLS with a certificate of its own making, for "localhost"; its address and the certificate.
fn tls_server() -> (SocketAddr, String) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let config = Arc::new(config);
    let (address, _) = server(move |stream| {
        let session = rustls::ServerConnection::new(config.clone()).unwrap();
        let mut stream = rustls::StreamOwned::new(session, stream);
        let mut buffer = [0; 4096];
        if stream.read(&mut buffer).is_ok_and(|n| n > 0) {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        }
    });
    (address, made.cert.pem())
}

#[test]
fn https_trusts_the_given_authority_and_nobody_else() {
    let (address, certificate) = tls_server();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), certificate).unwrap();
    let ask = |ca_file: Option<std::path::PathBuf>, host: &str| {
        let settings = Settings {
            connect_timeout: LONG,
            ca_file,
            client_cert_file: None,
            client_key_file: None,
            proxy: None,
            https: true,
        };
        let mut out = out(address, Method::GET);
        out.url = Url::parse(&format!("https://{host}:{}/", address.port())).unwrap();
        Http::new(&settings).unwrap().exchange(out, Instant::now() + LONG, Box::pin(std::future::pending()))
    };
    let own = || Some(file.path().to_owned());
    assert_eq!(ask(own(), "localhost").map_err(|f| f.cause).unwrap().status, 200);
    let other_name = ask(own(), "127.0.0.1").err().unwrap();
    assert_eq!(other_name.trouble, Trouble::Tls, "{}", other_name.cause);
    let system = ask(None, "localhost").err().unwrap();
    assert_eq!(system.trouble, Trouble::Tls, "{}", system.cause);
}

#[test]
fn a_break_ends_the_other_idle_connections_too() {
    let (tell, told) = mpsc::channel::<mpsc::Sender<()>>();
    // Answers once, and when it is let go reads one request more and breaks the connection over it.
    let (address, connections) = server(move |mut stream| {
        read_request(&mut stream);
        let (go, gone) = mpsc::channel();
        tell.send(go).unwrap();
        gone.recv().unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").unwrap();
        read_request(&mut stream);
    });
    let http = transport();
    thread::scope(|scope| {
        let calls: Vec<_> = (0..3).map(|_| scope.spawn(|| get(&http, address, LONG))).collect();
        let held: Vec<_> = (0..3).map(|_| told.recv().unwrap()).collect();
        held.iter().for_each(|go| go.send(()).unwrap());
        assert!(calls.into_iter().all(|call| call.join().unwrap().is_ok()));
    });
    // Three idle connections, each of which breaks over the next request.
    assert_eq!(get(&http, address, LONG).err().unwrap().trouble, Trouble::Io);
    thread::scope(|scope| {
        let next = scope.spawn(|| get(&http, address, LONG));
        told.recv_timeout(LONG).expect("a connection of its own").send(()).unwrap();
        assert!(next.join().unwrap().is_ok());
    });
    assert_eq!(connections.load(Ordering::SeqCst), 4);
}
