//! Transactions of ours whose end nobody saw. One of them may still hold the head: whoever waits
//! for it in vain ends it.

use super::connection::Connections;
use super::rows::Cells;
use super::statements::TERMINATE;
use crate::error::StoreError;
use crate::store::Result;
use crate::time::Timestamp;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio_postgres::Row;

/// A transaction, as the server knows it. No other one has both its process and its beginning.
struct Backend {
    pid: i32,
    began_at: Timestamp,
}

/// Those of one ledger.
#[derive(Default)]
pub(super) struct Unended(Mutex<Vec<Backend>>);

/// A transaction that is going on. Dropped before it is seen to end, it is one of the [`Unended`].
pub(super) struct Begun {
    backend: Option<Backend>,
    unended: Arc<Unended>,
}

impl Begun {
    /// By the row of `transaction.sql`.
    pub fn new(rows: &[Row], unended: &Arc<Unended>) -> Result<Self> {
        let row = Cells(rows.first().ok_or_else(|| {
            StoreError::Failed("the database does not say which transaction this is".into())
        })?);
        let backend = Backend { pid: row.get(0)?, began_at: row.get(1)? };
        Ok(Self { backend: Some(backend), unended: Arc::clone(unended) })
    }

    /// Its end was seen.
    pub fn ended(mut self) {
        self.backend = None;
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        self.unended.lock().extend(self.backend.take());
    }
}

impl Unended {
    fn lock(&self) -> MutexGuard<'_, Vec<Backend>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whoever has the head knows that they have all ended.
    pub fn forget(&self) {
        self.lock().clear();
    }

    /// Ends those that are still there. False when there were none. Each is ended once: what the
    /// server does not let go of then is busy, and goes when it can.
    pub async fn terminate(&self, connections: &Connections) -> Result<bool> {
        let lingering = std::mem::take(&mut *self.lock());
        if lingering.is_empty() {
            return Ok(false);
        }
        let (pids, began_at): (Vec<_>, Vec<_>) =
            lingering.iter().map(|backend| (backend.pid, backend.began_at)).unzip();
        let conn = connections.get().await?;
        let ended = conn.query(TERMINATE, &[&pids, &began_at]).await?;
        if !ended.is_empty() {
            tracing::warn!(?pids, "a transaction of ours was left open: ended it");
        }
        Ok(!ended.is_empty())
    }
}
