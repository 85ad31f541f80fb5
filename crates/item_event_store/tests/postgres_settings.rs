//! A server that is set up to lose what it acknowledges is refused, also when it is set so later.

mod postgres;

use item_event_store::Ledger;
use item_event_store::error::{ExecuteError, StoreError};
use item_event_store::store::Mode;
use item_event_store::store::postgres::PostgresStore;
use postgres::{Cluster, PATIENCE, batch, create, insist, open, recorded, request, send, verify};
use tokio_postgres::Client;

/// Writes until it is refused because of a setting.
async fn until_refused(ledger: &Ledger, setting: &str) {
    let refused = async {
        loop {
            match send(ledger, batch()).await {
                Err(ExecuteError::NotStarted(why)) if why.contains("would not last") => return why,
                // The setting is on its way, or a connection that was ended is found out.
                Ok(_) | Err(ExecuteError::NotStarted(_) | ExecuteError::Unknown(_)) => {}
                Err(other) => panic!("{other}"),
            }
        }
    };
    let why = tokio::time::timeout(PATIENCE, refused).await.expect("refused in time");
    assert!(why.contains(&format!("the server's {setting} is off")), "{why}");
}

async fn end_connections(admin: &Client, database: &str) {
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = $1 AND pid <> pg_backend_pid()";
    admin.query(end, &[&database]).await.expect("ended");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_new_connection_is_checked() {
    let cluster = Cluster::started();
    let database = cluster.new_database().await;
    let url = cluster.url("ies_app", &database);
    let admin = cluster.connect("postgres", "postgres").await;
    let ledger = open(&url).await;
    recorded(send(&ledger, create("Croissant", 10)).await);
    let off = format!("ALTER DATABASE {database} SET synchronous_commit = off");
    admin.batch_execute(&off).await.expect("set");
    match PostgresStore::open(&url, Mode::Write).await {
        Err(StoreError::Config(why)) => assert!(why.contains("synchronous_commit is off"), "{why}"),
        other => panic!("{other:?}"),
    }
    recorded(send(&ledger, batch()).await);
    end_connections(&admin, &database).await;
    until_refused(&ledger, "synchronous_commit").await;
    let reset = format!("ALTER DATABASE {database} RESET synchronous_commit");
    admin.batch_execute(&reset).await.expect("reset");
    insist(&ledger, &request(vec![batch()])).await;
    verify(&ledger).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_batch_is_checked() {
    let cluster = Cluster::of_its_own("");
    let database = cluster.new_database().await;
    let admin = cluster.connect("postgres", "postgres").await;
    let ledger = open(&cluster.url("ies_app", &database)).await;
    recorded(send(&ledger, create("Croissant", 10)).await);
    for setting in ["full_page_writes", "synchronous_commit"] {
        for value in ["off", "on"] {
            let set = format!("ALTER SYSTEM SET {setting} = {value}");
            admin.batch_execute(&set).await.expect("set");
            cluster.run("ctl reload");
            if value == "off" {
                until_refused(&ledger, setting).await;
            } else {
                insist(&ledger, &request(vec![batch()])).await;
            }
        }
    }
    verify(&ledger).await;
    drop(ledger);
    cluster.run("ctl -m fast stop && settings='-c fsync=off' start");
    match PostgresStore::open(&cluster.url("ies_app", &database), Mode::Write).await {
        Err(StoreError::Config(why)) => assert!(why.contains("the server's fsync is off"), "{why}"),
        other => panic!("{other:?}"),
    }
}
