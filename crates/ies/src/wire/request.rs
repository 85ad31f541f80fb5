//! What callers send. Unknown members are refused everywhere.

#![expect(clippy::option_option, reason = "absent, null and a value say three different things")]

use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

/// Reads a member whose absence and whose `null` mean different things: absent is `None`, null is
/// `Some(None)`.
fn stated<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::<T>::deserialize(deserializer).map(Some)
}

/// Makes an item. `POST /v1/items`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateItem {
    /// 1 to 200 characters.
    #[schema(min_length = 1, max_length = 200)]
    pub name: String,
    /// 1 to 64 characters, unique in the ledger.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sku: Option<String>,
    /// 1 to 32 characters; `piece` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// What there is already; nothing when absent or 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initial_quantity: Option<i64>,
    /// Whether the count may fall below zero; it may not when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow_negative: Option<bool>,
    /// When the initial stock was there (RFC 3339).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub occurred_at: Option<String>,
    /// Of the initial event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// Of the initial event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// Edits an item; what is absent stays. `PATCH /v1/items/{id}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EditItem {
    /// 1 to 200 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// 1 to 64 characters; null takes it away.
    #[serde(default, deserialize_with = "stated", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub sku: Option<Option<String>>,
    /// 1 to 32 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Whether the count may fall below zero from now on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow_negative: Option<bool>,
    /// Archive, or bring back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archived: Option<bool>,
}

/// A batch, a bakeoff or a special order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// How much, positive.
    pub quantity: i64,
    /// When it happened (RFC 3339).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub occurred_at: Option<String>,
    /// The outside document, 1 to 200 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// For the people who read the log, 1 to 1,000 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// A signed adjustment. `POST /v1/items/{id}/adjustments`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Adjust {
    /// By how much, signed, not zero.
    pub quantity_change: i64,
    /// `waste`, `damage`, `expired`, `sample`, `return`, `transfer` or `other`.
    pub kind: String,
    /// When it happened (RFC 3339).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub occurred_at: Option<String>,
    /// The outside document, 1 to 200 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// For the people who read the log, 1 to 1,000 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// Sets an absolute quantity. `PUT /v1/items/{id}/inventory`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetInventory {
    /// What the count is to be.
    pub quantity: i64,
    /// The count as the caller knows it, or null for "whatever it is". Must be present.
    #[serde(default, deserialize_with = "stated", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<i64>, required = true)]
    pub expected_quantity: Option<Option<i64>>,
    /// `override` or `count`.
    pub kind: String,
    /// When it was counted (RFC 3339); only with `count`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counted_at: Option<String>,
    /// The outside document, 1 to 200 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// For the people who read the log, 1 to 1,000 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// Says what an event should have been. `POST /v1/events/{position}/correct`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Correct {
    /// What its `quantity_change` should have been, signed as in the log.
    pub quantity_change: i64,
    /// For the people who read the log, 1 to 1,000 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// Makes an event as if it had not been. `POST /v1/events/{position}/void`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Void {
    /// For the people who read the log, 1 to 1,000 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// One command of a bulk request, `POST /v1/events`. `command` says which, and the other members
/// are those of its own endpoint, with `item_id` or `position` beside them; a member that the
/// command does not know is refused. Flat, so that it is read in one pass.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Command {
    /// `create_item`, `edit_item`, `batch`, `bakeoff`, `special_order`, `adjustment`,
    /// `set_inventory`, `correct` or `void`.
    pub command: String,
    /// The item; of every command but `create_item`, `correct` and `void`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item_id: Option<i64>,
    /// The event; of `correct` and `void`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub position: Option<i64>,
    /// Only if the item is at this version (`If-Match` of the command's own endpoint).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_version: Option<i64>,
    /// Of `batch`, `bakeoff`, `special_order` and `set_inventory`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantity: Option<i64>,
    /// Of `adjustment` and `correct`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantity_change: Option<i64>,
    /// Of `adjustment` and `set_inventory`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Of `set_inventory`: must be present, null for "whatever it is".
    #[serde(default, deserialize_with = "stated", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<i64>)]
    pub expected_quantity: Option<Option<i64>>,
    /// Of `set_inventory` with kind `count`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counted_at: Option<String>,
    /// Of `create_item` and of the movements.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub occurred_at: Option<String>,
    /// The outside document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// For the people who read the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Of `create_item` and `edit_item`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Of `create_item` and `edit_item`, where null takes it away.
    #[serde(default, deserialize_with = "stated", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub sku: Option<Option<String>>,
    /// Of `create_item` and `edit_item`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Of `create_item`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initial_quantity: Option<i64>,
    /// Of `create_item` and `edit_item`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow_negative: Option<bool>,
    /// Of `edit_item`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archived: Option<bool>,
}

/// Verifies. `POST /v1/verify`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Verify {
    /// Whether the storage checks itself too, which reads everything; it does when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub storage: Option<bool>,
}

/// Recomputes counts from the log. `POST /v1/rebuild`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Rebuild {
    /// Only this item; all when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub item_id: Option<i64>,
}

/// Makes a token. `POST /v1/tokens`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateToken {
    /// Who holds it, 1 to 100 characters.
    pub name: String,
    /// `viewer`, `baker`, `manager` or `admin`.
    pub role: String,
    /// The only ledger that it is for; every ledger of the store when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ledger: Option<String>,
    /// From when on it holds no more (RFC 3339); it never ends when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
}

/// Makes a ledger. `POST /v1/ledgers`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateLedger {
    /// 1 to 63 lower-case letters, digits, `-` and `_`, beginning with a letter.
    pub name: String,
    /// An IANA name such as `Europe/Vienna`; `UTC` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// The local hour, 0 to 23, at which its business day starts; 0 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub day_start_hour: Option<i64>,
}

/// Changes what is chosen for a ledger; what is absent stays. `PATCH /v1/ledgers/{name}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EditLedger {
    /// An IANA name such as `Europe/Vienna`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// The local hour, 0 to 23, at which its business day starts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub day_start_hour: Option<i64>,
    /// Archive it, or bring it back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archived: Option<bool>,
}
