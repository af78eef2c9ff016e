//! Requests without a token, where no login has ever succeeded: authentication may be off.
//!
//! Nothing that a stranger answers is handed on as data, and no stranger is sent a body: first a Nacos has to show that it
//! asks nobody for a token.

use std::sync::Arc;

use super::{
    Anonymous, Client, Live,
    call::{Call, Sent},
    request::{Request, Response},
};
use crate::{
    error::{Error, Kind, Result},
    observe::Event,
    protocol::{
        openness::{self, Openness},
        rejection,
    },
    session::Session,
    wait::Limits,
};

impl Call<'_> {
    /// No login succeeds: sends without a token if that is what the servers want, else gives the login's `error`.
    pub(super) async fn without_token(&self, error: Error) -> Result<Response> {
        let session = self.live.session();
        let wanted = self.client.settings.anonymous == Anonymous::Auto && !self.request.no_anonymous;
        let may = wanted && !session.was_good();
        if !may || !may_help(&error) {
            return Err(error);
        }
        let look = look(self.client, self.live, &session, &self.limits);
        if session.openness(&self.limits, look).await != Some(Openness::Open) {
            return Err(error);
        }
        let (answer, server, _) = self.send(&session, None).await?;
        session.emit(|| Event::sent_without_token(server.address.name()));
        if rejection::classify(answer.status, &answer.body).is_none() {
            return Ok(answer);
        }
        // Authentication has been switched on, so that a login may have become possible.
        if session.is_closed() { self.with_token(self.lease().await?, 1).await } else { Err(error) }
    }
}

/// Whether a login that failed so may have failed because authentication is off.
pub(super) fn may_help(error: &Error) -> bool {
    let answered = error.http_status().is_some_and(|status| !matches!(status, 429 | 502..=504 | 520..=530));
    answered && error.kind() != Kind::Forbidden
}

/// Asks the servers whether they ask for tokens.
async fn look(client: &Client, live: &Live, session: &Arc<Session>, limits: &Limits<'_>) -> Result<Openness> {
    for question in openness::QUESTIONS {
        let request = Request::get(question)?;
        let call = Call { client, live, request: &request, limits: *limits, sent: &Sent::default() };
        let (answer, server, _) = call.send(session, None).await?;
        if let Some(openness) = openness::read(question, answer.status(), answer.body(), server.is_known()) {
            return Ok(openness);
        }
    }
    Ok(Openness::Closed)
}
