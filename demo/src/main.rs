//! Shows that programs in five languages keep working while their tokens expire, the server changes its secret and
//! connections break.

mod args;
mod embedded;
mod programs;
mod publish;
mod report;
mod screen;
mod show;
mod table;
mod timeline;

use std::{
    env,
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, Result};
use clap::Parser;
use nacos_auth::Cancel;

use args::Args;
use embedded::Embedded;
use programs::{Access, Programs};
use publish::{GROUP, Provided, Publisher};
use screen::Screen;
use show::{Outcome, Show};

/// What everybody reads at a server of the user's own.
const DATA_ID: &str = "nacos-auth-demo";

fn main() -> ExitCode {
    match Args::parse().check().and_then(run) {
        Ok(Outcome::Passed) => ExitCode::SUCCESS,
        Ok(Outcome::Failed) => ExitCode::FAILURE,
        // As a shell has it for a program that SIGINT ended.
        Ok(Outcome::Interrupted) => ExitCode::from(130),
        Err(error) => {
            eprintln!("nacos-demo: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Somebody wants this to end.
#[derive(Clone, Default)]
struct Interrupt {
    /// For the programs.
    asked: Arc<AtomicBool>,
    /// For requests of our own.
    cancel: Cancel,
}

fn run(args: Args) -> Result<Outcome> {
    let interrupt = Interrupt::default();
    let handler = interrupt.clone();
    ctrlc::set_handler(move || {
        handler.asked.store(true, Ordering::Relaxed);
        handler.cancel.trigger();
    })
    .context("cannot watch for Ctrl-C")?;
    match (&args.server, &args.username) {
        (Some(server), Some(username)) => {
            let password = env::var("NACOS_PASSWORD");
            let password = password.context("put the password into the environment variable NACOS_PASSWORD")?;
            let access = Access { server, username, password: &password };
            at_own_server(&args, &access, &interrupt)
        }
        _ => with_embedded(&args, &interrupt),
    }
}

/// Against a look-alike that is disturbed on the way.
fn with_embedded(args: &Args, interrupt: &Interrupt) -> Result<Outcome> {
    let embedded = Embedded::start().context("cannot start the server")?;
    for program in &args.programs {
        embedded.publish(&Embedded::data_id(&program.name));
    }
    let access = embedded.access();
    let mut screen = screen(args)?;
    screen.say(&format!(
        "{} s against a Nacos look-alike at {}, whose tokens live for {} s",
        args.seconds,
        access.server,
        embedded::TTL
    ))?;
    play(args, &mut screen, &access, Embedded::data_id, Some(&embedded), interrupt)
}

/// Against a server that is left as it was.
fn at_own_server(args: &Args, access: &Access<'_>, interrupt: &Interrupt) -> Result<Outcome> {
    let (server, user) = (access.server, access.username);
    let mut screen = screen(args)?;
    let mut publisher = Publisher::new(access)?;
    screen.say(&format!(
        "publishes the configuration {DATA_ID} in {GROUP} at {server} as {user}, and deletes it at the end; Ctrl-C does so too"
    ))?;
    let outcome = publisher.provide(DATA_ID, &interrupt.cancel).and_then(|provided| {
        match provided {
            Provided::Published => {}
            Provided::NotPermitted => screen.say(&format!(
                "{user} may not publish (HTTP 403, no permission to write): {DATA_ID} is only read, be it there or not"
            ))?,
            Provided::SomebodyElses => {
                screen
                    .say(&format!("{DATA_ID} is there already, and not of this program: it is only read, and stays"))?;
            }
        }
        screen.say(&format!("{} s against {server}, reading {DATA_ID}", args.seconds))?;
        play(args, &mut screen, access, |_| DATA_ID.into(), None, interrupt)
    });
    let outcome = match outcome {
        // A request of our own was cut short.
        Err(_) if interrupt.asked.load(Ordering::Relaxed) => Ok(Outcome::Interrupted),
        outcome => outcome,
    };
    match (outcome, publisher.clean_up()) {
        (outcome, Ok(deleted)) => {
            for data_id in deleted {
                // It is done, whether or not somebody still reads of it.
                let _ = screen.say(&format!("deleted {data_id}"));
            }
            outcome
        }
        (Ok(_), Err(error)) => Err(error),
        (Err(first), Err(error)) => Err(first.context(error)),
    }
}

fn screen(args: &Args) -> Result<Screen> {
    let shown = args.output.as_deref().map(|path| path.display().to_string()).unwrap_or_default();
    Screen::new(args.output.as_deref()).with_context(|| format!("cannot write {shown}"))
}

fn play(
    args: &Args,
    screen: &mut Screen,
    access: &Access<'_>,
    data_id: impl Fn(&str) -> String,
    embedded: Option<&Embedded>,
    interrupt: &Interrupt,
) -> Result<Outcome> {
    let length = Duration::from_secs(args.seconds);
    let show = Show::new(screen, &args.missing, embedded, length);
    let programs = Programs::start(&args.programs, access, data_id, args.seconds);
    show.run(programs, &interrupt.asked)
}
