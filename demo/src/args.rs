//! The command line.

use std::{collections::HashSet, path::PathBuf};

use anyhow::{Result, bail, ensure};
use clap::Parser;

/// Runs programs that read a configuration through nacos-auth, side by side, and shows what they saw.
///
/// Without --server it brings a Nacos look-alike of its own, whose tokens live for 5 seconds; a third of the way it
/// changes the secret that signs them, two thirds of the way it cuts every connection. With --server nothing is
/// disturbed, and the password comes from the environment variable NACOS_PASSWORD: it publishes the configuration
/// nacos-auth-demo in DEFAULT_GROUP, which the programs read, and deletes it at the end, also when it is interrupted. A user
/// who may not publish only reads.
///
/// Ends with 0 only if every program made requests, came to its end and saw no failure.
#[derive(Debug, Parser)]
#[command(name = "nacos-demo")]
pub(crate) struct Args {
    /// A program to run; COMMAND is split like a shell does, and gets the seconds to run as its last argument.
    #[arg(long = "program", value_name = "NAME=COMMAND", value_parser = program)]
    pub(crate) programs: Vec<Program>,

    /// A program that cannot run here, and why: shown as left out.
    #[arg(long = "missing", value_name = "NAME=REASON", value_parser = missing)]
    pub(crate) missing: Vec<Missing>,

    /// How long the programs run.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u64).range(3..=86_400))]
    pub(crate) seconds: u64,

    /// A server of yours to use instead, as host:port or https://host:port.
    #[arg(long, value_name = "ADDRESS", requires = "username")]
    pub(crate) server: Option<String>,

    /// The user to log in as at --server; must be allowed to read.
    #[arg(long, value_name = "NAME", requires = "server")]
    pub(crate) username: Option<String>,

    /// Writes what is printed there too, as plain lines.
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

/// A program to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Program {
    pub(crate) name: String,
    /// The executable and its arguments, never empty.
    pub(crate) command: Vec<String>,
}

/// A program that is not there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Missing {
    pub(crate) name: String,
    pub(crate) reason: String,
}

impl Args {
    /// What clap does not check by itself.
    pub(crate) fn check(self) -> Result<Self> {
        ensure!(!self.programs.is_empty(), "nothing to run; name a program with --program NAME=COMMAND");
        let mut seen = HashSet::new();
        let names = self.programs.iter().map(|p| &p.name).chain(self.missing.iter().map(|m| &m.name));
        for name in names {
            ensure!(seen.insert(name), "{name} is named twice; give each program a name of its own");
        }
        Ok(self)
    }
}

fn program(text: &str) -> Result<Program> {
    let (name, command) = named(text)?;
    let Some(command) = shlex::split(command) else { bail!("a quotation mark in the command is never closed") };
    ensure!(!command.is_empty(), "the command is empty");
    Ok(Program { name, command })
}

fn missing(text: &str) -> Result<Missing> {
    let (name, reason) = named(text)?;
    Ok(Missing { name, reason: reason.trim().into() })
}

/// The name becomes a part of a dataId, so it may hold only what Nacos takes there.
fn named(text: &str) -> Result<(String, &str)> {
    let Some((name, rest)) = text.split_once('=') else { bail!("write it as NAME=…") };
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    ensure!(!name.is_empty() && name.chars().all(fits), "a name holds ASCII letters, digits, '-', '_' and '.' only");
    Ok((name.into(), rest))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn parse(args: &[&str]) -> Result<Args> {
        Args::try_parse_from([&["nacos-demo"], args].concat())?.check()
    }

    #[test]
    fn the_command_line_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn commands_are_split_like_a_shell_does() {
        let args = parse(&["--program", "py=python3 'my examples/main.py' --flag=1", "--missing", "go=no compiler"]);
        let args = args.unwrap();
        let command = ["python3", "my examples/main.py", "--flag=1"].map(String::from).to_vec();
        assert_eq!(args.programs, [Program { name: "py".into(), command }]);
        assert_eq!(args.missing, [Missing { name: "go".into(), reason: "no compiler".into() }]);
        assert_eq!(args.seconds, 30);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for wrong in [
            &[] as &[&str],
            &["--missing", "a=gone"],
            &["--program", "a"],
            &["--program", "a="],
            &["--program", "=b"],
            &["--program", "a b=c"],
            &["--program", "a='open"],
            &["--program", "a=b", "--program", "a=c"],
            &["--program", "a=b", "--missing", "a=gone"],
            &["--program", "a=b", "--seconds", "2"],
            &["--program", "a=b", "--server", "localhost:8848"],
            &["--program", "a=b", "--username", "nacos"],
        ] {
            assert!(parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
