//! The stored outcome of a request, told again. Everything it needs is immutable, so the answer
//! is the one that was given the first time.

use crate::error::StoreError;
use crate::event::Event;
use crate::ids::{ItemId, Position};
use crate::inventory::{Count, Inventory};
use crate::query::{EventQuery, Order};
use crate::request::{Answer, Outcome, Recorded, StoredRequest};
use crate::store::LedgerStore;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The answer that a stored request got, marked as a replay.
pub(super) async fn answer(
    store: &dyn LedgerStore,
    stored: StoredRequest,
) -> Result<Answer, StoreError> {
    let (events, item_revisions, unchanged) = match stored.outcome {
        Outcome::Rejected(rejected) => return Ok(Answer::Rejected { replayed: true, rejected }),
        Outcome::Recorded { events, item_revisions, unchanged } => {
            (events, item_revisions, unchanged)
        }
    };
    let events = if events == 0 {
        Vec::new()
    } else {
        let query = EventQuery {
            before: Some(stored.position.plus(1)),
            after: Some(Position(stored.position.0 - i64::try_from(events).unwrap_or(0))),
            ..EventQuery::all(Order::OldestFirst, events)
        };
        store.events(&query).await?.value
    };
    let mut rests_on: BTreeMap<ItemId, Option<Event>> = BTreeMap::new();
    for (item, last) in unchanged {
        let event = match last {
            Some(position) => store.event(position).await?.value,
            None => None,
        };
        rests_on.insert(item, event);
    }
    rests_on.extend(events.iter().map(|event| (event.item_id, Some(event.clone()))));
    let ids: Vec<ItemId> = rests_on.keys().copied().collect();
    let as_they_were = store.items_at(&ids, item_revisions.1).await?;
    let inventory = as_they_were.into_iter().map(|change| {
        let empty = Count::empty(change.item.created_at);
        let event = rests_on.get(&change.item.id).and_then(Option::as_ref);
        let count = event.map_or(empty, |event| empty.after(event.balance()));
        Inventory { item: Arc::new(change.item), count }
    });
    let inventory = inventory.collect();
    let changes = store.item_changes(item_revisions.0, item_revisions.1).await?;
    let items = changes.into_iter().map(|change| Arc::new(change.item)).collect();
    let position = stored.position;
    Ok(Answer::Recorded(Recorded { replayed: true, position, events, inventory, items }))
}
