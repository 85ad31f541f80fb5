//! Backup and restore: a copy under load is a ledger, and a restored one is another history.

use crate::backend::{TestLedger, batch};
use item_event_store::Ledger;
use item_event_store::access::Role;
use item_event_store::error::FollowError;
use item_event_store::follow::Cursor;
use item_event_store::ids::LedgerName;
use item_event_store::query::{EventQuery, Order};

pub async fn a_backup_under_load_is_a_ledger(t: &TestLedger) {
    let item = t.item("Croissant", 0).await;
    let requests: Vec<_> = (0..300).map(|_| t.request(vec![batch(item, 1); 20])).collect();
    let ledger = t.ledger();
    let writing = tokio::spawn(async move {
        for request in requests {
            ledger.execute(request, Role::Baker).await.expect("recorded");
        }
    });
    let copy = t.backend.folder().join("copy.db");
    let head = t.ledger().store().backup(&copy).await.expect("copied");
    writing.await.expect("joins");
    assert!(t.ledger().store().backup(&copy).await.is_err(), "an existing file is left alone");
    let name: LedgerName = "copy".parse().expect("a name");
    t.store().restore(&name, &copy).await.expect("restored");
    let tables = t.store().ledger(&name).await.expect("a ledger");
    let query = EventQuery::all(Order::OldestFirst, 1_000_000);
    let copied = tables.events(&query).await.expect("reads");
    assert_eq!(copied.position, head.position);
    assert_eq!(copied.value, t.log().await[..copied.value.len()], "an exact prefix");
    let report = Ledger::read_only(tables).verify(true, &|_, _| ()).await.expect("verifies");
    assert!(report.clean(), "{:#?}", report.findings);
}

pub async fn a_restored_ledger_has_a_new_epoch(t: &TestLedger) {
    let item = t.item("Croissant", 10).await;
    t.one(batch(item, 1)).await;
    let copy = t.backend.folder().join("copy.db");
    let before = t.ledger().store().backup(&copy).await.expect("copied");
    let name: LedgerName = "again".parse().expect("a name");
    let after = t.store().restore(&name, &copy).await.expect("restored");
    assert_eq!(after.position, before.position);
    assert_ne!(after.epoch, before.epoch);
    assert!(t.store().restore(&name, &copy).await.is_err(), "an existing ledger is left alone");
    assert!(t.store().restore(&LedgerName::default(), &copy).await.is_err());
    let not_a_ledger = t.backend.folder().join("not-a-ledger.db");
    std::fs::write(&not_a_ledger, "croissants").expect("written");
    let other: LedgerName = "other".parse().expect("a name");
    assert!(t.store().restore(&other, &not_a_ledger).await.is_err());
    let old = Cursor::at(before.epoch, &t.log().await[1]);
    let restored = Ledger::read_only(t.store().ledger(&name).await.expect("a ledger"));
    match restored.resume(&old).await {
        Err(FollowError::HistoryDiverged { .. }) => {}
        other => panic!("{:?}", other.err()),
    }
}
