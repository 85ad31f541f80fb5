//! A disk that is full under the real server, and has room again (F7): writes are not started
//! while reads go on, and it goes on by itself when there is room. Under PostgreSQL it is the disk
//! with the tables; without room for its log PostgreSQL itself stops, which `backends` does to it.

use super::session::Session;
use crate::check::{Promise, Violation};
use crate::cluster::Cluster;
use crate::disk::Disk;
use crate::ext4::Ext4;
use crate::history::{Answer, Op};
use crate::place::{Backend, Place};
use crate::random::Random;
use crate::run::{Run, Tally};
use crate::server::Server;
use anyhow::Result;
use std::sync::Arc;
use std::time::Duration;

const CLIENTS: u64 = 4;
const READS: usize = 10;
const LOOKS: usize = 400;
const LOOK_AGAIN: Duration = Duration::from_millis(25);

/// Long enough that PostgreSQL makes none of its own accord: one needs room for itself.
const NO_CHECKPOINT: &str = "-c checkpoint_timeout=1h";

pub async fn run(run: &Run, backend: Backend, cycles: u64) -> Result<Tally> {
    match backend {
        Backend::Sqlite => {
            let disk = run.new_disk()?;
            full(run, Place::Disk(Arc::clone(&disk)), Room::Ours(&disk), cycles).await
        }
        Backend::Postgres => {
            let folder = run.disk().join(format!("full-{}", run.number()));
            let mut ext4 = Ext4::make(&folder, 256)?;
            let (data, log) = (ext4.path().join("data"), folder.join("wal"));
            let cluster = Arc::new(Cluster::create_apart(&folder.join("run"), &data, &log)?);
            cluster.start(NO_CHECKPOINT)?;
            cluster.create_database("run").await?;
            let place = Place::Postgres { cluster: Arc::clone(&cluster), database: "run".into() };
            let tally = full(run, place, Room::Ext4(&ext4), cycles).await?;
            cluster.stop("immediate")?;
            ext4.unmount()?;
            Ok(tally)
        }
    }
}

/// The disk that gets full.
#[derive(Clone, Copy)]
enum Room<'a> {
    Ours(&'a Disk),
    Ext4(&'a Ext4),
}

impl Room<'_> {
    fn take(self, random: &mut Random) -> Result<()> {
        match self {
            Self::Ours(disk) => disk.limit(Some(disk.used() + random.below(60_000))),
            Self::Ext4(ext4) => ext4.fill()?,
        }
        Ok(())
    }

    fn give_back(self) -> Result<()> {
        match self {
            Self::Ours(disk) => disk.limit(None),
            Self::Ext4(ext4) => ext4.make_room()?,
        }
        Ok(())
    }
}

async fn full(run: &Run, place: Place, room: Room<'_>, cycles: u64) -> Result<Tally> {
    let mut tally = Tally::default();
    let (mut session, mut server) = Session::start(run, place, run.seed, CLIENTS).await?;
    for cycle in 0..cycles {
        let mut random = Random::of(run.seed, &[8, cycle]);
        let since = session.load.history.len();
        let mut load = session.cycle(cycle);
        load.goes_on = true;
        let clients = load.start(&server.url);
        tokio::time::sleep(Duration::from_millis(random.below(100))).await;
        room.take(&mut random)?;
        let mut broken = while_full(&session, &server, since).await?;
        room.give_back()?;
        tokio::time::sleep(Duration::from_millis(random.below(100))).await;
        clients.stop().await?;
        broken.extend(session.settle(&server, since).await?);
        tally.add("times that the disk was full", 1);
        let ops = session.load.history.ops();
        tally.add("writes refused for it", ops[since..].iter().filter(|op| refused(op)).count());
        run.say(format!("full disk: {tally}"));
        if tally.found(broken) {
            return Ok(tally);
        }
    }
    server.terminate()?;
    session.verify(run, &mut tally)?;
    Ok(tally)
}

/// A write that was told that the disk is full, and that it was not started.
fn refused(op: &Op) -> bool {
    let Answer::Reply { status: 503, body, .. } = &op.answer else { return false };
    body["code"] == "storage_full" && body["executed"] == "no"
}

/// Waits until writes are refused, and reads then.
async fn while_full(session: &Session, server: &Server, since: usize) -> Result<Vec<Violation>> {
    let history = &session.load.history;
    let mut looks = 0;
    while !history.ops()[since..].iter().any(refused) {
        looks += 1;
        if looks > LOOKS {
            let what = "no write was told that the disk is full";
            return Ok(vec![Violation::new(Promise::I11Errors, what)]);
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
    let client = session.load.tokens.admin(&server.url);
    let mut broken = Vec::new();
    for _ in 0..READS {
        for path in ["/v1/items/1/inventory", "/v1/inventory", "/v1/events?limit=5"] {
            let answer = client.get(path).await;
            if !answer.as_ref().is_ok_and(|reply| reply.status == 200) {
                let what = format!("while the disk is full, {path} is answered {answer:?}");
                broken.push(Violation::new(Promise::I11Errors, what));
            }
        }
    }
    Ok(broken)
}
