//! The writer: the one task of an open ledger that appends. It takes what is waiting as one batch,
//! decides it on the counts it holds in memory, writes it in one transaction, and answers only
//! when that is on stable storage.

mod ahead;
mod announcer;
mod batch;
mod commit;
mod memory;
mod moving;
mod queue;

pub(crate) use queue::{Choice, Job, Queue, Reply, Swap, Upkeep, Work};

use crate::clock::Clock;
use crate::error::{ExecuteError, StoreError};
use crate::failpoint::failpoint;
use crate::ids::Position;
use crate::limits::BATCH_RETRIES;
use crate::report::{Rebuilt, WriterStats};
use crate::settings::{Settings, SettingsChange};
use crate::store::{Bell, LedgerStore, SummaryStep};
use crate::summary::Summary;
use announcer::announce;
use batch::Plan;
use memory::Memory;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::watch;

/// How long a writer waits between its looks at what became of a commit.
const RESOLVE_WAITS: [Duration; 5] = [
    Duration::from_millis(50),
    Duration::from_millis(200),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
];

/// Does it again from the beginning as long as the database gives it up for another's sake.
macro_rules! whole {
    ($once:expr) => {
        whole!(BATCH_RETRIES, $once)
    };
    ($retries:expr, $once:expr) => {{
        let mut left = $retries;
        loop {
            match $once.await {
                Err(StoreError::Aborted(why)) if left > 0 => {
                    tracing::warn!(why, "a batch is tried again");
                    left -= 1;
                }
                done => break done,
            }
        }
    }};
}

type Result<T> = std::result::Result<T, StoreError>;

/// Why writers stopped for good, once one has.
pub(crate) type Failed = watch::Sender<Option<String>>;

/// What the writer tells the rest of the process.
pub(crate) struct Signals {
    /// Rung after every commit.
    pub bell: Arc<Bell>,
    /// Of every ledger that is opened with this one.
    pub failed: Arc<Failed>,
    pub batches: AtomicU64,
    pub events: AtomicU64,
    pub requests: AtomicU64,
}

impl Signals {
    pub fn stats(&self, queued: usize) -> WriterStats {
        WriterStats {
            batches: self.batches.load(Ordering::Relaxed),
            events: self.events.load(Ordering::Relaxed),
            requests: self.requests.load(Ordering::Relaxed),
            queued: queued as u64,
        }
    }
}

pub(crate) struct Writer {
    store: Arc<dyn LedgerStore>,
    clock: Arc<dyn Clock>,
    queue: Arc<Queue>,
    signals: Arc<Signals>,
    /// Marked when there is something to announce.
    due: watch::Sender<()>,
    memory: Option<Memory>,
    /// Requests that may come while others have their turn.
    expected: usize,
    /// How long the last batch took that was sent while others wrote.
    last_turn: Duration,
}

/// A mistake of ours must not leave callers waiting for ever.
impl Drop for Writer {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.signals.failed.send_replace(Some("the writer panicked".into()));
            self.queue.abandon();
        }
    }
}

impl Writer {
    pub fn new(
        store: Arc<dyn LedgerStore>,
        clock: Arc<dyn Clock>,
        queue: Arc<Queue>,
        signals: Arc<Signals>,
    ) -> Self {
        let due = watch::Sender::new(());
        let (expected, last_turn) = (0, Duration::ZERO);
        Self { store, clock, queue, signals, due, memory: None, expected, last_turn }
    }

    /// Runs until the queue is closed and empty, or the storage fails, and the last announcement is
    /// out.
    pub async fn run(self) {
        let announcing = announce(Arc::clone(&self.store), self.due.subscribe());
        tokio::join!(self.work(), announcing);
    }

    async fn work(mut self) {
        if let Err(error) = self.warm_up().await {
            tracing::warn!(%error, "the counts could not be loaded yet");
        }
        while let Some(work) = self.queue.next().await {
            match work {
                Work::Requests(jobs) => self.carry_out(jobs).await,
                Work::Upkeep(Upkeep::Swap(swap)) => {
                    let outcome = whole!(self.swap(&swap));
                    self.note_failure(outcome.as_ref().err());
                    let _ = swap.reply.send(outcome);
                }
                Work::Upkeep(Upkeep::Choice(choice)) => {
                    let outcome = whole!(self.choose(&choice.change));
                    self.note_failure(outcome.as_ref().err());
                    let _ = choice.reply.send(outcome);
                }
                Work::Upkeep(Upkeep::Step(step)) => {
                    let outcome = self.step(&step.seen, step.step).await;
                    self.note_failure(outcome.as_ref().err());
                    let _ = step.reply.send(outcome);
                }
            }
            if self.signals.failed.borrow().is_some() {
                self.queue.close();
            }
        }
    }

    async fn warm_up(&mut self) -> Result<()> {
        let mut tx = self.store.begin(&[]).await?;
        self.memory = Some(Memory::load(tx.as_mut()).await?);
        Ok(())
    }

    /// Requests, and what comes while they are carried out.
    async fn carry_out(&mut self, jobs: Vec<Job>) {
        if let Err(stopped) = self.check_running() {
            return refuse_all(jobs, &stopped);
        }
        for (jobs, tried) in self.run_ahead(jobs).await {
            self.finish(jobs, tried).await;
        }
    }

    /// One batch, that was tried before if there is an error. If the database stumbles over it, its
    /// requests are tried one by one, so that only the culprit gets the error.
    async fn finish(&mut self, mut jobs: Vec<Job>, tried: Result<()>) {
        let done = match tried {
            Ok(()) => whole!(self.commit(&mut jobs)),
            Err(StoreError::Aborted(why)) => {
                tracing::warn!(why, "a batch is tried again");
                whole!(BATCH_RETRIES - 1, self.commit(&mut jobs))
            }
            Err(error) => Err(error),
        };
        let done = match done {
            Err(StoreError::CommitUnknown(why)) if self.store.resolves_unknown_commits() => {
                self.resolve(&mut jobs, why).await
            }
            done => done,
        };
        match done {
            Ok(replies) => {
                self.expected = jobs.len() + self.queue.len();
                failpoint!("before_answer");
                answer_all(jobs, replies);
                failpoint!("after_answer");
            }
            Err(error @ (StoreError::Refused(_) | StoreError::Failed(_))) if jobs.len() > 1 => {
                tracing::warn!(%error, requests = jobs.len(), "a batch failed: trying one by one");
                for job in jobs {
                    Box::pin(self.carry_out(vec![job])).await;
                }
            }
            Err(error) => {
                self.note_failure(Some(&error));
                refuse_all(jobs, &error);
            }
        }
    }

    /// Carries the same requests out again: under the head lock their keys tell whether the commit
    /// happened, and what it did not record is recorded now. As long as that fails the outcome is
    /// unknown, whatever the failure is.
    async fn resolve(&mut self, jobs: &mut Vec<Job>, why: String) -> Result<Vec<Reply>> {
        tracing::warn!(why, requests = jobs.len(), "a commit has an unknown outcome: looking");
        for wait in RESOLVE_WAITS {
            match whole!(self.commit(jobs)) {
                Ok(replies) => return Ok(replies),
                Err(error) => tracing::warn!(%error, "the outcome is not known yet"),
            }
            tokio::time::sleep(wait).await;
        }
        Err(StoreError::CommitUnknown(why))
    }

    /// After an I/O error, or a commit whose outcome cannot be found out, what is in memory and
    /// even what can be read may differ from what is on the disk. Nothing is acknowledged any more:
    /// the process restarts.
    fn note_failure(&self, error: Option<&StoreError>) {
        let reason = match error {
            Some(StoreError::Broken(reason)) => reason,
            Some(StoreError::CommitUnknown(reason)) if !self.store.resolves_unknown_commits() => {
                reason
            }
            _ => return,
        };
        tracing::error!(reason, "the storage failed: the writer stops");
        self.signals.failed.send_replace(Some(reason.clone()));
    }

    fn check_running(&self) -> Result<()> {
        if self.signals.failed.borrow().is_some() {
            return Err(StoreError::Busy("the storage failed, the process must restart".into()));
        }
        Ok(())
    }

    fn announce(&self, plan: &Plan) {
        let signals = &self.signals;
        signals.batches.fetch_add(1, Ordering::Relaxed);
        signals.events.fetch_add(plan.batch.events.len() as u64, Ordering::Relaxed);
        signals.requests.fetch_add(plan.batch.requests.len() as u64, Ordering::Relaxed);
        signals.bell.send_replace(());
        self.due.send_replace(());
    }

    /// Puts rows of the inventory right that were found to differ from the log. The log may have
    /// moved on since, so what they become is read anew under the lock.
    async fn swap(&mut self, swap: &Swap) -> Result<(Position, Vec<Rebuilt>)> {
        self.check_running()?;
        let mut tx = self.store.begin(&[]).await?;
        let mut memory = Memory::catch_up(self.memory.take(), tx.as_mut()).await?;
        let (mut rows, mut strays, mut changed) = (Vec::new(), Vec::new(), Vec::new());
        for wrong in &swap.discrepancies {
            let entry = memory.book.get(wrong.item_id);
            match entry {
                Some(entry) => rows.push(entry.inventory()),
                None => strays.push(wrong.item_id),
            }
            changed.push(Rebuilt {
                item_id: wrong.item_id,
                before: wrong.stored.map(|count| count.quantity),
                after: entry.map(|entry| entry.count.quantity),
            });
        }
        tx.replace_counts(&rows, &strays).await?;
        tx.commit().await?;
        memory.head.counts_revision += 1;
        let position = memory.head.position;
        self.memory = Some(memory);
        Ok((position, changed))
    }

    /// Changes the settings of the ledger.
    async fn choose(&mut self, change: &SettingsChange) -> Result<Settings> {
        self.check_running()?;
        let mut tx = self.store.begin(&[]).await?;
        let mut memory = Memory::catch_up(self.memory.take(), tx.as_mut()).await?;
        let settings = memory.head.settings.after(change, self.clock.now());
        if settings != memory.head.settings {
            tx.put_settings(&settings).await?;
            tx.commit().await?;
        }
        memory.head.settings = settings.clone();
        self.memory = Some(memory);
        Ok(settings)
    }

    /// Takes the daily summary on. The book has no part in it.
    async fn step(&self, seen: &Summary, step: SummaryStep) -> Result<bool> {
        self.check_running()?;
        self.store.step_summary(seen, step).await
    }
}

fn answer_all(jobs: Vec<Job>, replies: Vec<Reply>) {
    assert_eq!(jobs.len(), replies.len(), "every request of a batch has one reply");
    for (job, reply) in jobs.into_iter().zip(replies) {
        // A caller that has gone away changes nothing.
        let _ = job.reply.send(Ok(reply));
    }
}

fn refuse_all(jobs: Vec<Job>, error: &StoreError) {
    let answer = match error {
        StoreError::CommitUnknown(reason) => ExecuteError::Unknown(reason.clone()),
        StoreError::Busy(_)
        | StoreError::Aborted(_)
        | StoreError::Config(_)
        | StoreError::InUse(_)
        | StoreError::ReadOnly => ExecuteError::NotStarted(error.to_string()),
        _ => ExecuteError::Store(error.clone()),
    };
    for job in jobs {
        let _ = job.reply.send(Err(answer.clone()));
    }
}
