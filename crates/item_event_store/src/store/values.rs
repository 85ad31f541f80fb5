//! What a store is given and gives.

use crate::event::{Balance, Event};
use crate::ids::{Epoch, ItemId, LedgerName, Position};
use crate::inventory::{Count, Inventory};
use crate::item::{Item, ItemChange};
#[cfg(doc)]
use crate::limits::SUMMARY_STEP_ROWS;
use crate::request::StoredRequest;
use crate::settings::Settings;
#[cfg(doc)]
use crate::store::{LedgerStore, WriteTx};
#[cfg(doc)]
use crate::summary::Summary;
use crate::summary::SummaryRow;
use crate::time::Timestamp;

/// The row of `ledgers`: where the log ends, and what the writer's memory must agree with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The last event's position; 0 before the first.
    pub position: Position,
    /// The history that positions belong to.
    pub epoch: Epoch,
    /// The number of the last row of `item_changes`.
    pub items_revision: i64,
    /// Grows with every rebuild that changed a count.
    pub counts_revision: i64,
    /// The number of the last row of `requests`.
    pub last_request_id: i64,
    /// The last event's `created_at`; the least time when there is none.
    pub last_created_at: Timestamp,
    /// What is chosen for the ledger.
    pub settings: Settings,
    /// When the ledger was made.
    pub created_at: Timestamp,
}

/// A ledger as the list of a store's ledgers shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerInfo {
    /// Its name.
    pub name: LedgerName,
    /// When it was made.
    pub created_at: Timestamp,
    /// What is chosen for it.
    pub settings: Settings,
}

/// What one commit writes. Positions, versions, balances and numbers are already given.
#[derive(Debug)]
pub struct Batch {
    /// The head before it: as [`WriteTx::head`] said, as the batch under way before it makes it, or
    /// as it is remembered by a writer that lets the batch move.
    pub base: Head,
    /// The head after it.
    pub head: Head,
    /// The events `base.position + 1 ..= head.position`.
    pub events: Vec<Event>,
    /// The changes `base.items_revision + 1 ..= head.items_revision`. Each says what its item's
    /// row becomes.
    pub item_changes: Vec<ItemChange>,
    /// The rows that `item_inventory` gets; a row that exists is replaced.
    pub inventory: Vec<Inventory>,
    /// The requests `base.last_request_id + 1 ..= head.last_request_id`.
    pub requests: Vec<StoredRequest>,
}

/// Where a batch that is sent without the lock may be written.
#[derive(Clone, Copy, Debug)]
pub enum Place<'a> {
    /// On the head that it was decided on.
    Base,
    /// There as well, but that head is the one that the batch makes which was sent before it and is
    /// not answered yet.
    Following,
    /// There, or behind what others wrote, unless that is of these items, by which it was judged.
    Behind(&'a [ItemId]),
}

/// What became of a batch that was sent without the lock.
#[derive(Debug)]
pub enum Appended {
    /// Nothing was written: it cannot follow what the log says.
    Nothing,
    /// It was written where it was decided.
    AsDecided,
    /// It was written behind what others had written since.
    Behind(Others),
}

/// What others wrote between a batch's base and its place.
#[derive(Debug)]
pub struct Others {
    /// The number of the last request.
    pub last_request_id: i64,
    /// When the batch itself was recorded.
    pub recorded_at: Timestamp,
    /// Of the events, in order. None is of an item that the batch was judged by.
    pub balances: Vec<Balance>,
}

/// What a ledger has beyond a head that the writer remembers.
#[derive(Debug)]
pub struct Tail {
    /// Of the event at the remembered position.
    pub last_balance: Option<Balance>,
    /// The changes of items since, in order.
    pub item_changes: Vec<ItemChange>,
    /// Of the events since, in order.
    pub balances: Vec<Balance>,
}

/// An inventory row that is not what the log says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Discrepancy {
    /// The item.
    pub item_id: ItemId,
    /// What `item_inventory` says; `None` when the row is missing.
    pub stored: Option<Count>,
    /// What the log says; `None` when there is no such item.
    pub logged: Option<Count>,
}

/// What an item's events in a range of positions add up to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ItemSum {
    /// The item.
    pub item_id: ItemId,
    /// How many there are.
    pub events: i64,
    /// The sum of their changes.
    pub quantity_change: i64,
    /// The last of them.
    pub last_event_id: Position,
    /// The count after it, as it says itself: how many events, and what they make.
    pub said: (i64, i64),
}

/// All items with their counts, and what was wrong about them.
#[derive(Debug)]
pub struct Loaded {
    /// The head at which they are true.
    pub head: Head,
    /// Every item. Where `item_inventory` differs from the log, the log's word.
    pub rows: Vec<Inventory>,
    /// Where it differs.
    pub discrepancies: Vec<Discrepancy>,
}

/// What one short transaction makes of the daily summary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SummaryStep {
    /// Empties it, for another time zone and hour: takes [`SUMMARY_STEP_ROWS`] rows away, and
    /// leaves it [`Summary::clearing`] until none is left.
    Clear {
        /// The IANA name of the time zone that it is to be made for.
        time_zone: String,
        /// The local hour, 0 to 23, at which its business days start.
        day_start_hour: i8,
    },
    /// Adds the sums of the events after its position.
    Add {
        /// The last of these events.
        up_to: Position,
        /// Their sums, each key once.
        rows: Vec<SummaryRow>,
    },
}

/// What [`LedgerStore::snapshot_after`] reads.
#[derive(Debug)]
pub struct Snapshot {
    /// The head.
    pub head: Head,
    /// The events after the position asked for.
    pub tail: Vec<Event>,
    /// Items, each with its stored count.
    pub items: Vec<(Item, Option<Count>)>,
    /// Stored counts of items that do not exist.
    pub strays: Vec<(ItemId, Count)>,
}
