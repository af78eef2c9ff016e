//! The command line. What is in brackets is for its readers: names of variables, and defaults.
#![allow(rustdoc::broken_intra_doc_links)]

use std::{ffi::OsString, path::PathBuf, time::Duration};

use clap::{Args as Arguments, Parser, Subcommand, ValueHint, builder::PossibleValuesParser};
use clap_complete::Shell;

use crate::exit;

/// Keeps programs logged in at a Nacos server.
///
/// Every command logs in by itself, renews the token before it expires, and logs in again when a server refuses it.
/// Settings come from options, then from the environment (NACOS_SERVER_ADDR, NACOS_USERNAME, NACOS_PASSWORD,
/// NACOS_PASSWORD_FILE, …), then from a profile in a TOML file.
#[derive(Debug, Parser)]
#[command(name = "nacos-auth", version, after_help = exit::HELP, disable_help_subcommand = true)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) settings: Flags,

    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Settings as options. All are text here, so that they are checked in one place with those from elsewhere.
#[derive(Arguments, Clone, Debug, Default)]
#[command(next_help_heading = "Settings")]
pub(crate) struct Flags {
    /// The servers, as host:port or https://host:port, separated by commas (NACOS_SERVER_ADDR).
    #[arg(long, global = true, value_name = "ADDRESS")]
    pub(crate) server_addr: Option<String>,

    /// What every path begins with; "" is none (NACOS_CONTEXT_PATH; default: /nacos).
    #[arg(long, global = true, value_name = "PATH")]
    pub(crate) context_path: Option<String>,

    /// The user to log in as (NACOS_USERNAME).
    #[arg(long, short = 'u', global = true, value_name = "NAME")]
    pub(crate) username: Option<String>,

    /// A file with the password as its only line, read anew for each login (NACOS_PASSWORD_FILE).
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) password_file: Option<PathBuf>,

    /// The password itself, for others to see in the list of processes: better a file, NACOS_PASSWORD or the prompt.
    #[arg(long, global = true, value_name = "PASSWORD")]
    pub(crate) password: Option<String>,

    /// A PEM file with the authorities to trust instead of the system's (NACOS_CA_FILE).
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) ca_file: Option<PathBuf>,

    /// A PEM file with the certificate to show to servers (NACOS_CLIENT_CERT_FILE).
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) client_cert_file: Option<PathBuf>,

    /// A PEM file with its key (NACOS_CLIENT_KEY_FILE).
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) client_key_file: Option<PathBuf>,

    /// The name that certificates have to be for, instead of the server's host (NACOS_TLS_SERVER_NAME).
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) tls_server_name: Option<String>,

    /// Where the token rides on a request (NACOS_TOKEN_IN; default: auto).
    #[arg(long, global = true, value_name = "PLACE", value_parser = PossibleValuesParser::new(crate::settings::PLACES))]
    pub(crate) token_in: Option<String>,

    /// A proxy on the way to the servers, as http://host:3128 or socks5://host:1080 (NACOS_PROXY).
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) proxy: Option<String>,

    /// How long connecting to one server may take, as 500ms or 2s (NACOS_CONNECT_TIMEOUT; default: 2s).
    #[arg(long, global = true, value_name = "TIME")]
    pub(crate) connect_timeout: Option<String>,

    /// How long a call may take, logins and replays included (NACOS_REQUEST_TIMEOUT; default: 15s).
    #[arg(long, global = true, value_name = "TIME")]
    pub(crate) request_timeout: Option<String>,

    /// The TOML file with profiles (default: $XDG_CONFIG_HOME/nacos-auth/config.toml).
    #[arg(long, global = true, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) config: Option<PathBuf>,

    /// The profile of it to use.
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) profile: Option<String>,

    /// Tells on standard error what happens: logins, refusals, servers that are down.
    #[arg(long, short = 'v', global = true)]
    pub(crate) verbose: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Token(Token),
    Request(Request),
    Exec(Exec),
    Keep(Keep),
    Proxy(Proxy),
    Watch(Watch),
    Doctor(Doctor),
    #[command(hide = true)]
    Completions(Completions),
    #[command(hide = true)]
    Man(Man),
}

/// Prints a token.
///
/// The token is one of a login made for this: it lives on its own, and nobody renews it once the command has ended. For
/// a program that runs on, use exec, keep or proxy.
#[derive(Arguments, Debug)]
pub(crate) struct Token {
    /// As a line of a header, for curl -H @-: Authorization: Bearer …
    #[arg(long, conflicts_with = "json")]
    pub(crate) header: bool,

    /// As JSON, in the shape of an exec credential: token and expirationTimestamp.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Sends one request with the token on it, and prints the answer.
///
/// A request that is refused for its token is sent once more with a new one. The path comes after the context path, as in
/// /v1/cs/configs. JSON is indented on a terminal; into a pipe goes what the server sent. An HTTP status of 400 and up is
/// exit status 1, and the body is printed all the same.
#[derive(Arguments, Debug)]
pub(crate) struct Request {
    /// GET, POST, PUT, DELETE or another.
    pub(crate) method: String,

    /// What comes after the context path, as /v1/cs/configs; it may carry a query that is percent-encoded.
    pub(crate) path: String,

    /// A parameter of the query, percent-encoded here; may be given several times.
    #[arg(short, long, value_name = "NAME=VALUE", value_parser = pair)]
    pub(crate) query: Vec<(String, String)>,

    /// A field of a form, which becomes the body; may be given several times.
    #[arg(short, long, value_name = "NAME=VALUE", value_parser = pair, conflicts_with = "data_file")]
    pub(crate) data: Vec<(String, String)>,

    /// A file that becomes the body as it is; - is standard input.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) data_file: Option<PathBuf>,

    /// A header; may be given several times.
    #[arg(short = 'H', long, value_name = "NAME: VALUE", value_parser = header)]
    pub(crate) header: Vec<(String, String)>,
}

/// Runs a command, with a fresh token in a file and a proxy on a socket for as long as it runs.
///
/// The command finds them by its environment: NACOS_AUTH_TOKEN_FILE is the file, NACOS_AUTH_SOCKET the proxy's socket, and
/// with --listen NACOS_AUTH_ADDR its host:port. Signals are passed on to the command, and its exit status is that of exec.
#[derive(Arguments, Debug)]
pub(crate) struct Exec {
    /// Has the proxy listen on a loopback address too, for programs that know no sockets; port 0 is any free one.
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) listen: Option<String>,

    #[command(flatten)]
    pub(crate) checks: Checks,

    /// The command with its arguments.
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true, value_name = "COMMAND", value_hint = ValueHint::CommandWithArguments)]
    pub(crate) command: Vec<OsString>,
}

/// Keeps a token in a file, until it is told to end.
///
/// The file is replaced as a whole, belongs to its user alone (0600), and never holds an unusable token while there is a
/// usable one. It stays when the command ends. As a service it suits systemd's Type=notify.
#[derive(Arguments, Debug)]
pub(crate) struct Keep {
    /// The file.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) file: PathBuf,

    #[command(flatten)]
    pub(crate) checks: Checks,
}

/// How a token is looked at that others use.
#[derive(Arguments, Debug)]
pub(crate) struct Checks {
    /// How often to ask a server whether it still takes the token, as 5s or 1m.
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = duration)]
    pub(crate) check: Duration,
}

/// Puts the token on whatever clients send, and passes it on to the servers.
///
/// Clients that know nothing of tokens, or that log in once and never again, work through it unchanged: requests that are
/// refused for their token are sent once more with a new one. Logins of clients are answered by the proxy itself, whatever
/// their password. It serves its state at /-/health and its figures at /-/metrics.
#[derive(Arguments, Debug)]
pub(crate) struct Proxy {
    /// Where to listen: host:port, or unix:PATH; may be given several times.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8847")]
    pub(crate) listen: Vec<String>,

    /// Lets --listen be an address that other machines reach: all who do act as the proxy's user.
    #[arg(long)]
    pub(crate) allow_remote: bool,

    /// Another name by which clients call the proxy, as in the header Host; may be given several times.
    #[arg(long, value_name = "NAME")]
    pub(crate) host: Vec<String>,

    /// How long requests under way may take after SIGTERM.
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration)]
    pub(crate) drain: Duration,

    /// The most connections of clients at the same time; more wait.
    #[arg(long, value_name = "N", default_value_t = 4096, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) max_clients: u32,
}

/// Shows the life of the token, logins, refusals and servers.
///
/// On a terminal it is a view that is drawn anew; elsewhere, lines. It logs in itself, and asks a server now and then
/// whether it takes the token.
#[derive(Arguments, Debug)]
pub(crate) struct Watch {
    /// How often to look.
    #[arg(long, value_name = "TIME", default_value = "1s", value_parser = duration)]
    pub(crate) every: Duration,

    /// How long to watch; for ever by default.
    #[arg(long = "for", value_name = "TIME", value_parser = duration)]
    pub(crate) length: Option<Duration>,
}

/// Finds out why a server refuses.
///
/// Examines the servers, the credentials, and if given a token and a request, step by step. Each finding tells what was seen,
/// what it means and what to do; none holds a secret. It logs in twice at each server at the most.
#[derive(Arguments, Debug)]
pub(crate) struct Doctor {
    /// The method of a request that fails.
    #[arg(requires = "path")]
    pub(crate) method: Option<String>,

    /// Its path, behind the context path, with its query.
    pub(crate) path: Option<String>,

    /// Sends the request even if it may change something: what is neither GET, HEAD nor OPTIONS.
    #[arg(long)]
    pub(crate) send_writes: bool,

    /// A file with a token that is refused.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) token_file: Option<PathBuf>,

    /// How long it may take.
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration)]
    pub(crate) timeout: Duration,

    /// As JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Prints the completions of a shell.
#[derive(Arguments, Debug)]
pub(crate) struct Completions {
    pub(crate) shell: Shell,
}

/// Writes the man pages into a folder.
#[derive(Arguments, Debug)]
pub(crate) struct Man {
    pub(crate) folder: PathBuf,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').filter(|(name, _)| !name.is_empty()).ok_or("write it as NAME=VALUE")?;
    Ok((name.into(), value.into()))
}

fn header(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once(':').ok_or("write it as \"NAME: VALUE\"")?;
    Ok((name.trim().into(), value.trim().into()))
}

/// A time, as 500ms, 2s or 1m.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || "not a time; write it like 500ms, 2s or 1m".to_owned();
    humantime::parse_duration(text).ok().filter(|time| !time.is_zero()).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn what_follows_exec_is_the_commands_own() {
        let args = Args::try_parse_from(["nacos-auth", "exec", "-u", "me", "--", "curl", "-u", "you", "--profile"]);
        let args = args.unwrap();
        assert_eq!(args.settings.username.as_deref(), Some("me"));
        let Command::Exec(exec) = args.command else { panic!("another command") };
        assert_eq!(exec.command, ["curl", "-u", "you", "--profile"]);
    }
}
