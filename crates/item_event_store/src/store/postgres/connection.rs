//! Connections: where they lead, what is checked before they are trusted, and the pools of them.

use super::address::{Address, CONNECT_TIMEOUT};
use super::hints::Hints;
use super::rows::Cells;
use super::statements::{BEGIN_READ, BEGIN_WRITE, DURABILITY, SET_WRITING, SETTINGS};
use crate::error::StoreError;
use crate::limits::{READ_CONNECTIONS, WRITE_CONNECTIONS};
use crate::store::{Mode, Result};
use deadpool_postgres::{
    Client, Hook, HookError, Manager, ManagerConfig, Object, Pool, QueueMode, RecyclingMethod,
    Runtime,
};
use std::ops::Deref;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Row, Statement};

/// The parameters of a statement.
pub(super) type Params<'a> = &'a [&'a (dyn ToSql + Sync)];

/// How long anyone waits for a connection before [`StoreError::Busy`].
pub(super) const WAIT_TIMEOUT: Duration = Duration::from_secs(2);
/// How long the writer waits for an answer: a commit without one is unknown.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// The oldest server whose commits can be told apart.
const MIN_SERVER_VERSION: i32 = 130_000;

/// One connection, lent by the pool. Statements are prepared once on each.
pub(super) struct Connection(Client);

impl Connection {
    pub async fn prepare(&self, sql: &str) -> Result<Statement> {
        Ok(self.0.prepare_cached(sql).await?)
    }

    /// Runs a statement and gives all its rows.
    pub async fn query(&self, sql: &str, params: Params<'_>) -> Result<Vec<Row>> {
        let statement = self.prepare(sql).await?;
        Ok(self.0.query(&statement, params).await?)
    }

    /// Runs a statement and tells how many rows it changed.
    pub async fn execute(&self, sql: &str, params: Params<'_>) -> Result<u64> {
        let statement = self.prepare(sql).await?;
        Ok(self.0.execute(&statement, params).await?)
    }

    /// Runs statements without parameters.
    pub async fn batch(&self, sql: &str) -> Result<()> {
        Ok(self.0.batch_execute(sql).await?)
    }

    /// Begins a transaction that writes.
    pub async fn begin_write(&self) -> Result<()> {
        let (begun, set) = tokio::join!(self.batch(BEGIN_WRITE), self.batch(SET_WRITING));
        begun.and(set)
    }

    /// The driver's own client.
    pub fn client(&self) -> &tokio_postgres::Client {
        &self.0
    }

    /// Closes it instead of lending it again: the server rolls back what is open.
    pub fn close(self) {
        drop(Object::take(self.0));
    }

    /// Rolls back what is open. A connection that cannot say so is closed.
    async fn roll_back(self) {
        if !matches!(in_time(self.0.batch_execute("ROLLBACK")).await, Ok(Ok(()))) {
            self.close();
        }
    }
}

/// A connection in which a transaction may be open. Whatever becomes of whoever holds it, also when
/// it is dropped in the middle of a statement: it is lent again only after a rollback.
pub(super) struct InTransaction(Option<Connection>);

impl InTransaction {
    /// Before BEGIN is sent.
    pub fn new(conn: Connection) -> Self {
        Self(Some(conn))
    }

    /// Ends it; what is not committed is rolled back.
    pub async fn end(mut self) {
        if let Some(conn) = self.0.take() {
            conn.roll_back().await;
        }
    }

    /// The transaction has ended for certain: the connection may be lent again.
    pub fn ended(mut self) {
        self.0.take();
    }

    /// Closes the connection: it is not known what state it is in.
    pub fn close(mut self) {
        if let Some(conn) = self.0.take() {
            conn.close();
        }
    }
}

impl Deref for InTransaction {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.0.as_ref().expect("the connection goes only with its transaction")
    }
}

impl Drop for InTransaction {
    fn drop(&mut self) {
        let Some(conn) = self.0.take() else { return };
        match Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn(conn.roll_back())),
            Err(_) => conn.close(),
        }
    }
}

/// The answers to what the writer asks, if they come in time.
pub(super) async fn in_time<T>(answers: impl Future<Output = T>) -> Result<T> {
    let late = || StoreError::Busy(format!("no answer of the database within {ANSWER_TIMEOUT:?}"));
    tokio::time::timeout(ANSWER_TIMEOUT, answers).await.map_err(|_| late())
}

/// The connections of an open store.
pub(super) struct Connections {
    readers: Pool,
    writers: Pool,
    mode: Mode,
    place: String,
    hints: Hints,
}

impl Connections {
    /// Connects once. Each new connection is refused where commits would not last: what a server is
    /// set to can change.
    pub async fn open(url: &str, mode: Mode) -> Result<Self> {
        let address = Address::parse(url)?;
        let place = address.config.get_dbname().unwrap_or("the user's own").to_owned();
        let readers = pool(&address, READ_CONNECTIONS)?;
        let writers = pool(&address, WRITE_CONNECTIONS)?;
        let hints = Hints::new(address);
        let connections = Self { readers, writers, mode, place, hints };
        check(&connections.get().await?).await?;
        check_pooler(&connections).await?;
        Ok(connections)
    }

    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// What is told to other programs, and heard from them.
    pub fn hints(&self) -> &Hints {
        &self.hints
    }

    /// What the database is called.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// A connection for all that a ledger's writer does not do.
    pub async fn get(&self) -> Result<Connection> {
        Ok(Connection(self.readers.get().await?))
    }

    /// A connection for the writer of a ledger, whatever is being read. While one ledger is written
    /// it is the same one, batch after batch: its server process has everything at hand.
    pub async fn writer(&self) -> Result<Connection> {
        Ok(Connection(self.writers.get().await?))
    }

    /// A connection on which all that is read was true at one moment.
    pub async fn reading(&self) -> Result<InTransaction> {
        let conn = InTransaction::new(self.get().await?);
        conn.batch(BEGIN_READ).await?;
        Ok(conn)
    }
}

/// Connects when a connection is needed and none is free.
fn pool(address: &Address, max: usize) -> Result<Pool> {
    let Address { config, tls } = address.clone();
    let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    Pool::builder(Manager::from_config(config, tls, recycling))
        .max_size(max)
        // The one that was used last.
        .queue_mode(QueueMode::Lifo)
        .wait_timeout(Some(WAIT_TIMEOUT))
        .create_timeout(Some(CONNECT_TIMEOUT))
        .runtime(Runtime::Tokio1)
        .post_create(Hook::async_fn(|client, _| {
            Box::pin(async move {
                let row = client.query_one(DURABILITY, &[]).await;
                let row = row.map_err(HookError::Backend)?;
                commits_last(&row, 0).map_err(|error| HookError::message(error.to_string()))
            })
        }))
        .build()
        .map_err(|error| StoreError::Failed(error.to_string()))
}

/// Refuses a server that loses what it acknowledged: by the column that [`DURABILITY`] has.
pub(super) fn commits_last(row: &Row, column: usize) -> Result<()> {
    let off: &str = Cells(row).get(column)?;
    if off.is_empty() {
        return Ok(());
    }
    let said =
        format!("the server's {off} is off: what it acknowledges would not last; turn it on");
    Err(StoreError::Config(said))
}

/// Refuses a database that cannot hold a ledger, and warns of a role that no guard can stop.
async fn check(conn: &Connection) -> Result<()> {
    let rows = conn.query(SETTINGS, &[]).await?;
    let row = Cells(rows.first().ok_or_else(|| StoreError::Failed("no settings".into()))?);
    let encoding: &str = row.get(0)?;
    if encoding != "UTF8" {
        return Err(StoreError::Config(format!(
            "the database's encoding is {encoding}: make one with ENCODING 'UTF8'"
        )));
    }
    let version: i32 = row.get(1)?;
    if version < MIN_SERVER_VERSION {
        return Err(StoreError::Config(format!(
            "the server's version is {}: 13 or later is needed",
            version / 10_000
        )));
    }
    if row.get(2)? {
        tracing::warn!(
            "connected as a superuser, whom no guard can stop: connect as ies_app instead"
        );
    } else if row.get(3)? {
        tracing::warn!(
            "connected as the owner of the tables, who can take the guards away: connect as \
             ies_app instead"
        );
    }
    Ok(())
}

/// Refuses a pooler that lends another connection for each transaction and does not carry prepared
/// statements over to it: everything is prepared once.
async fn check_pooler(connections: &Connections) -> Result<()> {
    let (conn, other) = (connections.get().await?, connections.get().await?);
    let prepared = conn.prepare(SETTINGS).await?;
    // Such a pooler gives the other one the connection that it was prepared on and that is free.
    let other = InTransaction::new(other);
    other.batch(BEGIN_READ).await?;
    let found = in_time(conn.client().query(&prepared, &[])).await;
    other.end().await;
    found??;
    Ok(())
}
