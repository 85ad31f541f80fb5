//! Verifying: the log is folded from its first event on and held to every rule, with the requests
//! beside it; then the counts and the daily summary are compared with it. Never holds a long
//! snapshot: what is in the log cannot change, so it is read in short pieces; only the last piece
//! and the counts are read together.

mod fold;
mod requests;
mod summary;

use crate::error::StoreError;
use crate::event::Event;
use crate::ids::{ItemId, Position};
use crate::inventory::Count;
use crate::item::{Item, ItemChange};
use crate::limits::LOG_PAGE_EVENTS;
use crate::query::{EventQuery, Order};
use crate::report::{Finding, Progress, VerifyReport};
use crate::store::{Head, LedgerStore, Snapshot};
use fold::Fold;
use requests::RequestCheck;
use rustc_hash::FxHashMap;
use std::collections::VecDeque;
use std::sync::Arc;
use summary::SummaryCheck;
use tokio::task::JoinHandle;

/// Pages of the log that are read before the one that is folded is done.
const PAGES_AHEAD: usize = 2;

/// The findings of a verification, as many as a report lists.
#[derive(Default)]
struct Findings {
    listed: Vec<Finding>,
    left_out: u64,
}

impl Findings {
    fn add(
        &mut self,
        code: &'static str,
        item_id: Option<ItemId>,
        position: Option<Position>,
        detail: String,
    ) {
        if self.listed.len() < VerifyReport::MAX_FINDINGS {
            self.listed.push(Finding { code, item_id, position, detail });
        } else {
            self.left_out += 1;
        }
    }
}

pub(crate) async fn verify(
    store: &Arc<dyn LedgerStore>,
    storage: bool,
    progress: Progress<'_>,
) -> Result<VerifyReport, StoreError> {
    let mut findings = Findings::default();
    let mut summary = SummaryCheck::begin(store.as_ref()).await?;
    let head = store.head().await?;
    let changes = store.item_changes(0, i64::MAX).await?;
    let known = changes.last().map_or(0, |change| change.revision);
    let mut fold = Fold::new(&changes);
    let mut requests = RequestCheck::new();
    let mut pages = log_pages(store, Position::START, head.position);
    let mut ahead: VecDeque<_> = pages.by_ref().take(PAGES_AHEAD).collect();
    while let Some(page) = ahead.pop_front() {
        let page = page.page().await?;
        if page.is_empty() {
            // The log has a gap, or ends before its head.
            let Some(next) = next_event(store.as_ref(), fold.position(), &head).await? else {
                break;
            };
            pages = log_pages(store, Position(next.id.0 - 1), head.position);
            ahead = pages.by_ref().take(PAGES_AHEAD).collect();
            continue;
        }
        ahead.extend(pages.next());
        fold.page(store.as_ref(), &page, &mut findings).await?;
        requests.page(store, &page, &mut findings).await?;
        summary.page(&page);
        progress(fold.events, head.position.0.unsigned_abs());
    }
    let snapshot = store.snapshot_after(head.position).await?;
    // Items may have been made or edited since: their history belongs to this snapshot.
    let later = store.item_changes(known, snapshot.head.items_revision).await?;
    let changes: Vec<ItemChange> = changes
        .into_iter()
        .chain(later)
        .filter(|change| change.revision <= snapshot.head.items_revision)
        .collect();
    fold.know_items(&changes);
    fold.page(store.as_ref(), &snapshot.tail, &mut findings).await?;
    requests.page(store, &snapshot.tail, &mut findings).await?;
    requests.finish(store, &snapshot.head, &mut findings).await?;
    compare_head(&snapshot.head, &fold, &mut findings);
    compare_counts(&snapshot, &fold, &mut findings);
    compare_items(&snapshot, &changes, &mut findings);
    summary.compare(fold.position(), &mut findings);
    if storage {
        for fault in store.integrity().await? {
            findings.add("storage", None, None, fault);
        }
    }
    Ok(VerifyReport {
        position: snapshot.head.position,
        events: fold.events,
        items: snapshot.items.len() as u64,
        storage_checked: storage,
        findings: findings.listed,
        findings_left_out: findings.left_out,
    })
}

/// The log after a position, each page of it read from when it is asked for. Positions have no
/// gaps, so a page is so many of them.
fn log_pages(
    store: &Arc<dyn LedgerStore>,
    after: Position,
    up_to: Position,
) -> impl Iterator<Item = Ahead<Event>> {
    let starts = (after.0..up_to.0).step_by(LOG_PAGE_EVENTS).map(Position);
    starts.map(move |after| {
        let store = Arc::clone(store);
        let query = EventQuery {
            after: Some(after),
            before: Some(after.plus(LOG_PAGE_EVENTS).min(up_to).plus(1)),
            ..EventQuery::all(Order::OldestFirst, LOG_PAGE_EVENTS)
        };
        Ahead::read(async move { Ok(store.events(&query).await?.value) })
    })
}

/// The first event after a position, wherever it is.
async fn next_event(
    store: &dyn LedgerStore,
    after: Position,
    head: &Head,
) -> Result<Option<Event>, StoreError> {
    let query = EventQuery {
        after: Some(after),
        before: Some(head.position.plus(1)),
        ..EventQuery::all(Order::OldestFirst, 1)
    };
    Ok(store.events(&query).await?.value.pop())
}

/// A page that is read while those before it are folded.
struct Ahead<T>(JoinHandle<Result<Vec<T>, StoreError>>);

impl<T: Send + 'static> Ahead<T> {
    fn read(page: impl Future<Output = Result<Vec<T>, StoreError>> + Send + 'static) -> Self {
        Self(tokio::spawn(page))
    }

    async fn page(self) -> Result<Vec<T>, StoreError> {
        self.0.await.map_err(|error| StoreError::Failed(error.to_string()))?
    }
}

fn compare_head(head: &Head, fold: &Fold, findings: &mut Findings) {
    let last = fold.position();
    if head.position != last {
        let detail = format!("the head row says {}, the last event is {last}", head.position);
        findings.add("head_differs", None, Some(last), detail);
    }
    if let Some(at) = fold.last_created_at().filter(|at| *at > head.last_created_at) {
        let detail = format!("the last event was recorded at {at}, after the head row's time");
        findings.add("head_differs", None, Some(last), detail);
    }
}

fn compare_counts(snapshot: &Snapshot, fold: &Fold, findings: &mut Findings) {
    for (item, stored) in &snapshot.items {
        let logged = fold.count(item);
        match stored {
            None => {
                let detail = format!("no row in item_inventory; the log says {}", logged.quantity);
                findings.add("inventory_missing", Some(item.id), logged.last_event_id, detail);
            }
            Some(stored) if !stored.agrees_with(&logged) => {
                let detail = format!("item_inventory {}, the log {}", say(stored), say(&logged));
                let first_apart = stored.last_event_id.min(logged.last_event_id);
                let position = first_apart.or(logged.last_event_id);
                findings.add("inventory_differs", Some(item.id), position, detail);
            }
            Some(_) => {}
        }
    }
    for (item, stored) in &snapshot.strays {
        let detail = format!("item_inventory {}, but there is no such item", say(stored));
        findings.add("inventory_stray", Some(*item), stored.last_event_id, detail);
    }
}

/// Every item is what its last change says.
fn compare_items(snapshot: &Snapshot, changes: &[ItemChange], findings: &mut Findings) {
    let mut last: FxHashMap<ItemId, &Item> = FxHashMap::default();
    for (change, revision) in changes.iter().zip(1..) {
        if change.revision != revision {
            let detail = format!("revision {} of items where {revision} was due", change.revision);
            findings.add("item_differs", Some(change.item.id), None, detail);
        }
        last.insert(change.item.id, &change.item);
    }
    for (item, _) in &snapshot.items {
        if last.get(&item.id).is_none_or(|explained| *explained != item) {
            let detail = "the item is not what its last row in item_changes says".to_owned();
            findings.add("item_differs", Some(item.id), None, detail);
        }
    }
}

fn say(count: &Count) -> String {
    let event = count.last_event_id.map_or("no event".into(), |id| format!("event {id}"));
    format!("says {} at version {} ({event})", count.quantity, count.version)
}
