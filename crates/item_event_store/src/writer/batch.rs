//! One batch: requests become decisions, and decisions become what is written and what is said.
//! No I/O here.

use super::memory::Memory;
use super::queue::{Job, Reply};
use crate::command::Command;
use crate::decide::{Base, Decided, Draft, Undo};
use crate::event::Balance;
use crate::facts::Facts;
use crate::ids::{IdempotencyKey, ItemId};
use crate::rejection::{Rejected, Rejection};
use crate::request::{Outcome, Recorded, StoredRequest};
use crate::store::{Batch, Head, Others};
use crate::time::Timestamp;
use std::collections::HashMap;
use std::sync::Arc;

/// What is to be written, and what each request will be told once it is.
pub(super) struct Plan {
    pub batch: Batch,
    verdicts: Vec<Verdict>,
    undo: Undo,
    /// The last event before it.
    last_balance: Option<Balance>,
}

enum Verdict {
    Accepted(Decided),
    Rejected(Rejected),
    Stored(StoredRequest),
    Refused(Rejection),
}

impl Plan {
    /// Decides every request in turn on the book in memory. A rejected one leaves no trace in it.
    pub fn decide(
        jobs: &[Job],
        stored: Vec<StoredRequest>,
        memory: &mut Memory,
        facts: &Facts,
        now: Timestamp,
    ) -> Self {
        let (base, last_balance) = (memory.head.clone(), memory.last_balance());
        let start = Base { position: base.position, items_revision: base.items_revision, now };
        let mut draft = Draft::new(&mut memory.book, facts, start);
        let mut known: HashMap<IdempotencyKey, StoredRequest> =
            stored.into_iter().map(|request| (request.key.clone(), request)).collect();
        let mut requests: Vec<StoredRequest> = Vec::new();
        let mut head = base.clone();
        let mut verdicts = Vec::with_capacity(jobs.len());
        for job in jobs {
            if let Some(verdict) = undecided(job, known.get(&job.request.key), &base) {
                verdicts.push(verdict);
                continue;
            }
            head.last_request_id += 1;
            let decided = draft.decide(&job.request, head.last_request_id);
            let revision_before = head.items_revision;
            if let Ok(decided) = &decided {
                head.position = head.position.plus(decided.events.len());
                head.items_revision +=
                    i64::try_from(decided.item_changes.len()).expect("a batch is small");
            }
            let outcome = match &decided {
                Ok(decided) => Outcome::Recorded {
                    events: decided.events.len(),
                    item_revisions: (revision_before, head.items_revision),
                    unchanged: decided.unchanged.clone(),
                },
                Err(rejected) => Outcome::Rejected(rejected.clone()),
            };
            let request = StoredRequest {
                id: head.last_request_id,
                key: job.request.key.clone(),
                hash: job.hash,
                actor: job.request.actor.clone(),
                created_at: now,
                position: head.position,
                outcome,
            };
            known.insert(request.key.clone(), request.clone());
            requests.push(request);
            verdicts.push(decided.map_or_else(Verdict::Rejected, Verdict::Accepted));
        }
        let drafted = draft.finish();
        if !drafted.events.is_empty() {
            head.last_created_at = now;
        }
        let batch = Batch {
            base,
            head,
            events: drafted.events,
            item_changes: drafted.item_changes,
            inventory: drafted.inventory,
            requests,
        };
        Self { batch, verdicts, undo: drafted.undo, last_balance }
    }

    /// Whether one statement can write it.
    pub fn is_plain(&self) -> bool {
        self.batch.item_changes.is_empty() && !self.batch.requests.is_empty()
    }

    /// Whether it says the same wherever it is written: it names no position that it makes itself,
    /// and rejects nothing for the time, which others may have taken on.
    pub fn may_move(&self) -> bool {
        let names_neither = |request: &StoredRequest| match &request.outcome {
            Outcome::Recorded { unchanged, .. } => unchanged.is_empty(),
            Outcome::Rejected(rejected) => !rejected.rejection.depends_on_time(),
        };
        self.is_plain() && self.batch.requests.iter().all(names_neither)
    }

    /// The items whose counts the requests are judged by, sorted: of these nobody else may have
    /// written. Those that an accepted request only adds to are not among them.
    pub fn judged_by(&self, jobs: &[Job]) -> Vec<ItemId> {
        let mut items = Vec::new();
        for (job, verdict) in jobs.iter().zip(&self.verdicts) {
            let accepted = matches!(verdict, Verdict::Accepted(_));
            let judged = |command: &&Command| !(accepted && command.only_adds());
            items.extend(job.request.commands.iter().filter(judged).filter_map(Command::item_id));
        }
        items.sort_unstable();
        items.dedup();
        items
    }

    /// The batch at the place where it was written, and the memory with it: decided again on what
    /// others wrote before. `None` if it does not say the same there.
    pub fn moved_behind(
        mut self,
        others: &Others,
        jobs: &[Job],
        memory: &mut Memory,
    ) -> Option<Self> {
        let written = std::mem::take(&mut self.batch.requests);
        self.take_back(memory);
        memory.pass(others);
        let moved = Self::decide(jobs, vec![], memory, &Facts::default(), others.recorded_at);
        let written = written.iter().map(|request| &request.outcome);
        written.eq(moved.batch.requests.iter().map(|request| &request.outcome)).then_some(moved)
    }

    /// It is not written after all: takes it out of the memory again.
    pub fn take_back(self, memory: &mut Memory) {
        self.undo.apply(&mut memory.book);
        memory.go_back(self.batch.base, self.last_balance);
    }

    /// The replies, in the order of the requests. Hands the events over instead of copying them.
    pub fn replies(mut self) -> Vec<Reply> {
        let base = self.batch.base.position;
        let mut replies: Vec<Reply> = Vec::with_capacity(self.verdicts.len());
        for verdict in self.verdicts.into_iter().rev() {
            replies.push(match verdict {
                Verdict::Accepted(decided) => {
                    let changes = &self.batch.item_changes[decided.item_changes];
                    Reply::Recorded(Recorded {
                        replayed: false,
                        position: base.plus(decided.events.end),
                        events: self.batch.events.split_off(decided.events.start),
                        inventory: decided.inventory,
                        items: changes.iter().map(|c| Arc::new(c.item.clone())).collect(),
                    })
                }
                Verdict::Rejected(rejected) => Reply::Rejected(rejected),
                Verdict::Stored(stored) => Reply::Stored(stored),
                Verdict::Refused(rejection) => Reply::Refused(rejection),
            });
        }
        replies.reverse();
        replies
    }
}

/// What is said to a request that is not decided now.
fn undecided(job: &Job, earlier: Option<&StoredRequest>, base: &Head) -> Option<Verdict> {
    match earlier {
        Some(earlier) if earlier.hash == job.hash => Some(Verdict::Stored(earlier.clone())),
        Some(_) => Some(Verdict::Refused(Rejection::IdempotencyKeyReused {})),
        None if base.settings.archived_at.is_some() => {
            Some(Verdict::Refused(Rejection::LedgerArchived {}))
        }
        None => None,
    }
}
