//! The names in queries: their schemas, and what they mean.

use item_event_store::reason::Reason;
use serde_json::{Value, json};

/// The schema of a name in a query, and what it means.
pub fn of(operation: &str, name: &str) -> (Value, &'static str) {
    let text = json!({ "type": "string" });
    let time = json!({ "type": "string", "format": "date-time" });
    let day = json!({ "type": "string", "format": "date" });
    let integer = json!({ "type": "integer", "format": "int64" });
    let by_day = operation == "list_daily_summary";
    match name {
        "limit" => {
            let schema =
                json!({ "type": "integer", "minimum": 1, "maximum": 1_000, "default": 100 });
            (schema, "At most so many rows.")
        }
        "cursor" => (text, "`next_cursor` of the page before, with the same filters."),
        "archived" => (json!({ "type": "boolean" }), "Archived items, or the others."),
        "sku" => (text, "The item with this sku."),
        "name" => (text, "Items with exactly this name."),
        "as_of" => (text, "A position, or a time (RFC 3339) of recording."),
        "item_id" => (integer, "Events of this item."),
        "reason" => (
            json!({ "type": "string", "enum": Reason::ALL.map(Reason::as_str) }),
            "Events for this reason.",
        ),
        "kind" => (text, "Adjustments of this kind."),
        "actor" => (text, "Events by this actor."),
        "from" if by_day => (day, "The first business day."),
        "to" if by_day => (day, "The last business day."),
        "from" => (time, "Recorded at this time (RFC 3339) or later."),
        "to" => (time, "Recorded before this time (RFC 3339)."),
        "after" => (text, "Events after this position; of the stream, also a cursor."),
        "order" => (json!({ "type": "string", "enum": ["newest", "oldest"] }), "The order."),
        _ => (json!({ "type": "string", "enum": ["events"] }), "`events`: answer them too."),
    }
}
