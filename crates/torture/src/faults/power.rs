//! Simulated loss of power (F3, F4): a real file system is shut down under the running server, so
//! that whatever was not synced is gone. The server's processes are stopped first: nothing is under
//! way while the ioctl is carried out.

use super::session::Session;
use crate::check::{Promise, Violation};
use crate::cluster::Cluster;
use crate::ext4::Ext4;
use crate::place::{Backend, Place};
use crate::random::Random;
use crate::run::{Run, Tally};
use crate::server::Server;
use anyhow::Result;
use std::sync::Arc;
use std::time::Duration;

const CLIENTS: u64 = 5;
pub async fn run(run: &Run, backend: Backend, losses: u64) -> Result<Tally> {
    match backend {
        Backend::Sqlite => sqlite(run, losses).await,
        Backend::Postgres => postgres(run, losses).await,
    }
}

/// The next cycle begins on what the last one left.
async fn sqlite(run: &Run, losses: u64) -> Result<Tally> {
    let mut tally = Tally::default();
    let mut ext4 = Ext4::make(&run.disk().join(format!("ext4-{}", run.number())), 128)?;
    let mut done = 0;
    while done < losses && tally.broken.is_empty() {
        let place = Place::Sqlite(ext4.path().join(format!("store-{done}")));
        let seed = Random::of(run.seed, &[4, done]).next();
        let (mut session, mut server) = Session::start(run, place, seed, CLIENTS).await?;
        for cycle in 0..20.min(losses - done) {
            let since = session.load.history.len();
            let clients = session.cycle(cycle).start(&server.url);
            tokio::time::sleep(instant(seed, cycle)).await;
            server.freeze()?;
            ext4.shut_down()?;
            server.kill()?;
            clients.stop().await?;
            ext4.come_back()?;
            done += 1;
            tally.add("losses of power", 1);
            server = match restarted(&session, &mut tally) {
                Some(server) => server,
                None => return Ok(tally),
            };
            let broken = session.settle(&server, since).await?;
            run.say(format!("loss of power, sqlite: {tally}"));
            if tally.found(broken) {
                return Ok(tally);
            }
        }
        server.terminate()?;
        session.verify(run, &mut tally)?;
    }
    Ok(tally)
}

fn instant(seed: u64, cycle: u64) -> Duration {
    Duration::from_micros(Random::of(seed, &[cycle]).below(180_000) + 40_000)
}

fn restarted(session: &Session, tally: &mut Tally) -> Option<Server> {
    match session.launch.start() {
        Ok(server) => Some(server),
        Err(error) => {
            let what = format!("after a loss of power: {error:#}");
            tally.broken.push(Violation::new(Promise::I11Errors, what));
            None
        }
    }
}

async fn postgres(run: &Run, losses: u64) -> Result<Tally> {
    let mut tally = Tally::default();
    let folder = run.disk().join(format!("pgdisk-{}", run.number()));
    let mut ext4 = Ext4::make(&folder, 512)?;
    let cluster = Arc::new(Cluster::create(&folder.join("run"), &ext4.path().join("data"))?);
    cluster.start("")?;
    cluster.create_database("run").await?;
    let place = Place::Postgres { cluster: Arc::clone(&cluster), database: "run".into() };
    let (mut session, mut server) = Session::start(run, place, run.seed, CLIENTS).await?;
    for cycle in 0..losses {
        let since = session.load.history.len();
        let mut load = session.cycle(cycle);
        load.goes_on = true;
        let clients = load.start(&server.url);
        tokio::time::sleep(instant(run.seed, cycle) + Duration::from_millis(400)).await;
        server.freeze()?;
        let processes = cluster.freeze()?;
        ext4.shut_down()?;
        server.kill()?;
        Cluster::kill(&processes)?;
        let _ = clients.stop().await;
        ext4.come_back()?;
        cluster.start("")?;
        tally.add("losses of power", 1);
        server = match restarted(&session, &mut tally) {
            Some(server) => server,
            None => return Ok(tally),
        };
        let broken = session.settle(&server, since).await?;
        run.say(format!("loss of power, postgres: {tally}"));
        if tally.found(broken) {
            break;
        }
    }
    server.terminate()?;
    if tally.broken.is_empty() {
        session.verify(run, &mut tally)?;
    }
    cluster.stop("immediate")?;
    ext4.unmount()?;
    Ok(tally)
}
