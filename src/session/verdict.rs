//! What servers say about the session's tokens, as requests report it.

use std::{sync::atomic::Ordering, time::Duration};

use super::{credentials::Source, handle::Lease, servers::Server, session::Session};
use crate::{
    cause::Cause,
    error::{Error, Kind},
    lifecycle::{Attempts, Occasion, TokenState, Verdict},
    observe::Event,
    protocol::rejection::Rejection,
    secret::Secret,
    sys::clock,
};

/// How often a missing permission is told: it may be met thousands of times.
const BETWEEN_DENIALS: Duration = Duration::from_secs(60);

/// An answer that refuses a request.
#[derive(Clone, Copy)]
pub(crate) struct Refusal<'a> {
    pub(crate) why: Rejection,
    /// The place of the server in the list, if it is known.
    pub(crate) server: Option<usize>,
    pub(crate) body: &'a [u8],
    /// Method and path, or what stands for them.
    pub(crate) request: &'a str,
    /// What no message may hold.
    pub(crate) sensitive: &'a [Secret],
}

impl Session {
    /// A server refused the token of `generation`. `attempts`: what servers have said to the same request before.
    pub(crate) fn rejected(&self, attempts: &mut Attempts, generation: u64, refusal: &Refusal<'_>) -> Verdict {
        let Refusal { why, server, body, request, sensitive } = *refusal;
        let mut state = self.lock();
        let now = clock::now();
        let before = state.machine.occasion();
        attempts.note_down(self.servers.down(now));
        let verdict = state.machine.rejected(attempts, generation, why, server, now);
        // The next acceptance is news.
        self.accepted.store(0, Ordering::Relaxed);
        if before != Occasion::Rejection && state.machine.occasion() == Occasion::Rejection {
            if state.machine.is_refused_everywhere() {
                // The one that gave two such tokens may be all that is wrong: its clock, its secret.
                self.servers.rotate();
            }
            let said = state.quoted(body, sensitive);
            let said = match why {
                _ if !said.is_empty() => said.as_str(),
                Rejection::Identity => "invalid or expired",
                _ => "without saying why",
            };
            state.emit(|| Event::token_rejected(self.servers.name(server), generation, said));
        }
        if why == Rejection::Permission && state.denial.is_none_or(|told| now >= told + BETWEEN_DENIALS) {
            state.denial = Some(now);
            let said = state.quoted(body, sensitive);
            state.emit(|| Event::permission_denied(self.servers.name(server), generation, request, &said));
        }
        if let Source::Token { .. } = self.source {
            state.last_error = Some(token_refused().with_http_status(403));
        } else if state.machine.is_refused_everywhere() && verdict == Verdict::Return {
            let names = self.servers.names();
            let message = format!(
                "{names}: two tokens in a row were refused although both were new; do the servers share one secret and one clock?"
            );
            state.last_error = Some(Error::new(Kind::Forbidden, message).with_http_status(403));
        }
        state.publish(now);
        verdict
    }

    /// Whether the token of `generation` has been replaced.
    pub(crate) fn has_newer(&self, generation: u64) -> bool {
        self.lock().snapshot().is_some_and(|s| s.generation > generation)
    }

    /// A server took the token of `generation`, after what `attempts` tell of the same request: what it asks for, if it may be
    /// asked for again, is `request`.
    pub(crate) fn accepted(&self, attempts: &Attempts, generation: u64, request: impl FnOnce() -> Option<u64>) {
        if self.accepted.load(Ordering::Relaxed) == generation && attempts.is_empty() {
            return; // as nearly always; the lock is for what is new
        }
        self.accepted.store(generation, Ordering::Relaxed);
        let mut state = self.lock();
        let now = clock::now();
        let (disagreed, used) = (state.machine.servers_disagree(now), state.machine.generation());
        let was_usable = state.machine.token_state(now) != TokenState::Rejected;
        state.machine.accepted(attempts, generation, now);
        if let Some(request) = request() {
            state.machine.note_served(request);
        }
        if !disagreed && state.machine.servers_disagree(now) {
            let names = self.servers.names();
            state.emit(|| Event::servers_disagree(generation, &names));
        }
        // Given up before, or set aside: who waits for a login need not wait for it any more.
        state.token_is_back = !was_usable || state.machine.generation() != used;
        if state.token_is_back || !attempts.is_empty() {
            state.publish(now);
        }
    }

    /// The token of `generation`, if it may still be of use.
    pub(crate) fn lease_of(&self, generation: u64) -> Option<Lease> {
        let snapshot = self.lock().snapshots.iter().find(|s| s.generation == generation)?.clone();
        Some(Lease { snapshot, expired: false })
    }

    /// Whether the server `at` gave the token of `generation`, and none has taken it yet.
    pub(crate) fn is_unproven(&self, generation: u64, at: usize) -> bool {
        self.lock().machine.is_unproven(generation, at)
    }

    /// The error of a request that nodes refuse with whatever token, if that is because they disagree.
    pub(crate) fn refused(&self, attempts: &Attempts) -> Option<Error> {
        let disagree = attempts.count() > 1 && self.lock().machine.servers_disagree(clock::now());
        let names = self.servers.names();
        let message = format!(
            "{names}: refused {} times, with every token there is: nodes behind one address, or in one list, have different \
             secrets (nacos.core.auth.plugin.nacos.token.secret.key); give all of them the same",
            attempts.count()
        );
        disagree.then(|| Error::new(Kind::Forbidden, message).because(Cause::SecretsDiffer).with_http_status(403))
    }

    /// A server reads the token elsewhere than every Nacos does.
    pub(crate) fn tell_place(&self, server: &Server) {
        self.lock().emit(|| Event::token_in_query(server.address.name()));
    }
}

/// The token that somebody else got is no good.
pub(super) fn token_refused() -> Error {
    let message = "the token given to this library was refused by a server; give it another one";
    Error::new(Kind::BadCredentials, message).because(Cause::TokenRefused)
}
