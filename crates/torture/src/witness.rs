//! The witness: what the database itself holds when all is over, read by plain SQL past the
//! product. The order of its requests is the order in which the ledger says that it decided them.

mod postgres;
mod sqlite;

pub use postgres::read as read_postgres;
pub use sqlite::read as read_sqlite;

use item_event_store::event::Event;
use item_event_store::time::Timestamp;

/// A row of `requests`.
#[derive(Clone, Debug)]
pub struct RequestRow {
    pub id: i64,
    pub key: String,
    pub hash: Vec<u8>,
    pub created_at: Timestamp,
    /// The head position right after it.
    pub position: i64,
}

/// A row of `item_inventory`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CountRow {
    pub item_id: i64,
    pub quantity: i64,
    pub version: i64,
    pub last_event_id: Option<i64>,
}

/// A row of `items`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemRow {
    pub id: i64,
    pub name: String,
    pub sku: Option<String>,
    pub unit: String,
    pub allow_negative: bool,
    pub archived: bool,
}

/// Everything, at one moment, each by its number.
#[derive(Clone, Debug, Default)]
pub struct Witness {
    /// Of the row of `ledgers`.
    pub position: i64,
    pub requests: Vec<RequestRow>,
    pub events: Vec<Event>,
    pub counts: Vec<CountRow>,
    pub items: Vec<ItemRow>,
    /// The number of rows of `item_changes`.
    pub item_changes: i64,
    /// What the storage finds wrong with itself.
    pub storage: Vec<String>,
}

const REQUESTS: &str = "id, key, hash, created_at, position";
const EVENTS: &str = "id, item_id, version, quantity_change, quantity_after, reason, kind, \
    occurred_at, created_at, actor, reference, note, corrects_event_id, request_id";
const COUNTS: &str = "item_id, quantity, version, last_event_id";
const ITEMS: &str = "id, name, sku, unit, allow_negative, archived_at";
