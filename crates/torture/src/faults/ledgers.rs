//! Many ledgers of one store under load at once, and kill -9 of the server (F1): each keeps its own
//! promises, and nothing of one is in another.

use super::session::Session;
use crate::place::Backend;
use crate::random::Random;
use crate::run::{Run, Tally};
use anyhow::Result;
use std::time::Duration;

const CLIENTS: u64 = 2;
const OTHERS: u64 = 5;

pub async fn run(run: &Run, backend: Backend, cycles: u64) -> Result<Tally> {
    let mut tally = Tally::default();
    let place = run.place(backend).await?;
    let (first, mut server) = Session::start(run, place, run.seed, CLIENTS).await?;
    let mut sessions = vec![first];
    for number in 0..OTHERS {
        let other = sessions[0].beside(run, &server, &format!("bakery-{number}")).await?;
        sessions.push(other);
    }
    for cycle in 0..cycles {
        let mut random = Random::of(run.seed, &[2, cycle]);
        let mut under_way = Vec::new();
        for session in &sessions {
            let since = session.load.history.len();
            under_way.push((since, session.cycle(cycle).start(&server.url)));
        }
        tokio::time::sleep(Duration::from_millis(random.below(300) + 50)).await;
        server.kill()?;
        server = sessions[0].launch.start()?;
        let mut broken = Vec::new();
        for (session, (since, clients)) in sessions.iter_mut().zip(under_way) {
            clients.stop().await?;
            broken.extend(session.settle(&server, since).await?);
        }
        tally.add("kills", 1);
        run.say(format!("many ledgers, {}: {tally}", backend.name()));
        if tally.found(broken) {
            return Ok(tally);
        }
    }
    server.terminate()?;
    tally.add("ledgers", sessions.len());
    for session in &sessions {
        session.verify(run, &mut tally)?;
    }
    Ok(tally)
}
