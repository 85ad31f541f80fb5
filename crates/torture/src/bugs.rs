//! Seeded bugs: known mistakes that the suite must catch. They stand here and not in the product:
//! a copy of its sources gets all of them, each behind a switch, and is built once. What they
//! replace must be in the sources exactly once, so a bug that no longer fits is noticed.

mod list;

use crate::campaign::Kind;
use crate::jobs::Job;
use crate::place::Backend;
use crate::run::Tally;
use anyhow::{Context as _, Result, ensure};
use indicatif::ProgressBar;
use std::path::Path;
use std::process::Command;

/// A mistake.
pub struct Bug {
    pub name: &'static str,
    /// Where it is made.
    pub file: &'static str,
    /// What stands there, and what a programmer could have written.
    pub right: &'static str,
    pub wrong: &'static str,
    /// What finds it.
    pub found_by: &'static [(Kind, Backend)],
}

/// The program with all of them in it, and this one with the library of it.
const BINARY: &str = "target/torture/ies-seeded";
const TORTURE: &str = "target/torture/torture-seeded";
/// What no bug is called.
const NONE: &str = "no_mistake";
const CYCLES_WITHOUT: u64 = 4;
const SWITCH: &str = "\n/// Whether this mistake is to be made.\npub fn seeded(bug: &str) -> bool {\n    \
    std::env::var(\"IES_SEEDED_BUG\").is_ok_and(|chosen| chosen == bug)\n}\n";

/// Copies the workspace into a folder, with every bug in it.
pub fn seed(root: &Path, folder: &Path) -> Result<()> {
    let _ = std::fs::remove_dir_all(folder.join("crates"));
    std::fs::create_dir_all(folder)?;
    for part in ["Cargo.toml", "Cargo.lock", "crates", "docs", "README.md", "clippy.toml"] {
        crate::cluster::run(Command::new("cp").args(["-r"]).arg(root.join(part)).arg(folder))?;
    }
    mark_as_another(folder)?;
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

/// Gives the copy another version: cargo would take what is built from it for ours.
fn mark_as_another(folder: &Path) -> Result<()> {
    let own = concat!("version = \"", env!("CARGO_PKG_VERSION"), "\"\n");
    let other = concat!("version = \"", env!("CARGO_PKG_VERSION"), "+seeded\"\n");
    for (file, begin) in [
        ("Cargo.toml", "[workspace.package]\n"),
        ("Cargo.lock", "name = \"bench\"\n"),
        ("Cargo.lock", "name = \"ies\"\n"),
        ("Cargo.lock", "name = \"item_event_store\"\n"),
        ("Cargo.lock", "name = \"torture\"\n"),
    ] {
        let path = folder.join(file);
        let text = std::fs::read_to_string(&path)?;
        let (right, wrong) = (format!("{begin}{own}"), format!("{begin}{other}"));
        ensure!(text.contains(&right), "{file} has the version after {begin}");
        std::fs::write(&path, text.replace(&right, &wrong))?;
    }
    Ok(())
}

/// Runs that must find something broken: for each bug, each campaign that is said to. The first one
/// must not: the copy without a bug is as good as the program.
pub fn jobs(seed: u64) -> impl Iterator<Item = Job> {
    let of = |bug: &'static Bug| bug.found_by.iter().map(move |by| (bug.name, *by));
    let none = std::iter::once((NONE, (Kind::Kill, Backend::Sqlite)));
    none.chain(list::ALL.iter().flat_map(of)).map(move |(bug, by)| job(bug, by, seed))
}

/// The seeds, and the cycles of each, in which a campaign must have found a bug. It ends with the
/// first that does: what is left to chance is how long it takes, not whether it is found.
fn most(kind: Kind) -> (usize, u64) {
    match kind {
        Kind::Every => (4, 1),
        Kind::Power => (1, 60),
        Kind::Ambiguous => (1, 600),
        Kind::Simulate => (1, 2_000),
        Kind::Images => (1, 20_000),
        _ => (1, 300),
    }
}

fn job(bug: &'static str, by: (Kind, Backend), seed: u64) -> Job {
    let work = move |bar: &ProgressBar| {
        bar.set_message(bug);
        bar.tick();
        judge(bug, by, seed)
    };
    Job { name: "control".into(), command: format!("control --seed {seed}"), work: Box::new(work) }
}

fn judge(bug: &str, (kind, backend): (Kind, Backend), seed: u64) -> Result<Tally> {
    let (seeds, cycles) = if bug == NONE { (1, CYCLES_WITHOUT) } else { most(kind) };
    let by = format!("{} {}", kind.name(), backend.name());
    let mut tally = Tally::default();
    for (n, seed) in (seed..).take(seeds).enumerate() {
        match hunt(bug, kind, backend, cycles, seed)? {
            Hunt::Found { promise, what } if bug == NONE => {
                tally.missed.push(format!("{bug}, and {by} finds {promise}: {what}"));
            }
            Hunt::Found { promise, .. } => {
                tally.add("mistakes caught", 1);
                tally.caught.push(format!("{bug} by {by}: {promise}"));
                break;
            }
            Hunt::Nothing { success: true, .. } if bug == NONE => {
                tally.add("runs without a mistake", 1);
            }
            Hunt::Nothing { last, .. } if n + 1 == seeds => {
                tally.missed.push(format!("{bug} by {by}: {last}"));
            }
            Hunt::Nothing { .. } => {}
        }
    }
    Ok(tally)
}

/// What a campaign came home with.
enum Hunt {
    Found { promise: String, what: String },
    Nothing { success: bool, last: String },
}

fn hunt(bug: &str, kind: Kind, backend: Backend, cycles: u64, seed: u64) -> Result<Hunt> {
    let said = Command::new(TORTURE)
        .args(["--binary", BINARY, "--seed", &seed.to_string(), "run", &kind.name()])
        .args(["--backend", backend.name(), "--cycles", &cycles.to_string()])
        .env("IES_SEEDED_BUG", bug)
        .output()
        .context("build the seeded bugs with ./torture control")?;
    let text = String::from_utf8_lossy(&said.stdout);
    if let Some((promise, what)) = text.lines().find_map(|line| line.trim().split_once(" broken: "))
    {
        return Ok(Hunt::Found { promise: promise.to_owned(), what: what.to_owned() });
    }
    let last = String::from_utf8_lossy(&said.stderr).lines().last().unwrap_or_default().to_owned();
    Ok(Hunt::Nothing { success: said.status.success(), last })
}
