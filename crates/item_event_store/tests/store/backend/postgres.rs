//! PostgreSQL: a private cluster for the whole run, a database of its own for each promise.

use super::cluster::Cluster;
use super::{Backend, Shell, TestLedger, Words};
use async_trait::async_trait;
use item_event_store::store::postgres::{PostgresStore, roles_sql};
use item_event_store::store::{Mode, Store};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::runtime::Handle;
use tokio::sync::OnceCell;
use tokio::task::block_in_place;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

/// A database with the tables and the roles, of which the others are copies.
const TEMPLATE: &str = "ies_template";

/// The check constraints, as statements that take them away and that put them back.
const CHECKS: &str = "SELECT
    format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname),
    format('ALTER TABLE %s ADD CONSTRAINT %I %s NOT VALID', conrelid::regclass, conname,
      regexp_replace(pg_get_constraintdef(oid), ' NOT VALID$', ''))
  FROM pg_constraint WHERE contype = 'c' AND conrelid = 'item_event_store'::regclass";

pub async fn postgres() -> TestLedger {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let cluster = template().await;
    let database = format!("promise_{}", NUMBER.fetch_add(1, Ordering::SeqCst));
    let admin = connect(cluster, "postgres", "postgres").await;
    admin
        .batch_execute(&format!("CREATE DATABASE {database} TEMPLATE {TEMPLATE}"))
        .await
        .expect("a database");
    let folder = tempfile::tempdir().expect("a folder");
    TestLedger::new(Box::new(Postgres { cluster, database, folder })).await
}

/// The cluster, with the template made: the owner migrates, an administrator gives the rights.
async fn template() -> &'static Cluster {
    static MADE: OnceCell<()> = OnceCell::const_new();
    let cluster = Cluster::started();
    MADE.get_or_init(async || {
        let admin = connect(cluster, "postgres", "postgres").await;
        admin.batch_execute("CREATE ROLE ies_owner LOGIN").await.expect("a role");
        let make = format!("CREATE DATABASE {TEMPLATE} OWNER ies_owner");
        admin.batch_execute(&make).await.expect("a database");
        let url = cluster.url("ies_owner", TEMPLATE);
        let store = PostgresStore::open(&url, Mode::Write).await.expect("a store");
        assert!(store.tokens().await.expect("migrated").is_empty());
        drop(store);
        let admin = connect(cluster, "postgres", TEMPLATE).await;
        admin.batch_execute(roles_sql()).await.expect("roles");
        drop(admin);
        wait_until_unused(cluster).await;
    })
    .await;
    cluster
}

/// A database is copied only while nobody is connected to it.
async fn wait_until_unused(cluster: &Cluster) {
    let admin = connect(cluster, "postgres", "postgres").await;
    let count = "SELECT count(*) FROM pg_stat_activity WHERE datname = $1";
    loop {
        let row = admin.query_one(count, &[&TEMPLATE]).await.expect("a count");
        if row.get::<_, i64>(0) == 0 {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

async fn connect(cluster: &Cluster, user: &str, database: &str) -> Client {
    let url = cluster.url(user, database);
    let (client, connection) = tokio_postgres::connect(&url, NoTls).await.expect("connects");
    tokio::spawn(connection);
    client
}

struct Postgres {
    cluster: &'static Cluster,
    database: String,
    folder: tempfile::TempDir,
}

impl Postgres {
    fn connect(&self, user: &str) -> Client {
        wait_for(connect(self.cluster, user, &self.database))
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
        wait_for(self.0.batch_execute(sql)).map_err(|error| error.to_string())
    }

    fn value(&mut self, sql: &str) -> Option<String> {
        let messages = wait_for(self.0.simple_query(sql)).ok()?;
        messages.into_iter().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
            _ => None,
        })
    }
}
