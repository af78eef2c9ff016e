//! Whether the servers ask for tokens at all, for sessions whose logins have never succeeded.

use std::{future::Future, time::Duration};

use super::session::Session;
use crate::{
    error::Result,
    protocol::openness::Openness,
    sys::clock,
    wait::{Limits, Promise},
};

/// How long a server is taken for open (or for closed) after a request without a token showed it.
const OPENNESS: Duration = Duration::from_secs(60);

/// A call that finds out. However it ends, those who wait for it go on.
struct Examination<'a> {
    session: &'a Session,
    promise: Promise<Option<Openness>>,
    found: Option<Openness>,
}

impl Drop for Examination<'_> {
    fn drop(&mut self) {
        self.session.lock().openness = self.found.map(|found| (found, clock::now() + OPENNESS));
        *self.session.examination.lock() = None;
        self.promise.fulfil(self.found);
    }
}

impl Session {
    /// Whether the servers ask for tokens, as `look` finds out: one call at a time, for all who want to know, and for a
    /// minute. `None`: the call has to end, or could not find out.
    pub(crate) async fn openness(
        &self,
        limits: &Limits<'_>,
        look: impl Future<Output = Result<Openness>>,
    ) -> Option<Openness> {
        let promise = Promise::new();
        loop {
            if let Some((openness, until)) = self.lock().openness
                && clock::now() < until
            {
                return Some(openness);
            }
            let other = self.examination.lock().get_or_insert_with(|| promise.clone()).clone();
            if other.is_same(&promise) {
                break;
            }
            // What kept that call from finding out need not keep this one.
            if let Some(openness) = limits.until(other).await? {
                return Some(openness);
            }
        }
        let mut examination = Examination { session: self, promise, found: None };
        examination.found = look.await.ok();
        examination.found
    }

    /// A server that took requests without a token has refused one. Whether a login may have become possible by that.
    pub(crate) fn is_closed(&self) -> bool {
        let now = clock::now();
        let mut state = self.lock();
        state.openness = Some((Openness::Closed, now + OPENNESS));
        state.machine.auth_switched_on(now)
    }
}
