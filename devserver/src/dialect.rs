//! What a generation differs in, as data: a table for each of them is in `generation`, and handed to whoever needs it.

use hyper::Method;

use crate::http::{Answer, Request};
use crate::refusal::{LoginFailure, Rejection};

/// What a token is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenKind {
    Jwt,
    Opaque,
}

/// What a right password gives while authentication is off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LoginWhenOff {
    /// A token as ever.
    Token,
    /// `AUTH_DISABLED`, unless a secret is configured.
    AuthDisabledWithoutSecret,
    /// `AUTH_DISABLED`, whose `tokenTtl` is the second at which it ends.
    AuthDisabled,
    /// What a wrong password gives.
    Refused,
}

/// What of the header `Authorization` is a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Authorization {
    /// What follows `Bearer ` exactly.
    Bearer,
    /// The same in any case, or the whole value.
    BearerOrWhole,
    /// The whole value, whatever it is.
    Whole,
}

/// The shape of a list of instances in v1 and v2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum InstanceList {
    V14,
    /// `allIPs`.
    V2,
    /// `allIps`.
    V3,
    RNacos,
}

/// How much the state page tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StatePage {
    /// The version.
    Version,
    /// And whether authentication is on.
    Authentication,
    /// And every setting.
    Settings,
}

/// What a path leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Api {
    Login,
    ConfigV1,
    ConfigV2,
    ConfigV3Client,
    ConfigV3Admin,
    ConfigListener,
    BeatV1,
    BeatV2,
    InstanceV1,
    InstanceV2,
    InstanceV3,
    InstanceListV1,
    InstanceListV2,
    InstanceListV3,
    StateV1,
    StateV3,
    HealthV1,
    HealthV2,
    Prompt,
    Skill,
    AgentSpec,
    AgentSpecSearch,
    /// The AI registry's protocol, on a port of its own in a real server.
    Ard,
}

/// A setting `nacos.core.api.compatibility.….enabled` that brings old APIs back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Switch {
    /// On by default.
    Client,
    Admin,
    Console,
}

/// What is said instead of an answer while the switch is off.
#[derive(Debug)]
pub(crate) struct Gone {
    pub(crate) switch: Switch,
    /// What to use for reading and for writing: a path, or a method and a path; empty if there is nothing.
    pub(crate) read: &'static str,
    pub(crate) write: &'static str,
}

/// One path of a generation, behind the context path.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) path: &'static str,
    pub(crate) methods: &'static [Method],
    pub(crate) api: Api,
    pub(crate) gone: Option<Gone>,
    /// Served without credentials where the server is told to.
    pub(crate) may_be_anonymous: bool,
}

impl Route {
    pub(crate) const fn new(path: &'static str, methods: &'static [Method], api: Api) -> Self {
        Self { path, methods, api, gone: None, may_be_anonymous: false }
    }

    pub(crate) const fn gone(self, instead: &'static str, switch: Switch) -> Self {
        self.gone_in_two(instead, instead, switch)
    }

    pub(crate) const fn gone_in_two(mut self, read: &'static str, write: &'static str, switch: Switch) -> Self {
        self.gone = Some(Gone { switch, read, write });
        self
    }

    pub(crate) const fn may_be_anonymous(mut self) -> Self {
        self.may_be_anonymous = true;
        self
    }

    /// Open to everybody: the login and what tools ask to see whether the server lives.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self.api, Api::Login | Api::StateV1 | Api::StateV3 | Api::HealthV1 | Api::HealthV2)
    }
}

pub(crate) const GET: &[Method] = &[Method::GET];
pub(crate) const POST: &[Method] = &[Method::POST];
pub(crate) const PUT: &[Method] = &[Method::PUT];
pub(crate) const READ_WRITE: &[Method] = &[Method::GET, Method::POST, Method::DELETE];
pub(crate) const WRITE: &[Method] = &[Method::POST, Method::DELETE];

/// An answer that depends on the request alone.
type Page = fn(&Dialect, &Request) -> Answer;

/// How a generation behaves and what it says.
#[derive(Debug)]
pub(crate) struct Dialect {
    pub(crate) version: &'static str,
    /// Behind the context path.
    pub(crate) routes: &'static [Route],
    /// Without it: what a real server has on other ports.
    pub(crate) bare_routes: &'static [Route],
    pub(crate) tokens: TokenKind,
    pub(crate) authorization: Authorization,
    /// Seconds a token lives unless it is told otherwise.
    pub(crate) ttl: u64,
    /// `tokenTtl` is what is left of the token, not what is configured.
    pub(crate) ttl_is_remaining: bool,
    pub(crate) has_token_cache: bool,
    /// A token dies when its `exp` is reached, not a second later.
    pub(crate) expires_at_exp: bool,
    /// A login looks at a token it carries before it looks at the password.
    pub(crate) token_beats_password: bool,
    /// A login fails if the new token is no longer good (a ttl of 0).
    pub(crate) checks_what_it_issues: bool,
    pub(crate) has_permissions: bool,
    /// While roles are loading after a start, logins work and every token lacks permission.
    pub(crate) logs_in_before_roles: bool,
    /// `globalAdmin` is true for administrators.
    pub(crate) tells_admins: bool,
    /// Headers named like the parameters count, too.
    pub(crate) identity_headers: bool,
    /// An error is written in the preset content type whatever the caller accepts.
    pub(crate) writes_preset_type: bool,
    pub(crate) login_when_off: LoginWhenOff,
    /// White space around a token does not matter.
    pub(crate) trims_tokens: bool,
    /// JSON always has a charset, and an error page that the caller does not accept is an error itself.
    pub(crate) is_spring_2_1: bool,
    /// v2 of the instances is a draft: no envelope, full service names, every parameter required.
    pub(crate) drafts_v2_instances: bool,
    /// Of v2, when a configuration is missing.
    pub(crate) missing_config_type: Option<&'static str>,
    pub(crate) instance_list: InstanceList,
    pub(crate) state_page: StatePage,
    /// Every answer to a heart-beat tells that it may be light.
    pub(crate) beats_tell_light: bool,
    /// The listener tells of changes also to who does not say how long he waits. Nacos forgets to write that answer.
    pub(crate) listens_without_a_time: bool,
    /// Of the listener's answers.
    pub(crate) listener_type: &'static str,
    pub(crate) nothing_to_listen_to: Page,
    pub(crate) ignores_trailing_slash: bool,
    pub(crate) closes_after_500: bool,
    /// Tomcat closes a connection after its hundredth request.
    pub(crate) requests_per_connection: Option<u32>,
    /// Who has no token learns nothing about paths.
    pub(crate) token_before_path: bool,
    /// A rejection's message.
    pub(crate) rejection: fn(Rejection) -> String,
    pub(crate) login_failure: fn(&Dialect, &Request, &LoginFailure) -> Answer,
    pub(crate) missing_parameter: fn(&Dialect, &Request, &str) -> Answer,
    pub(crate) method_not_allowed: Page,
    /// A login's answer is JSON and the caller takes none.
    pub(crate) login_not_acceptable: Option<Page>,
    pub(crate) double_slash: Option<Page>,
    /// 403 with this message.
    pub(crate) refused: fn(&Dialect, &Request, &str) -> Answer,
    pub(crate) not_found: Page,
    pub(crate) outside_context: Page,
}
