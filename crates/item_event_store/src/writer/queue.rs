//! What waits for the writer: bounded in requests, commands and bytes. A full queue refuses, so
//! that nobody waits for an answer that cannot come in time.

use crate::command::{Command, Request};
use crate::error::{ExecuteError, StoreError};
use crate::ids::Position;
use crate::limits::{BATCH_EVENTS, QUEUE_BYTES, QUEUE_COMMANDS, QUEUE_REQUESTS};
use crate::rejection::{Rejected, Rejection};
use crate::report::Rebuilt;
use crate::request::{Recorded, StoredRequest};
use crate::settings::{Settings, SettingsChange};
use crate::store::{Discrepancy, SummaryStep};
use crate::summary::Summary;
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::{Notify, oneshot};

/// A request on its way to the writer.
pub(crate) struct Job {
    pub request: Request,
    pub hash: [u8; 32],
    pub reply: oneshot::Sender<Result<Reply, ExecuteError>>,
}

/// What the writer says to a request.
#[derive(Debug)]
pub(crate) enum Reply {
    /// Recorded just now.
    Recorded(Recorded),
    /// Rejected just now, and stored under the key.
    Rejected(Rejected),
    /// Its key is stored with the same content: what became of it then.
    Stored(StoredRequest),
    /// Nothing of it was recorded, and nothing is stored under its key.
    Refused(Rejection),
}

/// Rows of the inventory to be put right.
pub(crate) struct Swap {
    pub discrepancies: Vec<Discrepancy>,
    pub reply: oneshot::Sender<Result<(Position, Vec<Rebuilt>), StoreError>>,
}

/// Something about the ledger to be chosen anew.
pub(crate) struct Choice {
    pub change: SettingsChange,
    pub reply: oneshot::Sender<Result<Settings, StoreError>>,
}

/// A step of the daily summary, and what the summary was when the step was made.
pub(crate) struct Step {
    pub seen: Summary,
    pub step: SummaryStep,
    pub reply: oneshot::Sender<Result<bool, StoreError>>,
}

/// What the writer does next.
pub(crate) enum Work {
    /// One batch.
    Requests(Vec<Job>),
    /// What is done alone.
    Upkeep(Upkeep),
}

/// What changes no event.
pub(crate) enum Upkeep {
    /// Put counts right.
    Swap(Swap),
    /// Change the settings.
    Choice(Choice),
    /// Take the daily summary on.
    Step(Step),
}

enum Waiting {
    Request(Job),
    Upkeep(Upkeep),
}

#[derive(Default)]
struct Line {
    waiting: VecDeque<Waiting>,
    requests: usize,
    commands: usize,
    bytes: usize,
    closed: bool,
    /// So many requests, and whoever waits for them is woken.
    wanted: usize,
}

/// First come, first served, but that requests overtake upkeep once; many may push, one takes.
#[derive(Default)]
pub(crate) struct Queue {
    line: Mutex<Line>,
    arrived: Notify,
}

impl Queue {
    /// Queues a request, or says why not. Whoever is refused has certainly not been recorded.
    pub fn push(&self, job: Job) -> Result<(), ExecuteError> {
        let mut line = self.lock();
        let commands = job.request.commands.len();
        let bytes = bytes_of(&job.request);
        if line.closed {
            return Err(ExecuteError::NotStarted("the ledger is closed".into()));
        }
        let full = line.requests + 1 > QUEUE_REQUESTS
            || line.commands + commands > QUEUE_COMMANDS
            || line.bytes + bytes > QUEUE_BYTES;
        if full {
            return Err(ExecuteError::NotStarted("too many requests are waiting".into()));
        }
        line.requests += 1;
        line.commands += commands;
        line.bytes += bytes;
        line.waiting.push_back(Waiting::Request(job));
        let enough = line.requests >= line.wanted;
        drop(line);
        if enough {
            self.arrived.notify_one();
        }
        Ok(())
    }

    /// Queues what is done between batches.
    pub fn push_upkeep(&self, upkeep: Upkeep) -> Result<(), StoreError> {
        let mut line = self.lock();
        if line.closed {
            return Err(StoreError::ReadOnly);
        }
        line.waiting.push_back(Waiting::Upkeep(upkeep));
        drop(line);
        self.arrived.notify_one();
        Ok(())
    }

    /// Has the writer take a step of the daily summary, and waits for it.
    pub async fn step(&self, seen: Summary, step: SummaryStep) -> Result<bool, StoreError> {
        let (reply, taken) = oneshot::channel();
        self.push_upkeep(Upkeep::Step(Step { seen, step, reply }))?;
        taken.await.map_err(|_| StoreError::CommitUnknown("the writer stopped".into()))?
    }

    /// Refuses whatever comes from now on; what is queued is still taken.
    pub fn close(&self) {
        self.lock().closed = true;
        self.arrived.notify_one();
    }

    /// Refuses whatever comes from now on, and lets go of what is queued: nobody takes it any more.
    pub fn abandon(&self) {
        let mut line = self.lock();
        *line = Line { closed: true, ..Line::default() };
    }

    /// Requests that are waiting.
    pub fn len(&self) -> usize {
        self.lock().requests
    }

    /// Waits for work: a batch of what is there, without delay. `None` when closed and empty.
    pub async fn next(&self) -> Option<Work> {
        loop {
            {
                let mut line = self.lock();
                if let Some(work) = line.take() {
                    return Some(work);
                }
                if line.closed {
                    return None;
                }
                line.wanted = 1;
            }
            self.arrived.notified().await;
        }
    }

    /// Waits until so many requests are there, and no upkeep before whose turn they would come.
    pub async fn filled(&self, requests: usize) {
        loop {
            {
                let mut line = self.lock();
                if line.requests >= requests && line.requests == line.waiting.len() {
                    return;
                }
                line.wanted = requests;
            }
            self.arrived.notified().await;
        }
    }

    /// Adds to a batch what has come since it was taken.
    pub fn add_to(&self, jobs: &mut Vec<Job>) {
        self.lock().add_to(jobs);
    }

    fn lock(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Line {
    /// Upkeep alone, or requests up to [`BATCH_EVENTS`], or one larger request. Those behind an
    /// upkeep come along, so that none waits for more than the batch before its own.
    fn take(&mut self) -> Option<Work> {
        match self.waiting.pop_front()? {
            Waiting::Upkeep(upkeep) => Some(Work::Upkeep(upkeep)),
            next @ Waiting::Request(_) => {
                self.waiting.push_front(next);
                let mut jobs = Vec::new();
                self.add_to(&mut jobs);
                Some(Work::Requests(jobs))
            }
        }
    }

    fn add_to(&mut self, jobs: &mut Vec<Job>) {
        let mut commands = jobs.iter().map(|job| job.request.commands.len()).sum();
        let mut overtaken = Vec::new();
        while let Some(next) = self.waiting.pop_front() {
            match next {
                Waiting::Upkeep(_) => overtaken.push(next),
                Waiting::Request(job) if fits(jobs, commands, &job) => {
                    commands += job.request.commands.len();
                    self.requests -= 1;
                    self.commands -= job.request.commands.len();
                    self.bytes -= bytes_of(&job.request);
                    jobs.push(job);
                }
                Waiting::Request(_) => {
                    self.waiting.push_front(next);
                    break;
                }
            }
        }
        overtaken.into_iter().rev().for_each(|upkeep| self.waiting.push_front(upkeep));
    }
}

fn fits(jobs: &[Job], commands: usize, next: &Job) -> bool {
    jobs.is_empty() || commands + next.request.commands.len() <= BATCH_EVENTS
}

/// The text that a request holds: what its memory grows with, beside the number of commands.
fn bytes_of(request: &Request) -> usize {
    let texts = request.commands.iter().map(|command| {
        let (reference, note) = match command {
            Command::CreateItem(c) => (c.reference.as_ref(), c.note.as_ref()),
            Command::Record(c) => (c.reference.as_ref(), c.note.as_ref()),
            Command::Adjust(c) => (c.reference.as_ref(), c.note.as_ref()),
            Command::SetInventory(c) => (c.reference.as_ref(), c.note.as_ref()),
            Command::Correct(c) => (None, c.note.as_ref()),
            Command::EditItem(_) => (None, None),
        };
        reference.map_or(0, |text| text.as_str().len()) + note.map_or(0, |text| text.as_str().len())
    });
    request.key.as_str().len() + texts.sum::<usize>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::SettingsChange;

    fn job(key: &str) -> Job {
        let (key, actor) = (key.parse().expect("a key"), "test".parse().expect("an actor"));
        let archive = Command::EditItem(crate::command::EditItem {
            item_id: crate::ids::ItemId(1),
            name: None,
            sku: None,
            unit: None,
            allow_negative: None,
            archived: Some(true),
            expected_version: None,
        });
        let request = Request::new(key, actor, vec![archive]).expect("a request");
        Job { request, hash: [0; 32], reply: oneshot::channel().0 }
    }

    fn upkeep() -> Upkeep {
        Upkeep::Choice(Choice { change: SettingsChange::default(), reply: oneshot::channel().0 })
    }

    #[tokio::test]
    async fn a_request_behind_an_upkeep_is_in_the_next_batch_and_the_upkeep_after_it() {
        let queue = Queue::default();
        queue.push(job("a")).expect("queued");
        queue.push_upkeep(upkeep()).expect("queued");
        queue.push(job("b")).expect("queued");
        queue.push_upkeep(upkeep()).expect("queued");
        let Some(Work::Requests(jobs)) = queue.next().await else { panic!("a batch") };
        let keys: Vec<_> = jobs.iter().map(|job| job.request.key.as_str()).collect();
        assert_eq!(keys, ["a", "b"]);
        queue.push(job("c")).expect("queued");
        assert!(matches!(queue.next().await, Some(Work::Upkeep(_))));
        assert!(matches!(queue.next().await, Some(Work::Upkeep(_))));
        assert!(matches!(queue.next().await, Some(Work::Requests(_))));
        assert_eq!(queue.len(), 0);
    }

    #[tokio::test]
    async fn a_filled_batch_waits_for_the_last_request_and_for_no_upkeep() {
        let queue = Queue::default();
        let filled = queue.filled(2);
        tokio::pin!(filled);
        assert!(futures_util::poll!(filled.as_mut()).is_pending());
        queue.push(job("a")).expect("queued");
        assert!(futures_util::poll!(filled.as_mut()).is_pending());
        queue.push(job("b")).expect("queued");
        filled.await;
        let mut jobs = Vec::new();
        queue.add_to(&mut jobs);
        assert_eq!(jobs.len(), 2);
        queue.push_upkeep(upkeep()).expect("queued");
        queue.push(job("c")).expect("queued");
        {
            let filled = queue.filled(1);
            tokio::pin!(filled);
            assert!(
                futures_util::poll!(filled.as_mut()).is_pending(),
                "the upkeep's turn is first"
            );
        }
        let Some(Work::Upkeep(_)) = queue.next().await else { panic!("an upkeep") };
        queue.filled(1).await;
    }

    #[tokio::test]
    async fn whoever_waits_for_one_request_is_woken_by_it_after_a_wait_for_many() {
        let queue = Queue::default();
        {
            let filled = queue.filled(3);
            tokio::pin!(filled);
            assert!(futures_util::poll!(filled.as_mut()).is_pending());
        }
        let next = queue.next();
        tokio::pin!(next);
        assert!(futures_util::poll!(next.as_mut()).is_pending());
        queue.push(job("a")).expect("queued");
        assert!(matches!(futures_util::poll!(next.as_mut()), std::task::Poll::Ready(Some(_))));
    }
}
