//! One exchange with one of the servers: which one, with what on it, and what it means when there is no answer.

use std::sync::Arc;

use ::http::{HeaderMap, uri::PathAndQuery};

use super::{
    call::Call,
    request::{Request, Response},
};
use crate::{
    error::{Error, Kind, Result},
    http::{self, ErrorKind, Options, Phase},
    lifecycle::{Attempts, Time},
    protocol::{carriage::Carriage, server},
    secret::Secret,
    session::{Lease, Server, Session, process},
    sys::clock,
};

/// The largest answer taken.
const LARGEST_ANSWER: usize = 64 * 1024 * 1024;

/// A token, where it rides, and what servers have said to the request so far.
#[derive(Clone, Copy)]
pub(super) struct Ticket<'a> {
    pub(super) lease: &'a Lease,
    pub(super) carriage: Carriage,
    pub(super) attempts: &'a Attempts,
}

/// How a failed request goes on.
enum Next {
    Fail,
    SameServer,
    OtherServer,
}

impl Call<'_> {
    /// Sends to the first server that can be reached; its answer, and where the token rode.
    pub(super) fn send<'s>(
        &self,
        session: &'s Arc<Session>,
        ticket: Option<Ticket<'_>>,
    ) -> Result<(Response, &'s Server, Carriage)> {
        let (mut last, began) = (None, clock::now());
        let generation = ticket.map_or(0, |ticket| ticket.lease.snapshot.generation);
        let has_refused = |server: &Server| ticket.is_some_and(|t| t.attempts.was_refused(generation, server.index));
        let mut candidates = session.servers.candidates(began);
        candidates.sort_by_key(|server| has_refused(server));
        for server in candidates {
            let mut failed_before = false;
            loop {
                self.limits.check()?;
                if self.limits.remaining().is_zero() {
                    let message = format!("{}: deadline passed before it was sent", self.name());
                    return Err(last.unwrap_or_else(|| Error::new(Kind::Timeout, message)));
                }
                // Another connection may lead to another node.
                let place = match ticket.map(|ticket| ticket.carriage) {
                    Some(Carriage::Auto) => server.place(),
                    chosen => chosen.unwrap_or_default(),
                };
                let request = self.prepare(server, ticket.map(|ticket| (ticket.lease, place)), !has_refused(server))?;
                let failure = match session.transport.exchange(request, &self.limits) {
                    Ok(http::Response { status, headers, body, lost_connection }) => {
                        session.servers.answered(server);
                        if lost_connection {
                            session.server_unreachable();
                        }
                        if session.transport.wants_reaping() {
                            process::current().wake();
                        }
                        let answer = Response { status, headers, body, generation, replays: 0 };
                        return Ok((answer, server, place));
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
    fn prepare(&self, server: &Server, token: Option<(&Lease, Carriage)>, reuse: bool) -> Result<http::Request> {
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
        Error::new(kind, format!("{method} {path} at {name}: {what}: {cause}"))
    }
}

/// What to ask `server` for, and with which headers, to send `request` with the token.
pub(super) fn address(
    request: &Request,
    server: &server::Server,
    token: Option<(&Secret, Carriage)>,
) -> Result<(PathAndQuery, HeaderMap)> {
    let mut headers = request.headers.clone();
    let parameter = match token {
        Some((token, place)) => place.attach(token, &mut headers)?,
        None => None,
    };
    let parameters = request.query.iter().map(|(name, value)| (name.as_str(), value.as_str())).chain(parameter);
    Ok((server.target(&request.path, parameters)?, headers))
}
