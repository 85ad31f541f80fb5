//! The writer's memory: the book, and what the head row said when it was true. It is thrown away
//! whenever it may be wrong.

use super::Result;
use crate::book::Book;
use crate::event::Event;
use crate::store::{Batch, Head, WriteTx};

/// So many batches in a row without anybody else, and the writer counts as alone. Fewer, and of two
/// writers that take turns one would often guess wrong, and decide twice.
const BATCHES_ALONE: u32 = 8;

pub(super) struct Memory {
    pub book: Book,
    pub head: Head,
    last_event: Option<Event>,
    /// How many batches in a row nobody else has written before.
    batches_alone: u32,
}

impl Memory {
    /// Reads everything anew: items and counts, never the log. Reports rows that differ from it.
    pub async fn load(tx: &mut dyn WriteTx) -> Result<Self> {
        let loaded = tx.load().await?;
        for wrong in &loaded.discrepancies {
            tracing::warn!(
                item_id = wrong.item_id.0,
                stored = wrong.stored.map(|count| count.quantity),
                logged = wrong.logged.map(|count| count.quantity),
                "item_inventory differs from the log: the log counts; run a rebuild"
            );
        }
        let last_event = tx.event(loaded.head.position).await?;
        Ok(Self {
            book: Book::load(loaded.rows),
            head: loaded.head,
            last_event,
            batches_alone: BATCHES_ALONE,
        })
    }

    /// Brings the memory up to what the locked head row says: by the log's tail if someone else
    /// appended to the same history, by loading anew if it may be another one.
    pub async fn catch_up(memory: Option<Self>, tx: &mut dyn WriteTx) -> Result<Self> {
        let head = tx.head().await?;
        let Some(mut memory) = memory else { return Self::load(tx).await };
        if memory.head == head {
            memory.batches_alone = memory.batches_alone.saturating_add(1);
            return Ok(memory);
        }
        memory.batches_alone = 0;
        if !memory.is_prefix_of(&head) {
            return Self::load(tx).await;
        }
        let tail = tx.tail(&memory.head).await?;
        if tail.last_event != memory.last_event {
            return Self::load(tx).await;
        }
        for change in tail.item_changes {
            memory.book.apply_item_change(&change);
        }
        for event in tail.events {
            memory.book.apply(&event);
            memory.last_event = Some(event);
        }
        memory.head = head;
        Ok(memory)
    }

    /// Whether nobody else seems to write to the ledger at present.
    pub fn alone(&self) -> bool {
        self.batches_alone >= BATCHES_ALONE
    }

    /// Goes on to where a batch ends. The book has it already.
    pub fn take_over(&mut self, batch: &Batch) {
        self.head = batch.head.clone();
        if let Some(event) = batch.events.last() {
            self.last_event = Some(event.clone());
        }
    }

    /// The last event of the log.
    pub fn last_event(&self) -> Option<&Event> {
        self.last_event.as_ref()
    }

    /// Goes back to where a batch began.
    pub fn go_back(&mut self, base: Head, last_event: Option<Event>) {
        self.head = base;
        self.last_event = last_event;
    }

    fn is_prefix_of(&self, head: &Head) -> bool {
        self.head.epoch == head.epoch
            && self.head.counts_revision == head.counts_revision
            && self.head.position <= head.position
            && self.head.items_revision <= head.items_revision
    }
}
