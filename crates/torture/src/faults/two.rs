//! Two processes on one store (F10, F17). On SQLite the second is refused while the first goes on,
//! and gets its turn when the first is dead. On PostgreSQL both write to one ledger, and one of
//! them is killed again and again.

use super::session::Session;
use crate::check::{Promise, Violation};
use crate::place::Backend;
use crate::random::Random;
use crate::run::{Run, Tally};
use crate::server::Launch;
use anyhow::Result;
use std::time::Duration;

const CLIENTS: u64 = 4;

pub async fn run(run: &Run, backend: Backend, cycles: u64) -> Result<Tally> {
    match backend {
        Backend::Sqlite => one_at_a_time(run, cycles).await,
        Backend::Postgres => side_by_side(run, cycles).await,
    }
}

async fn one_at_a_time(run: &Run, cycles: u64) -> Result<Tally> {
    let mut tally = Tally::default();
    let place = run.place(Backend::Sqlite).await?;
    let (mut session, mut server) = Session::start(run, place, run.seed, CLIENTS).await?;
    for cycle in 0..cycles {
        let since = session.load.history.len();
        let clients = session.cycle(cycle).start(&server.url);
        let mut broken = Vec::new();
        for arguments in [&["serve", "--addr", "127.0.0.1:0"][..], &["record", "batch", "1", "1"]] {
            broken.extend(refused(&session.launch, arguments)?);
            tally.add("second processes refused", 1);
        }
        // Whoever only reads may.
        let read = session.launch.run(&["verify"])?;
        if !read.status.success() {
            let said = String::from_utf8_lossy(&read.stderr).into_owned();
            broken.push(Violation::new(Promise::I10Storage, format!("verify beside: {said}")));
        }
        server.kill()?;
        clients.stop().await?;
        // Two that start at one moment: one of them gets it.
        let (one, other) = (session.launch.clone(), session.launch.clone());
        let one = std::thread::spawn(move || one.start());
        let other = std::thread::spawn(move || other.start());
        let mut started: Vec<_> =
            [one.join(), other.join()].into_iter().flatten().flatten().collect();
        if started.len() != 1 {
            let what = format!("{} of two servers got the store", started.len());
            broken.push(Violation::new(Promise::I10Storage, what));
        }
        tally.add("starts at one moment", 1);
        server = match started.pop() {
            Some(server) => server,
            None => session.launch.start()?,
        };
        broken.extend(session.settle(&server, since).await?);
        run.say(format!("two processes, sqlite: {tally}"));
        if tally.found(broken) {
            return Ok(tally);
        }
    }
    server.terminate()?;
    session.verify(run, &mut tally)?;
    Ok(tally)
}

/// Another process that wants to write is told that the store is in use.
fn refused(launch: &Launch, arguments: &[&str]) -> Result<Option<Violation>> {
    let output = launch.run(arguments)?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() || !said.contains("open for writing") {
        let what = format!("{arguments:?} beside a server: {} {said}", output.status);
        return Ok(Some(Violation::new(Promise::I10Storage, what)));
    }
    Ok(None)
}

async fn side_by_side(run: &Run, cycles: u64) -> Result<Tally> {
    let mut tally = Tally::default();
    let place = run.place(Backend::Postgres).await?;
    let (mut session, first) = Session::start(run, place, run.seed, CLIENTS).await?;
    let mut servers = [first, session.launch.start()?];
    for cycle in 0..cycles {
        let mut random = Random::of(run.seed, &[17, cycle]);
        let since = session.load.history.len();
        let clients: Vec<_> = (0..)
            .zip(&servers)
            .map(|(number, server)| session.cycle(2 * cycle + number).start(&server.url))
            .collect();
        tokio::time::sleep(Duration::from_millis(random.below(300) + 50)).await;
        let doomed = random.index(2);
        servers[doomed].kill()?;
        tokio::time::sleep(Duration::from_millis(random.below(100))).await;
        for clients in clients {
            clients.stop().await?;
        }
        servers[doomed] = session.launch.start()?;
        tally.add("kills of one of two servers", 1);
        let broken = session.settle(&servers[random.index(2)], since).await?;
        run.say(format!("two processes, postgres: {tally}"));
        if tally.found(broken) {
            return Ok(tally);
        }
    }
    for server in &mut servers {
        server.terminate()?;
    }
    session.verify(run, &mut tally)?;
    Ok(tally)
}
