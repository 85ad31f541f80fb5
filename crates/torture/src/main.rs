//! Fault tests of ItemEventStore: they break what can break, and hold what is left to the
//! promises of RELIABILITY.md. `./torture` builds and runs it.

mod bugs;
mod call;
mod campaign;
mod check;
mod client;
mod cluster;
mod disk;
mod ext4;
mod faults;
mod follow;
mod fuzz;
mod generate;
mod history;
mod jobs;
mod load;
mod local;
mod model;
mod place;
mod proxy;
mod random;
mod report;
mod run;
mod server;
mod witness;
mod worker;

use anyhow::Result;
use campaign::{ALL, Campaign, Kind};
use clap::{Parser, Subcommand};
use indicatif::ProgressBar;
use jobs::Job;
use report::Report;
use run::Run;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// How long every change is fuzzed by each target.
const FUZZ_SECONDS: u64 = 60;

/// Breaks what can break, and holds what is left to the promises of RELIABILITY.md.
#[derive(Parser)]
#[command(name = "torture")]
struct Arguments {
    /// A mixture of everything for so long
    #[arg(long, default_value_t = 5)]
    minutes: u64,
    /// One seed repeats one run's decisions
    #[arg(long, global = true)]
    seed: Option<u64>,
    /// The program under test
    #[arg(long, global = true, default_value = "target/torture/ies")]
    binary: PathBuf,
    /// The same, built with failpoints
    #[arg(long, global = true, default_value = "target/torture/ies-failpoints")]
    failpoints: PathBuf,
    /// Add the figures to the record
    #[arg(long, global = true)]
    record: bool,
    #[command(subcommand)]
    what: Option<What>,
}

#[derive(Subcommand)]
enum What {
    /// What every change has to pass
    Ci,
    /// One campaign
    Run {
        kind: Kind,
        #[arg(long, default_value = "sqlite")]
        backend: place::Backend,
        #[arg(long, default_value_t = 10)]
        cycles: u64,
    },
    /// The fuzz targets of the parsers
    Fuzz {
        /// How long each of them
        #[arg(long, default_value_t = FUZZ_SECONDS)]
        seconds: u64,
    },
    /// Runs that must find something broken: each seeded bug, and `synchronous_commit=off`
    Control,
    /// The product's sources with every seeded bug, each off until `IES_SEEDED_BUG` names it
    #[command(hide = true)]
    SeedBugs { folder: PathBuf },
    #[command(hide = true)]
    Worker { words: Vec<String> },
}

fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    match &arguments.what {
        Some(What::Worker { words }) => work(words)?,
        Some(What::SeedBugs { folder }) => bugs::seed(Path::new("."), folder)?,
        _ => return run_all(&arguments),
    }
    Ok(ExitCode::SUCCESS)
}

fn run_all(arguments: &Arguments) -> Result<ExitCode> {
    let drawn = || u64::from(std::process::id()).wrapping_mul(0x9E37_79B9) % 1_000_000;
    let seed = arguments.seed.unwrap_or_else(drawn);
    let mut report = Report::default();
    let job = |campaign: Campaign, seed, cycles| arguments.job(campaign, seed, cycles);
    let command = match &arguments.what {
        Some(What::Ci) => {
            let campaigns = ALL.into_iter().map(|campaign| job(campaign, seed, campaign.cycles));
            let all = std::iter::once(fuzz::job(FUZZ_SECONDS)).chain(campaigns);
            jobs::run(all.chain(bugs::jobs(seed)), &mut report)?;
            "ci".to_owned()
        }
        Some(What::Fuzz { seconds }) => {
            jobs::run(std::iter::once(fuzz::job(*seconds)), &mut report)?;
            format!("fuzz --seconds {seconds}")
        }
        Some(What::Control) => {
            jobs::run(bugs::jobs(seed), &mut report)?;
            "control".to_owned()
        }
        Some(What::Run { kind, backend, cycles }) => {
            let campaign = Campaign { kind: *kind, backend: *backend, cycles: *cycles, round: 1 };
            jobs::run(std::iter::once(job(campaign, seed, *cycles)), &mut report)?;
            format!("run {} --cycles {cycles}", campaign.name())
        }
        _ => {
            let until = Instant::now() + Duration::from_mins(arguments.minutes);
            let rounds = (seed..).flat_map(|seed| ALL.into_iter().map(move |one| (one, seed)));
            let due = rounds.take_while(|_| Instant::now() < until);
            jobs::run(due.map(|(one, seed)| job(one, seed, one.round)), &mut report)?;
            format!("--minutes {}", arguments.minutes)
        }
    };
    print!("{}", report.text(seed));
    if arguments.record {
        report.record(seed, &command)?;
    }
    Ok(if report.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

impl Arguments {
    fn job(&self, campaign: Campaign, seed: u64, cycles: u64) -> Job {
        let steps = campaign.kind == Kind::Steps;
        let binary = if steps { &self.failpoints } else { &self.binary }.clone();
        let command = format!("run {} --cycles {cycles} --seed {seed}", campaign.words());
        let work =
            move |bar: &ProgressBar| campaign.run(&Run::new(seed, &binary, bar.clone())?, cycles);
        Job { name: campaign.name(), command, work: Box::new(work) }
    }
}

/// The part of a worker: see `worker`.
fn work(words: &[String]) -> Result<()> {
    use faults::{every, images, simulate};
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    let said = runtime.block_on(async {
        match words[..] {
            [disk, "images", seed] => images::work(disk.as_ref(), seed.parse()?).await,
            [disk, "simulate", seed] => simulate::work(disk.as_ref(), seed.parse()?).await,
            [disk, "every", seed, kind, nth, how, keep] => {
                every::work(disk.as_ref(), seed.parse()?, [kind, nth, how, keep]).await
            }
            _ => anyhow::bail!("a worker is started by another torture only"),
        }
    })?;
    println!("done {said}");
    Ok(())
}
