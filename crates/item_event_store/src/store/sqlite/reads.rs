//! Reads of one ledger, each on a connection that is inside a transaction.

use super::history::History;
use super::rows;
use super::statements::{
    CORRECTED_BY, EVENT, EVENT_CREATED_AT, EVENTS_ALL_NEWEST, EVENTS_ALL_OLDEST, HEAD, INVENTORIES,
    INVENTORY, ITEM_AT, ITEM_CHANGES, ITEM_SUMS, ITEM_WITH_SKU, ITEMS_WITH_NAME, LAST_COUNT,
    NEGATIVE, REQUEST, REQUEST_TRACES,
};
use crate::error::StoreError;
use crate::event::Event;
use crate::facts::Correctable;
use crate::ids::{IdempotencyKey, ItemId, Position};
use crate::inventory::{Count, Inventory};
use crate::item::{Item, ItemChange};
use crate::limits::MAX_CLOCK_SKEW_MICROS;
use crate::query::{AsOf, At, EventQuery, Explanation, ItemQuery, Order, ReasonSum};
use crate::reason::{Kind, Reason};
use crate::request::{RequestTrace, StoredRequest};
use crate::store::lookups::Found;
use crate::store::{Head, ItemSum, Result};
use crate::time::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Params, Row};
use rustc_hash::FxHashMap;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

/// All rows of a statement.
pub(super) fn all<T>(
    conn: &Connection,
    sql: &str,
    params: impl Params,
    row: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Vec<T>> {
    let mut statement = conn.prepare_cached(sql)?;
    let rows = statement.query_map(params, row)?.collect::<rusqlite::Result<_>>()?;
    Ok(rows)
}

/// The first row of a statement, if it has one.
pub(super) fn first<T>(
    conn: &Connection,
    sql: &str,
    params: impl Params,
    row: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Option<T>> {
    Ok(conn.prepare_cached(sql)?.query_row(params, row).optional()?)
}

pub(super) fn head(conn: &Connection) -> Result<Head> {
    first(conn, HEAD, [], rows::head)?
        .ok_or_else(|| StoreError::Corrupt("the ledger's row of ledgers is missing".into()))
}

pub(super) fn event(conn: &Connection, position: Position) -> Result<Option<Event>> {
    first(conn, EVENT, [position], rows::event)
}

/// The last position recorded at or before a time: a binary search, for `created_at` never
/// decreases with the position.
fn position_at(conn: &Connection, head: &Head, at: Timestamp) -> Result<Position> {
    let mut statement = conn.prepare_cached(EVENT_CREATED_AT)?;
    let (mut known, mut beyond) = (0, head.position.0 + 1);
    while beyond - known > 1 {
        let middle = known + (beyond - known) / 2;
        let created_at: Option<Timestamp> =
            statement.query_row([middle], |row| row.get(0)).optional()?;
        match created_at {
            Some(created_at) if created_at <= at => known = middle,
            Some(_) => beyond = middle,
            None => return Err(StoreError::Corrupt(format!("there is no event {middle}"))),
        }
    }
    Ok(Position(known))
}

/// The last position recorded before a time.
fn position_before(conn: &Connection, head: &Head, at: Timestamp) -> Result<Position> {
    if at == Timestamp::MIN {
        return Ok(Position::START);
    }
    position_at(conn, head, at.plus_micros(-1))
}

pub(super) fn events(conn: &Connection, head: &Head, query: &EventQuery) -> Result<Vec<Event>> {
    let mut after = query.after.unwrap_or_default();
    let mut up_to = head.position;
    if let Some(from) = query.from {
        after = after.max(position_before(conn, head, from)?);
    }
    if let Some(to) = query.to {
        up_to = up_to.min(position_before(conn, head, to)?);
    }
    if let Some(before) = query.before {
        up_to = up_to.min(Position(before.0.saturating_sub(1)));
    }
    if let Some(item) = query.item {
        return History::of(conn, item)?.events(after, up_to, query);
    }
    let sql = match query.order {
        Order::NewestFirst => EVENTS_ALL_NEWEST,
        Order::OldestFirst => EVENTS_ALL_OLDEST,
    };
    let limit = limit(query.limit);
    all(conn, sql, (after, up_to, query.reason, query.kind, &query.actor, limit), rows::event)
}

/// The events after a position, all of them.
pub(super) fn tail(conn: &Connection, head: &Head, after: Position) -> Result<Vec<Event>> {
    let mut query = EventQuery::all(Order::OldestFirst, usize::MAX);
    query.after = Some(after);
    events(conn, head, &query)
}

pub(super) fn inventories(
    conn: &Connection,
    head: &Head,
    query: &ItemQuery,
    as_of: Option<AsOf>,
) -> Result<At<Vec<Inventory>>> {
    let position = match as_of {
        None => head.position,
        Some(AsOf::Position(position)) => position.min(head.position),
        Some(AsOf::Time(at)) => position_at(conn, head, at)?,
    };
    let mut after = query.after.map_or(0, |item| item.0);
    let mut up_to = i64::MAX;
    if let Some(sku) = &query.sku {
        let Some(item) = first(conn, ITEM_WITH_SKU, [sku], |row| row.get::<_, i64>(0))? else {
            return Ok(At { position, value: vec![] });
        };
        (after, up_to) = (after.max(item - 1), item);
    }
    if let Some(name) = &query.name {
        let range = |row: &Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?));
        let Some((least, most)) = first(conn, ITEMS_WITH_NAME, [name], range)? else {
            return Ok(At { position, value: vec![] });
        };
        (after, up_to) = (after.max(least - 1), up_to.min(most));
    }
    if let Some(item) = query.item {
        (after, up_to) = (after.max(item.0.saturating_sub(1)), up_to.min(item.0));
    }
    let params = (after, up_to, &query.name, query.archived, limit(query.limit));
    let found = all(conn, INVENTORIES, params, |row| Ok((rows::item(row)?, rows::count(row, 9)?)))?;
    let row = |(item, stored): (Item, Option<Count>)| {
        let count = match stored {
            Some(count) if as_of.is_none() => count,
            // A row that is missing is for verify to report; the log knows the count.
            stored => {
                let last = stored.map(|count| count.last_event_id.unwrap_or_default());
                History::from_last(conn, item.id, last)?.count_at(position, item.created_at)?
            }
        };
        Ok(Inventory { item: Arc::new(item), count })
    };
    let value = found.into_iter().map(row).collect::<Result<_>>()?;
    Ok(At { position, value })
}

/// An item and its count as they are now, in one statement; `None` when there is more to look for
/// than it finds: a count that is missing.
pub(super) fn inventory_now(conn: &Connection, item: ItemId) -> Result<Found> {
    let row = |row: &Row<'_>| {
        let position = row.get(14)?;
        if row.get::<_, Option<ItemId>>(0)?.is_none() {
            return Ok(Some(At { position, value: None }));
        }
        let (item, count) = (Arc::new(rows::item(row)?), rows::count(row, 9)?);
        Ok(count.map(|count| At { position, value: Some(Inventory { item, count }) }))
    };
    Ok(first(conn, INVENTORY, [item], row)?.flatten())
}

pub(super) fn inventory(
    conn: &Connection,
    head: &Head,
    item: ItemId,
    as_of: Option<AsOf>,
) -> Result<At<Option<Inventory>>> {
    let query = ItemQuery { item: Some(item), limit: 1, ..ItemQuery::default() };
    let At { position, mut value } = inventories(conn, head, &query, as_of)?;
    Ok(At { position, value: value.pop() })
}

pub(super) fn negative(conn: &Connection, most: usize) -> Result<Vec<Inventory>> {
    let found =
        all(conn, NEGATIVE, [limit(most)], |row| Ok((rows::item(row)?, rows::count(row, 9)?)))?;
    Ok(found
        .into_iter()
        .filter_map(|(item, count)| Some(Inventory { item: Arc::new(item), count: count? }))
        .collect())
}

pub(super) fn item_sums(
    conn: &Connection,
    after: Position,
    up_to: Position,
) -> Result<Vec<ItemSum>> {
    let mut sums: FxHashMap<ItemId, ItemSum> = FxHashMap::default();
    let mut statement = conn.prepare_cached(ITEM_SUMS)?;
    let mut rows = statement.query((after, up_to))?;
    while let Some(row) = rows.next()? {
        let event = ItemSum {
            item_id: row.get(0)?,
            events: 1,
            quantity_change: row.get(1)?,
            last_event_id: row.get(2)?,
            said: (row.get(3)?, row.get(4)?),
        };
        let add = |sum: &mut ItemSum| {
            *sum = ItemSum {
                events: sum.events + 1,
                quantity_change: sum.quantity_change + event.quantity_change,
                ..event
            };
        };
        sums.entry(event.item_id).and_modify(add).or_insert(event);
    }
    Ok(sums.into_values().collect())
}

pub(super) fn item_changes(conn: &Connection, after: i64, up_to: i64) -> Result<Vec<ItemChange>> {
    all(conn, ITEM_CHANGES, (after, up_to), rows::item_change)
}

pub(super) fn items_at(
    conn: &Connection,
    items: &[ItemId],
    revision: i64,
) -> Result<Vec<ItemChange>> {
    let at = |item: &ItemId| first(conn, ITEM_AT, (item, revision), rows::item_change).transpose();
    items.iter().filter_map(at).collect()
}

pub(super) fn explain(
    conn: &Connection,
    head: &Head,
    item: ItemId,
    last: usize,
) -> Result<Option<Explanation>> {
    let Some(inventory) = inventory(conn, head, item, None)?.value else { return Ok(None) };
    let sums = sums(conn, item, head)?;
    let mut query = EventQuery::all(Order::NewestFirst, last);
    query.item = Some(item);
    let last_events = events(conn, head, &query)?;
    query.kind = Some(Kind::Correction);
    Ok(Some(Explanation {
        item: Arc::unwrap_or_clone(inventory.item),
        count: inventory.count,
        sums,
        last_count: last_count(conn, item)?,
        last_events,
        corrections: events(conn, head, &query)?,
    }))
}

pub(super) fn last_count(conn: &Connection, item: ItemId) -> Result<Option<Event>> {
    first(conn, LAST_COUNT, [item], rows::event)
}

pub(super) fn correctable(conn: &Connection, position: Position) -> Result<Option<Correctable>> {
    let Some(event) = event(conn, position)? else { return Ok(None) };
    let corrected_by = first(conn, CORRECTED_BY, [position], |row| row.get(0))?.unwrap_or(0);
    Ok(Some(Correctable { event, corrected_by }))
}

pub(super) fn changes_since(
    conn: &Connection,
    head: &Head,
    item: ItemId,
    at: Timestamp,
) -> Result<i64> {
    // Nothing is accepted that happened later than this after it was recorded.
    let after = position_at(conn, head, at.plus_micros(-MAX_CLOCK_SKEW_MICROS))?;
    let mut sum = 0;
    let history = History::of(conn, item)?;
    history.back(history.last_up_to(head.position)?, |row| {
        let event = rows::event(row)?;
        if event.id <= after {
            return Ok(ControlFlow::Break(()));
        }
        if event.effective_at() > at {
            sum += event.quantity_change;
        }
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(sum)
}

/// The sums of an item's changes per reason and kind.
fn sums(conn: &Connection, item: ItemId, head: &Head) -> Result<Vec<ReasonSum>> {
    let mut sums: BTreeMap<(usize, Option<usize>), ReasonSum> = BTreeMap::new();
    let history = History::of(conn, item)?;
    history.back(history.last_up_to(head.position)?, |row| {
        let (reason, kind): (Reason, Option<Kind>) = (row.get(3)?, row.get(7)?);
        let rank = |kind| Kind::ALL.iter().position(|k| *k == kind);
        let sum = sums.entry((reason as usize, kind.and_then(rank))).or_insert(ReasonSum {
            reason,
            kind,
            events: 0,
            quantity_change: 0,
        });
        sum.events += 1;
        sum.quantity_change += row.get::<_, i64>(2)?;
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(sums.into_values().collect())
}

pub(super) fn request(conn: &Connection, key: &IdempotencyKey) -> Result<Option<StoredRequest>> {
    first(conn, REQUEST, [key], rows::request)
}

pub(super) fn request_traces(
    conn: &Connection,
    after: i64,
    most: usize,
) -> Result<Vec<RequestTrace>> {
    all(conn, REQUEST_TRACES, (after, limit(most)), rows::request_trace)
}

pub(super) fn limit(most: usize) -> i64 {
    i64::try_from(most).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::super::migrations::{LEDGER, migrate};
    use super::super::statements::{
        EVENT_OF_ITEM, ITEMS_WITH_COUNTS, LINKS, SUMMARY_ALL, SUMMARY_ITEM, SUMMARY_OPENING,
    };
    use super::*;

    /// How a statement finds its rows. What grows with the log is never read through.
    #[test]
    fn every_read_of_the_log_has_its_index() {
        let mut conn = Connection::open_in_memory().expect("memory");
        migrate(&mut conn, LEDGER, |_| Ok(())).expect("a schema");
        let primary_key = "USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)";
        for (sql, found_by) in [
            (EVENTS_ALL_NEWEST, primary_key),
            (EVENTS_ALL_OLDEST, primary_key),
            (EVENT_OF_ITEM, "USING INTEGER PRIMARY KEY (rowid=?)"),
            (LINKS, "USING INTEGER PRIMARY KEY (rowid=?)"),
            (LAST_COUNT, "USING INDEX item_event_store_last_count (item_id=?)"),
            (CORRECTED_BY, "USING INDEX item_event_store_corrects (corrects_event_id=?)"),
            (ITEMS_WITH_COUNTS, "SEARCH e USING INTEGER PRIMARY KEY (rowid=?)"),
            (REQUEST_TRACES, "USING INTEGER PRIMARY KEY (rowid>?)"),
            (ITEM_AT, "USING INDEX item_changes_item (item_id=? AND rowid<?)"),
            (SUMMARY_ALL, "USING PRIMARY KEY ((day,item_id,reason,kind)>(?,?,?,?) AND day<?)"),
            (
                SUMMARY_ITEM,
                "USING INDEX item_daily_summary_item (item_id=? AND (day,reason,kind)>(",
            ),
            (ITEM_SUMS, primary_key),
            (SUMMARY_OPENING, "USING INDEX item_daily_summary_item (item_id=? AND day<?)"),
        ] {
            let mut statement = conn.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).expect("SQL");
            let nulls = vec![rusqlite::types::Null; statement.parameter_count()];
            let steps = statement
                .query_map(rusqlite::params_from_iter(nulls), |row| row.get::<_, String>(3))
                .expect("a plan");
            let plan: Vec<String> = steps.map(|step| step.expect("a step")).collect();
            assert!(plan.iter().any(|step| step.contains(found_by)), "{sql}{plan:#?}");
            let sorts = plan.iter().any(|step| step.contains("FOR ORDER BY"));
            assert!(!sorts, "{sql}{plan:#?}");
        }
    }
}
