//! One order for everybody: whoever else writes, the writer waits its turn and sees what was
//! written.

use crate::backend::{TestLedger, bakeoff, batch, correct, create, recorded, under_way};
use item_event_store::access::Role;
use item_event_store::command::Request;
use item_event_store::error::ExecuteError;
use item_event_store::limits::QUEUE_REQUESTS;
use item_event_store::rejection::Rejection;
use std::time::Duration;

pub async fn an_open_transaction_elsewhere_means_not_started(t: &TestLedger) {
    let item = t.item("Croissant", 10).await;
    let mut shell = t.backend.shell();
    let typed = t.backend.insert(1, 24, "batch");
    shell.run(&format!("{}; {typed}", t.backend.words().begin)).expect("begun");
    let request = t.request(vec![batch(item, 1)]);
    match t.ledger().execute(request.clone(), Role::Manager).await {
        Err(ExecuteError::NotStarted(_)) => {}
        other => panic!("{other:?}"),
    }
    assert_eq!(t.log().await.len(), 1, "what is not committed is not seen");
    shell.run("COMMIT").expect("committed");
    let answer = recorded(t.ledger().execute(request, Role::Manager).await);
    assert_eq!((answer.position.0, answer.events[0].quantity_after), (3, 35));
}

pub async fn the_writer_catches_up_before_it_decides(t: &TestLedger) {
    let item = t.item("Croissant", 10).await;
    let mut shell = t.backend.shell();
    shell.run(&t.backend.insert(1, 24, "batch")).expect("inserted");
    let answer = t.one(bakeoff(item, 34)).await;
    assert_eq!(answer.events[0].version, 3);
    assert_eq!(answer.events[0].quantity_after, 0);
    shell.run(&t.backend.insert_item("Baguette")).expect("inserted");
    shell.run(&t.backend.insert(2, 24, "batch")).expect("inserted");
    let next = t.one(create("Roll", 1)).await;
    assert_eq!(next.items[0].id.0, 3);
    assert_eq!(t.one(bakeoff(item_event_store::ids::ItemId(2), 24)).await.position.0, 6);
    assert_eq!(t.rejection(bakeoff(item, 1)).await.code(), "insufficient_stock");
}

/// Whatever comes next, the writer has to catch up first: also for what it only tells again.
pub async fn a_writer_and_a_shell_that_take_turns_lose_nothing(t: &TestLedger) {
    let item = t.item("Croissant", 0).await;
    let mut shell = t.backend.shell();
    let mut typed = async || shell.run(&t.backend.insert(1, 1, "batch")).expect("inserted");
    let mut expected = 0;
    for round in 0..12 {
        typed().await;
        let request = t.request(vec![batch(item, 2)]);
        let send = async |request: Request| t.ledger().execute(request, Role::Manager).await;
        let first = recorded(send(request.clone()).await);
        typed().await;
        let again = recorded(send(request.clone()).await);
        assert_eq!((again.replayed, again.position), (true, first.position), "{round}");
        typed().await;
        let other = Request { commands: vec![batch(item, 3)], ..request };
        match send(other).await {
            Err(ExecuteError::Rejected(r)) => {
                assert_eq!(r.rejection, Rejection::IdempotencyKeyReused {});
            }
            answer => panic!("{answer:?}"),
        }
        typed().await;
        let corrected = t.one(correct(first.events[0].id, 1)).await;
        assert_eq!(corrected.events[0].quantity_change, -1);
        typed().await;
        let made = t.one(create(&format!("Roll {round}"), 1)).await;
        assert_eq!(made.items[0].id.0, round + 2);
        expected += 5 + 1;
        assert_eq!(t.quantity(item).await, expected, "{round}");
    }
    assert_eq!(t.log().await.len(), 12 * 8);
}

pub async fn a_full_queue_refuses(t: &TestLedger) {
    let item = t.item("Croissant", 0).await;
    let mut shell = t.backend.shell();
    shell.run(t.backend.words().begin).expect("begun");
    let mut waiting = tokio::task::JoinSet::new();
    // As many batches as can be are already with the writer, which waits for the shell.
    let under_way = under_way(&t.ledger());
    for _ in 0..=under_way + QUEUE_REQUESTS {
        let (ledger, request) = (t.ledger(), t.request(vec![batch(item, 1)]));
        waiting.spawn(async move { ledger.execute(request, Role::Manager).await });
        if waiting.len() <= under_way {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
    let refused = waiting.join_next().await.expect("one").expect("joins");
    let text = format!("{refused:?}");
    assert!(text.contains("too many requests are waiting"), "{text}");
    shell.run("ROLLBACK").expect("rolled back");
    let recorded = waiting.join_all().await.into_iter().flatten().count();
    assert_eq!(t.quantity(item).await, i64::try_from(recorded).expect("few"));
}
