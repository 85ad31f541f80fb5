//! The guards inside the database: what is typed into a shell follows the rules too.

use crate::backend::{TestLedger, batch};
use crate::summary;
use item_event_store::ids::{ItemId, Position};
use item_event_store::reason::{Kind, Reason};

const INSERT: &str = "INSERT INTO item_event_store (item_id, quantity_change, reason) VALUES ";

const SQLITE_HOLES: &[&str] = &[
    "UPDATE OR IGNORE item_event_store SET id = 3 WHERE id = 2",
    "INSERT OR REPLACE INTO item_event_store (id, item_id, quantity_change, reason)
     VALUES (2, 1, 25, 'batch')",
    "REPLACE INTO item_event_store (id, item_id, quantity_change, reason)
     VALUES (1, 1, 25, 'batch')",
    "INSERT OR IGNORE INTO item_event_store (item_id, quantity_change, reason)
     VALUES (1, -99, 'bakeoff')",
    "INSERT OR IGNORE INTO item_event_store (item_id, quantity_change, reason)
     VALUES (99, 1, 'batch')",
    "INSERT OR REPLACE INTO item_event_store (item_id, quantity_change, reason)
     VALUES (1, -99, 'bakeoff')",
];

const POSTGRES_HOLES: &[&str] = &[
    "TRUNCATE item_event_store",
    "TRUNCATE item_event_store, item_inventory, items, ledgers CASCADE",
    "ALTER TABLE item_event_store DISABLE TRIGGER ALL",
    "DROP TRIGGER item_event_store_update ON item_event_store",
    "SET session_replication_role = replica",
    "SELECT set_config('session_replication_role', 'replica', false)",
    "SET ROLE ies_owner",
    "INSERT INTO item_event_store (item_id, quantity_change, reason) VALUES (1, 25, 'batch')
     ON CONFLICT (ledger_id, id) DO UPDATE SET quantity_change = 25",
    "INSERT INTO item_event_store (item_id, quantity_change, reason)
     VALUES (1, -99, 'bakeoff') ON CONFLICT DO NOTHING",
    "COPY item_event_store (item_id, quantity_change, reason) FROM '/dev/null'",
    "WITH gone AS (DELETE FROM item_event_store RETURNING id) SELECT * FROM gone",
    "UPDATE ledgers SET by_hand = true, position = position + 1",
    "UPDATE ledgers SET writing_after = position - 1",
    "UPDATE ledgers SET writing_after = position, position = 9007199254740992",
    "INSERT INTO ledgers (ledger_id) VALUES ('North')",
    "INSERT INTO ledgers (ledger_id, epoch) VALUES ('north', 'other')",
    "INSERT INTO ledgers (ledger_id, time_zone) VALUES ('north', '')",
    "INSERT INTO ledgers (ledger_id, day_start_hour) VALUES ('north', 24)",
];

/// Each of these statements is refused by the database, and changes nothing.
async fn refused(t: &TestLedger, statements: &[&str]) {
    let before = t.log().await;
    let mut shell = t.backend.shell();
    for statement in statements {
        let answer = shell.run(&statement.replace("EPOCH", t.backend.words().epoch));
        assert!(answer.is_err(), "done: {statement}");
    }
    assert_eq!(t.log().await, before);
}

pub async fn the_note_s_insert_works_as_written(t: &TestLedger) {
    let item = t.item("Croissant", 10).await;
    let mut shell = t.backend.shell();
    shell.run(&format!("{INSERT} (1, 24, 'batch')")).expect("inserted");
    shell.run(&format!("{INSERT} (1, -6, 'bakeoff'), (1, -3, 'special_order')")).expect("two");
    shell.run(&format!("{INSERT} (1, 2, 'adjustment')")).expect("inserted");
    let log = t.log().await;
    let seen: Vec<_> =
        log.iter().map(|e| (e.id.0, e.version, e.quantity_after, e.reason, e.kind)).collect();
    assert_eq!(
        seen,
        [
            (1, 1, 10, Reason::Initial, None),
            (2, 2, 34, Reason::Batch, None),
            (3, 3, 28, Reason::Bakeoff, None),
            (4, 4, 25, Reason::SpecialOrder, None),
            (5, 5, 27, Reason::Adjustment, Some(Kind::Other)),
        ]
    );
    assert!(log.windows(2).all(|pair| pair[0].created_at <= pair[1].created_at));
    assert!(log[1].actor.is_none() && log[1].request_id.is_none());
    assert_eq!(t.quantity(item).await, 27);
    assert_eq!(t.ledger().store().head().await.expect("reads").position, Position(5));
    assert_eq!(t.one(batch(item, 1)).await.position, Position(6));
}

pub async fn what_breaks_a_rule_is_refused(t: &TestLedger) {
    t.item("Croissant", 10).await;
    t.item("Empty", 0).await;
    for row in [
        "(1, -24, 'batch')",
        "(1, 6, 'bakeoff')",
        "(1, 3, 'special_order')",
        "(1, 0, 'batch')",
        "(1, 0, 'adjustment')",
        "(1, -11, 'bakeoff')",
        "(1, 5, 'initial')",
        "(2, -5, 'initial')",
        "(99, 5, 'batch')",
        "(1, 5, 'gift')",
        "(1, 2000000001, 'batch')",
        "(1, 2000000000, 'batch')",
        "(1, 1, 'batch'), (1, -12, 'bakeoff')",
        "(NULL, 5, 'batch')",
        "(1, NULL, 'batch')",
        "(1, 5, NULL)",
    ] {
        refused(t, &[&format!("{INSERT} {row}")]).await;
    }
    refused(
        t,
        &[
            "INSERT INTO item_event_store (item_id, quantity_change, reason, kind)
             VALUES (1, 1, 'adjustment', 'waste')",
            "INSERT INTO item_event_store (item_id, quantity_change, reason, kind)
             VALUES (1, -1, 'adjustment', 'return')",
            "INSERT INTO item_event_store (item_id, quantity_change, reason, kind)
             VALUES (1, 1, 'adjustment', 'gift')",
            "INSERT INTO item_event_store (item_id, quantity_change, reason, kind)
             VALUES (1, 1, 'batch', 'other')",
            "INSERT INTO item_event_store (item_id, quantity_change, reason, kind)
             VALUES (1, -1, 'adjustment', 'correction')",
            "INSERT INTO item_event_store (item_id, quantity_change, reason, corrects_event_id)
             VALUES (1, 1, 'batch', 1)",
        ],
    )
    .await;
    assert_eq!(t.quantity(ItemId(1)).await, 10);
}

pub async fn the_log_cannot_be_changed(t: &TestLedger) {
    let item = t.item("Croissant", 10).await;
    t.one(batch(item, 24)).await;
    refused(
        t,
        &[
            "UPDATE item_event_store SET quantity_change = 25 WHERE id = 2",
            "UPDATE item_event_store SET note = 'x'",
            "UPDATE item_event_store SET version = 0 WHERE id = 2",
            "DELETE FROM item_event_store",
            "DELETE FROM item_event_store WHERE id = 2",
            "INSERT INTO item_event_store (id, item_id, quantity_change, reason)
             VALUES (2, 1, 25, 'batch') ON CONFLICT (id) DO UPDATE SET quantity_change = 25",
            "INSERT INTO item_event_store (id, item_id, quantity_change, reason)
             VALUES (9, 1, 25, 'batch')",
        ],
    )
    .await;
    // Each database has its own words that switch constraints off, or guards.
    let (holes, harmless) = match t.backend.words().backend {
        "sqlite" => (SQLITE_HOLES, ["OR IGNORE", "OR REPLACE"].map(|word| (word, ""))),
        _ => (POSTGRES_HOLES, [("", "ON CONFLICT DO NOTHING"), ("", "RETURNING id")]),
    };
    refused(t, holes).await;
    // These are ordinary inserts: the words change nothing.
    let mut shell = t.backend.shell();
    for (before, after) in harmless {
        let sql = INSERT.replace("INSERT", &format!("INSERT {before}"));
        shell.run(&format!("{sql} (1, 1, 'batch') {after}")).expect("inserted");
    }
    assert_eq!(t.quantity(item).await, 36);
}

pub async fn nobody_writes_a_complete_row(t: &TestLedger) {
    t.item("Croissant", 10).await;
    refused(
        t,
        &[
            "INSERT INTO item_event_store (id, item_id, quantity_change, reason, created_at,
             version, quantity_after) VALUES (2, 1, 5, 'batch', EPOCH, 2, 15)",
            "INSERT INTO item_event_store (item_id, quantity_change, reason, created_at,
             version, quantity_after) VALUES (1, 5, 'batch', EPOCH, 2, 15)",
            "INSERT INTO item_event_store (id, item_id, quantity_change, reason, version)
             VALUES (1, 1, 5, 'batch', 2)",
            "INSERT INTO item_event_store (item_id, quantity_change, reason, quantity_after)
             VALUES (1, 5, 'batch', 99)",
            "INSERT INTO item_event_store (item_id, quantity_change, reason, request_id)
             VALUES (1, 5, 'batch', 1)",
        ],
    )
    .await;
}

pub async fn counts_change_only_as_events_explain(t: &TestLedger) {
    let item = t.item("Croissant", 10).await;
    t.item("Empty", 0).await;
    t.one(batch(item, 24)).await;
    refused(
        t,
        &[
            "UPDATE item_inventory SET quantity = 35 WHERE item_id = 1",
            "UPDATE item_inventory SET quantity = 10, version = 1, last_event_id = 1
             WHERE item_id = 1",
            "UPDATE item_inventory SET quantity = 34, version = 2, last_event_id = 2
             WHERE item_id = 2",
            "UPDATE item_inventory SET quantity = 1 WHERE item_id = 2",
            "UPDATE item_inventory SET item_id = 3 WHERE item_id = 2",
            "DELETE FROM item_inventory WHERE item_id = 1",
            "DELETE FROM item_inventory",
            "INSERT INTO item_inventory (item_id, quantity, version, last_event_id, created_at,
             updated_at) VALUES (99, 10, 1, 1, EPOCH, EPOCH)",
            "INSERT INTO item_inventory (item_id, quantity, version, last_event_id, created_at,
             updated_at) VALUES (99, 0, 0, NULL, EPOCH, EPOCH)",
            "INSERT INTO item_inventory (item_id, quantity) VALUES (99, 1)",
            "INSERT INTO item_inventory (item_id, quantity) VALUES (99, 0)",
        ],
    )
    .await;
    if t.backend.words().backend == "sqlite" {
        refused(
            t,
            &[
                "INSERT OR REPLACE INTO item_inventory (item_id, quantity) VALUES (1, 99)",
                "REPLACE INTO item_inventory (item_id, quantity, version, last_event_id,
                 created_at, updated_at) VALUES (1, 10, 1, 1, 0, 0)",
                "REPLACE INTO items (id, name) VALUES (1, 'Cornetto')",
            ],
        )
        .await;
    }
    assert_eq!(t.quantity(item).await, 34);
}

pub async fn items_requests_and_the_head_are_guarded(t: &TestLedger) {
    t.item("Croissant", 10).await;
    refused(
        t,
        &[
            "UPDATE items SET name = 'Cornetto'",
            "UPDATE items SET allow_negative = TRUE",
            "UPDATE items SET archived_at = EPOCH",
            "UPDATE items SET id = 7",
            "DELETE FROM items",
            "UPDATE item_changes SET name = 'Cornetto'",
            "DELETE FROM item_changes",
            "UPDATE requests SET position = 9",
            "DELETE FROM requests",
            "UPDATE ledgers SET position = 9",
            "UPDATE ledgers SET position = 0",
            "UPDATE ledgers SET items_revision = 9",
            "UPDATE ledgers SET last_request_id = 9",
            "UPDATE ledgers SET last_created_at = EPOCH",
            "UPDATE ledgers SET day_start_hour = 24",
            "UPDATE ledgers SET day_start_hour = -1",
            "UPDATE ledgers SET time_zone = ''",
            "UPDATE ledgers SET epoch = 'other'",
            "DELETE FROM ledgers",
        ],
    )
    .await;
    let mut shell = t.backend.shell();
    shell.run("UPDATE ledgers SET time_zone = 'Europe/Vienna', day_start_hour = 3").expect("set");
    let head = t.ledger().store().head().await.expect("reads");
    assert_eq!(
        (head.settings.time_zone.as_str(), head.settings.day_start_hour),
        ("Europe/Vienna", 3)
    );
}

pub async fn items_can_be_made_by_hand(t: &TestLedger) {
    let mut shell = t.backend.shell();
    shell.run("INSERT INTO items (name, sku) VALUES ('Croissant', 'C-1')").expect("inserted");
    shell.run("INSERT INTO items (name) VALUES ('Baguette')").expect("inserted");
    assert!(shell.run("INSERT INTO items (name, sku) VALUES ('Other', 'C-1')").is_err());
    assert!(shell.run("INSERT INTO items (name) VALUES ('')").is_err());
    shell.run(&format!("{INSERT} (1, 10, 'initial')")).expect("inserted");
    assert!(shell.run(&format!("{INSERT} (1, 10, 'initial')")).is_err());
    assert_eq!(t.quantity(ItemId(1)).await, 10);
    assert_eq!(t.quantity(ItemId(2)).await, 0);
    assert_eq!(t.item("Roll", 1).await, ItemId(3));
}

const SUMMARY_BY_HAND: &[&str] = &[
    "UPDATE item_daily_summary SET quantity_change = 11",
    "UPDATE item_daily_summary SET events = 2, quantity_change = 11 WHERE item_id = 1",
    "UPDATE item_daily_summary SET day = '2026-11-24'",
    "DELETE FROM item_daily_summary",
    "INSERT INTO item_daily_summary (day, item_id, reason, kind, events, quantity_change)
     VALUES ('2026-11-24', 1, 'batch', '', 1, 5)",
    "INSERT INTO item_daily_summary (day, item_id, reason, kind, events, quantity_change)
     VALUES ('2026-11-23', 1, 'initial', '', 1, 5)",
    "UPDATE summaries SET position = 9",
    "UPDATE summaries SET position = 0",
    "UPDATE summaries SET position = 2",
    "UPDATE summaries SET time_zone = 'Europe/Vienna'",
    "UPDATE summaries SET day_start_hour = 3",
    "UPDATE summaries SET clearing = TRUE, position = 0, day_start_hour = 24",
    "DELETE FROM summaries",
];

pub async fn nobody_writes_the_summary(t: &TestLedger) {
    let item = t.item("Croissant", 10).await;
    summary::refresh(t).await;
    t.one(batch(item, 24)).await;
    let before = summary::read(t, &summary::everything()).await;
    let mut shell = t.backend.shell();
    let holes: &[&str] = match t.backend.words().backend {
        "sqlite" => &[
            "REPLACE INTO item_daily_summary VALUES ('2026-11-23', 1, 'initial', '', 1, 5)",
            "INSERT OR IGNORE INTO item_daily_summary VALUES ('2026-11-24', 1, 'batch', '', 1, 5)",
            "UPDATE OR IGNORE item_daily_summary SET quantity_change = 5",
            "INSERT INTO summaries (id) VALUES (2)",
            "REPLACE INTO summaries (id) VALUES (1)",
        ],
        _ => &[
            "TRUNCATE item_daily_summary",
            "TRUNCATE summaries",
            "ALTER TABLE item_daily_summary DISABLE TRIGGER ALL",
            "INSERT INTO item_daily_summary VALUES ('main', '2026-11-23', 1, 'initial', '', 1, 5)
             ON CONFLICT (ledger_id, day, item_id, reason, kind) DO UPDATE SET quantity_change = 5",
            "INSERT INTO summaries (ledger_id, position) VALUES ('main', 1)",
            "UPDATE summaries SET writing_after = 0",
            "UPDATE summaries SET writing_after = position, position = position + 2",
        ],
    };
    for statement in SUMMARY_BY_HAND.iter().chain(holes) {
        let answer = shell.run(statement);
        assert!(answer.is_err(), "done: {statement}");
    }
    assert_eq!(summary::read(t, &summary::everything()).await, before);
    // It may be asked for anew: then it counts as empty until the next refresh.
    shell.run("UPDATE summaries SET clearing = TRUE, position = 0").expect("asked for");
    assert!(shell.run("UPDATE summaries SET clearing = FALSE").is_err(), "rows are left");
    assert!(summary::read(t, &summary::everything()).await.rows.is_empty());
    assert!(summary::refresh(t).await.rebuilt);
    assert_eq!(summary::rows(t).await.len(), 2);
}
