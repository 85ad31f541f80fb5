//! The ledger: the one way in, and everything that can be asked of it.

use crate::access::Role;
use crate::chart::Chart;
use crate::command::Request;
use crate::error::{ExecuteError, FollowError, StoreError};
use crate::event::Event;
use crate::follow::Cursor;
use crate::ids::{ItemId, Position};
use crate::query::At;
use crate::report::{RebuildReport, VerifyReport};
use crate::request::Answer;
use crate::store::LedgerStore;
use crate::time::Clock;
use std::sync::Arc;

/// An open ledger. Cheap to clone; all clones share one writer.
#[derive(Clone)]
pub struct Ledger {
    store: Arc<dyn LedgerStore>,
}

impl Ledger {
    /// Opens a ledger and starts its writer.
    pub async fn open(
        store: Arc<dyn LedgerStore>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, StoreError> {
        let _ = clock;
        Ok(Self { store })
    }
    /// A ledger that can be read, verified and followed, but not written to.
    pub fn read_only(store: Arc<dyn LedgerStore>) -> Self {
        Self { store }
    }
    /// The store, for reads.
    pub fn store(&self) -> &dyn LedgerStore {
        self.store.as_ref()
    }
    /// The only function that leads to a write.
    pub async fn execute(&self, request: Request, role: Role) -> Result<Answer, ExecuteError> {
        todo!("{request:?} {role}")
    }
    /// Checks a cursor against the history: resumes only where the history is the same.
    pub async fn resume(&self, cursor: &Cursor) -> Result<Follower, FollowError> {
        todo!("{cursor}")
    }
    /// Follows from the event after `position`.
    pub async fn follow(&self, position: Position) -> Result<Follower, FollowError> {
        todo!("{position}")
    }
    /// `progress` is told (events done, events in all) now and then.
    pub async fn verify(
        &self,
        storage: bool,
        progress: &(dyn Fn(u64, u64) + Sync),
    ) -> Result<VerifyReport, StoreError> {
        todo!("{storage} {}", progress(0, 0) == ())
    }
    /// Recomputes counts from the log.
    pub async fn rebuild(
        &self,
        item: Option<ItemId>,
        progress: &(dyn Fn(u64, u64) + Sync),
    ) -> Result<RebuildReport, StoreError> {
        todo!("{item:?} {}", progress(0, 0) == ())
    }
    /// The stock of an item over time.
    pub async fn chart(&self, item: ItemId) -> Result<At<Option<Chart>>, StoreError> {
        todo!("{item}")
    }
    /// Waits until the writer has stopped for good because the storage failed.
    pub async fn failed(&self) -> String {
        todo!()
    }
    /// Refuses new requests, finishes the queued ones, stops the writer.
    pub async fn close(&self) {
        todo!()
    }
    /// Numbers for the metrics.
    pub fn writer_stats(&self) -> WriterStats {
        todo!()
    }
}

/// What the writer has done since it started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WriterStats {
    /// Batches committed.
    pub batches: u64,
    /// Events recorded.
    pub events: u64,
    /// Requests answered, replays among them.
    pub requests: u64,
    /// Requests waiting now.
    pub queued: u64,
}

/// Gives events in order.
pub struct Follower {
    x: (),
}
impl Follower {
    /// The next events, at least one, at most a page; waits for them. Cancel-safe.
    pub async fn next(&mut self) -> Result<Vec<Event>, FollowError> {
        todo!("{:?}", self.x)
    }
    /// The cursor to resume after `event`.
    pub fn cursor(&self, event: &Event) -> Cursor {
        todo!("{event:?}")
    }
}
