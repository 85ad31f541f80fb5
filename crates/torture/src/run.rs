//! A run: where it works, what it counts, what it found broken.

use crate::check::Violation;
use crate::cluster::Cluster;
use crate::disk::{Disk, Image};
use crate::place::{Backend, Place};
use crate::server::Launch;
use anyhow::Result;
use indicatif::ProgressBar;
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tempfile::TempDir;

/// What a campaign did and found.
#[derive(Debug, Default)]
pub struct Tally {
    pub counts: BTreeMap<&'static str, u64>,
    pub broken: Vec<Violation>,
    /// Mistakes that were made on purpose: found, each with the promise that broke, and not found.
    pub caught: Vec<String>,
    pub missed: Vec<String>,
}

impl Tally {
    pub fn add(&mut self, what: &'static str, n: usize) {
        *self.counts.entry(what).or_default() += n as u64;
    }

    pub fn count(&self, what: &str) -> u64 {
        self.counts.get(what).copied().unwrap_or(0)
    }

    /// Notes what was found, and says whether it is time to stop.
    pub fn found(&mut self, broken: Vec<Violation>) -> bool {
        self.broken.extend(broken);
        !self.broken.is_empty()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = self.counts.iter().map(|(what, n)| format!("{n} {what}"));
        let caught = self.caught.iter().map(|bug| format!("caught {bug}"));
        let missed = self.missed.iter().map(|bug| format!("MISSED {bug}"));
        let broken = self.broken.len();
        let broken = (broken > 0).then(|| format!("{broken} VIOLATIONS"));
        f.write_str(
            &counts.chain(caught).chain(missed).chain(broken).collect::<Vec<_>>().join(", "),
        )
    }
}

/// What every campaign needs.
pub struct Run {
    pub seed: u64,
    /// The program under test.
    pub binary: PathBuf,
    /// Environment of every server, such as the seeded bug.
    pub env: Vec<(String, String)>,
    /// A folder on a real disk, for stores.
    disk: TempDir,
    /// A folder in memory where it can be had, for what no fault may reach.
    safe: TempDir,
    places: AtomicU64,
    cluster: tokio::sync::OnceCell<Arc<Cluster>>,
    progress: ProgressBar,
}

impl Run {
    pub fn new(seed: u64, binary: &Path, progress: ProgressBar) -> Result<Self> {
        let memory = Path::new("/dev/shm");
        let safe = tempfile::Builder::new().prefix("torture-").tempdir_in(if memory.is_dir() {
            memory
        } else {
            Path::new("/tmp")
        })?;
        // A socket's path is short.
        let disk = tempfile::Builder::new().prefix("torture-").tempdir_in("/tmp")?;
        open_to_all(disk.path())?;
        Ok(Self {
            seed,
            binary: binary.to_path_buf(),
            env: Vec::new(),
            disk,
            safe,
            places: AtomicU64::new(0),
            cluster: tokio::sync::OnceCell::new(),
            progress,
        })
    }

    pub fn disk(&self) -> &Path {
        self.disk.path()
    }

    pub fn safe(&self) -> &Path {
        self.safe.path()
    }

    /// A number that nothing else of this run has.
    pub fn number(&self) -> u64 {
        self.places.fetch_add(1, Ordering::Relaxed)
    }

    /// A store that does not exist yet.
    pub async fn place(&self, backend: Backend) -> Result<Place> {
        let number = self.number();
        Ok(match backend {
            Backend::Sqlite => Place::Sqlite(self.disk().join(format!("store-{number}"))),
            Backend::Postgres => {
                let cluster = Arc::clone(self.cluster().await?);
                let database = format!("run_{number}");
                cluster.create_database(&database).await?;
                Place::Postgres { cluster, database }
            }
        })
    }

    /// An empty disk of our own, for a store.
    pub fn new_disk(&self) -> Result<Arc<Disk>> {
        let path = self.disk().join(format!("disk-{}", self.number()));
        Ok(Arc::new(Disk::mount(&path, &Image::new())?))
    }

    /// The cluster of this run, made when it is first needed.
    pub async fn cluster(&self) -> Result<&Arc<Cluster>> {
        let make = async || {
            let folder = self.disk().join("pg");
            let cluster = Cluster::create(&folder, &folder.join("data"))?;
            cluster.start("")?;
            anyhow::Ok(Arc::new(cluster))
        };
        self.cluster.get_or_try_init(make).await
    }

    /// How the server is started on a store.
    pub fn launch(&self, store: &str) -> Launch {
        let mut launch = Launch::new(&self.binary, store, &self.log());
        launch.env.clone_from(&self.env);
        launch
    }

    /// What the servers say.
    pub fn log(&self) -> PathBuf {
        self.safe().join("server.log")
    }

    pub fn say(&self, message: String) {
        self.progress.set_message(message);
        self.progress.tick();
    }
}

/// PostgreSQL's user must reach what is inside.
fn open_to_all(folder: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    Ok(std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755))?)
}

/// Lines of a log that no server may ever write.
pub fn panics(log: &Path) -> Result<Vec<Violation>> {
    let text = if log.exists() { std::fs::read_to_string(log)? } else { String::new() };
    let panicked = text.lines().filter(|line| line.contains("panicked"));
    let broken = panicked
        .map(|line| Violation::new(crate::check::Promise::I11Errors, format!("a panic: {line}")));
    Ok(broken.collect())
}
