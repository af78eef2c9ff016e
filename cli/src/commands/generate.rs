//! Completions and man pages, made from the same description as the command line.

use std::{fs, process::ExitCode};

use clap::CommandFactory;

use crate::{
    args::{self, Args},
    exit::{Failure, Result},
    output,
};

pub(crate) fn completions(args: &args::Completions) -> Result<ExitCode> {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut Args::command(), "nacos-auth", &mut text);
    output::write(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// One page for the command, and one for each of its commands.
pub(crate) fn man(args: &args::Man) -> Result<ExitCode> {
    let folder = args.folder.display();
    let failed = |e| Failure::local(format!("cannot write to {folder}"), e);
    fs::create_dir_all(&args.folder).map_err(failed)?;
    clap_mangen::generate_to(Args::command(), &args.folder).map_err(failed)?;
    Ok(ExitCode::SUCCESS)
}
