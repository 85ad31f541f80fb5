//! A closed loop of many writers, on whatever runtime polls it.

use crate::Work;
use anyhow::{Context as _, Result};
use futures::future::try_join_all;
use hdrhistogram::Histogram;
use serde_json::json;
use std::cell::RefCell;
use std::time::{Duration, Instant};

/// What became of one try to write.
pub enum Tried {
    Written,
    /// Somebody else was first: to be tried again.
    Conflict,
}

/// Someone who writes a movement into an item's stream.
pub trait Writer {
    async fn write(&mut self, item: u64, quantity: u32) -> Result<Tried>;
}

struct Tally {
    answers: u64,
    answers_all: u64,
    conflicts: u64,
    latency: Histogram<u64>,
}

/// Has every writer write one movement after another for the time of the work, then prints what was
/// measured. `packages`: whose versions are told.
pub async fn drive<W: Writer>(work: &Work, writers: Vec<W>, packages: &[&str]) -> Result<u64> {
    let latency = Histogram::new_with_bounds(1, 120_000_000_000, 3)?;
    let tally = RefCell::new(Tally { answers: 0, answers_all: 0, conflicts: 0, latency });
    let begun = Instant::now();
    let from = begun + Duration::from_secs_f64(work.warm_up);
    let to = from + Duration::from_secs_f64(work.seconds);
    let loops = writers.into_iter().enumerate().map(|(number, writer)| {
        let random =
            0x9E37_79B9_7F4A_7C15 ^ (number as u64 + 1).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        write_on(work.items, writer, random | 1, &tally, (from, to))
    });
    try_join_all(loops).await?;
    let tally = tally.into_inner();
    let shares = [50.0, 90.0, 99.0, 99.9];
    let latency: Vec<(f64, f64)> = shares
        .iter()
        .map(|share| (*share, tally.latency.value_at_percentile(*share) as f64 / 1e6))
        .collect();
    let versions: serde_json::Map<String, serde_json::Value> = packages
        .iter()
        .map(|name| Ok((name.to_string(), version(name)?.into())))
        .collect::<Result<_>>()?;
    println!(
        "{}",
        json!({
            "answers": tally.answers,
            "answers_all": tally.answers_all,
            "seconds": work.seconds,
            "latency": latency,
            "cpu_seconds": cpu_seconds()?,
            "conflicts": tally.conflicts,
            "versions": versions,
        })
    );
    Ok(tally.answers_all)
}

async fn write_on<W: Writer>(
    items: u64,
    mut writer: W,
    mut random: u64,
    tally: &RefCell<Tally>,
    (from, to): (Instant, Instant),
) -> Result<()> {
    while Instant::now() < to {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let (item, quantity) = ((random >> 16) % items + 1, (random >> 56) as u32 % 24 + 1);
        let begun = Instant::now();
        while let Tried::Conflict = writer.write(item, quantity).await? {
            tally.borrow_mut().conflicts += u64::from(begun >= from);
        }
        let mut tally = tally.borrow_mut();
        tally.answers_all += 1;
        let now = Instant::now();
        if begun >= from && now < to {
            tally.answers += 1;
        }
        if begun >= from {
            tally.latency.saturating_record((now - begun).as_nanos() as u64);
        }
    }
    Ok(())
}

/// What this process has used of a core.
fn cpu_seconds() -> Result<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let after_name = stat.rsplit(") ").next().context("stat")?;
    let ticks =
        |at: usize| after_name.split_whitespace().nth(at).and_then(|n| n.parse::<f64>().ok());
    Ok((ticks(11).context("utime")? + ticks(12).context("stime")?) / 100.0)
}

/// The version of a package that this was built with.
fn version(package: &str) -> Result<&'static str> {
    let lock = include_str!("../Cargo.lock");
    let found =
        lock.split_once(&format!("name = \"{package}\"\nversion = \"")).context("a package")?;
    found.1.split('"').next().context("a version")
}
