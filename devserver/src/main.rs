//! `nacos-devserver`: the devserver as a program.

use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use devserver::{Fault, Generation, Gzip, Options, Server, Spread, control};
use serde_json::json;

/// A Nacos look-alike in memory. Prints one line of JSON with its addresses when it is ready.
#[derive(Parser)]
#[command(name = "nacos-devserver")]
struct Arguments {
    /// Port on 127.0.0.1; 0: a free one
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Port of the control API on 127.0.0.1; 0: a free one
    #[arg(long, default_value_t = 0)]
    control_port: u16,
    /// What to play: 1.4, 2.0, 2.2, 2.3, 2.x, 3.x, 3.2, 3.3, rnacos-0.8.5 or rnacos
    #[arg(long, default_value = Generation::default().name())]
    generation: Generation,
    /// Life of a token in seconds; absent: 18000, with rnacos-0.8.5 3600
    #[arg(long)]
    ttl: Option<u64>,
    /// Base64 of the key that signs tokens; a random one if absent. Several times: as many nodes behind the address
    #[arg(long)]
    secret: Vec<String>,
    /// How requests are spread over the nodes: request or connection
    #[arg(long, default_value = "request")]
    spread: Spread,
    /// Switch Nacos's token cache on
    #[arg(long)]
    token_cache: bool,
    /// Switch authentication off
    #[arg(long)]
    no_auth: bool,
    /// How many milliseconds a login takes; a real one costs some 70 ms of one core
    #[arg(long, default_value_t = 0)]
    login_cost_ms: u64,
    /// For how many milliseconds a new token does not count yet
    #[arg(long, default_value_t = 0)]
    token_delay_ms: u64,
    /// Switch 3.x's client API of v1 off
    #[arg(long)]
    no_compatibility: bool,
    /// Serve some reads of AI resources without credentials (3.2 and 3.3)
    #[arg(long)]
    anonymous_ai: bool,
    /// Which answers are compressed: off, accepted or always
    #[arg(long, default_value = "off")]
    gzip: Gzip,
    /// A fault from the start on, in the control API's JSON; may be given several times
    #[arg(long, value_name = "JSON", value_parser = fault)]
    fault: Vec<Fault>,
    /// End when standard input does
    #[arg(long)]
    stdin: bool,
}

fn main() -> ExitCode {
    match run(Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("nacos-devserver: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: Arguments) -> io::Result<()> {
    let server = Arc::new(Server::start(Options {
        generation: arguments.generation,
        port: arguments.port,
        ttl: arguments.ttl,
        secrets: arguments.secret,
        spread: arguments.spread,
        token_cache: arguments.token_cache,
        auth: !arguments.no_auth,
        login_cost: Duration::from_millis(arguments.login_cost_ms),
        token_delay: Duration::from_millis(arguments.token_delay_ms),
        compatibility: !arguments.no_compatibility,
        anonymous_ai: arguments.anonymous_ai,
        gzip: arguments.gzip,
        faults: arguments.fault,
    })?);
    let control = control::serve(Arc::clone(&server), arguments.control_port)?;
    println!("{}", json!({"address": server.address().to_string(), "control": control.to_string()}));
    io::stdout().flush()?;
    if arguments.stdin {
        io::copy(&mut io::stdin(), &mut io::sink())?;
        return Ok(());
    }
    loop {
        std::thread::park();
    }
}

fn fault(json: &str) -> Result<Fault, serde_json::Error> {
    serde_json::from_str(json)
}
