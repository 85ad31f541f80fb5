//! The current count of an item, a row of `item_inventory`.

use crate::event::Balance;
use crate::ids::Position;
use crate::item::Item;
use crate::time::Timestamp;
use std::sync::Arc;

/// How many there are, and which event says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count {
    /// The count, in the item's unit.
    pub quantity: i64,
    /// The number of events of the item: the version of its last one, 0 before the first.
    pub version: i64,
    /// The event that made it so.
    pub last_event_id: Option<Position>,
    /// When the row was made.
    pub created_at: Timestamp,
    /// When the last event was recorded.
    pub updated_at: Timestamp,
}

impl Count {
    /// The count of an item without events.
    #[must_use]
    pub fn empty(created_at: Timestamp) -> Self {
        Self { quantity: 0, version: 0, last_event_id: None, created_at, updated_at: created_at }
    }

    /// The count after an event. Takes the event's word: what is in the log is not judged again.
    #[must_use]
    pub fn after(self, balance: Balance) -> Self {
        Self {
            quantity: balance.quantity_after,
            version: balance.version,
            last_event_id: Some(balance.id),
            created_at: self.created_at,
            updated_at: balance.created_at,
        }
    }

    /// Whether two counts say the same of the log; the row's own times do not matter.
    #[must_use]
    pub fn agrees_with(&self, other: &Self) -> bool {
        (self.quantity, self.version, self.last_event_id)
            == (other.quantity, other.version, other.last_event_id)
    }
}

/// An item with its count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inventory {
    /// The item.
    pub item: Arc<Item>,
    /// Its count.
    pub count: Count,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_agree_on_the_log_whatever_their_times() {
        let empty = Count::empty(Timestamp::from_micros(1));
        assert!(empty.agrees_with(&Count::empty(Timestamp::from_micros(2))));
        for other in [
            Count { quantity: 1, ..empty },
            Count { version: 1, ..empty },
            Count { last_event_id: Some(Position(1)), ..empty },
        ] {
            assert!(!empty.agrees_with(&other), "{other:?}");
        }
    }
}
