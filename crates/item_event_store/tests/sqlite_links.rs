//! SQLite's links between an item's events: what is found when somebody damages them, and that a
//! row of `item_inventory` that is wrong misleads nobody who writes.

use item_event_store::Ledger;
use item_event_store::access::Role;
use item_event_store::clock::SystemClock;
use item_event_store::command::{Command, CreateItem, Movement, Record, Request};
use item_event_store::ids::{ItemId, LedgerName};
use item_event_store::request::Answer;
use item_event_store::store::sqlite::SqliteStore;
use item_event_store::store::{Mode, Store};
use rusqlite::Connection;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const WITHOUT_GUARDS: &str = "
    CREATE TEMP TABLE kept AS SELECT name, sql FROM main.sqlite_schema WHERE type = 'trigger';";

async fn open(dir: &Path) -> Ledger {
    let store = SqliteStore::open(dir, Mode::Write).expect("a store");
    let tables = store.ledger(&LedgerName::default()).await.expect("a ledger");
    Ledger::open(tables, Arc::new(SystemClock)).await.expect("opens")
}

async fn execute(ledger: &Ledger, commands: Vec<Command>) {
    static KEYS: AtomicU64 = AtomicU64::new(0);
    let key = format!("key-{}", KEYS.fetch_add(1, Ordering::SeqCst)).parse().expect("a key");
    let request = Request::new(key, "anna".parse().expect("an actor"), commands).expect("commands");
    let answer = ledger.execute(request, Role::Manager).await.expect("an answer");
    assert!(matches!(answer, Answer::Recorded(_)), "{answer:?}");
}

fn create(name: &str) -> Command {
    Command::CreateItem(CreateItem {
        name: name.parse().expect("a name"),
        sku: None,
        unit: None,
        initial_quantity: 10,
        allow_negative: false,
        occurred_at: None,
        reference: None,
        note: None,
    })
}

fn batch(item: i64) -> Command {
    Command::Record(Record {
        item_id: ItemId(item),
        movement: Movement::Batch,
        quantity: 1,
        occurred_at: None,
        reference: None,
        note: None,
        expected_version: None,
    })
}

/// Two items, with 21 and 11 events between each other.
async fn filled(dir: &Path) -> Ledger {
    let ledger = open(dir).await;
    execute(&ledger, vec![create("Croissant"), create("Baguette")]).await;
    for _ in 0..10 {
        execute(&ledger, vec![batch(1), batch(2), batch(1)]).await;
    }
    ledger
}

/// Runs SQL with every guard taken away, and puts the guards back.
fn tamper(dir: &Path, sql: &str) {
    let mut conn = Connection::open(dir.join("main.db")).expect("a file");
    conn.busy_timeout(std::time::Duration::from_secs(10)).expect("a timeout");
    conn.execute_batch(WITHOUT_GUARDS).expect("kept");
    let tx = conn.transaction().expect("begun");
    let kept: Vec<(String, String)> = {
        let mut rows = tx.prepare("SELECT name, sql FROM temp.kept").expect("rows");
        let rows = rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).expect("rows");
        rows.collect::<Result<_, _>>().expect("rows")
    };
    for (name, _) in &kept {
        tx.execute_batch(&format!("DROP TRIGGER {name}")).expect("dropped");
    }
    tx.execute_batch(sql).expect("tampered");
    for (_, sql) in &kept {
        tx.execute_batch(sql).expect("put back");
    }
    tx.commit().expect("committed");
}

async fn faults(ledger: &Ledger) -> Vec<String> {
    ledger.store().integrity().await.expect("a check")
}

#[tokio::test]
async fn links_that_lead_elsewhere_are_found() {
    let dir = tempfile::tempdir().expect("a folder");
    let ledger = filled(dir.path()).await;
    assert_eq!(faults(&ledger).await, Vec::<String>::new());
    // Event 5 is the third of its item: it links to both before it, and to no other tree.
    for (damage, undo) in [
        ("previous_event_id = 1", "previous_event_id = 3"),
        ("middle_event_id = 0", "middle_event_id = 1"),
        ("middle_event_id = 2", "middle_event_id = 1"),
        ("jump_event_id = 1", "jump_event_id = 0"),
        ("jump_event_id = 31", "jump_event_id = 0"),
    ] {
        tamper(dir.path(), &format!("UPDATE item_event_store SET {damage} WHERE id = 5"));
        let found = faults(&ledger).await;
        assert!(found.iter().any(|fault| fault.starts_with("event 5 of item")), "{found:?}");
        tamper(dir.path(), &format!("UPDATE item_event_store SET {undo} WHERE id = 5"));
        assert_eq!(faults(&ledger).await, Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_count_that_names_the_wrong_event_misleads_no_writer() {
    let dir = tempfile::tempdir().expect("a folder");
    for damage in [
        "DELETE FROM item_inventory WHERE item_id = 1",
        "UPDATE item_inventory SET last_event_id = 4 WHERE item_id = 1",
        "UPDATE item_inventory SET last_event_id = 1, version = 1, quantity = 10 WHERE item_id = 1",
        "UPDATE item_inventory SET last_event_id = NULL, version = 0, quantity = 0",
    ] {
        let dir = dir.path().join(damage.len().to_string());
        let ledger = filled(&dir).await;
        ledger.close().await;
        drop(ledger);
        tamper(&dir, damage);
        let ledger = open(&dir).await;
        let wrong = ledger.store().discrepancies().await.expect("reads").value;
        assert!(wrong.iter().any(|wrong| wrong.item_id == ItemId(1)), "{damage}");
        execute(&ledger, vec![batch(1), batch(1)]).await;
        ledger.rebuild(None, &|_, _| ()).await.expect("rebuilds");
        let report = ledger.verify(true, &|_, _| ()).await.expect("verifies");
        assert!(report.clean(), "{damage}: {:#?}", report.findings);
        let count = ledger.store().inventory(ItemId(1), None).await.expect("reads").value;
        assert_eq!(count.expect("an item").count.version, 23, "{damage}");
    }
}

#[tokio::test]
async fn what_is_typed_is_refused_where_the_count_names_no_event_of_its_item() {
    let dir = tempfile::tempdir().expect("a folder");
    let ledger = filled(dir.path()).await;
    let shell = Connection::open(dir.path().join("main.db")).expect("a file");
    let typed = "INSERT INTO item_event_store (item_id, quantity_change, reason)
                 VALUES (1, 1, 'batch')";
    for damage in [
        "DELETE FROM item_inventory WHERE item_id = 1",
        "UPDATE item_inventory SET last_event_id = 4",
    ] {
        tamper(dir.path(), damage);
        let refused = shell.execute(typed, []).expect_err("refused").to_string();
        assert!(refused.contains("inventory_differs"), "{refused}");
        ledger.rebuild(None, &|_, _| ()).await.expect("rebuilds");
        shell.execute(typed, []).expect("accepted again");
    }
    for _ in 0..20 {
        shell.execute(typed, []).expect("accepted");
    }
    assert_eq!(faults(&ledger).await, Vec::<String>::new());
}
