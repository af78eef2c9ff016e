//! Tokens of one server: issued, checked, revoked, and kept by its token cache if that is on.

use std::collections::HashMap;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ring::rand::{SecureRandom, SystemRandom};

use crate::clock::Millis;
use crate::dialect::{Dialect, TokenKind};
use crate::jwt::{self, Claims, Defect};
use crate::refusal::Rejection;

/// Nacos's token cache drops what has expired this often; until then it goes on accepting it.
const CACHE_SWEEP: Millis = 60_000;
const CACHE_FIRST_SWEEP: Millis = 30_000;

#[derive(Debug)]
struct Issued {
    user: String,
    /// It is refused until then.
    counts_from: Millis,
    expires: Millis,
    revoked: bool,
}

#[derive(Debug)]
struct Cached {
    user: String,
    expires: Millis,
}

/// The tokens of one server.
#[derive(Debug)]
pub(crate) struct Tokens {
    pub(crate) dialect: &'static Dialect,
    secret: Vec<u8>,
    /// Seconds.
    pub(crate) ttl: u64,
    /// How long a new token does not count yet, in milliseconds.
    pub(crate) delay: Millis,
    cache_on: bool,
    started: Millis,
    /// By token. For opaque tokens the only truth, for JWTs what a revocation looks at.
    issued: HashMap<String, Issued>,
    next_prune: Millis,
    cache: HashMap<String, Cached>,
    cache_by_user: HashMap<String, String>,
}

impl Tokens {
    pub(crate) fn new(dialect: &'static Dialect, secret: Vec<u8>, ttl: u64, cache_on: bool, now: Millis) -> Self {
        Self {
            dialect,
            secret,
            ttl,
            delay: 0,
            cache_on,
            started: now,
            issued: HashMap::new(),
            next_prune: now,
            cache: HashMap::new(),
            cache_by_user: HashMap::new(),
        }
    }

    /// The tokens of another server that is set up in the same way.
    pub(crate) fn with_secret(&self, secret: Vec<u8>) -> Self {
        Self { delay: self.delay, ..Self::new(self.dialect, secret, self.ttl, self.cache_on, self.started) }
    }

    pub(crate) fn secret(&self) -> &[u8] {
        &self.secret
    }

    /// A token for this user and what `tokenTtl` says about it.
    pub(crate) fn issue(&mut self, user: &str, now: Millis) -> (String, i64) {
        if self.caching() {
            return self.issue_cached(user, now);
        }
        let (token, _) = self.create(user, now);
        let ttl = self.ttl_of(&token, now);
        (token, ttl)
    }

    /// `tokenTtl` of a token that was accepted.
    pub(crate) fn ttl_of(&self, token: &str, now: Millis) -> i64 {
        if let Some(cached) = self.cache.get(token).filter(|_| self.caching()) {
            return (cached.expires - now) / 1000;
        }
        match jwt::parse(&self.secret, token) {
            Ok(claims) if self.dialect.ttl_is_remaining => claims.exp - now / 1000,
            _ => self.ttl.try_into().unwrap_or(i64::MAX),
        }
    }

    /// Whose token this is.
    pub(crate) fn check(&mut self, token: &str, now: Millis) -> Result<String, Rejection> {
        if token.trim().is_empty() {
            return Err(Rejection::NoToken);
        }
        let issued = self.issued.get(token);
        if self.dialect.tokens == TokenKind::Opaque {
            let valid = issued.filter(|issued| !issued.revoked && now >= issued.counts_from && now < issued.expires);
            return valid.map(|issued| issued.user.clone()).ok_or(Rejection::NoToken);
        }
        if issued.is_some_and(|issued| issued.revoked || now < issued.counts_from) {
            return Err(Rejection::Signature);
        }
        if self.caching() { self.check_cached(token, now) } else { self.check_jwt(token, now).map(|claims| claims.sub) }
    }

    /// Whether a token just issued is alive, apart from the delay.
    pub(crate) fn check_new(&self, token: &str, now: Millis) -> Result<(), Rejection> {
        self.check_jwt(token, now).map(drop)
    }

    /// Sign with another key from now on. Opaque tokens have none: they are forgotten.
    pub(crate) fn set_secret(&mut self, secret: Vec<u8>) {
        self.secret = secret;
        if self.dialect.tokens == TokenKind::Opaque {
            self.issued.clear();
        }
    }

    /// Refuse everything issued so far.
    pub(crate) fn revoke(&mut self) {
        self.issued.values_mut().for_each(|issued| issued.revoked = true);
        self.forget_cache();
    }

    pub(crate) fn set_cache(&mut self, on: bool) {
        self.cache_on = on;
        self.forget_cache();
    }

    /// As when the process ends: the cache is gone, tokens are not.
    pub(crate) fn restart(&mut self, now: Millis) {
        self.started = now;
        self.forget_cache();
    }

    fn forget_cache(&mut self) {
        self.cache.clear();
        self.cache_by_user.clear();
    }

    fn caching(&self) -> bool {
        self.cache_on && self.dialect.has_token_cache
    }

    /// A new token and its end.
    fn create(&mut self, user: &str, now: Millis) -> (String, Millis) {
        self.prune(now);
        let ttl = i64::try_from(self.ttl).unwrap_or(i64::MAX);
        let mut exp = (now / 1000).saturating_add(ttl);
        let token = match self.dialect.tokens {
            TokenKind::Opaque => random_hex(),
            TokenKind::Jwt => loop {
                let token = jwt::sign(&self.secret, &Claims { sub: user.to_owned(), exp });
                // A second token of the same second would be the same text, revoked with the first.
                if !self.issued.get(&token).is_some_and(|issued| issued.revoked) {
                    break token;
                }
                exp += 1;
            },
        };
        let expires = match self.dialect.tokens {
            TokenKind::Opaque => now.saturating_add(ttl.saturating_mul(1000)),
            TokenKind::Jwt => exp.saturating_mul(1000),
        };
        // Of one second all logins give the same text: it counts from the first one on. `now` is rounded down: a delay is
        // never shorter than it says.
        let counts_from = if self.delay == 0 { now } else { now.saturating_add(self.delay + 1) };
        let issued = Issued { user: user.to_owned(), counts_from, expires, revoked: false };
        self.issued.entry(token.clone()).or_insert(issued);
        (token, expires)
    }

    fn issue_cached(&mut self, user: &str, now: Millis) -> (String, i64) {
        self.sweep(now);
        let window = i64::try_from(self.ttl / 10 * 1000).unwrap_or(i64::MAX);
        let cached = self.cache_by_user.get(user).and_then(|token| self.cache.get_key_value(token));
        if let Some((token, cached)) = cached
            && now.saturating_add(window) <= cached.expires
        {
            return (token.clone(), (cached.expires - now) / 1000);
        }
        let (token, _) = self.create(user, now);
        // Nacos counts from the millisecond here, not from the second in the token.
        let expires = now.saturating_add(i64::try_from(self.ttl).unwrap_or(i64::MAX).saturating_mul(1000));
        self.cache.insert(token.clone(), Cached { user: user.to_owned(), expires });
        self.cache_by_user.insert(user.to_owned(), token.clone());
        let ttl = (expires - now) / 1000;
        (token, ttl)
    }

    fn check_cached(&mut self, token: &str, now: Millis) -> Result<String, Rejection> {
        self.sweep(now);
        if let Some(cached) = self.cache.get(token) {
            return Ok(cached.user.clone());
        }
        let Claims { sub, exp } = self.check_jwt(token, now)?;
        if sub.is_empty() {
            return Err(Rejection::CacheNoUser);
        }
        let expires = exp.saturating_mul(1000);
        if expires <= now {
            return Err(Rejection::CacheExpired);
        }
        self.cache.insert(token.to_owned(), Cached { user: sub.clone(), expires });
        Ok(sub)
    }

    fn check_jwt(&self, token: &str, now: Millis) -> Result<Claims, Rejection> {
        let parsed = jwt::parse(&self.secret, token);
        let claims = parsed.map_err(|defect| match defect {
            Defect::Malformed => Rejection::Malformed,
            Defect::ForeignHeader => Rejection::ForeignHeader,
            Defect::Signature => Rejection::Signature,
        })?;
        let alive = match self.dialect.expires_at_exp {
            true => claims.exp.saturating_mul(1000) > now,
            // Whole seconds are compared, so the second that `exp` names still counts.
            false => claims.exp >= now / 1000,
        };
        if alive { Ok(claims) } else { Err(Rejection::Expired) }
    }

    /// What Nacos's timer does: forget what had expired at its last tick.
    fn sweep(&mut self, now: Millis) {
        let since_first = now - self.started - CACHE_FIRST_SWEEP;
        if since_first >= 0 {
            let last = now - since_first % CACHE_SWEEP;
            self.cache.retain(|_, cached| cached.expires >= last);
        }
    }

    fn prune(&mut self, now: Millis) {
        if now >= self.next_prune {
            self.next_prune = now + 1000;
            self.issued.retain(|_, issued| issued.expires + CACHE_SWEEP > now);
        }
    }
}

/// A new random key in Base64, as servers are configured with.
pub(crate) fn random_secret() -> String {
    BASE64_STANDARD.encode(random_bytes())
}

fn random_hex() -> String {
    random_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn random_bytes() -> [u8; 32] {
    let mut bytes = [0; 32];
    SystemRandom::new().fill(&mut bytes).expect("the system's random source works");
    bytes
}

#[cfg(test)]
mod tests;
