//! pgbench, which drives everything that is SQL on PostgreSQL: prepared statements, many
//! connections, two threads, and every transaction's latency in a log.

use crate::bench::Bench;
use crate::cluster::{Database, run};
use crate::measure::Latency;
use crate::process;
use anyhow::{Context as _, Result, ensure};
use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What it does.
pub struct PgBench<'a> {
    /// A script: SQL, and `\set` lines.
    pub script: &'a str,
    /// 1 to this many items are drawn from.
    pub items: i64,
    pub connections: usize,
    /// Transactions a second; as many as there is time for when `None`. Latency begins when a
    /// transaction was due.
    pub rate: Option<f64>,
}

/// What it measured after the warm-up.
pub struct Ran {
    pub per_second: f64,
    pub latency: Latency,
    /// Transactions in all, those of the warm-up too.
    pub transactions_all: u64,
    /// What pgbench used of a core, per transaction.
    pub client_cpu: Duration,
}

impl PgBench<'_> {
    pub fn run(&self, bench: &Bench, database: &Database) -> Result<Ran> {
        let folder = bench.folder()?;
        let script = folder.path().join("script.sql");
        fs::write(&script, self.script)?;
        let (warm_up, turn) = (bench.size.warm_up(), bench.size.turn());
        // It takes whole seconds only.
        let seconds = (warm_up + turn).as_secs().max(2);
        let mut command = database.command("pgbench");
        command.args(["-n", "-M", "prepared", "-j", "2", "-l", "--log-prefix"]);
        command.arg(folder.path().join("log")).arg("-f").arg(&script);
        command.args(["-c", &self.connections.to_string(), "-T", &seconds.to_string()]);
        command.args(["-D", &format!("items={}", self.items)]);
        if let Some(rate) = self.rate {
            command.args(["-R", &rate.to_string()]);
        }
        let cpu_before = process::cpu(std::process::id())?;
        let said = run(&mut command)?;
        let cpu = process::cpu(std::process::id())?.saturating_sub(cpu_before);
        ensure!(failed(&said)? == 0, "transactions failed: {said}");
        let answered = read_log(folder.path())?;
        let first = answered.iter().map(|(at, _)| *at).min().context("no transactions")?;
        let last = answered.iter().map(|(at, _)| *at).max().context("no transactions")?;
        let from = first + warm_up.min(last.saturating_sub(first) / 2);
        let mut latency = Latency::default();
        let measured = answered.iter().filter(|(at, _)| *at >= from);
        measured.clone().for_each(|(_, took)| latency.record(*took));
        let per_second = measured.count() as f64 / last.saturating_sub(from).as_secs_f64();
        let all = u32::try_from(answered.len())?;
        Ok(Ran { per_second, latency, transactions_all: all.into(), client_cpu: cpu / all })
    }
}

/// When each transaction was answered, and how long it took.
fn read_log(folder: &Path) -> Result<Vec<(Duration, Duration)>> {
    let mut answered = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if !path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("log")) {
            continue;
        }
        for line in fs::read_to_string(&path)?.lines() {
            // client, transaction, latency, script, seconds, microseconds.
            let fields: Vec<u64> =
                line.split(' ').map_while(|field| field.parse().ok()).take(6).collect();
            let [_, _, took, _, seconds, micros] = fields[..] else { continue };
            let at = Duration::from_secs(seconds) + Duration::from_micros(micros);
            answered.push((at, Duration::from_micros(took)));
        }
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?;
    ensure!(answered.iter().all(|(at, _)| *at <= now), "the log is of another time");
    Ok(answered)
}

fn failed(said: &str) -> Result<u64> {
    let line = said.lines().find_map(|line| line.strip_prefix("number of failed transactions: "));
    let count = line.context("pgbench says no failures")?.split(' ').next().unwrap_or_default();
    Ok(count.parse()?)
}
