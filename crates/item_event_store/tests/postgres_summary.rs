//! The daily summary on PostgreSQL while connections break: every event is in it once.

#[path = "store/backend/cluster.rs"]
mod cluster;

use cluster::Cluster;
use item_event_store::Ledger;
use item_event_store::access::Role;
use item_event_store::clock::SystemClock;
use item_event_store::command::{Command, CreateItem, Movement, Record, Request};
use item_event_store::error::StoreError;
use item_event_store::ids::{ItemId, LedgerName};
use item_event_store::limits::MAX_REQUEST_COMMANDS;
use item_event_store::query::SummaryQuery;
use item_event_store::store::postgres::PostgresStore;
use item_event_store::store::{Mode, Store};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const REQUESTS: usize = 5;
/// Refreshes that a kill must have hit.
const HITS: usize = 5;

fn create() -> Command {
    Command::CreateItem(CreateItem {
        name: "Croissant".parse().expect("a name"),
        sku: None,
        unit: None,
        initial_quantity: 1,
        allow_negative: false,
        occurred_at: None,
        reference: None,
        note: None,
    })
}

fn batch() -> Command {
    Command::Record(Record {
        item_id: ItemId(1),
        movement: Movement::Batch,
        quantity: 1,
        occurred_at: None,
        reference: None,
        note: None,
        expected_version: None,
    })
}

async fn record(ledger: &Ledger, number: usize, commands: Vec<Command>) {
    let key = format!("key-{number}").parse().expect("a key");
    let request = Request::new(key, "anna".parse().expect("an actor"), commands).expect("good");
    ledger.execute(request, Role::Baker).await.expect("recorded");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_backends_add_no_event_twice() {
    let cluster = Cluster::started();
    let database = cluster.new_database().await;
    let url = cluster.url("ies_app", &database);
    let store = PostgresStore::open(&url, Mode::Write).await.expect("a store");
    let tables = store.ledger(&LedgerName::default()).await.expect("a ledger");
    let ledger = Ledger::open(tables, Arc::new(SystemClock)).await.expect("opens");
    record(&ledger, REQUESTS, vec![create()]).await;
    for number in 0..REQUESTS {
        record(&ledger, number, vec![batch(); MAX_REQUEST_COMMANDS]).await;
    }
    let admin = cluster.connect("postgres", "postgres").await;
    let done = Arc::new(AtomicBool::new(false));
    let killing = tokio::spawn({
        let done = Arc::clone(&done);
        async move {
            let kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE datname = $1 AND state <> 'idle'";
            while !done.load(Ordering::SeqCst) {
                admin.query(kill, &[&database]).await.expect("killed");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    });
    let mut hits = 0;
    while hits < HITS {
        match ledger.refresh_summary(true, &|_, _| ()).await {
            Ok(_) => {}
            Err(StoreError::Busy(_) | StoreError::CommitUnknown(_)) => hits += 1,
            Err(other) => panic!("{other}"),
        }
    }
    done.store(true, Ordering::SeqCst);
    killing.await.expect("joins");
    // Connections of the pool that were killed are found out one by one.
    while ledger.refresh_summary(false, &|_, _| ()).await.is_err() {}
    let all = SummaryQuery { limit: 100, ..SummaryQuery::default() };
    let read = ledger.store().daily_summary(&all).await.expect("reads");
    let events = read.rows.iter().map(|row| row.sum.events).sum::<i64>();
    assert_eq!(events.unsigned_abs(), (REQUESTS * MAX_REQUEST_COMMANDS) as u64 + 1);
    assert_eq!(read.summary.position, read.head.position);
    let report = ledger.verify(false, &|_, _| ()).await.expect("verifies");
    assert!(report.clean(), "{:#?}", report.findings);
}
