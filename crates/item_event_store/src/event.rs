//! The event: an immutable fact, a row of `item_event_store`.

use crate::hash::Digest;
use crate::ids::{ItemId, Position};
use crate::reason::{Kind, Reason};
use crate::text::{Actor, Note, Reference};
use crate::time::Timestamp;

/// One change of one item's quantity, for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its position in the ledger.
    pub id: Position,
    /// The item.
    pub item_id: ItemId,
    /// Its number within the item: 1, 2, 3 … without gaps.
    pub version: i64,
    /// By how much the count changed.
    pub quantity_change: i64,
    /// The count after it: the running balance.
    pub quantity_after: i64,
    /// Why.
    pub reason: Reason,
    /// Why, for an adjustment.
    pub kind: Option<Kind>,
    /// When it happened in the bakery, if that was said. A correction's is its original's, a
    /// count's is when it was counted.
    pub occurred_at: Option<Timestamp>,
    /// When it was recorded. Never earlier than that of the event before it.
    pub created_at: Timestamp,
    /// Who did it; `None` when it was typed in SQL.
    pub actor: Option<Actor>,
    /// The outside document.
    pub reference: Option<Reference>,
    /// For the people who read the log.
    pub note: Option<Note>,
    /// The event that this one corrects.
    pub corrects_event_id: Option<Position>,
    /// The request that caused it; `None` when it was typed in SQL.
    pub request_id: Option<i64>,
}

/// What an event makes of its item's count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Balance {
    /// [`Event::id`].
    pub id: Position,
    /// [`Event::item_id`].
    pub item_id: ItemId,
    /// [`Event::version`].
    pub version: i64,
    /// [`Event::quantity_after`].
    pub quantity_after: i64,
    /// [`Event::created_at`].
    pub created_at: Timestamp,
}

impl Event {
    /// What it makes of its item's count.
    #[must_use]
    pub fn balance(&self) -> Balance {
        let Self { id, item_id, version, quantity_after, created_at, .. } = *self;
        Balance { id, item_id, version, quantity_after, created_at }
    }

    /// When it happened, for reports: `occurred_at`, else `created_at`.
    #[must_use]
    pub fn effective_at(&self) -> Timestamp {
        self.occurred_at.unwrap_or(self.created_at)
    }

    /// The first 8 hex digits of the SHA-256 of everything the event says. It stands in cursors,
    /// so that a follower notices when history is not what it was.
    #[must_use]
    pub fn tag(&self) -> String {
        let mut digest = Digest::new("item_event_store event 1");
        digest
            .int(self.id.0)
            .int(self.item_id.0)
            .int(self.version)
            .int(self.quantity_change)
            .int(self.quantity_after)
            .text(self.reason.as_str())
            .optional_text(self.kind.map(Kind::as_str))
            .optional_int(self.occurred_at.map(Timestamp::micros))
            .int(self.created_at.micros())
            .optional_text(self.actor.as_ref().map(Actor::as_str))
            .optional_text(self.reference.as_ref().map(Reference::as_str))
            .optional_text(self.note.as_ref().map(Note::as_str))
            .optional_int(self.corrects_event_id.map(|position| position.0))
            .optional_int(self.request_id);
        digest.tag()
    }
}
