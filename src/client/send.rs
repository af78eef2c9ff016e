//! One exchange with one of the servers: which one, with what on it, and what it means when there is no answer.

use std::sync::{Arc, atomic::Ordering};

use ::http::{HeaderMap, uri::PathAndQuery};

use super::{
    call::Call,
    request::{Request, Response},
};
use crate::{
    cause::Cause,
    error::{Error, Kind, Result},
    http::{self, ErrorKind, Options, Phase},
    lifecycle::{Attempts, Time},
    protocol::{place::TokenPlace, server, voice},
    secret::Secret,
    session::{Lease, Server, Session, process},
    sys::clock,
};

/// A token, where it rides, and what servers have said to the request so far.
#[derive(Clone, Copy)]
pub(super) struct Ticket<'a> {
    pub(super) lease: &'a Lease,
    pub(super) token_in: TokenPlace,
    pub(super) attempts: &'a Attempts,
}

/// How a failed request goes on.
enum Next {
    Fail,
    SameServer,
    OtherServer,
}

impl Call<'_> {
    /// Sends to the first server that can be reached; its answer, and where the token rode. What a gateway answers in the place
    /// of its server is the answer if no other has one.
    pub(super) async fn send<'s>(
        &self,
        session: &'s Arc<Session>,
        ticket: Option<Ticket<'_>>,
    ) -> Result<(Response, &'s Server, TokenPlace)> {
        let (mut last, began) = (None::<Result<_>>, clock::now());
        let generation = ticket.map_or(0, |ticket| ticket.lease.snapshot.generation);
        let has_refused = |server: &Server| ticket.is_some_and(|t| t.attempts.was_refused(generation, server.index));
        let mut candidates = session.servers.candidates(began);
        // What is no Nacos gets no token, and its page is no answer.
        let has_strangers = candidates.iter().any(|server| server.is_stranger());
        if has_strangers && candidates.iter().any(|server| !server.is_stranger()) {
            candidates.retain(|server| !server.is_stranger());
        }
        if self.request.no_failover {
            candidates.truncate(1);
        }
        candidates.sort_by_key(|server| has_refused(server));
        for server in candidates {
            let mut failed_before = false;
            loop {
                self.limits.check()?;
                if self.limits.remaining().is_zero() {
                    let message = format!("{}: deadline passed before it was sent", self.name());
                    return last.unwrap_or_else(|| Err(Error::new(Kind::Timeout, message)));
                }
                // Another connection may lead to another node.
                let place = match ticket.map(|ticket| ticket.token_in) {
                    Some(TokenPlace::Auto) => server.place(),
                    chosen => chosen.unwrap_or_default(),
                };
                // Whoever broke one idle connection may be about to break the others.
                // What has been refused before must arrive once at the most when it is taken: a server that closes its
                // connections without saying so may be about to close this one.
                let once = !self.request.is_idempotent() && self.sent.times.load(Ordering::Relaxed) > 0;
                let reuse = !failed_before && !has_refused(server) && !once;
                let request = self.prepare(server, ticket.map(|ticket| (ticket.lease, place)), reuse)?;
                let exchange = session.transport.exchange(request, &self.limits).await;
                if exchange.as_ref().err().is_none_or(http::Error::was_sent) {
                    self.sent.times.fetch_add(1, Ordering::Relaxed);
                }
                let failure = match exchange {
                    Ok(http::Response { status, headers, body, truncated, lost_connection }) => {
                        let stands_in = voice::stands_in(status, &body);
                        if lost_connection || stands_in {
                            session.server_unreachable();
                        }
                        let may_go_on = stands_in && session.servers.has_choice();
                        if !may_go_on {
                            session.servers.answered(server);
                        } else if status != 504 || !server.has_answered_since(began) {
                            // A long poll may take longer than its gateway allows: that alone says nothing of the server.
                            session.mark_down(server, Cause::Gateway);
                        }
                        if session.transport.wants_reaping() {
                            process::current().wake();
                        }
                        let name = server.address.shared_name();
                        let answer = Response {
                            status,
                            headers,
                            body,
                            truncated,
                            server: name,
                            generation,
                            replays: 0,
                            attempts: 0,
                        };
                        if may_go_on && self.may_repeat() {
                            self.sent.maybe.store(true, Ordering::Relaxed);
                            last = last.filter(Result::is_ok).or(Some(Ok((answer, server, place))));
                            break;
                        }
                        return Ok((answer, server, place));
                    }
                    Err(failure) => failure,
                };
                self.sent.maybe.fetch_or(failure.was_sent(), Ordering::Relaxed);
                let next = self.after(session, server, began, &failure, failed_before);
                let error = self.explain(server, failure);
                match next {
                    Next::Fail => return Err(error),
                    Next::SameServer => failed_before = true,
                    Next::OtherServer => {
                        last = last.filter(Result::is_ok).or(Some(Err(error)));
                        break;
                    }
                }
            }
        }
        if has_strangers && matches!(last, Some(Err(_))) {
            session.misses_nacos();
        }
        last.unwrap_or_else(|| Err(Error::new(Kind::Internal, "no server to send to")))
    }

    /// Whether it may be sent again, although a server may have acted on it.
    fn may_repeat(&self) -> bool {
        self.request.is_idempotent() && !self.request.no_replay
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
                session.mark_down(server, failure.reason());
            }
            return Next::Fail;
        }
        session.server_unreachable();
        if !failure.was_sent() {
            session.mark_down(server, failure.reason());
            return Next::OtherServer;
        }
        // A broken connection says nothing about what the server did with the request.
        if server.note_broken() {
            session.mark_down(server, failure.reason());
        }
        match (self.may_repeat(), failed_before) {
            (false, _) => Next::Fail,
            (true, false) => Next::SameServer,
            // A process that dies breaks its connections before it stops taking new ones.
            (true, true) => Next::OtherServer,
        }
    }

    /// The request as it goes to `server`.
    fn prepare(&self, server: &Server, token: Option<(&Lease, TokenPlace)>, reuse: bool) -> Result<http::Request> {
        let Request { method, body, .. } = self.request;
        let token = token.map(|(lease, place)| (&lease.snapshot.token, place));
        let (target, headers) = address(self.request, &server.address, token)?;
        Ok(http::Request {
            method: method.clone(),
            endpoint: server.endpoint.clone(),
            target,
            headers,
            body: body.clone(),
            options: Options {
                largest_answer: self.client.settings.max_response_size,
                connect_timeout: self.client.settings.connect_timeout,
                max_connections: Some(self.client.settings.max_connections),
                reuse,
            },
        })
    }

    fn explain(&self, server: &Server, failure: http::Error) -> Error {
        let (was_sent, reason) = (failure.was_sent(), failure.reason());
        let http::Error { phase, kind, cause, .. } = failure;
        let (kind, what) = match kind {
            // Close and cancel look alike from below.
            ErrorKind::Interrupted => match self.limits.check() {
                Err(error) => return error,
                Ok(()) => (Kind::Internal, "interrupted by nobody"),
            },
            ErrorKind::Exhausted => return Error::new(Kind::Internal, cause).because(reason),
            ErrorKind::WouldBlock => (Kind::WouldBlock, "the call was told not to wait for a connection"),
            ErrorKind::Setup => (Kind::Internal, "cannot send"),
            ErrorKind::TooLarge => (Kind::TooLarge, "answer too large"),
            ErrorKind::Undecodable => {
                (Kind::Io, "the answer cannot be decoded; the server may have acted on the request")
            }
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
        Error::new(kind, format!("{method} {path} at {name}: {what}: {cause}")).because(reason).at(name)
    }
}

/// What to ask `server` for, and with which headers, to send `request` with the token.
pub(super) fn address(
    request: &Request,
    server: &server::Server,
    token: Option<(&Secret, TokenPlace)>,
) -> Result<(PathAndQuery, HeaderMap)> {
    let mut headers = request.headers.clone();
    let parameter = match token {
        Some((token, place)) => place.attach(token, &mut headers)?,
        None => None,
    };
    let parameters = request.query.iter().map(|(name, value)| (name.as_str(), value.as_str())).chain(parameter);
    Ok((server.target(&request.path, parameters)?, headers))
}
