//! What verify and rebuild find, and how far long work and the writer have come.

use crate::ids::{ItemId, Position};

/// Something that is not as it must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The stable code: `inventory_differs`, `inventory_missing`, `inventory_stray`,
    /// `position_gap`, `version_gap`, `balance_wrong`, `rule_broken`, `created_at_back`,
    /// `request_gap`, `request_differs`, `item_unknown`, `item_differs`, `head_differs`,
    /// `summary_differs`, `storage`.
    pub code: &'static str,
    /// The item that it is about, if it is about one.
    pub item_id: Option<ItemId>,
    /// The first event where the log and what follows from it part.
    pub position: Option<Position>,
    /// One sentence with the numbers.
    pub detail: String,
}

/// What a verification found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyReport {
    /// Everything up to here was verified.
    pub position: Position,
    /// Events read.
    pub events: u64,
    /// Items whose counts were compared.
    pub items: u64,
    /// Whether the storage's own check was part of it.
    pub storage_checked: bool,
    /// What is wrong, at most [`VerifyReport::MAX_FINDINGS`].
    pub findings: Vec<Finding>,
    /// How many more there are.
    pub findings_left_out: u64,
}

impl VerifyReport {
    /// The most findings that a report lists.
    pub const MAX_FINDINGS: usize = 1_000;

    /// Whether nothing is wrong.
    #[must_use]
    pub fn clean(&self) -> bool {
        self.findings.is_empty()
    }
}

/// A count that a rebuild put right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rebuilt {
    /// The item.
    pub item_id: ItemId,
    /// The quantity that was stored; `None` when the row was missing.
    pub before: Option<i64>,
    /// The quantity that the log says; `None` when there is no such item, and the row is gone.
    pub after: Option<i64>,
}

/// What a rebuild did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RebuildReport {
    /// The counts are those at this position.
    pub position: Position,
    /// Events folded.
    pub events: u64,
    /// Items recomputed.
    pub items: u64,
    /// Those whose row changed.
    pub changed: Vec<Rebuilt>,
}

/// What a refresh of the daily summary did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefreshReport {
    /// The summary is true up to here, at least.
    pub position: Position,
    /// Events added.
    pub events: u64,
    /// Whether it was emptied first and made from the log's beginning.
    pub rebuilt: bool,
}

/// What the writer has done since it started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WriterStats {
    /// Batches committed.
    pub batches: u64,
    /// Events recorded.
    pub events: u64,
    /// Requests stored.
    pub requests: u64,
    /// Requests waiting now.
    pub queued: u64,
}

impl WriterStats {
    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            batches: self.batches + other.batches,
            events: self.events + other.events,
            requests: self.requests + other.requests,
            queued: self.queued + other.queued,
        }
    }
}

/// Told now and then how far a long piece of work has come: events done, events in all.
pub type Progress<'a> = &'a (dyn Fn(u64, u64) + Sync);
