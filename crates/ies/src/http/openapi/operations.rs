//! What each operation takes and answers. Its method, path and role stand in the table of routes.

use super::problems;
use crate::http::problem::kinds::{self, Kind};

/// A row of the table.
pub struct Operation {
    /// As in the table of routes.
    pub id: &'static str,
    /// The heading it stands under.
    pub tag: &'static str,
    /// One sentence.
    pub summary: &'static str,
    /// Whether it is about one ledger, which the `Ledger` header names.
    pub of_ledger: bool,
    /// The names of its query.
    pub query: &'static [&'static str],
    /// Whether it needs an `Idempotency-Key`.
    pub keyed: bool,
    /// Whether it takes `If-Match`.
    pub if_match: bool,
    /// Other headers.
    pub headers: &'static [(&'static str, &'static str)],
    /// What it reads.
    pub body: Body,
    /// What it answers.
    pub reply: Reply,
    /// Problems that do not follow from the rest.
    pub problems: &'static [&'static Kind],
}

/// A request's body, by the name of its schema.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Body {
    /// None.
    None,
    /// JSON.
    Json(&'static str),
    /// JSON, or nothing.
    Optional(&'static str),
    /// Many commands.
    Commands,
}

/// An answer, by the name of its schema.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Reply {
    /// That of every write to the ledger.
    Recorded,
    /// JSON.
    Json(&'static str),
    /// JSON with an `ETag`.
    Tagged(&'static str),
    /// JSON about what was made.
    Created(&'static str),
    /// Nothing.
    NoContent,
    /// JSON of no particular shape.
    Object,
    /// `OpenMetrics`.
    Metrics,
    /// Server-sent events.
    Stream,
}

const READ: Operation = Operation {
    id: "",
    tag: "",
    summary: "",
    of_ledger: true,
    query: &[],
    keyed: false,
    if_match: false,
    headers: &[],
    body: Body::None,
    reply: Reply::Object,
    problems: &[],
};

/// About the store, or about none of it.
const STORE: Operation = Operation { of_ledger: false, ..READ };

const WRITE: Operation = Operation { keyed: true, reply: Reply::Recorded, ..READ };

const MOVEMENT: Operation = Operation {
    tag: "movements",
    if_match: true,
    body: Body::Json("Record"),
    problems: problems::MOVEMENT,
    ..WRITE
};

const REFRESH: Operation = Operation {
    reply: Reply::Json("RefreshReport"),
    problems: &[&kinds::READ_ONLY, &kinds::STORAGE_FULL, &kinds::COMMIT_UNKNOWN],
    ..READ
};

const EVENT_FILTERS: &[&str] =
    &["item_id", "reason", "kind", "actor", "from", "to", "after", "order", "limit", "cursor"];

const EVENT_FILTERS_OF_ITEM: &[&str] =
    &["reason", "kind", "actor", "from", "to", "after", "order", "limit", "cursor"];

/// The table.
pub const ALL: &[Operation] = &[
    Operation {
        id: "create_item",
        tag: "items",
        summary: "Make an item, with its initial stock if it has any.",
        body: Body::Json("CreateItem"),
        problems: &[
            &kinds::SKU_TAKEN,
            &kinds::OUT_OF_RANGE,
            &kinds::INVALID_SIGN,
            &kinds::IN_FUTURE,
        ],
        ..WRITE
    },
    Operation {
        id: "list_items",
        tag: "items",
        summary: "List items by id.",
        query: &["sku", "name", "archived", "limit", "cursor"],
        reply: Reply::Json("ItemPage"),
        ..READ
    },
    Operation {
        id: "get_item",
        tag: "items",
        summary: "Show an item.",
        reply: Reply::Json("ItemReply"),
        problems: &[&kinds::ITEM_NOT_FOUND],
        ..READ
    },
    Operation {
        id: "edit_item",
        tag: "items",
        summary: "Rename, archive or otherwise edit an item.",
        if_match: true,
        body: Body::Json("EditItem"),
        problems: problems::ITEM,
        ..WRITE
    },
    Operation { id: "record_batch", summary: "Put a batch into stock.", ..MOVEMENT },
    Operation { id: "record_bakeoff", summary: "Take out of stock to bake off.", ..MOVEMENT },
    Operation { id: "record_special_order", summary: "Take out for an order.", ..MOVEMENT },
    Operation {
        id: "adjust_item",
        summary: "Adjust by a signed change. The role depends on the kind.",
        body: Body::Json("Adjust"),
        ..MOVEMENT
    },
    Operation {
        id: "get_inventory",
        tag: "inventory",
        summary: "How many there are, now or as of a position or a time.",
        query: &["as_of"],
        headers: &[("If-None-Match", "Answer 304 if the item is still at this version.")],
        reply: Reply::Tagged("InventoryReply"),
        problems: &[&kinds::ITEM_NOT_FOUND, &kinds::POSITION_NOT_REACHED],
        ..READ
    },
    Operation {
        id: "set_inventory",
        tag: "inventory",
        summary: "Set the count: an override, or a count of what is there.",
        if_match: true,
        body: Body::Json("SetInventory"),
        problems: problems::SET,
        ..WRITE
    },
    Operation {
        id: "explain_inventory",
        tag: "inventory",
        summary: "Why the count is what it is.",
        reply: Reply::Json("Explanation"),
        problems: &[&kinds::ITEM_NOT_FOUND],
        ..READ
    },
    Operation {
        id: "chart_item",
        tag: "inventory",
        summary: "The stock by business day.",
        reply: Reply::Json("Chart"),
        problems: &[&kinds::ITEM_NOT_FOUND],
        ..READ
    },
    Operation {
        id: "list_inventory",
        tag: "inventory",
        summary: "List counts by item, now or as of a position or a time.",
        query: &["sku", "name", "archived", "as_of", "limit", "cursor"],
        reply: Reply::Json("InventoryPage"),
        problems: &[&kinds::POSITION_NOT_REACHED],
        ..READ
    },
    Operation {
        id: "record_many",
        tag: "events",
        summary: "Up to 8,192 commands, all of them recorded or none. A problem names the line. \
                  The body may be compressed with gzip or zstd.",
        query: &["return"],
        body: Body::Commands,
        problems: problems::BULK,
        ..WRITE
    },
    Operation {
        id: "list_events",
        tag: "events",
        summary: "List events: newest first, unless `after` is given.",
        query: EVENT_FILTERS,
        reply: Reply::Json("EventPage"),
        ..READ
    },
    Operation {
        id: "list_item_events",
        tag: "events",
        summary: "List an item's events.",
        query: EVENT_FILTERS_OF_ITEM,
        reply: Reply::Json("EventPage"),
        problems: &[&kinds::ITEM_NOT_FOUND],
        ..READ
    },
    Operation {
        id: "get_event",
        tag: "events",
        summary: "Show an event.",
        reply: Reply::Json("EventReply"),
        problems: &[&kinds::EVENT_NOT_FOUND],
        ..READ
    },
    Operation {
        id: "stream_events",
        tag: "events",
        summary: "Follow the log: every event once, in order, from a cursor on.",
        query: &["after", "item_id", "reason"],
        headers: &[("Last-Event-ID", "The cursor of the last event seen. Wins over `after`.")],
        reply: Reply::Stream,
        problems: &[&kinds::INVALID_CURSOR, &kinds::HISTORY_DIVERGED, &kinds::TOO_MANY_STREAMS],
        ..READ
    },
    Operation {
        id: "correct_event",
        tag: "events",
        summary: "Say what an event's change should have been.",
        body: Body::Json("Correct"),
        problems: problems::CORRECT,
        ..WRITE
    },
    Operation {
        id: "void_event",
        tag: "events",
        summary: "Make an event as if it had not been.",
        body: Body::Optional("Void"),
        problems: problems::CORRECT,
        ..WRITE
    },
    Operation {
        id: "list_daily_summary",
        tag: "summary",
        summary: "What changed by business day, item, reason and kind, up to a position.",
        query: &["item_id", "from", "to", "reason", "kind", "limit", "cursor"],
        reply: Reply::Json("DailySummaryPage"),
        ..READ
    },
    Operation {
        id: "refresh_daily_summary",
        tag: "summary",
        summary: "Bring the daily summary up to the log's last position.",
        ..REFRESH
    },
    Operation {
        id: "rebuild_daily_summary",
        tag: "summary",
        summary: "Make the daily summary from the log's beginning.",
        ..REFRESH
    },
    Operation {
        id: "verify",
        tag: "maintenance",
        summary: "Prove that the counts follow from the log.",
        body: Body::Optional("Verify"),
        reply: Reply::Json("VerifyReport"),
        ..READ
    },
    Operation {
        id: "rebuild",
        tag: "maintenance",
        summary: "Recompute the counts from the log, all or one item's.",
        body: Body::Optional("Rebuild"),
        reply: Reply::Json("RebuildReport"),
        problems: &[&kinds::ITEM_NOT_FOUND, &kinds::READ_ONLY, &kinds::STORAGE_FULL],
        ..READ
    },
    Operation {
        id: "list_discrepancies",
        tag: "maintenance",
        summary: "What does not add up now.",
        reply: Reply::Json("DiscrepancyReport"),
        ..READ
    },
    Operation {
        id: "create_ledger",
        tag: "ledgers",
        summary: "Make an empty ledger. Not kept under its key: sent twice, the second is told \
            that there is one.",
        keyed: true,
        body: Body::Json("CreateLedger"),
        reply: Reply::Created("LedgerReply"),
        problems: &[&kinds::LEDGER_EXISTS, &kinds::READ_ONLY, &kinds::STORAGE_FULL],
        ..STORE
    },
    Operation {
        id: "list_ledgers",
        tag: "ledgers",
        summary: "List the ledgers that the token may see, by name.",
        reply: Reply::Json("LedgerList"),
        ..STORE
    },
    Operation {
        id: "get_ledger",
        tag: "ledgers",
        summary: "Show a ledger.",
        reply: Reply::Json("LedgerReply"),
        problems: &[&kinds::LEDGER_NOT_FOUND],
        ..STORE
    },
    Operation {
        id: "edit_ledger",
        tag: "ledgers",
        summary: "Say when a ledger's business day starts; archive it, or bring it back.",
        keyed: true,
        body: Body::Json("EditLedger"),
        reply: Reply::Json("LedgerReply"),
        problems: &[
            &kinds::LEDGER_NOT_FOUND,
            &kinds::READ_ONLY,
            &kinds::STORAGE_FULL,
            &kinds::COMMIT_UNKNOWN,
        ],
        ..STORE
    },
    Operation {
        id: "create_token",
        tag: "tokens",
        summary: "Make a token; its secret is shown now and never again. Not kept under its key: \
            sent twice, it makes two.",
        keyed: true,
        body: Body::Json("CreateToken"),
        reply: Reply::Created("NewToken"),
        problems: &[&kinds::LEDGER_NOT_FOUND, &kinds::READ_ONLY, &kinds::STORAGE_FULL],
        ..STORE
    },
    Operation {
        id: "list_tokens",
        tag: "tokens",
        summary: "List tokens, without their secrets.",
        reply: Reply::Json("TokenList"),
        ..STORE
    },
    Operation {
        id: "revoke_token",
        tag: "tokens",
        summary: "Revoke a token for ever, and end its streams.",
        keyed: true,
        reply: Reply::NoContent,
        problems: &[&kinds::TOKEN_NOT_FOUND, &kinds::READ_ONLY, &kinds::STORAGE_FULL],
        ..STORE
    },
    Operation { id: "livez", tag: "service", summary: "Whether the process answers.", ..STORE },
    Operation {
        id: "readyz",
        tag: "service",
        summary: "Whether the service can do its work.",
        problems: &[&kinds::NOT_READY],
        ..STORE
    },
    Operation {
        id: "metrics",
        tag: "service",
        summary: "Numbers for Prometheus.",
        reply: Reply::Metrics,
        problems: &[&kinds::BUSY],
        ..STORE
    },
    Operation { id: "openapi", tag: "service", summary: "This document.", ..STORE },
];

/// The operation with this id.
pub fn find(id: &str) -> Option<&'static Operation> {
    ALL.iter().find(|operation| operation.id == id)
}
