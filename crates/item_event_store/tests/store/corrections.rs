//! Corrections and counts that look back: what they need of the log is found in the log.

use crate::backend::{TestLedger, at, bakeoff, bakeoff_at, batch, correct, set};
use item_event_store::command::{Expected, SetKind};
use item_event_store::ids::Position;

pub async fn corrections_converge_across_restarts(t: &TestLedger) {
    let item = t.item("Croissant", 10).await;
    t.clock.set(at("2026-11-23T06:00:00Z"));
    t.one(batch(item, 24)).await;
    t.clock.set(at("2026-11-23T07:00:00Z"));
    let first = t.one(correct(Position(2), 20)).await.events.remove(0);
    assert_eq!((first.quantity_change, first.corrects_event_id), (-4, Some(Position(2))));
    assert_eq!(first.occurred_at, Some(at("2026-11-23T06:00:00Z")));
    t.reopen().await;
    assert_eq!(t.one(correct(Position(2), 23)).await.events[0].quantity_change, 3);
    assert!(t.one(correct(Position(2), 23)).await.events.is_empty());
    let both = t.all(vec![correct(Position(2), 5), correct(Position(2), 6)]).await.events;
    assert_eq!((both[0].quantity_change, both[1].quantity_change), (-18, 1));
    assert_eq!(t.quantity(item).await, 16);
    t.one(set(item, SetKind::Override, 12, Expected::Any)).await;
    t.reopen().await;
    assert_eq!(t.rejection(correct(Position(2), 7)).await.code(), "before_last_count");
    assert_eq!(t.rejection(correct(Position(3), 7)).await.code(), "not_correctable");
}

pub async fn a_count_at_an_earlier_time_sees_what_came_after(t: &TestLedger) {
    let item = t.item("Croissant", 100).await;
    t.clock.set(at("2026-11-23T12:00:00Z"));
    t.one(bakeoff(item, 10)).await;
    t.one(bakeoff_at(item, 5, "2026-11-23T09:00:00Z")).await;
    t.one(bakeoff_at(item, 1, "2026-11-23T12:05:00Z")).await;
    let counted = |time: &str, quantity| {
        let kind = SetKind::Count { counted_at: Some(at(time)) };
        set(item, kind, quantity, Expected::Any)
    };
    // At ten the book said 95: the 10 and the 1 were taken out later.
    let event = t.one(counted("2026-11-23T10:00:00Z", 90)).await.events.remove(0);
    assert_eq!((event.quantity_change, event.quantity_after), (-5, 79));
    assert_eq!(event.occurred_at, Some(at("2026-11-23T10:00:00Z")));
    t.reopen().await;
    assert_eq!(t.rejection(counted("2026-11-23T09:59:00Z", 1)).await.code(), "before_last_count");
    let event = t.one(counted("2026-11-23T12:00:00Z", 80)).await.events.remove(0);
    assert_eq!((event.quantity_change, event.quantity_after), (0, 79));
}
