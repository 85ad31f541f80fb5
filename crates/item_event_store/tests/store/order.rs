//! One order for everybody: whoever else writes, the writer waits its turn and sees what was
//! written.

use crate::backend::{TestLedger, bakeoff, batch, create};
use item_event_store::access::Role;
use item_event_store::error::ExecuteError;
use item_event_store::limits::QUEUE_REQUESTS;
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
    let answer = crate::backend::recorded(t.ledger().execute(request, Role::Manager).await);
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

pub async fn a_full_queue_refuses(t: &TestLedger) {
    let item = t.item("Croissant", 0).await;
    let mut shell = t.backend.shell();
    shell.run(t.backend.words().begin).expect("begun");
    let mut waiting = tokio::task::JoinSet::new();
    // One batch is already with the writer, which waits for the shell.
    for _ in 0..QUEUE_REQUESTS + 2 {
        let (ledger, request) = (t.ledger(), t.request(vec![batch(item, 1)]));
        waiting.spawn(async move { ledger.execute(request, Role::Manager).await });
        if waiting.len() == 1 {
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
