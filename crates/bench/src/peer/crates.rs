//! The peers that are crates. Their drivers are a workspace of their own, so that what they depend
//! on does not enter the product's. It is built when a peer has its turn for the first time.

use crate::results::Record;
use crate::single::{self, Single};
use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

const MANIFEST: &str = "crates/bench/peers/Cargo.toml";
const TARGET: &str = "target/bench-peers";
/// The first version of PostgreSQL that reads hexadecimal numbers.
const DISINTEGRATE_NEEDS: u32 = 16;

/// What a driver prints when it is done.
#[derive(Deserialize)]
struct Driven {
    /// In the measured time.
    answers: u64,
    /// In all.
    answers_all: u64,
    seconds: f64,
    /// Shares of the answers in percent, with their latency in milliseconds.
    latency: Vec<(f64, f64)>,
    /// What the driver's process used of a core.
    cpu_seconds: f64,
    /// Conflicts that the peer reported and the driver tried again.
    conflicts: u64,
    versions: BTreeMap<String, String>,
}

pub fn cqrs_es(load: Single<'_>, name: &str, record: &mut Record) -> Result<()> {
    on_postgres(load, "cqrs-es", "events", name, record)
}

pub fn disintegrate(load: Single<'_>, name: &str, record: &mut Record) -> Result<()> {
    let version = load.bench.cluster()?.version()?;
    if version < DISINTEGRATE_NEEDS {
        eprintln!(
            "  {name}: left out, its SQL needs PostgreSQL {DISINTEGRATE_NEEDS}, not {version}"
        );
        return Ok(());
    }
    on_postgres(load, "disintegrate", "event", name, record)
}

/// A peer that keeps its events in a table of PostgreSQL.
fn on_postgres(
    load: Single<'_>,
    peer: &str,
    table: &str,
    name: &str,
    record: &mut Record,
) -> Result<()> {
    let cluster = load.bench.cluster()?;
    let database = cluster.database()?;
    // Their driver for PostgreSQL wants a host in its place too.
    let url = database.url.replace("@/", "@localhost/");
    let words = [peer, "--url", &url];
    let events = drive(load, &words, cluster.pid()?, name, record)?;
    database.expect_count(table, i64::try_from(events)?)?;
    database.discard()
}

/// UmaDB: a server of its own, over gRPC.
pub fn umadb(load: Single<'_>, name: &str, record: &mut Record) -> Result<()> {
    let bench = load.bench;
    let folder = bench.folder()?;
    let mut command = Command::new(driver()?);
    command.arg("umadb-server").arg(folder.path());
    let mut server = Started(command.stdout(Stdio::piped()).spawn().context("starting UmaDB")?);
    // It goes on printing, so somebody has to hold the other end.
    let mut said = BufReader::new(server.0.stdout.take().context("a pipe")?);
    let mut url = String::new();
    said.read_line(&mut url)?;
    wait_for(url.trim().trim_start_matches("http://"))?;
    let words = ["umadb", "--url", url.trim()];
    // The driver counts what is stored: the last position that the server gives.
    drive(load, &words, server.0.id(), name, record)?;
    Ok(())
}

/// The program with all drivers, built if it is not up to date.
fn driver() -> Result<PathBuf> {
    static BUILT: OnceLock<()> = OnceLock::new();
    if BUILT.get().is_none() {
        eprintln!("  building the peers");
        let mut build = Command::new("cargo");
        build.args(["build", "--quiet", "--release", "--locked", "--manifest-path", MANIFEST]);
        let status = build.args(["--target-dir", TARGET]).status().context("running cargo")?;
        ensure!(status.success(), "the peers could not be built: {status}");
        let _ = BUILT.set(());
    }
    Ok(Path::new(TARGET).join("release/bench-peers"))
}

/// Waits until somebody listens at an address.
fn wait_for(address: &str) -> Result<()> {
    let begun = Instant::now();
    while let Err(error) = TcpStream::connect(address) {
        ensure!(begun.elapsed() < Duration::from_secs(30), "nobody listens at {address}: {error}");
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// Runs a driver; answers how many events it had answered.
fn drive(
    load: Single<'_>,
    words: &[&str],
    server: u32,
    name: &str,
    record: &mut Record,
) -> Result<u64> {
    let bench = load.bench;
    let mut command = Command::new(driver()?);
    command.args(words).args(["--items", &load.items().to_string()]);
    command.args(["--connections", &load.connections.to_string()]);
    command.args(["--warm-up", &bench.size.warm_up().as_secs_f64().to_string()]);
    command.args(["--seconds", &bench.size.turn().as_secs_f64().to_string()]);
    let driven: Driven = single::watched(bench, &[server], name, record, || {
        let output = command.stderr(Stdio::inherit()).output()?;
        ensure!(output.status.success(), "{name}: {}", output.status);
        let driven: Driven = serde_json::from_slice(&output.stdout)?;
        Ok((driven.answers_all, driven))
    })?;
    let (answers, all) = (driven.answers as f64, driven.answers_all as f64);
    record.figure(name, single::RATE, "per second", answers / driven.seconds);
    for (share, millis) in &driven.latency {
        if [50.0, 99.0, 99.9].contains(share) {
            record.figure(name, &format!("{} p{share}", single::LATENCY), "ms", *millis);
        }
    }
    record.figure(name, single::CLIENT_CPU, "µs", driven.cpu_seconds / all * 1e6);
    record.figure(name, single::CONFLICTS, "per second", driven.conflicts as f64 / driven.seconds);
    for (who, version) in &driven.versions {
        record.version(who, version);
    }
    Ok(driven.answers_all)
}

/// A process that ends with us.
struct Started(Child);

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
