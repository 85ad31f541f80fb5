//! What every promise is given: an empty ledger on a real database, and a shell beside it.

use async_trait::async_trait;
use item_event_store::Ledger;
use item_event_store::access::Role;
use item_event_store::clock::{Clock as _, SetClock};
use item_event_store::command::{
    Adjust, Command, Correct, CreateItem, EditItem, Expected, Movement, Record, Request,
    SetInventory, SetKind,
};
use item_event_store::error::ExecuteError;
use item_event_store::event::Event;
use item_event_store::ids::{IdempotencyKey, ItemId, LedgerName, Position};
use item_event_store::limits::BATCHES_UNDER_WAY;
use item_event_store::query::{EventQuery, Order};
use item_event_store::reason::Kind;
use item_event_store::rejection::Rejection;
use item_event_store::request::{Answer, Recorded};
use item_event_store::store::Store;
use item_event_store::time::Timestamp;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

pub use citus::citus;
pub use postgres::postgres;
pub use sqlite::sqlite;

#[path = "backend/citus.rs"]
mod citus;
#[path = "backend/cluster.rs"]
mod cluster;
#[path = "backend/postgres.rs"]
mod postgres;
#[path = "backend/sqlite.rs"]
mod sqlite;

/// What databases call by different names.
pub struct Words {
    /// Which one it is, for promises that have statements of its own.
    pub backend: &'static str,
    /// Begins a transaction that writes to the ledger.
    pub begin: &'static str,
    /// 1970-01-01T00:00:00Z.
    pub epoch: &'static str,
    /// [`MORNING`].
    pub morning: &'static str,
}

/// A database that is there for one promise only.
#[async_trait]
pub trait Backend: Send + Sync {
    /// What it calls things.
    fn words(&self) -> Words;
    /// The store, opened anew.
    async fn open(&self) -> Arc<dyn Store>;
    /// A shell of the database's own kind: no settings of ours, guards in force.
    fn shell(&self) -> Box<dyn Shell>;
    /// What is typed to record an event by hand: the note's own insert, where there are triggers.
    fn insert(&self, item: i64, quantity_change: i64, reason: &str) -> String {
        format!(
            "INSERT INTO item_event_store (item_id, quantity_change, reason)
             VALUES ({item}, {quantity_change}, '{reason}')"
        )
    }
    /// What is typed to make an item by hand.
    fn insert_item(&self, name: &str) -> String {
        format!("INSERT INTO items (name) VALUES ('{name}')")
    }
    /// Does what no guard can stop: runs SQL with all guards taken away, then puts them back.
    fn tamper(&self, sql: &str);
    /// A folder for files.
    fn folder(&self) -> PathBuf;
}

/// A connection that is not the service's.
pub trait Shell: Send {
    /// Runs statements; the database's own message when it refuses.
    fn run(&mut self, sql: &str) -> Result<(), String>;
    /// The first column of the first row, as text.
    fn value(&mut self, sql: &str) -> Option<String>;
}

pub struct TestLedger {
    pub backend: Box<dyn Backend>,
    pub clock: Arc<SetClock>,
    open: Mutex<Option<(Arc<dyn Store>, Ledger)>>,
    keys: AtomicU64,
    damaged: AtomicBool,
}

pub const MORNING: &str = "2026-11-23T05:00:00Z";

pub fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

impl TestLedger {
    async fn new(backend: Box<dyn Backend>) -> Self {
        let t = Self {
            backend,
            clock: Arc::new(SetClock::new(at(MORNING))),
            open: Mutex::new(None),
            keys: AtomicU64::new(0),
            damaged: AtomicBool::new(false),
        };
        t.open().await;
        t
    }

    pub async fn open(&self) {
        let store = self.backend.open().await;
        let tables = store.ledger(&LedgerName::default()).await.expect("a ledger");
        let ledger = Ledger::open(tables, Arc::clone(&self.clock) as _).await.expect("opens");
        *self.open.lock().expect("unpoisoned") = Some((store, ledger));
    }

    pub async fn close(&self) {
        self.ledger().close().await;
        *self.open.lock().expect("unpoisoned") = None;
    }

    pub async fn reopen(&self) {
        self.close().await;
        self.open().await;
    }

    /// Does something to the store while nobody has it open.
    pub async fn close_and(&self, act: impl FnOnce(&dyn Backend)) {
        self.close().await;
        act(self.backend.as_ref());
        self.open().await;
    }

    pub fn ledger(&self) -> Ledger {
        self.open.lock().expect("unpoisoned").as_ref().expect("open").1.clone()
    }

    pub fn store(&self) -> Arc<dyn Store> {
        Arc::clone(&self.open.lock().expect("unpoisoned").as_ref().expect("open").0)
    }

    /// The promise leaves the ledger damaged on purpose: no verification at its end.
    pub fn leave_damaged(&self) {
        self.damaged.store(true, Ordering::SeqCst);
    }

    pub async fn finish(self) {
        if !self.damaged.load(Ordering::SeqCst) {
            let report = self.ledger().verify(true, &|_, _| ()).await.expect("verifies");
            assert!(report.clean(), "{:#?}", report.findings);
        }
        self.close().await;
    }

    pub fn clock_now(&self) -> Timestamp {
        self.clock.now()
    }

    pub fn key(&self) -> IdempotencyKey {
        let number = self.keys.fetch_add(1, Ordering::SeqCst);
        format!("test-{number}").parse().expect("a key")
    }

    pub fn request(&self, commands: Vec<Command>) -> Request {
        Request::new(self.key(), "anna".parse().expect("an actor"), commands).expect("a request")
    }

    pub async fn try_all(&self, commands: Vec<Command>) -> Result<Answer, ExecuteError> {
        self.ledger().execute(self.request(commands), Role::Manager).await
    }

    pub async fn all(&self, commands: Vec<Command>) -> Recorded {
        recorded(self.try_all(commands).await)
    }

    pub async fn one(&self, command: Command) -> Recorded {
        self.all(vec![command]).await
    }

    pub async fn rejection(&self, command: Command) -> Rejection {
        rejection(self.try_all(vec![command]).await)
    }

    pub async fn item(&self, name: &str, initial_quantity: i64) -> ItemId {
        self.one(create(name, initial_quantity)).await.items[0].id
    }

    pub async fn quantity(&self, item: ItemId) -> i64 {
        let row = self.ledger().store().inventory(item, None).await.expect("reads").value;
        row.expect("an item").count.quantity
    }

    pub async fn log(&self) -> Vec<Event> {
        let query = EventQuery::all(Order::OldestFirst, 1_000_000);
        self.ledger().store().events(&query).await.expect("reads").value
    }
}

/// How many batches of a ledger are being written at one time, at most.
pub fn under_way(ledger: &Ledger) -> usize {
    if ledger.store().finds_stored_keys() { BATCHES_UNDER_WAY } else { 1 }
}

pub fn recorded(answer: Result<Answer, ExecuteError>) -> Recorded {
    match answer.expect("an answer") {
        Answer::Recorded(recorded) => recorded,
        Answer::Rejected { rejected, .. } => panic!("rejected: {rejected}"),
    }
}

pub fn rejection(answer: Result<Answer, ExecuteError>) -> Rejection {
    match answer.expect("an answer") {
        Answer::Recorded(recorded) => panic!("recorded: {recorded:?}"),
        Answer::Rejected { rejected, .. } => rejected.rejection,
    }
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

pub fn edit(item_id: ItemId) -> EditItem {
    EditItem {
        item_id,
        name: None,
        sku: None,
        unit: None,
        allow_negative: None,
        archived: None,
        expected_version: None,
    }
}

fn record(item_id: ItemId, movement: Movement, quantity: i64) -> Record {
    Record {
        item_id,
        movement,
        quantity,
        occurred_at: None,
        reference: None,
        note: None,
        expected_version: None,
    }
}

pub fn batch(item: ItemId, quantity: i64) -> Command {
    Command::Record(record(item, Movement::Batch, quantity))
}

pub fn bakeoff(item: ItemId, quantity: i64) -> Command {
    Command::Record(record(item, Movement::Bakeoff, quantity))
}

pub fn bakeoff_at(item: ItemId, quantity: i64, occurred_at: &str) -> Command {
    let occurred_at = Some(at(occurred_at));
    Command::Record(Record { occurred_at, ..record(item, Movement::Bakeoff, quantity) })
}

pub fn bakeoff_if_version(item: ItemId, quantity: i64, version: i64) -> Command {
    let expected_version = Some(version);
    Command::Record(Record { expected_version, ..record(item, Movement::Bakeoff, quantity) })
}

pub fn special_order(item: ItemId, quantity: i64) -> Command {
    Command::Record(record(item, Movement::SpecialOrder, quantity))
}

pub fn adjust(item_id: ItemId, kind: Kind, quantity_change: i64) -> Command {
    Command::Adjust(Adjust {
        item_id,
        kind,
        quantity_change,
        occurred_at: None,
        reference: None,
        note: None,
        expected_version: None,
    })
}

pub fn set(item_id: ItemId, kind: SetKind, quantity: i64, expected_quantity: Expected) -> Command {
    Command::SetInventory(SetInventory {
        item_id,
        kind,
        quantity,
        expected_quantity,
        reference: None,
        note: None,
        expected_version: None,
    })
}

pub fn correct(position: Position, quantity_change: i64) -> Command {
    Command::Correct(Correct { position, quantity_change, note: None })
}
