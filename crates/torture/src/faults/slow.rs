//! A slow disk, and more requests than may wait for it (F9, F21): whoever finds the queue full is
//! told that nothing was started, all others get their answer, and nothing is lost or done twice.

use super::session::Session;
use crate::call::Call;
use crate::check::{Promise, Violation};
use crate::client::Client;
use crate::history::Answer;
use crate::place::Place;
use crate::random::Random;
use crate::run::{Run, Tally};
use crate::server::Server;
use anyhow::Result;
use item_event_store::command::Movement;
use item_event_store::limits::QUEUE_REQUESTS;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

const CLIENTS: u64 = 8;
/// What a sync may take in milliseconds.
const SYNC_MILLIS: [u64; 4] = [5, 50, 200, 1_000];
/// More than may wait and be under way.
const CROWD: usize = QUEUE_REQUESTS + 1_000;
/// Requests that one connection carries at once.
const STREAMS: usize = 100;
/// What a sync takes while the crowd arrives: until somebody is refused, or this is much too long.
const STUCK: Duration = Duration::from_mins(1);

pub async fn run(run: &Run, cycles: u64) -> Result<Tally> {
    let mut tally = Tally::default();
    let disk = run.new_disk()?;
    let place = Place::Disk(Arc::clone(&disk));
    let (mut session, mut server) = Session::start(run, place, run.seed, CLIENTS).await?;
    for cycle in 0..cycles {
        let since = session.load.history.len();
        let mut random = Random::of(run.seed, &[9, cycle]);
        disk.slow_down(Duration::from_millis(*random.pick(&SYNC_MILLIS)));
        let clients = session.cycle(cycle).start(&server.url);
        tokio::time::sleep(Duration::from_millis(600)).await;
        clients.stop().await?;
        let mut broken = session.settle(&server, since).await?;
        if cycle == 0 {
            disk.slow_down(STUCK);
            let since = session.load.history.len();
            crowd(&session, &server, || disk.slow_down(Duration::ZERO)).await?;
            disk.slow_down(Duration::ZERO);
            broken.extend(session.settle(&server, since).await?);
            let ops = session.load.history.ops();
            let refused = ops[since..].iter().filter(|op| refused(&op.answer)).count();
            tally.add("requests refused by a full queue", refused);
            if refused == 0 {
                broken.push(Violation::new(Promise::I11Errors, "the queue was never full"));
            }
        }
        tally.add("times that the disk was slow", 1);
        run.say(format!("slow disk: {tally}"));
        if tally.found(broken) {
            return Ok(tally);
        }
    }
    disk.slow_down(Duration::ZERO);
    server.terminate()?;
    session.verify(run, &mut tally)?;
    Ok(tally)
}

/// A write that found no place.
fn refused(answer: &Answer) -> bool {
    let Answer::Reply { status: 503, body, .. } = answer else { return false };
    body["code"] == "busy" && body["executed"] == "no"
}

/// All at once; says so when one of them is refused.
async fn crowd(session: &Session, server: &Server, full: impl Fn()) -> Result<()> {
    let admin = &session.load.tokens.admin;
    let clients: Vec<_> =
        (0..CROWD.div_ceil(STREAMS)).map(|_| Client::many_at_once(&server.url, admin)).collect();
    let mut calls = JoinSet::new();
    for number in 0..CROWD {
        let client = clients[number / STREAMS].clone();
        let key = format!("{}-crowd-{number}", session.load.name);
        let call = Arc::new(Call::moving(&key, &client.actor, 1, Movement::Batch, 1));
        let history = Arc::clone(&session.load.history);
        calls.spawn(async move { client.call(&history, &call).await });
    }
    while let Some(answer) = calls.join_next().await {
        if refused(&answer??) {
            full();
        }
    }
    Ok(())
}
