//! One server, and what has been found out about it.

use std::{sync::Arc, time::Duration};

use crate::{
    http::Endpoint,
    lifecycle,
    protocol::{jwt::Claims, login, openness::Openness, place::TokenPlace, server::Server, state::State},
    secret::Secret,
};

pub(super) struct Node<'a> {
    pub(super) address: &'a Server,
    pub(super) endpoint: Arc<Endpoint>,
    pub(super) name: Arc<str>,
    /// It answers.
    pub(super) is_reached: bool,
    pub(super) state: Option<State>,
    /// It refuses its state page as r-nacos does.
    pub(super) is_rnacos: bool,
    /// A read that every Nacos refuses without a token, and that this one has.
    pub(super) question: Option<&'static str>,
    pub(super) openness: Option<Openness>,
    /// What a login brought.
    pub(super) token: Option<Issued>,
    /// Where it takes tokens, once it has taken one.
    pub(super) place: Option<TokenPlace>,
    /// By how many seconds its clock is ahead of ours, as the header `Date` says, which may be that of a gateway.
    pub(super) date_ahead: Option<f64>,
    /// The same as the end of a token says, whose life it has told.
    pub(super) token_ahead: Option<f64>,
}

/// A token that a login brought.
pub(super) struct Issued {
    pub(super) token: Secret,
    pub(super) ttl: Option<Duration>,
    pub(super) claims: Option<Claims>,
}

impl Issued {
    /// The life that a client reckons with.
    pub(super) fn life(&self) -> Duration {
        lifecycle::believable(self.ttl)
    }

    /// Servers with authentication off give something that is no token.
    pub(super) fn is_placeholder(&self) -> bool {
        self.token.expose() == login::DISABLED
    }
}

impl<'a> Node<'a> {
    pub(super) fn new(address: &'a Server) -> Self {
        Self {
            address,
            endpoint: Arc::new(Endpoint::new(address.is_https(), address.host(), address.port())),
            name: address.shared_name(),
            is_reached: false,
            state: None,
            is_rnacos: false,
            question: None,
            openness: None,
            token: None,
            place: None,
            date_ahead: None,
            token_ahead: None,
        }
    }

    pub(super) fn is_open(&self) -> bool {
        self.openness == Some(Openness::Open)
    }

    /// By how many seconds its clock is ahead of ours.
    pub(super) fn ahead(&self) -> Option<f64> {
        self.token_ahead.or(self.date_ahead)
    }

    /// Its version as three numbers.
    pub(super) fn version(&self) -> Option<[u32; 3]> {
        let mut numbers =
            self.state.as_ref()?.version.split('.').map(|part| {
                part.chars().take_while(char::is_ascii_digit).collect::<String>().parse().unwrap_or_default()
            });
        Some([(); 3].map(|()| numbers.next().unwrap_or_default()))
    }
}
