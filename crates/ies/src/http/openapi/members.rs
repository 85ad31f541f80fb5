//! What the members of a body must be like beyond their type, in the words of JSON Schema, from the
//! library's own limits and names. Never stricter than the code: what it forbids is refused.

use crate::wire;
use item_event_store::access::Role;
use item_event_store::limits::{
    MAX_ACTOR_CHARS, MAX_NAME_CHARS, MAX_NOTE_CHARS, MAX_QUANTITY, MAX_REFERENCE_CHARS,
    MAX_SKU_CHARS, MAX_UNIT_CHARS,
};
use item_event_store::reason::{Kind, Reason};
use serde_json::{Map, Value, json};

/// The schemas of what callers send.
const REQUESTS: [&str; 9] = [
    "Adjust",
    "Command",
    "Correct",
    "CreateItem",
    "CreateToken",
    "EditItem",
    "Record",
    "SetInventory",
    "Void",
];

/// No control characters, and no white space at the ends.
const TEXT: &str = r"^[^\s\x00-\x1f\x7f-\x9f]([^\x00-\x1f\x7f-\x9f]*[^\s\x00-\x1f\x7f-\x9f])?$";

/// Adds the constraints to the document's schemas.
pub fn constrain(schemas: &mut Value) {
    let Some(schemas) = schemas.as_object_mut() else { return };
    for (schema, described) in schemas {
        let Some(members) = described["properties"].as_object_mut() else { continue };
        for (member, description) in members {
            let constraints = if REQUESTS.contains(&schema.as_str()) {
                of_request(schema, member)
            } else {
                of_reply(member)
            };
            if let (Some(description), Value::Object(constraints)) =
                (description.as_object_mut(), constraints)
            {
                add(description, constraints);
            }
        }
    }
}

fn add(description: &mut Map<String, Value>, mut constraints: Map<String, Value>) {
    let nullable = description.get("type").is_some_and(Value::is_array);
    if let (true, Some(Value::Array(names))) = (nullable, constraints.get_mut("enum")) {
        names.push(Value::Null);
    }
    description.extend(constraints);
}

fn of_request(schema: &str, member: &str) -> Value {
    match (schema, member) {
        ("CreateToken", "name") => text(MAX_ACTOR_CHARS),
        (_, "name") => text(MAX_NAME_CHARS),
        (_, "sku") => text(MAX_SKU_CHARS),
        (_, "unit") => text(MAX_UNIT_CHARS),
        (_, "reference") => text(MAX_REFERENCE_CHARS),
        (_, "note") => text(MAX_NOTE_CHARS),
        (_, "occurred_at" | "counted_at" | "expires_at") => json!({ "format": "date-time" }),
        ("Record", "quantity") => json!({ "minimum": 1, "maximum": MAX_QUANTITY }),
        (_, "initial_quantity") => json!({ "minimum": 0, "maximum": MAX_QUANTITY }),
        ("Adjust", "quantity_change") => {
            let not_zero = json!({ "const": 0 });
            json!({ "minimum": -MAX_QUANTITY, "maximum": MAX_QUANTITY, "not": not_zero })
        }
        (_, "quantity" | "quantity_change") => {
            json!({ "minimum": -MAX_QUANTITY, "maximum": MAX_QUANTITY })
        }
        ("SetInventory", "kind") => json!({ "enum": ["override", "count"] }),
        ("Adjust", "kind") => {
            let own = [Kind::Override, Kind::Count, Kind::Correction];
            let kinds = Kind::ALL.into_iter().filter(|kind| !own.contains(kind));
            json!({ "enum": kinds.map(Kind::as_str).collect::<Vec<_>>() })
        }
        (_, "kind") => json!({ "enum": Kind::ALL.map(Kind::as_str) }),
        (_, "role") => json!({ "enum": Role::ALL.map(Role::as_str) }),
        (_, "command") => json!({ "enum": wire::Command::names() }),
        _ => Value::Null,
    }
}

fn of_reply(member: &str) -> Value {
    match member {
        "reason" => json!({ "enum": Reason::ALL.map(Reason::as_str) }),
        "kind" => json!({ "enum": Kind::ALL.map(Kind::as_str) }),
        "role" => json!({ "enum": Role::ALL.map(Role::as_str) }),
        "day" => json!({ "format": "date" }),
        time if time.ends_with("_at") => json!({ "format": "date-time" }),
        _ => Value::Null,
    }
}

/// A text of 1 to so many characters.
pub fn text(max_chars: usize) -> Value {
    json!({ "minLength": 1, "maxLength": max_chars, "pattern": TEXT })
}
