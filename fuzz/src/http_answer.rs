//! Answers byte by byte, through the connections that programs use: a server on the loopback plays them.

use std::{
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use flate2::{
    Compression,
    write::{GzEncoder, ZlibEncoder},
};
use nacos_auth::{Client, Config, Error, Kind, Level, Request, Response};

use crate::{answer::line, planted, secrets::given_away};

const PASSWORD: &str = "hunter2hunter";
const TOKEN: &str = "eyJ0b2tlbiI6.eyJ0b2tlbiI6.x";
const QUERY: &str = "s3cr3tWord";
/// A refusal longer than this is cut.
const LONGEST_REFUSAL: usize = 64 * 1024;
/// No run waits longer than this for anything.
const DEADLINE: Duration = Duration::from_millis(250);
/// In so many pieces an answer comes at the most: each is a round through the system.
const MOST_PIECES: usize = 24;
/// How long an answer becomes by being repeated.
const LONGEST_BODY: usize = 100 * 1024;

/// The first line: letters for what is asked (`g`et, `p`ost, `h`ead, `l`ogin, request with a `w`hole login) and what is done
/// to the answer (`z`ipped, `d`eflated, `r`epeated body), then the sizes of the pieces in which it is sent. What follows is the answer.
pub fn run(data: &[u8]) {
    let (first, answer) = line(data);
    let (letters, sizes) = first.split_at(first.iter().position(|byte| *byte == b' ').unwrap_or(first.len()));
    let sizes: Vec<usize> = sizes.split(|byte| *byte == b' ').filter_map(number).collect();
    let answer = Arc::new(dressed(letters, answer));
    *player().script.lock().expect("no panic under it") = Script { answer: answer.clone(), sizes };
    let has = |letter: u8| letters.contains(&letter);
    let secrets = Arc::new(Mutex::new(String::new()));
    if has(b'l') || has(b'w') {
        let log = secrets.clone();
        let config = Config::new(&player().address, &next_user(), PASSWORD)
            .on_log(Level::Debug, move |event| log.lock().expect("no panic under it").push_str(&event.to_string()));
        let client = client(config);
        if has(b'l') {
            check_login(&client, &answer);
        } else {
            check_request(&client, "GET", &answer, letters);
        }
        client.close();
        check_secrets(&secrets.lock().expect("no panic under it"));
    } else {
        let client = client(Config::with_token(&player().address, TOKEN, None));
        let method = if has(b'p') {
            "POST"
        } else if has(b'h') {
            "HEAD"
        } else {
            "GET"
        };
        check_request(&client, method, &answer, letters);
    }
}

fn number(digits: &[u8]) -> Option<usize> {
    std::str::from_utf8(digits).ok()?.parse().ok().filter(|size| *size > 0)
}

fn client(config: Config) -> Client {
    let config = config.connect_timeout(DEADLINE).request_timeout(DEADLINE);
    Client::new(config).expect("a good configuration")
}

/// From now on the server answers this.
pub fn plays(answer: &[u8]) {
    let script = Script { answer: Arc::new(answer.to_vec()), sizes: Vec::new() };
    *player().script.lock().expect("no panic under it") = script;
}

/// Where it is.
pub fn address() -> String {
    player().address.clone()
}

/// Nobody has failed with it before, so nothing is remembered of it.
pub fn next_user() -> String {
    static LAST: AtomicU64 = AtomicU64::new(0);
    format!("u{}", LAST.fetch_add(1, Ordering::Relaxed))
}

/// The answer with its body repeated and packed, and with headers that say so; as it is without a letter for that.
fn dressed(letters: &[u8], answer: &[u8]) -> Vec<u8> {
    let has = |letter: u8| letters.contains(&letter);
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
    let Some((head, body)) = end.map(|at| (&answer[..at], &answer[at + 4..])) else { return answer.to_vec() };
    if !(has(b'z') || has(b'd') || has(b'r')) {
        return answer.to_vec();
    }
    let mut body = body.to_vec();
    if has(b'r') && !body.is_empty() {
        body = body.repeat(LONGEST_BODY.div_ceil(body.len()));
    }
    let mut head = head.to_vec();
    if has(b'z') {
        let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(&body).expect("memory");
        body = packed.finish().expect("memory");
        head.extend_from_slice(b"\r\nContent-Encoding: gzip");
    } else if has(b'd') {
        let mut packed = ZlibEncoder::new(Vec::new(), Compression::fast());
        packed.write_all(&body).expect("memory");
        body = packed.finish().expect("memory");
        head.extend_from_slice(b"\r\nContent-Encoding: deflate");
    }
    head.extend_from_slice(format!("\r\nContent-Length: {}\r\n\r\n", body.len()).as_bytes());
    [head, body].concat()
}

fn check_request(client: &Client, method: &str, answer: &[u8], letters: &[u8]) {
    let request = Request::new(method, "/v1/cs/configs").expect("a good request").query("dataId", QUERY);
    match client.request(request) {
        Ok(response) => check_response(&response, method, answer, letters),
        Err(error) => check_error(&error),
    }
}

fn check_response(response: &Response, method: &str, answer: &[u8], letters: &[u8]) {
    let status = response.status();
    // What is compared drowns in what the threads beside this one compare; numbers are changed by themselves.
    let is_other_number = |body: &[u8]| !body.is_empty() && body != b"12" && body.iter().all(u8::is_ascii_digit);
    let length = planted(response.body().len(), usize::MAX, || is_other_number(response.body()));
    assert!((100..=999).contains(&status) && answer.windows(7).any(|w| w == b"HTTP/1."), "{status}");
    assert!(status < 400 || length <= LONGEST_REFUSAL, "{length} bytes of a refusal");
    assert!(length == 0 || method != "HEAD", "a body of HEAD");
    let is_packed = String::from_utf8_lossy(answer).to_ascii_lowercase().contains("content-encoding");
    assert!(is_packed || length <= answer.len(), "a body of nothing");
    if letters.contains(&b'r') {
        assert!(length <= 2 * LONGEST_BODY.max(answer.len()));
    }
    for (name, value) in response.headers() {
        assert!(!value.as_bytes().iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0)), "{name}: {value:?}");
    }
}

fn check_login(client: &Client, answer: &[u8]) {
    match client.token() {
        Ok(token) => {
            let secret = token.secret.expose();
            assert!(!secret.is_empty() && secret.bytes().all(|byte| byte.is_ascii_graphic()), "{secret:?}");
            assert!(is_success(answer), "a token from an answer that refuses");
            assert_eq!(token.generation, client.stats().generation);
        }
        Err(error) => {
            check_error(&error);
            assert_eq!(client.stats().generation, 0, "a token was kept, and none given out");
        }
    }
}

/// Whether anything in it may be the head of a success; an interim answer may stand before it.
fn is_success(answer: &[u8]) -> bool {
    let head = |w: &[u8]| w.starts_with(b"HTTP/1.") && w[8] == b' ' && w[9] == b'2';
    answer.windows(10).any(head)
}

fn check_error(error: &Error) {
    use Kind::*;
    let expected =
        [Connect, Timeout, Tls, Io, Protocol, TooLarge, BadCredentials, Forbidden, Throttled, Server, InvalidArgument];
    assert!(expected.contains(&error.kind()), "{}: {error}", error.kind());
    check_secrets(error.message());
    assert!(!error.message().contains(char::is_control), "{error:?}");
}

fn check_secrets(text: &str) {
    assert_eq!(given_away(text, PASSWORD), None, "{text}");
    assert!(!text.contains(TOKEN) && !text.contains(QUERY), "{text}");
}

/// A server that answers every request of every connection with the same, and closes.
struct Player {
    address: String,
    script: Arc<Mutex<Script>>,
    /// Keeps what clients of one server share, so that a run need not make it.
    _keeper: Client,
}

#[derive(Clone, Default)]
struct Script {
    answer: Arc<Vec<u8>>,
    /// Of its pieces, in turn; all at once without one.
    sizes: Vec<usize>,
}

/// One for each thread that runs targets, which may be several at the same time.
fn player() -> &'static Player {
    thread_local! {
        static PLAYER: &'static Player = Box::leak(Box::new(Player::new()));
    }
    PLAYER.with(|player| *player)
}

impl Player {
    fn new() -> Self {
        let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let script = Arc::new(Mutex::new(Script::default()));
        let played = script.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let script = played.lock().expect("no panic under it").clone();
                // Whoever hangs up early has seen enough.
                let _ = play(stream, &script);
            }
        });
        let _keeper = client(Config::with_token(&address, TOKEN, None));
        _keeper.token().expect("the one given");
        Self { address, script, _keeper }
    }
}

fn play(mut stream: TcpStream, script: &Script) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(DEADLINE))?;
    let mut request = Vec::new();
    let mut piece = [0; 4096];
    while !is_whole(&request) {
        match stream.read(&mut piece)? {
            0 => return Ok(()),
            read => request.extend_from_slice(&piece[..read]),
        }
    }
    let mut rest = &script.answer[..];
    // The first size may be any, so a break may be anywhere; after so many the rest comes in one.
    let mut sizes = script.sizes.iter().cycle().take(MOST_PIECES);
    while !rest.is_empty() {
        let size = sizes.next().copied().unwrap_or(rest.len());
        let (now, later) = rest.split_at(size.min(rest.len()));
        stream.write_all(now)?;
        if !later.is_empty() {
            thread::yield_now();
        }
        rest = later;
    }
    stream.shutdown(Shutdown::Write)
}

/// The requests of this library have a length.
fn is_whole(request: &[u8]) -> bool {
    let Some(end) = request.windows(4).position(|four| four == b"\r\n\r\n") else { return false };
    let head = String::from_utf8_lossy(&request[..end]).to_ascii_lowercase();
    let length = head.split("content-length:").nth(1).and_then(|text| text.split("\r\n").next()?.trim().parse().ok());
    request.len() >= end + 4 + length.unwrap_or(0)
}
