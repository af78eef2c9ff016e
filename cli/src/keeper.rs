//! Keeps a file filled with a token that servers take.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, Receiver, RecvTimeoutError, Sender},
    },
    time::{Duration, Instant},
};

use nacos_auth::{Cancel, Client};

use crate::{exit::Result, probe::Probe, token_file};

/// How long to wait before a file that could not be written is tried again, or a token that was not to be had.
const PAUSE: Duration = Duration::from_secs(1);

/// What wakes a keeper.
pub(crate) enum Wake {
    /// There may be another token.
    Token,
    /// It is to end.
    End,
}

/// Wakes, and ends, a keeper.
#[derive(Clone)]
pub(crate) struct Bell {
    sender: Sender<Wake>,
    cancel: Cancel,
    has_ended: Arc<AtomicBool>,
}

impl Bell {
    pub(crate) fn new() -> (Self, Receiver<Wake>) {
        let (sender, receiver) = mpsc::channel();
        (Self { sender, cancel: Cancel::new(), has_ended: Arc::default() }, receiver)
    }

    pub(crate) fn token(&self) {
        _ = self.sender.send(Wake::Token);
    }

    pub(crate) fn end(&self) {
        self.has_ended.store(true, Ordering::SeqCst);
        self.cancel.trigger();
        _ = self.sender.send(Wake::End);
    }
}

pub(crate) struct Keeper<'a> {
    pub(crate) client: &'a Client,
    pub(crate) file: PathBuf,
    /// How often to ask a server whether it takes the token.
    pub(crate) check: Duration,
    /// Of the token in the file; 0: none.
    pub(crate) written: u64,
}

impl Keeper<'_> {
    /// Puts the token into the file if it is not the one in it; whether it did.
    pub(crate) fn write(&mut self, timeout: Duration, cancel: &Cancel) -> Result<bool> {
        let token = self.client.token_within(timeout, Some(cancel))?;
        // One that is over is no better than the one that is there.
        if token.generation == self.written || (token.expired && self.written != 0) {
            return Ok(false);
        }
        token_file::replace(&self.file, token.secret.expose())?;
        self.written = token.generation;
        Ok(true)
    }

    /// Does so until it is told to end; `on_written` is called for each token written.
    pub(crate) fn run(mut self, bell: &Bell, wakes: &Receiver<Wake>, mut on_written: impl FnMut()) {
        let probe = Probe::default();
        let mut last_failure = String::new();
        let mut next_check = Instant::now() + self.check;
        loop {
            let mut pause = next_check.saturating_duration_since(Instant::now());
            match self.write(Duration::from_secs(15), &bell.cancel) {
                Ok(true) => {
                    last_failure.clear();
                    on_written();
                }
                Ok(false) => {}
                Err(failure) => {
                    let failure = failure.to_string();
                    if failure != last_failure && !bell.has_ended.load(Ordering::SeqCst) {
                        eprintln!("nacos-auth: {failure}");
                        last_failure = failure;
                    }
                    pause = pause.min(PAUSE);
                }
            }
            match wakes.recv_timeout(pause) {
                Ok(Wake::End) | Err(RecvTimeoutError::Disconnected) => return,
                Ok(Wake::Token) => {}
                Err(RecvTimeoutError::Timeout) => {
                    if Instant::now() >= next_check {
                        // What comes of it the library has dealt with, and told.
                        _ = probe.send(self.client, &bell.cancel);
                        next_check = Instant::now() + self.check;
                    }
                }
            }
        }
    }
}
