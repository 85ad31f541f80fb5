//! Followers whose stream is cut at random bytes (F19), clients that all want the last unit (G18),
//! and clients that vanish: a long-lived server, which must leave nothing behind.

use super::session::Session;
use crate::call::Call;
use crate::check::{Promise, Violation};
use crate::follow::Follower;
use crate::history::Outcome;
use crate::place::Backend;
use crate::random::Random;
use crate::run::{Run, Tally};
use crate::server::Server;
use anyhow::{Result, ensure};
use item_event_store::command::Movement;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;
use tokio::task::JoinSet;

const FOLLOWERS: usize = 10;
/// What a server may hold more after a hundred clients that are gone.
const MORE_KIB: u64 = 16 * 1024;
/// Files that it may have open more: connections of its own to the store.
const MORE_FILES: usize = 8;

/// Each follower is cut again and again while events keep coming, and misses none.
pub async fn cuts(run: &Run, backend: Backend, cuts: u64) -> Result<Tally> {
    let mut tally = Tally::default();
    let place = run.place(backend).await?;
    let (mut session, mut server) = Session::start(run, place, run.seed, 4).await?;
    let client = session.load.tokens.admin(&server.url);
    let mut load = session.cycle(0);
    load.goes_on = true;
    let clients = load.start(&server.url);
    let each = usize::try_from(cuts)?.div_ceil(FOLLOWERS);
    let mut followers = JoinSet::new();
    for number in 0..FOLLOWERS {
        let (client, mut random) = (client.clone(), Random::of(run.seed, &[19, number as u64]));
        followers.spawn(async move {
            let mut follower = Follower::default();
            for _ in 0..each {
                let mut stream = follower.open(&client).await?;
                follower.read_bytes(&mut stream, random.index(3_000) + 1).await?;
            }
            anyhow::Ok(follower)
        });
    }
    let mut cut = Vec::new();
    while let Some(follower) = followers.join_next().await {
        cut.push(follower??);
        tally.add("streams cut", each);
        run.say(format!("streams cut, {}: {tally}", backend.name()));
    }
    clients.stop().await?;
    let mut broken = session.settle(&server, 0).await?;
    let witness = session.witness().await?;
    for follower in &mut cut {
        let mut stream = follower.open(&client).await?;
        follower.read_to(&mut stream, witness.position).await?;
        follower.check(&witness, &mut broken);
        tally.add("events followed", follower.events.len());
        if follower.position() < witness.position {
            let what = format!("a follower got to {} only", follower.position());
            broken.push(Violation::new(Promise::I8Followers, what));
        }
    }
    tally.found(broken);
    server.terminate()?;
    session.verify(run, &mut tally)?;
    Ok(tally)
}

/// One unit is there, and all clients want it at once: exactly one gets it.
pub async fn race(run: &Run, backend: Backend, rounds: u64, clients: u64) -> Result<Tally> {
    let mut tally = Tally::default();
    let place = run.place(backend).await?;
    let (mut session, mut server) = Session::start(run, place, run.seed, 1).await?;
    let client = session.load.tokens.admin(&server.url);
    let history = Arc::clone(&session.load.history);
    let name = &session.load.name;
    let empty = Arc::new(Call::creating(&format!("{name}-race"), &client.actor, 1));
    let made = client.call_until_known(&history, &empty).await?;
    ensure!(made.outcome() == Outcome::Done, "an item for the race");
    let item = session.load.seen.items() + 1;
    let mut broken = Vec::new();
    for round in 0..rounds {
        let mut racers = JoinSet::new();
        for number in 0..clients {
            let key = format!("{name}-race-{round}-{number}");
            let call = Arc::new(Call::moving(&key, &client.actor, item, Movement::Bakeoff, 1));
            let (client, history) = (client.clone(), Arc::clone(&history));
            racers.spawn(async move { client.call_until_known(&history, &call).await });
        }
        let mut won = 0;
        while let Some(answer) = racers.join_next().await {
            won += u64::from(answer??.outcome() == Outcome::Done);
        }
        if won != 1 {
            let what = format!("round {round}: {won} clients got the last unit");
            broken.push(Violation::new(Promise::I5Rules, what));
        }
        let key = format!("{name}-again-{round}");
        let call = Arc::new(Call::moving(&key, &client.actor, item, Movement::Batch, 1));
        client.call_until_known(&history, &call).await?;
        tally.add("races for the last unit", 1);
        if round % 50 == 0 {
            run.say(format!("the last unit, {}: {tally}", backend.name()));
        }
    }
    broken.extend(session.settle(&server, history.len()).await?);
    tally.found(broken);
    server.terminate()?;
    session.verify(run, &mut tally)?;
    Ok(tally)
}

/// Clients that go away in the middle of what they send, or before the answer: what they asked for
/// happened whole or not at all, and the server holds nothing of them.
pub async fn vanish(run: &Run, backend: Backend, clients: u64) -> Result<Tally> {
    let mut tally = Tally::default();
    let place = run.place(backend).await?;
    let (mut session, mut server) = Session::start(run, place, run.seed, 3).await?;
    let mut random = Random::of(run.seed, &[23]);
    wave(&session, &server, &mut random, clients / 2).await?;
    let baseline = settled_files(&server).await?;
    let held = server.resident_kib()?;
    wave(&session, &server, &mut random, clients - clients / 2).await?;
    tally.add("clients that vanished", usize::try_from(clients)?);
    let mut broken = Vec::new();
    let files = settled_files(&server).await?;
    if files > baseline + MORE_FILES {
        let what = format!("{baseline} files were open, now {files} are");
        broken.push(Violation::new(Promise::I12Leaks, what));
    }
    let since = session.load.history.len();
    let running = session.cycle(0).start(&server.url);
    tokio::time::sleep(Duration::from_millis(200)).await;
    running.stop().await?;
    broken.extend(session.settle(&server, since).await?);
    tally.found(broken);
    let holds = server.resident_kib()?;
    if holds > held + MORE_KIB {
        let what = format!("{held} KiB were held, now {holds} are");
        tally.broken.push(Violation::new(Promise::I12Leaks, what));
    }
    server.terminate()?;
    session.verify(run, &mut tally)?;
    run.say(format!("clients that vanish, {}: {tally}", backend.name()));
    Ok(tally)
}

/// Raw requests that are cut at a random byte, or whose answer is not waited for. They are in the
/// history as calls that were lost, and found out later like all others.
async fn wave(session: &Session, server: &Server, random: &mut Random, n: u64) -> Result<()> {
    let admin = &session.load.tokens.admin;
    let actor = session.load.tokens.admin(&server.url).actor.clone();
    for _ in 0..n {
        let key = format!("{}-gone-{}", session.load.name, session.load.history.len());
        let call = Arc::new(Call::moving(&key, &actor, 1, Movement::Batch, 1));
        let number =
            session.load.history.invoke(crate::history::Action::Write(Arc::clone(&call)))?;
        let body = call.body().to_string();
        let text = format!(
            "POST {} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {admin}\r\n\
             idempotency-key: \"{key}\"\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n{body}",
            call.path(),
            body.len()
        );
        let sent = if random.one_in(2) { text.len() } else { random.index(text.len()) };
        let mut socket = tokio::net::TcpStream::connect(server.address()).await?;
        socket.write_all(&text.as_bytes()[..sent]).await?;
        if random.one_in(2) {
            tokio::time::sleep(Duration::from_millis(random.below(3))).await;
        }
        drop(socket);
        let lost = crate::history::Answer::Lost("the client went away".into());
        session.load.history.answer(number, lost)?;
    }
    session.load.resolve(&server.url, 0).await
}

/// Open files once the connections that are gone have been noticed.
async fn settled_files(server: &Server) -> Result<usize> {
    let mut least = usize::MAX;
    for _ in 0..20 {
        least = least.min(server.open_files()?);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(least)
}
