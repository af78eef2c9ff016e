//! `nacos-auth watch`.
use std::process::ExitCode;

use crate::{args, exit::Result, settings::Settings};

pub(crate) fn run(_: &args::Watch, _: &Settings) -> Result<ExitCode> {
    todo!()
}
