//! The writer's transaction. Its futures do their work at once, on the thread that polls them.

use super::append::{append, put_counts};
use super::chain::Chains;
use super::statements::{BUMP_COUNTS_REVISION, DELETE_COUNT, PUT_SETTINGS};
use super::{load, reads};
use crate::error::StoreError;
use crate::event::Event;
use crate::facts::{Correctable, LastCount};
use crate::failpoint::failpoint;
use crate::ids::{IdempotencyKey, ItemId, Position};
use crate::inventory::Inventory;
use crate::request::StoredRequest;
use crate::settings::Settings;
use crate::store::{Batch, Head, Loaded, Result, Tail, WriteTx};
use crate::time::Timestamp;
use async_trait::async_trait;
use rusqlite::{Connection, DEFAULT_NAME, ErrorCode, wal::CheckpointMode};
use tokio::sync::OwnedMutexGuard;

/// A WAL that is longer is written back into the file after a commit.
const CHECKPOINT_PAGES: i32 = if cfg!(feature = "failpoints") { 64 } else { 16 * 1024 };

/// The connection that writes, and what it keeps in memory between batches.
pub(super) struct Writer {
    conn: Connection,
    chains: Chains,
}

impl Writer {
    pub fn new(conn: Connection) -> Self {
        Self { conn, chains: Chains::default() }
    }

    /// Writes everything back into the ledger's file.
    pub fn finish(&self) -> rusqlite::Result<()> {
        self.conn.wal_checkpoint_v2(DEFAULT_NAME, CheckpointMode::TRUNCATE)?;
        Ok(())
    }
}

/// The transaction, alone with the writer's connection.
pub(super) struct SqliteTx {
    writer: OwnedMutexGuard<Writer>,
    stored: Vec<StoredRequest>,
}

impl SqliteTx {
    pub fn begin(writer: OwnedMutexGuard<Writer>) -> Result<Self> {
        let conn = &writer.conn;
        if !conn.is_autocommit() {
            // Left by a commit whose rollback failed.
            conn.execute_batch("ROLLBACK")?;
        }
        conn.execute_batch("BEGIN IMMEDIATE")?;
        Ok(Self { writer, stored: Vec::new() })
    }

    /// Looks for keys.
    pub fn look_for(&mut self, keys: &[IdempotencyKey]) -> Result<()> {
        self.stored = self.read(|conn| {
            keys.iter().filter_map(|key| reads::request(conn, key).transpose()).collect()
        })?;
        Ok(())
    }

    /// Does a step. After an error nothing goes on: SQLite may have rolled all of it back already.
    pub fn step<T>(
        &mut self,
        step: impl FnOnce(&Connection, &mut Chains) -> Result<T>,
    ) -> Result<T> {
        let writer = &mut *self.writer;
        if writer.conn.is_autocommit() {
            return Err(StoreError::Failed("the transaction was rolled back by an error".into()));
        }
        let done = step(&writer.conn, &mut writer.chains);
        if done.is_err() {
            self.roll_back();
        }
        done
    }

    fn read<T>(&mut self, read: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        self.step(|conn, _| read(conn))
    }

    /// Whether it is certain that nothing of the transaction is left.
    fn roll_back(&mut self) -> bool {
        self.writer.chains.clear();
        let conn = &self.writer.conn;
        conn.is_autocommit() || (conn.execute_batch("ROLLBACK").is_ok() && conn.is_autocommit())
    }

    /// Commits.
    pub fn end(mut self) -> Result<()> {
        self.commit_or_tell()?;
        self.checkpoint_if_long();
        Ok(())
    }

    fn commit_or_tell(&mut self) -> Result<()> {
        let conn = &self.writer.conn;
        if conn.is_autocommit() {
            return Err(StoreError::Failed("the transaction was rolled back by an error".into()));
        }
        let Err(error) = conn.execute_batch("COMMIT") else { return Ok(()) };
        // These two come before the commit's last page is written: rolled back, it is gone.
        let before_the_end = matches!(
            error.sqlite_error_code(),
            Some(ErrorCode::DiskFull | ErrorCode::ConstraintViolation)
        );
        if self.roll_back() && before_the_end {
            return Err(error.into());
        }
        Err(StoreError::CommitUnknown(error.to_string()))
    }

    /// What is committed is safe already: a checkpoint that fails is tried again by the next.
    fn checkpoint_if_long(&self) {
        let conn = &self.writer.conn;
        let in_wal = conn.wal_checkpoint_v2(DEFAULT_NAME, CheckpointMode::NOOP);
        if let Ok((pages, done)) = in_wal
            && pages - done > CHECKPOINT_PAGES
        {
            failpoint!("before_checkpoint");
            let written = conn.wal_checkpoint_v2(DEFAULT_NAME, CheckpointMode::PASSIVE);
            failpoint!("after_checkpoint");
            if let Err(error) = written {
                tracing::warn!(%error, "a checkpoint failed");
            }
        }
    }
}

impl Drop for SqliteTx {
    fn drop(&mut self) {
        if !self.writer.conn.is_autocommit() {
            self.roll_back();
        }
    }
}

#[async_trait]
impl WriteTx for SqliteTx {
    async fn head(&mut self) -> Result<Head> {
        self.read(reads::head)
    }

    async fn load(&mut self) -> Result<Loaded> {
        self.read(load::load)
    }

    async fn event(&mut self, position: Position) -> Result<Option<Event>> {
        self.read(|conn| reads::event(conn, position))
    }

    async fn tail(&mut self, remembered: &Head) -> Result<Tail> {
        self.read(|conn| {
            let events = reads::tail(conn, &reads::head(conn)?, remembered.position)?;
            Ok(Tail {
                last_balance: reads::event(conn, remembered.position)?.map(|e| e.balance()),
                item_changes: reads::item_changes(conn, remembered.items_revision, i64::MAX)?,
                balances: events.iter().map(Event::balance).collect(),
            })
        })
    }

    fn requests(&mut self) -> Vec<StoredRequest> {
        std::mem::take(&mut self.stored)
    }

    async fn correctable(&mut self, positions: &[Position]) -> Result<Vec<Correctable>> {
        self.read(|conn| {
            let found = |position: &Position| reads::correctable(conn, *position).transpose();
            positions.iter().filter_map(found).collect()
        })
    }

    async fn last_counts(&mut self, items: &[ItemId]) -> Result<Vec<(ItemId, LastCount)>> {
        self.read(|conn| {
            let found = |item: &ItemId| reads::last_count(conn, *item).transpose();
            let last = |event: Event| {
                (event.item_id, LastCount { position: event.id, at: event.effective_at() })
            };
            items.iter().filter_map(found).map(|event| event.map(last)).collect()
        })
    }

    async fn changes_since(&mut self, item: ItemId, at: Timestamp) -> Result<i64> {
        self.read(|conn| reads::changes_since(conn, &reads::head(conn)?, item, at))
    }

    async fn put_settings(&mut self, settings: &Settings) -> Result<()> {
        let Settings { time_zone, day_start_hour, archived_at } = settings;
        self.read(|conn| {
            let mut put = conn.prepare_cached(PUT_SETTINGS)?;
            put.execute((time_zone, day_start_hour, archived_at))?;
            Ok(())
        })
    }

    async fn replace_counts(&mut self, rows: &[Inventory], strays: &[ItemId]) -> Result<()> {
        self.read(|conn| {
            put_counts(conn, rows)?;
            let mut delete = conn.prepare_cached(DELETE_COUNT)?;
            for item in strays {
                delete.execute([item])?;
            }
            conn.prepare_cached(BUMP_COUNTS_REVISION)?.execute([])?;
            Ok(())
        })
    }

    async fn append(mut self: Box<Self>, batch: &Batch) -> Result<bool> {
        self.step(|conn, chains| append(conn, chains, batch))?;
        failpoint!("before_commit");
        self.end()?;
        Ok(true)
    }

    async fn commit(self: Box<Self>) -> Result<()> {
        self.end()
    }
}

#[cfg(test)]
mod tests {
    use super::super::connection::open_writer;
    use super::super::migrations::{LEDGER, migrate};
    use super::*;
    use std::sync::Arc;
    use tokio::sync::Mutex;

    #[tokio::test]
    async fn a_full_disk_ends_the_transaction_and_harms_nothing() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("main.db");
        std::fs::write(&path, "").expect("a file");
        let mut conn = open_writer(&path).expect("a connection");
        migrate(&mut conn, LEDGER, |_| Ok(())).expect("a schema");
        let pages: i64 = conn.pragma_query_value(None, "page_count", |row| row.get(0)).expect("n");
        conn.pragma_update(None, "max_page_count", pages + 20).expect("a small disk");
        let writer = Arc::new(Mutex::new(Writer::new(conn)));

        let begin = || async { SqliteTx::begin(Arc::clone(&writer).lock_owned().await) };
        let mut tx = begin().await.expect("begin");
        let full = tx.read(|conn| {
            conn.execute_batch(
                "INSERT INTO ledgers (name, epoch, created_at)
                 VALUES ('main', '0123456789abcdef', 0);
                 WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 10000)
                 INSERT INTO items (name) SELECT 'Item ' || i FROM n;",
            )?;
            Ok(())
        });
        assert!(matches!(full, Err(StoreError::Full(_))), "{full:?}");
        assert!(tx.read(|_| Ok(())).is_err(), "nothing goes on after an error");
        let committed = Box::new(tx).commit().await;
        assert!(matches!(committed, Err(StoreError::Failed(_))), "{committed:?}");

        let mut tx = begin().await.expect("begin");
        let ledgers = tx.read(|conn| {
            Ok(conn.query_row("SELECT count(*) FROM ledgers", [], |row| row.get::<_, i64>(0))?)
        });
        assert_eq!(ledgers, Ok(0), "all of it was rolled back");
        assert_eq!(Box::new(tx).commit().await, Ok(()));
    }
}
