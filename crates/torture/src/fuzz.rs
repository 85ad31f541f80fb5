//! The fuzz targets of the program's own parsers, each for a while: `crates/ies/src/fuzz.rs`.

use crate::check::{Promise, Violation};
use crate::jobs::Job;
use crate::run::Tally;
use anyhow::{Context as _, Result};
use indicatif::ProgressBar;
use std::process::Command;

/// Runs every target for so many seconds.
pub fn job(seconds: u64) -> Job {
    let command = format!("fuzz --seconds {seconds}");
    let work = move |bar: &ProgressBar| {
        bar.set_message(format!("the parsers, {seconds} s each"));
        bar.tick();
        run(seconds)
    };
    Job { name: "fuzz".into(), command, work: Box::new(work) }
}

fn run(seconds: u64) -> Result<Tally> {
    let output = Command::new("cargo")
        .args(["test", "--quiet", "--locked", "-p", "ies", "--bin", "ies", "fuzz::"])
        .args(["--", "--nocapture"])
        .env("IES_FUZZ_SECONDS", seconds.to_string())
        .output()
        .context("cargo is needed for the fuzz targets")?;
    let said = String::from_utf8_lossy(&output.stdout);
    let mut tally = Tally::default();
    // The harness may write before it on the same line.
    for line in said.lines() {
        let Some((_, fuzzed)) = line.split_once("fuzzed ") else { continue };
        let inputs = fuzzed.split(' ').nth(1).context("a number of inputs")?;
        tally.add("targets", 1);
        tally.add("inputs", inputs.parse()?);
    }
    if !output.status.success() || tally.count("targets") == 0 {
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        tally.broken.push(Violation::new(Promise::I11Errors, format!("fuzzing: {said}{error}")));
    }
    Ok(tally)
}
