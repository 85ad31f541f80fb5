//! Faults around a commit: every acknowledged write is there once, every unknown one is resolved by
//! its key, and nothing that is left open on the server stops the ledger.

mod postgres;

use item_event_store::Ledger;
use item_event_store::access::Role;
use item_event_store::command::{Command, Request};
use item_event_store::error::ExecuteError;
use item_event_store::ids::Position;
use item_event_store::limits::BATCH_RETRIES;
use postgres::proxy::{Fault, Proxy};
use postgres::{Cluster, batch, create, insist, open, recorded, request, send, verify};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::task::JoinHandle;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_cut_at_commit_is_resolved_by_the_key() {
    let cluster = Cluster::started();
    let database = cluster.new_database().await;
    let proxy = Proxy::start(cluster.socket());
    let ledger = open(&proxy.url(&database)).await;
    recorded(send(&ledger, create("Croissant", 10)).await);
    for round in 0..40 {
        proxy.arm(if round % 2 == 0 { Fault::Unanswered } else { Fault::Lost });
        // One in one statement, the other under the lock.
        let command = if round % 4 < 2 { batch() } else { create("Brioche", 1) };
        let request = request(vec![command]);
        recorded(ledger.execute(request.clone(), Role::Manager).await);
        assert!(proxy.struck(), "round {round}: it was cut");
        assert!(recorded(ledger.execute(request, Role::Manager).await).replayed);
    }
    assert_eq!(verify(&ledger).await, Position(41), "each once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transaction_left_open_on_the_server_is_ended() {
    let cluster = Cluster::started();
    let database = cluster.new_database().await;
    let proxy = Proxy::start(cluster.socket());
    let ledger = open(&proxy.url(&database)).await;
    recorded(send(&ledger, create("Croissant", 10)).await);
    let admin = cluster.connect("postgres", "postgres").await;
    let open = "SELECT count(*) FROM pg_stat_activity
         WHERE datname = $1 AND state = 'idle in transaction'";
    for fault in [Fault::Lingering, Fault::Silence] {
        proxy.arm(fault);
        let request = request(vec![create("Brioche", 1)]);
        recorded(ledger.execute(request.clone(), Role::Manager).await);
        assert!(proxy.struck(), "{fault:?}");
        let left: i64 = admin.query_one(open, &[&database]).await.expect("a count").get(0);
        assert_eq!(left, 0, "{fault:?}: the old transaction held the head");
        assert!(recorded(ledger.execute(request, Role::Manager).await).replayed);
    }
    assert_eq!(verify(&ledger).await, Position(3), "each once");
}

/// Sets for which standby a commit waits.
async fn wait_for_standby(cluster: &Cluster, admin: &tokio_postgres::Client, name: &str) {
    let set = format!("ALTER SYSTEM SET synchronous_standby_names = '{name}'");
    admin.batch_execute(&set).await.expect("set");
    cluster.run("ctl reload");
    let shown = "SELECT current_setting('synchronous_standby_names')";
    while admin.query_one(shown, &[]).await.expect("shown").get::<_, &str>(0) != name {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// A commit that waits for its standby for too long is unknown, and the transaction is ended.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_no_standby_has_yet_is_not_acknowledged() {
    is_acknowledged_with_the_standby(|| create("Brioche", 1), "SELECT").await;
}

/// So is a statement that is a transaction of its own, whose connection somebody ends.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_no_standby_has_of_one_statement_is_not_acknowledged() {
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE wait_event = 'SyncRep' AND query LIKE '%ies_append_batch%'";
    is_acknowledged_with_the_standby(batch, end).await;
}

/// Ended, it is there on this server alone: it is acknowledged once the standby has it, and not
/// because it can be read.
async fn is_acknowledged_with_the_standby(command: fn() -> Command, end: &str) {
    let cluster = Cluster::of_its_own("");
    let database = cluster.new_database().await;
    let ledger = open(&cluster.url("ies_app", &database)).await;
    recorded(send(&ledger, create("Croissant", 10)).await);
    let admin = cluster.connect("postgres", "postgres").await;
    wait_for_standby(&cluster, &admin, "nobody").await;
    let waits = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
    let mut waiting = std::collections::HashSet::<i32>::new();
    let begin = || {
        let (ledger, request) = (ledger.clone(), request(vec![command()]));
        tokio::spawn(async move { ledger.execute(request, Role::Manager).await })
    };
    let (mut write, mut position) = (begin(), 2);
    // The first commit, and the one that found it there.
    while waiting.len() < 2 {
        let rows = admin.query(waits, &[]).await.expect("the waits");
        waiting.extend(rows.iter().map(|row| row.get::<_, i32>(0)));
        admin.batch_execute(end).await.expect("ended");
        if write.is_finished() {
            assert!(waiting.is_empty(), "no standby has it");
            // The server had not heard of the setting yet.
            (write, position) = (begin(), position + 1);
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(ledger.store().head().await.expect("reads").position, Position(position));
    assert!(!write.is_finished(), "it can be read, but no standby has it");
    wait_for_standby(&cluster, &admin, "").await;
    assert_eq!(recorded(write.await.expect("joins")).position, Position(position));
    assert_eq!(verify(&ledger).await, Position(position), "once");
}

/// Makes the next inserts into the log fail as serialization failures do.
async fn abort_next(admin: &tokio_postgres::Client, times: usize) {
    let plan = format!(
        "DROP SEQUENCE IF EXISTS attempts CASCADE;
         CREATE SEQUENCE attempts;
         GRANT USAGE ON SEQUENCE attempts TO PUBLIC;
         CREATE OR REPLACE FUNCTION abort_some() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
           -- What a sequence gave stays given when the transaction is rolled back.
           IF nextval('attempts') <= {times} THEN
             RAISE EXCEPTION 'could not serialize access' USING ERRCODE = 'serialization_failure';
           END IF;
           RETURN NULL;
         END $$;
         DROP TRIGGER IF EXISTS planted ON item_event_store;
         CREATE TRIGGER planted AFTER INSERT ON item_event_store
         FOR EACH STATEMENT EXECUTE FUNCTION abort_some();"
    );
    admin.batch_execute(&plan).await.expect("planted");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_serialization_failure_is_retried_whole() {
    let cluster = Cluster::started();
    let database = cluster.new_database().await;
    let ledger = open(&cluster.url("ies_app", &database)).await;
    recorded(send(&ledger, create("Croissant", 10)).await);
    let admin = cluster.connect("postgres", &database).await;
    abort_next(&admin, BATCH_RETRIES).await;
    let first = request(vec![batch()]);
    recorded(ledger.execute(first.clone(), Role::Manager).await);
    abort_next(&admin, BATCH_RETRIES + 1).await;
    let second = request(vec![batch()]);
    match ledger.execute(second.clone(), Role::Manager).await {
        Err(ExecuteError::NotStarted(why)) => assert!(why.contains("serialize"), "{why}"),
        other => panic!("{other:?}"),
    }
    assert!(recorded(ledger.execute(first, Role::Manager).await).replayed);
    assert!(!recorded(ledger.execute(second, Role::Manager).await).replayed);
    admin.batch_execute("DROP TRIGGER planted ON item_event_store").await.expect("dropped");
    assert_eq!(verify(&ledger).await, Position(3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deadlock_with_a_shell_is_retried_whole() {
    let cluster = Cluster::started();
    let database = cluster.new_database().await;
    let ledger = open(&cluster.url("ies_app", &database)).await;
    recorded(send(&ledger, create("Croissant", 10)).await);
    let shell = cluster.connect("postgres", &database).await;
    // The shell is patient, so that the deadlock is found by the writer.
    let begin = "SET deadlock_timeout = '1min'; BEGIN;
         SELECT FROM item_inventory WHERE item_id = 1 FOR UPDATE";
    shell.batch_execute(begin).await.expect("begun");
    let write = tokio::spawn({
        let (ledger, request) = (ledger.clone(), request(vec![batch()]));
        async move { ledger.execute(request, Role::Manager).await }
    });
    // The writer holds the head and waits for the count, which the shell holds.
    let admin = cluster.connect("postgres", "postgres").await;
    let waiting = "SELECT count(*) FROM pg_stat_activity
         WHERE datname = $1 AND usename = 'ies_app' AND wait_event_type = 'Lock'";
    while admin.query_one(waiting, &[&database]).await.expect("a count").get::<_, i64>(0) == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // Now the shell waits for the head: neither can go on, until the writer gives up.
    shell.batch_execute(&format!("{}; COMMIT", postgres::INSERT)).await.expect("committed");
    let answer = recorded(write.await.expect("joins"));
    assert_eq!((answer.position, answer.events[0].quantity_after), (Position(3), 12));
    assert_eq!(verify(&ledger).await, Position(3));
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
        insist(&ledger, &request(vec![batch()])).await;
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

/// Writes until told to stop; gives each request with where it was recorded.
fn writer(ledger: &Ledger, stop: &Arc<AtomicBool>) -> JoinHandle<Vec<(Request, Position)>> {
    let (ledger, stop) = (ledger.clone(), Arc::clone(stop));
    tokio::spawn(async move {
        let mut acknowledged = Vec::new();
        while !stop.load(Ordering::SeqCst) {
            let request = request(vec![batch()]);
            let answer = recorded(Ok(insist(&ledger, &request).await));
            acknowledged.push((request, answer.position));
        }
        acknowledged
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_stopped_at_once_and_started_again_loses_nothing() {
    const ROUNDS: usize = 4;
    let cluster = Cluster::of_its_own("");
    let database = cluster.new_database().await;
    let url = cluster.url("ies_app", &database);
    let instances = [open(&url).await, open(&url).await];
    recorded(send(&instances[0], create("Croissant", 10)).await);
    let stop = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = (0..12).map(|n| writer(&instances[n % 2], &stop)).collect();
    for _ in 0..ROUNDS {
        tokio::time::sleep(Duration::from_millis(300)).await;
        tokio::task::block_in_place(|| cluster.run("ctl -m immediate stop && start"));
        // Somebody gets through before it is stopped again.
        insist(&instances[0], &request(vec![batch()])).await;
    }
    stop.store(true, Ordering::SeqCst);
    let mut positions = std::collections::HashSet::new();
    for writer in writers {
        let acknowledged = writer.await.expect("joins");
        let again = acknowledged.iter().map(|(request, _)| insist(&instances[1], request));
        let again = futures_util::future::join_all(again).await;
        for ((_, position), again) in acknowledged.into_iter().zip(again) {
            let again = recorded(Ok(again));
            assert_eq!((again.replayed, again.position), (true, position));
            assert!(positions.insert(position), "two keys at {position}");
        }
    }
    assert!(positions.len() > 10 * ROUNDS, "only {} were acknowledged", positions.len());
    let expected = positions.len() + 1 + ROUNDS;
    assert_eq!(verify(&instances[0]).await, Position::START.plus(expected), "each once");
}
