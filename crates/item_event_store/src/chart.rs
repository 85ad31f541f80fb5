//! The stock over time, by business day. Follows when things happened, not when they were
//! recorded, so that an imported history is spread over its real days.

use crate::ids::ItemId;
use crate::time::Day;

/// One business day of one item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChartDay {
    /// The business day.
    pub day: Day,
    /// The balance when it began.
    pub opening: i64,
    /// Changes by reason, in the order of [`crate::Reason::ALL`].
    pub changes: [i64; 5],
    /// The balance when it ended.
    pub closing: i64,
    /// The lowest balance within it, its opening included.
    pub lowest: i64,
}

/// The stock of one item over time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chart {
    /// The item.
    pub item_id: ItemId,
    /// Every day from the first to the last that has an event, without gaps.
    pub days: Vec<ChartDay>,
}
