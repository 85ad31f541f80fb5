//! Rebuilding: the counts are computed again from the log, beside the writers, and the rows that
//! differ are put right under the writer's lock.

use crate::error::StoreError;
use crate::ids::{ItemId, Position};
use crate::limits::{LOG_PAGE_EVENTS, REBUILD_STEP_EVENTS};
use crate::query::{EventQuery, Order};
use crate::report::{Progress, RebuildReport, Rebuilt};
use crate::store::{Discrepancy, ItemSum, LedgerStore};
use rustc_hash::FxHashMap;

pub(crate) async fn rebuild(
    store: &dyn LedgerStore,
    item: Option<ItemId>,
    progress: Progress<'_>,
    swap: impl AsyncFnOnce(Vec<Discrepancy>) -> Result<(Position, Vec<Rebuilt>), StoreError>,
) -> Result<RebuildReport, StoreError> {
    let (events, items) = add_up(store, item, progress).await?;
    let mut discrepancies = store.discrepancies().await?;
    discrepancies.value.retain(|wrong| item.is_none_or(|item| item == wrong.item_id));
    let (position, changed) = if discrepancies.value.is_empty() {
        (discrepancies.position, Vec::new())
    } else {
        swap(discrepancies.value).await?
    };
    Ok(RebuildReport { position, events, items, changed })
}

/// An item's log so far: how many events, and what they add up to.
type Balances = FxHashMap<ItemId, (i64, i64)>;

/// Adds the changes up from the first event on, and holds each sum to the balance that its last
/// event says: a count may only be taken from a log that adds up. Answers how many events and
/// items.
async fn add_up(
    store: &dyn LedgerStore,
    item: Option<ItemId>,
    progress: Progress<'_>,
) -> Result<(u64, u64), StoreError> {
    let head = store.head().await?.position;
    let mut balances = Balances::default();
    let events = match item {
        Some(item) => add_up_one(store, item, head, &mut balances, progress).await?,
        None => add_up_all(store, head, &mut balances, progress).await?,
    };
    Ok((events, balances.len() as u64))
}

/// One item's events are read, as its history is.
async fn add_up_one(
    store: &dyn LedgerStore,
    item: ItemId,
    head: Position,
    balances: &mut Balances,
    progress: Progress<'_>,
) -> Result<u64, StoreError> {
    let mut events = 0;
    let mut query = EventQuery {
        item: Some(item),
        before: Some(head.plus(1)),
        ..EventQuery::all(Order::OldestFirst, LOG_PAGE_EVENTS)
    };
    loop {
        let page = store.events(&query).await?.value;
        let Some(last) = page.last() else { return Ok(events) };
        query.after = Some(last.id);
        for event in &page {
            add(
                balances,
                &ItemSum {
                    item_id: event.item_id,
                    events: 1,
                    quantity_change: event.quantity_change,
                    last_event_id: event.id,
                    said: (event.version, event.quantity_after),
                },
            )?;
        }
        events += page.len() as u64;
        progress(events, head.0.unsigned_abs());
    }
}

/// The whole log is added up where it is, range by range.
async fn add_up_all(
    store: &dyn LedgerStore,
    head: Position,
    balances: &mut Balances,
    progress: Progress<'_>,
) -> Result<u64, StoreError> {
    let (mut events, mut after) = (0, Position::START);
    while after < head {
        let up_to = after.plus(REBUILD_STEP_EVENTS).min(head);
        for sum in store.item_sums(after, up_to).await? {
            events += sum.events.unsigned_abs();
            add(balances, &sum)?;
        }
        progress(events, head.0.unsigned_abs());
        after = up_to;
    }
    Ok(events)
}

fn add(balances: &mut Balances, sum: &ItemSum) -> Result<(), StoreError> {
    let balance = balances.entry(sum.item_id).or_default();
    balance.0 += sum.events;
    balance.1 += sum.quantity_change;
    if *balance == sum.said {
        return Ok(());
    }
    let ((version, quantity), (version_said, quantity_said)) = (*balance, sum.said);
    Err(StoreError::Corrupt(format!(
        "event {} says version {version_said} and balance {quantity_said}, the log adds up to \
         {version} and {quantity}: nothing was rebuilt; run verify",
        sum.last_event_id
    )))
}
