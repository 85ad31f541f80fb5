//! The commands of a bulk request: flat objects, each with the members of its own endpoint.

use super::problem::InvalidMember;
use super::request::{Adjust, Command, Correct, CreateItem, EditItem, Record, SetInventory, Void};
use item_event_store as lib;
use lib::command::Movement;
use lib::ids::{ItemId, Position};

type Result<T> = std::result::Result<T, InvalidMember>;

/// Every command with the members that it takes.
const COMMANDS: [(&str, &[&str]); 9] = [
    (
        "create_item",
        &[
            "name",
            "sku",
            "unit",
            "initial_quantity",
            "allow_negative",
            "occurred_at",
            "reference",
            "note",
        ],
    ),
    (
        "edit_item",
        &["item_id", "expected_version", "name", "sku", "unit", "allow_negative", "archived"],
    ),
    ("batch", MOVEMENT),
    ("bakeoff", MOVEMENT),
    ("special_order", MOVEMENT),
    (
        "adjustment",
        &[
            "item_id",
            "expected_version",
            "quantity_change",
            "kind",
            "occurred_at",
            "reference",
            "note",
        ],
    ),
    (
        "set_inventory",
        &[
            "item_id",
            "expected_version",
            "quantity",
            "kind",
            "expected_quantity",
            "counted_at",
            "reference",
            "note",
        ],
    ),
    ("correct", &["position", "quantity_change", "note"]),
    ("void", &["position", "note"]),
];

const MOVEMENT: &[&str] =
    &["item_id", "expected_version", "quantity", "occurred_at", "reference", "note"];

impl Command {
    /// Every command there is.
    pub fn names() -> [&'static str; COMMANDS.len()] {
        COMMANDS.map(|(name, _)| name)
    }

    /// The library's command.
    pub fn into_command(self) -> Result<lib::command::Command> {
        self.check_members()?;
        match self.command.as_str() {
            "create_item" => self.create_item(),
            "edit_item" => self.edit_item(),
            "batch" => self.record(Movement::Batch),
            "bakeoff" => self.record(Movement::Bakeoff),
            "special_order" => self.record(Movement::SpecialOrder),
            "adjustment" => self.adjustment(),
            "set_inventory" => self.set_inventory(),
            "correct" => {
                let quantity_change = required("quantity_change", self.quantity_change)?;
                Correct { quantity_change, note: self.note }.into_command(event(self.position)?)
            }
            _ => Void { note: self.note }.into_command(event(self.position)?),
        }
    }

    fn create_item(self) -> Result<lib::command::Command> {
        CreateItem {
            name: required("name", self.name)?,
            sku: self.sku.flatten(),
            unit: self.unit,
            initial_quantity: self.initial_quantity,
            allow_negative: self.allow_negative,
            occurred_at: self.occurred_at,
            reference: self.reference,
            note: self.note,
        }
        .into_command()
    }

    fn edit_item(self) -> Result<lib::command::Command> {
        let item_id = item(self.item_id)?;
        EditItem {
            name: self.name,
            sku: self.sku,
            unit: self.unit,
            allow_negative: self.allow_negative,
            archived: self.archived,
        }
        .into_command(item_id, self.expected_version)
    }

    fn record(self, movement: Movement) -> Result<lib::command::Command> {
        let item_id = item(self.item_id)?;
        Record {
            quantity: required("quantity", self.quantity)?,
            occurred_at: self.occurred_at,
            reference: self.reference,
            note: self.note,
        }
        .into_command(item_id, movement, self.expected_version)
    }

    fn adjustment(self) -> Result<lib::command::Command> {
        let item_id = item(self.item_id)?;
        Adjust {
            quantity_change: required("quantity_change", self.quantity_change)?,
            kind: required("kind", self.kind)?,
            occurred_at: self.occurred_at,
            reference: self.reference,
            note: self.note,
        }
        .into_command(item_id, self.expected_version)
    }

    fn set_inventory(self) -> Result<lib::command::Command> {
        let item_id = item(self.item_id)?;
        SetInventory {
            quantity: required("quantity", self.quantity)?,
            expected_quantity: self.expected_quantity,
            kind: required("kind", self.kind)?,
            counted_at: self.counted_at,
            reference: self.reference,
            note: self.note,
        }
        .into_command(item_id, self.expected_version)
    }

    /// Refuses the members that the command does not take, so that none is ignored in silence.
    fn check_members(&self) -> Result<()> {
        let Some((_, allowed)) = COMMANDS.iter().find(|(name, _)| *name == self.command) else {
            let detail = format!("must be one of {}", Self::names().join(", "));
            return Err(InvalidMember::new("command", "unknown_name", detail));
        };
        let stray =
            self.present().into_iter().find(|(name, there)| *there && !allowed.contains(name));
        let Some((name, _)) = stray else { return Ok(()) };
        let detail = format!("{} does not take it", self.command);
        Err(InvalidMember::new(name, "unknown_member", detail))
    }

    fn present(&self) -> [(&'static str, bool); 17] {
        [
            ("item_id", self.item_id.is_some()),
            ("position", self.position.is_some()),
            ("expected_version", self.expected_version.is_some()),
            ("quantity", self.quantity.is_some()),
            ("quantity_change", self.quantity_change.is_some()),
            ("kind", self.kind.is_some()),
            ("expected_quantity", self.expected_quantity.is_some()),
            ("counted_at", self.counted_at.is_some()),
            ("occurred_at", self.occurred_at.is_some()),
            ("reference", self.reference.is_some()),
            ("note", self.note.is_some()),
            ("name", self.name.is_some()),
            ("sku", self.sku.is_some()),
            ("unit", self.unit.is_some()),
            ("initial_quantity", self.initial_quantity.is_some()),
            ("allow_negative", self.allow_negative.is_some()),
            ("archived", self.archived.is_some()),
        ]
    }
}

fn required<T>(name: &str, value: Option<T>) -> Result<T> {
    value.ok_or_else(|| InvalidMember::new(name, "missing_member", "must be there"))
}

fn item(item_id: Option<i64>) -> Result<ItemId> {
    required("item_id", item_id).map(ItemId)
}

fn event(position: Option<i64>) -> Result<Position> {
    required("position", position).map(Position)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(json: &str) -> String {
        let command: Command = serde_json::from_str(json).expect(json);
        let error = command.into_command().expect_err(json);
        format!("{} {}", error.pointer, error.code)
    }

    #[test]
    fn a_command_takes_the_members_of_its_endpoint_and_no_others() {
        for json in [
            r#"{"command":"create_item","name":"Croissant","sku":null,"initial_quantity":10}"#,
            r#"{"command":"edit_item","item_id":1,"sku":null,"archived":true}"#,
            r#"{"command":"batch","item_id":1,"quantity":24,"note":"early"}"#,
            r#"{"command":"adjustment","item_id":1,"quantity_change":-1,"kind":"waste"}"#,
            r#"{"command":"set_inventory","item_id":1,"quantity":5,"kind":"count",
                "expected_quantity":null,"counted_at":"2026-11-23T05:00:00Z"}"#,
            r#"{"command":"correct","position":2,"quantity_change":20}"#,
            r#"{"command":"void","position":2}"#,
        ] {
            let command: Command = serde_json::from_str(json).expect(json);
            command.into_command().expect(json);
        }
        for (json, error) in [
            (r#"{"command":"bake"}"#, "/command unknown_name"),
            (r#"{"command":"batch","quantity":1}"#, "/item_id missing_member"),
            (r#"{"command":"batch","item_id":1}"#, "/quantity missing_member"),
            (r#"{"command":"void","position":2,"quantity":1}"#, "/quantity unknown_member"),
            (
                r#"{"command":"batch","item_id":1,"quantity":1,"note":"a\u0007"}"#,
                "/note invalid_text",
            ),
            (
                r#"{"command":"set_inventory","item_id":1,"quantity":1,"kind":"override",
                    "counted_at":"2026-11-23T05:00:00Z"}"#,
                "/counted_at unknown_member",
            ),
            (
                r#"{"command":"batch","item_id":1,"quantity":1,"occurred_at":"yesterday"}"#,
                "/occurred_at invalid_time",
            ),
        ] {
            assert_eq!(refused(json), error, "{json}");
        }
    }

    #[test]
    fn the_table_names_members_that_exist() {
        let members = Command::default().present().map(|(name, _)| name);
        for (command, allowed) in COMMANDS {
            for name in allowed {
                assert!(members.contains(name), "{command} {name}");
            }
        }
    }
}
