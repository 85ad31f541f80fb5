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
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

/// The constraints of the log and the counts, as statements that take them away and that put them
/// back.
const CONSTRAINTS: &str = "SELECT
    format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname),
    format('ALTER TABLE %s ADD CONSTRAINT %I %s NOT VALID', conrelid::regclass, conname,
      regexp_replace(pg_get_constraintdef(oid), ' NOT VALID$', ''))
  FROM pg_constraint WHERE contype IN ('c', 'f')
    AND conrelid IN ('item_event_store'::regclass, 'item_inventory'::regclass)";

pub async fn postgres() -> TestLedger {
    let cluster = Cluster::started();
    let database = cluster.new_database().await;
    TestLedger::new(Box::new(Postgres::new(move |user| cluster.url(user, &database)))).await
}

/// One database.
pub struct Postgres {
    url: Box<dyn Fn(&str) -> String + Send + Sync>,
    folder: tempfile::TempDir,
}

impl Postgres {
    /// The database that is there for a user.
    pub fn new(url: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        Self { url: Box::new(url), folder: tempfile::tempdir().expect("a folder") }
    }

    fn connect(&self, user: &str) -> Client {
        wait_for(connect(&(self.url)(user)))
    }
}

pub async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("connects");
    tokio::spawn(connection);
    client
}

pub fn wait_for<T>(future: impl Future<Output = T>) -> T {
    block_in_place(|| Handle::current().block_on(future))
}

#[async_trait]
impl Backend for Postgres {
    fn words(&self) -> Words {
        Words {
            backend: "postgres",
            begin: "BEGIN; SELECT FROM ledgers WHERE ledger_id = 'main' FOR UPDATE",
            epoch: "to_timestamp(0)",
            morning: "'2026-11-23T05:00:00Z'",
        }
    }

    async fn open(&self) -> Arc<dyn Store> {
        let url = (self.url)("ies_app");
        Arc::new(PostgresStore::open(&url, Mode::Write).await.expect("a store"))
    }

    fn shell(&self) -> Box<dyn Shell> {
        Box::new(PostgresShell(self.connect("ies_app")))
    }

    fn tamper(&self, sql: &str) {
        let client = self.connect("postgres");
        let guards = "SET LOCAL session_replication_role = replica;
             SET LOCAL citus.multi_shard_modify_mode = 'sequential'";
        wait_for(async {
            let begin = format!("BEGIN; {guards};");
            match client.batch_execute(&format!("{begin} {sql}; COMMIT")).await {
                Err(error) if is_constraint(&error) => {}
                done => return done.expect("tampered"),
            }
            client.batch_execute("ROLLBACK").await.expect("rolled back");
            let constraints = client.query(CONSTRAINTS, &[]).await.expect("the constraints");
            let all = |column: usize| constraints.iter().map(move |row| row.get(column));
            // One at a time: Citus passes on what is sent together with a change of a table.
            let statements = [begin.as_str()].into_iter().chain(all(0));
            for statement in statements.chain([sql]).chain(all(1)).chain(["COMMIT"]) {
                client.batch_execute(statement).await.expect(statement);
            }
        });
    }

    fn folder(&self) -> PathBuf {
        self.folder.path().to_owned()
    }
}

fn is_constraint(error: &tokio_postgres::Error) -> bool {
    matches!(error.code(), Some(&SqlState::CHECK_VIOLATION | &SqlState::FOREIGN_KEY_VIOLATION))
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
