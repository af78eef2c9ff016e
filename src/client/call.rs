//! One request through Nacos: attach the token, send, look whether it was refused, and if so repeat it with another.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};

use ::http::Method;

use super::{
    Client, Live,
    request::{Request, Response},
    send::Ticket,
};
use crate::{
    cause::Cause,
    error::{Error, Result},
    lifecycle::{Attempts, Verdict},
    observe::Count,
    protocol::{
        login,
        place::TokenPlace,
        rejection::{self, Rejection},
        state, voice,
    },
    session::{Lease, Purpose, Refusal, Session},
    sys::clock,
    wait::Limits,
};

/// How often a request waits for a login and is repeated with what that brings. The second time is for a token that was on
/// its way already when the first one was refused: it may be of the same old secret.
const MOST_REPLAYS: u32 = 2;

/// One request on its way.
pub(super) struct Call<'a> {
    pub(super) client: &'a Client,
    pub(super) live: &'a Live,
    pub(super) request: &'a Request,
    pub(super) limits: Limits<'a>,
    pub(super) sent: &'a Sent,
}

/// What has gone out of one request.
#[derive(Default)]
pub(super) struct Sent {
    /// How often.
    pub(super) times: AtomicU32,
    /// A server may have acted on it: its answer did not come.
    pub(super) maybe: AtomicBool,
}

/// Refuses what cannot be sent.
pub(super) fn check(client: &Client, request: &mut Request) -> Result<()> {
    request.check(client.live().session().origin.token_in)
}

/// Sends what has been [checked](check), and again as need be; it waits as `limits` have it.
pub(super) async fn request(client: &Client, live: &Live, request: &Request, limits: Limits<'_>) -> Result<Response> {
    live.handle.counters.count(Count::Requests);
    let sent = Sent::default();
    let call = Call { client, live, request, limits: limits.with_no_wait(request.no_wait), sent: &sent };
    let answer = match call.lease().await {
        Ok(lease) => call.with_token(lease, 0).await,
        Err(error) => call.without_token(error).await,
    };
    let answer = answer.and_then(|answer| call.check_place(answer));
    let answer = answer.map(|answer| Response { attempts: sent.times.load(Ordering::Relaxed), ..answer });
    answer.map_err(|error| error.maybe_sent(sent.maybe.load(Ordering::Relaxed)))
}

impl Call<'_> {
    /// Sends with `lease`, and again with another token, or at another node, as long as the answers show that the token was
    /// the trouble. `replays`: how often it has been sent in vain before.
    pub(super) async fn with_token(&self, mut lease: Lease, replays: u32) -> Result<Response> {
        let (mut attempts, mut logins, mut retries) = (Attempts::among(self.live.session().origin.servers.len()), 0, 0);
        loop {
            let session = self.live.session();
            let generation = lease.snapshot.generation;
            attempts.begin(clock::now());
            let (answer, server) = self.send_in_place(&session, &lease, &attempts, &mut retries).await?;
            // However often the same token was tried again counts as one.
            let answer = Response { replays: replays + retries.min(1).max(logins), ..answer };
            let Some(why) = rejection::classify(answer.status, &answer.body) else {
                if self.took_token(&answer) {
                    session.accepted(&attempts, generation, || self.asks_for());
                }
                return Ok(self.counted(answer));
            };
            let what = self.name();
            let body = &answer.body[..answer.body.len().min(rejection::READ)];
            let sensitive = &self.request.sensitive;
            if why == Rejection::Unknown {
                attempts.asks_for(self.asks_for());
            }
            let refusal = Refusal { why, server: Some(server), body, request: &what, sensitive };
            let next = match self.client.note_rejection(self.live, &session, &mut attempts, generation, &refusal) {
                _ if self.request.no_replay => return Ok(self.counted(answer)),
                Verdict::Retry { generation, after } if self.sleeps(after).await? => {
                    retries += 1;
                    match session.lease_of(generation) {
                        Some(lease) => Some(lease),
                        // Meanwhile others have found out that it is no good, and got another.
                        None => Some(self.lease().await?),
                    }
                }
                Verdict::Return | Verdict::Retry { .. } => None,
                Verdict::ReplayIfIdempotent if !self.request.is_idempotent() || logins > 0 => None,
                _ if logins == MOST_REPLAYS => None,
                Verdict::Replay | Verdict::ReplayIfIdempotent => {
                    logins += 1;
                    match self.lease().await {
                        // Nobody said that the token was the reason, and there is no other.
                        Ok(other) if why == Rejection::Unknown && other.snapshot.generation == generation => None,
                        Err(_) if why == Rejection::Unknown => None,
                        other => Some(other?),
                    }
                }
            };
            lease = match next {
                Some(lease) => lease,
                None if why == Rejection::Identity => {
                    return session.refused(&attempts).map_or(Ok(self.counted(answer)), Err);
                }
                None => return Ok(self.counted(answer)),
            };
        }
    }

    /// What is asked for, as a number, if the request says it all.
    fn asks_for(&self) -> Option<u64> {
        let Request { method, path, query, .. } = self.request;
        (*method == Method::GET).then(|| {
            let mut hasher = DefaultHasher::new();
            (path, query).hash(&mut hasher);
            hasher.finish()
        })
    }

    /// Whether an answer that refuses no token shows that the server has taken it.
    fn took_token(&self, answer: &Response) -> bool {
        !state::is_public(&self.request.path) && voice::carried_out(answer.status, &answer.body)
    }

    fn counted(&self, answer: Response) -> Response {
        (0..answer.replays).for_each(|_| self.live.handle.counters.count(Count::Replays));
        answer
    }

    /// Method and path, for messages.
    pub(super) fn name(&self) -> String {
        let path = self.request.path.split('?').next().unwrap_or_default();
        format!("{} {path}", self.request.method)
    }

    /// Nothing is there where the path repeats the context path. Where something is, it is meant so.
    fn check_place(&self, answer: Response) -> Result<Response> {
        let session = self.live.session();
        let Some(context) = session.origin.servers[0].repeated_context(&self.request.path) else { return Ok(answer) };
        if !rejection::is_missing_api(answer.status, &answer.body) {
            return Ok(answer);
        }
        let (what, names) = (self.name(), session.servers.names());
        let message = format!(
            "{what} at {names}: HTTP {}: the server was asked for {context}{context}…, since every path comes after \
             context_path; leave \"{context}\" out of the path, or set context_path to \"/\"",
            answer.status
        );
        let error = Error::argument(message).because(Cause::WrongContextPath);
        Err(error.at(&answer.server).with_http_status(answer.status))
    }

    pub(super) async fn lease(&self) -> Result<Lease> {
        match self.live.cached_lease() {
            Some(lease) => Ok(lease),
            // In a box, since most calls need none of it.
            None => Box::pin(self.live.lease(&self.limits, Purpose::Request)).await,
        }
    }

    /// Waits for `time`; false if the call has not that much left.
    async fn sleeps(&self, time: Duration) -> Result<bool> {
        if time.is_zero() {
            return Ok(true);
        }
        if self.limits.no_wait || self.limits.remaining() <= time {
            return Ok(false);
        }
        self.limits.sleep(time).await?;
        Ok(true)
    }

    /// Sends with the token where the server reads it, as far as that is known; else looks once whether it is in the query.
    async fn send_in_place(
        &self,
        session: &Arc<Session>,
        lease: &Lease,
        attempts: &Attempts,
        retries: &mut u32,
    ) -> Result<(Response, usize)> {
        let token_in = session.origin.token_in;
        let ticket = Ticket { lease, token_in, attempts };
        let (answer, server, place) = self.send(session, Some(ticket)).await?;
        if token_in != TokenPlace::Auto {
            return Ok((answer, server.index));
        }
        let refused = |answer: &Response| rejection::classify(answer.status, &answer.body) == Some(Rejection::Identity);
        // A server with authentication off takes this wherever it rides.
        let tells = lease.snapshot.token.expose() != login::DISABLED;
        let generation = lease.snapshot.generation;
        match place {
            TokenPlace::Authorization if !refused(&answer) => {
                (tells && self.took_token(&answer)).then(|| server.took_in_header());
            }
            TokenPlace::Authorization
                if !self.request.no_replay
                    && server.may_read_query(generation, || session.is_unproven(generation, server.index)) =>
            {
                *retries += 1;
                let ticket = Ticket { token_in: TokenPlace::Query, ..ticket };
                // In a box, since few servers need this.
                let (other, server, _) = Box::pin(self.send(session, Some(ticket))).await?;
                if !refused(&other) {
                    if tells && self.took_token(&other) && server.took_in_query(generation) {
                        session.tell_place(server);
                    }
                    return Ok((other, server.index));
                }
            }
            TokenPlace::Query if refused(&answer) => server.refused_in_query(generation),
            TokenPlace::Query if tells && self.took_token(&answer) => {
                server.takes_in_query(generation);
            }
            _ => {}
        }
        Ok((answer, server.index))
    }
}
