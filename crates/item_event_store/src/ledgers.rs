//! The ledgers of a store: opened when somebody asks for one, closed when nobody has for a while,
//! so that a ledger that is idle costs nothing.

use crate::clock::Clock;
use crate::error::StoreError;
use crate::ids::LedgerName;
use crate::ledger::Ledger;
use crate::limits::{LEDGER_IDLE, MAX_OPEN_LEDGERS, SUMMARY_REFRESHES};
use crate::report::WriterStats;
use crate::store::Store;
use crate::writer::Failed;
use futures_util::{StreamExt as _, stream};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use tokio::sync::OnceCell;
use tokio::time::timeout;

/// The open ledgers of a store. Cheap to clone.
#[derive(Clone)]
pub struct Ledgers(Arc<Inner>);

struct Inner {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    failed: Arc<Failed>,
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    open: HashMap<LedgerName, Entry>,
    /// What the writers of closed ledgers did.
    closed: WriterStats,
}

struct Entry {
    /// Empty while it is being opened, by the first who asked.
    ledger: Arc<OnceCell<Ledger>>,
    used_at: Instant,
}

impl Entry {
    fn is_unused(&self) -> bool {
        Arc::strong_count(&self.ledger) == 1 && self.ledger.get().is_some_and(Ledger::is_unused)
    }
}

impl Ledgers {
    /// The ledgers of a store, none of them open yet.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, clock: Arc<dyn Clock>) -> Self {
        let failed = Arc::new(Failed::new(None));
        Self(Arc::new(Inner { store, clock, failed, table: Mutex::default() }))
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> &dyn Store {
        self.0.store.as_ref()
    }

    /// A ledger, opened if it is not. It stays open as long as the answer lives, and for
    /// [`LEDGER_IDLE`] after. Where the store is open for reading only, the ledger is too.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when there is none with this name, [`StoreError::Busy`] when
    /// [`MAX_OPEN_LEDGERS`] are in use.
    pub async fn get(&self, name: &LedgerName) -> Result<Ledger, StoreError> {
        let (cell, evicted) = self.entry(name)?;
        if let Some(ledger) = cell.get() {
            return Ok(ledger.clone());
        }
        if let Some(ledger) = evicted {
            ledger.close().await;
        }
        let opened = cell.get_or_try_init(|| self.open(name)).await.cloned();
        if opened.is_err() {
            let mut table = self.table();
            if table.open.get(name).is_some_and(|entry| entry.ledger.get().is_none()) {
                table.open.remove(name);
            }
        }
        opened
    }

    /// The place of a ledger in the table; and the ledger that had to leave it, if one had to.
    fn entry(
        &self,
        name: &LedgerName,
    ) -> Result<(Arc<OnceCell<Ledger>>, Option<Ledger>), StoreError> {
        let mut table = self.table();
        if let Some(entry) = table.open.get_mut(name) {
            entry.used_at = Instant::now();
            return Ok((Arc::clone(&entry.ledger), None));
        }
        let evicted = if table.open.len() < MAX_OPEN_LEDGERS {
            None
        } else {
            let unused = table.open.iter().filter(|(_, entry)| entry.is_unused());
            let oldest =
                unused.min_by_key(|(_, entry)| entry.used_at).map(|(name, _)| name.clone());
            let oldest = oldest.ok_or_else(|| {
                StoreError::Busy(format!("{MAX_OPEN_LEDGERS} ledgers are in use"))
            })?;
            table.take(&oldest)
        };
        let ledger = Arc::new(OnceCell::new());
        let entry = Entry { ledger: Arc::clone(&ledger), used_at: Instant::now() };
        table.open.insert(name.clone(), entry);
        Ok((ledger, evicted))
    }

    async fn open(&self, name: &LedgerName) -> Result<Ledger, StoreError> {
        let inner = &self.0;
        let tables = inner.store.ledger(name).await?;
        if inner.store.read_only() {
            return Ok(Ledger::read_only(tables));
        }
        Ledger::open_with(tables, Arc::clone(&inner.clock), Arc::clone(&inner.failed)).await
    }

    /// Closes the ledgers that nobody has used for [`LEDGER_IDLE`].
    pub async fn close_idle(&self) {
        let idle = |entry: &Entry| entry.is_unused() && entry.used_at.elapsed() >= LEDGER_IDLE;
        self.close_where(idle).await;
    }

    /// Refreshes the daily summary of each ledger that is open: that it is refreshed is no use of
    /// it. What fails is logged. A ledger that takes longer than this lets the others have their
    /// next turn, and goes on then.
    pub async fn refresh_summaries(&self, within: Duration) {
        let names: Vec<LedgerName> = self.table().open.keys().cloned().collect();
        let refreshing = stream::iter(names).for_each_concurrent(SUMMARY_REFRESHES, async |name| {
            let ledger = self.table().open.get(&name).and_then(|entry| entry.ledger.get().cloned());
            let Some(ledger) = ledger else { return };
            match timeout(within, ledger.refresh_summary_slowly()).await {
                Ok(Ok(report)) => tracing::debug!(ledger = %name, ?report, "summary refreshed"),
                Ok(Err(error)) => tracing::warn!(ledger = %name, %error, "summary not refreshed"),
                Err(_) => tracing::debug!(ledger = %name, "the summary is still behind"),
            }
        });
        refreshing.await;
    }

    /// Closes every ledger: new requests are refused, those that are queued are finished.
    pub async fn close(&self) {
        self.close_where(|_| true).await;
    }

    async fn close_where(&self, goes: impl Fn(&Entry) -> bool) {
        let going: Vec<Ledger> = {
            let mut table = self.table();
            let names = table.open.iter().filter(|(_, entry)| goes(entry));
            let names: Vec<LedgerName> = names.map(|(name, _)| name.clone()).collect();
            names.iter().filter_map(|name| table.take(name)).collect()
        };
        for ledger in going {
            ledger.close().await;
        }
    }

    /// How many are open.
    #[must_use]
    pub fn open_count(&self) -> usize {
        self.table().open.len()
    }

    /// What all writers have done together, those of closed ledgers too.
    #[must_use]
    pub fn writer_stats(&self) -> WriterStats {
        let table = self.table();
        let open = table.open.values().filter_map(|entry| entry.ledger.get());
        open.map(Ledger::writer_stats).fold(table.closed, WriterStats::plus)
    }

    /// Waits until the writer of any ledger has stopped for good because the storage failed, and
    /// says why. The process should exit then, and recover when it starts again.
    pub async fn failed(&self) -> String {
        let mut failed = self.0.failed.subscribe();
        let reason = failed.wait_for(Option::is_some).await;
        reason.ok().and_then(|reason| reason.clone()).unwrap_or_default()
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn take(&mut self, name: &LedgerName) -> Option<Ledger> {
        let ledger = self.open.remove(name)?.ledger.get()?.clone();
        self.closed = self.closed.plus(ledger.writer_stats());
        Some(ledger)
    }
}
