//! The business says no: values with a stable code and the numbers behind it, never exceptions.

use crate::ids::{ItemId, Position};
use crate::limits::MAX_QUANTITY;
use serde::{Deserialize, Serialize};

/// Why a command is not done. The names of the variants, in `snake_case`, are the codes of the
/// API, and the fields are its members; both are stable, for they are stored with the request.
///
/// When several apply to a command, the first in this order decides: the quantity's own form
/// (`expected_quantity_required`, `kind_not_allowed`, `zero_quantity`, `invalid_sign`,
/// `quantity_out_of_range`), `occurred_in_future`, what it names (`item_not_found`,
/// `event_not_found`), `item_archived`, `version_mismatch`, `expected_quantity_stale`,
/// `not_correctable`, the sign of a correction, `before_last_count`, `insufficient_stock`, the
/// range of the count, `sku_taken`. Two are about the whole request, come before all of these and
/// are not stored: `idempotency_key_reused`, then `ledger_archived`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Rejection {
    /// More is to be taken than there is.
    #[error("item {item_id} has {available}, {requested} requested")]
    InsufficientStock {
        /// The item.
        item_id: i64,
        /// What there is.
        available: i64,
        /// What was to be taken.
        requested: i64,
    },
    /// The caller's `expected_quantity` is not the current count.
    #[error("item {item_id} has {current_quantity}, not {expected_quantity} as expected")]
    ExpectedQuantityStale {
        /// The item.
        item_id: i64,
        /// The current count.
        current_quantity: i64,
        /// What the caller believed.
        expected_quantity: i64,
    },
    /// An absolute quantity was set without saying what it is expected to be now.
    #[error("say expected_quantity: the count as you know it, or null for whatever it is")]
    ExpectedQuantityRequired {},
    /// The kind has a command of its own.
    #[error("an adjustment cannot be of kind {kind}: it has a command of its own")]
    KindNotAllowed {
        /// The kind.
        kind: String,
    },
    /// The quantity goes the wrong way for its reason or kind.
    #[error("{quantity} has the wrong sign for {reason}")]
    InvalidSign {
        /// The quantity as it was given.
        quantity: i64,
        /// The reason or kind.
        reason: String,
    },
    /// A quantity of zero changes nothing.
    #[error("the quantity is zero")]
    ZeroQuantity {},
    /// The quantity, or the count it would make, is beyond the limit.
    #[error("{quantity} is out of range: {minimum} to {maximum}")]
    QuantityOutOfRange {
        /// The quantity.
        quantity: i64,
        /// The least that is allowed.
        minimum: i64,
        /// The most that is allowed.
        maximum: i64,
    },
    /// There is no such item.
    #[error("there is no item {item_id}")]
    ItemNotFound {
        /// The item.
        item_id: i64,
    },
    /// The item is archived and takes no more events.
    #[error("item {item_id} is archived")]
    ItemArchived {
        /// The item.
        item_id: i64,
    },
    /// Another item has this stock keeping unit.
    #[error("sku {sku} belongs to item {item_id}")]
    SkuTaken {
        /// The stock keeping unit.
        sku: String,
        /// The item that has it.
        item_id: i64,
    },
    /// There is no such event.
    #[error("there is no event {position}")]
    EventNotFound {
        /// The position.
        position: i64,
    },
    /// Counts, overrides and corrections are not corrected.
    #[error("event {position} is a {kind} and is not corrected: make a new count")]
    NotCorrectable {
        /// The event.
        position: i64,
        /// Its kind.
        kind: String,
    },
    /// The item was counted or set since; that count has already absorbed it.
    #[error("item {item_id} was counted since, at event {last_count_event_id}: make a new count")]
    BeforeLastCount {
        /// The item.
        item_id: i64,
        /// The count or override that came after.
        last_count_event_id: i64,
    },
    /// The item has moved on since the caller looked (`If-Match`).
    #[error("item {item_id} is at version {current_version}, not {expected_version}")]
    VersionMismatch {
        /// The item.
        item_id: i64,
        /// The current version.
        current_version: i64,
        /// What the caller believed.
        expected_version: i64,
    },
    /// It is said to have happened later than now.
    #[error("{occurred_at} is in the future: it is {now} here")]
    OccurredInFuture {
        /// The time as it was given.
        occurred_at: String,
        /// The ledger's time.
        now: String,
    },
    /// The ledger is archived and takes no more requests.
    #[error("the ledger is archived")]
    LedgerArchived {},
    /// The key belongs to a request with other content.
    #[error("this idempotency key belongs to another request")]
    IdempotencyKeyReused {},
}

impl Rejection {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::InsufficientStock { .. } => "insufficient_stock",
            Self::ExpectedQuantityStale { .. } => "expected_quantity_stale",
            Self::ExpectedQuantityRequired {} => "expected_quantity_required",
            Self::KindNotAllowed { .. } => "kind_not_allowed",
            Self::InvalidSign { .. } => "invalid_sign",
            Self::ZeroQuantity {} => "zero_quantity",
            Self::QuantityOutOfRange { .. } => "quantity_out_of_range",
            Self::ItemNotFound { .. } => "item_not_found",
            Self::ItemArchived { .. } => "item_archived",
            Self::SkuTaken { .. } => "sku_taken",
            Self::EventNotFound { .. } => "event_not_found",
            Self::NotCorrectable { .. } => "not_correctable",
            Self::BeforeLastCount { .. } => "before_last_count",
            Self::VersionMismatch { .. } => "version_mismatch",
            Self::OccurredInFuture { .. } => "occurred_in_future",
            Self::LedgerArchived {} => "ledger_archived",
            Self::IdempotencyKeyReused {} => "idempotency_key_reused",
        }
    }

    /// One of each, for the tests and documents that must know them all.
    #[must_use]
    pub fn examples() -> Vec<Self> {
        let sku = "CR-01".to_owned();
        let kind = "count".to_owned();
        let now = "2026-11-23T05:00:00.000000Z".to_owned();
        vec![
            Self::InsufficientStock { item_id: 1, available: 12, requested: 24 },
            Self::ExpectedQuantityStale { item_id: 1, current_quantity: 12, expected_quantity: 10 },
            Self::ExpectedQuantityRequired {},
            Self::KindNotAllowed { kind: kind.clone() },
            Self::InvalidSign { quantity: -6, reason: "batch".to_owned() },
            Self::ZeroQuantity {},
            Self::out_of_range(MAX_QUANTITY + 1, 1),
            Self::item_not_found(ItemId(9)),
            Self::ItemArchived { item_id: 1 },
            Self::SkuTaken { sku, item_id: 2 },
            Self::event_not_found(Position(99)),
            Self::NotCorrectable { position: 4, kind },
            Self::BeforeLastCount { item_id: 1, last_count_event_id: 7 },
            Self::VersionMismatch { item_id: 1, current_version: 4, expected_version: 3 },
            Self::OccurredInFuture { occurred_at: "2030-01-01T00:00:00.000000Z".to_owned(), now },
            Self::LedgerArchived {},
            Self::IdempotencyKeyReused {},
        ]
    }

    /// Whether it may not hold at a later time.
    pub(crate) fn depends_on_time(&self) -> bool {
        matches!(self, Self::OccurredInFuture { .. })
    }

    pub(crate) fn item_not_found(item: ItemId) -> Self {
        Self::ItemNotFound { item_id: item.0 }
    }

    pub(crate) fn event_not_found(position: Position) -> Self {
        Self::EventNotFound { position: position.0 }
    }

    pub(crate) fn out_of_range(quantity: i64, minimum: i64) -> Self {
        Self::QuantityOutOfRange { quantity, minimum, maximum: MAX_QUANTITY }
    }
}

/// A rejected request: nothing of it was recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("command {line}: {rejection}")]
pub struct Rejected {
    /// Which of the request's commands is the cause, counted from 1.
    pub line: usize,
    /// Why.
    pub rejection: Rejection,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_is_the_stored_name_and_reads_back() {
        for rejection in Rejection::examples() {
            let stored = serde_json::to_value(&rejection).expect("JSON");
            assert_eq!(stored["code"], rejection.code());
            assert_eq!(serde_json::from_value::<Rejection>(stored).expect("back"), rejection);
        }
    }
}
