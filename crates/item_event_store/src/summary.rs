//! The daily summary: what changed, by business day, item, reason and kind. It is a sum over events
//! by when they happened, so late events and corrections land on their day by themselves.

use crate::event::Event;
use crate::ids::{ItemId, Position};
use crate::reason::{Kind, Reason};
use crate::time::{BusinessDay, Day};
use rustc_hash::FxHashMap;

/// What a row of the summary is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SummaryKey {
    /// The business day on which it happened ([`Event::effective_at`]).
    pub day: Day,
    /// The item.
    pub item_id: ItemId,
    /// Why.
    pub reason: Reason,
    /// Why, for an adjustment.
    pub kind: Option<Kind>,
}

/// What happened to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DaySum {
    /// How many events; at least one in every row.
    pub events: i64,
    /// The sum of their changes, in the item's unit.
    pub quantity_change: i64,
}

/// A row of `item_daily_summary`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SummaryRow {
    /// What it is about.
    pub key: SummaryKey,
    /// What happened.
    pub sum: DaySum,
}

/// The row of `summaries`: what the daily summary is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// The events up to here are in it, each once, and no others.
    pub position: Position,
    /// The IANA name of the time zone that it was made for.
    pub time_zone: String,
    /// The local hour, 0 to 23, at which its business days start.
    pub day_start_hour: i8,
    /// Whether it is being cleared: then it counts as empty, whatever rows are left.
    pub clearing: bool,
}

/// Adds events up to rows of the summary.
#[derive(Debug)]
pub struct Sums {
    business_day: BusinessDay,
    sums: FxHashMap<SummaryKey, DaySum>,
}

impl Sums {
    /// Nothing added yet.
    #[must_use]
    pub fn new(business_day: BusinessDay) -> Self {
        Self { business_day, sums: FxHashMap::default() }
    }

    /// Adds an event to its row.
    pub fn add(&mut self, event: &Event) {
        let sum = self.sums.entry(self.key(event)).or_default();
        sum.events += 1;
        sum.quantity_change += event.quantity_change;
    }

    /// The rows, by key.
    #[must_use]
    pub fn rows(self) -> Vec<SummaryRow> {
        let mut rows: Vec<_> =
            self.sums.into_iter().map(|(key, sum)| SummaryRow { key, sum }).collect();
        rows.sort_unstable_by_key(|row| row.key);
        rows
    }

    fn key(&self, event: &Event) -> SummaryKey {
        SummaryKey {
            day: self.business_day.day_of(event.effective_at()),
            item_id: event.item_id,
            reason: event.reason,
            kind: event.kind,
        }
    }
}
