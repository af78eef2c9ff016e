//! `nacos-auth keep --file F`.

use std::{process::ExitCode, thread};

use nacos_auth::Level;
use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM},
    iterator::Signals,
};

use crate::{
    args,
    exit::{Failure, Result},
    keeper::{Bell, Keeper},
    settings::Settings,
    token_file,
};

pub(crate) fn run(args: &args::Keep, settings: &Settings) -> Result<ExitCode> {
    token_file::check(&args.file)?;
    let (bell, wakes) = Bell::new();
    let ringer = bell.clone();
    let client = settings.client_told(Some(Level::Info), move |_| ringer.token())?;
    let mut signals = Signals::new([SIGTERM, SIGINT, SIGHUP]).map_err(|e| Failure::local("cannot watch signals", e))?;
    let ender = bell.clone();
    thread::spawn(move || signals.forever().for_each(|_| ender.end()));
    let mut is_ready = false;
    let keeper = Keeper { client: &client, file: args.file.clone(), check: args.checks.check, written: 0 };
    keeper.run(&bell, &wakes, || {
        if !std::mem::replace(&mut is_ready, true) {
            _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);
        }
    });
    client.close();
    Ok(ExitCode::SUCCESS)
}
