//! Followers are woken by what other programs commit. They look only once an hour here, so whoever
//! is not woken is not seen in time.

mod postgres;

use item_event_store::Ledger;
use item_event_store::access::Role;
use item_event_store::follow::Follower;
use item_event_store::ids::{LedgerName, Position};
use item_event_store::settings::Settings;
use item_event_store::store::postgres::PostgresStore;
use item_event_store::store::{Mode, Store as _};
use postgres::{Cluster, INSERT, PATIENCE, batch, create, open, recorded, request, send};
use std::collections::HashSet;
use std::time::Duration;
use tokio_postgres::Client;

async fn follow(ledger: &Ledger, position: i64) -> Follower {
    let follower = ledger.follow(Position(position)).await.expect("follows");
    follower.polling_every(Duration::from_hours(1))
}

async fn next(follower: &mut Follower) -> Vec<i64> {
    let woken = tokio::time::timeout(PATIENCE, follower.next()).await;
    let events = woken.expect("woken in time").expect("events");
    events.iter().map(|event| event.id.0).collect()
}

/// Waits until this many connections of the database listen, and gives their processes.
async fn listeners(admin: &Client, database: &str, expected: usize) -> Vec<i32> {
    let listening = "SELECT pid FROM pg_stat_activity
         WHERE datname = $1 AND query LIKE '%LISTEN item_event_store%' AND pid <> pg_backend_pid()";
    let reached = async {
        loop {
            let rows = admin.query(listening, &[&database]).await.expect("the connections");
            if rows.len() == expected {
                return rows.iter().map(|row| row.get(0)).collect();
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, reached).await.expect("as many as expected")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_follower_in_another_instance_is_woken() {
    let cluster = Cluster::started();
    let database = cluster.new_database().await;
    let url = cluster.url("ies_app", &database);
    let (here, there) = (open(&url).await, open(&url).await);
    recorded(send(&here, create("Croissant", 1)).await);
    let reading = PostgresStore::open(&cluster.url("ies_read", &database), Mode::Read).await;
    let reading = reading.expect("a store").ledger(&LedgerName::default()).await;
    let reading = Ledger::read_only(reading.expect("a ledger"));
    let mut followers = [
        follow(&here, 1).await,
        follow(&there, 1).await,
        follow(&there, 1).await,
        follow(&reading, 1).await,
    ];
    for position in 2..30 {
        recorded(send(&here, batch()).await);
        for follower in &mut followers {
            assert_eq!(next(follower).await, [position]);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_listens_on_one_connection_while_somebody_follows() {
    let cluster = Cluster::started();
    let database = cluster.new_database().await;
    let url = cluster.url("ies_app", &database);
    let admin = cluster.connect("postgres", "postgres").await;
    let store = PostgresStore::open(&url, Mode::Write).await.expect("a store");
    let mut ledgers = Vec::new();
    for name in ["main", "north", "south"] {
        let name = name.parse().expect("a name");
        store.create_ledger(&name, &Settings::default()).await.expect("made");
        let tables = store.ledger(&name).await.expect("a ledger");
        let clock = std::sync::Arc::new(item_event_store::clock::SystemClock);
        ledgers.push(Ledger::open(tables, clock).await.expect("opens"));
    }
    recorded(send(&ledgers[1], create("Croissant", 1)).await);
    listeners(&admin, &database, 0).await;
    let mut followers = Vec::new();
    for ledger in ledgers.iter().chain(&ledgers) {
        followers.push(follow(ledger, 0).await);
        listeners(&admin, &database, 1).await;
    }
    let other = PostgresStore::open(&url, Mode::Write).await.expect("a store");
    let north = other.ledger(&"north".parse().expect("a name")).await.expect("a ledger");
    let clock = std::sync::Arc::new(item_event_store::clock::SystemClock);
    let north = Ledger::open(north, clock).await.expect("opens");
    assert_eq!(next(&mut followers[1]).await, [1]);
    recorded(send(&north, batch()).await);
    assert_eq!(next(&mut followers[1]).await, [2]);
    while let Some(follower) = followers.pop() {
        listeners(&admin, &database, 1).await;
        drop(follower);
    }
    listeners(&admin, &database, 0).await;
    let again = follow(&ledgers[0], 0).await;
    listeners(&admin, &database, 1).await;
    drop(again);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_listening_connection_is_made_again() {
    let cluster = Cluster::started();
    let database = cluster.new_database().await;
    let url = cluster.url("ies_app", &database);
    let (here, there) = (open(&url).await, open(&url).await);
    let admin = cluster.connect("postgres", "postgres").await;
    recorded(send(&here, create("Croissant", 1)).await);
    let mut follower = follow(&there, 1).await;
    let mut position = 1;
    for _ in 0..3 {
        let lost = listeners(&admin, &database, 1).await[0];
        admin.query("SELECT pg_terminate_backend($1)", &[&lost]).await.expect("ended");
        // What is said while nobody listens is found out when somebody does again.
        recorded(send(&here, batch()).await);
        position += 1;
        assert_eq!(next(&mut follower).await, [position]);
        while listeners(&admin, &database, 1).await[0] == lost {}
        recorded(send(&here, batch()).await);
        position += 1;
        assert_eq!(next(&mut follower).await, [position]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_hint_a_follower_looks_for_itself() {
    let cluster = Cluster::started();
    let database = cluster.new_database().await;
    let ledger = open(&cluster.url("ies_app", &database)).await;
    recorded(send(&ledger, create("Croissant", 1)).await);
    let follower = ledger.follow(Position(1)).await.expect("follows");
    let mut follower = follower.polling_every(Duration::from_millis(20));
    let shell = cluster.connect("ies_app", &database).await;
    for position in 2..10 {
        shell.batch_execute(INSERT).await.expect("inserted");
        assert_eq!(next(&mut follower).await, [position]);
    }
}

/// The transactions in which a server's log says that something was done.
fn transactions(log: &str, said: &str) -> HashSet<String> {
    // The further lines of a statement begin with a tab.
    let statements = log.replace("\n\t", " ");
    let lines = statements.lines().filter(|line| line.contains(said));
    lines.map(|line| line.split(' ').next().unwrap_or_default().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn notify_is_never_sent_within_a_writing_transaction() {
    let cluster = Cluster::of_its_own("-c log_statement=all -c log_line_prefix='%v '");
    let database = cluster.new_database().await;
    let url = cluster.url("ies_app", &database);
    let (here, there) = (open(&url).await, open(&url).await);
    recorded(send(&here, create("Croissant", 1)).await);
    let mut follower = follow(&there, 1).await;
    let mut clients = tokio::task::JoinSet::new();
    for client in 0..8 {
        let ledger = if client % 2 == 0 { here.clone() } else { there.clone() };
        clients.spawn(async move {
            for _ in 0..25 {
                let requests = request(vec![batch()]);
                recorded(ledger.execute(requests, Role::Baker).await);
            }
        });
    }
    clients.join_all().await;
    let mut seen = 1;
    while seen < 201 {
        seen += next(&mut follower).await.len();
    }
    let batches = here.writer_stats().batches + there.writer_stats().batches;
    here.close().await;
    there.close().await;
    let log = std::fs::read_to_string(cluster.folder.join("log")).expect("the log");
    let mut writing = transactions(&log, "INSERT INTO item_event_store");
    writing.extend(transactions(&log, "SELECT * FROM ies_append_batch("));
    let notifying = transactions(&log, "pg_notify(");
    let writes = writing.len() as u64;
    assert!(writes >= batches, "{writes} of {batches} were logged");
    assert!(!notifying.is_empty() && notifying.len() as u64 <= batches, "at most one a batch");
    assert!(writing.is_disjoint(&notifying), "{:?}", writing.intersection(&notifying));
}
