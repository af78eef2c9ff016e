//! Asks a server whether it still takes the token, for tokens that are used where this process does not see it.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use nacos_auth::{Cancel, Client, Request, Response};

use crate::exit::Result;

/// Reads of a configuration that nobody has: in 1.x to 3.1, and in 3.x, which may have no v1.
const QUESTIONS: [&str; 2] = [
    "/v1/cs/configs?dataId=nacos-auth.absent&group=nacos-auth",
    "/v3/client/cs/config?dataId=nacos-auth.absent&groupName=nacos-auth",
];
const PATIENCE: Duration = Duration::from_secs(15);

/// Remembers which question the servers know.
#[derive(Default)]
pub(crate) struct Probe(AtomicUsize);

impl Probe {
    /// Sends one read; a token that is refused is replaced by the library on the way.
    pub(crate) fn send(&self, client: &Client, cancel: &Cancel) -> Result<Response> {
        let at = self.0.load(Ordering::Relaxed);
        let answer = client.request(Request::get(QUESTIONS[at])?.timeout(PATIENCE).cancel(cancel))?;
        if is_unknown(&answer) {
            self.0.store(1 - at, Ordering::Relaxed);
        }
        Ok(answer)
    }
}

/// Whether the server has no such API: it looked at no token then.
fn is_unknown(answer: &Response) -> bool {
    let says = |words: &str| String::from_utf8_lossy(answer.body()).contains(words);
    match answer.status() {
        404 => !says("not exist"),
        410 => true,
        500 => says("No static resource"),
        _ => false,
    }
}
