//! The control API: [`Server`]'s functions as JSON over HTTP, for tests in other languages.

use std::convert::Infallible;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::accept::cannot_listen;
use crate::compression::Gzip;
use crate::faults::Fault;
use crate::nodes::Spread;
use crate::server::Server;

/// Serve the control API on this port of 127.0.0.1 (0: a free one) until the process ends, from a thread of its own
/// so that it answers whatever the server is busy with. Returns its address.
///
/// # Errors
/// The port is taken, or the process may not have another thread.
pub fn serve(server: Arc<Server>, port: u16) -> io::Result<SocketAddr> {
    let wanted = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let listener = std::net::TcpListener::bind(wanted).map_err(|error| cannot_listen(wanted, &error))?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    thread::Builder::new().name("devserver control".to_owned()).spawn(move || {
        runtime.block_on(async {
            let Err(error) = accept(listener, server).await;
            eprintln!("devserver's control API on {address} stopped: {error}");
        });
    })?;
    Ok(address)
}

async fn accept(listener: std::net::TcpListener, server: Arc<Server>) -> io::Result<Infallible> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    loop {
        let (stream, _) = listener.accept().await?;
        let server = Arc::clone(&server);
        let service = service_fn(move |request| handle(Arc::clone(&server), request));
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

async fn handle(server: Arc<Server>, request: hyper::Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let answer = match body.collect().await {
        Ok(body) => run(&server, &head.method, head.uri.path(), &body.to_bytes()),
        Err(error) => Err((StatusCode::BAD_REQUEST, error.to_string())),
    };
    let (status, body) = match answer {
        Ok(body) => (StatusCode::OK, body),
        Err((status, message)) => (status, json!({"ok": false, "message": message})),
    };
    let mut response = Response::new(Full::from(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Secret {
    secret: Option<String>,
    node: Option<usize>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nodes {
    secrets: Vec<String>,
    #[serde(default)]
    spread: Spread,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Publish {
    data_id: String,
    #[serde(default = "default_group")]
    group: String,
    content: String,
}

fn default_group() -> String {
    "DEFAULT_GROUP".to_owned()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TokenDelay {
    ms: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Compression {
    mode: Gzip,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
#[derive(Default)]
struct Restart {
    down_ms: u64,
    warm_up_ms: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Password {
    username: String,
    password: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct User {
    username: String,
    password: String,
    permitted: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Ttl {
    seconds: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Upgrade {
    generation: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Switch {
    enabled: bool,
}

type Failure = (StatusCode, String);

fn run(server: &Server, method: &Method, path: &str, body: &[u8]) -> Result<Value, Failure> {
    let post = method == Method::POST;
    match path {
        "/counts" if method == Method::GET => return Ok(json!(server.counts())),
        "/faults" if method == Method::DELETE => server.clear_faults(),
        "/faults" if post => server.add_fault(read::<Fault>(body)?),
        "/counts/reset" if post => server.reset_counts(),
        "/secret" if post => match read(body)? {
            Secret { secret, node: None } => server.set_secret(secret).map_err(bad)?,
            Secret { secret, node: Some(node) } => {
                if !server.set_secret_of(node, secret).map_err(bad)? {
                    return Err((StatusCode::NOT_FOUND, format!("no node {node}")));
                }
            }
        },
        "/nodes" if post => {
            let Nodes { secrets, spread } = read(body)?;
            server.set_nodes(secrets, spread).map_err(bad)?;
        }
        "/restart" if post => {
            let Restart { down_ms, warm_up_ms } = read(body)?;
            server.restart(Duration::from_millis(down_ms), Duration::from_millis(warm_up_ms));
        }
        "/password" if post => {
            let Password { username, password } = read(body)?;
            if !server.set_password(&username, &password) {
                return Err((StatusCode::NOT_FOUND, format!("no user {username}")));
            }
        }
        "/user" if post => {
            let User { username, password, permitted } = read(body)?;
            server.set_user(&username, &password, permitted);
        }
        "/generation" if post => {
            let Upgrade { generation } = read(body)?;
            server.set_generation(generation.parse().map_err(|unknown: String| bad(unknown))?);
        }
        "/publish" if post => {
            let Publish { data_id, group, content } = read(body)?;
            server.publish(&data_id, &group, &content);
        }
        "/ttl" if post => server.set_ttl(read::<Ttl>(body)?.seconds),
        "/token-delay" if post => server.set_token_delay(Duration::from_millis(read::<TokenDelay>(body)?.ms)),
        "/compatibility" if post => server.set_compatibility(read::<Switch>(body)?.enabled),
        "/anonymous-ai" if post => server.set_anonymous_ai(read::<Switch>(body)?.enabled),
        "/gzip" if post => server.set_gzip(read::<Compression>(body)?.mode),
        "/auth" if post => server.set_auth(read::<Switch>(body)?.enabled),
        "/token-cache" if post => server.set_token_cache(read::<Switch>(body)?.enabled),
        "/revoke" if post => server.revoke(),
        _ => return Err((StatusCode::NOT_FOUND, format!("no control {method} {path}: see devserver/README.md"))),
    }
    Ok(json!({"ok": true}))
}

/// A body without content is an empty object.
fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Failure> {
    let body = if body.is_empty() { b"{}" } else { body };
    serde_json::from_slice(body).map_err(bad)
}

fn bad(error: impl ToString) -> Failure {
    (StatusCode::BAD_REQUEST, error.to_string())
}
