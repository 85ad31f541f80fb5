//! One ledger's file: a connection that writes, and a few that read.

use super::connection::{self, BUSY_TIMEOUT, Readers};
use super::files::{self, Folder};
use super::migrations::{self, LEDGER};
use super::statements::{INSERT_LEDGER, LEDGER_INFO};
use super::write::{SqliteTx, Writer};
use super::{blocking, copy, integrity, load, reads, rows, summary};
use crate::error::StoreError;
use crate::event::Event;
use crate::ids::{Epoch, IdempotencyKey, ItemId, LedgerName, Position};
use crate::inventory::Inventory;
use crate::item::ItemChange;
use crate::query::{AsOf, At, DailySummary, EventQuery, Explanation, ItemQuery, SummaryQuery};
use crate::request::RequestTrace;
use crate::settings::Settings;
use crate::store::lookups::{Found, Lookups, ReadCounts};
use crate::store::{
    Discrepancy, Head, ItemSum, LedgerInfo, LedgerStore, Mode, Result, Snapshot, SummaryStep,
    WriteTx,
};
use crate::summary::Summary;
use crate::time::Timestamp;
use async_trait::async_trait;
use rusqlite::Connection;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::Mutex;

/// An open ledger.
pub(super) struct SqliteLedger {
    readers: Arc<Readers>,
    lookups: Arc<Lookups<Arc<Readers>>>,
    writer: Option<Arc<Mutex<Writer>>>,
    // Keeps the store locked until the last of its ledgers is closed.
    _folder: Arc<Folder>,
}

impl SqliteLedger {
    pub fn open(folder: Arc<Folder>, name: &LedgerName) -> Result<Self> {
        let path = folder.ledger(name)?;
        if !path.exists() {
            let by_default = *name == LedgerName::default() && folder.mode() == Mode::Write;
            if !by_default {
                return Err(StoreError::NotFound(format!(
                    "there is no ledger '{name}' in this store"
                )));
            }
            make(&path, name, &Settings::default())?;
        }
        let writer = match folder.mode() {
            Mode::Write => Some(Writer::new(open(&path)?)),
            Mode::Read => {
                migrations::check_current(&connection::open_reader(&path)?, LEDGER)?;
                None
            }
        };
        let readers = Arc::new(Readers::new(path));
        Ok(Self {
            lookups: Lookups::new(Arc::clone(&readers)),
            readers,
            writer: writer.map(|writer| Arc::new(Mutex::new(writer))),
            _folder: folder,
        })
    }

    async fn begin_write(&self) -> Result<SqliteTx> {
        let writer = Arc::clone(self.writer.as_ref().ok_or(StoreError::ReadOnly)?);
        let writer = tokio::time::timeout(BUSY_TIMEOUT, writer.lock_owned())
            .await
            .map_err(|_| StoreError::Busy("another transaction is writing".into()))?;
        SqliteTx::begin(writer)
    }

    /// A few seeks at one moment, beside the writer: too short to be worth another thread.
    fn seek<T>(&self, read: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        self.readers.read(read)
    }

    /// Reads at one moment, beside the writer, on a thread that may take its time.
    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let _turn = self.readers.turn().await;
        let readers = Arc::clone(&self.readers);
        blocking(move || readers.read(read)).await
    }

    /// The same, with the head of that moment.
    async fn read_at<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection, &Head) -> Result<T> + Send + 'static,
    ) -> Result<At<T>> {
        self.read(|conn| {
            let head = reads::head(conn)?;
            Ok(At { position: head.position, value: read(conn, &head)? })
        })
        .await
    }

    async fn with_path<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Path) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let readers = Arc::clone(&self.readers);
        blocking(move || work(readers.path())).await
    }
}

/// A few seeks for each: too short to be worth another thread.
impl ReadCounts for Arc<Readers> {
    const MAX_READS: usize = 1;

    async fn read_counts(&self, items: &[ItemId]) -> Result<Vec<Found>> {
        self.read(|conn| items.iter().map(|item| reads::inventory_now(conn, *item)).collect())
    }
}

/// Makes the file of an empty ledger.
pub(super) fn make(path: &Path, name: &LedgerName, settings: &Settings) -> Result<()> {
    let Settings { time_zone, day_start_hour, archived_at } = settings;
    files::make_whole(path, |partial| {
        let mut conn = connection::open_writer(partial)?;
        migrations::migrate(&mut conn, LEDGER, |tx| {
            let (epoch, now) = (Epoch::random(), Timestamp::now());
            let row = (name, epoch, now, time_zone, day_start_hour, archived_at);
            tx.execute(INSERT_LEDGER, row)?;
            Ok(())
        })?;
        // Closing it would pass over what fails.
        connection::make_last(&conn, partial)
    })
}

/// The ledger in a file, as a list shows it. Where the store may be written to, an older file is
/// brought up to date first.
pub(super) fn info(path: &Path, mode: Mode) -> Result<LedgerInfo> {
    let conn = connection::open_reader(path)?;
    match migrations::check_current(&conn, LEDGER) {
        Err(StoreError::SchemaVersion { .. }) if mode == Mode::Write => drop(open(path)?),
        checked => checked?,
    }
    let info = reads::first(&conn, LEDGER_INFO, [], rows::ledger_info)?;
    info.ok_or_else(|| StoreError::Corrupt(format!("{} is empty", path.display())))
}

fn open(path: &Path) -> Result<Connection> {
    let mut conn = connection::open_writer(path)?;
    migrations::migrate(&mut conn, LEDGER, |_| Ok(()))?;
    connection::make_last(&conn, path)?;
    Ok(conn)
}

impl Drop for SqliteLedger {
    /// The writer closes last, and leaves one file with everything in it.
    fn drop(&mut self) {
        self.readers.close();
        if let Some(writer) = self.writer.as_ref().and_then(|writer| writer.try_lock().ok())
            && let Err(error) = writer.finish()
        {
            tracing::warn!(%error, "the checkpoint at closing failed");
        }
    }
}

#[async_trait]
impl LedgerStore for SqliteLedger {
    async fn begin(&self, keys: &[IdempotencyKey]) -> Result<Box<dyn WriteTx>> {
        let mut tx = self.begin_write().await?;
        tx.look_for(keys)?;
        Ok(Box::new(tx))
    }

    fn keeps_its_thread(&self) -> bool {
        true
    }

    fn resolves_unknown_commits(&self) -> bool {
        false
    }

    async fn head(&self) -> Result<Head> {
        self.seek(reads::head)
    }

    async fn inventory(&self, item: ItemId, as_of: Option<AsOf>) -> Result<At<Option<Inventory>>> {
        if as_of.is_none()
            && let Some(found) = self.lookups.inventory(item).await?
        {
            return Ok(found);
        }
        self.seek(|conn| reads::inventory(conn, &reads::head(conn)?, item, as_of))
    }

    async fn inventories(
        &self,
        query: &ItemQuery,
        as_of: Option<AsOf>,
    ) -> Result<At<Vec<Inventory>>> {
        let query = query.clone();
        self.read(move |conn| reads::inventories(conn, &reads::head(conn)?, &query, as_of)).await
    }

    async fn event(&self, position: Position) -> Result<At<Option<Event>>> {
        self.seek(|conn| {
            let position_now = reads::head(conn)?.position;
            Ok(At { position: position_now, value: reads::event(conn, position)? })
        })
    }

    async fn events(&self, query: &EventQuery) -> Result<At<Vec<Event>>> {
        let query = query.clone();
        self.read_at(move |conn, head| reads::events(conn, head, &query)).await
    }

    async fn item_sums(&self, after: Position, up_to: Position) -> Result<Vec<ItemSum>> {
        self.read(move |conn| reads::item_sums(conn, after, up_to)).await
    }

    async fn item_changes(&self, after: i64, up_to: i64) -> Result<Vec<ItemChange>> {
        self.read(move |conn| reads::item_changes(conn, after, up_to)).await
    }

    async fn request_traces(&self, after: i64, limit: usize) -> Result<Vec<RequestTrace>> {
        self.read(move |conn| reads::request_traces(conn, after, limit)).await
    }

    async fn items_at(&self, items: &[ItemId], revision: i64) -> Result<Vec<ItemChange>> {
        let items = items.to_vec();
        self.read(move |conn| reads::items_at(conn, &items, revision)).await
    }

    async fn explain(&self, item: ItemId, last: usize) -> Result<At<Option<Explanation>>> {
        self.read_at(move |conn, head| reads::explain(conn, head, item, last)).await
    }

    async fn discrepancies(&self) -> Result<At<Vec<Discrepancy>>> {
        self.read_at(load::discrepancies).await
    }

    async fn negative(&self, limit: usize) -> Result<At<Vec<Inventory>>> {
        self.read_at(move |conn, _| reads::negative(conn, limit)).await
    }

    async fn snapshot_after(&self, position: Position) -> Result<Snapshot> {
        self.read(move |conn| load::snapshot_after(conn, position)).await
    }

    async fn daily_summary(&self, query: &SummaryQuery) -> Result<DailySummary> {
        let query = query.clone();
        self.read(move |conn| summary::read(conn, &query)).await
    }

    async fn step_summary(&self, seen: &Summary, step: SummaryStep) -> Result<bool> {
        summary::step(self.begin_write().await?, seen, &step)
    }

    async fn integrity(&self) -> Result<Vec<String>> {
        self.read(integrity::faults).await
    }

    async fn backup(&self, to: &Path) -> Result<Head> {
        let to: PathBuf = to.to_path_buf();
        self.with_path(move |from| copy::backup(from, &to)).await
    }
}
