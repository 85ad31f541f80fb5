//! The real binary: started on a store and a free port, killed or stopped by its own process id.
//! What it logs goes to a file that no fault reaches.

use anyhow::{Context as _, Result, anyhow, bail};
use rustix::process::{Pid, Signal, kill_process};
use std::fs::OpenOptions;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// How long a server may take to be ready, and to end when it was told to.
const PATIENCE: Duration = Duration::from_mins(1);
const LOOK_AGAIN: Duration = Duration::from_millis(2);

/// How to start it.
#[derive(Clone, Debug)]
pub struct Launch {
    pub binary: PathBuf,
    /// A folder or a URL.
    pub store: String,
    pub env: Vec<(String, String)>,
    /// Where its log is appended.
    pub log: PathBuf,
}

/// A running `ies serve`.
pub struct Server {
    process: Child,
    pub url: String,
    /// The admin token, if this start made one.
    pub token: Option<String>,
}

impl Launch {
    pub fn new(binary: &Path, store: &str, log: &Path) -> Self {
        let (binary, log) = (binary.to_path_buf(), log.to_path_buf());
        Self { binary, store: store.to_owned(), env: vec![], log }
    }

    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    fn command(&self) -> Result<Command> {
        let mut command = Command::new(&self.binary);
        let log = OpenOptions::new().create(true).append(true).open(&self.log)?;
        command
            .args(["serve", "--addr", "127.0.0.1:0", "--requests-per-second", "0"])
            .args(["--summary-every", "1s", "--store"])
            .arg(&self.store)
            .env_remove("IES_TOKEN")
            .env_remove("IES_SERVER")
            .env("IES_LOG", "info")
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .stdout(Stdio::piped())
            .stderr(log);
        Ok(command)
    }

    /// Starts it and waits until it listens. An error means that it ended before.
    pub fn start(&self) -> Result<Server> {
        let mut process = self.command()?.spawn().with_context(|| {
            format!("starting {}: build it with ./torture", self.binary.display())
        })?;
        let stdout = process.stdout.take().context("a pipe")?;
        let (mut url, mut token) = (None, None);
        for line in BufReader::new(stdout).lines() {
            let line = line?;
            if let Some(secret) = line.strip_prefix("admin token: ") {
                token = Some(secret.to_owned());
            }
            if let Some(at) = line.find("http://") {
                url = Some(line[at..].trim().to_owned());
                break;
            }
        }
        match url {
            Some(url) => Ok(Server { process, url, token }),
            None => {
                let status = process.wait()?;
                Err(anyhow!("the server did not start: {status}, see {}", self.log.display()))
            }
        }
    }

    /// Runs another command of the binary on the same store to its end.
    pub fn run(&self, arguments: &[&str]) -> Result<std::process::Output> {
        Command::new(&self.binary)
            .args(arguments)
            .env("IES_STORE", &self.store)
            .env_remove("IES_SERVER")
            .env_remove("IES_TOKEN")
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .output()
            .with_context(|| format!("running {}", self.binary.display()))
    }
}

impl Server {
    pub fn pid(&self) -> Pid {
        Pid::from_child(&self.process)
    }

    /// kill -9.
    pub fn kill(&mut self) -> Result<ExitStatus> {
        self.process.kill()?;
        Ok(self.process.wait()?)
    }

    pub fn signal(&self, signal: Signal) -> Result<()> {
        Ok(kill_process(self.pid(), signal)?)
    }

    /// Stops every thread, and waits until the kernel says that they have: nothing that it does is
    /// under way any more.
    pub fn freeze(&self) -> Result<()> {
        self.signal(Signal::STOP)?;
        wait_until_stopped(self.pid())
    }

    /// Asks it to stop, and waits until it has.
    pub fn terminate(&mut self) -> Result<ExitStatus> {
        self.signal(Signal::TERM)?;
        self.wait()
    }

    /// Waits until it has ended by itself.
    pub fn wait(&mut self) -> Result<ExitStatus> {
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            if let Some(status) = self.process.try_wait()? {
                return Ok(status);
            }
            std::thread::sleep(LOOK_AGAIN);
        }
        bail!("the server did not end")
    }

    /// Files and sockets that it has open.
    pub fn open_files(&self) -> Result<usize> {
        Ok(std::fs::read_dir(format!("/proc/{}/fd", self.process.id()))?.count())
    }

    /// Memory that it holds, in KiB.
    pub fn resident_kib(&self) -> Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id()))?;
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).context("VmRSS")?;
        Ok(line.split_whitespace().nth(1).context("a number")?.parse()?)
    }

    pub fn address(&self) -> &str {
        self.url.strip_prefix("http://").unwrap_or(&self.url)
    }
}

/// Waits until all threads of a process are stopped.
pub fn wait_until_stopped(pid: Pid) -> Result<()> {
    let folder = format!("/proc/{}/task", pid.as_raw_nonzero());
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        let mut running = false;
        for thread in std::fs::read_dir(&folder)? {
            let stat = std::fs::read_to_string(thread?.path().join("stat"))?;
            let state = stat.rsplit(") ").next().and_then(|rest| rest.chars().next());
            running |= !matches!(state, Some('T' | 't'));
        }
        if !running {
            return Ok(());
        }
        std::thread::sleep(LOOK_AGAIN);
    }
    bail!("process {} does not stop", pid.as_raw_nonzero())
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
