//! PostgreSQL: a private cluster for the whole run, a database of its own for each promise.

use super::cluster::Cluster;
use super::{Backend, Shell, TestLedger, Words};
use async_trait::async_trait;
use item_event_store::store::postgres::PostgresStore;
use item_event_store::store::{Mode, Store};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::runtime::Handle;
use tokio::task::block_in_place;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, SimpleQueryMessage};

/// The check constraints, as statements that take them away and that put them back.
const CHECKS: &str = "SELECT
    format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname),
    format('ALTER TABLE %s ADD CONSTRAINT %I %s NOT VALID', conrelid::regclass, conname,
      regexp_replace(pg_get_constraintdef(oid), ' NOT VALID$', ''))
  FROM pg_constraint WHERE contype = 'c' AND conrelid = 'item_event_store'::regclass";

pub async fn postgres() -> TestLedger {
    let cluster = Cluster::started();
    let database = cluster.new_database().await;
    let folder = tempfile::tempdir().expect("a folder");
    TestLedger::new(Box::new(Postgres { cluster, database, folder })).await
}

struct Postgres {
    cluster: &'static Cluster,
    database: String,
    folder: tempfile::TempDir,
}

impl Postgres {
    fn connect(&self, user: &str) -> Client {
        wait_for(self.cluster.connect(user, &self.database))
    }
}

fn wait_for<T>(future: impl Future<Output = T>) -> T {
    block_in_place(|| Handle::current().block_on(future))
}

#[async_trait]
impl Backend for Postgres {
    fn words(&self) -> Words {
        Words {
            backend: "postgres",
            begin: "BEGIN; SELECT FROM ledgers FOR UPDATE",
            epoch: "to_timestamp(0)",
            second: "interval '1 second'",
        }
    }

    async fn open(&self) -> Arc<dyn Store> {
        let url = self.cluster.url("ies_app", &self.database);
        Arc::new(PostgresStore::open(&url, Mode::Write).await.expect("a store"))
    }

    fn shell(&self) -> Box<dyn Shell> {
        Box::new(PostgresShell(self.connect("ies_app")))
    }

    fn tamper(&self, sql: &str) {
        let client = self.connect("postgres");
        wait_for(async {
            let begin = "BEGIN; SET LOCAL session_replication_role = replica;";
            match client.batch_execute(&format!("{begin} {sql}; COMMIT")).await {
                Err(error) if error.code() == Some(&SqlState::CHECK_VIOLATION) => {}
                done => return done.expect("tampered"),
            }
            client.batch_execute("ROLLBACK").await.expect("rolled back");
            let checks = client.query(CHECKS, &[]).await.expect("the checks");
            let all = |column: usize| {
                checks.iter().map(|row| row.get::<_, String>(column)).collect::<Vec<_>>().join(";")
            };
            let (drop, add) = (all(0), all(1));
            let sql = format!("{begin} {drop}; {sql}; {add}; COMMIT");
            client.batch_execute(&sql).await.expect("tampered");
        });
    }

    fn folder(&self) -> PathBuf {
        self.folder.path().to_owned()
    }
}

struct PostgresShell(Client);

impl Shell for PostgresShell {
    fn run(&mut self, sql: &str) -> Result<(), String> {
        wait_for(self.0.batch_execute(sql)).map_err(|error| match error.as_db_error() {
            Some(error) => error.message().to_owned(),
            None => error.to_string(),
        })
    }

    fn value(&mut self, sql: &str) -> Option<String> {
        let messages = wait_for(self.0.simple_query(sql)).ok()?;
        messages.into_iter().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
            _ => None,
        })
    }
}
