//! Rebuilding: what differs from the log is named and mended, while writers go on.

use crate::backend::{MORNING, TestLedger, at, bakeoff, batch, recorded, under_way};
use item_event_store::Ledger;
use item_event_store::access::Role;
use item_event_store::clock::Clock;
use item_event_store::command::Request;
use item_event_store::error::StoreError;
use item_event_store::ids::{ItemId, LedgerName, Position};
use item_event_store::report::Rebuilt;
use item_event_store::time::Timestamp;
use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::task::Poll;
use std::time::{Duration, Instant};

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

/// The stored last event is where the true one is looked for first.
pub async fn a_count_that_names_another_event_is_found_and_mended(t: &TestLedger) {
    let (item, other) = (t.item("Croissant", 10).await, t.item("Baguette", 5).await);
    t.one(batch(item, 24)).await;
    t.one(batch(other, 1)).await;
    for named in ["NULL", "1", "2", "4", "99"] {
        let wrong = format!("UPDATE item_inventory SET last_event_id = {named} WHERE item_id = 1");
        t.backend.tamper(&wrong);
        let found = t.ledger().store().discrepancies().await.expect("reads").value;
        let logged = found[0].logged.expect("an item").last_event_id;
        assert_eq!(
            (found.len(), found[0].item_id, logged),
            (1, item, Some(Position(3))),
            "{named}"
        );
        t.ledger().rebuild(None, &|_, _| ()).await.expect("rebuilds");
        assert!(t.ledger().store().discrepancies().await.expect("reads").value.is_empty());
    }
    assert_eq!(t.quantity(item).await, 34);
}

pub async fn a_count_that_was_taken_away_comes_back_with_the_next_event(t: &TestLedger) {
    let (item, other) = (t.item("Croissant", 10).await, t.item("Baguette", 5).await);
    t.backend.tamper("DELETE FROM item_inventory WHERE item_id = 1");
    assert_eq!(t.one(batch(item, 2)).await.events[0].quantity_after, 12);
    assert_eq!((t.quantity(item).await, t.quantity(other).await), (12, 5));
    assert!(t.ledger().store().discrepancies().await.expect("reads").value.is_empty());
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

/// Each batch gets a time of its own, which tells afterwards what was recorded together.
struct Ticking(AtomicI64);

impl Clock for Ticking {
    fn now(&self) -> Timestamp {
        at(MORNING).plus_micros(self.0.fetch_add(1, Ordering::SeqCst))
    }
}

/// Writes until told to stop. Gives for each write how many batches there were when it was queued,
/// and where it is in the log.
async fn client(ledger: Ledger, requests: Vec<Request>, stop: Arc<AtomicBool>) -> Vec<(u64, i64)> {
    let mut written = Vec::new();
    for request in requests {
        if stop.load(Ordering::SeqCst) {
            break;
        }
        let mut write = std::pin::pin!(ledger.execute(request, Role::Baker));
        let early = poll_fn(|context| Poll::Ready(write.as_mut().poll(context))).await;
        let queued_at = ledger.writer_stats().batches;
        let answer = match early {
            Poll::Ready(answer) => answer,
            Poll::Pending => write.await,
        };
        written.push((queued_at, recorded(answer).position.0));
    }
    written
}

/// Waits until the writer has committed another batch.
fn another_batch(ledger: &Ledger) {
    let (before, since) = (ledger.writer_stats().batches, Instant::now());
    tokio::task::block_in_place(|| {
        while ledger.writer_stats().batches == before {
            assert!(since.elapsed() < Duration::from_mins(1), "nobody writes any more");
            std::thread::sleep(Duration::from_millis(1));
        }
    });
}

pub async fn no_write_waits_longer_than_what_is_under_way(t: &TestLedger) {
    const CLIENTS: usize = 16;
    let item = t.item("Croissant", 0).await;
    t.item("Baguette", 5).await;
    for _ in 0..3 {
        t.all(vec![batch(item, 1); 8_192]).await;
    }
    t.close().await;
    let store = t.backend.open().await;
    let tables = store.ledger(&LedgerName::default()).await.expect("a ledger");
    let ledger = Ledger::open(tables, Arc::new(Ticking(AtomicI64::new(1)))).await.expect("opens");
    let stop = Arc::new(AtomicBool::new(false));
    let mut clients = tokio::task::JoinSet::new();
    for _ in 0..CLIENTS {
        let requests = (0..5_000).map(|_| t.request(vec![batch(item, 1)])).collect();
        clients.spawn(client(ledger.clone(), requests, Arc::clone(&stop)));
    }
    for _ in 0..3 {
        t.backend.tamper("UPDATE item_inventory SET quantity = 99 WHERE item_id = 2");
        let found = ledger.verify(false, &|_, _| another_batch(&ledger)).await.expect("verifies");
        let codes: Vec<_> = found.findings.iter().map(|f| (f.code, f.item_id)).collect();
        assert_eq!(codes, [("inventory_differs", Some(ItemId(2)))]);
        let report = ledger.rebuild(None, &|_, _| another_batch(&ledger)).await.expect("rebuilds");
        let mended = Rebuilt { item_id: ItemId(2), before: Some(99), after: Some(5) };
        assert_eq!(report.changed, [mended]);
        let clean = ledger.verify(false, &|_, _| another_batch(&ledger)).await.expect("verifies");
        assert!(clean.clean(), "{:#?}", clean.findings);
    }
    stop.store(true, Ordering::SeqCst);
    let written = clients.join_all().await.concat();
    let under_way = under_way(&ledger) as u64;
    ledger.close().await;
    drop((ledger, store));
    t.open().await;
    // The batches since it was opened, each with its last position.
    let log = t.log().await.split_off(24_577);
    let mut ends: Vec<(Timestamp, i64)> = Vec::new();
    for event in log {
        match ends.last_mut() {
            Some((time, end)) if *time == event.created_at => *end = event.id.0,
            _ => ends.push((event.created_at, event.id.0)),
        }
    }
    assert!(written.len() > 100, "only {} were written", written.len());
    for (queued_at, position) in written {
        let number = ends.partition_point(|(_, end)| *end < position) as u64 + 1;
        // Those that were being written, and its own.
        assert!(
            number <= queued_at + under_way + 1,
            "{position} waited from batch {queued_at} to {number}"
        );
    }
}
