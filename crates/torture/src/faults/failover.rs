//! The primary of a pair of PostgreSQL servers is lost under a running service, and its
//! synchronous replica takes over (F16): what was acknowledged is there, and whoever followed the
//! old history is told that there is a new one.

use super::session::Session;
use crate::cluster::Cluster;
use crate::follow::Follower;
use crate::place::Place;
use crate::random::Random;
use crate::run::{Run, Tally};
use crate::server::Server;
use anyhow::{Result, ensure};
use std::sync::Arc;
use std::time::{Duration, Instant};

const CLIENTS: u64 = 5;
const DATABASE: &str = "run";
const PATIENCE: Duration = Duration::from_secs(20);
/// How long clients go on after it.
const AFTERWARDS: Duration = Duration::from_millis(700);

pub async fn run(run: &Run, failovers: u64) -> Result<Tally> {
    let mut tally = Tally::default();
    let number = run.number();
    let folders = ["a", "b"].map(|name| run.disk().join(format!("pair-{number}-{name}")));
    let mut primary = Arc::new(Cluster::create(&folders[0], &folders[0].join("data"))?);
    primary.start("")?;
    primary.create_database(DATABASE).await?;
    // The service knows both, and takes the one that can be written to.
    let [a, b] = folders.each_ref().map(|folder| folder.display());
    let url = format!(
        "postgres://postgres@/{DATABASE}?host={a}&host={b}&target_session_attrs=read-write"
    );
    let (mut session, mut server) =
        Session::start_with(run, at(&primary), run.launch(&url), run.seed, CLIENTS).await?;
    for (failover, folder) in (0..failovers).zip(folders.iter().cycle().skip(1)) {
        let replica = Arc::new(primary.replica(folder)?);
        wait_for_replica(&primary).await?;
        let mut random = Random::of(run.seed, &[16, failover]);
        let since = session.load.history.len();
        let mut load = session.cycle(failover);
        load.goes_on = true;
        let clients = load.start(&server.url);
        tokio::time::sleep(Duration::from_millis(random.below(300) + 100)).await;
        let follower = catch_up(&session, &server).await?;
        primary.stop("immediate")?;
        replica.promote()?;
        tokio::time::sleep(AFTERWARDS).await;
        clients.stop().await?;
        session.place = at(&replica);
        session.follower = Follower::default();
        let mut broken = session.settle(&server, since).await?;
        follower.check(&session.witness().await?, &mut broken);
        broken.extend(session.told(&server, &follower).await?);
        tally.add("primaries lost", 1);
        run.say(format!("failover: {tally}"));
        if tally.found(broken) {
            return Ok(tally);
        }
        primary = replica;
    }
    server.terminate()?;
    session.verify(run, &mut tally)?;
    Ok(tally)
}

fn at(cluster: &Arc<Cluster>) -> Place {
    Place::Postgres { cluster: Arc::clone(cluster), database: DATABASE.into() }
}

/// From now on every commit waits for the replica. The copy was made before: it waits for nobody
/// when it takes over.
async fn wait_for_replica(primary: &Cluster) -> Result<()> {
    let admin = primary.connect(DATABASE).await?;
    admin.batch_execute("ALTER SYSTEM SET synchronous_standby_names = '*'").await?;
    admin.batch_execute("SELECT pg_reload_conf()").await?;
    let begun = Instant::now();
    let waits = "SELECT count(*) > 0 FROM pg_stat_replication WHERE sync_state = 'sync'";
    while !admin.query_one(waits, &[]).await?.get::<_, bool>(0) {
        ensure!(begun.elapsed() < PATIENCE, "the replica does not follow");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

/// A follower of the history so far.
async fn catch_up(session: &Session, server: &Server) -> Result<Follower> {
    let mut follower = Follower::default();
    let position = session.witness().await?.position;
    let mut stream = follower.open(&session.load.tokens.admin(&server.url)).await?;
    follower.read_to(&mut stream, position).await?;
    Ok(follower)
}
