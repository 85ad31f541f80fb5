//! What is recorded is whole, in order, and there after a restart.

use crate::backend::{MORNING, TestLedger, at, bakeoff, batch, create, recorded, rejection};
use item_event_store::limits::MAX_REQUEST_COMMANDS;
use item_event_store::reason::Reason;
use item_event_store::rejection::Rejection;
use item_event_store::request::Answer;

pub async fn positions_and_versions_have_no_gaps(t: &TestLedger) {
    let (one, two) = (t.item("Croissant", 10).await, t.item("Baguette", 5).await);
    t.all(vec![batch(one, 24), bakeoff(two, 1), bakeoff(one, 6)]).await;
    let log = t.log().await;
    let seen: Vec<_> =
        log.iter().map(|e| (e.id.0, e.item_id, e.version, e.quantity_after)).collect();
    assert_eq!(
        seen,
        [(1, one, 1, 10), (2, two, 1, 5), (3, one, 2, 34), (4, two, 2, 4), (5, one, 3, 28)]
    );
}

pub async fn an_item_and_its_initial_event_are_one_request(t: &TestLedger) {
    let made = t.one(create("Croissant", 10)).await;
    assert_eq!(made.position.0, 1);
    assert_eq!(made.items[0].name.as_str(), "Croissant");
    assert_eq!(made.items[0].unit.as_str(), "piece");
    assert_eq!(made.events[0].reason, Reason::Initial);
    assert_eq!(made.events[0].created_at, at(MORNING));
    assert_eq!(made.inventory[0].count.quantity, 10);
    let empty = t.one(create("Baguette", 0)).await;
    assert_eq!((empty.position.0, empty.events.len()), (1, 0));
    assert_eq!(empty.inventory[0].count.version, 0);
    assert_eq!(t.quantity(empty.items[0].id).await, 0);
}

pub async fn a_rejected_request_records_nothing(t: &TestLedger) {
    let item = t.item("Croissant", 10).await;
    let answer = t.try_all(vec![create("Roll", 3), batch(item, 1), bakeoff(item, 99)]).await;
    let Ok(Answer::Rejected { replayed: false, rejected }) = answer else {
        panic!("{answer:?}");
    };
    assert_eq!(rejected.line, 3);
    let expected = Rejection::InsufficientStock { item_id: item.0, available: 11, requested: 99 };
    assert_eq!(rejected.rejection, expected);
    assert_eq!(t.log().await.len(), 1);
    assert_eq!(t.quantity(item).await, 10);
    assert_eq!(t.item("Bun", 1).await.0, item.0 + 1, "the number of an item not made is free");
}

/// Many requests at once make a few batches; the bad ones among them must not be felt.
pub async fn a_poisoned_command_leaves_its_neighbours_alone(t: &TestLedger) {
    let item = t.item("Croissant", 1_000).await;
    let mut answers = tokio::task::JoinSet::new();
    for number in 0..300 {
        let commands = match number % 3 {
            0 => vec![bakeoff(item, 1), bakeoff(item, 1_000_000)],
            1 => vec![create("Poison", 1), batch(item, i64::MAX)],
            _ => vec![bakeoff(item, 2)],
        };
        let (ledger, request) = (t.ledger(), t.request(commands));
        answers.spawn(async move {
            let role = item_event_store::access::Role::Manager;
            (number, ledger.execute(request, role).await)
        });
    }
    while let Some(answer) = answers.join_next().await {
        match answer.expect("joins") {
            (number, answer) if number % 3 == 2 => {
                assert_eq!(recorded(answer).events[0].quantity_change, -2);
            }
            (number, answer) => {
                let code = rejection(answer).code();
                let expected = ["insufficient_stock", "quantity_out_of_range"][number % 3];
                assert_eq!(code, expected);
            }
        }
    }
    assert_eq!(t.quantity(item).await, 800);
    assert_eq!(t.log().await.len(), 101);
}

pub async fn created_at_never_goes_back(t: &TestLedger) {
    let item = t.item("Croissant", 10).await;
    t.clock.set(at("2026-11-22T05:00:00Z"));
    assert_eq!(t.one(batch(item, 1)).await.events[0].created_at, at(MORNING));
    t.reopen().await;
    assert_eq!(t.one(batch(item, 1)).await.events[0].created_at, at(MORNING));
    t.clock.set(at("2026-11-24T05:00:00Z"));
    assert_eq!(t.one(batch(item, 1)).await.events[0].created_at, at("2026-11-24T05:00:00Z"));
}

pub async fn the_largest_request_is_recorded_whole(t: &TestLedger) {
    let item = t.item("Croissant", 0).await;
    let answer = t.all(vec![batch(item, 1); MAX_REQUEST_COMMANDS]).await;
    assert_eq!(answer.events.len(), MAX_REQUEST_COMMANDS);
    assert_eq!(answer.inventory.len(), 1);
    assert_eq!(t.quantity(item).await, 8_192);
}

pub async fn what_was_acknowledged_is_there_after_reopening(t: &TestLedger) {
    let item = t.item("Croissant", 10).await;
    t.one(batch(item, 24)).await;
    let before = t.log().await;
    t.reopen().await;
    assert_eq!(t.log().await, before);
    let after = t.one(bakeoff(item, 6)).await;
    assert_eq!((after.events[0].version, after.events[0].quantity_after), (3, 28));
}
