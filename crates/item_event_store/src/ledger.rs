//! The ledger: the one way in, and everything that can be asked of it.

mod replayed;

use crate::access::Role;
use crate::clock::Clock;
use crate::command::Request;
use crate::error::{ExecuteError, FollowError, StoreError};
use crate::follow::{Cursor, Follower};
use crate::ids::{ItemId, Position};
use crate::limits::SUMMARY_RESTS;
use crate::query::At;
use crate::rejection::Rejected;
use crate::report::{Progress, RebuildReport, RefreshReport, VerifyReport, WriterStats};
use crate::request::Answer;
use crate::settings::{Settings, SettingsChange};
use crate::store::{Bell, Discrepancy, LedgerStore, Listening};
use crate::writer::{Choice, Failed, Job, Queue, Reply, Signals, Swap, Upkeep, Writer};
use crate::{chart, rebuild, refresh, verify};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use tokio::sync::{oneshot, watch};

/// An open ledger. Cheap to clone; all clones share one writer.
#[derive(Clone)]
pub struct Ledger {
    store: Arc<dyn LedgerStore>,
    bell: Arc<Bell>,
    writing: Option<Arc<Writing>>,
}

/// The way to the writer. When the last clone goes, the writer finishes what is queued and stops.
struct Writing {
    queue: Arc<Queue>,
    signals: Arc<Signals>,
    stopped: watch::Receiver<bool>,
}

impl Drop for Writing {
    fn drop(&mut self) {
        self.queue.close();
    }
}

impl Ledger {
    /// Opens a ledger and starts its writer on a thread of its own.
    ///
    /// # Errors
    /// When the head cannot be read, or no thread can be had.
    ///
    /// # Panics
    /// Outside a Tokio runtime.
    pub async fn open(
        store: Arc<dyn LedgerStore>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, StoreError> {
        Self::open_with(store, clock, Arc::new(Failed::new(None))).await
    }

    /// The same for one of several ledgers: when the storage fails for one, all of them stop.
    pub(crate) async fn open_with(
        store: Arc<dyn LedgerStore>,
        clock: Arc<dyn Clock>,
        failed: Arc<Failed>,
    ) -> Result<Self, StoreError> {
        let keeps_its_thread = store.keeps_its_thread();
        let (ledger, writer) = Self::apart(store, clock, failed).await?;
        if !keeps_its_thread {
            tokio::spawn(writer);
            return Ok(ledger);
        }
        let runtime = tokio::runtime::Handle::current();
        std::thread::Builder::new()
            .name("ledger-writer".into())
            .spawn(move || runtime.block_on(writer))
            .map_err(|error| StoreError::Failed(format!("no thread for the writer: {error}")))?;
        Ok(ledger)
    }

    /// Opens a ledger whose writer is the caller's to run: nothing is recorded but while its future
    /// is polled. It ends when the ledger is closed and what was queued is done.
    ///
    /// # Errors
    /// When the head cannot be read.
    pub async fn with_writer(
        store: Arc<dyn LedgerStore>,
        clock: Arc<dyn Clock>,
    ) -> Result<(Self, impl Future<Output = ()> + Send + 'static), StoreError> {
        Self::apart(store, clock, Arc::new(Failed::new(None))).await
    }

    async fn apart(
        store: Arc<dyn LedgerStore>,
        clock: Arc<dyn Clock>,
        failed: Arc<Failed>,
    ) -> Result<(Self, impl Future<Output = ()> + Send + 'static), StoreError> {
        // A ledger that cannot be read now is not opened.
        store.head().await?;
        let queue = Arc::new(Queue::default());
        let bell = Arc::new(Bell::new(()));
        let signals = Arc::new(Signals {
            bell: Arc::clone(&bell),
            failed,
            batches: AtomicU64::new(0),
            events: AtomicU64::new(0),
            requests: AtomicU64::new(0),
        });
        let writer =
            Writer::new(Arc::clone(&store), clock, Arc::clone(&queue), Arc::clone(&signals));
        let (stop, stopped) = watch::channel(false);
        let running = async move {
            writer.run().await;
            stop.send_replace(true);
        };
        let writing = Writing { queue, signals, stopped };
        Ok((Self { store, bell, writing: Some(Arc::new(writing)) }, running))
    }

    /// A ledger that can be read, verified and followed, but not written to.
    #[must_use]
    pub fn read_only(store: Arc<dyn LedgerStore>) -> Self {
        Self { store, bell: Arc::new(Bell::new(())), writing: None }
    }

    /// The ledger's tables, for reads. Reads never wait for the writer.
    #[must_use]
    pub fn store(&self) -> &dyn LedgerStore {
        self.store.as_ref()
    }

    /// Records a request, or says why not. The only function that leads to a write.
    ///
    /// The answer comes when it is on stable storage. Dropping the future changes nothing: the
    /// request may still be recorded.
    ///
    /// # Errors
    /// See [`ExecuteError`]. Only after [`ExecuteError::Unknown`] may it have been recorded.
    pub async fn execute(&self, request: Request, role: Role) -> Result<Answer, ExecuteError> {
        let writing = self.writing.as_ref().ok_or(StoreError::ReadOnly)?;
        for (index, command) in request.commands.iter().enumerate() {
            let required = Role::required_for(command);
            if role < required {
                return Err(ExecuteError::Forbidden { line: index + 1, required });
            }
        }
        let hash = request.hash();
        let (reply, answered) = oneshot::channel();
        writing.queue.push(Job { request, hash, reply })?;
        let reply = answered
            .await
            .map_err(|_| ExecuteError::Unknown("the writer stopped".into()))
            .flatten()?;
        match reply {
            Reply::Recorded(recorded) => Ok(Answer::Recorded(recorded)),
            Reply::Rejected(rejected) => Ok(Answer::Rejected { replayed: false, rejected }),
            Reply::Stored(stored) => {
                replayed::answer(self.store(), stored).await.map_err(|error| {
                    ExecuteError::Unknown(format!(
                        "recorded, but its answer cannot be read: {error}"
                    ))
                })
            }
            Reply::Refused(rejection) => {
                Err(ExecuteError::Rejected(Rejected { line: 1, rejection }))
            }
        }
    }

    /// Follows from the event after `position` of today's history.
    ///
    /// # Errors
    /// When the position is beyond the head, or the store cannot be read.
    pub async fn follow(&self, position: Position) -> Result<Follower, FollowError> {
        Follower::from_position(self.clone(), position).await
    }

    /// Follows from a cursor, if the history is still the one it was taken from.
    ///
    /// # Errors
    /// [`FollowError::HistoryDiverged`] when it is not.
    pub async fn resume(&self, cursor: &Cursor) -> Result<Follower, FollowError> {
        Follower::from_cursor(self.clone(), cursor).await
    }

    /// Rings when the log has grown.
    pub(crate) fn bell(&self) -> &Bell {
        &self.bell
    }

    /// Lets other programs ring it too, while what comes back is held.
    pub(crate) fn listen(&self) -> Option<Listening> {
        self.store.listen(&self.bell)
    }

    /// Checks the whole log against every rule, and the counts against the log. Works while the
    /// ledger is written to. `storage`: let the storage check itself too, which reads everything.
    ///
    /// # Errors
    /// When the store cannot be read. What is wrong in it is in the report.
    pub async fn verify(
        &self,
        storage: bool,
        progress: Progress<'_>,
    ) -> Result<VerifyReport, StoreError> {
        verify::verify(&self.store, storage, progress).await
    }

    /// Recomputes the counts of one item or all from the log while writers go on, and puts right
    /// the rows that differ.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when the log itself does not add up: then nothing is changed.
    pub async fn rebuild(
        &self,
        item: Option<ItemId>,
        progress: Progress<'_>,
    ) -> Result<RebuildReport, StoreError> {
        let writing = self.writing.as_ref().ok_or(StoreError::ReadOnly)?;
        let swap = async |discrepancies: Vec<Discrepancy>| {
            let (reply, swapped) = oneshot::channel();
            writing.queue.push_upkeep(Upkeep::Swap(Swap { discrepancies, reply }))?;
            swapped.await.map_err(|_| StoreError::CommitUnknown("the writer stopped".into()))?
        };
        rebuild::rebuild(self.store(), item, progress, swap).await
    }

    /// Brings the daily summary up to the log's last position, beside the writers. It goes on where
    /// it is; `anew`: from the log's beginning, as it also does when the ledger's time zone or the
    /// hour at which its business day starts was changed.
    ///
    /// # Errors
    /// When the store cannot be read or written. What was added by then stays; the next refresh
    /// goes on there.
    pub async fn refresh_summary(
        &self,
        anew: bool,
        progress: Progress<'_>,
    ) -> Result<RefreshReport, StoreError> {
        let writing = self.writing.as_ref().ok_or(StoreError::ReadOnly)?;
        refresh::refresh(self.store(), &writing.queue, anew, 0, progress).await
    }

    /// The same for nobody in particular: most of the time is left to the writers.
    pub(crate) async fn refresh_summary_slowly(&self) -> Result<RefreshReport, StoreError> {
        let writing = self.writing.as_ref().ok_or(StoreError::ReadOnly)?;
        refresh::refresh(self.store(), &writing.queue, false, SUMMARY_RESTS, &|_, _| ()).await
    }

    /// Changes what is chosen for the ledger, and answers what holds now.
    ///
    /// # Errors
    /// When the store cannot be written to.
    pub async fn change_settings(&self, change: SettingsChange) -> Result<Settings, StoreError> {
        let writing = self.writing.as_ref().ok_or(StoreError::ReadOnly)?;
        let (reply, chosen) = oneshot::channel();
        writing.queue.push_upkeep(Upkeep::Choice(Choice { change, reply }))?;
        chosen.await.map_err(|_| StoreError::CommitUnknown("the writer stopped".into()))?
    }

    /// The stock of an item by business day, following when things happened. `None` when there is
    /// no such item.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn chart(&self, item: ItemId) -> Result<At<Option<chart::Chart>>, StoreError> {
        chart::chart(self.store(), item).await
    }

    /// Waits until the writer has stopped for good because the storage failed, and says why. The
    /// process should exit then, and recover when it starts again.
    pub async fn failed(&self) -> String {
        let Some(writing) = &self.writing else { return std::future::pending().await };
        let mut failed = writing.signals.failed.subscribe();
        let reason = failed.wait_for(Option::is_some).await;
        reason.ok().and_then(|reason| reason.clone()).unwrap_or_default()
    }

    /// Refuses new requests, finishes the queued ones, and waits until the writer has stopped.
    pub async fn close(&self) {
        if let Some(writing) = &self.writing {
            writing.queue.close();
            let _ = writing.stopped.clone().wait_for(|stopped| *stopped).await;
        }
    }

    /// Whether nobody else holds a clone, or follows.
    pub(crate) fn is_unused(&self) -> bool {
        self.writing.as_ref().is_none_or(|writing| Arc::strong_count(writing) == 1)
    }

    /// Numbers for the metrics.
    #[must_use]
    pub fn writer_stats(&self) -> WriterStats {
        self.writing
            .as_ref()
            .map_or_else(WriterStats::default, |writing| writing.signals.stats(writing.queue.len()))
    }
}
