//! Ledgers that have a past: made once a run, with the same items whatever their size.

use crate::bench::Bench;
use crate::cluster::Database;
use crate::fill::fill;
use crate::server::Server;
use crate::work::Random;
use anyhow::{Result, ensure};
use std::rc::Rc;
use tempfile::TempDir;

/// Their items.
pub const GROWN_ITEMS: i64 = 1_000;

/// Where a store is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Backend {
    Sqlite,
    Postgres,
}

/// How long its past is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Past {
    Small,
    Large,
}

/// A ledger `main` with a past.
pub struct Grown {
    pub store: String,
    /// An admin's.
    pub token: String,
    pub events: i64,
    pub folder: Option<TempDir>,
    pub database: Option<Database>,
}

impl Backend {
    pub const BOTH: [Self; 2] = [Self::Sqlite, Self::Postgres];

    pub fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        }
    }
}

impl Past {
    pub const BOTH: [Self; 2] = [Self::Small, Self::Large];

    pub fn name(self) -> &'static str {
        match self {
            Self::Small => "small",
            Self::Large => "large",
        }
    }

    /// Filling a large one takes PostgreSQL minutes: a short run makes a tenth do.
    fn events(self, bench: &Bench, backend: Backend) -> i64 {
        match (self, backend) {
            (Self::Small, _) => 10_000,
            (Self::Large, Backend::Sqlite) => bench.size.pick(10_000_000, 10_000_000, 100_000),
            (Self::Large, Backend::Postgres) => bench.size.pick(10_000_000, 1_000_000, 50_000),
        }
    }
}

impl Grown {
    pub fn fill(bench: &Bench, backend: Backend, past: Past) -> Result<Rc<Self>> {
        let events = past.events(bench, backend);
        let (folder, database) = match backend {
            Backend::Sqlite => (Some(bench.folder()?), None),
            Backend::Postgres => (None, Some(bench.cluster()?.database()?)),
        };
        let store = match (&folder, &database) {
            (Some(folder), _) => folder.path().display().to_string(),
            (None, Some(database)) => database.url.clone(),
            (None, None) => unreachable!("one of them"),
        };
        bench.runtime.block_on(fill(&store, &["main"], GROWN_ITEMS, events))?;
        if let Some(database) = &database {
            // A log of any age has seen its vacuum.
            database.psql(&["-c", "VACUUM (ANALYZE)"])?;
        }
        let server = Server::start(&bench.program, &store, None)?;
        let token = server.token.clone();
        let position = server.position()?;
        ensure!(position == events, "{position} events, {events} expected");
        server.stop()?;
        Ok(Rc::new(Self { store, token, events, folder, database }))
    }

    /// Reads the files of a SQLite store, so that none of it has to come from the disk: the system
    /// may have taken memory back since it was written.
    pub fn warm(&self) -> Result<()> {
        let Some(folder) = &self.folder else { return Ok(()) };
        for entry in std::fs::read_dir(folder.path())? {
            let path = entry?.path();
            if path.is_file() {
                std::io::copy(&mut std::fs::File::open(path)?, &mut std::io::sink())?;
            }
        }
        Ok(())
    }

    pub fn serve(&self, bench: &Bench) -> Result<Server> {
        Server::start(&bench.program, &self.store, Some(&self.token))
    }

    /// A random item.
    pub fn item(random: &mut Random) -> i64 {
        random.up_to(GROWN_ITEMS.unsigned_abs()).cast_signed()
    }
}
