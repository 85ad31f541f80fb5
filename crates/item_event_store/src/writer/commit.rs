//! One batch, from the memory to the disk: catch up, decide, write.

use super::batch::Plan;
use super::memory::Memory;
use super::{Job, Reply, Result, Writer};
use crate::command::Request;
use crate::error::StoreError;
use crate::facts::{Facts, Wanted};
use crate::failpoint::failpoint;
use crate::store::WriteTx;
use crate::time::Timestamp;

impl Writer {
    pub(super) async fn commit(&mut self, jobs: &mut Vec<Job>) -> Result<Vec<Reply>> {
        if let Some(replies) = self.commit_moving(jobs).await? {
            return Ok(replies);
        }
        if let Some(replies) = self.commit_in_turn(jobs).await? {
            return Ok(replies);
        }
        failpoint!("before_begin");
        let keys: Vec<_> = jobs.iter().map(|job| job.request.key.clone()).collect();
        let mut tx = self.store.begin(&keys).await?;
        failpoint!("after_begin");
        let mut memory = Memory::catch_up(self.memory.take(), tx.as_mut()).await?;
        let stored = tx.requests();
        let facts = look_up(tx.as_mut(), jobs.iter().map(|job| &job.request)).await?;
        let now = self.now(&memory);
        let plan = Plan::decide(jobs, stored, &mut memory, &facts, now);
        if plan.batch.requests.is_empty() {
            // What is told again was only read: that it lasts is known after a commit.
            tx.commit().await?;
            self.memory = Some(memory);
            return Ok(plan.replies());
        }
        failpoint!("before_append");
        if !tx.append(&plan.batch).await? {
            return Err(StoreError::Aborted("the head is not the one that was locked".into()));
        }
        failpoint!("after_commit");
        Ok(self.committed(plan, memory))
    }

    /// While others write: locks the head before anything is decided, and what has come in the
    /// meantime goes along. The store looks for the keys itself as it writes. `None` when that is
    /// not to be had.
    async fn commit_in_turn(&mut self, jobs: &mut Vec<Job>) -> Result<Option<Vec<Reply>>> {
        let Some(memory) = self.memory.as_ref().filter(|_| self.store.finds_stored_keys()) else {
            return Ok(None);
        };
        if memory.alone() || looks_back(jobs) {
            return Ok(None);
        }
        let mut tx = self.store.take_turn(&memory.head).await?;
        let mut memory = Memory::catch_up(self.memory.take(), tx.as_mut()).await?;
        self.queue.add_to(jobs);
        if looks_back(jobs) {
            self.memory = Some(memory);
            return Ok(None);
        }
        let now = self.now(&memory);
        let plan = Plan::decide(jobs, vec![], &mut memory, &Facts::default(), now);
        failpoint!("before_append");
        let appended = if plan.is_plain() { tx.append(&plan.batch).await } else { Ok(false) };
        match appended {
            Ok(true) => {
                failpoint!("after_commit");
                return Ok(Some(self.committed(plan, memory)));
            }
            Ok(false) | Err(StoreError::Busy(_) | StoreError::Aborted(_)) => {
                plan.take_back(&mut memory);
                self.memory = Some(memory);
            }
            // Who knows what the memory is worth.
            Err(_) => {}
        }
        appended.map(|_| None)
    }

    /// What everybody is told once a batch is committed.
    pub(super) fn committed(&mut self, plan: Plan, mut memory: Memory) -> Vec<Reply> {
        memory.take_over(&plan.batch);
        self.memory = Some(memory);
        self.told(plan)
    }

    /// The same, where the memory has it already.
    pub(super) fn told(&mut self, plan: Plan) -> Vec<Reply> {
        self.announce(&plan);
        plan.replies()
    }

    /// The ledger's time never goes back.
    pub(super) fn now(&self, memory: &Memory) -> Timestamp {
        self.clock.now().max(memory.head.last_created_at)
    }
}

/// Whether some request is judged by more than the counts.
pub(super) fn looks_back(jobs: &[Job]) -> bool {
    !Wanted::by(jobs.iter().map(|job| &job.request)).is_empty()
}

async fn look_up<'a>(
    tx: &mut dyn WriteTx,
    requests: impl Iterator<Item = &'a Request>,
) -> Result<Facts> {
    let wanted = Wanted::by(requests);
    let mut facts = Facts::default();
    if wanted.is_empty() {
        return Ok(facts);
    }
    let mut items: Vec<_> = wanted.counted.iter().map(|(item, _)| *item).collect();
    for found in tx.correctable(&wanted.corrected).await? {
        items.push(found.event.item_id);
        facts.correctable.insert(found.event.id, found);
    }
    items.sort_unstable();
    items.dedup();
    facts.last_counts.extend(tx.last_counts(&items).await?);
    for (item, at) in wanted.counted {
        facts.changes_since.insert((item, at), tx.changes_since(item, at).await?);
    }
    Ok(facts)
}
