//! Answers that callers with an HTTP stack of their own report.

use std::time::{Duration, SystemTime};

use super::Client;
use crate::{
    error::Result,
    http::beginning,
    lifecycle::{Attempts, Verdict},
    observe::Count,
    protocol::{rejection, retry_after, voice},
    session::Refusal,
};

/// The longest pause that is passed on from a server.
const LONGEST_WAIT: Duration = Duration::from_secs(600);

/// An answer to a request that somebody else sent, with a token of a [`Client`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Report<'a> {
    /// The generation of the token.
    pub generation: u64,
    /// The HTTP status.
    pub status: u16,
    /// The body; its first 4 KiB are enough.
    pub body: &'a [u8],
    /// The server that answered, as it is written in `server_addr`, or any URL of it. With it a token is judged server by
    /// server, and one that is only too new for a server gets its time; without it any refusal ends the token.
    pub server: Option<&'a str>,
    /// The value of the header `Retry-After`.
    pub retry_after: Option<&'a str>,
    /// How often this request has been refused the same token before.
    pub refused_before: u32,
}

/// What to do with an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Advice {
    /// Hand it on as it is.
    Return,
    /// Get the token again and send the request once more.
    Replay,
    /// The same, but only if sending the request twice does no harm.
    ReplayIfIdempotent,
}

/// What to do, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Advised {
    /// What.
    pub advice: Advice,
    /// How long to wait before; with [`Advice::Return`], how long the server asks to be left alone.
    pub wait: Duration,
}

pub(super) fn report(client: &Client, report: &Report<'_>) -> Result<Advised> {
    let Report { generation, status, server, .. } = *report;
    let live = client.live();
    let session = live.session();
    let body = beginning(report.body, rejection::READ);
    let at = server.and_then(|server| session.servers.find(server));
    let mut attempts = match at {
        Some(_) => Attempts::counted(generation, report.refused_before as usize),
        None => Attempts::reported(),
    };
    let Some(why) = rejection::classify(status, &body) else {
        if voice::carried_out(status, &body) {
            session.accepted(&attempts, generation, || None);
        } else if voice::stands_in(status, &body) {
            session.server_unreachable();
        }
        let asks = matches!(status, 429 | 503).then_some(report.retry_after).flatten();
        let wait = asks.and_then(|text| retry_after::read(text, None, SystemTime::now())).unwrap_or_default();
        return Ok(Advised { advice: Advice::Return, wait: wait.min(LONGEST_WAIT) });
    };
    let refusal = Refusal { why, server: at, body: &body, request: "a request", sensitive: &[] };
    let verdict = client.note_rejection(live, &session, &mut attempts, generation, &refusal);
    let (advice, wait) = match verdict {
        Verdict::Return => (Advice::Return, Duration::ZERO),
        Verdict::Replay => (Advice::Replay, Duration::ZERO),
        Verdict::ReplayIfIdempotent => (Advice::ReplayIfIdempotent, Duration::ZERO),
        Verdict::Retry { after, .. } => (Advice::Replay, after),
    };
    if advice != Advice::Return {
        live.handle.counters.count(Count::Replays);
    }
    Ok(Advised { advice, wait })
}
