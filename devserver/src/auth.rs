//! Who may do what: users, their tokens, and where a request carries one.

use std::collections::HashMap;

use crate::clock::Millis;
use crate::dialect::{Authorization, Dialect, TokenKind};
use crate::http::Request;
use crate::nodes::Nodes;
use crate::refusal::{LoginFailure, Rejection};

#[derive(Debug)]
struct User {
    password: String,
    may: May,
}

/// What a user may do; that it is about all configurations and services, or none, is all that is known here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum May {
    Nothing,
    Read,
    Write,
}

/// The only user that is an administrator.
const ADMIN: &str = "nacos";

/// A successful login.
#[derive(Debug)]
pub(crate) struct Login {
    pub(crate) token: String,
    pub(crate) ttl: i64,
    pub(crate) user: String,
    pub(crate) admin: bool,
}

/// The users, and the tokens of each node.
#[derive(Debug)]
pub(crate) struct Auth {
    dialect: &'static Dialect,
    pub(crate) enabled: bool,
    pub(crate) nodes: Nodes,
    users: HashMap<String, User>,
    /// Until then the users and roles are not loaded.
    loading_until: Millis,
}

impl Auth {
    pub(crate) fn new(dialect: &'static Dialect, nodes: Nodes, enabled: bool) -> Self {
        let mut auth = Self { dialect, enabled, nodes, users: HashMap::new(), loading_until: 0 };
        for (name, may) in [(ADMIN, May::Write), ("reader", May::Read), ("poor", May::Nothing)] {
            auth.set_user(name, name, may);
        }
        auth
    }

    /// Go on as another generation.
    pub(crate) fn set_dialect(&mut self, dialect: &'static Dialect) {
        self.dialect = dialect;
        self.nodes.set_dialect(dialect);
    }

    /// Add a user, or change one.
    pub(crate) fn set_user(&mut self, name: &str, password: &str, may: May) {
        self.users.insert(name.to_owned(), User { password: password.to_owned(), may });
    }

    /// False if there is no such user.
    pub(crate) fn set_password(&mut self, name: &str, password: &str) -> bool {
        let Some(user) = self.users.get_mut(name) else { return false };
        password.clone_into(&mut user.password);
        true
    }

    pub(crate) fn restart(&mut self, now: Millis, warm_up: Millis) {
        self.nodes.restart(now);
        self.loading_until = now.saturating_add(warm_up);
    }

    /// Name and password, unless the request carries a token: Nacos prefers that.
    pub(crate) fn login(&mut self, request: &Request, now: Millis) -> Result<Login, LoginFailure> {
        if self.dialect.token_beats_password
            && let Some(token) = self.token_of(request)
        {
            let tokens = self.nodes.tokens(request.node);
            let user = tokens.check(&token, now).map_err(LoginFailure::Token)?;
            let ttl = tokens.ttl_of(&token, now);
            return Ok(self.logged_in(user, token, ttl, now));
        }
        let name = request.parameter("username").unwrap_or_default();
        self.check_password(name, request.parameter("password").unwrap_or_default(), now)?;
        let tokens = self.nodes.tokens(request.node);
        let (token, ttl) = tokens.issue(name, now);
        if self.dialect.checks_what_it_issues {
            tokens.check_new(&token, now).map_err(LoginFailure::Token)?;
        }
        Ok(self.logged_in(name.to_owned(), token, ttl, now))
    }

    /// Whose request this is. Nothing is checked while authentication is off.
    pub(crate) fn identify(&mut self, request: &Request, now: Millis) -> Result<String, Rejection> {
        if !self.enabled {
            return Ok(String::new());
        }
        if let Some(token) = self.token_of(request) {
            return self.nodes.tokens(request.node).check(&token, now);
        }
        let (name, password) = (self.identity(request, "username"), self.identity(request, "password"));
        match (name, password, self.dialect.tokens) {
            (Some(name), Some(password), TokenKind::Jwt) if self.check_password(name, password, now).is_ok() => {
                Ok(name.to_owned())
            }
            _ => Err(Rejection::NoToken),
        }
    }

    /// Whether a request carries no credentials at all, not even empty ones.
    pub(crate) fn is_anonymous(&self, request: &Request) -> bool {
        let names = ["accessToken", "username", "password"];
        request.header("Authorization").is_none() && names.iter().all(|name| self.identity(request, name).is_none())
    }

    /// May this user do what takes `needed`?
    pub(crate) fn permits(&self, user: &str, needed: May, now: Millis) -> bool {
        if !self.enabled || !self.dialect.has_permissions {
            return true;
        }
        let roles_loaded = now >= self.loading_until || !self.dialect.logs_in_before_roles;
        roles_loaded && self.users.get(user).is_some_and(|user| user.may >= needed)
    }

    fn check_password(&self, name: &str, password: &str, now: Millis) -> Result<(), LoginFailure> {
        let loaded = now >= self.loading_until || self.dialect.logs_in_before_roles;
        let user = self.users.get(name).filter(|_| loaded);
        let user = user.ok_or_else(|| LoginFailure::UnknownUser(name.to_owned()))?;
        if user.password == password { Ok(()) } else { Err(LoginFailure::WrongPassword) }
    }

    fn logged_in(&self, user: String, token: String, ttl: i64, now: Millis) -> Login {
        let admin = user == ADMIN
            && self.dialect.tells_admins
            && (now >= self.loading_until || !self.dialect.logs_in_before_roles);
        Login { token, ttl, user, admin }
    }

    /// The token that counts, if the request has one that is not empty.
    fn token_of(&self, request: &Request) -> Option<String> {
        let authorization = match self.dialect.identity_headers {
            true => self.identity(request, "Authorization"),
            false => request.header("Authorization"),
        };
        let token = authorization.and_then(|value| match self.dialect.authorization {
            Authorization::Bearer => value.strip_prefix("Bearer "),
            Authorization::BearerOrWhole => Some(after_bearer(value).unwrap_or(value)),
            Authorization::Whole => Some(value),
        });
        let token = token.or_else(|| self.identity(request, "accessToken"))?;
        let token = if self.dialect.trims_tokens { token.trim() } else { token };
        Some(token.to_owned()).filter(|token| !token.trim().is_empty())
    }

    /// One field of an identity: a parameter, else (where the generation looks there) a header of that name.
    fn identity<'a>(&self, request: &'a Request, name: &str) -> Option<&'a str> {
        let header = || request.header(name).filter(|_| self.dialect.identity_headers);
        request.parameter(name).or_else(header)
    }
}

fn after_bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("Bearer").then_some(token)
}
