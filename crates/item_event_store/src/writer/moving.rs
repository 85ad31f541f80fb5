//! Batches that may move: while others write, one is decided and sent without the lock, and is
//! written behind whatever they have written since, if it says the same there. The database has all
//! of it when the lock is free: nobody holds the lock while an answer travels.

use super::batch::Plan;
use super::commit::looks_back;
use super::memory::Memory;
use super::{Job, Reply, Result, Writer};
use crate::error::StoreError;
use crate::facts::Facts;
use crate::failpoint::failpoint;
use crate::limits::GATHER_WAIT;
use crate::store::{Appended, Place};
use std::time::Instant;

impl Writer {
    /// `None` when that is not to be had.
    pub(super) async fn commit_moving(
        &mut self,
        jobs: &mut Vec<Job>,
    ) -> Result<Option<Vec<Reply>>> {
        if !self.store.finds_stored_keys() || !self.memory.as_mut().is_some_and(Memory::may_move) {
            return Ok(None);
        }
        self.gather(jobs).await;
        let Some(mut memory) = self.memory.take_if(|_| !looks_back(jobs)) else { return Ok(None) };
        let now = self.now(&memory);
        let plan = Plan::decide(jobs, vec![], &mut memory, &Facts::default(), now);
        let appended = if plan.may_move() {
            failpoint!("before_append");
            let sent_at = Instant::now();
            let place = &plan.judged_by(jobs);
            let appended = self.store.append(&plan.batch, Place::Behind(place)).await;
            self.last_turn = sent_at.elapsed();
            appended
        } else {
            Ok(Appended::Nothing)
        };
        match appended {
            Ok(Appended::AsDecided) => {
                failpoint!("after_commit");
                memory.pass_nobody();
                Ok(Some(self.committed(plan, memory)))
            }
            Ok(Appended::Behind(others)) => {
                failpoint!("after_commit");
                let moved = plan.moved_behind(&others, jobs, &mut memory);
                let differs = || StoreError::CommitUnknown("it reads otherwise there".into());
                Ok(Some(self.committed(moved.ok_or_else(differs)?, memory)))
            }
            Ok(Appended::Nothing) => {
                plan.take_back(&mut memory);
                memory.could_not_move();
                self.memory = Some(memory);
                Ok(None)
            }
            Err(error) => {
                // After another error who knows what the memory is worth.
                if matches!(error, StoreError::Busy(_) | StoreError::Aborted(_)) {
                    plan.take_back(&mut memory);
                    self.memory = Some(memory);
                }
                Err(error)
            }
        }
    }

    /// Waits for most of the requests that may come while others have their turn: those who were
    /// answered last are on their way back. For the last ones of them it would be too long.
    async fn gather(&self, jobs: &mut Vec<Job>) {
        let most = self.expected - self.expected / 8;
        let missing = most.saturating_sub(jobs.len());
        let wait = self.last_turn.min(GATHER_WAIT);
        let _ = tokio::time::timeout(wait, self.queue.filled(missing)).await;
        self.queue.add_to(jobs);
    }
}
