//! Citus: the store distributed over its nodes, as `citus.sql` says. `IES_TEST_CITUS_URL` is the
//! address of a superuser in a database of the coordinator in which all nodes are known. Without it
//! a stand-in on the private cluster takes the place of Citus: the same tables, without triggers.

use super::cluster::Cluster;
use super::postgres::{Postgres, connect, wait_for};
use super::{Backend, Shell, TestLedger, Words};
use async_trait::async_trait;
use item_event_store::store::postgres::{PostgresStore, roles_sql};
use item_event_store::store::{Mode, Store};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::OnceCell;
use tokio_postgres::Config;
use tokio_postgres::config::Host;

/// The functions of Citus that `citus.sql` calls.
pub const STAND_IN: &str = include_str!("citus_stand_in.sql");

/// The database on each node that others are copies of.
const TEMPLATE: &str = "ies_citus_template";

pub async fn citus() -> TestLedger {
    match std::env::var("IES_TEST_CITUS_URL") {
        Ok(url) => {
            static NODES: OnceCell<Nodes> = OnceCell::const_new();
            let nodes = NODES.get_or_init(|| Nodes::prepared(url)).await;
            let database = nodes.new_database().await;
            let coordinator = &nodes.0[0];
            let name = database.name.clone();
            let postgres = Postgres::new(move |user| coordinator.url(user, &name));
            TestLedger::new(Box::new(Citus { postgres, _database: Some(database) })).await
        }
        Err(_) => {
            static STANDING_IN: OnceCell<String> = OnceCell::const_new();
            let cluster = Cluster::started();
            let template = STANDING_IN.get_or_init(|| stand_in(cluster)).await;
            let database = cluster.copy_of(template).await;
            let postgres = Postgres::new(move |user| cluster.url(user, &database));
            TestLedger::new(Box::new(Citus { postgres, _database: None })).await
        }
    }
}

/// A database with the stand-in, whose owner has distributed it.
async fn stand_in(cluster: &Cluster) -> String {
    let database = cluster.new_database().await;
    let admin = cluster.connect("postgres", &database).await;
    admin.batch_execute(STAND_IN).await.expect("a stand-in");
    distribute(&cluster.url("ies_owner", &database)).await;
    database
}

async fn distribute(url: &str) {
    let store = PostgresStore::open(url, Mode::Write).await.expect("a store");
    assert_eq!(store.distribute(false).await, Ok(true));
}

/// A server of a real Citus. The first is the coordinator.
struct Node {
    host: String,
    port: u16,
}

impl Node {
    fn url(&self, user: &str, database: &str) -> String {
        format!("postgres://{user}@/{database}?host={}&port={}", self.host, self.port)
    }
}

struct Nodes(Vec<Node>);

impl Nodes {
    /// Makes a database on each node, together a store that is distributed.
    async fn prepared(url: String) -> Self {
        let config: Config = url.parse().expect("the address of a database");
        let host = match config.get_hosts().first().expect("a host") {
            Host::Tcp(name) => name.clone(),
            Host::Unix(folder) => folder.display().to_string(),
        };
        let port = config.get_ports().first().copied().unwrap_or(5432);
        let coordinator = connect(&url).await;
        let workers = "SELECT nodename, nodeport FROM pg_dist_node WHERE groupid <> 0";
        let workers = coordinator.query(workers, &[]).await.expect("the nodes");
        let mut nodes = vec![Node { host, port }];
        nodes.extend(workers.iter().map(|row| Node {
            host: row.get(0),
            port: u16::try_from(row.get::<_, i32>(1)).expect("a port"),
        }));
        let owner = "DO $$ BEGIN CREATE ROLE ies_owner LOGIN;
             EXCEPTION WHEN duplicate_object THEN NULL; END $$";
        coordinator.batch_execute(owner).await.expect("a role");
        let nodes = Self(nodes);
        let drop = format!("DROP DATABASE IF EXISTS {TEMPLATE} WITH (FORCE)");
        let make = format!("CREATE DATABASE {TEMPLATE} OWNER ies_owner TEMPLATE template0");
        nodes.on_each("postgres", &[&drop, &make]).await;
        nodes.on_each(TEMPLATE, &["CREATE EXTENSION citus"]).await;
        let (first, workers) = (&nodes.0[0], &nodes.0[1..]);
        assert!(!workers.is_empty(), "a coordinator that knows a worker");
        let in_template = connect(&first.url("postgres", TEMPLATE)).await;
        let known = "SELECT citus_set_coordinator_host($1, $2)";
        let at = |node: &Node| (node.host.clone(), i32::from(node.port));
        let (host, port) = at(first);
        in_template.query(known, &[&host, &port]).await.expect("the coordinator is known");
        for (host, port) in workers.iter().map(at) {
            let add = "SELECT citus_add_node($1, $2)";
            in_template.query(add, &[&host, &port]).await.expect("a node");
        }
        distribute(&first.url("ies_owner", TEMPLATE)).await;
        in_template.batch_execute(roles_sql()).await.expect("roles");
        drop_connections(&nodes).await;
        nodes
    }

    async fn on_each(&self, database: &str, statements: &[&str]) {
        for node in &self.0 {
            let client = connect(&node.url("postgres", database)).await;
            for statement in statements {
                client.batch_execute(statement).await.expect(statement);
            }
        }
    }

    async fn new_database(&'static self) -> Database {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let number = COUNT.fetch_add(1, Ordering::SeqCst);
        let name = format!("ies_promise_{}_{number}", std::process::id());
        let make = format!("CREATE DATABASE {name} OWNER ies_owner TEMPLATE {TEMPLATE}");
        self.on_each("postgres", &[&make]).await;
        Database { nodes: self, name }
    }
}

/// Nobody is connected to the template any more, nor will anybody be: so it can be copied.
async fn drop_connections(nodes: &Nodes) {
    let alone = format!("ALTER DATABASE {TEMPLATE} ALLOW_CONNECTIONS false");
    let end = format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{TEMPLATE}'"
    );
    nodes.on_each("postgres", &[&alone, &end]).await;
}

/// A database on each node, until it is dropped.
struct Database {
    nodes: &'static Nodes,
    name: String,
}

impl Drop for Database {
    fn drop(&mut self) {
        let drop = format!("DROP DATABASE {} WITH (FORCE)", self.name);
        wait_for(self.nodes.on_each("postgres", &[&drop]));
    }
}

struct Citus {
    postgres: Postgres,
    _database: Option<Database>,
}

#[async_trait]
impl Backend for Citus {
    fn words(&self) -> Words {
        Words { backend: "citus", ..self.postgres.words() }
    }

    async fn open(&self) -> Arc<dyn Store> {
        self.postgres.open().await
    }

    fn shell(&self) -> Box<dyn Shell> {
        self.postgres.shell()
    }

    fn insert(&self, item: i64, quantity_change: i64, reason: &str) -> String {
        format!("SELECT ies_append('main', {item}, {quantity_change}, '{reason}')")
    }

    fn insert_item(&self, name: &str) -> String {
        format!("SELECT ies_add_item('main', '{name}')")
    }

    fn tamper(&self, sql: &str) {
        self.postgres.tamper(sql);
    }

    fn folder(&self) -> PathBuf {
        self.postgres.folder()
    }
}
