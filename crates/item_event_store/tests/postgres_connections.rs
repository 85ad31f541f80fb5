//! The connections of one open store: those that write are for writers alone.

mod postgres;

use item_event_store::Ledger;
use item_event_store::clock::SystemClock;
use item_event_store::error::StoreError;
use item_event_store::ids::Position;
use item_event_store::limits::{READ_CONNECTIONS, WRITE_CONNECTIONS};
use item_event_store::query::SummaryQuery;
use item_event_store::settings::Settings;
use item_event_store::store::postgres::PostgresStore;
use item_event_store::store::{Mode, Store as _};
use postgres::{Cluster, PATIENCE, batch, create, insist, open, recorded, request, send, verify};
use std::sync::Arc;
use std::time::Duration;
use tokio_postgres::Client;

/// How many of a database's connections wait for a lock.
async fn waiting(watch: &Client, database: &str) -> usize {
    let waits = "SELECT count(*) FROM pg_stat_activity
         WHERE datname = $1 AND wait_event_type = 'Lock'";
    let count: i64 = watch.query_one(waits, &[&database]).await.expect("a count").get(0);
    usize::try_from(count).expect("a count")
}

async fn until_waiting(watch: &Client, database: &str, connections: usize) {
    let until = async {
        while waiting(watch, database).await < connections {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, until).await.expect("they wait in time");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reads_that_have_all_their_connections_do_not_stop_the_writer() {
    let cluster = Cluster::started();
    let database = cluster.new_database().await;
    let ledger = open(&cluster.url("ies_app", &database)).await;
    recorded(send(&ledger, create("Croissant", 10)).await);
    let watch = cluster.connect("postgres", "postgres").await;
    let admin = cluster.connect("postgres", &database).await;
    admin.batch_execute("BEGIN; LOCK TABLE item_daily_summary").await.expect("locked");
    let read = || {
        let ledger = ledger.clone();
        let query = SummaryQuery { limit: 1, ..SummaryQuery::default() };
        tokio::spawn(async move { ledger.store().daily_summary(&query).await })
    };
    let stuck: Vec<_> = (0..READ_CONNECTIONS).map(|_| read()).collect();
    until_waiting(&watch, &database, READ_CONNECTIONS).await;
    let one_more = read().await.expect("joins");
    assert!(matches!(one_more, Err(StoreError::Busy(_))), "{one_more:?}");
    recorded(send(&ledger, batch()).await);
    recorded(send(&ledger, create("Brioche", 1)).await);
    admin.batch_execute("ROLLBACK").await.expect("lets go");
    for read in stuck {
        read.await.expect("joins").expect("reads");
    }
    assert_eq!(verify(&ledger).await, Position(3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ledgers_take_turns_where_there_are_more_than_connections_to_write() {
    let cluster = Cluster::started();
    let database = cluster.new_database().await;
    let url = cluster.url("ies_app", &database);
    let store = PostgresStore::open(&url, Mode::Write).await.expect("a store");
    let mut ledgers = Vec::new();
    for number in 0..=WRITE_CONNECTIONS {
        let name = format!("shop-{number}").parse().expect("a name");
        store.create_ledger(&name, &Settings::default()).await.expect("made");
        let tables = store.ledger(&name).await.expect("a ledger");
        let ledger = Ledger::open(tables, Arc::new(SystemClock)).await.expect("opens");
        recorded(send(&ledger, create("Croissant", 10)).await);
        ledgers.push(ledger);
    }
    let watch = cluster.connect("postgres", "postgres").await;
    let admin = cluster.connect("postgres", &database).await;
    admin.batch_execute("BEGIN; SELECT FROM ledgers FOR UPDATE").await.expect("locked");
    let write = |ledger: &Ledger| {
        let ledger = ledger.clone();
        tokio::spawn(async move { insist(&ledger, &request(vec![batch()])).await })
    };
    let writes: Vec<_> = ledgers.iter().map(write).collect();
    until_waiting(&watch, &database, WRITE_CONNECTIONS).await;
    // What is left would come now.
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(waiting(&watch, &database).await <= WRITE_CONNECTIONS);
    admin.batch_execute("ROLLBACK").await.expect("lets go");
    for (write, ledger) in writes.into_iter().zip(ledgers) {
        recorded(Ok(write.await.expect("joins")));
        assert_eq!(verify(&ledger).await, Position(2));
    }
}
