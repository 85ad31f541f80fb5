//! What a caller asks for. A command is complete and well-formed by its type; whether the business
//! agrees is decided later, in [`crate::decide`].

use crate::ids::{IdempotencyKey, ItemId, Position};
use crate::limits::MAX_REQUEST_COMMANDS;
use crate::reason::{Kind, Reason};
use crate::text::{Actor, Name, Note, Reference, Sku, Unit};
use crate::time::Timestamp;

/// One thing a caller asks for; answered by at most one event, or by a rejection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Make an item, with the `initial` event if it begins with stock.
    CreateItem(CreateItem),
    /// Rename, archive or otherwise edit an item. No event.
    EditItem(EditItem),
    /// A batch, a bakeoff or a special order.
    Record(Record),
    /// A signed adjustment.
    Adjust(Adjust),
    /// Set an absolute quantity: an override or a count.
    SetInventory(SetInventory),
    /// Say what an earlier event should have been.
    Correct(Correct),
}

impl Command {
    /// The item that it names.
    #[must_use]
    pub fn item_id(&self) -> Option<ItemId> {
        match self {
            Self::EditItem(edit) => Some(edit.item_id),
            Self::Record(record) => Some(record.item_id),
            Self::Adjust(adjust) => Some(adjust.item_id),
            Self::SetInventory(set) => Some(set.item_id),
            Self::CreateItem(_) | Self::Correct(_) => None,
        }
    }

    /// Whether it adds a change that it names itself to a count, whatever that count is: of its
    /// item's history it asks no more than that the sum stays within its range.
    #[must_use]
    pub fn only_adds(&self) -> bool {
        match self {
            Self::Record(record) => record.expected_version.is_none(),
            Self::Adjust(adjust) => adjust.expected_version.is_none(),
            Self::CreateItem(_) | Self::EditItem(_) | Self::SetInventory(_) | Self::Correct(_) => {
                false
            }
        }
    }
}

/// Makes an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateItem {
    /// What people call it. Need not be unique.
    pub name: Name,
    /// What machines call it. Unique in the ledger.
    pub sku: Option<Sku>,
    /// What it is counted in; `piece` when absent.
    pub unit: Option<Unit>,
    /// The stock it begins with; 0 means none, and no event.
    pub initial_quantity: i64,
    /// Whether the count may fall below zero.
    pub allow_negative: bool,
    /// When the initial stock was there.
    pub occurred_at: Option<Timestamp>,
    /// Of the initial event.
    pub reference: Option<Reference>,
    /// Of the initial event.
    pub note: Option<Note>,
}

/// Edits an item; what is `None` stays as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EditItem {
    /// The item.
    pub item_id: ItemId,
    /// The new name.
    pub name: Option<Name>,
    /// The new stock keeping unit; `Some(None)` takes it away.
    pub sku: Option<Option<Sku>>,
    /// The new unit.
    pub unit: Option<Unit>,
    /// Whether the count may fall below zero from now on.
    pub allow_negative: Option<bool>,
    /// Archive or bring back.
    pub archived: Option<bool>,
    /// Only if the item is at this version.
    pub expected_version: Option<i64>,
}

/// The three movements that take a positive quantity and have their own sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Movement {
    /// Into the freezer.
    Batch,
    /// Out, to be baked.
    Bakeoff,
    /// Out, for a customer.
    SpecialOrder,
}

impl Movement {
    /// The reason that stands in the log.
    #[must_use]
    pub fn reason(self) -> Reason {
        match self {
            Self::Batch => Reason::Batch,
            Self::Bakeoff => Reason::Bakeoff,
            Self::SpecialOrder => Reason::SpecialOrder,
        }
    }
}

/// Records a batch, a bakeoff or a special order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The item.
    pub item_id: ItemId,
    /// Which of the three.
    pub movement: Movement,
    /// How much, positive.
    pub quantity: i64,
    /// When it happened.
    pub occurred_at: Option<Timestamp>,
    /// The outside document.
    pub reference: Option<Reference>,
    /// For the people who read the log.
    pub note: Option<Note>,
    /// Only if the item is at this version.
    pub expected_version: Option<i64>,
}

/// Adjusts by a signed change. The kinds `override`, `count` and `correction` have commands of
/// their own, and are refused here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adjust {
    /// The item.
    pub item_id: ItemId,
    /// Why.
    pub kind: Kind,
    /// By how much, signed.
    pub quantity_change: i64,
    /// When it happened.
    pub occurred_at: Option<Timestamp>,
    /// The outside document.
    pub reference: Option<Reference>,
    /// For the people who read the log.
    pub note: Option<Note>,
    /// Only if the item is at this version.
    pub expected_version: Option<i64>,
}

/// How an absolute quantity comes about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetKind {
    /// A manager says so.
    Override,
    /// The freezer was counted, at `counted_at` if not just now.
    Count {
        /// When the counting was done.
        counted_at: Option<Timestamp>,
    },
}

/// What the caller believes the count is. It has to be said, so that two people who set the same
/// count do not overwrite each other unawares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// Nothing was said: a rejection.
    Unstated,
    /// "Whatever it is."
    Any,
    /// This count; another one is a rejection that carries the current count.
    Exactly(i64),
}

/// Sets an absolute quantity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetInventory {
    /// The item.
    pub item_id: ItemId,
    /// Override or count.
    pub kind: SetKind,
    /// What the count is to be (for a count: what was counted).
    pub quantity: i64,
    /// What the caller believes it is now.
    pub expected_quantity: Expected,
    /// The outside document.
    pub reference: Option<Reference>,
    /// For the people who read the log.
    pub note: Option<Note>,
    /// Only if the item is at this version.
    pub expected_version: Option<i64>,
}

/// Says what an earlier event's change should have been; 0 is a void.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Correct {
    /// The earlier event.
    pub position: Position,
    /// What its `quantity_change` should have been, signed as in the log.
    pub quantity_change: i64,
    /// For the people who read the log.
    pub note: Option<Note>,
}

/// One call: one idempotency key, one or more commands, all of them recorded or none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The client's name for this call.
    pub key: IdempotencyKey,
    /// Who did it.
    pub actor: Actor,
    /// In the order in which they are judged: each sees the ones before it.
    pub commands: Vec<Command>,
}

/// A request with no commands, or with too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a request has 1 to {MAX_REQUEST_COMMANDS} commands, this one {0}")]
pub struct CommandCount(pub usize);

impl Request {
    /// A request of 1 to [`MAX_REQUEST_COMMANDS`] commands.
    ///
    /// # Errors
    /// When there are none, or more.
    pub fn new(
        key: IdempotencyKey,
        actor: Actor,
        commands: Vec<Command>,
    ) -> Result<Self, CommandCount> {
        if (1..=MAX_REQUEST_COMMANDS).contains(&commands.len()) {
            Ok(Self { key, actor, commands })
        } else {
            Err(CommandCount(commands.len()))
        }
    }
}
