//! What `Client::request` adds to the HTTP engine underneath: the same GETs through the client, and through a bare reqwest
//! client driven by the calling thread, in turn. Prints the median ratio of the rounds.
//!
//! `cargo bench --bench request`

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener},
    thread,
    time::{Duration, Instant},
};

use nacos_auth::{Client, Config, Request};

const ROUND: Duration = Duration::from_millis(300);
const ROUNDS: usize = 21;

/// Answers every login with a token, everything else with a small body. One thread a connection.
fn server() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            stream.set_nodelay(true).unwrap();
            thread::spawn(move || {
                let mut buffer = [0; 8192];
                while let Ok(n @ 1..) = stream.read(&mut buffer) {
                    let login = buffer[..n].starts_with(b"POST");
                    let body = if login {
                        r#"{"accessToken":"ttttttttttttttttttttttttttttt","tokenTtl":18000}"#
                    } else {
                        "hello"
                    };
                    let length = body.len();
                    let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{body}");
                    if stream.write_all(answer.as_bytes()).is_err() {
                        break;
                    }
                }
            });
        }
    });
    address
}

/// Requests per second of `threads` threads that each call what `make` gives them.
fn rate<F: FnMut()>(threads: usize, make: impl Fn() -> F + Sync) -> f64 {
    let began = Instant::now();
    let done: usize = thread::scope(|scope| {
        let each = || {
            let mut call = make();
            let mut done = 0;
            while began.elapsed() < ROUND {
                call();
                done += 1;
            }
            done
        };
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(each)).collect();
        running.into_iter().map(|t| t.join().unwrap()).sum()
    });
    done as f64 / began.elapsed().as_secs_f64()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn main() {
    let address = server();
    let client = Client::new(Config::new(&address.to_string(), "nacos", "nacos")).unwrap();
    let url = format!("http://{address}/nacos/v1/cs/configs?dataId=demo&group=DEFAULT_GROUP");
    let ours = || {
        || {
            let request =
                Request::get("/v1/cs/configs").unwrap().query("dataId", "demo").query("group", "DEFAULT_GROUP");
            assert_eq!(client.request(request).unwrap().status(), 200);
        }
    };
    let bare = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let engine = reqwest::Client::builder().http1_only().no_proxy();
        let engine = engine.tls_backend_preconfigured(no_tls()).build().unwrap();
        let url = url.clone();
        move || {
            runtime.block_on(async {
                let request = engine.get(&url).bearer_auth("ttttttttttttttttttttttttttttt");
                let answer = request.send().await.unwrap();
                assert_eq!(answer.status(), 200);
                answer.bytes().await.unwrap();
            });
        }
    };
    println!("GETs on loopback, medians of {ROUNDS} rounds in turn");
    for threads in [1, 8, 64] {
        let (mut with, mut without, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            with.push(rate(threads, ours));
            without.push(rate(threads, bare));
            ratios.push(with.last().unwrap() / without.last().unwrap());
        }
        let (with, without, ratio) = (median(with), median(without), median(ratios));
        println!("{threads:3} threads: client {with:6.0}/s, bare engine {without:6.0}/s, ratio {ratio:.2}");
    }
}

fn no_tls() -> rustls::ClientConfig {
    rustls::ClientConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth()
}
