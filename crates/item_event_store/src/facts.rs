//! What a decision must know of the log beyond the counts: events to be corrected, the last count
//! of an item, what changed since a time. Looked up once for a whole batch.

use crate::command::{Command, Request, SetInventory, SetKind};
use crate::event::Event;
use crate::ids::{ItemId, Position};
use crate::time::Timestamp;
use rustc_hash::FxHashMap;

/// An event that a correction names, and what earlier corrections made of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Correctable {
    /// The event.
    pub event: Event,
    /// The sum of its corrections' changes.
    pub corrected_by: i64,
}

/// An item's latest count or override.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LastCount {
    /// Its position.
    pub position: Position,
    /// When it was counted or set ([`Event::effective_at`]).
    pub at: Timestamp,
}

/// What a batch must look up before it is decided.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Events named by corrections.
    pub corrected: Vec<Position>,
    /// Items counted at an earlier time, with that time.
    pub counted: Vec<(ItemId, Timestamp)>,
}

impl Wanted {
    /// What these requests need.
    #[must_use]
    pub fn by<'a>(requests: impl IntoIterator<Item = &'a Request>) -> Self {
        let mut wanted = Self::default();
        for command in requests.into_iter().flat_map(|request| &request.commands) {
            match command {
                Command::Correct(correct) => wanted.corrected.push(correct.position),
                Command::SetInventory(SetInventory {
                    item_id,
                    kind: SetKind::Count { counted_at: Some(at) },
                    ..
                }) => wanted.counted.push((*item_id, *at)),
                _ => {}
            }
        }
        wanted.corrected.sort_unstable();
        wanted.corrected.dedup();
        wanted.counted.sort_unstable();
        wanted.counted.dedup();
        wanted
    }

    /// Whether nothing has to be looked up.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.corrected.is_empty() && self.counted.is_empty()
    }
}

/// What was found, true at the position where the batch begins.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// By position. What is missing is not in the log.
    pub correctable: FxHashMap<Position, Correctable>,
    /// Of every item that [`Wanted`] touches. An item that is missing was never counted.
    pub last_counts: FxHashMap<ItemId, LastCount>,
    /// The sum of an item's changes that took effect after a time.
    pub changes_since: FxHashMap<(ItemId, Timestamp), i64>,
}
