//! Between the wire and the library: from what callers send to commands, where what is not allowed
//! is named by its member, and from what is stored to what callers read.

use super::problem::InvalidMember;
use super::reply::{Event, Inventory, Item};
use super::request::{Adjust, Correct, CreateItem, EditItem, Record, SetInventory, Void};
use item_event_store as lib;
use lib::command::{Command, Expected, Movement, SetKind};
use lib::ids::{ItemId, Position};
use lib::text::Text;
use lib::time::Timestamp;

type Result<T> = std::result::Result<T, InvalidMember>;

/// A text within its limit.
pub fn text<const MAX: usize>(name: &str, text: &str) -> Result<Text<MAX>> {
    text.parse().map_err(|error| InvalidMember::new(name, "invalid_text", error))
}

fn optional_text<const MAX: usize>(name: &str, value: Option<&str>) -> Result<Option<Text<MAX>>> {
    value.map(|value| text(name, value)).transpose()
}

/// A point in time, if there is one.
pub fn optional_time(name: &str, value: Option<&str>) -> Result<Option<Timestamp>> {
    let parse = |value: &str| {
        value.parse().map_err(|error| InvalidMember::new(name, "invalid_time", error))
    };
    value.map(parse).transpose()
}

impl CreateItem {
    /// The command.
    pub fn into_command(self) -> Result<Command> {
        Ok(Command::CreateItem(lib::command::CreateItem {
            name: text("name", &self.name)?,
            sku: optional_text("sku", self.sku.as_deref())?,
            unit: optional_text("unit", self.unit.as_deref())?,
            initial_quantity: self.initial_quantity.unwrap_or(0),
            allow_negative: self.allow_negative.unwrap_or(false),
            occurred_at: optional_time("occurred_at", self.occurred_at.as_deref())?,
            reference: optional_text("reference", self.reference.as_deref())?,
            note: optional_text("note", self.note.as_deref())?,
        }))
    }
}

impl EditItem {
    /// The command.
    pub fn into_command(self, item_id: ItemId, expected_version: Option<i64>) -> Result<Command> {
        let sku = match &self.sku {
            Some(sku) => Some(optional_text("sku", sku.as_deref())?),
            None => None,
        };
        Ok(Command::EditItem(lib::command::EditItem {
            item_id,
            name: optional_text("name", self.name.as_deref())?,
            sku,
            unit: optional_text("unit", self.unit.as_deref())?,
            allow_negative: self.allow_negative,
            archived: self.archived,
            expected_version,
        }))
    }
}

impl Record {
    /// The command.
    pub fn into_command(
        self,
        item_id: ItemId,
        movement: Movement,
        expected_version: Option<i64>,
    ) -> Result<Command> {
        Ok(Command::Record(lib::command::Record {
            item_id,
            movement,
            quantity: self.quantity,
            occurred_at: optional_time("occurred_at", self.occurred_at.as_deref())?,
            reference: optional_text("reference", self.reference.as_deref())?,
            note: optional_text("note", self.note.as_deref())?,
            expected_version,
        }))
    }
}

impl Adjust {
    /// The command.
    pub fn into_command(self, item_id: ItemId, expected_version: Option<i64>) -> Result<Command> {
        let unknown = |error| InvalidMember::new("kind", "unknown_name", error);
        Ok(Command::Adjust(lib::command::Adjust {
            item_id,
            kind: self.kind.parse().map_err(unknown)?,
            quantity_change: self.quantity_change,
            occurred_at: optional_time("occurred_at", self.occurred_at.as_deref())?,
            reference: optional_text("reference", self.reference.as_deref())?,
            note: optional_text("note", self.note.as_deref())?,
            expected_version,
        }))
    }
}

impl SetInventory {
    /// The command.
    pub fn into_command(self, item_id: ItemId, expected_version: Option<i64>) -> Result<Command> {
        let counted_at = optional_time("counted_at", self.counted_at.as_deref())?;
        let kind = match (self.kind.as_str(), counted_at) {
            ("override", None) => SetKind::Override,
            ("override", Some(_)) => {
                let detail = "only a count has a time at which it was counted";
                return Err(InvalidMember::new("counted_at", "unknown_member", detail));
            }
            ("count", counted_at) => SetKind::Count { counted_at },
            _ => {
                let detail = "must be override or count";
                return Err(InvalidMember::new("kind", "unknown_name", detail));
            }
        };
        let expected_quantity = match self.expected_quantity {
            None => Expected::Unstated,
            Some(None) => Expected::Any,
            Some(Some(quantity)) => Expected::Exactly(quantity),
        };
        Ok(Command::SetInventory(lib::command::SetInventory {
            item_id,
            kind,
            quantity: self.quantity,
            expected_quantity,
            reference: optional_text("reference", self.reference.as_deref())?,
            note: optional_text("note", self.note.as_deref())?,
            expected_version,
        }))
    }
}

impl Correct {
    /// The command.
    pub fn into_command(self, position: Position) -> Result<Command> {
        Ok(Command::Correct(lib::command::Correct {
            position,
            quantity_change: self.quantity_change,
            note: optional_text("note", self.note.as_deref())?,
        }))
    }
}

impl Void {
    /// The command.
    pub fn into_command(self, position: Position) -> Result<Command> {
        Correct { quantity_change: 0, note: self.note }.into_command(position)
    }
}

impl From<&lib::event::Event> for Event {
    fn from(event: &lib::event::Event) -> Self {
        Self {
            id: event.id.0,
            item_id: event.item_id.0,
            version: event.version,
            quantity_change: event.quantity_change,
            quantity_after: event.quantity_after,
            reason: event.reason.to_string(),
            kind: event.kind.as_ref().map(ToString::to_string),
            occurred_at: event.occurred_at.as_ref().map(ToString::to_string),
            created_at: event.created_at.to_string(),
            actor: event.actor.as_ref().map(ToString::to_string),
            reference: event.reference.as_ref().map(ToString::to_string),
            note: event.note.as_ref().map(ToString::to_string),
            corrects_event_id: event.corrects_event_id.map(|position| position.0),
        }
    }
}

impl From<&lib::item::Item> for Item {
    fn from(item: &lib::item::Item) -> Self {
        Self {
            id: item.id.0,
            name: item.name.to_string(),
            sku: item.sku.as_ref().map(ToString::to_string),
            unit: item.unit.to_string(),
            allow_negative: item.allow_negative,
            archived_at: item.archived_at.as_ref().map(ToString::to_string),
            created_at: item.created_at.to_string(),
            updated_at: item.updated_at.to_string(),
        }
    }
}

impl From<&lib::inventory::Inventory> for Inventory {
    fn from(row: &lib::inventory::Inventory) -> Self {
        Self {
            item_id: row.item.id.0,
            name: row.item.name.to_string(),
            sku: row.item.sku.as_ref().map(ToString::to_string),
            unit: row.item.unit.to_string(),
            quantity: row.count.quantity,
            version: row.count.version,
            last_event_id: row.count.last_event_id.map(|position| position.0),
            created_at: row.count.created_at.to_string(),
            updated_at: row.count.updated_at.to_string(),
        }
    }
}
