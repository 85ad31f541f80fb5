//! What readers ask for, and how they are told at which position the answer is true.

use crate::event::Event;
use crate::ids::{ItemId, Position};
use crate::inventory::Count;
use crate::item::Item;
use crate::reason::{Kind, Reason};
use crate::store::Head;
use crate::summary::{Summary, SummaryKey, SummaryRow};
use crate::text::{Actor, Name, Sku};
use crate::time::{Day, Timestamp};

/// A value read from the store, true at a position.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct At<T> {
    /// The head position when it was read.
    pub position: Position,
    /// What was read.
    pub value: T,
}

/// A past state of the counts. Follows the log: a time means when events were recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AsOf {
    /// Right after the event at this position.
    Position(Position),
    /// Right after the last event recorded at or before this time.
    Time(Timestamp),
}

/// In which order events are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// By position, descending.
    NewestFirst,
    /// By position, ascending.
    OldestFirst,
}

/// Which events to list. Every filter that is `None` admits all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventQuery {
    /// Of one item.
    pub item: Option<ItemId>,
    /// For one reason.
    pub reason: Option<Reason>,
    /// Of one kind.
    pub kind: Option<Kind>,
    /// By one actor.
    pub actor: Option<Actor>,
    /// Recorded at this time or later.
    pub from: Option<Timestamp>,
    /// Recorded before this time.
    pub to: Option<Timestamp>,
    /// Only positions greater than this.
    pub after: Option<Position>,
    /// Only positions less than this.
    pub before: Option<Position>,
    /// In which order.
    pub order: Order,
    /// At most so many.
    pub limit: usize,
}

impl EventQuery {
    /// Everything, in this order, at most `limit` events.
    #[must_use]
    pub fn all(order: Order, limit: usize) -> Self {
        Self {
            item: None,
            reason: None,
            kind: None,
            actor: None,
            from: None,
            to: None,
            after: None,
            before: None,
            order,
            limit,
        }
    }

    /// Whether an event is of the item, for the reason, of the kind and by the actor.
    #[must_use]
    pub fn admits(&self, event: &Event) -> bool {
        self.item.is_none_or(|item| item == event.item_id)
            && self.reason.is_none_or(|reason| reason == event.reason)
            && self.kind.is_none_or(|kind| Some(kind) == event.kind)
            && self.actor.as_ref().is_none_or(|actor| Some(actor) == event.actor.as_ref())
    }
}

/// Which items to list, by id ascending. Every filter that is `None` admits all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ItemQuery {
    /// Only this item.
    pub item: Option<ItemId>,
    /// With this stock keeping unit.
    pub sku: Option<Sku>,
    /// With exactly this name.
    pub name: Option<Name>,
    /// Archived, or not.
    pub archived: Option<bool>,
    /// Only ids greater than this.
    pub after: Option<ItemId>,
    /// At most so many.
    pub limit: usize,
}

/// The sum of an item's changes for one reason and kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReasonSum {
    /// Why.
    pub reason: Reason,
    /// Why, for an adjustment.
    pub kind: Option<Kind>,
    /// How many events.
    pub events: i64,
    /// The sum of their changes.
    pub quantity_change: i64,
}

/// Where an item's count comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The item.
    pub item: Item,
    /// Its count, as `item_inventory` says.
    pub count: Count,
    /// The sums per reason and kind; together they are the count. In the order of
    /// [`Reason::ALL`] and [`Kind::ALL`].
    pub sums: Vec<ReasonSum>,
    /// The latest count or override.
    pub last_count: Option<Event>,
    /// The latest events, newest first.
    pub last_events: Vec<Event>,
    /// The latest corrections, newest first.
    pub corrections: Vec<Event>,
}

/// Which rows of the daily summary to list: by day, then item, then the names of reason and kind.
/// Every filter that is `None` admits all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SummaryQuery {
    /// Of one item.
    pub item: Option<ItemId>,
    /// Of this business day or later.
    pub from: Option<Day>,
    /// Of this business day or earlier.
    pub to: Option<Day>,
    /// For one reason.
    pub reason: Option<Reason>,
    /// Of one kind.
    pub kind: Option<Kind>,
    /// Only rows after this one.
    pub after: Option<SummaryKey>,
    /// At most so many. With 0 only what the summary is made of is read.
    pub limit: usize,
}

/// Rows of the daily summary, and how far they are true.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DailySummary {
    /// What they are made of.
    pub summary: Summary,
    /// The head when they were read.
    pub head: Head,
    /// The item's balance when the day [`SummaryQuery::from`] began, 0 without one; `None` when no
    /// item was asked for.
    pub opening: Option<i64>,
    /// The rows.
    pub rows: Vec<SummaryRow>,
}
