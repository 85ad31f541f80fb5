//! The library at work on a disk of ours, in a process of its own: a process that maps a file of a
//! disk that it serves itself waits for itself. The worker asks the one who holds the disk for
//! what is to happen to it, a line at a time.

use crate::disk::{Disk, Errno, Fault, Image, Keep, Kind};
use crate::random::Random;
use crate::run::Run;
use anyhow::{Context as _, Result, bail};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// The one who holds the disk, as the worker sees him.
pub struct Holder;

impl Holder {
    /// Says a line, and waits for the answer.
    pub fn ask(line: &str) -> Result<String> {
        println!("{line}");
        std::io::stdout().flush()?;
        let mut answer = String::new();
        std::io::stdin().lock().read_line(&mut answer)?;
        Ok(answer.trim_end().to_owned())
    }

    /// What is acknowledged from here on stands among what is written.
    pub fn mark(mark: u64) -> Result<()> {
        Self::ask(&format!("mark {mark}")).map(drop)
    }

    /// The power fails, and this is kept of what was not synced: where the disk is that is left.
    pub fn lose_power(seed: u64, keep: &str) -> Result<PathBuf> {
        Self::ask(&format!("power {seed} {keep}")).map(PathBuf::from)
    }

    /// The process dies, the machine does not: where the disk is as it was.
    pub fn restart() -> Result<PathBuf> {
        Self::ask("restart").map(PathBuf::from)
    }

    pub fn arm(kind: &str, nth: u64, how: &str) -> Result<()> {
        Self::ask(&format!("arm {kind} {nth} {how}")).map(drop)
    }

    pub fn disarm() -> Result<()> {
        Self::ask("disarm").map(drop)
    }

    /// Room for so many more bytes.
    pub fn room(bytes: u64) -> Result<()> {
        Self::ask(&format!("room {bytes}")).map(drop)
    }
}

/// A worker, as the holder of its disk sees it.
pub struct Worker<'a> {
    run: &'a Run,
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    disk: Disk,
    /// How often the faults of earlier disks have struck.
    struck: u64,
}

impl<'a> Worker<'a> {
    /// Starts a worker on an empty disk.
    pub fn start(run: &'a Run, arguments: &[&str]) -> Result<Self> {
        let disk = Disk::mount(&new_path(run), &Image::new())?;
        let mut process = Command::new(std::env::current_exe()?)
            .arg("worker")
            .arg(disk.path())
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("starting a worker")?;
        let input = process.stdin.take().context("a pipe")?;
        let output = BufReader::new(process.stdout.take().context("a pipe")?);
        Ok(Self { run, process, input, output, disk, struck: 0 })
    }

    pub fn disk(&self) -> &Disk {
        &self.disk
    }

    /// Does what the worker asks for until it is done; what it says then.
    pub fn serve(&mut self) -> Result<String> {
        let mut line = String::new();
        loop {
            line.clear();
            if self.output.read_line(&mut line)? == 0 {
                bail!("the worker ended early: {}", self.process.wait()?);
            }
            let line = line.trim_end();
            if let Some(said) = line.strip_prefix("done ") {
                return Ok(said.to_owned());
            }
            let answer = self.answer(line)?;
            writeln!(self.input, "{answer}")?;
        }
    }

    fn answer(&mut self, line: &str) -> Result<String> {
        let words: Vec<&str> = line.split(' ').collect();
        match words[..] {
            ["mark", mark] => self.disk.mark(mark.parse()?),
            ["struck"] => return Ok((self.struck + self.disk.struck()).to_string()),
            ["disarm"] => {
                self.disk.disarm();
                self.disk.limit(None);
            }
            ["room", bytes] => {
                self.disk.limit(Some(self.disk.used() + bytes.parse::<u64>()?));
            }
            ["arm", kind, nth, how] => self.disk.arm(fault(kind, nth.parse()?, how)?),
            ["power", seed, keep] => {
                let mut random = Random::new(seed.parse()?);
                let keep = match keep {
                    "nothing" => Keep::Nothing,
                    _ => *random.pick(&[Keep::Nothing, Keep::Everything, Keep::Random]),
                };
                let image = self.disk.lose_power(&mut random, keep);
                return Ok(self.replace(Disk::mount(&new_path(self.run), &image)?));
            }
            ["restart"] => return Ok(self.replace(self.disk.again(&new_path(self.run))?)),
            _ => bail!("the worker asks for '{line}'"),
        }
        Ok("ok".into())
    }

    /// The worker has closed what was open on the old one when it hears of the new one, or dies
    /// with it; so the old one is let go of without waiting.
    fn replace(&mut self, disk: Disk) -> String {
        self.struck += self.disk.struck();
        std::mem::replace(&mut self.disk, disk).abandon();
        self.disk.path().display().to_string()
    }
}

impl Drop for Worker<'_> {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn new_path(run: &Run) -> PathBuf {
    Path::new(run.disk()).join(format!("disk-{}", run.number()))
}

/// The names of the kinds of operations, as the worker says them.
pub const KINDS: [&str; 7] = ["write", "sync", "truncate", "create", "remove", "rename", "read"];

fn fault(kind: &str, nth: u64, how: &str) -> Result<Fault> {
    let index = KINDS.iter().position(|name| *name == kind).context("a kind")?;
    Ok(Fault {
        kind: Kind::ALL[index],
        nth,
        for_good: how.contains("good"),
        errno: if how.contains("space") {
            Errno::NoSpace
        } else if how.contains("quota") {
            Errno::Quota
        } else if how.contains("late") {
            Errno::TimedOut
        } else {
            Errno::Io
        },
        half: how.contains("half"),
    })
}
