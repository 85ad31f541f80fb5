//! What the service answers.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// An event of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Event {
    /// Its position in the ledger: 1, 2, 3 … in commit order, without gaps.
    pub id: i64,
    /// The item.
    pub item_id: i64,
    /// Its number within the item: 1, 2, 3 … without gaps.
    pub version: i64,
    /// By how much the count changed, in the item's unit.
    pub quantity_change: i64,
    /// The count after it.
    pub quantity_after: i64,
    /// `initial`, `batch`, `bakeoff`, `special_order` or `adjustment`.
    pub reason: String,
    /// Why an adjustment was made; null for the other reasons.
    pub kind: Option<String>,
    /// When it happened, if that was said.
    pub occurred_at: Option<String>,
    /// When it was recorded.
    pub created_at: String,
    /// Who did it; null when it was typed in SQL.
    pub actor: Option<String>,
    /// The outside document.
    pub reference: Option<String>,
    /// For the people who read the log.
    pub note: Option<String>,
    /// The event that this one corrects.
    pub corrects_event_id: Option<i64>,
}

/// An item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Item {
    /// Its number.
    pub id: i64,
    /// What people call it.
    pub name: String,
    /// What machines call it; unique.
    pub sku: Option<String>,
    /// What it is counted in.
    pub unit: String,
    /// Whether its count may fall below zero.
    pub allow_negative: bool,
    /// Since when it takes no more events.
    pub archived_at: Option<String>,
    /// When it was made.
    pub created_at: String,
    /// When it was last changed.
    pub updated_at: String,
}

/// The current count of an item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Inventory {
    /// The item.
    pub item_id: i64,
    /// What people call it.
    pub name: String,
    /// What machines call it.
    pub sku: Option<String>,
    /// What it is counted in.
    pub unit: String,
    /// How many there are.
    pub quantity: i64,
    /// The number of the item's events.
    pub version: i64,
    /// The event that made the count what it is.
    pub last_event_id: Option<i64>,
    /// When the row was made.
    pub created_at: String,
    /// When the last event was recorded.
    pub updated_at: String,
}

/// The answer to every write.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Recorded {
    /// The head position right after the request.
    pub position: i64,
    /// Whether it was recorded earlier, under the same idempotency key.
    pub replayed: bool,
    /// The item that was made or edited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item: Option<Item>,
    /// The positions of the request's events; null when it has none.
    #[serde(default)]
    pub range: Option<Range>,
    /// The events; absent in the answer to `POST /v1/events` unless asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub events: Option<Vec<Event>>,
    /// Every item touched, as it was right after the request.
    pub inventory: Vec<Inventory>,
}

/// Positions, both ends included.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Range {
    /// The first event.
    pub first: i64,
    /// The last event.
    pub last: i64,
}

/// One item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ItemReply {
    /// The head position when it was read.
    pub position: i64,
    /// The item.
    pub item: Item,
}

/// A page of items.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ItemPage {
    /// By id.
    pub items: Vec<Item>,
    /// Where the next page begins; null on the last one.
    pub next_cursor: Option<String>,
    /// The head position when it was read.
    pub position: i64,
}

/// One count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InventoryReply {
    /// The position at which it is true.
    pub position: i64,
    /// The count.
    pub inventory: Inventory,
}

/// A page of counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InventoryPage {
    /// By item id.
    pub inventory: Vec<Inventory>,
    /// Where the next page begins; null on the last one.
    pub next_cursor: Option<String>,
    /// The position at which it is true.
    pub position: i64,
}

/// One event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EventReply {
    /// The head position when it was read.
    pub position: i64,
    /// The event.
    pub event: Event,
}

/// A page of events.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EventPage {
    /// In the order asked for.
    pub events: Vec<Event>,
    /// Where the next page begins; null on the last one.
    pub next_cursor: Option<String>,
    /// The head position when it was read.
    pub position: i64,
}

/// The changes of one reason and kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ReasonSum {
    /// Why.
    pub reason: String,
    /// Why, for an adjustment.
    pub kind: Option<String>,
    /// How many events.
    pub events: i64,
    /// The sum of their changes.
    pub quantity_change: i64,
}

/// Why the count is what it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Explanation {
    /// The position at which it is true.
    pub position: i64,
    /// The count.
    pub inventory: Inventory,
    /// Sums that add up to the count.
    pub sums: Vec<ReasonSum>,
    /// The sum of the sums; equal to the count unless something is wrong.
    pub total: i64,
    /// The latest count or override.
    pub last_count: Option<Event>,
    /// The latest events, newest first.
    pub last_events: Vec<Event>,
    /// The latest corrections, newest first.
    pub corrections: Vec<Event>,
    /// Sentences about what a person should look into.
    pub warnings: Vec<Warning>,
}

/// Something that a person should look into.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Warning {
    /// `negative`, `never_counted`, `count_is_old`, `sums_differ`.
    pub code: String,
    /// One sentence.
    pub detail: String,
}

/// One business day of an item's stock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ChartDay {
    /// The business day, such as `2026-11-23`.
    pub day: String,
    /// The balance when it began.
    pub opening: i64,
    /// The sum of `initial` changes.
    pub initial: i64,
    /// The sum of `batch` changes.
    pub batch: i64,
    /// The sum of `bakeoff` changes (negative).
    pub bakeoff: i64,
    /// The sum of `special_order` changes (negative).
    pub special_order: i64,
    /// The sum of `adjustment` changes.
    pub adjustment: i64,
    /// The balance when it ended.
    pub closing: i64,
    /// The lowest balance within it.
    pub lowest: i64,
}

/// The stock of an item over time, by when things happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Chart {
    /// The position at which it is true.
    pub position: i64,
    /// The item.
    pub item_id: i64,
    /// What people call it.
    pub name: String,
    /// What it is counted in.
    pub unit: String,
    /// Every day from the first to the last with an event.
    pub days: Vec<ChartDay>,
}

/// Something that is not as it must be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Finding {
    /// A stable code.
    pub code: String,
    /// The item that it is about.
    pub item_id: Option<i64>,
    /// The first event where they part.
    pub position: Option<i64>,
    /// One sentence with the numbers.
    pub detail: String,
}

/// What a verification found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VerifyReport {
    /// Everything up to here was verified.
    pub position: i64,
    /// Whether nothing is wrong.
    pub clean: bool,
    /// Events read.
    pub events: u64,
    /// Items whose counts were compared.
    pub items: u64,
    /// Whether the storage's own check was part of it.
    pub storage_checked: bool,
    /// What is wrong.
    pub findings: Vec<Finding>,
    /// How many more there are.
    pub findings_left_out: u64,
}

/// A count that a rebuild put right.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Rebuilt {
    /// The item.
    pub item_id: i64,
    /// The quantity that was stored; null when the row was missing.
    pub before: Option<i64>,
    /// The quantity that the log says; null when there is no such item.
    pub after: Option<i64>,
}

/// What a rebuild did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RebuildReport {
    /// The counts are those at this position.
    pub position: i64,
    /// Events folded.
    pub events: u64,
    /// Items recomputed.
    pub items: u64,
    /// Those whose row changed.
    pub changed: Vec<Rebuilt>,
}

/// An inventory row that is not what the log says, or a count below zero.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Discrepancy {
    /// `inventory_differs`, `inventory_missing`, `inventory_stray` or `negative`.
    pub code: String,
    /// The item.
    pub item_id: i64,
    /// What `item_inventory` says.
    pub stored_quantity: Option<i64>,
    /// What the log says.
    pub logged_quantity: Option<i64>,
}

/// What does not add up now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DiscrepancyReport {
    /// The position at which it is true.
    pub position: i64,
    /// By item.
    pub discrepancies: Vec<Discrepancy>,
}

/// A ledger: one bakery's book.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Ledger {
    /// Its name, which the `Ledger` header gives.
    pub name: String,
    /// The IANA name of its time zone.
    pub time_zone: String,
    /// The local hour, 0 to 23, at which its business day starts.
    pub day_start_hour: i64,
    /// When it was made.
    pub created_at: String,
    /// Since when it takes no more requests. It can still be read.
    pub archived_at: Option<String>,
}

/// One ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LedgerReply {
    /// Its last event's position.
    pub position: i64,
    /// The ledger.
    pub ledger: Ledger,
}

/// The ledgers that a token may see.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LedgerList {
    /// By name.
    pub ledgers: Vec<Ledger>,
}

/// A token, without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Token {
    /// Its number.
    pub id: i64,
    /// Who holds it: the actor of every event it causes.
    pub name: String,
    /// `viewer`, `baker`, `manager` or `admin`.
    pub role: String,
    /// The only ledger that it is for; null for every ledger of the store.
    pub ledger: Option<String>,
    /// When it was made.
    pub created_at: String,
    /// From when on it holds no more.
    pub expires_at: Option<String>,
    /// Since when it holds no more.
    pub revoked_at: Option<String>,
}

/// Every token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TokenList {
    /// Oldest first.
    pub tokens: Vec<Token>,
}

/// A new token. The only time that its secret is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NewToken {
    /// What is kept.
    pub token: Token,
    /// What its holder sends: `Authorization: Bearer …`.
    pub secret: String,
}
