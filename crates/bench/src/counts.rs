//! Instructions, counted by valgrind: a gate that a busy machine cannot fool. A step is carried out
//! once, and then a few times more, each in a process of its own; the difference is the step's,
//! whatever starting and ending cost. The counts are held against `counts.txt`.

mod steps;

pub use steps::run_step;

use crate::http::Reply;
use crate::page::number;
use crate::server::Server;
use crate::work::{Movements, Shape};
use anyhow::{Context as _, Result, bail, ensure};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use steps::EVENTS;

/// Where the counts are that are held against.
const BASELINES: &str = "crates/bench/counts.txt";
/// How much more than its baseline a step may take, in percent: compilers differ.
const TOLERANCE: f64 = 5.0;
/// How often a step is done in its two runs.
const TIMES: [u32; 2] = [1, 4];
/// The step of the program itself.
const PARSE: &str = "parse";

const INTRODUCTION: &str = "\
# Instructions per event, as `./bench counts` counts them with the release profile. It fails when a
# step takes 5 % more; `./bench counts --write` writes them anew.
# decide: a request of many commands becomes events, in memory.
# append: the same through the library: decided, appended to SQLite, committed, answered.
# single: 64 requests of one command in one commit.
# fold: verify reads the log and holds every event to the rules.
# parse: a bulk request over HTTP whose first command is refused: read, parsed, hashed.
";

/// Counts every step, and compares, or writes down.
pub fn count(program: &Path, write: bool) -> Result<()> {
    ensure!(Command::new("valgrind").arg("--version").output().is_ok(), "valgrind is needed");
    let mut counted = BTreeMap::new();
    for (name, _) in steps::STEPS {
        let own = std::env::current_exe()?;
        let step = |times: u32| {
            let mut command = under_valgrind();
            command.arg(&own).args(["step", name, &times.to_string()]);
            let output = command.output()?;
            instructions(&output.stderr).with_context(|| format!("step {name}"))
        };
        counted.insert(name.to_owned(), per_event(step)?);
    }
    counted.insert(PARSE.to_owned(), per_event(|times| parse(program, times))?);
    if write {
        let mut text = INTRODUCTION.to_owned();
        for (name, count) in &counted {
            let _ = writeln!(text, "{name} {count:.0}");
        }
        std::fs::write(BASELINES, text)?;
    }
    compare(&counted)
}

fn per_event(mut counted: impl FnMut(u32) -> Result<u64>) -> Result<f64> {
    let [few, many] = TIMES;
    let more = counted(many)?.saturating_sub(counted(few)?);
    Ok(more as f64 / (f64::from(many - few) * EVENTS as f64))
}

fn compare(counted: &BTreeMap<String, f64>) -> Result<()> {
    let text = std::fs::read_to_string(BASELINES).context(BASELINES)?;
    let mut worse = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (name, baseline) = line.split_once(' ').context("a name and a number")?;
        let baseline: f64 = baseline.parse()?;
        let count = counted.get(name).with_context(|| format!("{name} is not counted"))?;
        let change = (count / baseline - 1.0) * 100.0;
        println!("{name:8} {:>8} instructions per event, {change:+.1} %", number(*count));
        if change > TOLERANCE {
            worse.push(name);
        }
    }
    if !worse.is_empty() {
        bail!(
            "more instructions than {BASELINES} allows: {}. If that is worth it: ./bench counts \
             --write",
            worse.join(", ")
        );
    }
    Ok(())
}

fn under_valgrind() -> Command {
    let mut command = Command::new("valgrind");
    command.args(["--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]);
    command.env("TOKIO_WORKER_THREADS", "1");
    command
}

/// What valgrind says at the end.
fn instructions(said: &[u8]) -> Result<u64> {
    let said = String::from_utf8_lossy(said);
    let (_, count) = said.rsplit_once("I   refs:").with_context(|| said.clone().into_owned())?;
    Ok(count.lines().next().unwrap_or_default().trim().replace(',', "").parse()?)
}

/// The program serves so many requests of many commands, the first of which names no item.
fn parse(program: &Path, times: u32) -> Result<u64> {
    let folder = tempfile::tempdir()?;
    let store = folder.path().join("store").display().to_string();
    // Made by a start that is not counted, so that both runs begin alike.
    let server = Server::start(program, &store, None)?;
    let token = server.token.clone();
    ensure!(server.position()? == 0, "an empty store");
    server.stop()?;
    let mut command = under_valgrind();
    command.arg(program);
    let said = folder.path().join("valgrind");
    command.stderr(std::fs::File::create(&said)?);
    let server = Server::start_by(command, &store, Some(&token))?;
    let body = Movements::new(1, Shape::Spread, 100).json(EVENTS);
    for _ in 0..times {
        let Reply { status, body } = server.caller()?.exchange("POST", "/v1/events", &body)?;
        ensure!(status == 404, "answered {status}: {body}");
    }
    server.stop()?;
    instructions(&std::fs::read(said)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_valgrind_says_is_understood() {
        let said = b"==1== Cachegrind\n==1== \n==1== I   refs:      127,769\n";
        assert_eq!(instructions(said).expect("a count"), 127_769);
        assert!(instructions(b"Killed").is_err());
    }
}
