//! The kinds of problem: code, status and title. A code is stable and never gets another meaning.

use axum::http::StatusCode;

/// A kind of problem. Its type is `urn:ies:problem:` and the code.
#[derive(Debug, PartialEq, Eq)]
pub struct Kind {
    /// The stable name.
    pub code: &'static str,
    /// The status that always goes with it.
    pub status: StatusCode,
    /// The same sentence whenever it occurs.
    pub title: &'static str,
}

macro_rules! kinds {
    ($($name:ident $code:literal $status:ident $title:literal;)*) => {
        $(
            #[doc = $title]
            pub const $name: Kind =
                Kind { code: $code, status: StatusCode::$status, title: $title };
        )*
        /// Every kind.
        pub const ALL: &[Kind] = &[$($name),*];
    };
}

kinds! {
    MALFORMED_JSON "malformed_json" BAD_REQUEST "The body is not the JSON that was expected";
    MALFORMED_REQUEST "malformed_request" BAD_REQUEST "The request can be read in two ways";
    INVALID_BODY "invalid_body" BAD_REQUEST "The body could not be read";
    INVALID_QUERY "invalid_query" BAD_REQUEST "The query is not understood";
    INVALID_PATH "invalid_path" BAD_REQUEST "The path is not understood";
    INVALID_CURSOR "invalid_cursor" BAD_REQUEST "The cursor does not belong to this list";
    KEY_REQUIRED "idempotency_key_required" BAD_REQUEST "A write needs an Idempotency-Key";
    KEY_INVALID "idempotency_key_invalid" BAD_REQUEST "The Idempotency-Key is not understood";
    LEDGER_INVALID "ledger_invalid" BAD_REQUEST "The Ledger header is not understood";
    IF_MATCH_INVALID "if_match_invalid" BAD_REQUEST "The If-Match is not understood";
    UNAUTHENTICATED "unauthenticated" UNAUTHORIZED "No token that holds";
    FORBIDDEN "forbidden_for_role" FORBIDDEN "The token's role may not do this";
    FORBIDDEN_FOR_LEDGER "forbidden_for_ledger" FORBIDDEN "The token is for one ledger only";
    NOT_FOUND "not_found" NOT_FOUND "There is nothing here";
    LEDGER_NOT_FOUND "ledger_not_found" NOT_FOUND "There is no such ledger";
    ITEM_NOT_FOUND "item_not_found" NOT_FOUND "There is no such item";
    EVENT_NOT_FOUND "event_not_found" NOT_FOUND "There is no such event";
    TOKEN_NOT_FOUND "token_not_found" NOT_FOUND "There is no such token";
    METHOD_NOT_ALLOWED "method_not_allowed" METHOD_NOT_ALLOWED "Not with this method";
    BODY_TIMEOUT "body_timeout" REQUEST_TIMEOUT "The body took too long to arrive";
    INSUFFICIENT_STOCK "insufficient_stock" CONFLICT "More is to be taken than there is";
    EXPECTED_QUANTITY_STALE "expected_quantity_stale" CONFLICT "The count is not as expected";
    ITEM_ARCHIVED "item_archived" CONFLICT "The item is archived";
    LEDGER_ARCHIVED "ledger_archived" CONFLICT "The ledger is archived";
    LEDGER_EXISTS "ledger_exists" CONFLICT "There is a ledger with this name";
    SKU_TAKEN "sku_taken" CONFLICT "Another item has this sku";
    NOT_CORRECTABLE "not_correctable" CONFLICT "Counts, overrides and corrections stay";
    BEFORE_LAST_COUNT "before_last_count" CONFLICT "The item was counted since";
    HISTORY_DIVERGED "history_diverged" CONFLICT "The cursor is from another history";
    VERSION_MISMATCH "version_mismatch" PRECONDITION_FAILED "The item has moved on";
    TOO_LARGE "payload_too_large" PAYLOAD_TOO_LARGE "The body is too large";
    MEDIA_TYPE "unsupported_media_type" UNSUPPORTED_MEDIA_TYPE "Not with this content type";
    INVALID_MEMBER "invalid_member" UNPROCESSABLE_ENTITY "A value is not allowed";
    COMMAND_COUNT "command_count" UNPROCESSABLE_ENTITY "Too few or too many commands";
    POSITION_NOT_REACHED "position_not_reached" UNPROCESSABLE_ENTITY "The log is not there yet";
    QUANTITY_REQUIRED "expected_quantity_required" UNPROCESSABLE_ENTITY "Say what you expect";
    KIND_NOT_ALLOWED "kind_not_allowed" UNPROCESSABLE_ENTITY "The kind has its own endpoint";
    INVALID_SIGN "invalid_sign" UNPROCESSABLE_ENTITY "The quantity has the wrong sign";
    ZERO_QUANTITY "zero_quantity" UNPROCESSABLE_ENTITY "The quantity is zero";
    OUT_OF_RANGE "quantity_out_of_range" UNPROCESSABLE_ENTITY "The quantity is out of range";
    IN_FUTURE "occurred_in_future" UNPROCESSABLE_ENTITY "It has not happened yet";
    KEY_REUSED "idempotency_key_reused" UNPROCESSABLE_ENTITY "The key has other content";
    RATE_LIMITED "rate_limited" TOO_MANY_REQUESTS "Too many requests";
    TOO_MANY_STREAMS "too_many_streams" TOO_MANY_REQUESTS "Too many open streams";
    INTERNAL "internal_error" INTERNAL_SERVER_ERROR "Something failed here";
    BUSY "busy" SERVICE_UNAVAILABLE "Not now: try again";
    STORAGE_FULL "storage_full" SERVICE_UNAVAILABLE "The storage is full";
    STORAGE_FAILED "storage_failed" SERVICE_UNAVAILABLE "The storage fails";
    READ_ONLY "read_only" SERVICE_UNAVAILABLE "The store is open for reading only";
    NOT_READY "not_ready" SERVICE_UNAVAILABLE "The service is not ready";
    COMMIT_UNKNOWN "commit_unknown" SERVICE_UNAVAILABLE "It may have been recorded";
}

impl Kind {
    /// The kind with this code.
    pub fn by_code(code: &str) -> Option<&'static Self> {
        ALL.iter().find(|kind| kind.code == code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use item_event_store::rejection::Rejection;

    #[test]
    fn codes_are_unique_and_every_rejection_has_a_status() {
        for (n, kind) in ALL.iter().enumerate() {
            assert!(!ALL[..n].iter().any(|earlier| earlier.code == kind.code), "{}", kind.code);
        }
        for rejection in Rejection::examples() {
            assert!(Kind::by_code(rejection.code()).is_some(), "{}", rejection.code());
        }
    }
}
