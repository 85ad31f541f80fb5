//! What only PostgreSQL has: many programs that write to one ledger, and histories that part. What
//! every backend promises is in `tests/store`.

mod postgres;

use item_event_store::Ledger;
use item_event_store::access::Role;
use item_event_store::command::Movement;
use item_event_store::error::ExecuteError;
use item_event_store::ids::Position;
use item_event_store::request::Answer;
use postgres::{Cluster, create, open, record, request, send, verify};
use std::time::Duration;

/// Sends until there is an answer: what is not started is sent again.
async fn takes_one(ledger: &Ledger) -> bool {
    let request = request(vec![record(Movement::Bakeoff, 1)]);
    loop {
        match ledger.execute(request.clone(), Role::Manager).await {
            Ok(Answer::Recorded(_)) => return true,
            Ok(Answer::Rejected { rejected, .. }) => {
                assert_eq!(rejected.rejection.code(), "insufficient_stock");
                return false;
            }
            Err(ExecuteError::NotStarted(_)) => {}
            Err(other) => panic!("{other}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_instances_and_a_shell_take_the_last_pieces_exactly_once() {
    const PIECES: i64 = 600;
    let cluster = Cluster::started();
    let database = cluster.new_database().await;
    let url = cluster.url("ies_app", &database);
    let instances = [open(&url).await, open(&url).await];
    send(&instances[0], create("Croissant", PIECES)).await.expect("recorded");
    let mut takers = tokio::task::JoinSet::new();
    for taker in 0..16 {
        let ledger = instances[taker % 2].clone();
        takers.spawn(async move {
            let mut taken = 0;
            while takes_one(&ledger).await {
                taken += 1;
            }
            taken
        });
    }
    let shell = cluster.connect("ies_app", &database).await;
    takers.spawn(async move {
        let take = "INSERT INTO item_event_store (item_id, quantity_change, reason)
             VALUES (1, -1, 'bakeoff')";
        let mut taken = 0;
        loop {
            match shell.batch_execute(take).await {
                Ok(()) => taken += 1,
                Err(error) => {
                    let message = error.as_db_error().expect("an answer").message();
                    assert!(message.starts_with("insufficient_stock"), "{message}");
                    return taken;
                }
            }
        }
    });
    let taken = takers.join_all().await;
    assert_eq!(taken.iter().sum::<i64>(), PIECES, "{taken:?}");
    assert!(taken.iter().filter(|taken| **taken > 0).count() > 2, "{taken:?}");
    assert_eq!(verify(&instances[0]).await, Position(PIECES + 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dump_restored_into_another_database_is_another_history() {
    let cluster = Cluster::started();
    let database = cluster.new_database().await;
    let ledger = open(&cluster.url("ies_app", &database)).await;
    send(&ledger, create("Croissant", 10)).await.expect("recorded");
    let before = ledger.store().head().await.expect("reads");
    ledger.close().await;
    drop(ledger);
    let admin = cluster.connect("postgres", "postgres").await;
    let copy = format!("{database}_copy");
    let make = format!("CREATE DATABASE {copy} TEMPLATE {database}");
    while admin.batch_execute(&make).await.is_err() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let ledger = open(&cluster.url("ies_app", &copy)).await;
    let after = ledger.store().head().await.expect("reads");
    assert_eq!(after.position, before.position);
    assert_ne!(after.epoch, before.epoch);
    let again = open(&cluster.url("ies_app", &copy)).await;
    assert_eq!(again.store().head().await.expect("reads").epoch, after.epoch, "and stays");
}
