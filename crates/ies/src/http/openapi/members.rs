//! What the types of request members cannot say: lengths, ranges, names and forms. The values are
//! those that the library checks, so that whoever generates requests from the document gets
//! past the first gate.

use item_event_store::access::Role;
use item_event_store::limits::{
    MAX_ACTOR_CHARS, MAX_NAME_CHARS, MAX_NOTE_CHARS, MAX_QUANTITY, MAX_REFERENCE_CHARS,
    MAX_SKU_CHARS, MAX_UNIT_CHARS,
};
use serde_json::{Map, Value, json};

/// What callers send, by the name of its schema.
const REQUESTS: [&str; 11] = [
    "Adjust",
    "Command",
    "Correct",
    "CreateItem",
    "CreateLedger",
    "CreateToken",
    "EditItem",
    "EditLedger",
    "Record",
    "SetInventory",
    "Void",
];

const COMMANDS: [&str; 9] = [
    "create_item",
    "edit_item",
    "batch",
    "bakeoff",
    "special_order",
    "adjustment",
    "set_inventory",
    "correct",
    "void",
];

/// A key as it stands in its header: a structured-field string, or bare.
pub const KEY_PATTERN: &str = r#"^([!#-~][!-~]{0,199}|"([!#-\[\]-~]|\\["\\]){1,200}")$"#;
/// A ledger's name.
pub const LEDGER_PATTERN: &str = "^[a-z][a-z0-9_-]{0,62}$";
/// A strong `ETag` that is a version, or `*`.
pub const VERSION_PATTERN: &str = r#"^(\*|"[0-9]{1,18}")$"#;

/// Narrows the members of every request in a map of schemas.
pub fn narrow(schemas: &mut Value) {
    for schema in REQUESTS {
        let Some(members) = schemas[schema]["properties"].as_object_mut() else { continue };
        for (name, member) in members {
            let nullable = member["type"].is_array();
            let Some(member) = member.as_object_mut() else { continue };
            for (keyword, value) in constraints(schema, name, nullable) {
                member.insert(keyword, value);
            }
        }
    }
}

fn constraints(schema: &str, member: &str, nullable: bool) -> Map<String, Value> {
    let text = |max: usize| json!({ "minLength": 1, "maxLength": max });
    let names = |names: &[&str]| {
        let mut names: Vec<_> = names.iter().map(|name| json!(name)).collect();
        names.extend(nullable.then_some(Value::Null));
        json!({ "enum": names })
    };
    let adjustments = ["waste", "damage", "expired", "sample", "return", "transfer", "other"];
    let absolute = ["override", "count"];
    let both = [&adjustments[..], &absolute[..]].concat();
    let found = match (schema, member) {
        ("CreateToken", "name") => text(MAX_ACTOR_CHARS),
        ("CreateLedger", "name") | (_, "ledger") => json!({ "pattern": LEDGER_PATTERN }),
        (_, "name") => text(MAX_NAME_CHARS),
        (_, "sku") => text(MAX_SKU_CHARS),
        (_, "unit") => text(MAX_UNIT_CHARS),
        (_, "reference") => text(MAX_REFERENCE_CHARS),
        (_, "note") => text(MAX_NOTE_CHARS),
        (_, "occurred_at" | "counted_at" | "expires_at") => json!({ "format": "date-time" }),
        ("Record", "quantity") => json!({ "minimum": 1, "maximum": MAX_QUANTITY }),
        (_, "quantity" | "quantity_change" | "initial_quantity") => {
            json!({ "minimum": -MAX_QUANTITY, "maximum": MAX_QUANTITY })
        }
        (_, "day_start_hour") => json!({ "minimum": 0, "maximum": 23 }),
        (_, "command") => names(&COMMANDS),
        ("Adjust", "kind") => names(&adjustments),
        ("SetInventory", "kind") => names(&absolute),
        (_, "kind") => names(&both),
        (_, "role") => names(&Role::ALL.map(Role::as_str)),
        _ => json!({}),
    };
    match found {
        Value::Object(keywords) => keywords,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_narrowed_and_null_stays_allowed_where_it_was() {
        let mut schemas = json!({
            "Adjust": { "properties": { "kind": { "type": "string" } } },
            "Command": { "properties": { "kind": { "type": ["string", "null"] } } },
        });
        narrow(&mut schemas);
        let kind = |schema: &str| schemas[schema]["properties"]["kind"]["enum"].clone();
        assert!(!kind("Adjust").as_array().expect("names").contains(&Value::Null));
        assert!(kind("Command").as_array().expect("names").contains(&Value::Null));
    }
}
