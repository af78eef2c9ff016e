//! `nacos-auth`: the command line on the library nacos-auth. See README.md.

mod args;
mod commands;
mod exit;
mod keeper;
mod output;
mod probe;
mod settings;
mod token_file;

use std::process::ExitCode;

use clap::Parser;

use args::{Args, Command};
use settings::Settings;

fn main() -> ExitCode {
    let args = Args::parse();
    match run(&args) {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("nacos-auth: {failure}");
            failure.status.into()
        }
    }
}

fn run(args: &Args) -> exit::Result<ExitCode> {
    let settings = || Settings::read(&args.settings);
    match &args.command {
        Command::Token(args) => commands::token::run(args, &settings()?),
        Command::Request(args) => commands::request::run(args, &settings()?),
        Command::Exec(args) => commands::exec::run(args, &settings()?),
        Command::Keep(args) => commands::keep::run(args, &settings()?),
        Command::Proxy(args) => commands::proxy::run(args, &settings()?),
        Command::Watch(args) => commands::watch::run(args, &settings()?),
        Command::Doctor(args) => commands::doctor::run(args, &settings()?),
        Command::Completions(args) => commands::generate::completions(args),
        Command::Man(args) => commands::generate::man(args),
    }
}
