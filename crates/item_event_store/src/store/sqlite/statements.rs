//! Every SQL statement, bound once. One statement a file, under the name of its constant; the
//! file's first lines say what the parameters are.

/// Binds each name to the text of its file.
macro_rules! statements {
    ($($name:ident = $file:literal,)*) => {
        $(pub(super) const $name: &str = include_str!(concat!(
            env!("CARGO_MANIFEST_DIR"), "/sql/sqlite/statements/", $file, ".sql"
        ));)*

        /// All of them, for the test that prepares each.
        #[cfg(test)]
        pub(super) const ALL: &[(&str, &str)] = &[$(($file, $name),)*];
    };
}

statements! {
    ADD_SUM = "add_sum",
    ADD_SUMS = "add_sums",
    ALL_LINKS = "all_links",
    APPLIED_MIGRATIONS = "applied_migrations",
    BEYOND_HEAD = "beyond_head",
    BUMP_COUNTS_REVISION = "bump_counts_revision",
    CLEAR_SUMMARY = "clear_summary",
    CLOSE_RANGE = "close_range",
    CORRECTED_BY = "corrected_by",
    DELETE_COUNT = "delete_count",
    DELETE_SUMS = "delete_sums",
    END_CLEARING = "end_clearing",
    EVENT = "event",
    EVENT_CREATED_AT = "event_created_at",
    EVENT_OF_ITEM = "event_of_item",
    EVENTS_ALL_NEWEST = "events_all_newest",
    EVENTS_ALL_OLDEST = "events_all_oldest",
    HEAD = "head",
    INSERT_EVENT = "insert_event",
    INSERT_EVENTS = "insert_events",
    INSERT_ITEM = "insert_item",
    INSERT_ITEM_CHANGE = "insert_item_change",
    INSERT_LEDGER = "insert_ledger",
    INSERT_MIGRATION = "insert_migration",
    INSERT_REQUEST = "insert_request",
    INSERT_REQUESTS = "insert_requests",
    INSERT_TOKEN = "insert_token",
    INVENTORIES = "inventories",
    INVENTORY = "inventory",
    ITEM_AT = "item_at",
    ITEM_CHANGES = "item_changes",
    ITEM_SUMS = "item_sums",
    ITEM_WITH_SKU = "item_with_sku",
    ITEMS_WITH_NAME = "items_with_name",
    ITEMS_WITH_COUNTS = "items_with_counts",
    LAST_COUNT = "last_count",
    LAST_COUNTS_BY_SCAN = "last_counts_by_scan",
    LAST_EVENT_ID = "last_event_id",
    LAST_EVENT_ID_BY_SCAN = "last_event_id_by_scan",
    LEDGER_INFO = "ledger_info",
    LINKS = "links",
    MOVE_SUMMARY = "move_summary",
    NEGATIVE = "negative",
    OPEN_RANGE = "open_range",
    PUT_COUNT = "put_count",
    PUT_COUNTS = "put_counts",
    PUT_SETTINGS = "put_settings",
    REQUEST = "request",
    REQUEST_TRACES = "request_traces",
    REVOKE_TOKEN = "revoke_token",
    SCHEMA_OBJECTS = "schema_objects",
    SET_EPOCH = "set_epoch",
    STRAY_COUNTS = "stray_counts",
    SUMMARY = "summary",
    SUMMARY_ALL = "summary_all",
    SUMMARY_ITEM = "summary_item",
    SUMMARY_OPENING = "summary_opening",
    TOKENS = "tokens",
    UNEXPLAINED = "unexplained",
    UPDATE_ITEM = "update_item",
}
