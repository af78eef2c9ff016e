//! Login.

use serde_json::json;

use crate::clock::Millis;
use crate::dialect::LoginWhenOff;
use crate::http::{Accept, Answer, JSON, Outcome, Request};
use crate::refusal::LoginFailure;
use crate::world::World;

pub(super) fn answer(world: &mut World, request: &Request, now: Millis) -> Answer {
    let dialect = world.dialect;
    for name in ["username", "password"] {
        if request.parameter(name).is_none() {
            return (dialect.missing_parameter)(dialect, request, name);
        }
    }
    let mut login = match world.auth.login(request, now) {
        Ok(login) => login,
        Err(failure) => return (dialect.login_failure)(dialect, request, &failure),
    };
    if let Some(refuse) = dialect.login_not_acceptable.filter(|_| request.accept() != Accept::Json) {
        return refuse(dialect, request);
    }
    if !world.auth.enabled {
        match dialect.login_when_off {
            LoginWhenOff::AuthDisabledWithoutSecret if world.settings.has_secret => {}
            LoginWhenOff::Token => {}
            LoginWhenOff::AuthDisabledWithoutSecret => "AUTH_DISABLED".clone_into(&mut login.token),
            LoginWhenOff::AuthDisabled => {
                "AUTH_DISABLED".clone_into(&mut login.token);
                login.ttl = login.ttl.saturating_add(now / 1000);
            }
            LoginWhenOff::Refused => return (dialect.login_failure)(dialect, request, &LoginFailure::WrongPassword),
        }
    }
    // Nacos's order of the keys.
    let body = format!(
        r#"{{"accessToken":{},"tokenTtl":{},"globalAdmin":{},"username":{}}}"#,
        json!(login.token),
        login.ttl,
        login.admin,
        json!(login.user)
    );
    Answer::new(200, JSON, body)
        .with_header("Authorization", format!("Bearer {}", login.token))
        .with_outcome(Outcome::LoggedIn)
}
