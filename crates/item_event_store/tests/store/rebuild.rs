//! Rebuilding: what differs from the log is named and mended, while writers go on.

use crate::backend::{TestLedger, bakeoff, batch};
use item_event_store::access::Role;
use item_event_store::error::StoreError;
use item_event_store::ids::ItemId;
use item_event_store::report::Rebuilt;

const WRONG: &str = "UPDATE item_inventory SET quantity = 11, version = 5 WHERE item_id = 1";

pub async fn a_planted_wrong_count_is_named_and_mended(t: &TestLedger) {
    let item = t.item("Croissant", 10).await;
    t.item("Baguette", 5).await;
    t.one(batch(item, 24)).await;
    let untouched = t.ledger().rebuild(None, &|_, _| ()).await.expect("rebuilds");
    assert_eq!((untouched.events, untouched.items, untouched.changed.len()), (3, 2, 0));
    t.backend.tamper(WRONG);
    t.backend.tamper("DELETE FROM item_inventory WHERE item_id = 2");
    let epoch = t.backend.words().epoch;
    t.backend.tamper(&format!(
        "INSERT INTO item_inventory (item_id, quantity, version, last_event_id, created_at,
         updated_at) VALUES (77, 1, 1, 1, {epoch}, {epoch})"
    ));
    let found = t.ledger().store().discrepancies().await.expect("reads").value;
    let items: Vec<_> = found.iter().map(|wrong| wrong.item_id.0).collect();
    assert_eq!(items, [1, 2, 77]);
    let report = t.ledger().rebuild(None, &|_, _| ()).await.expect("rebuilds");
    let changed = |item_id, before, after| Rebuilt { item_id: ItemId(item_id), before, after };
    assert_eq!(
        report.changed,
        [changed(1, Some(11), Some(34)), changed(2, None, Some(5)), changed(77, Some(1), None)]
    );
    assert!(t.ledger().store().discrepancies().await.expect("reads").value.is_empty());
    assert_eq!(t.one(bakeoff(item, 34)).await.events[0].quantity_after, 0);
}

pub async fn one_item_alone(t: &TestLedger) {
    t.item("Croissant", 10).await;
    t.item("Baguette", 5).await;
    t.backend.tamper("UPDATE item_inventory SET quantity = 11");
    let report = t.ledger().rebuild(Some(ItemId(2)), &|_, _| ()).await.expect("rebuilds");
    assert_eq!((report.items, report.changed.len()), (1, 1));
    assert_eq!(t.quantity(ItemId(1)).await, 11);
    assert_eq!(t.quantity(ItemId(2)).await, 5);
    t.ledger().rebuild(None, &|_, _| ()).await.expect("rebuilds");
    assert_eq!(t.quantity(ItemId(1)).await, 10);
}

pub async fn it_works_while_the_ledger_is_written_to(t: &TestLedger) {
    let item = t.item("Croissant", 0).await;
    t.item("Baguette", 5).await;
    let requests: Vec<_> = (0..200).map(|_| t.request(vec![batch(item, 1); 50])).collect();
    let ledger = t.ledger();
    let writing = tokio::spawn(async move {
        for request in requests {
            ledger.execute(request, Role::Baker).await.expect("recorded");
        }
    });
    while !writing.is_finished() {
        t.backend.tamper("UPDATE item_inventory SET quantity = 99 WHERE item_id = 2");
        let report = t.ledger().rebuild(None, &|_, _| ()).await.expect("rebuilds");
        assert!(report.changed.iter().any(|changed| changed.item_id.0 == 2));
        assert_eq!(t.quantity(ItemId(2)).await, 5);
    }
    writing.await.expect("joins");
    assert_eq!(t.quantity(item).await, 10_000);
}

pub async fn a_log_that_does_not_add_up_is_left_alone(t: &TestLedger) {
    t.leave_damaged();
    let item = t.item("Croissant", 10).await;
    t.one(batch(item, 24)).await;
    t.backend.tamper("UPDATE item_event_store SET quantity_change = 25 WHERE id = 2");
    t.backend.tamper(WRONG);
    match t.ledger().rebuild(None, &|_, _| ()).await {
        Err(StoreError::Corrupt(reason)) => assert!(reason.contains("event 2"), "{reason}"),
        other => panic!("{other:?}"),
    }
    assert_eq!(t.quantity(item).await, 11);
}

/// The writer trusts the log, not the row: a wrong row is reported and does no harm.
pub async fn a_wrong_row_never_reaches_a_decision(t: &TestLedger) {
    let item = t.item("Croissant", 10).await;
    t.close_and(|backend| backend.tamper(WRONG)).await;
    assert_eq!(t.rejection(bakeoff(item, 11)).await.code(), "insufficient_stock");
    let taken = t.one(bakeoff(item, 10)).await;
    assert_eq!((taken.events[0].version, taken.events[0].quantity_after), (2, 0));
    assert_eq!(t.quantity(item).await, 0);
}
