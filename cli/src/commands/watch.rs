//! `nacos-auth watch`.

use std::{
    process::ExitCode,
    sync::{
        Mutex, MutexGuard, PoisonError,
        mpsc::{self, RecvTimeoutError},
    },
    thread,
    time::{Duration, Instant, SystemTime},
};

use nacos_auth::{Cancel, Client};
use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM},
    iterator::Signals,
};

use self::{
    screen::Screen,
    view::{Asked, View},
};
use crate::{
    args,
    exit::{Failure, Result},
    probe::Probe,
    settings::Settings,
};

mod screen;
mod view;

/// How often a server is asked whether it takes the token.
const BETWEEN_QUESTIONS: Duration = Duration::from_secs(2);
/// How often a line tells the state where nothing has changed.
const BETWEEN_LINES: Duration = Duration::from_secs(60);

/// What ends a wait.
enum Wake {
    Event(String),
    End,
}

pub(crate) fn run(args: &args::Watch, settings: &Settings) -> Result<ExitCode> {
    let (sender, wakes) = mpsc::channel();
    let teller = sender.clone();
    let client = settings.client_told(None, move |event| {
        let cause = event.cause().map(|cause| format!(" ({})", cause.name())).unwrap_or_default();
        _ = teller.send(Wake::Event(format!("{event}{cause}")));
    })?;
    let mut signals = Signals::new([SIGTERM, SIGINT, SIGHUP]).map_err(|e| Failure::local("cannot watch signals", e))?;
    thread::spawn(move || signals.forever().for_each(|_| _ = sender.send(Wake::End)));

    let (asked, cancel) = (Mutex::new(None), Cancel::new());
    let mut screen = Screen::new();
    let shown = thread::scope(|scope| {
        let asker = scope.spawn(|| ask(&client, &asked, &cancel));
        let shown = show(args, &client, &asked, &wakes, &mut screen);
        cancel.trigger();
        asker.thread().unpark();
        shown
    });
    client.close();
    shown.map_err(|e| Failure::local("cannot write to standard output", e)).map(|()| ExitCode::SUCCESS)
}

/// Asks a server now and then until it is cancelled, so that what ends a token is noticed.
fn ask(client: &Client, asked: &Mutex<Option<Asked>>, cancel: &Cancel) {
    let probe = Probe::default();
    loop {
        let began = Instant::now();
        let answer = probe.send(client, cancel);
        let took = began.elapsed();
        if matches!(&answer, Err(failure) if failure.is_cancelled()) {
            return;
        }
        *lock(asked) = Some(match answer {
            Ok(answer) => {
                let said = match answer.status() {
                    // What was asked for does not exist.
                    200..=299 | 404 => "takes the token".into(),
                    status => format!("HTTP {status}"),
                };
                Asked { server: answer.server().into(), said, took }
            }
            Err(failure) => Asked { server: String::new(), said: failure.message().into(), took },
        });
        thread::park_timeout(BETWEEN_QUESTIONS);
    }
}

fn show(
    args: &args::Watch,
    client: &Client,
    asked: &Mutex<Option<Asked>>,
    wakes: &mpsc::Receiver<Wake>,
    screen: &mut Screen,
) -> std::io::Result<()> {
    let end = args.length.map(|length| Instant::now() + length);
    let mut view = View::default();
    let (mut last, mut said) = (String::new(), Instant::now());
    loop {
        let stats = client.stats();
        if screen.is_live() {
            screen.show(view.block(&stats, lock(asked).as_ref()))?;
        } else {
            let state = View::state(&stats);
            if state != last || said.elapsed() > BETWEEN_LINES {
                screen.say(&format!("{} {}", now(), View::line(&stats)))?;
                (last, said) = (state, Instant::now());
            }
        }
        let next = Instant::now() + args.every;
        let until = end.map_or(next, |end| end.min(next));
        match wakes.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(Wake::Event(line)) => {
                let line = format!("{} {line}", now());
                if screen.is_live() { view.event(line) } else { screen.say(&line)? }
            }
            Ok(Wake::End) | Err(RecvTimeoutError::Disconnected) => return Ok(()),
            Err(RecvTimeoutError::Timeout) => {
                if end.is_some_and(|end| Instant::now() >= end) {
                    return Ok(());
                }
            }
        }
    }
}

fn now() -> String {
    humantime::format_rfc3339_seconds(SystemTime::now()).to_string()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
