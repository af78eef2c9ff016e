//! One request through Nacos: attach the token, send, look whether it was refused, and if so repeat it with another.

use std::sync::Arc;

use super::{
    Client, Live,
    request::{Request, Response},
};
use crate::{
    error::{Error, Kind, Result},
    http::{self, ErrorKind, Options, Phase},
    lifecycle::{Time, Verdict},
    observe::Count,
    protocol::rejection::{self, Rejection},
    session::{Lease, Refusal, Server, Session, process},
    sys::clock,
    wait::Limits,
};

/// How often a request is repeated with a new token. The second time is for a token that was on its way already when
/// the first one was refused: it may be of the same old secret.
const MOST_REPLAYS: u32 = 2;
/// The largest answer taken.
const LARGEST_ANSWER: usize = 64 * 1024 * 1024;

/// One request on its way.
struct Call<'a> {
    client: &'a Client,
    live: &'a Live,
    request: &'a Request,
    limits: Limits<'a>,
}

pub(super) fn request(client: &Client, mut request: Request) -> Result<Response> {
    request.check(client.settings.carriage)?;
    let live = client.live();
    live.handle.counters.count(Count::Requests);
    let timeout = request.time(client.settings.request_timeout);
    let limits = client.limits(live, timeout, request.cancel.as_ref());
    let call = Call { client, live, request: &request, limits };
    let answer = match call.lease() {
        Ok(lease) => call.with_token(lease),
        Err(error) => call.without_token(error),
    };
    call.check_place(answer?)
}

impl Call<'_> {
    /// Sends with `lease`, and again with another token as long as the answers show that this one was the trouble.
    fn with_token(&self, mut lease: Lease) -> Result<Response> {
        let mut replays = 0;
        loop {
            let session = self.live.session();
            let generation = lease.snapshot.generation;
            let (answer, server) = self.send(&session, Some(&lease))?;
            let answer = Response { replays, ..answer };
            let Some(why) = rejection::classify(answer.status, &answer.body) else {
                session.accepted(generation);
                return Ok(answer);
            };
            let what = self.name();
            let refusal = Refusal { why, server: Some(server), body: &answer.body, request: &what };
            let verdict = self.client.note_rejection(self.live, &session, generation, &refusal);
            let again = verdict == Verdict::Replay
                || (verdict == Verdict::ReplayIfIdempotent && self.request.is_idempotent() && replays == 0);
            if !again || replays == MOST_REPLAYS {
                return Ok(answer);
            }
            lease = match self.lease() {
                // Nobody said that the token was the reason, and there is no other.
                Ok(other) if why == Rejection::Unknown && other.snapshot.generation == generation => return Ok(answer),
                Err(_) if why == Rejection::Unknown => return Ok(answer),
                other => other?,
            };
            self.live.handle.counters.count(Count::Replays);
            replays += 1;
        }
    }

    /// Method and path, for messages.
    fn name(&self) -> String {
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
        Err(Error::argument(message).with_http_status(answer.status))
    }

    fn lease(&self) -> Result<Lease> {
        self.live.cached_lease().map_or_else(|| self.live.lease(&self.limits), Ok)
    }

    /// No login succeeds, but the server answers: perhaps it asks nobody for a token. One request shows it.
    fn without_token(&self, error: Error) -> Result<Response> {
        let session = self.live.session();
        if error.http_status().is_none() || error.kind() == Kind::Forbidden || !session.may_be_open() {
            return Err(error);
        }
        let (answer, _) = self.send(&session, None)?;
        let open = rejection::classify(answer.status, &answer.body).is_none();
        match session.is_open(open) {
            _ if open => Ok(answer),
            true => {
                let (answer, _) = self.send(&session, Some(&self.lease()?))?;
                Ok(Response { replays: 1, ..answer })
            }
            false => Err(error),
        }
    }

    /// Sends to the first server that can be reached; its answer, and its place in the list.
    fn send(&self, session: &Arc<Session>, lease: Option<&Lease>) -> Result<(Response, usize)> {
        let (mut last, began) = (None, clock::now());
        for server in session.servers.candidates(began) {
            let mut failed_before = false;
            loop {
                self.limits.check()?;
                let failure = match session.transport.exchange(self.prepare(server, lease)?, &self.limits) {
                    Ok(http::Response { status, headers, body, lost_connection }) => {
                        session.servers.answered(server);
                        if lost_connection {
                            session.server_unreachable();
                        }
                        if session.transport.wants_reaping() {
                            process::current().wake();
                        }
                        let generation = lease.map_or(0, |l| l.snapshot.generation);
                        return Ok((Response { status, headers, body, generation, replays: 0 }, server.index));
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
    fn prepare(&self, server: &Server, lease: Option<&Lease>) -> Result<http::Request> {
        let Request { method, path, query, headers, body, .. } = self.request;
        let mut headers = headers.clone();
        let carriage = self.client.settings.carriage;
        let parameter = match lease {
            Some(lease) => carriage.attach(&lease.snapshot.token, &mut headers)?,
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
                reuse: true,
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

/// How a failed request goes on.
enum Next {
    Fail,
    SameServer,
    OtherServer,
}
