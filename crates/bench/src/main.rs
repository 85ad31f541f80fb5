//! Side-by-side measurements: ItemEventStore and others that do the same work, on one machine, in
//! turn. `./bench` builds what they need and runs this.

#![expect(clippy::cast_precision_loss, reason = "no number here is anywhere near 2^53")]

mod bench;
mod cluster;
mod counts;
mod fill;
mod grown;
mod http;
mod machine;
mod measure;
mod page;
mod peer;
mod pgbench;
mod process;
mod relay;
mod results;
mod scenario;
mod server;
mod single;
mod work;

use anyhow::{Context as _, Result};
use bench::{Bench, Choice, Size};
use clap::{Parser, Subcommand};
use machine::Machine;
use results::{FOLDER, Measured, Record};
use scenario::{ALL, Scenario};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Measures ItemEventStore beside others that do the same work
#[derive(Parser)]
#[command(name = "bench")]
struct Arguments {
    /// Only this scenario, or these; all of them when none is named
    #[arg(value_parser = scenario_names())]
    scenarios: Vec<String>,
    /// Only look whether everything works; nothing is written down
    #[arg(long, conflicts_with = "full")]
    quick: bool,
    /// More rounds, longer turns, larger logs: hours
    #[arg(long)]
    full: bool,
    /// Only contenders whose name has this in it; nothing is written down
    #[arg(long, value_name = "TEXT")]
    only: Vec<String>,
    /// So many rounds; nothing is written down
    #[arg(long, value_name = "NUMBER")]
    rounds: Option<usize>,
    /// The program under test
    #[arg(long, default_value = "target/release/ies")]
    program: PathBuf,
    #[command(subcommand)]
    what: Option<What>,
}

#[derive(Subcommand)]
enum What {
    /// Draw and write again what was measured
    Pages,
    /// Count instructions and compare with crates/bench/counts.txt
    Counts {
        /// Write the file anew
        #[arg(long)]
        write: bool,
    },
    /// Do a step so many times, to be counted
    #[command(hide = true)]
    Step { name: String, times: u32 },
    /// Fill a store through the library, in a process of its own
    #[command(hide = true)]
    Ingest { events: usize, folder: PathBuf },
}

fn scenario_names() -> Vec<&'static str> {
    ALL.iter().map(|scenario| scenario.name).collect()
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    match &arguments.what {
        Some(What::Pages) => page::render(Path::new(".")),
        Some(What::Counts { write }) => counts::count(&arguments.program, *write),
        Some(What::Step { name, times }) => counts::run_step(name, *times),
        Some(What::Ingest { events, folder }) => {
            tokio::runtime::Runtime::new()?.block_on(scenario::bulk::ingest(*events, folder))
        }
        None => measure(&arguments),
    }
}

fn measure(arguments: &Arguments) -> Result<()> {
    let size = match (arguments.quick, arguments.full) {
        (true, _) => Size::Quick,
        (false, true) => Size::Full,
        (false, false) => Size::Short,
    };
    let choice = Choice { size, rounds: arguments.rounds, only: arguments.only.clone() };
    let bench = Bench::new(choice.clone(), &arguments.program)?;
    let named = |scenario: &&Scenario| {
        arguments.scenarios.is_empty() || arguments.scenarios.iter().any(|n| n == scenario.name)
    };
    for scenario in ALL.iter().filter(named) {
        let measured =
            one(&bench, scenario).with_context(|| format!("scenario {}", scenario.name))?;
        let (goals, missing) = page::goals(&measured);
        print!("{goals}");
        if missing > 0 && choice.only.is_empty() {
            eprintln!("{missing} goals have no figure: a contender was left out");
        }
        if choice.is_whole() {
            measured.write(Path::new(FOLDER))?;
            page::render(Path::new("."))?;
        }
    }
    Ok(())
}

fn one(bench: &Bench, scenario: &Scenario) -> Result<Measured> {
    eprintln!("{}: {}", scenario.name, scenario.title);
    let begun = Instant::now();
    let load_average = machine::load_average()?;
    let at = jiff::Timestamp::now().strftime("%Y-%m-%d %H:%M UTC").to_string();
    let machine = Machine::of(bench.scratch())?;
    let mut record = Record::default();
    (scenario.measure)(bench, &mut record)?;
    record.finish();
    Ok(Measured {
        scenario: scenario.name.to_owned(),
        command: format!("./bench{} {}", bench.size.option(), scenario.name),
        at,
        commit: machine::commit(),
        load_average,
        seconds: begun.elapsed().as_secs(),
        machine,
        versions: record.versions,
        figures: record.figures,
        curves: record.curves,
    })
}
