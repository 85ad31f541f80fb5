//! What only SQLite has: guards that hold in any shell, one file a ledger, locks, migrations,
//! copies. What every backend promises is in `tests/store`.

use item_event_store::book::Book;
use item_event_store::command::{Command, CreateItem, Movement, Record, Request};
use item_event_store::decide::{Base, Draft};
use item_event_store::error::StoreError;
use item_event_store::facts::Facts;
use item_event_store::ids::{ItemId, LedgerName, Position};
use item_event_store::query::{AsOf, EventQuery, ItemQuery, Order};
use item_event_store::reason::Kind;
use item_event_store::request::{Outcome, StoredRequest};
use item_event_store::store::Mode;
use item_event_store::store::sqlite::SqliteStore;
use item_event_store::store::{Batch, LedgerStore, Store};
use item_event_store::time::Timestamp;
use rusqlite::Connection;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use tempfile::TempDir;

struct Bakery {
    dir: TempDir,
    store: SqliteStore,
    ledger: Arc<dyn LedgerStore>,
    keys: AtomicI64,
}

impl Bakery {
    async fn open() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let store = SqliteStore::open(dir.path(), Mode::Write).expect("a store");
        let ledger = store.ledger(&LedgerName::default()).await.expect("a ledger");
        Self { dir, store, ledger, keys: AtomicI64::new(0) }
    }

    /// With item 1, which has 24, and item 2, which has none.
    async fn stocked() -> Self {
        let bakery = Self::open().await;
        bakery.execute(vec![create("Croissant", 24), create("Strudel", 0)]).await;
        bakery
    }

    fn file(&self) -> PathBuf {
        self.dir.path().join("main.db")
    }

    /// As a shell connects: no foreign keys, no recursive triggers.
    fn shell(&self) -> Connection {
        let conn = Connection::open(self.file()).expect("a file");
        conn.execute_batch("PRAGMA foreign_keys = OFF; PRAGMA recursive_triggers = OFF;")
            .expect("settings");
        conn
    }

    /// As the writer does it: load, decide, append, commit.
    async fn execute(&self, commands: Vec<Command>) {
        self.execute_with(commands, |_| ()).await.expect("appended");
    }

    /// The same, with something changed in what is written.
    async fn execute_with(
        &self,
        commands: Vec<Command>,
        change: impl FnOnce(&mut Batch),
    ) -> Result<(), StoreError> {
        let n = self.keys.fetch_add(1, Ordering::SeqCst);
        let actor = "test".parse().expect("an actor");
        let key = format!("key-{n}").parse().expect("a key");
        let request = Request::new(key, actor, commands).expect("a request");
        let mut tx = self.ledger.begin(&[]).await.expect("begin");
        let loaded = tx.load().await.expect("load");
        let (mut book, base) = (Book::load(loaded.rows), loaded.head);
        let now = Timestamp::now().max(base.last_created_at);
        let facts = Facts::default();
        let begun = Base { position: base.position, items_revision: base.items_revision, now };
        let mut draft = Draft::new(&mut book, &facts, begun);
        let id = base.last_request_id + 1;
        let decided = draft.decide(&request, id).expect("accepted");
        let drafted = draft.finish();
        let mut head = base.clone();
        head.position = base.position.plus(drafted.events.len());
        head.items_revision += i64::try_from(drafted.item_changes.len()).expect("few");
        head.last_request_id = id;
        head.last_created_at = drafted.events.last().map_or(now, |event| event.created_at);
        if drafted.events.is_empty() {
            head.last_created_at = base.last_created_at;
        }
        let stored = StoredRequest {
            id,
            hash: request.hash(),
            key: request.key,
            actor: request.actor,
            created_at: now,
            position: head.position,
            outcome: Outcome::Recorded {
                events: decided.events.len(),
                item_revisions: (base.items_revision, head.items_revision),
                unchanged: decided.unchanged,
            },
        };
        let mut batch = Batch {
            base,
            head,
            events: drafted.events,
            item_changes: drafted.item_changes,
            inventory: drafted.inventory,
            requests: vec![stored],
        };
        change(&mut batch);
        tx.append(&batch).await.map(|written| assert!(written))
    }

    async fn quantity(&self, item: i64) -> i64 {
        let found = self.ledger.inventory(ItemId(item), None).await.expect("a read");
        found.value.expect("an item").count.quantity
    }

    /// Everything that the ledger says, as text.
    fn dump(&self) -> String {
        let conn = self.shell();
        let tables = ["item_event_store", "item_inventory", "items", "item_changes", "requests"];
        let mut text = String::new();
        for table in tables.into_iter().chain(["ledgers"]) {
            let mut rows = conn.prepare(&format!("SELECT * FROM {table}")).expect("a table");
            let columns = rows.column_count();
            let mut rows = rows.query([]).expect("rows");
            while let Some(row) = rows.next().expect("a row") {
                for column in 0..columns {
                    let _ = write!(text, "{:?} ", row.get_ref(column).expect("a value"));
                }
                text += "\n";
            }
        }
        text
    }
}

fn create(name: &str, initial_quantity: i64) -> Command {
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

fn batch_of(item: i64, quantity: i64) -> Command {
    Command::Record(Record {
        item_id: ItemId(item),
        movement: Movement::Batch,
        quantity,
        occurred_at: None,
        reference: None,
        note: None,
        expected_version: None,
    })
}

#[tokio::test]
async fn the_notes_own_insert_is_completed_and_counted() {
    let bakery = Bakery::stocked().await;
    bakery
        .shell()
        .execute_batch(
            "INSERT INTO item_event_store (item_id, quantity_change, reason)
             VALUES (1, 24, 'batch'), (1, -4, 'adjustment');
             INSERT INTO items (name, sku, unit) VALUES ('Brioche', 'BR', 'tray');
             INSERT INTO item_event_store (item_id, quantity_change, reason)
             VALUES (3, 7, 'initial');",
        )
        .expect("accepted");
    assert_eq!((bakery.quantity(1).await, bakery.quantity(3).await), (44, 7));
    let mut query = EventQuery::all(Order::NewestFirst, 2);
    query.item = Some(ItemId(1));
    let events = bakery.ledger.events(&query).await.expect("events");
    assert_eq!(events.position, Position(4));
    let last = &events.value[0];
    assert_eq!((last.id, last.version, last.quantity_after), (Position(3), 3, 44));
    assert_eq!(last.kind.map(Kind::as_str), Some("other"));
    assert!(last.created_at >= events.value[1].created_at);
    // The writer goes on where the shell stopped.
    bakery.execute(vec![batch_of(3, 5), create("Eclair", 1)]).await;
    assert_eq!(bakery.quantity(3).await, 12);
    assert_eq!(bakery.ledger.discrepancies().await.expect("a read").value, vec![]);
    assert_eq!(bakery.ledger.integrity().await.expect("a check"), Vec::<String>::new());
}

/// Each with the code that refuses it.
const BROKEN_RULES: &[(&str, &str)] = &[
    ("(1, -1, 'batch', NULL, NULL)", "invalid_sign"),
    ("(1, 1, 'bakeoff', NULL, NULL)", "invalid_sign"),
    ("(1, 1, 'special_order', NULL, NULL)", "invalid_sign"),
    ("(2, -1, 'initial', NULL, NULL)", "invalid_sign"),
    ("(1, 1, 'adjustment', 'waste', NULL)", "invalid_sign"),
    ("(1, -1, 'adjustment', 'return', NULL)", "invalid_sign"),
    ("(1, 0, 'batch', NULL, NULL)", "zero_quantity"),
    ("(1, 0, 'adjustment', 'override', NULL)", "zero_quantity"),
    ("(1, 2000000001, 'batch', NULL, NULL)", "CHECK"),
    ("(1, 2000000000, 'batch', NULL, NULL)", "quantity_out_of_range"),
    ("(1, 1, 'theft', NULL, NULL)", "CHECK"),
    ("(1, 1, 'adjustment', 'theft', NULL)", "CHECK"),
    ("(1, 1, 'batch', 'other', NULL)", "kind_not_allowed"),
    ("(9, 1, 'batch', NULL, NULL)", "item_not_found"),
    ("(1, -25, 'bakeoff', NULL, NULL)", "insufficient_stock"),
    ("(1, 1, 'initial', NULL, NULL)", "initial_not_first"),
    ("(1, 1, 'batch', NULL, 9999999999000000)", "occurred_in_future"),
    ("(1, 1.5, 'batch', NULL, NULL)", "cannot store REAL"),
];

#[tokio::test]
async fn a_typed_event_that_breaks_a_rule_is_refused() {
    let bakery = Bakery::stocked().await;
    let (before, shell) = (bakery.dump(), bakery.shell());
    for (values, code) in BROKEN_RULES {
        let sql = format!(
            "INSERT INTO item_event_store
               (item_id, quantity_change, reason, kind, occurred_at) VALUES {values}"
        );
        let refused = shell.execute(&sql, []).expect_err(values).to_string();
        assert!(refused.contains(code), "{values}: {refused}");
        // With OR IGNORE a constraint only skips the row; what a trigger refuses stays refused.
        let _ = shell.execute(&sql.replacen("INSERT", "INSERT OR IGNORE", 1), []);
        let _ = shell.execute(&sql.replacen("INSERT", "INSERT OR REPLACE", 1), []);
        assert_eq!(bakery.dump(), before, "{values}");
    }
}

#[tokio::test]
async fn a_typed_correction_follows_the_rules() {
    let bakery = Bakery::stocked().await;
    let shell = bakery.shell();
    let correct = |event: i64, change: i64| {
        let sql = "INSERT INTO item_event_store
            (item_id, quantity_change, reason, kind, corrects_event_id)
            VALUES (1, ?2, 'adjustment', 'correction', ?1)";
        shell.execute(sql, [event, change]).map_err(|error| error.to_string())
    };
    assert_eq!(correct(1, -20), Ok(1));
    assert!(correct(1, -5).expect_err("below zero").contains("invalid_sign"));
    assert!(correct(2, 5).expect_err("a correction").contains("not_correctable"));
    assert!(correct(9, 5).expect_err("no event").contains("event_not_found"));
    let count = "INSERT INTO item_event_store (item_id, quantity_change, reason, kind)
                 VALUES (1, 0, 'adjustment', 'count')";
    shell.execute(count, []).expect("a count may confirm the book");
    assert!(correct(1, 5).expect_err("counted").contains("before_last_count"));
    assert_eq!(bakery.quantity(1).await, 4);
}

/// Statements that would change what nothing explains.
const UNEXPLAINED: &[&str] = &[
    "UPDATE item_event_store SET quantity_change = 25 WHERE id = 1",
    "UPDATE item_event_store SET version = 0",
    "DELETE FROM item_event_store",
    "INSERT OR REPLACE INTO item_event_store (id, item_id, quantity_change, reason)
       VALUES (1, 1, 25, 'batch')",
    "INSERT INTO item_event_store (id, item_id, quantity_change, reason)
       VALUES (9, 1, 25, 'batch')",
    "INSERT INTO item_event_store (id, item_id, quantity_change, reason)
       VALUES (-1, 1, 1, 'batch')",
    "INSERT INTO item_event_store (item_id, quantity_change, reason, version, quantity_after)
       VALUES (1, 1, 'batch', 2, 25)",
    "INSERT INTO item_event_store (item_id, quantity_change, reason, created_at)
       VALUES (1, 1, 'batch', 5)",
    "INSERT INTO item_event_store (id, item_id, quantity_change, reason) VALUES (1, 1, 1, 'batch')
       ON CONFLICT (id) DO UPDATE SET quantity_change = 1",
    "UPDATE item_inventory SET quantity = 25 WHERE item_id = 1",
    "UPDATE item_inventory SET quantity = 25, last_event_id = NULL, version = 0",
    "UPDATE item_inventory SET updated_at = 1 WHERE item_id = 1",
    "DELETE FROM item_inventory",
    "INSERT OR REPLACE INTO item_inventory VALUES (1, 25, 1, 1, 0, 0)",
    "INSERT INTO item_inventory VALUES (9, 0, 0, NULL, 0, 0)",
    "UPDATE items SET name = 'Other'",
    "UPDATE items SET id = 7 WHERE id = 1",
    "DELETE FROM items",
    "INSERT OR REPLACE INTO items (id, name) VALUES (1, 'Other')",
    "INSERT OR REPLACE INTO items (name, sku) VALUES ('Other', 'TAKEN')",
    "INSERT INTO items (id, name) VALUES (9, 'Other')",
    "INSERT INTO items (name, revision) VALUES ('Other', 4)",
    "INSERT INTO items (name) VALUES ('Ot' || char(10) || 'her')",
    "INSERT INTO items (name) VALUES ('Ot' || char(0) || 'her')",
    "UPDATE item_changes SET name = 'Other'",
    "DELETE FROM item_changes",
    "INSERT INTO item_changes VALUES (4, 1, 'edited', NULL, 1, 'x', NULL, 'x', 0, NULL, 0, 0)",
    "INSERT OR REPLACE INTO item_changes
       VALUES (1, 1, 'edited', NULL, 1, 'x', NULL, 'x', 0, NULL, 0, 0)",
    "UPDATE requests SET outcome = '{}'",
    "DELETE FROM requests",
    "INSERT INTO requests VALUES (3, 'k', zeroblob(32), 'a', 0, 1, '{}')",
    "INSERT OR REPLACE INTO requests VALUES (1, 'k', zeroblob(32), 'a', 0, 1, '{}')",
    "UPDATE ledgers SET position = 5",
    "UPDATE ledgers SET last_created_at = last_created_at + 1",
    "UPDATE ledgers SET items_revision = 9",
    "UPDATE ledgers SET counts_revision = counts_revision + 2",
    "UPDATE ledgers SET day_start_hour = 24",
    "UPDATE ledgers SET name = 'other'",
    "UPDATE ledgers SET writing_after = 0",
    "DELETE FROM ledgers",
    "INSERT INTO ledgers (id, name, epoch, created_at) VALUES (2, 'x', '0123456789abcdef', 0)",
    "INSERT OR REPLACE INTO ledgers (name, epoch, created_at) VALUES ('x', '0123456789abcdef', 0)",
];

#[tokio::test]
async fn what_nothing_explains_is_refused() {
    let bakery = Bakery::stocked().await;
    let shell = bakery.shell();
    shell.execute("INSERT INTO items (name, sku) VALUES ('Taken', 'TAKEN')", []).expect("made");
    let before = bakery.dump();
    for sql in UNEXPLAINED {
        assert!(shell.execute(sql, []).is_err(), "{sql}");
        assert_eq!(bakery.dump(), before, "{sql}");
        let ignoring = sql.replacen("INSERT INTO", "INSERT OR IGNORE INTO", 1).replacen(
            "UPDATE ",
            "UPDATE OR IGNORE ",
            1,
        );
        let _ = shell.execute(&ignoring, []);
        assert_eq!(bakery.dump(), before, "{ignoring}");
    }
    shell
        .execute("UPDATE ledgers SET time_zone = 'Europe/Vienna', day_start_hour = 3", [])
        .unwrap();
    assert_eq!(bakery.ledger.head().await.expect("a head").settings.day_start_hour, 3);
}

#[tokio::test]
async fn an_old_sqlite_shell_can_type_the_insert_too() {
    let bakery = Bakery::stocked().await;
    let file = bakery.file();
    let Bakery { dir, store, ledger, .. } = bakery;
    drop((store, ledger));
    let insert = "INSERT INTO item_event_store (item_id, quantity_change, reason)
                  VALUES (1, 6, 'batch'); SELECT quantity FROM item_inventory WHERE item_id = 1;";
    let Ok(output) = std::process::Command::new("sqlite3").arg(file).arg(insert).output() else {
        println!("skipped: there is no sqlite3 on this machine");
        return;
    };
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(text.trim(), "30", "{}", String::from_utf8_lossy(&output.stderr));
    drop(dir);
}

#[tokio::test]
async fn one_process_writes_and_others_read_beside_it() {
    let bakery = Bakery::stocked().await;
    let second = SqliteStore::open(bakery.dir.path(), Mode::Write).map(|_| ());
    let Err(StoreError::InUse(message)) = second else { panic!("{second:?}") };
    assert!(message.contains("--server"), "{message}");
    assert!(message.contains(&std::process::id().to_string()), "{message}");

    let reader = SqliteStore::open(bakery.dir.path(), Mode::Read).expect("a reader");
    assert!(reader.read_only());
    let seen = reader.ledger(&LedgerName::default()).await.expect("a ledger");
    let held = bakery.ledger.begin(&[]).await.expect("begin");
    assert_eq!(seen.head().await.expect("a head").position, Position(1));
    drop(held);
    bakery.execute(vec![batch_of(1, 1)]).await;
    assert_eq!(seen.head().await.expect("a head").position, Position(2));
    assert_eq!(seen.begin(&[]).await.map(|_| ()), Err(StoreError::ReadOnly));
    let missing = reader.ledger(&"north".parse().expect("a name")).await.map(|_| ());
    assert!(matches!(missing, Err(StoreError::NotFound(_))), "{missing:?}");
    let reserved = bakery.store.ledger(&"store".parse().expect("a name")).await.map(|_| ());
    assert!(matches!(reserved, Err(StoreError::Refused(_))), "{reserved:?}");
}

#[tokio::test]
async fn a_store_that_does_not_exist_is_not_made_by_reading() {
    let dir = tempfile::tempdir().expect("a folder");
    let missing = SqliteStore::open(&dir.path().join("none"), Mode::Read).map(|_| ());
    assert!(matches!(missing, Err(StoreError::NotFound(_))), "{missing:?}");
    assert!(!dir.path().join("none").exists());
}

#[tokio::test]
async fn a_shell_that_holds_the_ledger_makes_the_writer_busy() {
    let bakery = Bakery::stocked().await;
    let shell = bakery.shell();
    shell.execute_batch("BEGIN IMMEDIATE").expect("held");
    let busy = bakery.ledger.begin(&[]).await.map(|_| ());
    assert!(matches!(busy, Err(StoreError::Busy(_))), "{busy:?}");
    shell.execute_batch("ROLLBACK").expect("released");
    assert!(bakery.ledger.begin(&[]).await.is_ok());
}

#[tokio::test]
async fn a_transaction_that_is_dropped_leaves_nothing() {
    let bakery = Bakery::stocked().await;
    let before = bakery.dump();
    let mut tx = bakery.ledger.begin(&[]).await.expect("begin");
    let loaded = tx.load().await.expect("load");
    let rows = loaded.rows;
    tx.replace_counts(&rows, &[]).await.expect("the rows are what the log says");
    drop(tx);
    assert_eq!(bakery.dump(), before);
}

#[tokio::test]
async fn a_wrong_count_is_found_and_replaced() {
    let bakery = Bakery::stocked().await;
    let shell = bakery.shell();
    shell
        .execute_batch(
            "CREATE TABLE kept AS SELECT name, sql FROM sqlite_schema WHERE type = 'trigger';
             DROP TRIGGER item_inventory_update; DROP TRIGGER item_inventory_insert;
             UPDATE item_inventory SET quantity = 99 WHERE item_id = 1;
             INSERT INTO item_inventory VALUES (9, 5, 1, 1, 0, 0);",
        )
        .expect("somebody who knows how");
    let faults = bakery.ledger.integrity().await.expect("a check");
    assert!(faults.iter().any(|f| f.contains("item_inventory_update is missing")), "{faults:?}");
    assert!(faults.iter().any(|f| f.contains("table kept is not ours")), "{faults:?}");

    let mut tx = bakery.ledger.begin(&[]).await.expect("begin");
    let loaded = tx.load().await.expect("load");
    let wrong: Vec<_> = loaded.discrepancies.iter().map(|d| d.item_id.0).collect();
    assert_eq!(wrong, [1, 9]);
    let row = loaded.rows.iter().find(|row| row.item.id == ItemId(1)).expect("an item").clone();
    assert_eq!(row.count.quantity, 24);
    tx.replace_counts(&[row], &[ItemId(9)]).await.expect("replaced");
    tx.commit().await.expect("commit");
    assert_eq!(bakery.ledger.discrepancies().await.expect("a read").value, vec![]);
    assert_eq!(bakery.ledger.head().await.expect("a head").counts_revision, 1);
}

/// The writer's own mistakes: its batch is held to the guards as a whole.
#[tokio::test]
async fn a_batch_that_nothing_explains_is_refused() {
    let bakery = Bakery::stocked().await;
    let before = bakery.dump();
    let mistakes: [fn(&mut Batch); 9] = [
        |batch| batch.inventory[0].count.quantity += 1,
        |batch| batch.inventory[0].count.version += 1,
        |batch| batch.inventory[0].count.updated_at = Timestamp::MIN,
        |batch| batch.inventory.clear(),
        |batch| batch.events.clear(),
        |batch| batch.events[0].id = Position(5),
        |batch| batch.head.position = Position(5),
        |batch| batch.requests.clear(),
        |batch| batch.head.items_revision += 1,
    ];
    for (n, mistake) in mistakes.into_iter().enumerate() {
        let refused = bakery.execute_with(vec![batch_of(1, 1)], mistake).await;
        assert!(matches!(refused, Err(StoreError::Refused(_))), "{n}: {refused:?}");
        assert_eq!(bakery.dump(), before, "{n}");
    }
    let unmade = bakery.execute_with(vec![create("Eclair", 0)], |batch| batch.inventory.clear());
    assert!(matches!(unmade.await, Err(StoreError::Refused(_))));
    assert_eq!(bakery.dump(), before);
    bakery.execute(vec![batch_of(1, 1), create("Eclair", 1)]).await;
    assert_eq!(bakery.ledger.integrity().await.expect("a check"), Vec::<String>::new());
}

#[tokio::test]
async fn the_past_is_read_by_position_and_by_time() {
    let bakery = Bakery::stocked().await;
    for quantity in 1..=9 {
        bakery.execute(vec![batch_of(1, quantity)]).await;
    }
    let all = EventQuery::all(Order::OldestFirst, 100);
    let events = bakery.ledger.events(&all).await.expect("events").value;
    assert_eq!(events.len(), 10);
    for event in &events {
        for as_of in [AsOf::Position(event.id), AsOf::Time(event.created_at)] {
            let query = ItemQuery { limit: 9, ..ItemQuery::default() };
            let found = bakery.ledger.inventories(&query, Some(as_of));
            let found = found.await.expect("a read").value;
            assert_eq!(found.len(), 2);
            assert_eq!(found[0].count.quantity, event.quantity_after);
        }
        let mut query = all.clone();
        (query.from, query.item) = (Some(event.created_at), Some(ItemId(1)));
        let later = bakery.ledger.events(&query).await.expect("events").value;
        assert_eq!(later.first(), Some(event));
        (query.from, query.to, query.item) = (None, Some(event.created_at), None);
        let earlier = bakery.ledger.events(&query).await.expect("events").value;
        assert_eq!(earlier.last(), events.iter().rev().find(|e| e.id < event.id));
    }
    let before = Some(AsOf::Time(Timestamp::MIN));
    let empty = bakery.ledger.inventory(ItemId(1), before).await.expect("a read").value;
    assert_eq!(empty.expect("an item").count.version, 0);
    let mut tx = bakery.ledger.begin(&[]).await.expect("begin");
    let since = tx.changes_since(ItemId(1), events[4].created_at).await.expect("a sum");
    assert_eq!(since, 5 + 6 + 7 + 8 + 9);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_under_load_is_one_good_file_and_restores_as_another_history() {
    let bakery = Arc::new(Bakery::stocked().await);
    let stop = Arc::new(AtomicBool::new(false));
    let load = tokio::spawn({
        let (bakery, stop) = (Arc::clone(&bakery), Arc::clone(&stop));
        async move {
            while !stop.load(Ordering::SeqCst) {
                bakery.execute(vec![batch_of(1, 1), batch_of(2, 1)]).await;
            }
        }
    });
    let copies = tempfile::tempdir().expect("a folder");
    for n in 0..5 {
        let file = copies.path().join(format!("{n}.db"));
        let head = bakery.ledger.backup(&file).await.expect("a backup");
        let again = bakery.ledger.backup(&file).await;
        assert!(matches!(again, Err(StoreError::Refused(_))), "{again:?}");
        let name: LedgerName = format!("copy-{n}").parse().expect("a name");
        let restored = bakery.store.restore(&name, &file).await.expect("restored");
        assert_eq!(restored.position, head.position);
        assert_ne!(restored.epoch, head.epoch);
        let copy = bakery.store.ledger(&name).await.expect("a ledger");
        assert_eq!(copy.head().await.expect("a head"), restored);
        assert_eq!(copy.integrity().await.expect("a check"), Vec::<String>::new());
        assert_eq!(copy.discrepancies().await.expect("a read").value, vec![]);
        let onto = bakery.store.restore(&name, &file).await;
        assert!(matches!(onto, Err(StoreError::Refused(_))), "{onto:?}");
    }
    stop.store(true, Ordering::SeqCst);
    load.await.expect("no write failed");
    let files = std::fs::read_dir(copies.path()).expect("a folder").count();
    assert_eq!(files, 5, "a backup is one file");
    let garbage = copies.path().join("garbage.db");
    std::fs::write(&garbage, vec![7; 8192]).expect("written");
    let name = "garbage".parse().expect("a name");
    let refused = bakery.store.restore(&name, &garbage).await;
    assert!(matches!(refused, Err(StoreError::Corrupt(_))), "{refused:?}");
    assert!(!bakery.dir.path().join("garbage.db").exists());
    assert!(!bakery.dir.path().join("garbage.db.partial").exists());
}

#[cfg(unix)]
#[tokio::test]
async fn the_files_are_their_owners_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().expect("a folder");
    let dir = dir.path().join("store");
    let store = SqliteStore::open(&dir, Mode::Write).expect("a store");
    let _ledger = store.ledger(&LedgerName::default()).await.expect("a ledger");
    let mode = |path: &std::path::Path| path.metadata().expect("a file").permissions().mode();
    assert_eq!(mode(&dir) & 0o777, 0o700);
    for file in std::fs::read_dir(&dir).expect("a folder") {
        let path = file.expect("a file").path();
        assert_eq!(mode(&path) & 0o777, 0o600, "{}", path.display());
    }
}

#[tokio::test]
async fn a_closed_ledger_is_one_file_and_opens_again() {
    let bakery = Bakery::stocked().await;
    let before = bakery.dump();
    let Bakery { dir, store, ledger, keys } = bakery;
    drop((store, ledger));
    assert!(!dir.path().join("main.db-wal").exists());
    let store = SqliteStore::open(dir.path(), Mode::Write).expect("the lock is free");
    let ledger = store.ledger(&LedgerName::default()).await.expect("a ledger");
    let bakery = Bakery { dir, store, ledger, keys };
    assert_eq!(bakery.dump(), before);
    bakery.execute(vec![batch_of(1, 1)]).await;
    assert!(bakery.store.size_bytes().await.expect("a size") > 4096);
}
