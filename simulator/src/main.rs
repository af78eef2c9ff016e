//! Ten thousand processes against three servers, in virtual time: what the library's rules do to a cluster in trouble,
//! next to the rule of the official Java client. See `docs/simulation.md`.

mod chart;
mod cluster;
mod java;
mod ours;
mod scenario;
mod tally;
mod world;

use std::path::PathBuf;

use clap::Parser;
use nacos_auth::simulation::Time;

use chart::{Line, Panel};
use java::Java;
use ours::Ours;
use scenario::Scenario;
use tally::Tally;
use world::Client;

/// Simulates many clients of a cluster in trouble; prints a table in Markdown.
#[derive(Parser)]
struct Args {
    /// The same seed gives the same figures.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Also draws the logins per second to this file.
    #[arg(long)]
    svg: Option<PathBuf>,
    /// Only the scenarios that have this in their name.
    #[arg(long, default_value = "")]
    only: String,
}

fn main() -> std::io::Result<()> {
    let args = Args::parse();
    println!(
        "| scenario | clients | rule | peak logins/s | repeats/s | p50 | p99 | never | logins | abandoned | most in 15 min | failed requests |"
    );
    println!("|---|--:|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|");
    let panels: Vec<Panel> =
        scenario::all().iter().filter(|s| s.name.contains(&args.only)).map(|s| compare(s, args.seed)).collect();
    if let Some(path) = args.svg {
        let legend = "logins per second that reach the servers (dashed: what they can answer)";
        std::fs::write(path, chart::svg(&panels, legend))?;
    }
    Ok(())
}

/// Runs a scenario with each rule and prints a line for each.
fn compare(scenario: &Scenario, seed: u64) -> Panel {
    let ours = report::<Ours>(scenario, seed);
    let patient = report::<Java<30>>(scenario, seed);
    let hasty = report::<Java<3>>(scenario, seed);
    Panel {
        title: format!("{}, {} clients", scenario.name, scenario.clients),
        seconds: scenario.shown.as_secs() as usize,
        capacity: scenario.cluster().capacity(),
        lines: vec![
            Line { name: Java::<3>::NAME, color: "#edae49", per_second: hasty.logins },
            Line { name: Java::<30>::NAME, color: "#d1495b", per_second: patient.logins },
            Line { name: Ours::NAME, color: "#00798c", per_second: ours.logins },
        ],
    }
}

fn report<C: Client>(scenario: &Scenario, seed: u64) -> Tally {
    let tally = world::run::<C>(scenario, seed);
    let most = |per_second: &[u32]| per_second.iter().max().copied().unwrap_or(0);
    println!(
        "| {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} | {} |",
        scenario.name,
        scenario.clients,
        C::NAME,
        most(&tally.logins),
        most(&tally.repeats),
        words(tally.recovery(0.5)),
        words(tally.recovery(0.99)),
        tally.unrecovered(),
        tally.logins_in_all(),
        tally.abandoned,
        tally.most_in_first_quarter(),
        tally.failed,
    );
    tally
}

fn words(time: Option<Time>) -> String {
    match time {
        None => "never".into(),
        Some(t) if t < Time::from_secs(120) => format!("{:.1} s", t.as_secs_f64()),
        Some(t) => format!("{:.1} min", t.as_secs_f64() / 60.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUARTER: Time = tally::QUARTER;

    #[test]
    fn the_same_seed_gives_the_same_figures() {
        let figures = |seed| {
            let tally = world::run::<Ours>(&Scenario::mass_start(6_000), seed);
            (tally.logins.clone(), tally.failed, tally.recovery(0.99))
        };
        assert_eq!(figures(1), figures(1));
        assert_ne!(figures(1), figures(2));
    }

    #[test]
    fn a_rejection_costs_each_client_one_login_while_the_servers_keep_up() {
        let tally = world::run::<Ours>(&Scenario::mass_rejection(300), 1);
        assert_eq!((tally.logins_in_all(), tally.failed, tally.unrecovered()), (300, 0, 0));
        let tally = world::run::<Java<30>>(&Scenario::mass_rejection(300), 1);
        assert_eq!((tally.logins_in_all(), tally.unrecovered()), (300, 0));
        assert!(tally.failed > 300, "it learns of the rejection from a failed request, and waits for its next look");
    }

    #[test]
    fn situation_47_thousands_at_once_recover_and_let_the_servers_recover() {
        for scenario in [Scenario::mass_start(1_000), Scenario::mass_rejection(1_000)] {
            let tally = world::run::<Ours>(&scenario, 1);
            assert_eq!(tally.unrecovered(), 0);
            assert!(tally.recovery(0.99).unwrap() <= Time::from_secs(60), "{}", scenario.name);
        }
        for scenario in [Scenario::mass_start(10_000), Scenario::mass_rejection(10_000)] {
            let tally = world::run::<Ours>(&scenario, 1);
            assert_eq!(tally.unrecovered(), 0);
            let most = tally.repeats.iter().max().copied().unwrap_or(0);
            assert!(f64::from(most) <= 1.2 * scenario.cluster().capacity(), "{}: {most}", scenario.name);
        }
    }

    #[test]
    fn nothing_is_worse_than_with_the_java_rule() {
        // The others take too long here; their figures stand in the table.
        for scenario in scenario::all().iter().filter(|s| s.clients <= 1_000 && s.calm < QUARTER) {
            let (ours, java) = (world::run::<Ours>(scenario, 1), world::run::<Java<30>>(scenario, 1));
            assert!(ours.failed <= java.failed, "{}: {} and {}", scenario.name, ours.failed, java.failed);
            let p99 = |tally: &Tally| tally.recovery(0.99).unwrap_or(Time::MAX);
            assert!(p99(&ours) <= p99(&java), "{}: {:?} and {:?}", scenario.name, p99(&ours), p99(&java));
        }
    }

    #[test]
    fn a_wrong_password_costs_what_the_rules_say() {
        let scenario = Scenario::wrong_password("", 1, QUARTER);
        assert!(world::run::<Ours>(&scenario, 1).most_in_first_quarter() <= 3);
        // A look every 5 s, counted from the end of the one before, asks all three servers.
        assert!((500..=540).contains(&world::run::<Java<30>>(&scenario, 1).most_in_first_quarter()));
    }
}
