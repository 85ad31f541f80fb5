//! The writer's transaction, on a connection that it borrows for one batch. Statements that do not
//! need each other's answers are sent together.

use super::connection::{Connections, InTransaction, Params, commits_last, in_time};
use super::error::{interpret, is_plain_error, rolls_back, with_cause};
use super::reads::{self, Reader, no_ledger};
use super::rows::{self, Cells};
use super::statements::{
    APPEND_BATCH, BEGIN_WRITE, BUMP_COUNTS_REVISION, CURRENT_XACT, DELETE_COUNTS, LOCK_HEAD,
    PUT_SETTINGS, REQUESTS, SET_EPOCH, SET_WRITING, TAKE_TURN, TRANSACTION,
};
use super::unended::{Begun, Unended};
use super::{append, load, migrations};
use crate::error::StoreError;
use crate::event::Event;
use crate::facts::{Correctable, LastCount};
use crate::failpoint::failpoint;
use crate::ids::{Epoch, IdempotencyKey, ItemId, LedgerName, Position};
use crate::inventory::Inventory;
use crate::request::StoredRequest;
use crate::settings::Settings;
use crate::store::{Appended, Batch, Head, Loaded, Place, Result, Tail, WriteTx};
use crate::time::Timestamp;
use async_trait::async_trait;
use futures_util::future::OptionFuture;
use futures_util::poll;
use std::pin::pin;
use std::sync::{Arc, Weak};
use std::task::Poll;
use tokio::sync::Mutex;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Error, Row};

/// No batch follows one that was written under the lock before that is answered.
const NOBODY: &str = "";

/// What writing to one open ledger needs.
pub(super) struct Writing {
    connections: Arc<Connections>,
    ledger: LedgerName,
    unended: Arc<Unended>,
    /// Whether its rows are on some node of Citus.
    distributed: bool,
    /// Tells its batches from those of others.
    writer: String,
    /// The connection of the batches that are under way.
    appending: Mutex<Weak<InTransaction>>,
}

impl Writing {
    pub async fn to(connections: &Arc<Connections>, ledger: &LedgerName) -> Result<Self> {
        let distributed = migrations::are_distributed(&connections.get().await?).await?;
        let (connections, ledger) = (Arc::clone(connections), ledger.clone());
        let (unended, appending) = (Arc::default(), Mutex::default());
        let writer = Epoch::random().to_string();
        Ok(Self { connections, ledger, unended, distributed, writer, appending })
    }

    /// See [`LedgerStore::finds_stored_keys`].
    ///
    /// [`LedgerStore::finds_stored_keys`]: crate::store::LedgerStore::finds_stored_keys
    pub fn finds_stored_keys(&self) -> bool {
        !self.distributed
    }

    /// Writes a batch and commits it, in one statement, on the connection of the one that is under
    /// way if there is one: see [`LedgerStore::append`].
    ///
    /// [`LedgerStore::append`]: crate::store::LedgerStore::append
    pub async fn append(&self, batch: &Batch, place: Place<'_>) -> Result<Appended> {
        let columns = append::whole_batch(&self.ledger, &self.writer, batch, place);
        let params: Vec<_> = append::params(&columns).collect();
        let mut appending = self.appending.lock().await;
        let conn = match appending.upgrade() {
            Some(conn) => conn,
            None => Arc::new(InTransaction::new(self.connections.writer().await?)),
        };
        *appending = Arc::downgrade(&conn);
        let statement = conn.prepare(APPEND_BATCH).await?;
        let answered = {
            let mut answer = pin!(in_time(conn.client().query(&statement, &params)));
            // It is sent before the next one may be.
            let answered = poll!(answer.as_mut());
            drop(appending);
            match answered {
                Poll::Ready(answered) => answered,
                Poll::Pending => answer.await,
            }
        };
        let unknown = |why| Err(StoreError::CommitUnknown(why));
        let (ended, said) = match answered {
            Ok(Ok(rows)) => {
                let said = append::appended(&rows, &batch.base);
                (true, said.or_else(|error| unknown(error.to_string())))
            }
            Ok(Err(error)) if rolls_back(&error) => (true, Err(interpret(&error))),
            Ok(Err(error)) => (false, unknown(with_cause(&error))),
            Err(late) => (false, unknown(late.to_string())),
        };
        // The last one that was under way lets go of the connection.
        match Arc::into_inner(conn) {
            Some(conn) if ended => conn.ended(),
            Some(conn) => conn.close(),
            None => {}
        }
        said
    }

    /// Locks the head. A ledger that was last written on another server, database or timeline gets
    /// a new epoch first: its positions may be another history's.
    pub async fn begin(&self, keys: &[IdempotencyKey]) -> Result<PostgresTx> {
        let ledger = &self.ledger;
        loop {
            let (tx, locked) = self.lock(LOCK_HEAD, &[&ledger.as_str()], keys).await?;
            let row = Cells(&locked);
            let (written_on, server): (&str, &str) = (row.get(10)?, row.get(11)?);
            commits_last(&locked, 12)?;
            if written_on == server {
                return Ok(tx);
            }
            if tx.head.position != Position::START {
                tracing::warn!(%ledger, written_on, server, "another server: a new epoch begins");
            }
            let epoch = Epoch::random();
            tx.conn.execute(SET_EPOCH, &[&ledger.as_str(), &epoch.as_str(), &server]).await?;
            Box::new(tx).commit().await?;
        }
    }

    /// Locks the head and finds what is beyond a remembered one: see [`LedgerStore::take_turn`].
    /// Where commits would not last, or a new epoch has to begin, the append declines.
    ///
    /// [`LedgerStore::take_turn`]: crate::store::LedgerStore::take_turn
    pub async fn take_turn(&self, remembered: &Head) -> Result<PostgresTx> {
        let params: Params<'_> = &[&self.ledger.as_str(), &remembered.position.0];
        let (mut tx, locked) = self.lock(TAKE_TURN, params, &[]).await?;
        let reader = Reader::new(&tx.conn, &self.ledger);
        let beyond = load::beyond(&reader, &tx.head, remembered, rows::balances(&locked, 10)?);
        tx.tail = Some(in_time(beyond).await.flatten()?);
        Ok(tx)
    }

    /// Locks the head by a statement, and gives its row. A transaction of ours that still has the
    /// head is ended.
    async fn lock(
        &self,
        sql: &str,
        params: Params<'_>,
        keys: &[IdempotencyKey],
    ) -> Result<(PostgresTx, Row)> {
        loop {
            match self.lock_once(sql, params, keys).await {
                Err(StoreError::Busy(_)) if self.unended.terminate(&self.connections).await? => {}
                locked => {
                    let locked = locked?;
                    self.unended.forget();
                    return Ok(locked);
                }
            }
        }
    }

    /// The lock is a statement of its own, before anything else is read: what comes after it sees
    /// what was committed while it waited.
    async fn lock_once(
        &self,
        sql: &str,
        params: Params<'_>,
        keys: &[IdempotencyKey],
    ) -> Result<(PostgresTx, Row)> {
        let conn = self.connections.writer().await?;
        // Prepared before the first is sent, so that they are sent in this order.
        for sql in [REQUESTS, BEGIN_WRITE, TRANSACTION] {
            conn.prepare(sql).await?;
        }
        let lock = conn.prepare(sql).await?;
        let conn = InTransaction::new(conn);
        let reader = Reader::new(&conn, &self.ledger);
        // On Citus the node that has the ledger is told too what holds for the transaction.
        let set = self.distributed.then(|| conn.batch(SET_WRITING));
        let stored = (!keys.is_empty()).then(|| reads::requests(&reader, keys));
        let (begun, transaction, set, locked, stored) = in_time(async {
            tokio::join!(
                Box::pin(conn.execute(BEGIN_WRITE, &[])),
                Box::pin(conn.query(TRANSACTION, &[])),
                OptionFuture::from(set),
                conn.client().query_opt(&lock, params),
                OptionFuture::from(stored),
            )
        })
        .await?;
        begun?;
        let begun = Begun::new(&transaction?, &self.unended)?;
        set.transpose()?;
        let locked = locked?.ok_or_else(|| no_ledger(&self.ledger))?;
        let (head, stored) = (rows::head(&locked)?, stored.transpose()?.unwrap_or_default());
        let (ledger, distributed) = (self.ledger.clone(), self.distributed);
        let tail = None;
        let tx = PostgresTx { conn, begun, ledger, distributed, head, stored, tail, failed: false };
        Ok((tx, locked))
    }
}

/// The transaction, alone with a connection until it ends.
pub(super) struct PostgresTx {
    conn: InTransaction,
    begun: Begun,
    ledger: LedgerName,
    distributed: bool,
    head: Head,
    stored: Vec<StoredRequest>,
    /// What was found together with the head.
    tail: Option<Tail>,
    failed: bool,
}

impl PostgresTx {
    /// By what was answered to [`commit`].
    fn end(self, committed: Result<std::result::Result<(), Error>>) -> Result<()> {
        let unknown = match committed {
            Ok(Ok(())) => {
                self.begun.ended();
                self.conn.ended();
                return Ok(());
            }
            Ok(Err(error)) if error.code() == Some(&SqlState::IN_FAILED_SQL_TRANSACTION) => {
                return Err(interpret(&error));
            }
            Ok(Err(error)) => with_cause(&error),
            Err(late) => late.to_string(),
        };
        self.conn.close();
        Err(StoreError::CommitUnknown(unknown))
    }

    /// After an error nothing goes on: the server has ended the transaction already.
    async fn step<T>(
        &mut self,
        step: impl AsyncFnOnce(Reader<'_>, &Head) -> Result<T>,
    ) -> Result<T> {
        if self.failed {
            return Err(StoreError::Failed("the transaction was rolled back by an error".into()));
        }
        let reader = Reader::new(&self.conn, &self.ledger);
        let done = step(reader, &self.head).await;
        self.failed = done.is_err();
        done
    }
}

#[async_trait]
impl WriteTx for PostgresTx {
    async fn head(&mut self) -> Result<Head> {
        Ok(self.head.clone())
    }

    async fn load(&mut self) -> Result<Loaded> {
        self.step(async |reader, head| load::load(&reader, head.clone()).await).await
    }

    async fn event(&mut self, position: Position) -> Result<Option<Event>> {
        self.step(async |reader, _| reads::event(&reader, position).await).await
    }

    async fn tail(&mut self, remembered: &Head) -> Result<Tail> {
        match self.tail.take() {
            Some(tail) => Ok(tail),
            None => {
                self.step(async |reader, head| load::tail(&reader, head, remembered).await).await
            }
        }
    }

    fn requests(&mut self) -> Vec<StoredRequest> {
        std::mem::take(&mut self.stored)
    }

    async fn correctable(&mut self, positions: &[Position]) -> Result<Vec<Correctable>> {
        self.step(async |reader, _| reads::correctable(&reader, positions).await).await
    }

    async fn last_counts(&mut self, items: &[ItemId]) -> Result<Vec<(ItemId, LastCount)>> {
        let last = |event: Event| {
            (event.item_id, LastCount { position: event.id, at: event.effective_at() })
        };
        let found = self.step(async |reader, _| reads::last_counts(&reader, items).await).await?;
        Ok(found.into_iter().map(last).collect())
    }

    async fn changes_since(&mut self, item: ItemId, at: Timestamp) -> Result<i64> {
        self.step(async |reader, head| reads::changes_since(&reader, head, item, at).await).await
    }

    async fn put_settings(&mut self, settings: &Settings) -> Result<()> {
        let Settings { time_zone, day_start_hour, archived_at } = settings;
        let hour = i16::from(*day_start_hour);
        self.step(async |reader, _| {
            let params: Params<'_> = &[&reader.ledger(), time_zone, &hour, archived_at];
            reader.conn().execute(PUT_SETTINGS, params).await
        })
        .await?;
        Ok(())
    }

    async fn replace_counts(&mut self, rows: &[Inventory], strays: &[ItemId]) -> Result<()> {
        let strays: Vec<i64> = strays.iter().map(|item| item.0).collect();
        self.step(async |reader, _| {
            let (conn, ledger) = (reader.conn(), reader.ledger());
            append::put_counts(conn, ledger, rows).await?;
            conn.execute(DELETE_COUNTS, &[&ledger, &strays]).await?;
            conn.execute(BUMP_COUNTS_REVISION, &[&ledger]).await
        })
        .await?;
        Ok(())
    }

    async fn append(mut self: Box<Self>, batch: &Batch) -> Result<bool> {
        if self.distributed || !batch.item_changes.is_empty() {
            self.step(async |reader, _| {
                let appended = Box::pin(append::append(reader.conn(), reader.ledger(), batch));
                in_time(appended).await.flatten()
            })
            .await?;
            failpoint!("before_commit");
            self.commit().await?;
            return Ok(true);
        }
        let statement = self.conn.prepare(APPEND_BATCH).await?;
        let ledger = self.ledger.clone();
        let columns = append::whole_batch(&ledger, NOBODY, batch, Place::Base);
        let params: Vec<_> = append::params(&columns).collect();
        failpoint!("before_commit");
        let client = self.conn.client();
        let sent = async {
            tokio::join!(client.query(&statement, &params), client.batch_execute("COMMIT"))
        };
        let (appended, committed) = match in_time(sent).await {
            // It ended the transaction: what came behind it did nothing.
            Ok((Err(error), _)) if is_plain_error(&error) => return Err(interpret(&error)),
            Ok((appended, committed)) => (appended, Ok(committed)),
            Err(late) => (Ok(vec![]), Err(late)),
        };
        self.end(committed)?;
        Ok(!matches!(append::appended(&appended?, &batch.base)?, Appended::Nothing))
    }

    async fn commit(self: Box<Self>) -> Result<()> {
        if self.failed {
            return Err(StoreError::Failed("the transaction was rolled back by an error".into()));
        }
        let committed = in_time(commit(self.conn.client())).await;
        self.end(committed)
    }
}

/// A COMMIT that is answered by ROLLBACK looks like success to the driver. So it comes behind a
/// statement that fails in a transaction which has ended: then it is not carried out.
async fn commit(client: &Client) -> std::result::Result<(), Error> {
    let commit = format!("{CURRENT_XACT};\nCOMMIT");
    client.batch_execute(&commit).await
}
