//! A PostgreSQL cluster for one run: in the scratch folder, on a socket only, durable, with the
//! settings of a machine that is its own. It is stopped by its own pid file, never by name.

use anyhow::{Context as _, Result, bail, ensure};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use tokio_postgres::{Client, NoTls};

/// What PostgreSQL calls its socket.
pub const SOCKET: &str = ".s.PGSQL.5432";

/// The user that the server runs as when we are root, which it refuses to be.
const USER: &str = "nobody";

/// What differs from the defaults. No checkpoint and no vacuum of one contender falls into the turn
/// of another; both would only slow PostgreSQL's contenders down.
pub const SETTINGS: [(&str, &str); 7] = [
    ("shared_buffers", "2GB"),
    ("max_wal_size", "16GB"),
    ("checkpoint_timeout", "1h"),
    ("autovacuum", "off"),
    ("max_connections", "200"),
    ("max_prepared_transactions", "0"),
    ("fsync", "on"),
];

/// What makes an answered commit last. Checked in every database that is measured.
const DURABLE: [&str; 3] = ["fsync", "synchronous_commit", "full_page_writes"];

/// A running cluster; stopped when it is dropped.
pub struct Cluster {
    bin: PathBuf,
    folder: PathBuf,
    databases: AtomicU32,
}

/// A database of it.
#[derive(Clone)]
pub struct Database {
    pub name: String,
    pub url: String,
    socket: PathBuf,
    bin: PathBuf,
}

impl Cluster {
    pub fn start(scratch: &Path) -> Result<Self> {
        let folder = scratch.join("postgres");
        let data = folder.join("data").display().to_string();
        std::fs::create_dir_all(&folder)?;
        if is_root() {
            run(Command::new("chown").arg(USER).arg(&folder))?;
        }
        let cluster = Self { bin: binaries()?, folder, databases: AtomicU32::new(0) };
        cluster.tool(&[
            "initdb",
            "-D",
            &data,
            "-A",
            "trust",
            "-U",
            "postgres",
            "--locale=C",
            "-N",
        ])?;
        let mut options = format!("-k '{}' -c listen_addresses=", cluster.folder.display());
        for (name, value) in SETTINGS {
            let _ = write!(options, " -c {name}={value}");
        }
        let log = cluster.folder.join("log").display().to_string();
        cluster.tool(&["pg_ctl", "-D", &data, "-w", "-l", &log, "-o", &options, "start"])?;
        Ok(cluster)
    }

    /// A new, empty database, after a checkpoint, so that what was done before is done with.
    pub fn database(&self) -> Result<Database> {
        let number = self.databases.fetch_add(1, Ordering::SeqCst);
        let database = |name: String| {
            let (url, socket, bin) = (String::new(), PathBuf::new(), self.bin.clone());
            Database { name, url, socket, bin }.by(&self.folder)
        };
        let first = database("postgres".into());
        let made = database(format!("bench_{number}"));
        let name = &made.name;
        let create = format!("CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE template0");
        first.psql(&["-c", &create])?;
        first.psql(&["-c", "CHECKPOINT"])?;
        made.check_durable()?;
        Ok(made)
    }

    /// The server's major version.
    pub fn version(&self) -> Result<u32> {
        let file = std::fs::read_to_string(self.folder.join("data/PG_VERSION"))?;
        Ok(file.trim().parse()?)
    }

    /// The server's first process, whose children are the others.
    pub fn pid(&self) -> Result<u32> {
        let file = std::fs::read_to_string(self.folder.join("data/postmaster.pid"))?;
        Ok(file.lines().next().context("a pid")?.trim().parse()?)
    }

    fn tool(&self, words: &[&str]) -> Result<()> {
        let mut command = if is_root() {
            let mut command = Command::new("runuser");
            command.args(["-u", USER, "--"]).arg(self.bin.join(words[0]));
            command
        } else {
            Command::new(self.bin.join(words[0]))
        };
        // A server that stays must not hold our pipes.
        let tools = self.folder.join("tools");
        let log = std::fs::File::options().create(true).append(true).open(tools)?;
        command.args(&words[1..]).current_dir("/").stdout(log.try_clone()?).stderr(log);
        let status = command.status().with_context(|| format!("running {}", words[0]))?;
        let said = || std::fs::read_to_string(self.folder.join("tools")).unwrap_or_default();
        ensure!(status.success(), "{}: {status}: {}", words[0], said());
        Ok(())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let data = self.folder.join("data").display().to_string();
        if let Err(error) = self.tool(&["pg_ctl", "-D", &data, "-m", "immediate", "-w", "stop"]) {
            eprintln!("bench: PostgreSQL was not stopped: {error:#}");
        }
    }
}

impl Database {
    /// The same database by another socket.
    pub fn by(&self, socket: &Path) -> Self {
        let url = format!("postgres://postgres@/{}?host={}", self.name, socket.display());
        Self { url, socket: socket.to_owned(), ..self.clone() }
    }

    /// The folder of its socket.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// Drops it.
    pub fn discard(self) -> Result<()> {
        let first = Self { name: "postgres".into(), ..self.clone() };
        first.psql(&["-c", &format!("DROP DATABASE {} WITH (FORCE)", self.name)]).map(drop)
    }

    /// Runs psql on it; answers what it printed, without headings.
    pub fn psql(&self, words: &[&str]) -> Result<String> {
        let mut command = self.command("psql");
        run(command.args(["-XqAt", "-v", "ON_ERROR_STOP=1"]).args(words))
    }

    /// One value.
    pub fn ask(&self, sql: &str) -> Result<String> {
        Ok(self.psql(&["-c", sql])?.trim().to_owned())
    }

    /// Checks how many rows a table has.
    pub fn expect_count(&self, table: &str, expected: i64) -> Result<()> {
        let stored = self.ask(&format!("SELECT count(*) FROM {table}"))?;
        ensure!(stored == expected.to_string(), "{stored} rows in {table}, {expected} expected");
        Ok(())
    }

    /// Runs SQL of more than a line, with psql's variables.
    pub fn script(&self, sql: &str, variables: &[(&str, &str)]) -> Result<String> {
        let mut command = self.command("psql");
        command.args(["-XqAt", "-v", "ON_ERROR_STOP=1"]);
        for (name, value) in variables {
            command.args(["-v", &format!("{name}={value}")]);
        }
        let mut psql = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        psql.stdin.take().context("a pipe")?.write_all(sql.as_bytes())?;
        let output = psql.wait_with_output()?;
        ensure!(output.status.success(), "psql: {}", output.status);
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    }

    /// A tool of PostgreSQL, or one that will look for it, told where this database is.
    pub fn command(&self, tool: &str) -> Command {
        let own = self.bin.join(tool);
        let mut command = Command::new(if own.exists() { own.as_path() } else { tool.as_ref() });
        command.env("PGHOST", &self.socket).env("PGUSER", "postgres");
        command.env("PGDATABASE", &self.name);
        command
    }

    pub async fn connect(&self) -> Result<Client> {
        let (client, connection) = tokio_postgres::connect(&self.url, NoTls).await?;
        tokio::spawn(connection);
        Ok(client)
    }

    /// Whether a commit that is answered lasts.
    fn check_durable(&self) -> Result<()> {
        for name in DURABLE {
            let value = self.ask(&format!("SHOW {name}"))?;
            ensure!(value == "on", "PostgreSQL's {name} is {value}");
        }
        Ok(())
    }
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Runs a command to its end; answers what it printed.
pub fn run(command: &mut Command) -> Result<String> {
    let output = command.output().with_context(|| format!("running {command:?}"))?;
    if output.status.success() {
        return Ok(String::from_utf8(output.stdout)?);
    }
    bail!("{command:?}: {}: {}", output.status, String::from_utf8_lossy(&output.stderr))
}

/// The folder with initdb and its kin: that of Debian's newest version, or one in PATH.
pub fn binaries() -> Result<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut folders: Vec<_> = versions.map(|version| version.path().join("bin")).collect();
    folders.sort();
    folders.reverse();
    folders.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    folders.into_iter().find(|folder| folder.join("initdb").is_file()).context(
        "PostgreSQL's server is needed, 13 or later: ./bench installs it on Debian (package \
         postgresql)",
    )
}
