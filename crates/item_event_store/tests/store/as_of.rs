//! The counts of then: by position or by the time of recording, one seek for each item.

use crate::backend::{TestLedger, at, bakeoff, batch};
use item_event_store::ids::Position;
use item_event_store::query::{AsOf, ItemQuery};

pub async fn a_position_or_a_time_gives_the_count_of_then(t: &TestLedger) {
    let item = t.item("Croissant", 10).await;
    t.clock.set(at("2026-11-23T06:00:00Z"));
    t.one(batch(item, 24)).await;
    t.item("Baguette", 5).await;
    t.clock.set(at("2026-11-23T07:00:00Z"));
    t.one(bakeoff(item, 6)).await;
    let ledger = t.ledger();
    let then = async |as_of: AsOf| {
        let read = ledger.store().inventory(item, Some(as_of)).await.expect("reads");
        let count = read.value.expect("an item").count;
        (read.position.0, count.quantity, count.version)
    };
    for (position, expected) in
        [(0, (0, 0)), (1, (10, 1)), (2, (34, 2)), (3, (34, 2)), (4, (28, 3))]
    {
        let (true_at, quantity, version) = then(AsOf::Position(Position(position))).await;
        assert_eq!((true_at, (quantity, version)), (position, expected));
    }
    for (time, expected) in [
        ("2026-11-23T04:59:59.999999Z", (0, 0, 0)),
        ("2026-11-23T05:00:00Z", (1, 10, 1)),
        ("2026-11-23T05:59:59.999999Z", (1, 10, 1)),
        ("2026-11-23T06:00:00Z", (3, 34, 2)),
        ("2026-11-23T23:00:00Z", (4, 28, 3)),
    ] {
        assert_eq!(then(AsOf::Time(at(time))).await, expected, "{time}");
    }
}

pub async fn the_list_as_of_a_position_is_the_list_of_then(t: &TestLedger) {
    let items = [t.item("Croissant", 10).await, t.item("Baguette", 5).await];
    let query = ItemQuery { limit: 10, ..ItemQuery::default() };
    let mut lists = Vec::new();
    for step in 0..10 {
        let rows = t.ledger().store().inventories(&query, None).await.expect("reads");
        lists.push((rows.position, rows.value));
        t.one(batch(items[step % 2], 7)).await;
    }
    for (position, list) in lists {
        let as_of = Some(AsOf::Position(position));
        let then = t.ledger().store().inventories(&query, as_of).await.expect("reads");
        assert_eq!((then.position, then.value), (position, list));
    }
}
