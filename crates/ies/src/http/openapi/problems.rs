//! What can go wrong with an operation: what follows from how it is guarded and what it reads, and
//! what the business may refuse.

use super::operations::{Body, Operation, Reply};
use crate::http::auth::Needs;
use crate::http::problem::kinds::{self, Kind};
use crate::http::router::Route;

/// Of what moves stock.
pub const MOVEMENT: &[&Kind] = &[
    &kinds::ZERO_QUANTITY,
    &kinds::INVALID_SIGN,
    &kinds::OUT_OF_RANGE,
    &kinds::IN_FUTURE,
    &kinds::KIND_NOT_ALLOWED,
    &kinds::ITEM_NOT_FOUND,
    &kinds::ITEM_ARCHIVED,
    &kinds::VERSION_MISMATCH,
    &kinds::INSUFFICIENT_STOCK,
];

/// Of setting a count.
pub const SET: &[&Kind] = &[
    &kinds::QUANTITY_REQUIRED,
    &kinds::OUT_OF_RANGE,
    &kinds::IN_FUTURE,
    &kinds::ITEM_NOT_FOUND,
    &kinds::ITEM_ARCHIVED,
    &kinds::VERSION_MISMATCH,
    &kinds::EXPECTED_QUANTITY_STALE,
    &kinds::BEFORE_LAST_COUNT,
    &kinds::INSUFFICIENT_STOCK,
];

/// Of correcting an event.
pub const CORRECT: &[&Kind] = &[
    &kinds::OUT_OF_RANGE,
    &kinds::INVALID_SIGN,
    &kinds::EVENT_NOT_FOUND,
    &kinds::ITEM_ARCHIVED,
    &kinds::NOT_CORRECTABLE,
    &kinds::BEFORE_LAST_COUNT,
    &kinds::INSUFFICIENT_STOCK,
];

/// Of editing an item.
pub const ITEM: &[&Kind] = &[
    &kinds::SKU_TAKEN,
    &kinds::ITEM_NOT_FOUND,
    &kinds::VERSION_MISMATCH,
    &kinds::INSUFFICIENT_STOCK,
];

/// Of all commands together.
pub const BULK: &[&Kind] = &[
    &kinds::COMMAND_COUNT,
    &kinds::ZERO_QUANTITY,
    &kinds::INVALID_SIGN,
    &kinds::OUT_OF_RANGE,
    &kinds::IN_FUTURE,
    &kinds::KIND_NOT_ALLOWED,
    &kinds::QUANTITY_REQUIRED,
    &kinds::ITEM_NOT_FOUND,
    &kinds::EVENT_NOT_FOUND,
    &kinds::ITEM_ARCHIVED,
    &kinds::VERSION_MISMATCH,
    &kinds::EXPECTED_QUANTITY_STALE,
    &kinds::NOT_CORRECTABLE,
    &kinds::BEFORE_LAST_COUNT,
    &kinds::INSUFFICIENT_STOCK,
    &kinds::SKU_TAKEN,
];

/// What can go wrong, by status.
pub fn of(route: &Route, operation: &Operation) -> Vec<&'static Kind> {
    let mut all: Vec<&'static Kind> = vec![&kinds::INTERNAL];
    if matches!(route.access.needs, Needs::Role(_)) {
        all.extend([&kinds::UNAUTHENTICATED, &kinds::FORBIDDEN, &kinds::RATE_LIMITED]);
        all.extend([&kinds::BUSY, &kinds::STORAGE_FAILED]);
    }
    if route.access.whole_store {
        all.push(&kinds::FORBIDDEN_FOR_LEDGER);
    }
    if operation.of_ledger {
        all.extend([&kinds::LEDGER_INVALID, &kinds::LEDGER_NOT_FOUND]);
    }
    if route.path.contains('{') {
        all.push(&kinds::INVALID_PATH);
    }
    if !operation.query.is_empty() {
        all.push(&kinds::INVALID_QUERY);
    }
    if operation.query.contains(&"cursor") {
        all.push(&kinds::INVALID_CURSOR);
    }
    if operation.body != Body::None {
        all.extend([&kinds::MALFORMED_JSON, &kinds::INVALID_BODY, &kinds::BODY_TIMEOUT]);
        all.extend([&kinds::TOO_LARGE, &kinds::MEDIA_TYPE, &kinds::INVALID_MEMBER]);
    }
    if operation.keyed {
        all.extend([&kinds::KEY_REQUIRED, &kinds::KEY_INVALID]);
    }
    if operation.if_match {
        all.push(&kinds::IF_MATCH_INVALID);
    }
    if operation.reply == Reply::Recorded {
        all.extend([&kinds::STORAGE_FULL, &kinds::READ_ONLY, &kinds::COMMIT_UNKNOWN]);
        all.extend([&kinds::KEY_REUSED, &kinds::LEDGER_ARCHIVED]);
    }
    all.extend(operation.problems.iter().copied());
    all.sort_by_key(|kind| (kind.status.as_u16(), kind.code));
    all.dedup();
    all
}
