//! Commits whose answer is lost (F14): each is found out by its keys, and has one effect.

use super::session::Session;
use crate::check::{Promise, Violation};
use crate::cluster::Cluster;
use crate::place::{Backend, Place};
use crate::proxy::Proxy;
use crate::run::{Run, Tally};
use anyhow::{Result, bail};
use std::sync::atomic::Ordering;
use std::time::Duration;

const CLIENTS: u64 = 5;
const CUTS_A_STORE: u64 = 60;
/// One commit in so many is cut.
const ONE_IN: u64 = 3;

pub async fn run(run: &Run, cuts: u64) -> Result<Tally> {
    let mut tally = Tally::default();
    while tally.count("ambiguous commits") < cuts && tally.broken.is_empty() {
        let wanted = CUTS_A_STORE.min(cuts - tally.count("ambiguous commits"));
        one_store(run, wanted, &mut tally).await?;
        run.say(format!("ambiguous commits: {tally}"));
    }
    Ok(tally)
}

async fn one_store(run: &Run, cuts: u64, tally: &mut Tally) -> Result<()> {
    let place = run.place(Backend::Postgres).await?;
    let Place::Postgres { cluster, database } = &place else { bail!("a database") };
    let folder = run.disk().join(format!("proxy-{}", run.number()));
    let proxy = Proxy::listen(&folder, &cluster.folder, run.seed + run.number())?;
    let launch = run.launch(&Cluster::url_at(&folder, database));
    let (mut session, mut server) =
        Session::start_with(run, place.clone(), launch, run.seed + run.number(), CLIENTS).await?;
    let mut load = session.cycle(0);
    load.goes_on = true;
    proxy.cut_one_in(ONE_IN);
    let clients = load.start(&server.url);
    for _ in 0..1_200 {
        if proxy.cuts() >= cuts {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    proxy.cut_one_in(0);
    clients.stop().await?;
    let mut broken = session.settle(&server, 0).await?;
    if proxy.cuts() < cuts {
        let what = format!("only {} commits were cut", proxy.cuts());
        broken.push(Violation::new(Promise::I11Errors, what));
    }
    tally.add("ambiguous commits", usize::try_from(proxy.cuts())?);
    tally.add("cut before COMMIT", usize::try_from(proxy.cut_before.load(Ordering::SeqCst))?);
    server.terminate()?;
    session.verify(run, tally)?;
    tally.found(broken);
    Ok(())
}
