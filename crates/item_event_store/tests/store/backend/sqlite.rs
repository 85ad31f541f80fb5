//! SQLite: a folder of its own for each promise.

use super::{Backend, Shell, TestLedger, Words};
use async_trait::async_trait;
use item_event_store::store::sqlite::SqliteStore;
use item_event_store::store::{Mode, Store};
use std::path::PathBuf;
use std::sync::Arc;

pub async fn sqlite() -> TestLedger {
    TestLedger::new(Box::new(Sqlite { folder: tempfile::tempdir().expect("a folder") })).await
}

struct Sqlite {
    folder: tempfile::TempDir,
}

#[async_trait]
impl Backend for Sqlite {
    fn words(&self) -> Words {
        Words {
            backend: "sqlite",
            begin: "BEGIN IMMEDIATE",
            epoch: "0",
            morning: "1795410000000000",
        }
    }

    async fn open(&self) -> Arc<dyn Store> {
        let folder = self.folder.path().join("store");
        Arc::new(SqliteStore::open(&folder, Mode::Write).expect("a store"))
    }

    fn shell(&self) -> Box<dyn Shell> {
        Box::new(SqliteShell(self.connection()))
    }

    fn tamper(&self, sql: &str) {
        let connection = self.connection();
        let triggers: Vec<(String, String)> = connection
            .prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'")
            .and_then(|mut triggers| {
                triggers.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
            })
            .expect("the triggers");
        connection.pragma_update(None, "ignore_check_constraints", true).expect("a pragma");
        connection.execute_batch("BEGIN IMMEDIATE").expect("a transaction");
        for (name, _) in &triggers {
            connection.execute_batch(&format!("DROP TRIGGER {name}")).expect("dropped");
        }
        connection.execute_batch(sql).expect("tampered");
        for (_, create) in &triggers {
            connection.execute_batch(create).expect("put back");
        }
        connection.execute_batch("COMMIT").expect("committed");
    }

    fn folder(&self) -> PathBuf {
        self.folder.path().to_owned()
    }
}

impl Sqlite {
    fn connection(&self) -> rusqlite::Connection {
        let file = self.folder.path().join("store/main.db");
        let connection = rusqlite::Connection::open(file).expect("the ledger's file");
        connection.busy_timeout(std::time::Duration::from_secs(10)).expect("a timeout");
        // What a shell has by default; the bundled library is built with other defaults.
        connection.pragma_update(None, "foreign_keys", false).expect("a pragma");
        connection
    }
}

struct SqliteShell(rusqlite::Connection);

impl Shell for SqliteShell {
    fn run(&mut self, sql: &str) -> Result<(), String> {
        self.0.execute_batch(sql).map_err(|error| error.to_string())
    }

    fn value(&mut self, sql: &str) -> Option<String> {
        let value: rusqlite::types::Value = self.0.query_row(sql, [], |row| row.get(0)).ok()?;
        match value {
            rusqlite::types::Value::Null => None,
            rusqlite::types::Value::Integer(number) => Some(number.to_string()),
            rusqlite::types::Value::Text(text) => Some(text),
            other => panic!("neither number nor text: {other:?}"),
        }
    }
}
