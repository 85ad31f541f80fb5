//! Where the ledger under test is, and how its witness is read.

use crate::cluster::Cluster;
use crate::disk::{Disk, lay_out};
use crate::witness::{self, Witness};
use anyhow::Result;
use std::path::PathBuf;
use std::sync::Arc;

/// The two stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Backend {
    Sqlite,
    Postgres,
}

impl Backend {
    pub fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }
}

/// The folder of the store on a disk of our own.
const STORE: &str = "store";

/// A store under test.
#[derive(Clone)]
pub enum Place {
    /// A folder.
    Sqlite(PathBuf),
    /// A folder of a disk of our own.
    Disk(Arc<Disk>),
    /// A database of a cluster.
    Postgres { cluster: Arc<Cluster>, database: String },
}

impl Place {
    /// What `--store` is given.
    pub fn store(&self) -> String {
        match self {
            Self::Sqlite(folder) => folder.display().to_string(),
            Self::Disk(disk) => disk.path().join(STORE).display().to_string(),
            Self::Postgres { cluster, database } => cluster.url(database),
        }
    }

    /// Everything that the database holds of a ledger.
    pub async fn witness(&self, ledger: &str) -> Result<Witness> {
        let name = format!("{ledger}.db");
        match self {
            Self::Sqlite(folder) => {
                let file = folder.join(name);
                tokio::task::spawn_blocking(move || witness::read_sqlite(&file)).await?
            }
            // Never a file of the disk itself: who serves a file that he maps waits for himself.
            Self::Disk(disk) => {
                let copy = tempfile::tempdir()?;
                lay_out(&disk.contents(), copy.path())?;
                let file = copy.path().join(STORE).join(name);
                tokio::task::spawn_blocking(move || witness::read_sqlite(&file)).await?
            }
            Self::Postgres { cluster, database } => {
                witness::read_postgres(&cluster.connect(database).await?, ledger).await
            }
        }
    }
}
