//! What the tests of PostgreSQL alone have at hand: ledgers opened as the service opens them, the
//! commands that they are sent, and what is asked of every ledger in the end.
#![allow(dead_code, reason = "each test file uses its own part")]

#[path = "../store/backend/cluster.rs"]
pub mod cluster;
pub mod commits;
pub mod proxy;
pub mod watch;

pub use cluster::Cluster;
use item_event_store::Ledger;
use item_event_store::access::Role;
use item_event_store::clock::{Clock, SystemClock};
use item_event_store::command::{Command, CreateItem, Movement, Record, Request};
use item_event_store::error::ExecuteError;
use item_event_store::ids::{ItemId, LedgerName, Position};
use item_event_store::request::{Answer, Recorded};
use item_event_store::store::postgres::PostgresStore;
use item_event_store::store::{Mode, Store};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How long something may take before it counts as hanging.
pub const PATIENCE: Duration = Duration::from_mins(1);

/// The note's own insert.
pub const INSERT: &str =
    "INSERT INTO item_event_store (item_id, quantity_change, reason) VALUES (1, 1, 'batch')";

pub async fn open(url: &str) -> Ledger {
    open_with(url, Arc::new(SystemClock)).await
}

/// With a clock of its own.
pub async fn open_with(url: &str, clock: Arc<dyn Clock>) -> Ledger {
    let store = PostgresStore::open(url, Mode::Write).await.expect("a store");
    let tables = store.ledger(&LedgerName::default()).await.expect("a ledger");
    Ledger::open(tables, clock).await.expect("opens")
}

pub fn request(commands: Vec<Command>) -> Request {
    static KEYS: AtomicU64 = AtomicU64::new(0);
    let key = format!("key-{}", KEYS.fetch_add(1, Ordering::SeqCst));
    let actor = "anna".parse().expect("an actor");
    Request::new(key.parse().expect("a key"), actor, commands).expect("a request")
}

pub fn create(name: &str, initial_quantity: i64) -> Command {
    Command::CreateItem(CreateItem {
        name: name.parse().expect("a name"),
        sku: None,
        unit: None,
        initial_quantity,
        allow_negative: false,
        occurred_at: None,
        reference: None,
        note: None,
    })
}

/// A change of the first item.
pub fn record(movement: Movement, quantity: i64) -> Command {
    Command::Record(Record {
        item_id: ItemId(1),
        movement,
        quantity,
        occurred_at: None,
        reference: None,
        note: None,
        expected_version: None,
    })
}

pub fn batch() -> Command {
    record(Movement::Batch, 1)
}

pub async fn send(ledger: &Ledger, command: Command) -> Result<Answer, ExecuteError> {
    ledger.execute(request(vec![command]), Role::Manager).await
}

pub fn recorded(answer: Result<Answer, ExecuteError>) -> Recorded {
    match answer {
        Ok(Answer::Recorded(recorded)) => recorded,
        other => panic!("{other:?}"),
    }
}

/// Sends the same request until there is an answer: what is not started or not known is sent again.
pub async fn insist(ledger: &Ledger, request: &Request) -> Answer {
    let sending = async {
        loop {
            match ledger.execute(request.clone(), Role::Manager).await {
                Ok(answer) => return answer,
                Err(ExecuteError::NotStarted(_) | ExecuteError::Unknown(_)) => {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                Err(other) => panic!("{other}"),
            }
        }
    };
    tokio::time::timeout(PATIENCE, sending).await.expect("an answer in time")
}

/// The position up to which log and counts agree, and that nothing is wrong with either.
pub async fn verify(ledger: &Ledger) -> Position {
    let report = ledger.verify(true, &|_, _| ()).await.expect("verifies");
    assert!(report.clean(), "{:#?}", report.findings);
    report.position
}
