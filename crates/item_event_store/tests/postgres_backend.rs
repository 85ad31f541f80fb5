//! What only PostgreSQL has: many programs that write to one ledger, connections that are cut,
//! servers that are set up to lose commits. What every backend promises is in `tests/store`.

mod postgres;

use item_event_store::Ledger;
use item_event_store::access::Role;
use item_event_store::command::Movement;
use item_event_store::error::{ExecuteError, StoreError};
use item_event_store::ids::Position;
use item_event_store::request::Answer;
use item_event_store::store::Mode;
use item_event_store::store::postgres::PostgresStore;
use postgres::proxy::Proxy;
use postgres::{Cluster, create, open, record, request, send, verify};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
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
async fn a_connection_cut_at_commit_is_resolved_by_the_key() {
    let cluster = Cluster::started();
    let database = cluster.new_database().await;
    let proxy = Proxy::start(cluster.socket());
    let ledger = open(&proxy.url(&database)).await;
    send(&ledger, create("Croissant", 10)).await.expect("recorded");
    for round in 0..40 {
        proxy.cut.delivered.store(round % 2 == 0, Ordering::SeqCst);
        proxy.cut.armed.store(true, Ordering::SeqCst);
        let request = request(vec![record(Movement::Batch, 1)]);
        let first = ledger.execute(request.clone(), Role::Manager).await;
        assert!(matches!(first, Ok(Answer::Recorded(_))), "round {round}: {first:?}");
        assert!(!proxy.cut.armed.load(Ordering::SeqCst), "round {round}: it was cut");
        match ledger.execute(request, Role::Manager).await {
            Ok(Answer::Recorded(again)) => assert!(again.replayed),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(verify(&ledger).await, Position(41), "each once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_backends_lose_nothing() {
    let cluster = Cluster::started();
    let database = cluster.new_database().await;
    let ledger = open(&cluster.url("ies_app", &database)).await;
    send(&ledger, create("Croissant", 0)).await.expect("recorded");
    let admin = cluster.connect("postgres", "postgres").await;
    let done = Arc::new(AtomicBool::new(false));
    let killing = tokio::spawn({
        let done = Arc::clone(&done);
        async move {
            let kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1";
            let mut killed = 0;
            while !done.load(Ordering::SeqCst) {
                killed += admin.query(kill, &[&database]).await.expect("killed").len();
                tokio::time::sleep(Duration::from_millis(150)).await;
            }
            killed
        }
    });
    let mut recorded = 0;
    for _ in 0..300 {
        let request = request(vec![record(Movement::Batch, 1)]);
        // Not started, or unknown: the same key again until there is an answer.
        while ledger.execute(request.clone(), Role::Manager).await.is_err() {}
        recorded += 1;
    }
    done.store(true, Ordering::SeqCst);
    assert!(killing.await.expect("joins") > 0);
    tokio::time::sleep(Duration::from_millis(100)).await;
    let report = loop {
        // Connections of the pool that were killed while idle are found out one by one.
        if let Ok(report) = ledger.verify(true, &|_, _| ()).await {
            break report;
        }
    };
    assert!(report.clean(), "{:#?}", report.findings);
    assert_eq!(report.position, Position(recorded));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_role_or_server_that_loses_commits_is_refused() {
    let cluster = Cluster::started();
    let database = cluster.new_database().await;
    let admin = cluster.connect("postgres", &database).await;
    let off = format!("ALTER DATABASE {database} SET synchronous_commit = off");
    admin.batch_execute(&off).await.expect("set");
    let refused = PostgresStore::open(&cluster.url("ies_app", &database), Mode::Write).await;
    match refused {
        Err(StoreError::Failed(why)) => assert!(why.contains("synchronous_commit is off"), "{why}"),
        other => panic!("{other:?}"),
    }
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
