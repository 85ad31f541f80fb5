//! A PostgreSQL cluster of our own: in a folder of its own, on a socket only, with fsync on, as a
//! user that is not root. It is stopped by its own pid file, never by name.

use anyhow::{Context as _, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use tokio_postgres::{Client, NoTls};

/// The user that the server runs as when we are root, which it refuses to be.
const USER: &str = "nobody";
pub const PORT: u16 = 5432;
const PATIENCE: Duration = Duration::from_mins(1);

/// A cluster; stopped when it is dropped.
pub struct Cluster {
    bin: PathBuf,
    /// Holds the socket and the log.
    pub folder: PathBuf,
    data: PathBuf,
}

impl Cluster {
    /// Makes a cluster with its data in `data`, which is made, and its socket in `folder`.
    pub fn create(folder: &Path, data: &Path) -> Result<Self> {
        Self::create_with(folder, data, None)
    }

    /// The same, with its write-ahead log in a folder apart.
    pub fn create_apart(folder: &Path, data: &Path, log: &Path) -> Result<Self> {
        Self::create_with(folder, data, Some(log))
    }

    fn create_with(folder: &Path, data: &Path, log: Option<&Path>) -> Result<Self> {
        let cluster = Self { bin: binaries()?, folder: folder.into(), data: data.into() };
        for path in [folder, data].into_iter().chain(log) {
            give(path)?;
        }
        let (data, log) = (data.display().to_string(), log.map(|log| log.display().to_string()));
        let mut arguments =
            vec!["-D", &data, "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C", "-k"];
        if let Some(log) = &log {
            arguments.extend(["-X", log]);
        }
        cluster.tool("initdb", &arguments)?;
        Ok(cluster)
    }

    /// A replica of it that follows it from now on, with all that it has in `folder`, which is made
    /// anew.
    pub fn replica(&self, folder: &Path) -> Result<Self> {
        let data = folder.join("data");
        if folder.exists() {
            std::fs::remove_dir_all(folder)?;
        }
        give(folder)?;
        let copied = data.display().to_string();
        self.tool("pg_basebackup", &["-D", &copied, "-R", "-X", "stream", "-c", "fast"])?;
        let replica = Self { bin: self.bin.clone(), folder: folder.into(), data };
        replica.start("")?;
        Ok(replica)
    }

    /// Makes the replica the one that is written to.
    pub fn promote(&self) -> Result<()> {
        let data = self.data.display().to_string();
        self.tool("pg_ctl", &["-D", &data, "-w", "-t", "60", "promote"])
    }

    /// Starts the server, with settings on its command line, and waits until it answers.
    pub fn start(&self, settings: &str) -> Result<()> {
        // What a server that was killed left: nobody else is meant by it.
        for left in [".s.PGSQL.5432", ".s.PGSQL.5432.lock"] {
            let _ = std::fs::remove_file(self.folder.join(left));
        }
        let _ = std::fs::remove_file(self.data.join("postmaster.pid"));
        let (data, folder) = (self.data.display().to_string(), self.folder.display());
        let options = format!(
            "-k {folder} -c listen_addresses= -c max_connections=200 -c shared_buffers=16MB \
             -c wal_writer_delay=10s {settings}"
        );
        let log = format!("{folder}/log");
        self.tool("pg_ctl", &["-D", &data, "-w", "-t", "60", "-l", &log, "-o", &options, "start"])
    }

    /// Stops it: `fast`, or `immediate` as a crash would.
    pub fn stop(&self, mode: &str) -> Result<()> {
        let data = self.data.display().to_string();
        self.tool("pg_ctl", &["-D", &data, "-m", mode, "-w", "-t", "60", "stop"])
    }

    /// The server's processes: the first is the one that the others are children of.
    pub fn processes(&self) -> Result<Vec<Pid>> {
        let file = std::fs::read_to_string(self.data.join("postmaster.pid"))?;
        let main: i32 = file.lines().next().context("a pid")?.trim().parse()?;
        let children = std::fs::read_to_string(format!("/proc/{main}/task/{main}/children"))?;
        let children = children.split_whitespace().filter_map(|pid| pid.parse().ok());
        Ok(std::iter::once(main).chain(children).filter_map(Pid::from_raw).collect())
    }

    /// Stops every process of it, until nothing that it does is under way any more.
    pub fn freeze(&self) -> Result<Vec<Pid>> {
        let processes = self.processes()?;
        for pid in &processes {
            kill_process(*pid, Signal::STOP)?;
        }
        for pid in &processes {
            crate::server::wait_until_stopped(*pid)?;
        }
        Ok(processes)
    }

    /// kill -9 of every process of it.
    pub fn kill(processes: &[Pid]) -> Result<()> {
        for pid in processes {
            let _ = kill_process(*pid, Signal::KILL);
        }
        let gone = |pid: &Pid| {
            let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero()));
            stat.map_or(true, |stat| stat.contains(") Z "))
        };
        let begun = Instant::now();
        while !processes.iter().all(gone) {
            ensure!(begun.elapsed() < PATIENCE, "PostgreSQL's processes do not end");
            std::thread::sleep(Duration::from_millis(2));
        }
        Ok(())
    }

    /// Where a database of it is.
    pub fn url(&self, database: &str) -> String {
        Self::url_at(&self.folder, database)
    }

    /// The same, by way of a socket in another folder.
    pub fn url_at(folder: &Path, database: &str) -> String {
        format!("postgres://postgres@/{database}?host={}", folder.display())
    }

    pub async fn connect(&self, database: &str) -> Result<Client> {
        let (client, connection) = tokio_postgres::connect(&self.url(database), NoTls).await?;
        tokio::spawn(connection);
        Ok(client)
    }

    pub async fn create_database(&self, database: &str) -> Result<()> {
        let admin = self.connect("postgres").await?;
        Ok(admin.batch_execute(&format!("CREATE DATABASE {database}")).await?)
    }

    /// Runs a tool of PostgreSQL on it.
    pub fn tool(&self, name: &str, arguments: &[&str]) -> Result<()> {
        let mut command = if rustix::process::geteuid().is_root() {
            let mut command = Command::new("runuser");
            command.args(["-u", USER, "--"]).arg(self.bin.join(name));
            command
        } else {
            Command::new(self.bin.join(name))
        };
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.folder.join("tools"))
            .context("a log for the tools")?;
        // A server that stays must not hold our pipes.
        command.args(arguments).env("PGHOST", &self.folder).env("PGUSER", "postgres");
        command.current_dir("/").stdout(log.try_clone()?).stderr(log);
        let status = command.status().with_context(|| format!("running {name}"))?;
        ensure!(status.success(), "{name}: {status}, see {}", self.folder.join("log").display());
        Ok(())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if self.data.join("postmaster.pid").exists() {
            let _ = self.stop("immediate");
        }
    }
}

/// Makes a folder for the server's user.
fn give(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder)?;
    run(Command::new("chown").arg(USER).arg(folder))
}

/// Runs a command to its end.
pub fn run(command: &mut Command) -> Result<()> {
    let output = command.output().with_context(|| format!("running {command:?}"))?;
    if output.status.success() {
        return Ok(());
    }
    bail!("{command:?}: {}: {}", output.status, String::from_utf8_lossy(&output.stderr))
}

/// The folder with initdb and its kin: that of Debian's newest version, or one in PATH.
fn binaries() -> Result<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut folders: Vec<_> = versions.map(|version| version.path().join("bin")).collect();
    folders.sort();
    folders.reverse();
    folders.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    folders.into_iter().find(|folder| folder.join("initdb").is_file()).context(
        "PostgreSQL's server is needed, 13 or later: ./torture installs it on Debian (package \
         postgresql)",
    )
}
