//! From a request to its answer, as far as Nacos decides it.

mod config;
mod instance;
mod login;
mod state;

use hyper::Method;
use serde_json::json;

use crate::dialect::{Api, Route};
use crate::http::{Answer, JSON, JSON_UTF8, Outcome, Request};
use crate::pages;
use crate::refusal::Rejection;
use crate::tokens::Millis;
use crate::world::World;

const CONTEXT: &str = "/nacos";

/// A login by its URL, whether this generation has it or not.
pub(crate) fn is_login(path: &str) -> bool {
    let path = path.trim_end_matches('/');
    ["/auth/login", "/auth/users/login", "/auth/user/login"].iter().any(|end| path.ends_with(end))
}

/// Decide. Does not wait.
pub(crate) fn answer(world: &mut World, request: &Request, now: Millis) -> Answer {
    let mut answer = decide(world, request, now);
    if world.dialect.is_spring_2_1 && answer.content_type.as_deref() == Some(JSON) {
        answer.content_type = Some(JSON_UTF8.into());
    }
    answer
}

fn decide(world: &mut World, request: &Request, now: Millis) -> Answer {
    let dialect = world.dialect;
    if let Some(refuse) = dialect.double_slash.filter(|_| request.path.contains("//")) {
        return refuse(dialect, request);
    }
    let Some(path) = request.path.strip_prefix(CONTEXT).filter(|path| path.starts_with('/')) else {
        return (dialect.outside_context)(dialect, request);
    };
    let route = route(dialect.routes, path, dialect.ignores_trailing_slash);
    let open = route.is_some_and(Route::is_open);
    if dialect.token_before_path
        && !open
        && let Err(rejection) = world.auth.identify(request, now)
    {
        return refused(world, request, rejection);
    }
    let Some(route) = route else { return (dialect.not_found)(dialect, request) };
    if request.method == Method::HEAD {
        return head(world, request, route, now);
    }
    if let Some((instead, switch)) = route.gone {
        return gone(world, request, instead, switch);
    }
    if !route.methods.contains(&request.method) {
        return (dialect.method_not_allowed)(dialect, request);
    }
    if !open {
        match world.auth.identify(request, now) {
            Err(rejection) => return refused(world, request, rejection),
            Ok(user) if !world.auth.permits(&user, now) => return refused(world, request, Rejection::Permission),
            Ok(_) => {}
        }
    }
    call(world, request, route.api, now)
}

fn call(world: &mut World, request: &Request, api: Api, now: Millis) -> Answer {
    match api {
        Api::Login => login::answer(world, request, now),
        Api::ConfigV1 | Api::ConfigV2 | Api::ConfigV3Client | Api::ConfigV3Admin => {
            config::answer(world, request, api, now)
        }
        Api::InstanceV1 | Api::InstanceV2 | Api::InstanceV3 => instance::change(world, request, api),
        Api::InstanceListV1 | Api::InstanceListV2 | Api::InstanceListV3 => instance::list(world, request, api, now),
        Api::StateV1 | Api::StateV3 | Api::HealthV1 | Api::HealthV2 => state::answer(world, api),
    }
}

/// Nacos's filters know no HEAD: neither a token nor a switch is looked at.
fn head(world: &mut World, request: &Request, route: &Route, now: Millis) -> Answer {
    let dialect = world.dialect;
    match route.api {
        Api::InstanceListV1 if !dialect.token_before_path => pages::error(dialect, request, 501, "no such api"),
        _ if route.methods.contains(&Method::GET) => call(world, request, route.api, now),
        _ => (dialect.method_not_allowed)(dialect, request),
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

fn gone(world: &World, request: &Request, instead: &str, switch: &str) -> Answer {
    let message = format!(
        "Current API will be deprecated, please use API(s) `{} ${{contextPath:nacos}}{instead}` instead, or set \
         `nacos.core.api.compatibility.{switch}.enabled=true` in application.properties.",
        request.method
    );
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
