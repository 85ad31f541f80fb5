//! PostgreSQL itself is hurt under a running service (F12, F13): connections are terminated,
//! statements cancelled, one of its processes killed, all of it stopped at once and started again.

use super::session::Session;
use crate::place::{Backend, Place};
use crate::random::Random;
use crate::run::{Run, Tally};
use anyhow::{Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use std::time::Duration;

const CLIENTS: u64 = 5;
const OURS: &str = "FROM pg_stat_activity WHERE application_name = 'ies'";

pub async fn run(run: &Run, blows: u64) -> Result<Tally> {
    let mut tally = Tally::default();
    let place = run.place(Backend::Postgres).await?;
    let Place::Postgres { cluster, database } = &place else { bail!("a database") };
    let (cluster, database) = (cluster.clone(), database.clone());
    let (mut session, mut server) = Session::start(run, place, run.seed, CLIENTS).await?;
    let mut random = Random::of(run.seed, &[12]);
    for blow in 0..blows {
        let since = session.load.history.len();
        let mut load = session.cycle(blow);
        load.goes_on = true;
        let clients = load.start(&server.url);
        tokio::time::sleep(Duration::from_millis(random.below(150) + 50)).await;
        match random.below(6) {
            0 | 1 => {
                let admin = cluster.connect(&database).await?;
                let sql = format!("SELECT pg_terminate_backend(pid) {OURS}");
                admin.batch_execute(&sql).await?;
            }
            2 | 3 => {
                let admin = cluster.connect(&database).await?;
                admin.batch_execute(&format!("SELECT pg_cancel_backend(pid) {OURS}")).await?;
            }
            4 => {
                let admin = cluster.connect(&database).await?;
                let pids = admin.query(&format!("SELECT pid {OURS}"), &[]).await?;
                let pid = pids.first().and_then(|row| Pid::from_raw(row.get(0)));
                if let Some(pid) = pid {
                    kill_process(pid, Signal::KILL)?;
                }
            }
            _ => {
                cluster.stop("immediate")?;
                tokio::time::sleep(Duration::from_millis(random.below(300))).await;
                cluster.start("")?;
            }
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        clients.stop().await?;
        let broken = session.settle(&server, since).await?;
        tally.add("blows to PostgreSQL", 1);
        run.say(format!("PostgreSQL is hurt: {tally}"));
        if tally.found(broken) {
            return Ok(tally);
        }
    }
    server.terminate()?;
    session.verify(run, &mut tally)?;
    Ok(tally)
}
