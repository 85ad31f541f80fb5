//! Requests as they are kept for ever: key, hash and outcome, so that the same key is never
//! carried out twice.

use crate::event::Event;
use crate::ids::{IdempotencyKey, ItemId, Position};
use crate::inventory::Inventory;
use crate::item::Item;
use crate::rejection::Rejected;
use crate::text::Actor;
use crate::time::Timestamp;
use std::sync::Arc;

/// A row of `requests`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRequest {
    /// 1, 2, 3 … within the ledger.
    pub id: i64,
    /// The client's name for it.
    pub key: IdempotencyKey,
    /// [`crate::command::Request::hash`].
    pub hash: [u8; 32],
    /// Who sent it.
    pub actor: Actor,
    /// When it was decided.
    pub created_at: Timestamp,
    /// The head position right after it: its events, if any, are the last ones up to here.
    pub position: Position,
    /// What became of it.
    pub outcome: Outcome,
}

/// What a row of `requests` says of the log: what verify holds against it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestTrace {
    /// [`StoredRequest::id`].
    pub id: i64,
    /// [`StoredRequest::actor`].
    pub actor: Actor,
    /// [`StoredRequest::created_at`].
    pub created_at: Timestamp,
    /// [`StoredRequest::position`].
    pub position: Position,
    /// How many events it has; none when it was rejected.
    pub events: usize,
    /// Its changes of items: revisions after the first number, up to the second. `None` when it was
    /// rejected.
    pub item_revisions: Option<(i64, i64)>,
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Recorded. What is not said here is in the log.
    Recorded {
        /// How many events it has: those with positions up to [`StoredRequest::position`].
        events: usize,
        /// Its changes of items: revisions after the first number, up to the second.
        item_revisions: (i64, i64),
        /// Items it touched without an event, with the event that their count rested on.
        unchanged: Vec<(ItemId, Option<Position>)>,
    },
    /// Rejected; certainly not recorded.
    Rejected(Rejected),
}

/// The answer to a request that was recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Whether it was recorded earlier, under the same key.
    pub replayed: bool,
    /// The head position right after it.
    pub position: Position,
    /// Its events, in order.
    pub events: Vec<Event>,
    /// Every item it touched, as it was right after the request, by id.
    pub inventory: Vec<Inventory>,
    /// The items it made or edited, as they were right after the request.
    pub items: Vec<Arc<Item>>,
}

/// Done, or rejected and stored under the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// On stable storage.
    Recorded(Recorded),
    /// Certainly not recorded.
    Rejected {
        /// Whether this is the stored outcome of the same request sent earlier.
        replayed: bool,
        /// Which command, and why.
        rejected: Rejected,
    },
}
