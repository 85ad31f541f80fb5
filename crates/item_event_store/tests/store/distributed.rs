//! Without triggers, as on Citus: events come by hand through a function that judges as the
//! triggers do, grants keep what is recorded, and verify finds what nothing stops.

use crate::backend::{TestLedger, bakeoff, batch};
use item_event_store::ids::{ItemId, Position};
use item_event_store::reason::{Kind, Reason};

/// What the function is called with after the ledger, and the same as columns of an insert.
const JUDGED: &[(&str, &str)] = &[
    ("1, -24, 'batch'", "(item_id, quantity_change, reason)"),
    ("1, 6, 'bakeoff'", "(item_id, quantity_change, reason)"),
    ("1, 3, 'special_order'", "(item_id, quantity_change, reason)"),
    ("1, 0, 'batch'", "(item_id, quantity_change, reason)"),
    ("1, -11, 'bakeoff'", "(item_id, quantity_change, reason)"),
    ("1, 5, 'initial'", "(item_id, quantity_change, reason)"),
    ("99, 5, 'batch'", "(item_id, quantity_change, reason)"),
    ("1, 2000000000, 'batch'", "(item_id, quantity_change, reason)"),
    ("NULL, 5, 'batch'", "(item_id, quantity_change, reason)"),
    ("1, 1, 'adjustment', 'waste'", "(item_id, quantity_change, reason, kind)"),
    ("1, -1, 'adjustment', 'return'", "(item_id, quantity_change, reason, kind)"),
    ("1, 1, 'batch', 'other'", "(item_id, quantity_change, reason, kind)"),
    ("1, -1, 'adjustment', 'correction'", "(item_id, quantity_change, reason, kind)"),
    (
        "1, -1, 'adjustment', 'correction', 9",
        "(item_id, quantity_change, reason, kind, corrects_event_id)",
    ),
    (
        "1, -20, 'adjustment', 'correction', 1",
        "(item_id, quantity_change, reason, kind, corrects_event_id)",
    ),
    (
        "1, 1, 'batch', NULL, NULL, now() + interval '6 minutes'",
        "(item_id, quantity_change, reason, kind, corrects_event_id, occurred_at)",
    ),
    (
        "1, 1, 'batch', NULL, NULL, NULL, E'an\\ta'",
        "(item_id, quantity_change, reason, kind, corrects_event_id, occurred_at, actor)",
    ),
];

pub async fn events_and_items_are_recorded_by_hand(t: &TestLedger) {
    let item = t.item("Croissant", 10).await;
    let mut shell = t.backend.shell();
    shell.run(&t.backend.insert(1, 24, "batch")).expect("recorded");
    shell.run(&t.backend.insert(1, 2, "adjustment")).expect("recorded");
    let typed = "SELECT quantity_after FROM ies_append('main', 1, -4, 'adjustment',
         kind => 'correction', corrects_event_id => 2, note => 'a short tray')";
    assert_eq!(shell.value(typed).as_deref(), Some("32"));
    let log = t.log().await;
    let seen: Vec<_> =
        log.iter().map(|e| (e.id.0, e.version, e.quantity_after, e.reason, e.kind)).collect();
    assert_eq!(
        seen,
        [
            (1, 1, 10, Reason::Initial, None),
            (2, 2, 34, Reason::Batch, None),
            (3, 3, 36, Reason::Adjustment, Some(Kind::Other)),
            (4, 4, 32, Reason::Adjustment, Some(Kind::Correction)),
        ]
    );
    assert_eq!(log[3].occurred_at, Some(log[1].created_at));
    assert_eq!(t.quantity(item).await, 32);
    assert_eq!(t.one(batch(item, 1)).await.position, Position(5));
    let typed = "SELECT id FROM ies_add_item('main', 'Baguette', sku => 'B-1', unit => 'tray')";
    assert_eq!(shell.value(typed).as_deref(), Some("2"));
    shell.run(&t.backend.insert(2, 5, "initial")).expect("recorded");
    t.one(bakeoff(ItemId(2), 5)).await;
    // Several in a transaction, or none of them.
    let two = format!("{}; {}", t.backend.insert(1, 1, "batch"), t.backend.insert(2, 1, "batch"));
    shell.run(&format!("BEGIN; {two}; ROLLBACK")).expect("rolled back");
    shell.run(&format!("BEGIN; {two}; COMMIT")).expect("committed");
    assert_eq!((t.quantity(item).await, t.quantity(ItemId(2)).await), (34, 1));
    assert_eq!(t.ledger().store().head().await.expect("reads").position, Position(9));
}

pub async fn what_breaks_a_rule_is_refused_in_the_same_words(t: &TestLedger) {
    let guarded = crate::backend::postgres().await;
    for ledger in [t, &guarded] {
        ledger.item("Croissant", 10).await;
    }
    let (mut here, mut there) = (t.backend.shell(), guarded.backend.shell());
    for (values, columns) in JUDGED {
        let refused = here.run(&format!("SELECT ies_append('main', {values})"));
        let insert = format!("INSERT INTO item_event_store {columns} VALUES ({values})");
        assert_eq!(refused, there.run(&insert));
        assert!(refused.is_err_and(|why| why.contains(": ")), "{values}");
    }
    for (values, columns) in [("'Roll '", "(name)"), ("E'Ro\\nll'", "(name)")] {
        let refused = here.run(&format!("SELECT ies_add_item('main', {values})"));
        assert_eq!(refused, there.run(&format!("INSERT INTO items {columns} VALUES ({values})")));
        assert!(refused.is_err(), "{values}");
    }
    for typed in [
        "SELECT ies_append('south', 1, 1, 'batch')",
        "SELECT ies_add_item('south', 'Roll')",
        "SELECT ies_append('main', 1, 1, 'gift')",
        "SELECT ies_append('main', 1, NULL, 'batch')",
        "SELECT ies_append('main', 1, 1, NULL)",
        "SELECT ies_add_item('main', '')",
        "SELECT ies_add_item('main', NULL)",
    ] {
        assert!(here.run(typed).is_err(), "done: {typed}");
    }
    assert_eq!(t.log().await.len(), 1);
    guarded.finish().await;
}

pub async fn grants_keep_what_is_recorded(t: &TestLedger) {
    let item = t.item("Croissant", 10).await;
    let before = t.log().await;
    let mut shell = t.backend.shell();
    for typed in [
        "UPDATE item_event_store SET quantity_change = 25",
        "UPDATE item_event_store SET note = 'x' WHERE ledger_id = 'main' AND id = 1",
        "DELETE FROM item_event_store",
        "DELETE FROM item_event_store WHERE ledger_id = 'main' AND id = 1",
        "TRUNCATE item_event_store",
        "UPDATE item_changes SET name = 'Cornetto'",
        "DELETE FROM item_changes",
        "UPDATE requests SET position = 9",
        "DELETE FROM requests",
        "DELETE FROM items",
        "DELETE FROM ledgers",
        "DELETE FROM summaries",
        "TRUNCATE items, item_inventory CASCADE",
        "ALTER TABLE item_event_store DROP CONSTRAINT item_event_store_pkey",
        "DROP TABLE item_event_store",
        "SET ROLE ies_owner",
        // A row without its position is not completed, one at a position that is taken is one too
        // many, and one of no item has nowhere to go.
        "INSERT INTO item_event_store (item_id, quantity_change, reason) VALUES (1, 24, 'batch')",
        "INSERT INTO item_event_store (id, item_id, quantity_change, reason, created_at, version,
         quantity_after) VALUES (1, 1, 5, 'batch', now(), 2, 15)",
        "INSERT INTO item_event_store (id, item_id, quantity_change, reason, created_at, version,
         quantity_after) VALUES (2, 99, 5, 'batch', now(), 1, 5)",
    ] {
        assert!(shell.run(typed).is_err(), "done: {typed}");
    }
    assert_eq!(t.log().await, before);
    assert_eq!(t.one(batch(item, 1)).await.position, Position(2));
}

pub async fn what_no_grant_stops_is_found(t: &TestLedger) {
    let item = t.item("Croissant", 10).await;
    let mut shell = t.backend.shell();
    for (typed, undone, code) in [
        (
            "UPDATE item_inventory SET quantity = 99 WHERE ledger_id = 'main'",
            "UPDATE item_inventory SET quantity = 10 WHERE ledger_id = 'main'",
            "inventory_differs",
        ),
        (
            "UPDATE items SET name = 'Cornetto' WHERE ledger_id = 'main'",
            "UPDATE items SET name = 'Croissant' WHERE ledger_id = 'main'",
            "item_differs",
        ),
        (
            "UPDATE ledgers SET position = 9 WHERE ledger_id = 'main'",
            "UPDATE ledgers SET position = 1 WHERE ledger_id = 'main'",
            "head_differs",
        ),
    ] {
        shell.run(typed).expect("nothing stops it");
        let report = t.ledger().verify(true, &|_, _| ()).await.expect("verifies");
        assert!(report.findings.iter().any(|f| f.code == code), "{:#?}", report.findings);
        shell.run(undone).expect("undone");
    }
    let beyond = "INSERT INTO item_event_store (id, item_id, quantity_change, reason, created_at,
         version, quantity_after) VALUES (2, 1, 5, 'batch', now(), 2, 15)";
    shell.run(beyond).expect("nothing stops it");
    let report = t.ledger().verify(true, &|_, _| ()).await.expect("verifies");
    assert!(!report.clean());
    let refused = shell.run(&t.backend.insert(1, 1, "batch")).expect_err("refused");
    assert!(refused.starts_with("given_by_ledger"), "{refused}");
    t.backend.tamper("DELETE FROM item_event_store WHERE ledger_id = 'main' AND id = 2");
    t.one(batch(item, 1)).await;
}
