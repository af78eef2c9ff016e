//! `nacos-auth token`.

use std::{
    process::ExitCode,
    time::{Duration, SystemTime},
};

use nacos_auth::{Level, TokenPlace};
use serde_json::json;

use crate::{args, exit::Result, output, settings::Settings};

pub(crate) fn run(args: &args::Token, settings: &Settings) -> Result<ExitCode> {
    let client = settings.client(Level::Error)?;
    let token = client.token()?;
    let secret = token.secret.expose();
    let text = match args {
        args::Token { json: true, .. } => {
            let life = Duration::from_millis(token.remaining_ms.max(0).unsigned_abs());
            let end = humantime::format_rfc3339_seconds(SystemTime::now() + life);
            json!({ "token": secret, "expirationTimestamp": end.to_string() }).to_string()
        }
        args::Token { header: true, .. } if settings.token_in == TokenPlace::Header => format!("accessToken: {secret}"),
        args::Token { header: true, .. } => format!("Authorization: Bearer {secret}"),
        _ => secret.to_owned(),
    };
    output::write(format!("{text}\n").as_bytes())?;
    Ok(ExitCode::SUCCESS)
}
