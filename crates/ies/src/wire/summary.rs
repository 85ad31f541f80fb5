//! The daily summary as it is asked for and answered.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What changed on a business day: the sum over an item's events for one reason and kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DaySum {
    /// The business day, such as `2026-11-23`, on which it happened.
    pub day: String,
    /// The item.
    pub item_id: i64,
    /// Why.
    pub reason: String,
    /// Why, for an adjustment.
    pub kind: Option<String>,
    /// How many events.
    pub events: i64,
    /// The sum of their changes, in the item's unit.
    pub quantity_change: i64,
}

/// A page of the daily summary.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DailySummaryPage {
    /// By day, item, reason and kind.
    pub summary: Vec<DaySum>,
    /// The item's balance when the day `from` began, 0 without one; null when no item was asked
    /// for.
    pub opening: Option<i64>,
    /// Where the next page begins; null on the last one.
    pub next_cursor: Option<String>,
    /// The position up to which it is true.
    pub position: i64,
    /// The head position when it was read: later events are not in it until a refresh.
    pub head_position: i64,
    /// The time zone that it was made for.
    pub time_zone: String,
    /// The local hour at which its business days start.
    pub day_start_hour: i64,
}

/// What a refresh of the daily summary did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RefreshReport {
    /// The position up to which it is true now, at least.
    pub position: i64,
    /// Events added.
    pub events: u64,
    /// Whether it was emptied first and made from the log's beginning.
    pub rebuilt: bool,
}
