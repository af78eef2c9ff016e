//! `nacos-auth request METHOD PATH`.

use std::{
    fs,
    io::{self, IsTerminal, Read},
    path::Path,
    process::ExitCode,
};

use nacos_auth::{Level, Request};

use crate::{
    args,
    exit::{Failure, Result, Status},
    output,
    settings::Settings,
};

pub(crate) fn run(args: &args::Request, settings: &Settings) -> Result<ExitCode> {
    let request = build(args)?;
    let client = settings.client(Level::Warn)?;
    let answer = client.request(request)?;
    output::body(answer.body())?;
    if answer.is_truncated() {
        eprintln!("nacos-auth: the answer is longer than what is shown");
    }
    if answer.status() < 400 {
        return Ok(ExitCode::SUCCESS);
    }
    let path = args.path.split('?').next().unwrap_or_default();
    eprintln!("nacos-auth: {} {path} at {}: HTTP {}", args.method.to_uppercase(), answer.server(), answer.status());
    Ok(Status::Refused.into())
}

fn build(args: &args::Request) -> Result<Request> {
    let mut request = Request::new(&args.method, &args.path)?;
    for (name, value) in &args.query {
        request = request.query(name, value);
    }
    for (name, value) in &args.header {
        request = request.header(name, value)?;
    }
    if !args.data.is_empty() {
        request = request.form(args.data.iter().map(|(name, value)| (name.as_str(), value.as_str())))?;
    }
    if let Some(file) = &args.data_file {
        request = request.body(read(file)?);
    }
    Ok(request)
}

fn read(file: &Path) -> Result<Vec<u8>> {
    let read = if file == Path::new("-") {
        let mut bytes = Vec::new();
        if io::stdin().is_terminal() {
            eprintln!("nacos-auth: reading the body from the terminal; end it with Ctrl-D");
        }
        io::stdin().read_to_end(&mut bytes).map(|_| bytes)
    } else {
        fs::read(file)
    };
    read.map_err(|e| Failure::setting(format!("data-file: cannot read {}: {e}", file.display())))
}
