//! TigerBeetle: a ledger of transfers, by its own `benchmark` command. It is not in any of the
//! registries, so its binary is used where the environment names one, and left out elsewhere.

use crate::bench::Bench;
use crate::cluster::run;
use crate::results::Record;
use crate::scenario::bulk;
use crate::work::ITEMS;
use anyhow::{Context as _, Result, ensure};
use std::process::Command;

pub const NAME: &str = "TigerBeetle";
/// Names the binary.
const VARIABLE: &str = "IES_BENCH_TIGERBEETLE";

/// Its benchmark with its default batch of 8,189: it makes a data file, starts a server of one
/// replica on it, and sends transfers between accounts from one client.
pub fn bulk(bench: &Bench, events: usize, name: &str, record: &mut Record) -> Result<()> {
    let Some(binary) = std::env::var_os(VARIABLE).filter(|binary| !binary.is_empty()) else {
        eprintln!("  {name}: left out, {VARIABLE} names no binary");
        return Ok(());
    };
    let version = run(Command::new(&binary).arg("version"))?;
    record.version(NAME, version.trim());
    // It makes its data file in the folder that it is called in.
    let folder = bench.folder()?;
    let output = Command::new(&binary)
        .args(["benchmark", &format!("--account-count={ITEMS}")])
        .arg(format!("--transfer-count={events}"))
        .current_dir(folder.path())
        .output()
        .with_context(|| format!("running {}", binary.display()))?;
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "tigerbeetle benchmark: {}: {said}", output.status);
    record.figure(name, bulk::RATE, "per second", number(&said, "load accepted = ")?);
    let grown = number(&said, "datafile = ")? - number(&said, "datafile empty = ")?;
    record.figure(name, bulk::BYTES, "bytes", grown / events as f64);
    record.figure(name, bulk::MEMORY, "MB", number(&said, "rss = ")? / 1e6);
    Ok(())
}

/// The number after these words.
fn number(said: &str, words: &str) -> Result<f64> {
    let (_, after) = said.split_once(words).with_context(|| format!("{words}? {said}"))?;
    let digits: String =
        after.chars().take_while(|c| c.is_ascii_digit() || *c == '.' || *c == ',').collect();
    digits.replace(',', "").parse().with_context(|| format!("{words}{digits}"))
}
