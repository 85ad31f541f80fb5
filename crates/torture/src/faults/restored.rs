//! An old backup takes the place of the ledger (F25): the backup is whole, and whoever follows is
//! told that history diverged instead of silently missing what is gone, also when the ledger has
//! grown beyond it again.

use super::images::is_prefix;
use super::session::Session;
use crate::check::{Violation, tables};
use crate::follow::Follower;
use crate::generate::Seen;
use crate::history::History;
use crate::load::{Load, acknowledged_keys};
use crate::place::{Backend, Place};
use crate::random::Random;
use crate::run::{Run, Tally};
use crate::server::Server;
use crate::witness::read_sqlite;
use anyhow::{Result, bail, ensure};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

const CLIENTS: u64 = 4;
const PUSHES: usize = 100;

pub async fn run(run: &Run, cycles: u64) -> Result<Tally> {
    let mut tally = Tally::default();
    for cycle in 0..cycles {
        let broken = one(run, cycle, &mut tally).await?;
        run.say(format!("old backups: {tally}"));
        if tally.found(broken) {
            break;
        }
    }
    Ok(tally)
}

async fn one(run: &Run, cycle: u64, tally: &mut Tally) -> Result<Vec<Violation>> {
    let mut random = Random::of(run.seed, &[25, cycle]);
    let place = run.place(Backend::Sqlite).await?;
    let (mut session, mut server) = Session::start(run, place, random.next(), CLIENTS).await?;
    let clients = session.cycle(0).start(&server.url);
    tokio::time::sleep(Duration::from_millis(random.below(150) + 20)).await;
    let before = acknowledged_keys(&session.load.history.ops());
    let copy = run.disk().join(format!("backup-{}.db", run.number()));
    let made = session.launch.run(&["backup", &copy.display().to_string()])?;
    ensure!(made.status.success(), "a backup: {}", String::from_utf8_lossy(&made.stderr));
    tokio::time::sleep(Duration::from_millis(random.below(100) + 20)).await;
    clients.stop().await?;
    push(&session.load, &server, &session.place, read_sqlite(&copy)?.position, 1).await?;
    let mut broken = session.settle(&server, 0).await?;
    server.terminate()?;
    session.verify(run, tally)?;
    let old = session.witness().await?;
    broken.extend(is_prefix(&read_sqlite(&copy)?, &old, before));
    let as_a_file = random.one_in(2);
    take_place(&session, &copy, as_a_file)?;
    tally.add(if as_a_file { "backups copied back" } else { "backups restored" }, 1);

    let mut server = session.launch.start()?;
    broken.extend(session.told(&server, &session.follower).await?);
    let load = Load {
        history: Arc::new(History::in_memory()?),
        seen: Arc::new(Seen::default()),
        name: format!("{}-after", session.load.name),
        ..session.load.clone()
    };
    push(&load, &server, &session.place, session.follower.position(), 2).await?;
    broken.extend(session.told(&server, &session.follower).await?);
    let now = session.witness().await?;
    let client = session.load.tokens.admin(&server.url);
    let mut anew = Follower::default();
    let mut stream = anew.open(&client).await?;
    anew.read_to(&mut stream, now.position).await?;
    anew.check(&now, &mut broken);
    tables::check_alone(&now, &mut broken);
    server.terminate()?;
    session.verify(run, &mut Tally::default())?;
    Ok(broken)
}

/// Writes until the log is longer than `position`.
async fn push(load: &Load, server: &Server, place: &Place, position: i64, wave: u64) -> Result<()> {
    for number in 0..PUSHES {
        if place.witness(&load.tokens.ledger).await?.position > position {
            return Ok(());
        }
        let name = format!("{}-{wave}-{number}", load.name);
        let clients = Load { name, ..load.clone() }.start(&server.url);
        tokio::time::sleep(Duration::from_millis(100)).await;
        clients.stop().await?;
    }
    bail!("the log does not grow beyond {position}")
}

/// Puts the copy where the ledger was: by `ies restore`, or as somebody who copies files would.
fn take_place(session: &Session, copy: &Path, as_a_file: bool) -> Result<()> {
    let Place::Sqlite(folder) = &session.place else { bail!("a folder") };
    for name in ["main.db", "main.db-wal", "main.db-shm"] {
        let _ = std::fs::remove_file(folder.join(name));
    }
    if as_a_file {
        std::fs::copy(copy, folder.join("main.db"))?;
        return Ok(());
    }
    let output = session.launch.run(&["restore", &copy.display().to_string()])?;
    ensure!(output.status.success(), "a restore: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}
