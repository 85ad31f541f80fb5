//! Connections: how every one of them is set up, and the pool of those that read.

use super::files;
use crate::error::StoreError;
use crate::store::Result;
use rusqlite::config::DbConfig;
use rusqlite::wal::CheckpointMode;
use rusqlite::{Connection, DEFAULT_NAME, OpenFlags};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{Semaphore, SemaphorePermit};

/// In older versions two connections that write and checkpoint at one instant can corrupt a WAL.
const MIN_SQLITE_VERSION: i32 = 3_051_003;

/// How long anyone waits for another writer before [`StoreError::Busy`].
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(2);

/// More than there are statements, so that each is prepared once a connection.
const CACHED_STATEMENTS: usize = 64;

/// Long reads that a ledger has under way at once; others wait. One seek needs no permit.
const LONG_READS: usize = 4;

/// Connections that a ledger keeps for its readers: long reads, and one seek on each thread.
const IDLE_READERS: usize = 32;

const WRITER_CACHE_KIB: i64 = 64 * 1024;
const READER_CACHE_KIB: i64 = 8 * 1024;

/// The WAL file is cut back to this when it starts anew.
const WAL_FILE_BYTES: i64 = 64 * 1024 * 1024;

/// Refuses a SQLite that is too old to be trusted.
pub(super) fn check_sqlite(version: i32) -> Result<()> {
    if version >= MIN_SQLITE_VERSION {
        return Ok(());
    }
    Err(StoreError::Failed(format!(
        "this program was built with SQLite {version}, which can damage a ledger: it needs \
         {MIN_SQLITE_VERSION} or later"
    )))
}

/// The connection that writes. Its checkpoints are its owner's business.
pub(super) fn open_writer(path: &Path) -> Result<Connection> {
    let conn = open(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let mode: String =
        conn.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    if mode != "wal" {
        // SQLite stays with another mode, whose commits need not last, and says so in passing.
        let text = format!("{} cannot be given a write-ahead log", path.display());
        return Err(StoreError::Broken(text));
    }
    conn.pragma_update(None, "synchronous", "FULL")?;
    // The guards of others, row by row. What the writer writes is held to them as a whole batch.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false)?;
    // Nothing relies on them: the book knows its items, and shells leave them off.
    conn.pragma_update(None, "foreign_keys", false)?;
    conn.pragma_update(None, "wal_autocheckpoint", 0)?;
    conn.pragma_update(None, "journal_size_limit", WAL_FILE_BYTES)?;
    conn.pragma_update(None, "cache_size", -WRITER_CACHE_KIB)?;
    Ok(conn)
}

/// Makes what was found in the file last, before anybody is told of it. What a process left in the
/// WAL when the disk failed it can be read and yet not be on the disk: a sync that failed is not
/// made up for by another one. So it is written once more, into the file itself, and the WAL begins
/// anew: its older part must not come back over newer pages. Nor does SQLite mind when the name of
/// a new WAL cannot be made to last.
pub(super) fn make_last(conn: &Connection, path: &Path) -> Result<()> {
    let (in_wal, written) = conn.wal_checkpoint_v2(DEFAULT_NAME, CheckpointMode::TRUNCATE)?;
    if written < in_wal {
        return Err(StoreError::Busy("another program is reading the store".into()));
    }
    files::sync_file(&files::with_suffix(path, "-wal"))?;
    files::sync_name(path)
}

/// A connection that cannot write.
pub(super) fn open_reader(path: &Path) -> Result<Connection> {
    let conn = open(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    conn.pragma_update(None, "cache_size", -READER_CACHE_KIB)?;
    Ok(conn)
}

// No memory map: a disk that fails under one kills the process instead of returning an error.
fn open(path: &Path, flags: OpenFlags) -> Result<Connection> {
    let conn = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    conn.busy_timeout(BUSY_TIMEOUT)?;
    conn.set_prepared_statement_cache_capacity(CACHED_STATEMENTS);
    // Plans do not depend on what is bound, so a statement is not prepared anew for each value.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    conn.pragma_update(None, "trusted_schema", false)?;
    conn.pragma_update(None, "cell_size_check", true)?;
    conn.pragma_update(None, "temp_store", "MEMORY")?;
    Ok(conn)
}

/// The connections that read one file.
pub(super) struct Readers {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
    long_reads: Semaphore,
}

impl Readers {
    pub fn new(path: PathBuf) -> Self {
        Self { path, idle: Mutex::default(), long_reads: Semaphore::new(LONG_READS) }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A turn for a long read.
    pub async fn turn(&self) -> SemaphorePermit<'_> {
        self.long_reads.acquire().await.expect("the semaphore is never closed")
    }

    /// Reads in one transaction: all that `work` sees was true at one moment.
    pub fn read<T>(&self, work: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        self.lend(|conn| {
            conn.prepare_cached("BEGIN")?.execute([])?;
            let done = work(conn);
            conn.prepare_cached("ROLLBACK")?.execute([])?;
            done
        })
    }

    /// Lends a connection. Each statement sees a moment of its own.
    pub fn lend<T>(&self, work: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let conn = match idle {
            Some(conn) => conn,
            None => open_reader(&self.path)?,
        };
        let done = work(&conn);
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE_READERS && conn.is_autocommit() {
            idle.push(conn);
        }
        done
    }

    /// Closes those that are idle.
    pub fn close(&self) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sqlite_with_the_wal_reset_bug_is_refused() {
        assert!(check_sqlite(3_051_002).is_err());
        assert_eq!(check_sqlite(3_051_003), Ok(()));
        assert_eq!(check_sqlite(rusqlite::version_number()), Ok(()));
    }

    #[test]
    fn a_database_that_stays_without_a_write_ahead_log_is_refused() {
        // SQLite keeps this one in memory: it answers with the mode that it stays in, as it does
        // when the disk fails while the log is set up.
        let opened = open_writer(Path::new(":memory:"));
        assert!(matches!(opened, Err(StoreError::Broken(_))), "{opened:?}");
    }
}
