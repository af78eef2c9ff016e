//! The one token that all requests carry, and those that clients may bring back.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use nacos_auth::{Cancel, Client, Error, Kind, Token};
use ring::digest::{SHA256, SHA256_OUTPUT_LEN, digest};
use tokio::sync::watch;

use crate::probe::Probe;

/// How many tokens of former days a client may bring back.
const KEPT: usize = 1024;
/// How long servers are taken for ones that ask for no token, or for ones that do.
const OPENNESS: Duration = Duration::from_secs(10);

type Hash = [u8; SHA256_OUTPUT_LEN];
type Answer = Option<Result<Token, Error>>;

pub(super) struct Tokens {
    client: Arc<Client>,
    /// The call that waits for a login, for all requests that want one.
    waiting: Mutex<Option<watch::Receiver<Answer>>>,
    known: Mutex<Known>,
    openness: tokio::sync::Mutex<Option<(bool, Instant)>>,
    probe: Arc<Probe>,
}

/// Hashes of the tokens that were used, the newest last.
#[derive(Default)]
struct Known {
    generation: u64,
    user: Option<String>,
    hashes: VecDeque<Hash>,
}

impl Tokens {
    pub(super) fn new(client: Arc<Client>) -> Self {
        Self {
            client,
            waiting: Mutex::default(),
            known: Mutex::default(),
            openness: tokio::sync::Mutex::default(),
            probe: Arc::default(),
        }
    }

    /// The token; waits for a login if need be.
    pub(super) async fn get(&self) -> Result<Token, Error> {
        let token = match self.client.token_without_waiting() {
            Err(e) if e.kind() == Kind::WouldBlock => self.wait().await?,
            other => other?,
        };
        self.note(&token);
        Ok(token)
    }

    async fn wait(&self) -> Result<Token, Error> {
        let mut receiver = {
            let mut waiting = lock(&self.waiting);
            let under_way = waiting.clone().filter(|receiver| receiver.borrow().is_none());
            let receiver = under_way.unwrap_or_else(|| {
                let (sender, receiver) = watch::channel(None);
                let client = self.client.clone();
                tokio::task::spawn_blocking(move || sender.send(Some(client.token())));
                receiver
            });
            *waiting = Some(receiver.clone());
            receiver
        };
        match receiver.wait_for(Answer::is_some).await {
            Ok(answer) => answer.clone().expect("waited for"),
            // The process ends.
            Err(_) => self.client.token_without_waiting(),
        }
    }

    fn note(&self, token: &Token) {
        let mut known = lock(&self.known);
        if known.generation == token.generation {
            return;
        }
        known.generation = token.generation;
        let text = token.secret.expose();
        known.user = user(text);
        let hash = hash(text);
        known.hashes.retain(|other| *other != hash);
        known.hashes.push_back(hash);
        if known.hashes.len() > KEPT {
            known.hashes.pop_front();
        }
    }

    /// Whether `text` is a token that clients have from here, now or formerly, or from a login of the same user elsewhere:
    /// what they mean is what they get.
    pub(super) fn is_ours(&self, text: &str) -> bool {
        let known = lock(&self.known);
        known.hashes.contains(&hash(text)) || (known.user.is_some() && user(text) == known.user)
    }

    /// Whether the servers take requests without a token, which the library finds out where no login ever succeeds.
    pub(super) async fn are_not_wanted(&self) -> bool {
        let mut openness = self.openness.lock().await;
        if let Some((open, until)) = *openness
            && Instant::now() < until
        {
            return open;
        }
        let (client, probe) = (self.client.clone(), self.probe.clone());
        let asked = tokio::task::spawn_blocking(move || probe.send(&client, &Cancel::new()));
        let open = matches!(asked.await, Ok(Ok(answer)) if answer.generation() == 0);
        *openness = Some((open, Instant::now() + OPENNESS));
        open
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn hash(text: &str) -> Hash {
    digest(&SHA256, text.as_bytes()).as_ref().try_into().expect("of that length")
}

/// Whom a JWT is for. Its signature is the server's business.
fn user(token: &str) -> Option<String> {
    let mut parts = token.split('.');
    let (_, payload, _) = (parts.next()?, parts.next()?, parts.next()?);
    let payload = BASE64_URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
    let claims: serde_json::Value = serde_json::from_slice(&payload).ok()?;
    claims["sub"].as_str().filter(|name| !name.is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_user_of_a_jwt_is_read_and_nothing_else_has_one() {
        let token = |claims: &str| format!("e30.{}.sig", BASE64_URL_SAFE_NO_PAD.encode(claims));
        assert_eq!(user(&token(r#"{"sub":"nacos","exp":1}"#)).as_deref(), Some("nacos"));
        for other in
            [token("{}"), token(r#"{"sub":""}"#), token(r#"{"sub":1}"#), "a.b".into(), "a.%.c".into(), "x".into()]
        {
            assert_eq!(user(&other), None, "{other}");
        }
    }
}
