//! What a start does with what a process that died left behind: it is made to last before anybody
//! is told of it. Nothing here can make a disk fail; the fault tests of `crates/torture` do.

use item_event_store::Ledger;
use item_event_store::access::Role;
use item_event_store::clock::SystemClock;
use item_event_store::command::{Command, CreateItem, Request};
use item_event_store::ids::{LedgerName, Position};
use item_event_store::request::Answer;
use item_event_store::store::sqlite::SqliteStore;
use item_event_store::store::{Mode, Store};
use item_event_store::time::Timestamp;
use item_event_store::token::{Secret, TokenRow};
use rusqlite::Connection;
use std::path::Path;
use std::sync::Arc;

const ITEMS: i64 = 5;

/// A store with a token and a ledger of some items, copied while it was in use: the files as a
/// process that dies leaves them.
async fn left_by_a_dead_process() -> tempfile::TempDir {
    let (alive, left) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir());
    let left = left.expect("a folder");
    let store = SqliteStore::open(alive.path(), Mode::Write).expect("a store");
    let token = TokenRow {
        name: "anna".parse().expect("a name"),
        role: Role::Baker,
        ledger: None,
        hash: Secret::random().hash(),
        created_at: Timestamp::now(),
        expires_at: None,
    };
    store.add_token(token).await.expect("a token");
    let tables = store.ledger(&LedgerName::default()).await.expect("a ledger");
    let ledger = Ledger::open(tables, Arc::new(SystemClock)).await.expect("opens");
    for number in 0..ITEMS {
        let create = Command::CreateItem(CreateItem {
            name: format!("Item {number}").parse().expect("a name"),
            sku: None,
            unit: None,
            initial_quantity: 10,
            allow_negative: false,
            occurred_at: None,
            reference: None,
            note: None,
        });
        let key = format!("key-{number}").parse().expect("a key");
        let actor = "anna".parse().expect("an actor");
        let request = Request::new(key, actor, vec![create]).expect("a request");
        let answer = ledger.execute(request, Role::Manager).await.expect("an answer");
        assert!(matches!(answer, Answer::Recorded(_)), "{answer:?}");
    }
    for file in ["store.db", "store.db-wal", "main.db", "main.db-wal"] {
        std::fs::copy(alive.path().join(file), left.path().join(file)).expect("copied");
    }
    ledger.close().await;
    left
}

/// The rows of a table in a file without the log beside it.
fn rows_in_the_file_alone(file: &Path, table: &str) -> i64 {
    let alone = tempfile::tempdir().expect("a folder");
    let copy = alone.path().join("alone.db");
    std::fs::copy(file, &copy).expect("copied");
    let conn = Connection::open(copy).expect("a file");
    let count = format!("SELECT count(*) FROM {table}");
    conn.query_row(&count, [], |row| row.get(0)).expect("a table")
}

#[tokio::test]
async fn what_a_dead_process_left_in_a_log_is_in_the_file_when_the_ledger_is_open() {
    let left = left_by_a_dead_process().await;
    let file = left.path().join("main.db");
    assert_eq!(rows_in_the_file_alone(&file, "item_event_store"), 0, "it is in the log only");
    let store = SqliteStore::open(left.path(), Mode::Write).expect("a store");
    let ledger = store.ledger(&LedgerName::default()).await.expect("a ledger");
    assert_eq!(rows_in_the_file_alone(&file, "item_event_store"), ITEMS);
    assert_eq!(ledger.head().await.expect("a head").position, Position(ITEMS));
}

#[tokio::test]
async fn the_tokens_of_a_dead_process_are_in_their_file_when_the_store_is_open() {
    let left = left_by_a_dead_process().await;
    let file = left.path().join("store.db");
    assert_eq!(rows_in_the_file_alone(&file, "tokens"), 0, "they are in the log only");
    let _store = SqliteStore::open(left.path(), Mode::Write).expect("a store");
    assert_eq!(rows_in_the_file_alone(&file, "tokens"), 1);
}

#[tokio::test]
async fn a_log_begins_anew_so_that_its_older_part_cannot_come_back() {
    let left = left_by_a_dead_process().await;
    let length = |log: &str| left.path().join(log).metadata().expect("a log").len();
    assert!(length("main.db-wal") > 0 && length("store.db-wal") > 0);
    let store = SqliteStore::open(left.path(), Mode::Write).expect("a store");
    let _ledger = store.ledger(&LedgerName::default()).await.expect("a ledger");
    assert_eq!((length("main.db-wal"), length("store.db-wal")), (0, 0));
}
