//! The requests beside the log. Both are read in their order, and each request must be what its
//! events and its neighbours say. An event that was typed in by hand is of no request.

use super::{Ahead, Findings};
use crate::error::StoreError;
use crate::event::Event;
use crate::ids::Position;
use crate::limits::LOG_PAGE_EVENTS;
use crate::request::RequestTrace;
use crate::store::{Head, LedgerStore};
use crate::time::Timestamp;
use std::sync::Arc;

#[cfg(test)]
mod tests;

/// Reads the requests as the log comes to them, a page at a time and the next one ahead.
pub(super) struct RequestCheck {
    page: std::vec::IntoIter<RequestTrace>,
    next: Option<Ahead<RequestTrace>>,
    fold: Fold,
}

impl RequestCheck {
    pub fn new() -> Self {
        Self { page: vec![].into_iter(), next: None, fold: Fold::default() }
    }

    /// Holds the requests against the next events of the log.
    pub async fn page(
        &mut self,
        store: &Arc<dyn LedgerStore>,
        events: &[Event],
        findings: &mut Findings,
    ) -> Result<(), StoreError> {
        if self.fold.open.is_none() {
            self.next(store, findings).await?;
        }
        for event in events {
            while !self.fold.event(event, findings) {
                self.next(store, findings).await?;
            }
        }
        Ok(())
    }

    /// Holds those that the log does not come to any more against its end.
    pub async fn finish(
        mut self,
        store: &Arc<dyn LedgerStore>,
        head: &Head,
        findings: &mut Findings,
    ) -> Result<(), StoreError> {
        // Whatever is beyond this head came after it.
        let within = |open: &Open| open.trace.id <= head.last_request_id;
        while self.fold.open.as_ref().is_some_and(within) {
            self.next(store, findings).await?;
        }
        self.fold.compare_head(head, findings);
        Ok(())
    }

    async fn next(
        &mut self,
        store: &Arc<dyn LedgerStore>,
        findings: &mut Findings,
    ) -> Result<(), StoreError> {
        if self.page.as_slice().is_empty() {
            let read = |after| {
                let store = Arc::clone(store);
                async move { store.request_traces(after, LOG_PAGE_EVENTS).await }
            };
            let mut page = match self.next.take() {
                Some(next) => next.page().await?,
                None => vec![],
            };
            if page.is_empty() {
                // Read too early, it may have missed what came since.
                page = read(self.fold.last_id).await?;
            }
            if let Some(last) = page.last() {
                self.next = Some(Ahead::read(read(last.id)));
            }
            self.page = page.into_iter();
        }
        self.fold.request(self.page.next(), findings);
        Ok(())
    }
}

/// What every request must be, given the ones before it and the log.
#[derive(Default)]
struct Fold {
    /// The request whose events are due; those before it are over.
    open: Option<Open>,
    /// The last request so far.
    last_id: i64,
    /// The last event so far.
    position: Position,
    /// The last event that is certain to be before what was decided next, and when it was recorded
    /// if a request did so.
    reached: (Position, Option<Timestamp>),
    /// Up to which revision of the items the requests have come.
    items_revision: i64,
    /// The last request that an event names wrongly: that is told once.
    strange: Option<i64>,
}

/// A request, and what the log has of it so far.
struct Open {
    trace: RequestTrace,
    events: usize,
    last: Option<(Position, Timestamp)>,
    /// Whether its events have been found to differ: that is told once.
    told: bool,
}

impl Fold {
    /// The next request's turn; `None` when there is none.
    fn request(&mut self, next: Option<RequestTrace>, findings: &mut Findings) {
        if let Some(over) = self.open.take() {
            self.close(&over, findings);
        }
        let Some(trace) = next else { return };
        let due = self.last_id + 1;
        if trace.id != due {
            let detail = format!("request {} where {due} was due", trace.id);
            findings.add("request_gap", None, None, detail);
        }
        self.last_id = trace.id;
        self.open = Some(Open { trace, events: 0, last: None, told: false });
    }

    /// The next event of the log. False when it is another request's turn first.
    fn event(&mut self, event: &Event, findings: &mut Findings) -> bool {
        let named = event.request_id;
        match &mut self.open {
            // Where the two do not agree on whose it is the request is believed: an event with a
            // wrong number must not make all the requests up to that number wrong.
            Some(open) if named == Some(open.trace.id) || open.claims(event.id) => {
                open.event(event, findings);
            }
            Some(open) if named.is_some_and(|id| id > open.trace.id) => return false,
            _ => {
                if let Some(id) = named.filter(|id| self.strange != Some(*id)) {
                    let detail = format!("of request {id}, of which no event was due");
                    findings.add("request_differs", Some(event.item_id), Some(event.id), detail);
                    self.strange = named;
                }
            }
        }
        self.position = event.id;
        true
    }

    /// All events of the request have come.
    fn close(&mut self, over: &Open, findings: &mut Findings) {
        let broken = self.broken(over);
        if let Some((position, at)) = over.last {
            self.reached = (position, Some(at));
        } else if broken.is_none() {
            self.reached.0 = over.trace.position;
        }
        if let Some((_, to)) = over.trace.item_revisions {
            self.items_revision = to;
        }
        if let Some(broken) = broken {
            let position = over.last.map(|(position, _)| position);
            let detail = format!("request {} {broken}", over.trace.id);
            findings.add("request_differs", None, position, detail);
        }
    }

    fn broken(&self, over: &Open) -> Option<String> {
        let Open { trace, events, last, .. } = over;
        if trace.events != *events {
            return Some(format!("says {} events, the log {events}", trace.events));
        }
        let said = trace.position;
        match last {
            Some((last, _)) if said != *last => {
                return Some(format!("says position {said}, its last event is {last}"));
            }
            // What was typed in by hand may be before it or after it.
            None if said < self.reached.0 || said > self.position => {
                let (least, most) = (self.reached.0, self.position);
                return Some(format!("says position {said}, where {least} to {most} was due"));
            }
            None if Some(trace.created_at) < self.reached.1 => {
                let (at, before) = (trace.created_at, self.reached.0);
                return Some(format!("was decided at {at}, before event {before} was recorded"));
            }
            _ => {}
        }
        let before = self.items_revision;
        let (from, to) = trace.item_revisions?;
        (from < before || to < from)
            .then(|| format!("says revisions {from} to {to} of items, after {before}"))
    }

    fn compare_head(&self, head: &Head, findings: &mut Findings) {
        let said = head.last_request_id;
        // One without an event of this log came after the head.
        let later = self.open.as_ref().filter(|open| open.events == 0);
        let last = later.map_or(self.last_id, |open| open.trace.id - 1);
        if last != said {
            let detail = format!("the head row says request {said}, the last one is {last}");
            findings.add("head_differs", None, Some(self.position), detail);
        }
        if self.items_revision > head.items_revision {
            let (said, last) = (head.items_revision, self.items_revision);
            let detail = format!("the head row says revision {said} of items, a request {last}");
            findings.add("head_differs", None, Some(self.position), detail);
        }
    }
}

impl Open {
    /// Whether the request itself says that the event at a position is one of its.
    fn claims(&self, position: Position) -> bool {
        let last = self.trace.position;
        let before = i64::try_from(self.trace.events).map(|events| last.0.saturating_sub(events));
        position <= last && before.is_ok_and(|before| before < position.0)
    }

    /// Takes an event as one of the request's.
    fn event(&mut self, event: &Event, findings: &mut Findings) {
        self.events += 1;
        self.last = Some((event.id, event.created_at));
        let RequestTrace { id, actor, created_at, .. } = &self.trace;
        let broken = if event.request_id != Some(*id) {
            let named = event.request_id.map_or("no request".into(), |id| format!("request {id}"));
            format!("of {named}, and request {id} says it is its own")
        } else if event.created_at != *created_at {
            format!("recorded at {}, and request {id} decided at {created_at}", event.created_at)
        } else if event.actor.as_ref() != Some(actor) {
            format!("not by {actor}, who sent request {id}")
        } else {
            return;
        };
        if !std::mem::replace(&mut self.told, true) {
            findings.add("request_differs", Some(event.item_id), Some(event.id), broken);
        }
    }
}
