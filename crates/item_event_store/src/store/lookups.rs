//! Counts that are asked for at the same time are read together. A lookup joins only a read that
//! has not begun, so it sees whatever was committed before it was asked.

use crate::error::StoreError;
use crate::ids::ItemId;
use crate::inventory::Inventory;
use crate::query::At;
use crate::store::Result;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::runtime::Handle;
use tokio::sync::oneshot;

/// Lookups in one read.
const MAX_TOGETHER: usize = 256;

/// What is found: `None` when such a read does not tell, because there is more to look for: a
/// ledger, or a count that is missing.
pub(super) type Found = Option<At<Option<Inventory>>>;

/// Reads the counts of one ledger.
pub(super) trait ReadCounts: Send + Sync + 'static {
    /// Reads under way at once.
    const MAX_READS: usize;

    /// Items with their counts, each in its place, all as they are at one moment.
    fn read_counts(&self, items: &[ItemId]) -> impl Future<Output = Result<Vec<Found>>> + Send;
}

/// The lookups of one ledger.
pub(super) struct Lookups<R> {
    counts: R,
    line: Mutex<Line>,
}

#[derive(Default)]
struct Line {
    waiting: Vec<Wanted>,
    /// Reads under way.
    under_way: usize,
}

struct Wanted {
    item: ItemId,
    found: oneshot::Sender<Result<Found>>,
}

impl<R: ReadCounts> Lookups<R> {
    pub fn new(counts: R) -> Arc<Self> {
        Arc::new(Self { counts, line: Mutex::default() })
    }

    /// An item and its count as they are now.
    pub async fn inventory(self: &Arc<Self>, item: ItemId) -> Result<Found> {
        let (found, answer) = oneshot::channel();
        {
            let mut line = self.lock();
            line.waiting.push(Wanted { item, found });
            self.start(&mut line);
        }
        answer.await.map_err(|_| StoreError::Busy("the read was given up".into()))?
    }

    /// Starts a read if there is something to read, and not enough of them under way.
    fn start(self: &Arc<Self>, line: &mut Line) {
        if line.waiting.is_empty() || line.under_way == R::MAX_READS {
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

    fn lock(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One read after the other, as long as somebody waits.
struct Turn<R: ReadCounts>(Arc<Lookups<R>>);

impl<R: ReadCounts> Turn<R> {
    async fn read(self) {
        // Whoever is about to ask goes first.
        tokio::task::yield_now().await;
        loop {
            let wanted = self.0.take();
            if wanted.is_empty() {
                return;
            }
            let items: Vec<_> = wanted.iter().map(|wanted| wanted.item).collect();
            let found = self.0.counts.read_counts(&items).await;
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

impl<R: ReadCounts> Drop for Turn<R> {
    /// Somebody may have come after the last look.
    fn drop(&mut self) {
        let mut line = self.0.lock();
        line.under_way -= 1;
        self.0.start(&mut line);
    }
}
