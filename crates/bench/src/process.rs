//! What processes use of the machine, as the kernel counts it.

use anyhow::{Context as _, Result};
use std::fs;
use std::time::Duration;

/// The kernel's clock of processes, in ticks a second: the same on every Linux.
const TICKS_PER_SECOND: u64 = 100;

/// CPU time of the thread that asks.
pub fn this_thread_cpu() -> Result<Duration> {
    let text = fs::read_to_string("/proc/thread-self/schedstat")?;
    let nanos = text.split_whitespace().next().context("schedstat")?;
    Ok(Duration::from_nanos(nanos.parse()?))
}

/// CPU time of a process, its children, and the children that it has waited for.
pub fn cpu(pid: u32) -> Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let after_name = stat.rsplit(") ").next().context("stat")?;
    let fields: Vec<&str> = after_name.split_whitespace().collect();
    // utime, stime, cutime, cstime.
    let ticks: u64 = (11..15).map(|at| fields[at].parse().unwrap_or(0)).sum();
    let mut total = Duration::from_millis(ticks * 1_000 / TICKS_PER_SECOND);
    for child in children(pid) {
        total += cpu(child).unwrap_or_default();
    }
    Ok(total)
}

/// The most memory that a process has held at a time, in bytes.
pub fn peak_resident_bytes(pid: u32) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).context("VmHWM")?;
    let kib: u64 = line.split_whitespace().nth(1).context("a number")?.parse()?;
    Ok(kib * 1024)
}

fn children(pid: u32) -> Vec<u32> {
    let text = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
    let text = text.unwrap_or_default();
    text.split_whitespace().filter_map(|pid| pid.parse().ok()).collect()
}
