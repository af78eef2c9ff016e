//! `nacos-auth doctor [METHOD PATH]`.

use std::{fs, path::Path, process::ExitCode};

use console::Style;
use nacos_auth::{DiagnoseOptions, Finding, Secret, Severity, diagnose};
use zeroize::Zeroizing;

use crate::{
    args,
    exit::{Failure, Result, Status},
    output,
    settings::Settings,
};

pub(crate) fn run(args: &args::Doctor, settings: &Settings) -> Result<ExitCode> {
    let show = |finding: &Finding| {
        // Each as soon as it is made: an examination may take its ten seconds.
        _ = output::write(shown(finding).as_bytes());
    };
    let options = DiagnoseOptions {
        request: args.method.as_deref().zip(args.path.as_deref()),
        token: args.token_file.as_deref().map(read).transpose()?,
        send_writes: args.send_writes,
        timeout: args.timeout,
        on_finding: (!args.json).then_some(&show),
        ..DiagnoseOptions::default()
    };
    let diagnosis = diagnose(settings.config(), &options).map_err(|error| settings.explain(error))?;
    if args.json {
        output::write(format!("{}\n", diagnosis.to_json()).as_bytes())?;
    }
    Ok(match diagnosis.severity() {
        Severity::Error => Status::Refused.into(),
        Severity::Warning => Status::Warned.into(),
        _ => ExitCode::SUCCESS,
    })
}

/// With its severity in colour, where colours are wanted.
fn shown(finding: &Finding) -> String {
    let style = match finding.severity() {
        Severity::Ok => Style::new().green(),
        Severity::Warning => Style::new().yellow().bold(),
        Severity::Error => Style::new().red().bold(),
        _ => Style::new().cyan(),
    };
    let (text, name) = (finding.to_text(), finding.severity().name());
    match text.strip_prefix(name) {
        Some(rest) => format!("{}{rest}", style.apply_to(name)),
        None => text,
    }
}

fn read(file: &Path) -> Result<Secret> {
    let wrong = |e| Failure::setting(format!("token-file: cannot read {}: {e}", file.display()));
    let text = Zeroizing::new(fs::read_to_string(file).map_err(wrong)?);
    Ok(text.trim().into())
}
