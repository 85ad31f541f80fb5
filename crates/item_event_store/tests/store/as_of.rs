//! The counts of then: by position or by the time of recording; and an item's own events.

use crate::backend::{TestLedger, adjust, at, bakeoff, batch};
use item_event_store::event::Event;
use item_event_store::ids::{ItemId, Position};
use item_event_store::query::{AsOf, EventQuery, ItemQuery, Order};
use item_event_store::reason::{Kind, Reason};

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

/// However the log came about, an item's events are those of the log, in every order and range.
pub async fn an_items_events_are_those_of_the_log(t: &TestLedger) {
    let items = [t.item("Croissant", 10).await, t.item("Baguette", 5).await];
    t.item("Empty", 0).await;
    let mut shell = t.backend.shell();
    for round in 0_i64..40 {
        // The first gets many events, the second few; from the writer and by hand.
        let many = (0..70).map(|n| match n % 35 {
            0 => adjust(items[0], Kind::Waste, -1),
            1 => batch(items[1], 1),
            _ => batch(items[0], 2),
        });
        t.all(many.collect()).await;
        for (item, change, reason) in [(1, 1, "batch"), (2, 1, "batch"), (1, -1, "bakeoff")] {
            shell.run(&t.backend.insert(item, change, reason)).expect("typed");
        }
        if round % 10 == 9 {
            t.reopen().await;
            shell = t.backend.shell();
        }
    }
    let log = t.log().await;
    assert!(log.len() > 2_900, "{}", log.len());
    for item in [items[0], items[1], ItemId(3), ItemId(99)] {
        let own: Vec<_> = log.iter().filter(|event| event.item_id == item).cloned().collect();
        for (after, before) in
            [(None, None), (Some(1), None), (Some(900), Some(2_000)), (None, Some(3))]
        {
            for (reason, limit) in [(None, 10), (None, 9_000), (Some(Reason::Adjustment), 50)] {
                for order in [Order::OldestFirst, Order::NewestFirst] {
                    let query = EventQuery {
                        item: Some(item),
                        reason,
                        after: after.map(Position),
                        before: before.map(Position),
                        ..EventQuery::all(order, limit)
                    };
                    let found = t.ledger().store().events(&query).await.expect("reads").value;
                    assert_eq!(found, expected(&own, &query), "{query:?}");
                }
            }
        }
    }
    for at in [1, 2, 3, 500, 1_111, 2_222, log.len()] {
        let position = Position(i64::try_from(at).expect("few"));
        for item in items {
            let of_item = log[..at].iter().rfind(|event| event.item_id == item);
            let read = t.ledger().store().inventory(item, Some(AsOf::Position(position))).await;
            let count = read.expect("reads").value.expect("an item").count;
            let last = of_item.map(|event| (event.id, event.version, event.quantity_after));
            let found = count.last_event_id.map(|id| (id, count.version, count.quantity));
            assert_eq!(found, last, "item {item} at {position}");
        }
    }
}

fn expected(own: &[Event], query: &EventQuery) -> Vec<Event> {
    let (after, before) = (query.after, query.before);
    let within = own.iter().filter(|event| {
        after.is_none_or(|after| event.id > after)
            && before.is_none_or(|before| event.id < before)
            && query.reason.is_none_or(|reason| event.reason == reason)
    });
    match query.order {
        Order::OldestFirst => within.take(query.limit).cloned().collect(),
        Order::NewestFirst => within.rev().take(query.limit).cloned().collect(),
    }
}
