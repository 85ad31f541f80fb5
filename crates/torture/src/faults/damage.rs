//! Damaged files (F23, F24): a flipped bit or a lost tail in a ledger's file, or in the log beside
//! it that a dead process left. `ies verify` finds it, or it does no harm, or it is one of the
//! blind spots that RELIABILITY.md states.

use super::session::Session;
use crate::check::{Promise, Violation};
use crate::place::{Backend, Place};
use crate::random::Random;
use crate::run::{Run, Tally};
use crate::witness::{Witness, read_sqlite};
use anyhow::{Result, bail};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

const CLIENTS: u64 = 3;
const FILES: [&str; 2] = ["main.db", "main.db-wal"];
const PAGE: u64 = 4_096;

pub async fn run(run: &Run, damages: u64) -> Result<Tally> {
    let mut tally = Tally::default();
    let (whole, before) = left_by_the_dead(run).await?;
    for number in 0..damages {
        let mut random = Random::of(run.seed, &[24, number]);
        let folder = run.disk().join(format!("damaged-{}", run.number()));
        copy(&whole, &folder)?;
        let file = FILES[random.index(2)];
        let how = harm(&folder.join(file), &mut random)?;
        let broken = judge(run, &folder, file, &before, &mut tally)?;
        std::fs::remove_dir_all(&folder)?;
        tally.add("damaged files", 1);
        run.say(format!("damaged files: {tally}"));
        let of = |broken: Violation| {
            Violation::new(broken.promise, format!("{file}, {how}: {}", broken.what))
        };
        if tally.found(broken.into_iter().map(of).collect()) {
            break;
        }
    }
    Ok(tally)
}

/// A store with something in both files, and what it holds.
async fn left_by_the_dead(run: &Run) -> Result<(PathBuf, Witness)> {
    let place = run.place(Backend::Sqlite).await?;
    let (mut session, mut server) = Session::start(run, place, run.seed, CLIENTS).await?;
    for cycle in 0..2 {
        let since = session.load.history.len();
        let clients = session.cycle(cycle).start(&server.url);
        tokio::time::sleep(Duration::from_millis(300)).await;
        clients.stop().await?;
        let broken = session.settle(&server, since).await?;
        if let Some(broken) = broken.first() {
            bail!("before any damage: {broken}");
        }
        // What was in the log is in the file from here on.
        server.kill()?;
        if cycle == 0 {
            server = session.launch.start()?;
        }
    }
    let Place::Sqlite(folder) = session.place else { bail!("a folder") };
    let looked_at = run.disk().join(format!("whole-{}", run.number()));
    copy(&folder, &looked_at)?;
    Ok((folder, read_sqlite(&looked_at.join("main.db"))?))
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to)?;
    for name in ["main.db", "main.db-wal", "store.db", "store.db-wal"] {
        if from.join(name).exists() {
            std::fs::copy(from.join(name), to.join(name))?;
        }
    }
    Ok(())
}

/// Flips a bit, zeroes a page, or cuts the tail off.
fn harm(file: &Path, random: &mut Random) -> Result<String> {
    let mut data = std::fs::read(file)?;
    let at = random.index(data.len());
    let how = match random.below(6) {
        0 => {
            data.truncate(at);
            format!("cut at {at}")
        }
        1 => {
            let page = at as u64 / PAGE * PAGE;
            let from = usize::try_from(page)?;
            let to = (from + usize::try_from(PAGE)?).min(data.len());
            data[from..to].fill(0);
            format!("zeros from {from} to {to}")
        }
        _ => {
            let bit = random.below(8);
            data[at] ^= 1 << bit;
            format!("bit {bit} of byte {at} flipped")
        }
    };
    std::fs::write(file, data)?;
    Ok(how)
}

fn judge(
    run: &Run,
    folder: &Path,
    file: &str,
    before: &Witness,
    tally: &mut Tally,
) -> Result<Vec<Violation>> {
    let output = run.launch(&folder.display().to_string()).run(&["verify"])?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.code().is_none() || said.contains("panicked") {
        let what = format!("verify dies: {} {said}", output.status);
        return Ok(vec![Violation::new(Promise::I11Errors, what)]);
    }
    if !output.status.success() {
        tally.add("damages that verify found", 1);
        return Ok(Vec::new());
    }
    let Ok(mut now) = read_sqlite(&folder.join("main.db")) else {
        let what = "verify says that all is well, and it cannot be read";
        return Ok(vec![Violation::new(Promise::I10Storage, what)]);
    };
    if same(&now, before) {
        tally.add("damages without harm", 1);
        return Ok(Vec::new());
    }
    let lost = now.events.len() < before.events.len() || now.requests.len() < before.requests.len();
    if lost && file.ends_with("-wal") {
        tally.add("lost tails of the log, a blind spot", 1);
        return Ok(super::images::is_prefix(&now, before, 0));
    }
    forget_blind_spots(&mut now);
    let mut before = before.clone();
    forget_blind_spots(&mut before);
    if same(&now, &before) {
        tally.add("changed texts and times, a blind spot", 1);
        return Ok(Vec::new());
    }
    let what = format!(
        "verify says that all is well, and yet {}",
        first_difference(&format!("{before:#?}"), &format!("{now:#?}"))
    );
    Ok(vec![Violation::new(Promise::I3Counts, what)])
}

/// The first lines that differ.
fn first_difference(before: &str, now: &str) -> String {
    let differ = before.lines().zip(now.lines()).find(|(before, now)| before != now);
    let (before, now) = differ.unwrap_or(("the one is longer", "the other"));
    format!("{} has become {}", before.trim(), now.trim())
}

fn same(one: &Witness, other: &Witness) -> bool {
    format!("{one:?}") == format!("{other:?}")
}

/// What nothing else in the ledger depends on: texts, when things happened, keys and hashes of
/// requests, and the times of those that have no events.
fn forget_blind_spots(witness: &mut Witness) {
    for event in &mut witness.events {
        event.occurred_at = None;
        event.reference = None;
        event.note = None;
    }
    let recorded: BTreeSet<_> = witness.events.iter().filter_map(|e| e.request_id).collect();
    for request in &mut witness.requests {
        request.key = String::new();
        request.hash = Vec::new();
        if !recorded.contains(&request.id) {
            request.created_at = item_event_store::time::Timestamp::from_micros(0);
        }
    }
    for item in &mut witness.items {
        (item.name, item.sku, item.unit) = (String::new(), None, String::new());
    }
}
