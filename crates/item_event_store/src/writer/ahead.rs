//! Batches one behind another: as long as nobody else seems to write, the next one is decided and
//! sent while the one before it is being written. Each is written only where it was decided, on the
//! head that the one before it makes: of two that are under way, the second cannot come without the
//! first.

use super::batch::Plan;
use super::commit::looks_back;
use super::{Job, Result, Writer, answer_all, refuse_all};
use crate::error::StoreError;
use crate::facts::Facts;
use crate::failpoint::failpoint;
use crate::limits::BATCHES_UNDER_WAY;
use crate::store::{Appended, Place};
use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesOrdered;
use std::sync::Arc;

/// A batch on its way, and then what became of it.
type Sent = BoxFuture<'static, (Vec<Job>, Plan, Result<bool>)>;

/// Requests that were not carried out, in order, each with what the store said if they were sent.
pub(super) type Left = Vec<(Vec<Job>, Result<()>)>;

impl Writer {
    /// Carries requests out, and those that come while it does. Ends when none is under way, or
    /// some cannot be carried out like this.
    pub(super) async fn run_ahead(&mut self, jobs: Vec<Job>) -> Left {
        let mut size = jobs.len();
        let mut under_way = match self.send(jobs, Place::Base) {
            Ok(sent) => FuturesOrdered::from_iter([sent]),
            Err(jobs) => return vec![(jobs, Ok(()))],
        };
        let mut unsent = Left::new();
        let queue = Arc::clone(&self.queue);
        loop {
            let may_send = unsent.is_empty()
                && under_way.len() < BATCHES_UNDER_WAY
                && self.check_running().is_ok();
            tokio::select! {
                biased;
                done = under_way.next() => match done {
                    None => return unsent,
                    Some((jobs, plan, Ok(true))) => {
                        failpoint!("after_commit");
                        answer_all(jobs, self.told(plan));
                    }
                    Some((mut jobs, plan, appended)) => {
                        if let Err(error @ StoreError::Busy(_)) = &appended {
                            // Those behind it wait as long again, for themselves.
                            refuse_all(std::mem::take(&mut jobs), error);
                        }
                        let others = under_way.collect::<Vec<_>>().await;
                        let failed =
                            std::iter::once((jobs, plan, appended)).chain(others).collect();
                        return self.take_back(failed).into_iter().chain(unsent).collect();
                    }
                },
                // Smaller ones would cost more than the wait that they save.
                () = queue.filled(size), if may_send => {
                    let mut jobs = Vec::new();
                    queue.add_to(&mut jobs);
                    size = jobs.len();
                    match self.send(jobs, Place::Following) {
                        Ok(sent) => under_way.push_back(sent),
                        Err(jobs) => unsent.push((jobs, Ok(()))),
                    }
                }
            }
        }
    }

    /// Decides a batch on the memory alone, where the store looks for the keys itself as it writes,
    /// and takes it over as if it were written. The requests again when that is not to be had.
    fn send(
        &mut self,
        jobs: Vec<Job>,
        place: Place<'static>,
    ) -> std::result::Result<Sent, Vec<Job>> {
        if !self.store.finds_stored_keys() || looks_back(&jobs) {
            return Err(jobs);
        }
        let Some(mut memory) = self.memory.take_if(|memory| memory.alone()) else {
            return Err(jobs);
        };
        let now = self.now(&memory);
        let plan = Plan::decide(&jobs, vec![], &mut memory, &Facts::default(), now);
        if !plan.is_plain() {
            plan.take_back(&mut memory);
            self.memory = Some(memory);
            return Err(jobs);
        }
        failpoint!("before_append");
        memory.take_over(&plan.batch);
        self.memory = Some(memory);
        let store = Arc::clone(&self.store);
        Ok(Box::pin(async move {
            let appended = store.append(&plan.batch, place).await;
            (jobs, plan, appended.map(|appended| !matches!(appended, Appended::Nothing)))
        }))
    }

    /// Batches of which the first was not written, nor the others then.
    fn take_back(&mut self, failed: Vec<(Vec<Job>, Plan, Result<bool>)>) -> Left {
        let certain = failed.iter().all(|(_, _, appended)| {
            matches!(appended, Ok(false) | Err(StoreError::Busy(_) | StoreError::Aborted(_)))
        });
        // Else who knows what the memory is worth.
        let mut memory = self.memory.take().filter(|_| certain);
        let mut left = Left::new();
        for (jobs, plan, appended) in failed.into_iter().rev() {
            if let Some(memory) = memory.as_mut() {
                plan.take_back(memory);
            }
            if !jobs.is_empty() {
                left.insert(0, (jobs, appended.map(drop)));
            }
        }
        self.memory = memory;
        left
    }
}
