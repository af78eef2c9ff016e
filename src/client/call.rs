//! One request through Nacos: attach the token, send, look whether it was refused, and if so repeat it with another.

use std::{sync::Arc, time::Duration};

use super::{
    Client, Live,
    request::{Request, Response},
};
use crate::{
    error::{Error, Kind, Result},
    http::{self, ErrorKind, Options, Phase},
    lifecycle::{Attempts, Time, Verdict},
    observe::Count,
    protocol::{
        carriage::Carriage,
        rejection::{self, Rejection},
        voice,
    },
    session::{Lease, Purpose, Server, Session, process},
    sys::clock,
    wait::Limits,
};

/// How often a request waits for a login and is repeated with what that brings. The second time is for a token that was on
/// its way already when the first one was refused: it may be of the same old secret.
const MOST_REPLAYS: u32 = 2;
/// The largest answer taken.
const LARGEST_ANSWER: usize = 64 * 1024 * 1024;

/// One request on its way.
pub(super) struct Call<'a> {
    pub(super) client: &'a Client,
    pub(super) live: &'a Live,
    pub(super) request: &'a Request,
    pub(super) limits: Limits<'a>,
}

/// A token, and where it rides.
#[derive(Clone, Copy)]
pub(super) struct Ticket<'a> {
    lease: &'a Lease,
    carriage: Carriage,
    attempts: &'a Attempts,
}

pub(super) fn request(client: &Client, mut request: Request) -> Result<Response> {
    let live = client.live();
    request.check(live.session().origin.carriage)?;
    live.handle.counters.count(Count::Requests);
    let timeout = request.timeout.unwrap_or(client.settings.request_timeout);
    let limits = client.limits(live, timeout, request.cancel.as_ref());
    let call = Call { client, live, request: &request, limits };
    match call.lease() {
        Ok(lease) => call.with_token(lease, 0),
        Err(error) => call.without_token(error),
    }
}

impl Call<'_> {
    /// Sends with `lease`, and again with another token, or at another node, as long as the answers show that the token was
    /// the trouble.
    pub(super) fn with_token(&self, mut lease: Lease, mut replays: u32) -> Result<Response> {
        let (mut attempts, mut logins) = (Attempts::default(), 0);
        loop {
            let session = self.live.session();
            let generation = lease.snapshot.generation;
            attempts.begin(clock::now());
            let (answer, server) = self.send_in_place(&session, &lease, &attempts)?;
            let answer = Response { replays, ..answer };
            let Some(why) = rejection::classify(answer.status, &answer.body) else {
                if voice::carried_out(answer.status, &answer.body) {
                    session.accepted(&attempts, generation);
                } else if matches!(answer.status, 502..=504) {
                    session.server_unreachable();
                }
                return Ok(answer);
            };
            let verdict = self.client.note_rejection(self.live, &session, &mut attempts, generation, why, Some(server));
            let next = match verdict {
                Verdict::Return => None,
                Verdict::Retry { generation, after } => {
                    if self.sleeps(after)?
                        && let Some(kept) = session.lease_of(generation)
                    {
                        lease = kept;
                        continue;
                    }
                    None
                }
                Verdict::ReplayIfIdempotent if !self.request.is_idempotent() || logins > 0 => None,
                _ if logins == MOST_REPLAYS => None,
                Verdict::Replay | Verdict::ReplayIfIdempotent => {
                    logins += 1;
                    match self.lease() {
                        // Nobody said that the token was the reason, and there is no other.
                        Ok(other) if why == Rejection::Unknown && other.snapshot.generation == generation => None,
                        Err(_) if why == Rejection::Unknown => None,
                        other => Some(other?),
                    }
                }
            };
            lease = match next {
                Some(lease) => lease,
                None if why == Rejection::Identity => return session.refused(&attempts).map_or(Ok(answer), Err),
                None => return Ok(answer),
            };
            self.live.handle.counters.count(Count::Replays);
            replays += 1;
        }
    }

    pub(super) fn lease(&self) -> Result<Lease> {
        self.live.cached_lease().map_or_else(|| self.live.lease(&self.limits, Purpose::Request), Ok)
    }

    /// Waits for `time`; false if the call has not that much left.
    fn sleeps(&self, time: Duration) -> Result<bool> {
        if time.is_zero() {
            return Ok(true);
        }
        if self.limits.remaining() <= time {
            return Ok(false);
        }
        self.limits.sleep(time)?;
        Ok(true)
    }

    /// Sends with the token where the server reads it, as far as that is known; else looks once whether it is in the query.
    fn send_in_place(&self, session: &Arc<Session>, lease: &Lease, attempts: &Attempts) -> Result<(Response, usize)> {
        let carriage = session.origin.carriage;
        let ticket = Ticket { lease, carriage, attempts };
        let (answer, server) = self.send(session, Some(ticket))?;
        if carriage != Carriage::Auto {
            return Ok((answer, server.index));
        }
        let place = server.place();
        let refused = |answer: &Response| rejection::classify(answer.status, &answer.body);
        match refused(&answer) {
            None if voice::carried_out(answer.status, &answer.body) => server.took_token(place),
            Some(Rejection::Identity)
                if place == Carriage::Bearer
                    && session.is_unproven(lease.snapshot.generation, server.index)
                    && server.may_look_elsewhere(lease.snapshot.generation) =>
            {
                let ticket = Ticket { carriage: Carriage::Query, ..ticket };
                let (other, other_server) = self.send(session, Some(ticket))?;
                if refused(&other) != Some(Rejection::Identity) {
                    other_server.took_token(Carriage::Query);
                    session.tell_place(other_server);
                    return Ok((other, other_server.index));
                }
            }
            _ => {}
        }
        Ok((answer, server.index))
    }

    /// Sends to the first server that can be reached.
    pub(super) fn send<'s>(
        &self,
        session: &'s Arc<Session>,
        ticket: Option<Ticket<'_>>,
    ) -> Result<(Response, &'s Server)> {
        let (mut last, began) = (None, clock::now());
        let generation = ticket.map_or(0, |ticket| ticket.lease.snapshot.generation);
        let has_refused = |server: &Server| ticket.is_some_and(|t| t.attempts.was_refused(generation, server.index));
        let mut candidates = session.servers.candidates(began);
        candidates.sort_by_key(|server| has_refused(server));
        for server in candidates {
            let mut failed_before = false;
            loop {
                self.limits.check()?;
                // Another connection may lead to another node.
                let request = self.prepare(server, ticket, !has_refused(server))?;
                let failure = match session.transport.exchange(request, &self.limits) {
                    Ok(http::Response { status, headers, body, lost_connection }) => {
                        session.servers.answered(server);
                        if lost_connection {
                            session.server_unreachable();
                        }
                        if session.transport.wants_reaping() {
                            process::current().wake();
                        }
                        return Ok((Response { status, headers, body, generation, replays: 0 }, server));
                    }
                    Err(failure) => failure,
                };
                let next = self.after(session, server, began, &failure, failed_before);
                let error = self.explain(server, failure);
                match next {
                    Next::Fail => return Err(error),
                    Next::SameServer => failed_before = true,
                    Next::OtherServer => {
                        last = Some(error);
                        break;
                    }
                }
            }
        }
        Err(last.unwrap_or_else(|| Error::new(Kind::Internal, "no server to send to")))
    }

    /// What to do after `failure`, and what it says of the server.
    fn after(
        &self,
        session: &Session,
        server: &Server,
        began: Time,
        failure: &http::Error,
        failed_before: bool,
    ) -> Next {
        if !failure.blames_server() {
            return Next::Fail;
        }
        if failure.kind == ErrorKind::Timeout {
            // Long polls run into their deadline too: only a server that has answered nobody meanwhile counts as hung.
            if session.servers.has_choice() && !server.has_answered_since(began) {
                session.mark_down(server);
            }
            return Next::Fail;
        }
        session.server_unreachable();
        if !failure.was_sent() {
            session.mark_down(server);
            return Next::OtherServer;
        }
        // A broken connection says nothing about what the server did with the request.
        if server.note_broken() {
            session.mark_down(server);
        }
        match (self.request.is_idempotent(), failed_before) {
            (false, _) => Next::Fail,
            (true, false) => Next::SameServer,
            // A process that dies breaks its connections before it stops taking new ones.
            (true, true) => Next::OtherServer,
        }
    }

    /// The request as it goes to `server`.
    fn prepare(&self, server: &Server, ticket: Option<Ticket<'_>>, reuse: bool) -> Result<http::Request> {
        let Request { method, path, query, headers, body, .. } = self.request;
        let mut headers = headers.clone();
        let parameter = match ticket {
            Some(Ticket { lease, carriage, .. }) => {
                let carriage = if carriage == Carriage::Auto { server.place() } else { carriage };
                carriage.attach(&lease.snapshot.token, &mut headers)?
            }
            None => None,
        };
        let parameters = query.iter().map(|(name, value)| (name.as_str(), value.as_str())).chain(parameter);
        Ok(http::Request {
            method: method.clone(),
            endpoint: server.endpoint.clone(),
            target: server.address.target(path, parameters)?,
            headers,
            body: body.clone(),
            options: Options {
                largest_answer: LARGEST_ANSWER,
                connect_timeout: self.client.settings.connect_timeout,
                max_connections: self.client.settings.max_connections,
                reuse,
            },
        })
    }

    fn explain(&self, server: &Server, failure: http::Error) -> Error {
        let was_sent = failure.was_sent();
        let http::Error { phase, kind, cause } = failure;
        let (kind, what) = match kind {
            // Close and cancel look alike from below.
            ErrorKind::Interrupted => match self.limits.check() {
                Err(error) => return error,
                Ok(()) => (Kind::Internal, "interrupted by nobody"),
            },
            ErrorKind::NoDescriptors => return Error::new(Kind::Internal, cause),
            ErrorKind::Setup => (Kind::Internal, "cannot send"),
            ErrorKind::TooLarge => (Kind::TooLarge, "answer too large"),
            ErrorKind::Timeout => (
                Kind::Timeout,
                match phase {
                    Phase::Prepare => "deadline passed while waiting for a connection",
                    Phase::Resolve => "deadline passed while looking up the name",
                    Phase::Connect | Phase::Handshake => "deadline passed while connecting",
                    Phase::Send | Phase::Answer => "deadline passed; the server may have acted on the request",
                },
            ),
            ErrorKind::Tls if !was_sent => (Kind::Tls, "no TLS connection"),
            _ if !was_sent => (Kind::Connect, "cannot connect"),
            _ => (Kind::Io, "the connection broke; the server may have acted on the request"),
        };
        let (method, name) = (&self.request.method, server.address.name());
        let target = server.address.target(&self.request.path, None);
        let path = target.as_ref().map_or("", |target| target.path());
        Error::new(kind, format!("{method} {path} at {name}: {what}: {cause}"))
    }
}

/// How a failed request goes on.
enum Next {
    Fail,
    SameServer,
    OtherServer,
}
