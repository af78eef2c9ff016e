//! `nacos-auth exec -- COMMAND`.

use std::{
    env, fs, io,
    os::unix::{fs::DirBuilderExt, process::ExitStatusExt},
    path::{Path, PathBuf},
    process::{Child, Command, ExitCode, ExitStatus},
    sync::Arc,
    thread,
    time::Duration,
};

use nacos_auth::{Cancel, Level};
use rustix::process::{Pid, Signal, kill_process};
use signal_hook::{
    consts::{SIGALRM, SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH},
    iterator::{
        SignalsInfo,
        exfiltrator::origin::{Origin, WithOrigin},
    },
    low_level::siginfo::{Cause, Sent},
};
use tokio::sync::mpsc;

use super::proxy::{
    self, Proxy,
    listen::{Address, Bound},
};
use crate::{
    args,
    exit::{Failure, Result},
    keeper::{Bell, Keeper},
    settings::Settings,
};

/// What is passed on to the command.
const PASSED_ON: [i32; 9] = [SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM, SIGWINCH, SIGCONT];
/// Where the command finds the token, and the proxy.
const TOKEN_FILE: &str = "NACOS_AUTH_TOKEN_FILE";
const SOCKET: &str = "NACOS_AUTH_SOCKET";
const ADDRESS: &str = "NACOS_AUTH_ADDR";
/// A folder that leaves room for the name of a socket.
const SHORT: &str = "/tmp";
const MOST_CLIENTS: usize = 4096;
/// As shells have it.
const NOT_RUNNABLE: u8 = 126;
const NOT_FOUND: u8 = 127;

pub(crate) fn run(args: &args::Exec, settings: &Settings) -> Result<ExitCode> {
    let address = args.listen.as_deref().map(|text| Address::parse(text, false)).transpose()?;
    let (bell, wakes) = Bell::new();
    let ringer = bell.clone();
    let client = Arc::new(settings.client_told(Some(Level::Warn), move |_| ringer.token())?);
    // Without a first token the command would only fail in its own words.
    client.token_within(settings.request_timeout, None)?;
    let signals = signals().map_err(|e| Failure::local("cannot watch signals", e))?;
    let folder = Folder::make().map_err(|e| Failure::local("cannot make a folder for the token", e))?;
    let file = folder.0.join("token");
    let mut keeper = Keeper { client: &client, file: file.clone(), check: args.checks.check, written: 0 };
    keeper.write(settings.request_timeout, &Cancel::new())?;

    // Whether the command wants more than the token is not known.
    let warn = |e: &Failure| eprintln!("nacos-auth: {e}; the command has no {SOCKET}");
    let (socket, of_socket) = Socket::bind(&folder).inspect_err(warn).ok().unzip();
    let mut bound: Vec<_> = of_socket.into_iter().collect();
    bound.extend(address.map(|address| address.bind()).transpose()?);
    let listening = bound.last().and_then(|bound| bound.address());
    let proxy = Proxy::new(client.clone(), settings, &[], &bound)?;
    let runtime = proxy::runtime()?;
    let (stop, mut stops) = mpsc::channel(2);
    let serving = runtime.spawn(async move { proxy.serve(bound, MOST_CLIENTS, &mut stops, Duration::ZERO).await });

    let mut command = Command::new(&args.command[0]);
    command.args(&args.command[1..]).env(TOKEN_FILE, &file);
    match &socket {
        Some(socket) => command.env(SOCKET, &socket.path),
        None => command.env_remove(SOCKET),
    };
    match listening {
        Some(address) => command.env(ADDRESS, address.to_string()),
        None => command.env_remove(ADDRESS),
    };
    let child = command.spawn().map_err(|e| (e.kind() == io::ErrorKind::NotFound, e));
    // Not before: the command inherits the limit that there was.
    proxy::raise_descriptors();
    let status = match child {
        Ok(child) => thread::scope(|scope| {
            let rung = &bell;
            scope.spawn(move || keeper.run(rung, &wakes, || {}));
            let status = attend(child, signals);
            bell.end();
            status.map(code)
        }),
        Err((is_missing, error)) => {
            eprintln!("nacos-auth: cannot run {}: {error}", Path::new(&args.command[0]).display());
            Ok(if is_missing { NOT_FOUND } else { NOT_RUNNABLE })
        }
    };
    _ = stop.try_send(());
    _ = runtime.block_on(serving);
    runtime.shutdown_background();
    client.close();
    drop((socket, folder));
    status.map(ExitCode::from).map_err(|e| Failure::local("cannot wait for the command", e))
}

/// Those that are not ignored, as SIGHUP is under nohup.
fn signals() -> io::Result<SignalsInfo<WithOrigin>> {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    SignalsInfo::new(PASSED_ON.into_iter().filter(|signal| ignored >> (signal - 1) & 1 == 0))
}

/// Waits for the command, and passes signals on to it.
fn attend(mut child: Child, mut signals: SignalsInfo<WithOrigin>) -> io::Result<ExitStatus> {
    let handle = signals.handle();
    let pid = Pid::from_child(&child);
    thread::scope(|scope| {
        scope.spawn(move || {
            for origin in &mut signals {
                // What a terminal sends it sends to the whole group, so the command has it already.
                if !is_from_terminal(&origin)
                    && let Some(signal) = Signal::from_named_raw(origin.signal)
                {
                    _ = kill_process(pid, signal);
                }
            }
        });
        let status = child.wait();
        handle.close();
        status
    })
}

fn is_from_terminal(origin: &Origin) -> bool {
    matches!(origin.signal, SIGINT | SIGQUIT | SIGWINCH | SIGHUP)
        && !matches!(origin.cause, Cause::Sent(Sent::User | Sent::Queue | Sent::TKill))
}

fn code(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(1);
    u8::try_from(code).unwrap_or(u8::MAX)
}

/// A folder for this process alone, which goes with it.
struct Folder(PathBuf);

impl Folder {
    fn make() -> io::Result<Self> {
        let runtime = env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|path| path.is_dir());
        Self::within(&runtime.unwrap_or_else(env::temp_dir))
    }

    fn within(parent: &Path) -> io::Result<Self> {
        let path = parent.join(format!("nacos-auth-{:08x}", fastrand::u32(..)));
        fs::DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        _ = fs::remove_dir_all(&self.0);
    }
}

/// Where the proxy listens for the command.
struct Socket {
    path: PathBuf,
    /// Its own, if it does not lie beside the token: goes with it.
    _folder: Option<Folder>,
}

impl Socket {
    /// The path of a socket has 107 characters at the most, and not every file system has sockets.
    fn bind(beside: &Folder) -> Result<(Self, Bound)> {
        let within = |folder: &Folder| {
            let path = folder.0.join("proxy.sock");
            Ok((path.clone(), Address::Unix(path).bind()?))
        };
        within(beside).map(|(path, bound)| (Self { path, _folder: None }, bound)).or_else(|first: Failure| {
            let Ok(folder) = Folder::within(Path::new(SHORT)) else { return Err(first) };
            let (path, bound) = within(&folder)?;
            Ok((Self { path, _folder: Some(folder) }, bound))
        })
    }
}
