//! Counts that are asked for at the same time are read together, in one statement. A lookup joins
//! only a statement that was not sent yet, so it sees whatever was committed before it was asked.

use super::connection::Connections;
use super::reads::{self, Reader};
use crate::error::StoreError;
use crate::ids::{ItemId, LedgerName};
use crate::inventory::Inventory;
use crate::query::At;
use crate::store::Result;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

/// Statements under way at once for one ledger.
const MAX_STATEMENTS: usize = 2;

/// Lookups in one statement.
const MAX_TOGETHER: usize = 256;

/// What is found: `None` when one statement does not tell.
type Found = Option<At<Option<Inventory>>>;

/// The lookups of one ledger.
pub(super) struct Lookups {
    connections: Arc<Connections>,
    ledger: LedgerName,
    line: Mutex<Line>,
}

#[derive(Default)]
struct Line {
    waiting: Vec<Wanted>,
    /// Statements under way.
    under_way: usize,
}

struct Wanted {
    item: ItemId,
    found: oneshot::Sender<Result<Found>>,
}

impl Lookups {
    pub fn new(connections: Arc<Connections>, ledger: LedgerName) -> Arc<Self> {
        Arc::new(Self { connections, ledger, line: Mutex::default() })
    }

    /// An item and its count as they are now; `None` when there is more to look for than one
    /// statement finds: a ledger, or a count that is missing.
    pub async fn inventory(self: &Arc<Self>, item: ItemId) -> Result<Found> {
        let (found, answer) = oneshot::channel();
        {
            let mut line = self.lock();
            line.waiting.push(Wanted { item, found });
            self.start(&mut line);
        }
        answer.await.map_err(|_| StoreError::Busy("the read was given up".into()))?
    }

    /// Starts a statement if there is something to read, and not enough of them under way.
    fn start(self: &Arc<Self>, line: &mut Line) {
        if line.waiting.is_empty() || line.under_way == MAX_STATEMENTS {
            return;
        }
        if let Ok(runtime) = Handle::try_current() {
            line.under_way += 1;
            runtime.spawn(Turn(Arc::clone(self)).read());
        }
    }

    fn take(&self) -> Vec<Wanted> {
        let mut line = self.lock();
        let together = line.waiting.len().min(MAX_TOGETHER);
        line.waiting.drain(..together).collect()
    }

    async fn ask(&self, items: &[ItemId]) -> Result<Vec<Found>> {
        let conn = self.connections.get().await?;
        reads::inventories_now(&Reader::new(&conn, &self.ledger), items).await
    }

    fn lock(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One statement after the other, as long as somebody waits.
struct Turn(Arc<Lookups>);

impl Turn {
    async fn read(self) {
        loop {
            let wanted = self.0.take();
            if wanted.is_empty() {
                return;
            }
            let items: Vec<_> = wanted.iter().map(|wanted| wanted.item).collect();
            let found = self.0.ask(&items).await;
            for (place, wanted) in wanted.into_iter().enumerate() {
                // Whoever has gone away does not need it.
                let _ = wanted.found.send(match &found {
                    Ok(found) => Ok(found.get(place).cloned().flatten()),
                    Err(error) => Err(error.clone()),
                });
            }
        }
    }
}

impl Drop for Turn {
    /// Somebody may have come after the last look.
    fn drop(&mut self) {
        let mut line = self.0.lock();
        line.under_way -= 1;
        self.0.start(&mut line);
    }
}
