//! The clock of the real server jumps, by hours and by years, forwards and back (F26): times in the
//! log never go back, and nothing else depends on the clock. Needs libfaketime.

use super::session::Session;
use crate::check::{Promise, Violation};
use crate::place::Backend;
use crate::random::Random;
use crate::run::{Run, Tally};
use crate::witness::Witness;
use anyhow::{Context as _, Result};
use std::path::{Path, PathBuf};
use std::time::Duration;

const CLIENTS: u64 = 4;
const JUMPS_A_CYCLE: u64 = 4;
/// Two years in seconds.
const FAR: i64 = 63_072_000;

pub async fn run(run: &Run, backend: Backend, jumps: u64) -> Result<Tally> {
    let mut tally = Tally::default();
    let offset = run.safe().join("offset");
    set(&offset, 0)?;
    let place = run.place(backend).await?;
    let launch = run
        .launch(&place.store())
        .env("LD_PRELOAD", &library()?.display().to_string())
        .env("FAKETIME_TIMESTAMP_FILE", &offset.display().to_string())
        .env("FAKETIME_NO_CACHE", "1")
        .env("DONT_FAKE_MONOTONIC", "1");
    let (mut session, mut server) =
        Session::start_with(run, place, launch, run.seed, CLIENTS).await?;
    for cycle in 0..jumps.div_ceil(JUMPS_A_CYCLE) {
        let mut random = Random::of(run.seed, &[26, cycle]);
        let since = session.load.history.len();
        let mut load = session.cycle(cycle);
        load.goes_on = true;
        let clients = load.start(&server.url);
        for _ in 0..JUMPS_A_CYCLE {
            tokio::time::sleep(Duration::from_millis(random.below(60) + 20)).await;
            let far = *random.pick(&[60, 86_400, FAR]);
            set(&offset, random.number(-far, far))?;
            tally.add("jumps of the clock", 1);
        }
        if random.one_in(2) {
            server.kill()?;
            server = session.launch.start()?;
        }
        clients.stop().await?;
        let mut broken = session.settle(&server, since).await?;
        broken.extend(goes_back(&session.witness().await?));
        run.say(format!("clocks, {}: {tally}", backend.name()));
        if tally.found(broken) {
            return Ok(tally);
        }
    }
    server.terminate()?;
    session.verify(run, &mut tally)?;
    Ok(tally)
}

/// By how many seconds the server's clock differs from ours, from now on.
fn set(offset: &Path, seconds: i64) -> Result<()> {
    let new = offset.with_extension("new");
    std::fs::write(&new, format!("{seconds:+}"))?;
    Ok(std::fs::rename(&new, offset)?)
}

fn library() -> Result<PathBuf> {
    let places = std::fs::read_dir("/usr/lib")?.flatten().map(|entry| entry.path());
    let mut named = places.map(|place| place.join("faketime/libfaketime.so.1"));
    named.find(|path| path.is_file()).context(
        "a clock that jumps needs libfaketime: ./torture installs it on Debian (package faketime)",
    )
}

fn goes_back(witness: &Witness) -> Option<Violation> {
    let pair = witness.events.windows(2).find(|pair| pair[0].created_at > pair[1].created_at)?;
    let what = format!("event {} was recorded before the one before it", pair[1].id);
    Some(Violation::new(Promise::I7Order, what))
}
