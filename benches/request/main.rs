//! What `Client::request` adds to the HTTP engine underneath: the same GETs through the client and through the bare engine,
//! in turn, on the server of `NACOS_SERVER_ADDR`. A line of JSON for each row; `ONLY=layers make bench` starts the server
//! and makes a table.

mod bare;

use std::{
    env,
    sync::Barrier,
    thread,
    time::{Duration, Instant},
};

use bare::Bare;
use nacos_auth::{Client, Config, Request};

const QUERY: [(&str, &str); 2] = [("dataId", "demo"), ("group", "DEFAULT_GROUP")];

/// What the rounds of one row gave.
#[derive(Default)]
struct Row {
    per_second: Vec<f64>,
    cpu_us: Vec<f64>,
}

/// One turn: `threads` threads call what `make` gives each of them, for as long as `round`.
fn turn<F: FnMut()>(row: &mut Row, threads: usize, round: Duration, make: impl Fn() -> F + Sync) {
    let start = Barrier::new(threads + 1);
    let each = || {
        let mut call = make();
        call(); // makes the connection
        start.wait();
        let (began, mut done) = (Instant::now(), 0);
        while began.elapsed() < round {
            call();
            done += 1;
        }
        done
    };
    thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(each)).collect();
        start.wait();
        let (began, cpu) = (Instant::now(), cpu_time());
        let done: u32 = running.into_iter().map(|thread| thread.join().unwrap()).sum();
        row.per_second.push(f64::from(done) / began.elapsed().as_secs_f64());
        row.cpu_us.push((cpu_time() - cpu).as_secs_f64() * 1e6 / f64::from(done));
    });
}

/// Of this process, all threads.
fn cpu_time() -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: a clock that Linux has, and memory for its answer.
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &mut time) };
    Duration::new(time.tv_sec.try_into().unwrap(), time.tv_nsec.try_into().unwrap())
}

fn setting(name: &str, otherwise: u64) -> u64 {
    env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

fn main() {
    let Ok(address) = env::var("NACOS_SERVER_ADDR") else {
        eprintln!("no NACOS_SERVER_ADDR: nothing is measured; see benches/run.sh");
        return;
    };
    let (rounds, round) = (setting("ROUNDS", 15), Duration::from_millis(setting("ROUND_MS", 350)));
    let client = Client::new(Config::new(&address, "nacos", "nacos")).unwrap();
    let token = client.token().unwrap();
    let ours = || {
        || {
            let request =
                QUERY.iter().fold(Request::get("/v1/cs/configs").unwrap(), |r, (name, value)| r.query(name, value));
            let answer = client.request(request).unwrap();
            assert!(answer.status() == 200 && !answer.body().is_empty());
        }
    };
    let bare = || {
        let mut engine = Bare::new(&address, token.secret.expose());
        move || {
            let (status, body) = engine.get(&QUERY);
            assert!(status == 200 && !body.is_empty());
        }
    };
    for threads in [1, 8, 64] {
        let (mut with, mut without) = (Row::default(), Row::default());
        for number in 0..=rounds {
            if number % 2 == 0 {
                turn(&mut with, threads, round, ours);
                turn(&mut without, threads, round, bare);
            } else {
                turn(&mut without, threads, round, bare);
                turn(&mut with, threads, round, ours);
            }
        }
        for (name, row) in [("bare engine", without), ("Client::request", with)] {
            // The first round warmed up.
            let (per_second, cpu_us) = (&row.per_second[1..], &row.cpu_us[1..]);
            println!(
                r#"{{"part": "layers", "case": "{threads} threads", "name": "{name}", "rounds": {{"requests/s": {per_second:?}, "CPU µs": {cpu_us:?}}}}}"#
            );
        }
    }
}
