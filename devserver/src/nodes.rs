//! The servers behind the address: each has a secret, and those with the same one know each other's tokens.

use std::str::FromStr;

use serde::Deserialize;

use crate::clock::Millis;
use crate::dialect::Dialect;
use crate::tokens::Tokens;

/// How requests are spread over the nodes behind the address, logins too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Spread {
    /// Each request goes to the next node.
    #[default]
    Request,
    /// Each connection goes to the next node, with all its requests.
    Connection,
}

impl FromStr for Spread {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name {
            "request" => Ok(Self::Request),
            "connection" => Ok(Self::Connection),
            _ => Err(format!("unknown spread {name:?}: use request or connection")),
        }
    }
}

/// The nodes, at least one.
#[derive(Debug)]
pub(crate) struct Nodes {
    /// One for each secret that there is or was.
    tokens: Vec<Tokens>,
    /// For each node where its tokens are.
    of_node: Vec<usize>,
    pub(crate) spread: Spread,
    turn: usize,
}

impl Nodes {
    /// One node with these tokens; others are set up like it.
    pub(crate) fn new(first: Tokens) -> Self {
        Self { tokens: vec![first], of_node: vec![0], spread: Spread::default(), turn: 0 }
    }

    /// Other nodes from now on, one for each secret. A secret that was there before has its old tokens.
    pub(crate) fn replace(&mut self, secrets: Vec<Vec<u8>>, spread: Spread) {
        let of_node = secrets.into_iter().map(|secret| self.index_of(secret)).collect();
        self.of_node = of_node;
        self.spread = spread;
        self.turn = 0;
    }

    /// The node whose turn it is.
    pub(crate) fn next(&mut self) -> usize {
        let node = self.turn % self.of_node.len();
        self.turn = node + 1;
        node
    }

    /// A node's tokens. Nodes may have become fewer since a connection was given its own.
    pub(crate) fn tokens(&mut self, node: usize) -> &mut Tokens {
        &mut self.tokens[self.of_node[node % self.of_node.len()]]
    }

    /// Everybody's tokens, to change a setting.
    pub(crate) fn each(&mut self) -> impl Iterator<Item = &mut Tokens> {
        self.tokens.iter_mut()
    }

    /// All nodes sign with this key from now on.
    pub(crate) fn set_secret(&mut self, secret: Vec<u8>) {
        let index = self.of_node[0];
        self.tokens.swap(0, index);
        self.tokens.truncate(1);
        self.tokens[0].set_secret(secret);
        self.of_node.fill(0);
    }

    /// One node signs with another key from now on. False if there is no such node.
    pub(crate) fn set_secret_of(&mut self, node: usize, secret: Vec<u8>) -> bool {
        let Some(&index) = self.of_node.get(node) else { return false };
        let is_alone = self.of_node.iter().filter(|other| **other == index).count() == 1;
        let is_known = self.tokens.iter().any(|tokens| tokens.secret() == secret);
        if is_alone && !is_known {
            // Its token cache stays, as in Nacos.
            self.tokens[index].set_secret(secret);
        } else {
            self.of_node[node] = self.index_of(secret);
        }
        true
    }

    pub(crate) fn restart(&mut self, now: Millis) {
        self.each().for_each(|tokens| tokens.restart(now));
    }

    pub(crate) fn set_dialect(&mut self, dialect: &'static Dialect) {
        self.each().for_each(|tokens| tokens.dialect = dialect);
    }

    fn index_of(&mut self, secret: Vec<u8>) -> usize {
        self.tokens.iter().position(|tokens| tokens.secret() == secret).unwrap_or_else(|| {
            self.tokens.push(self.tokens[0].with_secret(secret));
            self.tokens.len() - 1
        })
    }
}
