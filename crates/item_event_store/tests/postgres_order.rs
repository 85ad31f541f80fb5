//! One order for all who write to a ledger at once, service instances and shells: whoever reads
//! what comes after the last position it saw misses nothing and sees nothing twice.

mod postgres;

use item_event_store::Ledger;
use item_event_store::command::{Command, Movement};
use item_event_store::error::ExecuteError;
use item_event_store::ids::Position;
use item_event_store::request::Answer;
use postgres::watch::{each_once_in_order, watch};
use postgres::{
    Cluster, INSERT, PATIENCE, batch, create, insist, open, record, recorded, request, send, verify,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::task::{JoinHandle, JoinSet};
use tokio_postgres::Client;

/// Service instances, each with connections of its own.
const INSTANCES: usize = 4;
/// Clients of each.
const CLIENTS: usize = 10;
/// Events that each client records.
const CLIENT_EVENTS: usize = 4_500;
const SHELLS: u64 = 10;
/// Events that each shell inserts.
const SHELL_EVENTS: u64 = 2_000;
const EVENTS: usize = INSTANCES * CLIENTS * CLIENT_EVENTS + 20_000;

/// The next number of a fixed sequence (Marsaglia's xorshift64), below `end`.
fn random(state: &mut u64, end: u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state % end
}

/// A shell that inserts a few rows at a time, and waits a little before it commits.
async fn shell(shell: Client, log: &'static str, number: u64, mut events: u64) {
    let mut state = 0x9E37_79B9_7F4A_7C15 ^ (number + 1);
    while events > 0 {
        let rows = (random(&mut state, 40) + 1).min(events);
        let insert = format!(
            "BEGIN; INSERT INTO {log} (item_id, quantity_change, reason)
             SELECT 1 + g % 5, 1, 'batch' FROM generate_series(1, {rows}) AS g"
        );
        shell.batch_execute(&insert).await.expect("inserted");
        tokio::time::sleep(Duration::from_micros(random(&mut state, 4_000))).await;
        shell.batch_execute("COMMIT").await.expect("committed");
        events -= rows;
    }
}

/// A client that sends requests of up to 200 commands.
async fn client(ledger: Ledger, number: u64) {
    let mut state = 0xBF58_476D_1CE4_E5B9 ^ (number + 1);
    let mut left = CLIENT_EVENTS;
    while left > 0 {
        let commands = usize::try_from(random(&mut state, 200) + 1).expect("few").min(left);
        let commands: Vec<Command> = vec![batch(); commands];
        left -= commands.len();
        recorded(Ok(insist(&ledger, &request(commands)).await));
    }
}

fn follow(ledger: &Ledger, end: usize) -> JoinHandle<Vec<i64>> {
    let ledger = ledger.clone();
    tokio::spawn(async move {
        let mut follower = ledger.follow(Position::START).await.expect("follows");
        let mut seen = Vec::new();
        while seen.len() < end {
            let next = tokio::time::timeout(PATIENCE, follower.next()).await.expect("in time");
            seen.extend(next.expect("events").iter().map(|event| event.id.0));
        }
        seen
    })
}

/// Lets some of the writer's transactions wait before they commit, too.
const SLOW_COMMITS: &str = "
    CREATE FUNCTION wait_a_little() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      PERFORM pg_sleep(random() * 0.004);
      RETURN NULL;
    END $$;
    CREATE CONSTRAINT TRIGGER planted AFTER INSERT ON requests DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.id % 8 = 0) EXECUTE FUNCTION wait_a_little()";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_writers_and_every_follower_sees_each_event_once_in_order() {
    let cluster = Cluster::started();
    let database = cluster.new_database().await;
    let url = cluster.url("ies_app", &database);
    let admin = cluster.connect("postgres", &database).await;
    admin.batch_execute(SLOW_COMMITS).await.expect("planted");
    let mut instances = Vec::new();
    for _ in 0..INSTANCES {
        instances.push(open(&url).await);
    }
    for name in ["Croissant", "Baguette", "Roll", "Loaf", "Bun"] {
        recorded(send(&instances[0], create(name, 0)).await);
    }
    let followers: Vec<_> = instances.iter().map(|ledger| follow(ledger, EVENTS)).collect();
    let done = Arc::new(AtomicBool::new(false));
    let mut watchers = Vec::new();
    for _ in 0..2 {
        let reader = cluster.connect("ies_read", &database).await;
        watchers.push(tokio::spawn(watch(reader, "item_event_store", Arc::clone(&done))));
    }
    let mut writers = JoinSet::new();
    for number in 0..INSTANCES * CLIENTS {
        let ledger = instances[number % INSTANCES].clone();
        writers.spawn(client(ledger, number as u64));
    }
    for number in 0..SHELLS {
        let user = cluster.connect("ies_app", &database).await;
        writers.spawn(shell(user, "item_event_store", number, SHELL_EVENTS));
    }
    writers.join_all().await;
    done.store(true, Ordering::SeqCst);
    let end = i64::try_from(EVENTS).expect("a number");
    for seen in followers.into_iter().chain(watchers) {
        let seen = seen.await.expect("joins");
        assert_eq!(each_once_in_order(&seen, end), Ok(()));
    }
    admin.batch_execute("DROP TRIGGER planted ON requests").await.expect("dropped");
    assert_eq!(verify(&instances[0]).await, Position(end));
}

/// The same writers and the same check, on a log whose positions come from a sequence.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn positions_from_a_sequence_are_caught_by_that_check() {
    const ROUNDS: usize = 20;
    let cluster = Cluster::started();
    let database = cluster.new_database().await;
    let admin = cluster.connect("postgres", &database).await;
    for _ in 0..ROUNDS {
        let sequenced = "DROP TABLE IF EXISTS sequenced;
             CREATE TABLE sequenced (id BIGSERIAL PRIMARY KEY, item_id INTEGER NOT NULL,
               quantity_change INTEGER NOT NULL, reason TEXT NOT NULL)";
        admin.batch_execute(sequenced).await.expect("a table");
        let done = Arc::new(AtomicBool::new(false));
        let reader = cluster.connect("postgres", &database).await;
        let watcher = tokio::spawn(watch(reader, "sequenced", Arc::clone(&done)));
        let mut writers = JoinSet::new();
        for number in 0..SHELLS {
            let user = cluster.connect("postgres", &database).await;
            writers.spawn(shell(user, "sequenced", number, 500));
        }
        writers.join_all().await;
        done.store(true, Ordering::SeqCst);
        let seen = watcher.await.expect("joins");
        let count = admin.query_one("SELECT count(*), max(id) FROM sequenced", &[]).await;
        let count = count.expect("a count");
        assert_eq!((count.get::<_, i64>(0), count.get::<_, i64>(1)), (5_000, 5_000));
        if each_once_in_order(&seen, 5_000).is_err() {
            return;
        }
    }
    panic!("the check found nothing wrong with positions from a sequence");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shell_that_stays_in_its_transaction_holds_everybody_up_and_hides_nothing() {
    let cluster = Cluster::started();
    let database = cluster.new_database().await;
    let url = cluster.url("ies_app", &database);
    let instances = [open(&url).await, open(&url).await];
    recorded(send(&instances[0], create("Croissant", 10)).await);
    let followers: Vec<_> = instances.iter().map(|ledger| follow(ledger, 30)).collect();
    let done = Arc::new(AtomicBool::new(false));
    let reader = cluster.connect("ies_read", &database).await;
    let watcher = tokio::spawn(watch(reader, "item_event_store", Arc::clone(&done)));
    let shell = cluster.connect("ies_app", &database).await;
    shell.batch_execute(&format!("BEGIN; {INSERT}")).await.expect("inserted");
    let held = async {
        tokio::time::sleep(Duration::from_secs(2)).await;
        // Those who could not wait that long have been told.
        for ledger in &instances {
            match send(ledger, batch()).await {
                Err(ExecuteError::NotStarted(_)) => {}
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(instances[0].store().head().await.expect("reads").position, Position(1));
        shell.batch_execute("COMMIT").await.expect("committed");
    };
    let writing = async {
        let mut writers = JoinSet::new();
        for number in 0..28 {
            let ledger = instances[number % 2].clone();
            let request = request(vec![batch()]);
            writers.spawn(async move { recorded(Ok(insist(&ledger, &request).await)).position });
        }
        writers.join_all().await
    };
    let (positions, ()) = tokio::join!(writing, held);
    assert!(positions.iter().all(|position| position.0 > 2), "the shell was first: {positions:?}");
    done.store(true, Ordering::SeqCst);
    for seen in followers.into_iter().chain([watcher]) {
        assert_eq!(each_once_in_order(&seen.await.expect("joins"), 30), Ok(()));
    }
    assert_eq!(verify(&instances[1]).await, Position(30));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transaction_that_wrote_nothing_to_the_log_stalls_nobody() {
    let cluster = Cluster::started();
    let database = cluster.new_database().await;
    let ledger = open(&cluster.url("ies_app", &database)).await;
    recorded(send(&ledger, create("Croissant", 10)).await);
    let follower = follow(&ledger, 51);
    let elsewhere = cluster.connect("postgres", &database).await;
    // It has a snapshot of the log and a transaction id older than all that follows.
    let open = "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM item_event_store;
         CREATE TABLE elsewhere (id INTEGER); INSERT INTO elsewhere VALUES (1)";
    elsewhere.batch_execute(open).await.expect("open");
    for _ in 0..50 {
        recorded(send(&ledger, batch()).await);
    }
    assert_eq!(each_once_in_order(&follower.await.expect("joins"), 51), Ok(()));
    elsewhere.batch_execute("COMMIT").await.expect("it was open all along");
    assert_eq!(verify(&ledger).await, Position(51));
}

async fn takes_one(ledger: &Ledger) -> bool {
    match insist(ledger, &request(vec![record(Movement::Bakeoff, 1)])).await {
        Answer::Recorded(_) => true,
        Answer::Rejected { rejected, .. } => {
            assert_eq!(rejected.rejection.code(), "insufficient_stock");
            false
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
