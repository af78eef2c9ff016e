//! Reads one configuration every 200 ms and tells when a new token served it. Argument 1: seconds to run, 30 unless told.
//!
//! Environment: NACOS_SERVER_ADDR, NACOS_USERNAME, NACOS_PASSWORD, NACOS_DATA_ID.

use std::{
    collections::HashSet,
    env,
    error::Error,
    process::ExitCode,
    thread,
    time::{Duration, Instant},
};

use nacos_auth::{Client, Config, Request};

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let setting = |name: &str, default: &str| env::var(name).unwrap_or_else(|_| default.into());
    let seconds: f64 = env::args().nth(1).map_or(Ok(30.0), |argument| argument.parse())?;
    let client = Client::new(Config::new(
        &setting("NACOS_SERVER_ADDR", "127.0.0.1:8848"),
        &setting("NACOS_USERNAME", "nacos"),
        &setting("NACOS_PASSWORD", "nacos"),
    ))?;
    let read = Request::get("/v1/cs/configs")?
        .query("dataId", &setting("NACOS_DATA_ID", "demo"))
        .query("group", "DEFAULT_GROUP");

    let (mut requests, mut failures, mut last, mut tokens) = (0, 0, 0, HashSet::new());
    let start = Instant::now();
    while start.elapsed().as_secs_f64() < seconds {
        requests += 1;
        match client.request(read.clone()) {
            Err(error) => {
                failures += 1;
                println!("failed {}: {error}", error.kind());
            }
            Ok(response) => {
                // 404: there is no such configuration.
                if !matches!(response.status(), 200 | 404) {
                    failures += 1;
                    println!("failed HTTP {}: {}", response.status(), String::from_utf8_lossy(response.body()).trim());
                }
                if response.generation() != last {
                    last = response.generation();
                    tokens.insert(last);
                    let replays = client.stats().replays;
                    println!("token generation={last} requests={requests} replays={replays}");
                }
            }
        }
        // A rhythm, however long a request takes.
        thread::sleep((start + requests * Duration::from_millis(200)).saturating_duration_since(Instant::now()));
    }
    let (tokens, replays) = (tokens.len(), client.stats().replays);
    println!("done requests={requests} tokens={tokens} replays={replays} failures={failures}");
    Ok(if failures == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
