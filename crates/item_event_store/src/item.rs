//! Items, and the history of what they are called.

use crate::ids::{ItemId, Position};
use crate::text::{Actor, Name, Sku, Unit};
use crate::time::Timestamp;

/// A product that is counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// Its number.
    pub id: ItemId,
    /// What people call it.
    pub name: Name,
    /// What machines call it; unique in the ledger.
    pub sku: Option<Sku>,
    /// What it is counted in.
    pub unit: Unit,
    /// Whether its count may fall below zero.
    pub allow_negative: bool,
    /// Since when it takes no more events.
    pub archived_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// The number of its last change within the ledger ([`ItemChange::revision`]).
    pub revision: i64,
}

/// What a change did to an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ItemAction {
    /// It was made.
    Created,
    /// Its name, sku, unit or `allow_negative` changed.
    Edited,
    /// It was archived.
    Archived,
    /// It was brought back.
    Unarchived,
}

impl ItemAction {
    /// The name in SQL.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Edited => "edited",
            Self::Archived => "archived",
            Self::Unarchived => "unarchived",
        }
    }
}

/// A row of `item_changes`: one change of one item, with the item as it was afterwards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemChange {
    /// 1, 2, 3 … within the ledger, without gaps. Equals `item.revision`.
    pub revision: i64,
    /// What happened.
    pub action: ItemAction,
    /// Who did it; `None` when it was typed in SQL.
    pub actor: Option<Actor>,
    /// The head position at that moment: it holds for events after it.
    pub position: Position,
    /// The item afterwards.
    pub item: Item,
}
