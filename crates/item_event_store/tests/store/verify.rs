//! Verification: clean when clean, and each kind of damage found and named.

use crate::backend::{TestLedger, adjust, bakeoff, batch, correct, set};
use item_event_store::command::{Expected, SetKind};
use item_event_store::ids::{ItemId, Position};
use item_event_store::reason::Kind;

async fn fill(t: &TestLedger) {
    let item = t.item("Croissant", 10).await;
    t.item("Baguette", 5).await;
    t.all(vec![batch(item, 24), bakeoff(item, 6)]).await;
    t.one(adjust(item, Kind::Waste, -2)).await;
    t.one(correct(Position(3), 20)).await;
    t.one(set(item, SetKind::Count { counted_at: None }, 20, Expected::Any)).await;
}

async fn codes(t: &TestLedger) -> Vec<&'static str> {
    let report = t.ledger().verify(true, &|_, _| ()).await.expect("verifies");
    let mut codes: Vec<_> = report.findings.iter().map(|finding| finding.code).collect();
    codes.dedup();
    codes
}

pub async fn a_clean_ledger_is_clean(t: &TestLedger) {
    assert!(codes(t).await.is_empty(), "empty");
    fill(t).await;
    let report = t.ledger().verify(true, &|_, _| ()).await.expect("verifies");
    assert!(report.clean(), "{:#?}", report.findings);
    assert_eq!((report.position.0, report.events, report.items), (7, 7, 2));
}

pub async fn it_works_while_the_ledger_is_written_to(t: &TestLedger) {
    let item = t.item("Croissant", 0).await;
    let (ledger, requests) =
        (t.ledger(), (0..200).map(|_| t.request(vec![batch(item, 1); 50])).collect::<Vec<_>>());
    let writing = tokio::spawn(async move {
        for request in requests {
            let role = item_event_store::access::Role::Baker;
            ledger.execute(request, role).await.expect("recorded");
        }
    });
    let mut verified = 0;
    while !writing.is_finished() {
        let report = t.ledger().verify(false, &|_, _| ()).await.expect("verifies");
        assert!(report.clean(), "{:#?}", report.findings);
        assert!(report.position.0 >= verified);
        verified = report.position.0;
    }
    writing.await.expect("joins");
    assert!(verified > 0);
}

pub async fn what_is_typed_by_hand_is_of_no_request(t: &TestLedger) {
    let item = t.item("Croissant", 10).await;
    let mut shell = t.backend.shell();
    // Requests without events before, between and after what is typed, and some with.
    for typed in [0, 2, 1, 0] {
        for _ in 0..typed {
            shell.run(&t.backend.insert(1, 1, "batch")).expect("recorded");
        }
        t.rejection(bakeoff(item, 99)).await;
        t.one(set(item, SetKind::Override, 13, Expected::Any)).await;
    }
    // Without an event in between, what is decided later may be so at an earlier time.
    let recorded_at = t.log().await.last().expect("an event").created_at;
    for time in [recorded_at.plus_micros(1_000_000), recorded_at] {
        t.clock.set(time);
        t.rejection(bakeoff(item, 99)).await;
    }
    assert!(codes(t).await.is_empty());
    assert_eq!(t.log().await.iter().filter(|event| event.request_id.is_none()).count(), 3);
}

/// What is done to the file, what undoes it, and the finding in between.
const DAMAGES: [(&str, &str, &str); 27] = [
    (
        "UPDATE item_inventory SET quantity = 21 WHERE item_id = 1",
        "UPDATE item_inventory SET quantity = 20 WHERE item_id = 1",
        "inventory_differs",
    ),
    (
        "UPDATE item_inventory SET version = 9 WHERE item_id = 2",
        "UPDATE item_inventory SET version = 1 WHERE item_id = 2",
        "inventory_differs",
    ),
    (
        "UPDATE item_event_store SET quantity_change = 25 WHERE id = 3",
        "UPDATE item_event_store SET quantity_change = 24 WHERE id = 3",
        "balance_wrong",
    ),
    (
        "UPDATE item_event_store SET quantity_after = 29 WHERE id = 4",
        "UPDATE item_event_store SET quantity_after = 28 WHERE id = 4",
        "balance_wrong",
    ),
    (
        "UPDATE item_event_store SET version = 7 WHERE id = 4",
        "UPDATE item_event_store SET version = 3 WHERE id = 4",
        "version_gap",
    ),
    (
        "UPDATE item_event_store SET reason = 'special_order' WHERE id = 4;
         UPDATE item_event_store SET reason = 'adjustment', kind = NULL WHERE id = 5",
        "UPDATE item_event_store SET reason = 'bakeoff' WHERE id = 4;
         UPDATE item_event_store SET reason = 'adjustment', kind = 'waste' WHERE id = 5",
        "rule_broken",
    ),
    (
        "UPDATE item_event_store SET created_at = EPOCH WHERE id = 6",
        "UPDATE item_event_store SET created_at = MORNING WHERE id = 6",
        "created_at_back",
    ),
    (
        "UPDATE item_event_store SET id = 107 WHERE id = 7;
         UPDATE item_inventory SET last_event_id = 107 WHERE item_id = 1;
         UPDATE ledgers SET position = 107",
        "UPDATE item_event_store SET id = 7 WHERE id = 107;
         UPDATE item_inventory SET last_event_id = 7 WHERE item_id = 1;
         UPDATE ledgers SET position = 7",
        "position_gap",
    ),
    // Further than the pages of the log are long.
    (
        "UPDATE item_event_store SET id = 100007 WHERE id = 7;
         UPDATE item_inventory SET last_event_id = 100007 WHERE item_id = 1;
         UPDATE ledgers SET position = 100007",
        "UPDATE item_event_store SET id = 7 WHERE id = 100007;
         UPDATE item_inventory SET last_event_id = 7 WHERE item_id = 1;
         UPDATE ledgers SET position = 7",
        "position_gap",
    ),
    (
        "UPDATE ledgers SET position = 9007199254740991",
        "UPDATE ledgers SET position = 7",
        "head_differs",
    ),
    (
        "UPDATE item_event_store SET request_id = request_id + 2 WHERE id = 3",
        "UPDATE item_event_store SET request_id = request_id - 2 WHERE id = 3",
        "request_differs",
    ),
    (
        "UPDATE item_event_store SET request_id = request_id + 2 WHERE id = 7",
        "UPDATE item_event_store SET request_id = request_id - 2 WHERE id = 7",
        "request_differs",
    ),
    (
        "UPDATE item_event_store SET request_id = NULL WHERE id = 4",
        "UPDATE item_event_store SET request_id = 3 WHERE id = 4",
        "request_differs",
    ),
    (
        "UPDATE item_event_store SET actor = 'bert' WHERE id = 4",
        "UPDATE item_event_store SET actor = 'anna' WHERE id = 4",
        "request_differs",
    ),
    (
        "UPDATE requests SET position = 3 WHERE id = 3",
        "UPDATE requests SET position = 4 WHERE id = 3",
        "request_differs",
    ),
    (
        "UPDATE requests SET position = 5 WHERE id = 7",
        "UPDATE requests SET position = 7 WHERE id = 7",
        "request_differs",
    ),
    (
        "UPDATE requests SET position = 9 WHERE id = 7",
        "UPDATE requests SET position = 7 WHERE id = 7",
        "request_differs",
    ),
    (
        "UPDATE requests SET outcome = replace(outcome, ':2,', ':1,') WHERE id = 3",
        "UPDATE requests SET outcome = replace(outcome, ':1,', ':2,') WHERE id = 3",
        "request_differs",
    ),
    (
        "UPDATE requests SET outcome = replace(outcome, '[2,2]', '[3,3]') WHERE id = 4",
        "UPDATE requests SET outcome = replace(outcome, '[3,3]', '[2,2]') WHERE id = 4",
        "request_differs",
    ),
    (
        "UPDATE requests SET created_at = EPOCH WHERE id = 6",
        "UPDATE requests SET created_at = MORNING WHERE id = 6",
        "request_differs",
    ),
    (
        "UPDATE requests SET created_at = EPOCH WHERE id = 7",
        "UPDATE requests SET created_at = MORNING WHERE id = 7",
        "request_differs",
    ),
    (
        "UPDATE requests SET actor = 'bert' WHERE id = 1",
        "UPDATE requests SET actor = 'anna' WHERE id = 1",
        "request_differs",
    ),
    (
        "UPDATE requests SET id = 9 WHERE id = 6",
        "UPDATE requests SET id = 6 WHERE id = 9",
        "request_gap",
    ),
    ("UPDATE ledgers SET last_request_id = 6", "UPDATE ledgers SET last_request_id = 7", "storage"),
    (
        "UPDATE ledgers SET last_request_id = 8",
        "UPDATE ledgers SET last_request_id = 7",
        "head_differs",
    ),
    (
        "UPDATE items SET name = 'Cornetto' WHERE id = 1",
        "UPDATE items SET name = 'Croissant' WHERE id = 1",
        "item_differs",
    ),
    ("UPDATE ledgers SET position = 9", "UPDATE ledgers SET position = 7", "head_differs"),
];

pub async fn every_kind_of_damage_is_found(t: &TestLedger) {
    fill(t).await;
    t.rejection(bakeoff(ItemId(1), 99)).await;
    t.leave_damaged();
    // Each damage is mended before the next, so that each is seen to be found by itself.
    for (damage, mend, expected) in DAMAGES {
        let words = t.backend.words();
        let tamper = |sql: &str| {
            t.backend.tamper(&sql.replace("EPOCH", words.epoch).replace("MORNING", words.morning));
        };
        tamper(damage);
        let found = codes(t).await;
        assert!(found.contains(&expected), "{damage}: {found:?}");
        tamper(mend);
        let left = codes(t).await;
        assert!(left.is_empty(), "{damage}: still {left:?} after it was mended");
    }
}
