//! Seeded bugs: known mistakes that the suite must catch. They stand here and not in the product:
//! a copy of its sources gets all of them, each behind a switch, and is built once. What they
//! replace must be in the sources exactly once, so a bug that no longer fits is noticed.

mod list;

use crate::campaign::Kind;
use crate::faults::power;
use crate::place::Backend;
use crate::run::{Run, Tally};
use anyhow::{Context as _, Result, ensure};
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::Instant;

/// A mistake.
pub struct Bug {
    pub name: &'static str,
    /// Where it is made.
    pub file: &'static str,
    /// What stands there, and what a programmer could have written.
    pub right: &'static str,
    pub wrong: &'static str,
    /// What finds it, and in how many cycles.
    pub found_by: (Kind, Backend, u64),
}

/// The program with all of them in it, and this one with the library of it.
const BINARY: &str = "target/torture/ies-seeded";
const TORTURE: &str = "target/torture/torture-seeded";
const SWITCH: &str = "\n/// Whether this mistake is to be made.\npub fn seeded(bug: &str) -> bool {\n    \
    std::env::var(\"IES_SEEDED_BUG\").is_ok_and(|chosen| chosen == bug)\n}\n";

/// Copies the workspace into a folder, with every bug in it.
pub fn seed(root: &Path, folder: &Path) -> Result<()> {
    let _ = std::fs::remove_dir_all(folder.join("crates"));
    std::fs::create_dir_all(folder)?;
    for part in ["Cargo.toml", "Cargo.lock", "crates", "docs", "README.md", "clippy.toml"] {
        crate::cluster::run(Command::new("cp").args(["-r"]).arg(root.join(part)).arg(folder))?;
    }
    let library = folder.join("crates/item_event_store/src/lib.rs");
    let text = std::fs::read_to_string(&library)? + SWITCH;
    std::fs::write(&library, text)?;
    for bug in list::ALL {
        let path = folder.join("crates").join(bug.file);
        let text = std::fs::read_to_string(&path).with_context(|| bug.name)?;
        let found = text.matches(bug.right).count();
        ensure!(found == 1, "{}: what it replaces is {found} times in {}", bug.name, bug.file);
        let krate = if bug.file.starts_with("ies/") { "item_event_store" } else { "crate" };
        let wrong = bug.wrong.replace("BUG", &format!("{krate}::seeded(\"{}\")", bug.name));
        std::fs::write(&path, text.replace(bug.right, &wrong))?;
    }
    Ok(())
}

/// Every run here must find something broken.
pub fn control(seed: u64) -> Result<ExitCode> {
    let mut missed = Vec::new();
    for bug in list::ALL {
        let (kind, backend, cycles) = bug.found_by;
        let begun = Instant::now();
        let said = Command::new(TORTURE)
            .args(["--binary", BINARY, "--seed", &seed.to_string(), "run"])
            .arg(format!("{kind:?}").to_lowercase())
            .args(["--backend", backend.name(), "--cycles", &cycles.to_string()])
            .env("IES_SEEDED_BUG", bug.name)
            .output()
            .context("build the seeded bugs with ./torture control")?;
        let text = String::from_utf8_lossy(&said.stdout).into_owned();
        let broken = text.lines().find(|line| line.contains(" broken: "));
        let seconds = begun.elapsed().as_secs();
        match broken {
            Some(line) if !said.status.success() => {
                let promise = line.trim().split(" broken: ").next().unwrap_or_default();
                println!("caught  {:32} {seconds:3} s  {promise}", bug.name);
            }
            _ => {
                let error = String::from_utf8_lossy(&said.stderr);
                let last = error.lines().last().unwrap_or_default().to_owned();
                println!("MISSED  {:32} {seconds:3} s  {last}", bug.name);
                missed.push(bug.name);
            }
        }
    }
    let run = Run::new(seed, Path::new("target/debug/ies"), true)?;
    let control = power::Control::AsynchronousCommit;
    let lost = |backend| -> Result<Tally> {
        tokio::runtime::Runtime::new()?.block_on(power::run(&run, backend, 5, control))
    };
    if lost(Backend::Postgres)?.broken.is_empty() {
        println!("MISSED  synchronous_commit=off");
        missed.push("synchronous_commit=off");
    } else {
        println!("caught  synchronous_commit=off");
    }
    println!("{} passed, {} failed", list::ALL.len() + 1 - missed.len(), missed.len());
    Ok(if missed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
