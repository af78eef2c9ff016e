//! What the tests share: servers, running commands, and requests as plain bytes.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    process::{Child, ChildStderr, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use devserver::{Options, Server};

/// A machine that is busy with other things takes its time.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) fn server(ttl: u64) -> Server {
    Server::start(Options { ttl: Some(ttl), ..Options::default() }).unwrap()
}

/// The command, without any setting of the machine's.
pub(crate) fn bare() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nacos-auth"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("NACOS_") {
            command.env_remove(name);
        }
    }
    command.env("XDG_CONFIG_HOME", "/nonexistent").stdin(Stdio::null());
    command
}

/// The command, with what it needs for `server`.
pub(crate) fn command(server: &Server) -> Command {
    let mut command = bare();
    command.env("NACOS_SERVER_ADDR", server.address().to_string());
    command.env("NACOS_USERNAME", "nacos").env("NACOS_PASSWORD", "nacos");
    command
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Ends as it should: status, standard output, standard error.
pub(crate) fn run(command: &mut Command) -> (i32, String, String) {
    let Output { status, stdout, stderr } = command.output().unwrap();
    (status.code().unwrap_or(-1), text(&stdout), text(&stderr))
}

pub(crate) fn wait_for(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < end, "{what}: not within {PATIENCE:?}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// A command that runs until it is dropped.
pub(crate) struct Running {
    pub(crate) child: Child,
}

impl Running {
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([&format!("-{name}"), &pid]).status().unwrap().success());
    }

    /// Its exit status: it has been told to end.
    pub(crate) fn end(&mut self) -> Option<i32> {
        let mut status = None;
        wait_for("the command ends", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        status.unwrap().code()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

/// A proxy that listens.
pub(crate) struct Proxy {
    pub(crate) running: Running,
    pub(crate) address: SocketAddr,
    lines: BufReader<ChildStderr>,
}

impl Proxy {
    pub(crate) fn start(server: &Server, args: &[&str]) -> Self {
        Self::with(command(server).args(["proxy", "--listen", "127.0.0.1:0"]).args(args))
    }

    pub(crate) fn with(command: &mut Command) -> Self {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap());
        let running = Running { child };
        loop {
            let mut line = String::new();
            assert!(lines.read_line(&mut line).unwrap() > 0, "the proxy ended");
            if let Some((_, address)) = line.trim().split_once("listening on ")
                && let Ok(address) = address.parse()
            {
                return Self { running, address, lines };
            }
        }
    }

    /// What it has said, after it has ended.
    pub(crate) fn rest(&mut self) -> String {
        let mut text = String::new();
        self.lines.read_to_string(&mut text).unwrap();
        text
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.send("GET", path, "", b"")
    }

    /// `headers`: whole lines.
    pub(crate) fn send(&self, method: &str, path: &str, headers: &str, body: &[u8]) -> Answer {
        let length = if body.is_empty() { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
        let head =
            format!("{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n{length}{headers}\r\n", self.address);
        self.raw(&[head.as_bytes(), body].concat())
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// Sends bytes, and reads until the proxy closes.
    pub(crate) fn raw(&self, bytes: &[u8]) -> Answer {
        let mut stream = self.connect();
        stream.write_all(bytes).unwrap();
        Answer::read(&mut stream)
    }

    /// A number of its own, from /-/metrics.
    pub(crate) fn figure(&self, name: &str) -> u64 {
        let text = self.get("/-/metrics").body;
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("no {name} in {text}")).parse().unwrap()
    }

    /// A line of its /proc/PID/status, in KiB.
    pub(crate) fn kib(&self, name: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.running.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.trim_start_matches(':').trim().trim_end_matches(" kB").parse().unwrap()
    }

    pub(crate) fn descriptors(&self) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.running.child.id())).unwrap().count()
    }
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn read(stream: &mut impl Read) -> Self {
        let mut bytes = Vec::new();
        // What was read before a reset counts.
        _ = stream.read_to_end(&mut bytes);
        let whole = text(&bytes);
        let (head, body) = whole.split_once("\r\n\r\n").unwrap_or((&whole, ""));
        let status = head.get(9..12).and_then(|digits| digits.parse().ok()).unwrap_or(0);
        Self { status, head: head.into(), body: body.into() }
    }
}

pub(crate) const DEMO: &str = "/nacos/v1/cs/configs?dataId=demo&group=DEFAULT_GROUP";
