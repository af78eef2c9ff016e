//! `nacos-devserver`: the devserver as a program.

use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use devserver::{Generation, Options, Server, control};
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
    /// What to play: 1.4, 2.0, 2.2, 2.3, 2.x, 3.x or rnacos
    #[arg(long, default_value = Generation::default().name())]
    generation: Generation,
    /// Life of a token in seconds
    #[arg(long, default_value_t = Options::default().ttl)]
    ttl: u64,
    /// Base64 of the key that signs tokens; a random one if absent
    #[arg(long)]
    secret: Option<String>,
    /// Switch Nacos's token cache on
    #[arg(long)]
    token_cache: bool,
    /// Switch authentication off
    #[arg(long)]
    no_auth: bool,
    /// How many milliseconds a login takes; a real one costs some 70 ms of one core
    #[arg(long, default_value_t = 0)]
    login_cost_ms: u64,
    /// End when standard input does
    #[arg(long)]
    stdin: bool,
}

fn main() -> io::Result<()> {
    let arguments = Arguments::parse();
    let server = Arc::new(Server::start(Options {
        generation: arguments.generation,
        port: arguments.port,
        ttl: arguments.ttl,
        secret: arguments.secret,
        token_cache: arguments.token_cache,
        auth: !arguments.no_auth,
        login_cost: Duration::from_millis(arguments.login_cost_ms),
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
