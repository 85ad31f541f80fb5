//! One ledger's rows, read and written by connections of the store's pool.

use super::connection::{Connection, Connections, Params};
use super::reads::{self, Reader};
use super::statements::INSERT_LEDGER;
use super::write::Writing;
use super::{copy, integrity, load, migrations, summary};
use crate::error::StoreError;
use crate::event::Event;
use crate::ids::{IdempotencyKey, ItemId, LedgerName, Position};
use crate::inventory::Inventory;
use crate::item::ItemChange;
use crate::limits::ANNOUNCE_PAUSE;
use crate::query::{AsOf, At, DailySummary, EventQuery, Explanation, ItemQuery, SummaryQuery};
use crate::request::RequestTrace;
use crate::settings::Settings;
use crate::store::lookups::{Found, Lookups, ReadCounts};
use crate::store::{
    Appended, Batch, Bell, Discrepancy, Head, ItemSum, LedgerStore, Listening, Mode, Place, Result,
    Snapshot, SummaryStep, WriteTx,
};
use crate::summary::Summary;
use async_trait::async_trait;
use std::path::Path;
use std::sync::Arc;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// An open ledger.
pub(super) struct PostgresLedger {
    connections: Arc<Connections>,
    name: LedgerName,
    lookups: Arc<Lookups<Counts>>,
    writing: Writing,
    announced_at: Mutex<Option<Instant>>,
}

impl PostgresLedger {
    pub async fn open(connections: Arc<Connections>, name: &LedgerName) -> Result<Self> {
        let mode = connections.mode();
        migrations::migrate(&connections).await?;
        let writing = Writing::to(&connections, name).await?;
        if mode == Mode::Write {
            if *name == LedgerName::default() {
                make(&connections, name, &Settings::default()).await?;
            }
            // Gives the ledger a new epoch if it was written on another server.
            drop(writing.begin(&[]).await?);
        } else {
            let conn = connections.get().await?;
            reads::head(&Reader::new(&conn, name)).await?;
        }
        let name = name.clone();
        let counts = Counts { connections: Arc::clone(&connections), ledger: name.clone() };
        let lookups = Lookups::new(counts);
        Ok(Self { connections, name, lookups, writing, announced_at: Mutex::default() })
    }

    /// Reads at one moment.
    async fn read<T>(&self, read: impl AsyncFnOnce(Reader<'_>, Head) -> Result<T>) -> Result<T> {
        let conn = self.connections.reading().await?;
        let reader = Reader::new(&conn, &self.name);
        let done = match reads::head(&reader).await {
            Ok(head) => read(reader, head).await,
            Err(error) => Err(error),
        };
        conn.end().await;
        done
    }

    /// The same, with the position of that moment.
    async fn read_at<T>(
        &self,
        read: impl AsyncFnOnce(Reader<'_>, &Head) -> Result<T>,
    ) -> Result<At<T>> {
        self.read(async |reader, head| {
            Ok(At { position: head.position, value: read(reader, &head).await? })
        })
        .await
    }
}

/// The counts of a ledger, read in one statement.
struct Counts {
    connections: Arc<Connections>,
    ledger: LedgerName,
}

impl ReadCounts for Counts {
    const MAX_READS: usize = 2;

    async fn read_counts(&self, items: &[ItemId]) -> Result<Vec<Found>> {
        let conn = self.connections.get().await?;
        reads::inventories_now(&Reader::new(&conn, &self.ledger), items).await
    }
}

/// Makes an empty ledger. False when there is one with this name.
pub(super) async fn make(
    connections: &Connections,
    name: &LedgerName,
    settings: &Settings,
) -> Result<bool> {
    insert(&connections.get().await?, name, settings).await
}

/// Inserts the row of an empty ledger.
pub(super) async fn insert(
    conn: &Connection,
    name: &LedgerName,
    settings: &Settings,
) -> Result<bool> {
    let Settings { time_zone, day_start_hour, archived_at } = settings;
    let (ledger, hour) = (name.as_str(), i16::from(*day_start_hour));
    let params: Params<'_> = &[&ledger, time_zone, &hour, archived_at];
    Ok(conn.execute(INSERT_LEDGER, params).await? == 1)
}

#[async_trait]
impl LedgerStore for PostgresLedger {
    async fn begin(&self, keys: &[IdempotencyKey]) -> Result<Box<dyn WriteTx>> {
        if self.connections.mode() == Mode::Read {
            return Err(StoreError::ReadOnly);
        }
        Ok(Box::new(self.writing.begin(keys).await?))
    }

    async fn take_turn(&self, remembered: &Head) -> Result<Box<dyn WriteTx>> {
        Ok(Box::new(self.writing.take_turn(remembered).await?))
    }

    fn finds_stored_keys(&self) -> bool {
        self.writing.finds_stored_keys()
    }

    async fn append(&self, batch: &Batch, place: Place<'_>) -> Result<Appended> {
        self.writing.append(batch, place).await
    }

    /// The answers come on the runtime's threads: another one would be woken for each.
    fn keeps_its_thread(&self) -> bool {
        false
    }

    fn resolves_unknown_commits(&self) -> bool {
        true
    }

    async fn announce(&self) {
        let mut last = self.announced_at.lock().await;
        if let Some(last) = *last {
            tokio::time::sleep_until(last + ANNOUNCE_PAUSE).await;
        }
        self.connections.hints().announce(&self.connections, &self.name).await;
        *last = Some(Instant::now());
    }

    fn listen(&self, bell: &Arc<Bell>) -> Option<Listening> {
        Some(self.connections.hints().listen(&self.name, bell))
    }

    async fn head(&self) -> Result<Head> {
        let conn = self.connections.get().await?;
        reads::head(&Reader::new(&conn, &self.name)).await
    }

    async fn inventory(&self, item: ItemId, as_of: Option<AsOf>) -> Result<At<Option<Inventory>>> {
        if as_of.is_none()
            && let Some(found) = self.lookups.inventory(item).await?
        {
            return Ok(found);
        }
        self.read(async |reader, head| reads::inventory(&reader, &head, item, as_of).await).await
    }

    async fn inventories(
        &self,
        query: &ItemQuery,
        as_of: Option<AsOf>,
    ) -> Result<At<Vec<Inventory>>> {
        self.read(async |reader, head| reads::inventories(&reader, &head, query, as_of).await).await
    }

    async fn event(&self, position: Position) -> Result<At<Option<Event>>> {
        self.read_at(async |reader, _| reads::event(&reader, position).await).await
    }

    async fn events(&self, query: &EventQuery) -> Result<At<Vec<Event>>> {
        self.read_at(async |reader, head| reads::events(&reader, head, query).await).await
    }

    async fn item_sums(&self, after: Position, up_to: Position) -> Result<Vec<ItemSum>> {
        let conn = self.connections.get().await?;
        reads::item_sums(&Reader::new(&conn, &self.name), after, up_to).await
    }

    async fn item_changes(&self, after: i64, up_to: i64) -> Result<Vec<ItemChange>> {
        let conn = self.connections.get().await?;
        reads::item_changes(&Reader::new(&conn, &self.name), after, up_to).await
    }

    async fn request_traces(&self, after: i64, limit: usize) -> Result<Vec<RequestTrace>> {
        let conn = self.connections.get().await?;
        reads::request_traces(&Reader::new(&conn, &self.name), after, limit).await
    }

    async fn items_at(&self, items: &[ItemId], revision: i64) -> Result<Vec<ItemChange>> {
        let conn = self.connections.get().await?;
        reads::items_at(&Reader::new(&conn, &self.name), items, revision).await
    }

    async fn explain(&self, item: ItemId, last: usize) -> Result<At<Option<Explanation>>> {
        self.read_at(async |reader, head| reads::explain(&reader, head, item, last).await).await
    }

    async fn discrepancies(&self) -> Result<At<Vec<Discrepancy>>> {
        self.read_at(async |reader, _| load::discrepancies(&reader).await).await
    }

    async fn negative(&self, limit: usize) -> Result<At<Vec<Inventory>>> {
        self.read_at(async |reader, _| reads::negative(&reader, limit).await).await
    }

    async fn snapshot_after(&self, position: Position) -> Result<Snapshot> {
        self.read(async |reader, head| load::snapshot_after(&reader, head, position).await).await
    }

    async fn daily_summary(&self, query: &SummaryQuery) -> Result<DailySummary> {
        self.read(async |reader, head| summary::read(&reader, head, query).await).await
    }

    async fn step_summary(&self, seen: &Summary, step: SummaryStep) -> Result<bool> {
        if self.connections.mode() == Mode::Read {
            return Err(StoreError::ReadOnly);
        }
        summary::step(&self.connections, &self.name, seen, &step).await
    }

    async fn integrity(&self) -> Result<Vec<String>> {
        self.read(async |reader, _| integrity::faults(&reader).await).await
    }

    async fn backup(&self, to: &Path) -> Result<Head> {
        let conn = self.connections.reading().await?;
        let copied = copy::backup(&conn, &self.name, to).await;
        conn.end().await;
        copied
    }
}
