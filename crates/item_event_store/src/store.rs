//! The contract with a database. A backend moves data and keeps its promises; it decides nothing.
//! The chapters of `tests/store` are the chapters of this contract: **append**, **requests**,
//! **counts**, **as of**, **follow**, **summary**, **ledgers**, **guards**, **backup**,
//! **migrate**.

use crate::error::StoreError;
use crate::event::Event;
use crate::facts::{Correctable, LastCount};
use crate::ids::{IdempotencyKey, ItemId, LedgerName, Position};
use crate::inventory::Inventory;
use crate::item::ItemChange;
#[cfg(doc)]
use crate::limits::SUMMARY_STEP_ROWS;
use crate::query::{AsOf, At, DailySummary, EventQuery, Explanation, ItemQuery, SummaryQuery};
use crate::request::{RequestTrace, StoredRequest};
use crate::settings::Settings;
use crate::summary::Summary;
use crate::time::Timestamp;
use crate::token::{Token, TokenRow};
use async_trait::async_trait;
use std::any::Any;
use std::path::{Path, PathBuf};
use std::sync::Arc;

mod lookups;
mod outcome;
#[cfg(feature = "postgres")]
pub mod postgres;
pub mod sqlite;
mod summary_key;
mod values;

pub use values::{
    Appended, Batch, Discrepancy, Head, ItemSum, LedgerInfo, Loaded, Others, Place, Snapshot,
    SummaryStep, Tail,
};

type Result<T> = std::result::Result<T, StoreError>;

/// What a store is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Reading and writing. A folder of SQLite files: by one process at a time.
    Write,
    /// Reading, also beside processes that write.
    Read,
}

/// Whether a store's URL is a PostgreSQL database's.
#[must_use]
pub fn is_postgres(url: &str) -> bool {
    url.starts_with("postgres://") || url.starts_with("postgresql://")
}

/// Opens the store at a URL: `postgres://…`, `sqlite:DIR`, or just a folder.
///
/// # Errors
/// Those of `PostgresStore::open` and [`sqlite::SqliteStore::open`]; [`StoreError::Config`] for a
/// PostgreSQL database where the crate was built without the feature `postgres`.
pub async fn open(url: &str, mode: Mode) -> Result<Arc<dyn Store>> {
    if is_postgres(url) {
        #[cfg(feature = "postgres")]
        return Ok(Arc::new(postgres::PostgresStore::open(url, mode).await?));
        #[cfg(not(feature = "postgres"))]
        return Err(without_postgres());
    }
    let folder = PathBuf::from(url.strip_prefix("sqlite:").unwrap_or(url));
    // Opening waits for the disk, so it is done apart.
    let opened =
        tokio::task::spawn_blocking(move || sqlite::SqliteStore::open(&folder, mode)).await;
    Ok(Arc::new(opened.map_err(|error| StoreError::Failed(error.to_string()))??))
}

/// The SQL that makes the tables of the store at a URL, with `citus` distributed by it: for people
/// to read and to apply.
///
/// # Errors
/// [`StoreError::Config`] as for [`open`], and for Citus without PostgreSQL.
pub fn schema_sql(url: &str, citus: bool) -> Result<String> {
    if is_postgres(url) {
        #[cfg(feature = "postgres")]
        return Ok(postgres::schema_sql(citus));
        #[cfg(not(feature = "postgres"))]
        return Err(without_postgres());
    }
    if citus { Err(citus_without_postgres()) } else { Ok(sqlite::schema_sql()) }
}

/// Makes or migrates the store at a URL, and distributes it over the nodes of Citus where it can
/// be, with `citus` where it must be. Whether it is distributed. For the owner of the tables.
///
/// # Errors
/// Those of [`open`] and of `PostgresStore::distribute`; [`StoreError::Config`] for Citus without
/// PostgreSQL.
pub async fn distribute(url: &str, citus: bool) -> Result<bool> {
    if is_postgres(url) {
        #[cfg(feature = "postgres")]
        return postgres::PostgresStore::open(url, Mode::Write).await?.distribute(citus).await;
        #[cfg(not(feature = "postgres"))]
        return Err(without_postgres());
    }
    if citus { Err(citus_without_postgres()) } else { Ok(false) }
}

fn citus_without_postgres() -> StoreError {
    StoreError::Config("Citus distributes a store on PostgreSQL, this one is on SQLite".into())
}

#[cfg(not(feature = "postgres"))]
fn without_postgres() -> StoreError {
    StoreError::Config("this build has no PostgreSQL: build it with --features postgres".into())
}

/// A place where ledgers live.
#[async_trait]
pub trait Store: Send + Sync {
    /// **ledgers**: opens a ledger. [`StoreError::NotFound`] when there is none, but for the
    /// default ledger, which a store that is open for writing always has.
    async fn ledger(&self, name: &LedgerName) -> Result<Arc<dyn LedgerStore>>;

    /// **ledgers**: makes an empty ledger. False when there is one with this name.
    async fn create_ledger(&self, name: &LedgerName, settings: &Settings) -> Result<bool>;

    /// **ledgers**: every ledger by name, archived ones too.
    async fn ledgers(&self) -> Result<Vec<LedgerInfo>>;

    /// The bytes that all ledgers take on storage.
    async fn size_bytes(&self) -> Result<u64>;

    /// **backup**: makes a ledger that does not exist yet from a file that
    /// [`LedgerStore::backup`] wrote. It gets a new epoch: its positions are another history.
    async fn restore(&self, name: &LedgerName, from: &Path) -> Result<Head>;

    /// Whether the store is open for reading only.
    fn read_only(&self) -> bool;

    /// Every token, oldest first, revoked ones too.
    async fn tokens(&self) -> Result<Vec<Token>>;

    /// The token with this SHA-256, revoked or expired or not.
    async fn token_by_hash(&self, hash: [u8; 32]) -> Result<Option<Token>>;

    /// Keeps a new token and gives it its number.
    async fn add_token(&self, token: TokenRow) -> Result<Token>;

    /// Revokes a token for ever. False when there is none with this number that still held.
    async fn revoke_token(&self, id: i64, at: Timestamp) -> Result<bool>;
}

/// Rung when a ledger's log has grown: whoever follows it looks. Only a hint.
pub type Bell = tokio::sync::watch::Sender<()>;

/// Held by whoever wants to hear other programs.
pub type Listening = Arc<dyn Any + Send + Sync>;

/// One ledger's tables. Every read is one short snapshot, and says at which position it is true.
#[async_trait]
pub trait LedgerStore: Send + Sync {
    /// **append**: begins the only transaction that may write: nobody else appends until it ends.
    /// Waits at most 2 s for another writer, then [`StoreError::Busy`]. Looks for the keys as soon
    /// as the head is locked: see [`WriteTx::requests`].
    async fn begin(&self, keys: &[IdempotencyKey]) -> Result<Box<dyn WriteTx>>;

    /// **append**: begins as well, for a writer that sees somebody else move the head that it
    /// remembers: what is beyond that one is found together with the lock. See [`WriteTx::tail`].
    async fn take_turn(&self, _remembered: &Head) -> Result<Box<dyn WriteTx>> {
        self.begin(&[]).await
    }

    /// Whether a batch that changes no items is written only if none of its keys is stored: then
    /// nobody needs to look for them before.
    fn finds_stored_keys(&self) -> bool {
        false
    }

    /// **append**: begins, appends and commits, all in one step, where the batch may be written.
    /// Behind others, what they did to an item of its events is added to these, if its count stays
    /// in range. Nothing is written where that is not so, or cannot be told, or a key is stored.
    /// The batch changes no items. Errors are those of [`WriteTx::commit`]. The next batch may be
    /// sent meanwhile: they are carried out in the order in which they were first polled.
    async fn append(&self, _batch: &Batch, _place: Place<'_>) -> Result<Appended> {
        Ok(Appended::Nothing)
    }

    /// Whether a transaction works on the thread that polls it: then the writer has one of its own.
    fn keeps_its_thread(&self) -> bool;

    /// Whether a commit that ended as [`StoreError::CommitUnknown`] can be resolved: whoever locks
    /// the head next reads for certain what was committed, and the stored keys tell. Where this is
    /// false, what can be read may differ from what is on the disk until the process restarts.
    fn resolves_unknown_commits(&self) -> bool;

    /// **follow**: tells other programs that follow the ledger that its log has grown. Called after
    /// the commit, by one caller at a time. A hint: losing it costs delay, never data. Where a
    /// ledger is written to by one program only there is nothing to do.
    async fn announce(&self) {}

    /// **follow**: rings the bell when another program announces, while what comes back is held.
    fn listen(&self, _bell: &Arc<Bell>) -> Option<Listening> {
        None
    }

    /// The head as last committed, by anyone.
    async fn head(&self) -> Result<Head>;

    /// **counts**: an item with its count, now or in the past. `None` when there is no such item.
    /// The position in the answer is the one that `as_of` means, at most the head's. As of a moment
    /// before the item's first event the count is empty. The item's name, sku and unit are today's.
    async fn inventory(&self, item: ItemId, as_of: Option<AsOf>) -> Result<At<Option<Inventory>>>;

    /// **counts**: items with their counts, by id; now or in the past. The position in the answer
    /// is the one that `as_of` means, at most the head's.
    async fn inventories(
        &self,
        query: &ItemQuery,
        as_of: Option<AsOf>,
    ) -> Result<At<Vec<Inventory>>>;

    /// One event.
    async fn event(&self, position: Position) -> Result<At<Option<Event>>>;

    /// **follow**: events by position.
    async fn events(&self, query: &EventQuery) -> Result<At<Vec<Event>>>;

    /// What the events at the positions `after < position <= up_to` add up to, item by item.
    async fn item_sums(&self, after: Position, up_to: Position) -> Result<Vec<ItemSum>>;

    /// The changes of items with revisions `after < revision <= up_to`, in order.
    async fn item_changes(&self, after: i64, up_to: i64) -> Result<Vec<ItemChange>>;

    /// **requests**: what those with ids greater than `after` say of the log, in order, at most
    /// `limit`; none only after the last one.
    async fn request_traces(&self, after: i64, limit: usize) -> Result<Vec<RequestTrace>>;

    /// These items as they were at a revision of the ledger's items, in the order of the ids.
    async fn items_at(&self, items: &[ItemId], revision: i64) -> Result<Vec<ItemChange>>;

    /// Where an item's count comes from: `last` of its events, `last` of its corrections.
    async fn explain(&self, item: ItemId, last: usize) -> Result<At<Option<Explanation>>>;

    /// Rows of `item_inventory` that differ from their item's last event.
    async fn discrepancies(&self) -> Result<At<Vec<Discrepancy>>>;

    /// Items with a count below zero, by id, at most `limit`.
    async fn negative(&self, limit: usize) -> Result<At<Vec<Inventory>>>;

    /// In one snapshot: the head, the events after `position`, and every row of `items` with its
    /// row of `item_inventory` exactly as stored (`None` when missing).
    async fn snapshot_after(&self, position: Position) -> Result<Snapshot>;

    /// **summary**: rows of the daily summary, with what they are made of, at one moment.
    async fn daily_summary(&self, query: &SummaryQuery) -> Result<DailySummary>;

    /// **summary**: takes a step, if the summary is still as it was `seen`. False when it is not:
    /// somebody else has taken a step, and nothing was done. No writer waits for it longer than for
    /// another writer.
    async fn step_summary(&self, seen: &Summary, step: SummaryStep) -> Result<bool>;

    /// The storage's own check of itself: one sentence a fault. Slow: reads everything.
    async fn integrity(&self) -> Result<Vec<String>>;

    /// **backup**: copies the ledger, while it is written to, into a new file. Answers the head of
    /// the copy.
    async fn backup(&self, to: &Path) -> Result<Head>;
}

/// The writer's transaction. Dropped without [`WriteTx::commit`], nothing of it happened.
#[async_trait]
pub trait WriteTx: Send {
    /// The head, locked: nobody moves it until this transaction ends.
    async fn head(&mut self) -> Result<Head>;

    /// Reads all items and counts.
    async fn load(&mut self) -> Result<Loaded>;

    /// The event at a position.
    async fn event(&mut self, position: Position) -> Result<Option<Event>>;

    /// What is beyond a head.
    async fn tail(&mut self, remembered: &Head) -> Result<Tail>;

    /// **requests**: those of the keys it was begun with that are stored. Told once.
    fn requests(&mut self) -> Vec<StoredRequest>;

    /// Those of these events that exist, with the sum of their corrections.
    async fn correctable(&mut self, positions: &[Position]) -> Result<Vec<Correctable>>;

    /// The latest count or override of those of these items that have one.
    async fn last_counts(&mut self, items: &[ItemId]) -> Result<Vec<(ItemId, LastCount)>>;

    /// The sum of an item's changes that took effect after a time ([`Event::effective_at`]).
    async fn changes_since(&mut self, item: ItemId, at: Timestamp) -> Result<i64>;

    /// **ledgers**: changes what is chosen for the ledger.
    async fn put_settings(&mut self, settings: &Settings) -> Result<()>;

    /// Replaces rows of `item_inventory` by what the log says, removes those of items that do not
    /// exist, and bumps `counts_revision`.
    async fn replace_counts(&mut self, rows: &[Inventory], strays: &[ItemId]) -> Result<()>;

    /// **append**: writes a batch, and commits. False where [`LedgerStore::finds_stored_keys`] and
    /// one of its keys is stored: nothing was written. Errors are those of [`WriteTx::commit`].
    async fn append(self: Box<Self>, batch: &Batch) -> Result<bool>;

    /// Commits. [`StoreError::CommitUnknown`] when it cannot be told whether it happened; any
    /// other error means that it certainly did not.
    async fn commit(self: Box<Self>) -> Result<()>;
}
