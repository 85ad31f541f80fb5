//! kill -9 of the server at a random instant, under load (F1).

use super::session::Session;
use crate::place::Backend;
use crate::random::Random;
use crate::run::{Run, Tally};
use anyhow::Result;
use std::time::Duration;

/// Cycles on one store.
const CYCLES_A_STORE: u64 = 10;
const CLIENTS: u64 = 6;

pub async fn run(run: &Run, backend: Backend, cycles: u64) -> Result<Tally> {
    let mut tally = Tally::default();
    let mut done = 0;
    while done < cycles {
        let seed = Random::of(run.seed, &[1, done]).next();
        let here = CYCLES_A_STORE.min(cycles - done);
        let place = run.place(backend).await?;
        let (mut session, mut server) = Session::start(run, place, seed, CLIENTS).await?;
        for cycle in 0..here {
            let mut random = Random::of(seed, &[cycle]);
            let since = session.load.history.len();
            let load = session.cycle(cycle);
            let clients = load.start(&server.url);
            tokio::time::sleep(Duration::from_micros(random.below(250_000) + 20_000)).await;
            server.kill()?;
            clients.stop().await?;
            server = session.launch.start()?;
            let broken = session.settle(&server, since).await?;
            tally.add("kills", 1);
            done += 1;
            run.say(format!("kill -9, {}: {tally}", backend.name()));
            if tally.found(broken) {
                return Ok(tally);
            }
        }
        server.terminate()?;
        session.verify(run, &mut tally)?;
        if !tally.broken.is_empty() {
            break;
        }
    }
    Ok(tally)
}
