//! A call: commands under a key, and how they travel over HTTP. The path of one command's own
//! endpoint, or of the bulk request.

use item_event_store::command::{
    Adjust, Command, Correct, CreateItem, EditItem, Expected, Movement, Record, Request,
    SetInventory, SetKind,
};
use item_event_store::ids::{IdempotencyKey, ItemId};
use item_event_store::reason::Kind;
use item_event_store::text::Actor;
use item_event_store::time::Timestamp;
use serde_json::{Map, Value, json};

/// A request as it is sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    pub key: IdempotencyKey,
    /// Who sends it: the name of the token.
    pub actor: Actor,
    pub commands: Vec<Command>,
    /// `POST /v1/events` instead of the command's own endpoint.
    pub bulk: bool,
}

impl Call {
    /// Makes an item with stock.
    pub fn creating(key: &str, actor: &Actor, initial_quantity: i64) -> Self {
        let create = CreateItem {
            name: "Croissant".parse().expect("a name"),
            sku: None,
            unit: None,
            initial_quantity,
            allow_negative: false,
            occurred_at: None,
            reference: None,
            note: None,
        };
        Self::one(key, actor, Command::CreateItem(create))
    }

    /// Moves stock of an item.
    pub fn moving(key: &str, actor: &Actor, item: i64, movement: Movement, quantity: i64) -> Self {
        let record = Record {
            item_id: ItemId(item),
            movement,
            quantity,
            occurred_at: None,
            reference: None,
            note: None,
            expected_version: None,
        };
        Self::one(key, actor, Command::Record(record))
    }

    fn one(key: &str, actor: &Actor, command: Command) -> Self {
        let key = key.parse().expect("a key");
        Self { key, actor: actor.clone(), commands: vec![command], bulk: false }
    }

    /// The hash that the ledger keeps with the key.
    pub fn hash(&self) -> [u8; 32] {
        let (key, actor) = (self.key.clone(), self.actor.clone());
        Request { key, actor, commands: self.commands.clone() }.hash()
    }

    /// Whether a baker may not send it.
    pub fn needs_manager(&self) -> bool {
        let may = |command: &Command| match command {
            Command::CreateItem(_) | Command::Record(_) => true,
            Command::Adjust(c) => {
                matches!(c.kind, Kind::Waste | Kind::Damage | Kind::Expired | Kind::Sample)
            }
            Command::EditItem(_) | Command::SetInventory(_) | Command::Correct(_) => false,
        };
        !self.commands.iter().all(may)
    }

    pub fn method(&self) -> &'static str {
        match &self.commands[..] {
            [Command::EditItem(_)] if !self.bulk => "PATCH",
            [Command::SetInventory(_)] if !self.bulk => "PUT",
            _ => "POST",
        }
    }

    pub fn path(&self) -> String {
        let [command] = &self.commands[..] else { return BULK.into() };
        if self.bulk {
            return BULK.into();
        }
        match command {
            Command::CreateItem(_) => "/v1/items".into(),
            Command::EditItem(c) => format!("/v1/items/{}", c.item_id),
            Command::Record(c) => {
                let of = match c.movement {
                    Movement::Batch => "batches",
                    Movement::Bakeoff => "bakeoffs",
                    Movement::SpecialOrder => "special-orders",
                };
                format!("/v1/items/{}/{of}", c.item_id)
            }
            Command::Adjust(c) => format!("/v1/items/{}/adjustments", c.item_id),
            Command::SetInventory(c) => format!("/v1/items/{}/inventory", c.item_id),
            Command::Correct(c) => format!("/v1/events/{}/correct", c.position),
        }
    }

    /// The version that the item must have, which travels as a header with a command of its own.
    pub fn if_match(&self) -> Option<i64> {
        match &self.commands[..] {
            [command] if !self.bulk => expected_version(command),
            _ => None,
        }
    }

    pub fn body(&self) -> Value {
        if self.bulk {
            return self.commands.iter().map(in_bulk).collect();
        }
        Value::Object(members(&self.commands[0]))
    }
}

const BULK: &str = "/v1/events?return=events";

fn expected_version(command: &Command) -> Option<i64> {
    match command {
        Command::CreateItem(_) | Command::Correct(_) => None,
        Command::EditItem(c) => c.expected_version,
        Command::Record(c) => c.expected_version,
        Command::Adjust(c) => c.expected_version,
        Command::SetInventory(c) => c.expected_version,
    }
}

fn in_bulk(command: &Command) -> Value {
    let mut members = members(command);
    let (name, of) = match command {
        Command::CreateItem(_) => ("create_item", None),
        Command::EditItem(c) => ("edit_item", Some(("item_id", c.item_id.0))),
        Command::Record(c) => (c.movement.reason().as_str(), Some(("item_id", c.item_id.0))),
        Command::Adjust(c) => ("adjustment", Some(("item_id", c.item_id.0))),
        Command::SetInventory(c) => ("set_inventory", Some(("item_id", c.item_id.0))),
        Command::Correct(c) => ("correct", Some(("position", c.position.0))),
    };
    members.insert("command".into(), name.into());
    if let Some((member, number)) = of {
        members.insert(member.into(), number.into());
    }
    if let Some(version) = expected_version(command) {
        members.insert("expected_version".into(), version.into());
    }
    Value::Object(members)
}

/// The members that a command has at its own endpoint.
fn members(command: &Command) -> Map<String, Value> {
    let members = match command {
        Command::CreateItem(c) => create(c),
        Command::EditItem(c) => edit(c),
        Command::Record(Record { quantity, occurred_at, reference, note, .. }) => vec![
            ("quantity", json!(quantity)),
            ("occurred_at", time(*occurred_at)),
            ("reference", text(reference.as_ref())),
            ("note", text(note.as_ref())),
        ],
        Command::Adjust(Adjust { kind, quantity_change, occurred_at, reference, note, .. }) => {
            vec![
                ("quantity_change", json!(quantity_change)),
                ("kind", json!(kind.as_str())),
                ("occurred_at", time(*occurred_at)),
                ("reference", text(reference.as_ref())),
                ("note", text(note.as_ref())),
            ]
        }
        Command::SetInventory(c) => set(c),
        Command::Correct(Correct { quantity_change, note, .. }) => {
            vec![("quantity_change", json!(quantity_change)), ("note", text(note.as_ref()))]
        }
    };
    let there = members.into_iter().filter(|(_, value)| !value.is_null());
    let mut members: Map<_, _> = there.map(|(name, value)| (name.to_owned(), value)).collect();
    // Here null says something of its own.
    match command {
        Command::EditItem(EditItem { sku: Some(None), .. }) => {
            members.insert("sku".into(), Value::Null);
        }
        Command::SetInventory(SetInventory { expected_quantity: Expected::Any, .. }) => {
            members.insert("expected_quantity".into(), Value::Null);
        }
        _ => {}
    }
    members
}

fn create(c: &CreateItem) -> Vec<(&'static str, Value)> {
    vec![
        ("name", json!(c.name.as_str())),
        ("sku", text(c.sku.as_ref())),
        ("unit", text(c.unit.as_ref())),
        ("initial_quantity", json!(c.initial_quantity)),
        ("allow_negative", json!(c.allow_negative)),
        ("occurred_at", time(c.occurred_at)),
        ("reference", text(c.reference.as_ref())),
        ("note", text(c.note.as_ref())),
    ]
}

fn edit(c: &EditItem) -> Vec<(&'static str, Value)> {
    vec![
        ("name", text(c.name.as_ref())),
        ("sku", text(c.sku.as_ref().and_then(Option::as_ref))),
        ("unit", text(c.unit.as_ref())),
        ("allow_negative", json!(c.allow_negative)),
        ("archived", json!(c.archived)),
    ]
}

fn set(c: &SetInventory) -> Vec<(&'static str, Value)> {
    let (kind, counted_at) = match c.kind {
        SetKind::Override => ("override", None),
        SetKind::Count { counted_at } => ("count", counted_at),
    };
    let expected = match c.expected_quantity {
        Expected::Exactly(quantity) => json!(quantity),
        Expected::Any | Expected::Unstated => Value::Null,
    };
    vec![
        ("quantity", json!(c.quantity)),
        ("kind", json!(kind)),
        ("counted_at", time(counted_at)),
        ("expected_quantity", expected),
        ("reference", text(c.reference.as_ref())),
        ("note", text(c.note.as_ref())),
    ]
}

fn text<T: ToString>(value: Option<&T>) -> Value {
    value.map_or(Value::Null, |value| value.to_string().into())
}

fn time(value: Option<Timestamp>) -> Value {
    text(value.as_ref())
}
