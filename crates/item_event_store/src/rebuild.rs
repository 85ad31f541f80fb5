//! Rebuilding: the counts are computed again from the log, beside the writers, and the rows that
//! differ are put right under the writer's lock.

use crate::error::StoreError;
use crate::ids::{ItemId, Position};
use crate::limits::LOG_PAGE_EVENTS;
use crate::query::{EventQuery, Order};
use crate::report::{Progress, RebuildReport, Rebuilt};
use crate::store::{Discrepancy, LedgerStore};
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

/// Adds the changes up from the first event on, and holds the log to its own running balances: a
/// count may only be taken from a log that adds up. Answers how many events and items.
async fn add_up(
    store: &dyn LedgerStore,
    item: Option<ItemId>,
    progress: Progress<'_>,
) -> Result<(u64, u64), StoreError> {
    let head = store.head().await?.position;
    let mut balances: FxHashMap<ItemId, (i64, i64)> = FxHashMap::default();
    let mut events = 0;
    let mut query = EventQuery {
        item,
        before: Some(head.plus(1)),
        ..EventQuery::all(Order::OldestFirst, LOG_PAGE_EVENTS)
    };
    loop {
        let page = store.events(&query).await?.value;
        let Some(last) = page.last() else { break };
        query.after = Some(last.id);
        for event in &page {
            let (version, balance) = balances.entry(event.item_id).or_default();
            *version += 1;
            *balance += event.quantity_change;
            if (*version, *balance) != (event.version, event.quantity_after) {
                return Err(StoreError::Corrupt(format!(
                    "event {} says version {} and balance {}, the log adds up to {version} and \
                     {balance}: nothing was rebuilt; run verify",
                    event.id, event.version, event.quantity_after
                )));
            }
        }
        events += page.len() as u64;
        progress(events, head.0.unsigned_abs());
    }
    Ok((events, balances.len() as u64))
}
