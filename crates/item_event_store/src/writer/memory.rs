//! The writer's memory: the book, and what the head row said when it was true. It is thrown away
//! whenever it may be wrong.

use super::Result;
use crate::book::Book;
use crate::event::{Balance, Event};
use crate::store::{Batch, Head, Others, WriteTx};

/// So many batches in a row without anybody else, and the writer counts as alone. Fewer, and of two
/// writers that take turns one would often guess wrong, and decide twice.
const BATCHES_ALONE: u32 = 8;
/// Where batch after batch cannot be moved, others write of the same items. At most two to this
/// power less one then lock the head before another is sent without the lock.
const LOCK_FIRST: u32 = 5;

pub(super) struct Memory {
    pub book: Book,
    pub head: Head,
    /// Of the last event of the log.
    last_balance: Option<Balance>,
    /// How many batches in a row nobody else has written before.
    batches_alone: u32,
    lock_first: LockFirst,
}

/// How many batches lock the head first, because some could not be moved behind what others had
/// written: none after the first of them in a row, then about twice as many each time.
#[derive(Default)]
struct LockFirst {
    not_moved: u32,
    left: u32,
}

impl LockFirst {
    /// Whether the next batch does.
    fn next(&mut self) -> bool {
        let locks = self.left > 0;
        self.left = self.left.saturating_sub(1);
        locks
    }

    fn not_moved(&mut self) {
        self.left = (1 << self.not_moved) - 1;
        self.not_moved = LOCK_FIRST.min(self.not_moved + 1);
    }

    fn moved(&mut self) {
        self.not_moved = 0;
    }
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
            last_balance: last_event.as_ref().map(Event::balance),
            batches_alone: BATCHES_ALONE,
            lock_first: LockFirst::default(),
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
        if tail.last_balance != memory.last_balance {
            return Self::load(tx).await;
        }
        for change in tail.item_changes {
            memory.book.apply_item_change(&change);
        }
        for balance in tail.balances {
            memory.book.apply(balance);
            memory.last_balance = Some(balance);
        }
        memory.head = head;
        Ok(memory)
    }

    /// Whether nobody else seems to write to the ledger at present.
    pub fn alone(&self) -> bool {
        self.batches_alone >= BATCHES_ALONE
    }

    /// Whether the next batch is to be sent without the lock although others write.
    pub fn may_move(&mut self) -> bool {
        !self.lock_first.next() && !self.alone()
    }

    /// A batch could not be moved behind what others had written.
    pub fn could_not_move(&mut self) {
        self.lock_first.not_moved();
    }

    /// Takes over what others wrote before a batch.
    pub fn pass(&mut self, others: &Others) {
        self.batches_alone = 0;
        self.lock_first.moved();
        self.head.last_request_id = others.last_request_id;
        for balance in &others.balances {
            self.book.apply(*balance);
            self.last_balance = Some(*balance);
            self.head.position = balance.id;
            self.head.last_created_at = balance.created_at;
        }
    }

    /// Nobody else wrote before a batch.
    pub fn pass_nobody(&mut self) {
        self.batches_alone = self.batches_alone.saturating_add(1);
    }

    /// Goes on to where a batch ends. The book has it already.
    pub fn take_over(&mut self, batch: &Batch) {
        self.head = batch.head.clone();
        if let Some(event) = batch.events.last() {
            self.last_balance = Some(event.balance());
        }
    }

    /// Of the last event of the log.
    pub fn last_balance(&self) -> Option<Balance> {
        self.last_balance
    }

    /// Goes back to where a batch began.
    pub fn go_back(&mut self, base: Head, last_balance: Option<Balance>) {
        self.head = base;
        self.last_balance = last_balance;
    }

    fn is_prefix_of(&self, head: &Head) -> bool {
        self.head.epoch == head.epoch
            && self.head.counts_revision == head.counts_revision
            && self.head.position <= head.position
            && self.head.items_revision <= head.items_revision
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ever_more_batches_lock_first_up_to_a_limit_until_one_moves() {
        let mut lock_first = LockFirst::default();
        let mut after_one_more = || {
            lock_first.not_moved();
            std::iter::from_fn(|| lock_first.next().then_some(())).count()
        };
        let counts: Vec<_> = (0..8).map(|_| after_one_more()).collect();
        assert_eq!(counts, [0, 1, 3, 7, 15, 31, 31, 31]);
        lock_first.moved();
        lock_first.not_moved();
        assert!(!lock_first.next());
    }
}
