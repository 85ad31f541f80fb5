//! The machine, the versions and the moment: what a figure means nothing without.

use anyhow::{Context as _, Result, ensure};
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::Path;
use std::process::Command;

/// Where and with what something was measured.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    pub processor: String,
    pub cores: usize,
    pub memory_gib: u64,
    pub system: String,
    pub kernel: String,
    /// Of the folder that the stores are in.
    pub file_system: String,
    pub rust: String,
    pub sqlite: String,
    pub postgres: String,
}

impl Machine {
    pub fn of(scratch: &Path) -> Result<Self> {
        let cpuinfo = fs::read_to_string("/proc/cpuinfo")?;
        let memory = fs::read_to_string("/proc/meminfo")?;
        let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
        let kib = field(&memory, "MemTotal", ':').unwrap_or_default();
        let kib: u64 = kib.split(' ').next().unwrap_or_default().parse()?;
        let postgres = crate::cluster::binaries()?.join("postgres");
        Ok(Self {
            processor: field(&cpuinfo, "model name", ':').unwrap_or_default(),
            cores: std::thread::available_parallelism()?.get(),
            memory_gib: kib.div_ceil(1024 * 1024),
            system: field(&release, "PRETTY_NAME", '=').unwrap_or_default(),
            kernel: said(Command::new("uname").arg("-r"))?,
            file_system: file_system(scratch)?,
            rust: said(Command::new("rustc").arg("--version"))?,
            sqlite: rusqlite::version().to_owned(),
            postgres: said(Command::new(postgres).arg("--version"))?,
        })
    }
}

fn field(text: &str, name: &str, sign: char) -> Option<String> {
    let mut lines = text.lines().filter_map(|line| line.split_once(sign));
    let (_, value) = lines.find(|(key, _)| key.trim() == name)?;
    Some(value.trim().trim_matches('"').to_owned())
}

/// The kind of a folder's file system. Memory is refused: nothing on it is durable.
fn file_system(folder: &Path) -> Result<String> {
    let kind = said(Command::new("stat").args(["-f", "-c", "%T"]).arg(folder))?;
    let name = folder.display();
    ensure!(kind != "tmpfs", "{name} is in memory: TMPDIR must name a folder on a disk");
    Ok(kind)
}

/// How many processes have wanted to run, on average over the last minute.
pub fn load_average() -> Result<f64> {
    let text = fs::read_to_string("/proc/loadavg")?;
    Ok(text.split(' ').next().context("loadavg")?.parse()?)
}

/// What the sources are that were measured.
pub fn commit() -> String {
    let commit = said(Command::new("git").args(["rev-parse", "--short=10", "HEAD"]));
    let changes = said(Command::new("git").args(["status", "--porcelain", "-uno", "--", "crates"]));
    match (commit, changes) {
        (Ok(commit), Ok(changes)) if changes.is_empty() => commit,
        (Ok(commit), Ok(_)) => format!("{commit} with changes"),
        _ => "unknown".to_owned(),
    }
}

/// How often a folder's disk has been told to make everything last.
pub fn disk_flushes(folder: &Path) -> Result<u64> {
    let device = said(Command::new("stat").args(["-c", "%Hd:%Ld"]).arg(folder))?;
    let text = fs::read_to_string(format!("/sys/dev/block/{device}/stat"))
        .with_context(|| format!("the counters of disk {device}"))?;
    Ok(text.split_whitespace().nth(15).context("no count of flushes")?.parse()?)
}

/// The first line that a command prints.
fn said(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("running {command:?}"))?;
    ensure!(output.status.success(), "{command:?}: {}", output.status);
    Ok(String::from_utf8(output.stdout)?.lines().next().unwrap_or_default().trim().to_owned())
}
