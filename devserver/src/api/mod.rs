//! From a request to its answer, as far as Nacos decides it.

mod ai;
mod beat;
mod config;
mod instance;
mod listener;
mod login;
mod state;

use hyper::Method;
use serde_json::json;

use crate::dialect::{Api, Gone, Route, Switch};
use crate::http::{Answer, JSON, JSON_UTF8, Outcome, Request};
use crate::pages;
use crate::refusal::Rejection;

use crate::auth::May;
use crate::clock::Millis;
use crate::world::World;
pub(crate) use listener::Poll;

const CONTEXT: &str = "/nacos";

/// A login by its URL, whether this generation has it or not.
pub(crate) fn is_login(path: &str) -> bool {
    let path = path.trim_end_matches('/');
    ["/auth/login", "/auth/users/login", "/auth/user/login"].iter().any(|end| path.ends_with(end))
}

/// What a request comes to.
pub(crate) enum Reply {
    Answer(Answer),
    /// An answer when a configuration has changed, or after a while.
    Poll(Poll),
}

impl From<Answer> for Reply {
    fn from(answer: Answer) -> Self {
        Self::Answer(answer)
    }
}

/// Decide. Does not wait.
pub(crate) fn answer(world: &mut World, request: &Request, now: Millis) -> Reply {
    let mut reply = decide(world, request, now);
    if let Reply::Answer(answer) = &mut reply
        && world.dialect.is_spring_2_1
        && answer.content_type.as_deref() == Some(JSON)
    {
        answer.content_type = Some(JSON_UTF8.into());
    }
    reply
}

fn decide(world: &mut World, request: &Request, now: Millis) -> Reply {
    let dialect = world.dialect;
    if let Some(refuse) = dialect.double_slash.filter(|_| request.path.contains("//")) {
        return refuse(dialect, request).into();
    }
    let path = request.path.strip_prefix(CONTEXT).filter(|path| path.starts_with('/'));
    let route = match path {
        Some(path) => route(dialect.routes, path, dialect.ignores_trailing_slash),
        None => route(dialect.bare_routes, &request.path, false),
    };
    if path.is_none() && route.is_none() {
        return (dialect.outside_context)(dialect, request).into();
    }
    let open = route.is_some_and(|route| is_open(world, route, request));
    if dialect.token_before_path
        && !open
        && let Err(rejection) = world.auth.identify(request, now)
    {
        return refused(world, request, rejection).into();
    }
    let Some(route) = route else { return (dialect.not_found)(dialect, request).into() };
    if request.method == Method::HEAD {
        return head(world, request, route, now);
    }
    if let Some(gone) = route.gone.as_ref().filter(|gone| !world.settings.is_on(gone.switch)) {
        return deprecated(world, request, gone).into();
    }
    if !route.methods.contains(&request.method) {
        return (dialect.method_not_allowed)(dialect, request).into();
    }
    if !open {
        match world.auth.identify(request, now) {
            Err(rejection) => return refused(world, request, rejection).into(),
            Ok(user) if !world.auth.permits(&user, needed(route, request), now) => {
                return refused(world, request, Rejection::Permission).into();
            }
            Ok(_) => {}
        }
    }
    call(world, request, route.api, now)
}

/// Listening and searching are reading, though they are a POST.
fn needed(route: &Route, request: &Request) -> May {
    let reads = request.method == Method::GET || matches!(route.api, Api::ConfigListener | Api::Ard);
    if reads { May::Read } else { May::Write }
}

fn is_open(world: &World, route: &Route, request: &Request) -> bool {
    let anonymous = route.may_be_anonymous && world.settings.anonymous_ai && world.auth.is_anonymous(request);
    route.is_open() || anonymous
}

fn call(world: &mut World, request: &Request, api: Api, now: Millis) -> Reply {
    match api {
        Api::Login => login::answer(world, request, now).into(),
        Api::ConfigV1 | Api::ConfigV2 | Api::ConfigV3Client | Api::ConfigV3Admin => {
            config::answer(world, request, api, now).into()
        }
        Api::ConfigListener => listener::reply(world, request),
        Api::InstanceV3 if beat::is_beat(request) => beat::answer_v3(world, request).into(),
        Api::InstanceV1 | Api::InstanceV2 | Api::InstanceV3 => instance::change(world, request, api).into(),
        Api::BeatV1 | Api::BeatV2 => beat::answer(world, request, api).into(),
        Api::InstanceListV1 | Api::InstanceListV2 | Api::InstanceListV3 => {
            instance::list(world, request, api, now).into()
        }
        Api::StateV1 | Api::StateV3 | Api::HealthV1 | Api::HealthV2 => state::answer(world, api).into(),
        Api::Prompt | Api::Skill | Api::AgentSpec | Api::AgentSpecSearch | Api::Ard => {
            ai::answer(world, request, api).into()
        }
    }
}

/// Nacos's filters know no HEAD: neither a token nor a switch is looked at.
fn head(world: &mut World, request: &Request, route: &Route, now: Millis) -> Reply {
    let dialect = world.dialect;
    match route.api {
        Api::InstanceListV1 if !dialect.token_before_path => pages::error(dialect, request, 501, "no such api").into(),
        _ if route.methods.contains(&Method::GET) => call(world, request, route.api, now),
        _ => (dialect.method_not_allowed)(dialect, request).into(),
    }
}

fn route(routes: &'static [Route], path: &str, ignore_trailing_slash: bool) -> Option<&'static Route> {
    let path = if ignore_trailing_slash { path.strip_suffix('/').unwrap_or(path) } else { path };
    routes.iter().find(|route| route.path == path)
}

fn refused(world: &World, request: &Request, rejection: Rejection) -> Answer {
    let dialect = world.dialect;
    let outcome = match rejection {
        Rejection::Permission => Outcome::PermissionRefused,
        _ => Outcome::IdentityRefused,
    };
    (dialect.refused)(dialect, request, &(dialect.rejection)(rejection)).with_outcome(outcome)
}

fn deprecated(world: &World, request: &Request, gone: &Gone) -> Answer {
    let instead = if request.method == Method::GET { gone.read } else { gone.write };
    let key = match gone.switch {
        Switch::Client => "nacos.core.api.compatibility.client.enabled",
        Switch::Admin => "nacos.core.api.compatibility.admin.enabled",
        Switch::Console => "nacos.core.api.compatibility.console.enabled",
    };
    let same_method = format!("{} ${{contextPath:nacos}}{instead}", request.method);
    let instead = if instead.starts_with('/') { &same_method } else { instead };
    let advice = match instead.is_empty() {
        true => format!("If wanted continue to use, please set `{key}=true` in application.properties."),
        false => format!("please use API(s) `{instead}` instead, or set `{key}=true` in application.properties."),
    };
    let message = format!("Current API will be deprecated, {advice}");
    let message = format!(r#"{{"code":40000,"message":{}}}"#, json!(message));
    pages::error(world.dialect, request, 410, &message)
}

/// The envelope of v2 and v3.
fn envelope(code: u32, message: &str, data: &str) -> String {
    format!(r#"{{"code":{code},"message":"{message}","data":{data}}}"#)
}

fn success(data: &str) -> String {
    envelope(0, "success", data)
}
