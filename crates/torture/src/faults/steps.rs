//! Death at every named step of the write path, of a migration, of a backup and of a restore (F2).
//! Needs a build with failpoints.

use super::session::Session;
use crate::check::{Promise, Violation};
use crate::place::{Backend, Place};
use crate::random::Random;
use crate::run::{Run, Tally};
use anyhow::Result;
use std::path::Path;

const CLIENTS: u64 = 4;
/// The latest passage that is the last: late enough to meet a store in use, soon enough to be met.
const LAST_PASSAGE: u64 = 12;

/// Steps that the writer passes with every batch.
const WRITER: [&str; 7] = [
    "before_begin",
    "after_begin",
    "before_append",
    "before_commit",
    "after_commit",
    "before_answer",
    "after_answer",
];
/// Those that only a SQLite ledger has.
const SQLITE: [&str; 4] = ["after_events", "after_counts", "before_checkpoint", "after_checkpoint"];
/// Those passed while a store is made.
const OPENING: [&str; 1] = ["mid_migration"];
/// Those of a copy.
const COPYING: [&str; 2] = ["after_copy", "before_naming"];

pub async fn run(run: &Run, backend: Backend, times: u64) -> Result<Tally> {
    let mut tally = Tally::default();
    let sqlite = backend == Backend::Sqlite;
    let steps = WRITER.iter().chain(SQLITE.iter().filter(|_| sqlite));
    for (step, number) in steps.zip(0..) {
        writer_dies(run, backend, step, &[2, number], times, &mut tally).await?;
    }
    for step in OPENING.iter().filter(|step| sqlite || **step == "mid_migration") {
        for _ in 0..times {
            opening_dies(run, backend, step, &mut tally).await?;
        }
    }
    if sqlite {
        for step in COPYING {
            copying_dies(run, step, times, &mut tally).await?;
        }
    }
    Ok(tally)
}

fn not_reached(step: &str) -> Violation {
    Violation::new(Promise::I11Errors, format!("the step {step} was never passed"))
}

async fn writer_dies(
    run: &Run,
    backend: Backend,
    step: &str,
    parts: &[u64],
    times: u64,
    tally: &mut Tally,
) -> Result<()> {
    let mut random = Random::of(run.seed, parts);
    let place = run.place(backend).await?;
    let (mut session, mut server) = Session::start(run, place, random.next(), CLIENTS).await?;
    for cycle in 0..times {
        server.terminate()?;
        let passage = format!("{step}:{}", random.below(LAST_PASSAGE) + 1);
        let mut doomed = session.launch.clone().env("IES_FAILPOINT", &passage).start()?;
        let since = session.load.history.len();
        let clients = session.cycle(cycle).start(&doomed.url);
        let died = tokio::task::spawn_blocking(move || doomed.wait()).await?.is_ok();
        clients.stop().await?;
        server = session.launch.start()?;
        let mut broken = session.settle(&server, since).await?;
        broken.extend((!died).then(|| not_reached(step)));
        tally.add("deaths at a step", 1);
        run.say(format!("death at {step}, {}: {tally}", backend.name()));
        if tally.found(broken) {
            return Ok(());
        }
    }
    server.terminate()?;
    session.verify(run, tally)
}

/// The store that a start left half made is made by the next one.
async fn opening_dies(run: &Run, backend: Backend, step: &str, tally: &mut Tally) -> Result<()> {
    let place = run.place(backend).await?;
    // The second passage on SQLite: the first is that of the tokens.
    let last = if step == "mid_migration" && backend == Backend::Sqlite { 3 } else { 1 };
    let passage = format!("{step}:{}", Random::of(run.seed, &[3, run.number()]).below(last) + 1);
    let launch = run.launch(&place.store());
    if launch.clone().env("IES_FAILPOINT", &passage).start().is_ok() {
        tally.broken.push(not_reached(step));
    }
    let (mut session, mut server) = Session::start(run, place, run.seed, 1).await?;
    let broken = session.settle(&server, 0).await?;
    server.terminate()?;
    session.verify(run, tally)?;
    tally.add("deaths at a step", 1);
    tally.found(broken);
    run.say(format!("death at {step}, {}: {tally}", backend.name()));
    Ok(())
}

/// A copy that was interrupted is never taken for one, and does not stand in the way of the next.
async fn copying_dies(run: &Run, step: &str, times: u64, tally: &mut Tally) -> Result<()> {
    let place = run.place(Backend::Sqlite).await?;
    let (session, mut server) = Session::start(run, place, run.seed, CLIENTS).await?;
    let clients = session.cycle(0).start(&server.url);
    let mut broken = Vec::new();
    for _ in 0..times {
        let number = run.number();
        let copy = run.disk().join(format!("backup-{number}.db"));
        let restored = Place::Sqlite(run.disk().join(format!("restored-{number}")));
        backup_dies(run, &session.launch, step, &copy, &restored, &mut broken)?;
        tally.add("deaths at a step", 1);
        run.say(format!("death at {step}: {tally}"));
    }
    clients.stop().await?;
    server.terminate()?;
    tally.found(broken);
    session.verify(run, tally)
}

fn backup_dies(
    run: &Run,
    launch: &crate::server::Launch,
    step: &str,
    copy: &Path,
    restored: &Place,
    broken: &mut Vec<Violation>,
) -> Result<()> {
    let mut is = |what: String| broken.push(Violation::new(Promise::I10Storage, what));
    let file = copy.display().to_string();
    let doomed = |launch: &crate::server::Launch, arguments: &[&str]| {
        launch.clone().env("IES_FAILPOINT", &format!("{step}:1")).run(arguments)
    };
    if doomed(launch, &["backup", &file])?.status.success() || copy.exists() {
        is(format!("a backup that died at {step} stands there as one"));
    }
    let output = launch.run(&["backup", &file])?;
    if !output.status.success() {
        is(format!("a backup after one that died: {}", String::from_utf8_lossy(&output.stderr)));
    }
    let into = run.launch(&restored.store());
    if doomed(&into, &["restore", &file])?.status.success() {
        is(format!("a restore that was to die at {step} did not"));
    }
    for arguments in [&["restore", &file] as &[&str], &["verify"]] {
        let output = into.run(arguments)?;
        if !output.status.success() {
            let error = String::from_utf8_lossy(&output.stderr);
            is(format!("{arguments:?} after one that died at {step}: {error}"));
        }
    }
    Ok(())
}
