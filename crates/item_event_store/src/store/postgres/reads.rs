//! Reads of one ledger, each on a connection that is inside a transaction.

use super::connection::{Connection, Params};
use super::rows::{self, Cells};
use super::statements::{
    CHANGES_SINCE, CORRECTED_BY, EVENT, EVENTS_ALL_NEWEST, EVENTS_ALL_OLDEST, EVENTS_AT,
    EVENTS_ITEM_NEWEST, EVENTS_ITEM_OLDEST, HEAD, INVENTORIES, INVENTORIES_AS_OF, INVENTORY,
    ITEM_CHANGES, ITEM_SUMS, ITEM_WITH_SKU, ITEMS_AT, LAST_COUNTS, NEGATIVE, POSITION_AT,
    REASON_SUMS, REQUEST_TRACES, REQUESTS,
};
use crate::error::StoreError;
use crate::event::Event;
use crate::facts::Correctable;
use crate::ids::{IdempotencyKey, ItemId, LedgerName, Position};
use crate::inventory::{Count, Inventory};
use crate::item::{Item, ItemChange};
use crate::limits::MAX_CLOCK_SKEW_MICROS;
use crate::query::{AsOf, At, EventQuery, Explanation, ItemQuery, Order, ReasonSum};
use crate::reason::{Kind, Reason};
use crate::request::{RequestTrace, StoredRequest};
use crate::store::lookups::Found;
use crate::store::{Head, ItemSum, Result};
use crate::time::Timestamp;
use std::collections::HashMap;
use std::sync::Arc;
use tokio_postgres::Row;

/// A connection inside a transaction, and the ledger that is read.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a> {
    conn: &'a Connection,
    ledger: &'a LedgerName,
}

impl<'a> Reader<'a> {
    pub fn new(conn: &'a Connection, ledger: &'a LedgerName) -> Self {
        Self { conn, ledger }
    }

    /// The connection.
    pub fn conn(&self) -> &'a Connection {
        self.conn
    }

    /// The first parameter of every statement.
    pub fn ledger(&self) -> &'a str {
        self.ledger.as_str()
    }

    /// All rows of a statement.
    pub async fn all<T>(
        &self,
        sql: &str,
        params: Params<'_>,
        row: impl Fn(&Row) -> Result<T>,
    ) -> Result<Vec<T>> {
        self.conn.query(sql, params).await?.iter().map(row).collect()
    }

    /// The first row of a statement, if it has one.
    pub async fn first<T>(
        &self,
        sql: &str,
        params: Params<'_>,
        row: impl Fn(&Row) -> Result<T>,
    ) -> Result<Option<T>> {
        self.conn.query(sql, params).await?.first().map(row).transpose()
    }
}

pub(super) async fn head(reader: &Reader<'_>) -> Result<Head> {
    let head = reader.first(HEAD, &[&reader.ledger()], rows::head).await?;
    head.ok_or_else(|| no_ledger(reader.ledger))
}

/// What is said when the ledger has no row.
pub(super) fn no_ledger(name: &LedgerName) -> StoreError {
    StoreError::NotFound(format!(
        "there is no ledger '{name}' in this store: its first write makes it"
    ))
}

pub(super) async fn event(reader: &Reader<'_>, position: Position) -> Result<Option<Event>> {
    reader.first(EVENT, &[&reader.ledger(), &position.0], rows::event).await
}

/// The last position recorded at or before a time.
async fn position_at(reader: &Reader<'_>, head: &Head, at: Timestamp) -> Result<Position> {
    let (ledger, end) = (reader.ledger(), head.position.0);
    let found = |row: &Row| Ok((Cells(row).get::<i64>(0)?, Cells(row).get::<i64>(1)?));
    let found = reader.first(POSITION_AT, &[&ledger, &end, &at], found).await?;
    match found {
        Some((position, 1)) => Ok(Position(position)),
        _ => Err(StoreError::Corrupt(format!("an event before {end} is missing"))),
    }
}

/// The last position recorded before a time.
async fn position_before(reader: &Reader<'_>, head: &Head, at: Timestamp) -> Result<Position> {
    if at == Timestamp::MIN {
        return Ok(Position::START);
    }
    position_at(reader, head, at.plus_micros(-1)).await
}

pub(super) async fn events(
    reader: &Reader<'_>,
    head: &Head,
    query: &EventQuery,
) -> Result<Vec<Event>> {
    let mut after = query.after.unwrap_or_default();
    let mut up_to = head.position;
    if let Some(from) = query.from {
        after = after.max(position_before(reader, head, from).await?);
    }
    if let Some(to) = query.to {
        up_to = up_to.min(position_before(reader, head, to).await?);
    }
    if let Some(before) = query.before {
        up_to = up_to.min(Position(before.0.saturating_sub(1)));
    }
    let (reason, kind) = (query.reason.map(Reason::as_str), query.kind.map(Kind::as_str));
    let actor = query.actor.as_ref().map(crate::text::Text::as_str);
    let (ledger, limit) = (reader.ledger(), limit(query.limit));
    let Some(item) = query.item else {
        let sql = match query.order {
            Order::NewestFirst => EVENTS_ALL_NEWEST,
            Order::OldestFirst => EVENTS_ALL_OLDEST,
        };
        let page = async |after: i64, up_to: i64| {
            let params: Params<'_> = &[&ledger, &after, &up_to, &reason, &kind, &actor, &limit];
            reader.all(sql, params, rows::event).await
        };
        if (reason, kind, actor) == (None, None, None) {
            // Positions have no gaps, so the page ends so many positions on. Without that bound a
            // planner that knows nothing of the table yet reads and sorts all of the rest.
            let near = match query.order {
                Order::NewestFirst => (after.0.max(up_to.0.saturating_sub(limit)), up_to.0),
                Order::OldestFirst => (after.0, up_to.0.min(after.0.saturating_add(limit))),
            };
            let events = page(near.0, near.1).await?;
            if !events.is_empty() || near == (after.0, up_to.0) {
                return Ok(events);
            }
        }
        return page(after.0, up_to.0).await;
    };
    let sql = match query.order {
        Order::NewestFirst => EVENTS_ITEM_NEWEST,
        Order::OldestFirst => EVENTS_ITEM_OLDEST,
    };
    let params: Params<'_> =
        &[&ledger, &after.0, &up_to.0, &reason, &kind, &actor, &limit, &item.0];
    reader.all(sql, params, rows::event).await
}

/// The events after a position, all of them.
pub(super) async fn tail(reader: &Reader<'_>, head: &Head, after: Position) -> Result<Vec<Event>> {
    let mut query = EventQuery::all(Order::OldestFirst, usize::MAX);
    query.after = Some(after);
    events(reader, head, &query).await
}

pub(super) async fn inventories(
    reader: &Reader<'_>,
    head: &Head,
    query: &ItemQuery,
    as_of: Option<AsOf>,
) -> Result<At<Vec<Inventory>>> {
    let position = match as_of {
        None => head.position,
        Some(AsOf::Position(position)) => position.min(head.position),
        Some(AsOf::Time(at)) => position_at(reader, head, at).await?,
    };
    let ledger = reader.ledger();
    let mut after = query.after.map_or(0, |item| item.0);
    let mut up_to = i64::MAX;
    if let Some(sku) = &query.sku {
        let item = |row: &Row| Cells(row).int(0);
        let Some(item) = reader.first(ITEM_WITH_SKU, &[&ledger, &sku.as_str()], item).await? else {
            return Ok(At { position, value: vec![] });
        };
        (after, up_to) = (after.max(item - 1), item);
    }
    if let Some(item) = query.item {
        (after, up_to) = (after.max(item.0.saturating_sub(1)), up_to.min(item.0));
    }
    let name = query.name.as_ref().map(crate::text::Text::as_str);
    let (archived, limit) = (query.archived, limit(query.limit));
    let mut found = Vec::new();
    if as_of.is_none() {
        let params: Params<'_> = &[&ledger, &after, &up_to, &name, &archived, &limit];
        found = reader.all(INVENTORIES, params, rows::counted_item).await?;
    }
    // A row that is missing is for verify to report; the log knows the count.
    if as_of.is_some() || found.iter().any(|(_, count)| count.is_none()) {
        let params: Params<'_> = &[&ledger, &after, &up_to, &name, &archived, &limit, &position.0];
        found = reader.all(INVENTORIES_AS_OF, params, rows::counted_item).await?;
    }
    let row = |(item, count): (Item, Option<Count>)| match count {
        Some(count) => Ok(Inventory { item: Arc::new(item), count }),
        None => Err(StoreError::Corrupt(format!("item {} has no count", item.id))),
    };
    let value = found.into_iter().map(row).collect::<Result<_>>()?;
    Ok(At { position, value })
}

/// Items and their counts as they are now, in one statement; `None` when there is more to look for
/// than it finds. Nothing at all when there is no such ledger.
pub(super) async fn inventories_now(reader: &Reader<'_>, items: &[ItemId]) -> Result<Vec<Found>> {
    let row = |row: &Row| {
        let position = Cells(row).get(14).map(Position)?;
        if Cells(row).get::<Option<i32>>(0)?.is_none() {
            return Ok(Some(At { position, value: None }));
        }
        let (item, count) = rows::counted_item(row)?;
        let value = count.map(|count| Inventory { item: Arc::new(item), count });
        Ok(value.map(|value| At { position, value: Some(value) }))
    };
    let params: Params<'_> = &[&reader.ledger(), &numbers(items)];
    reader.all(INVENTORY, params, row).await
}

pub(super) async fn inventory(
    reader: &Reader<'_>,
    head: &Head,
    item: ItemId,
    as_of: Option<AsOf>,
) -> Result<At<Option<Inventory>>> {
    let query = ItemQuery { item: Some(item), limit: 1, ..ItemQuery::default() };
    let At { position, mut value } = inventories(reader, head, &query, as_of).await?;
    Ok(At { position, value: value.pop() })
}

pub(super) async fn negative(reader: &Reader<'_>, most: usize) -> Result<Vec<Inventory>> {
    let params: Params<'_> = &[&reader.ledger(), &limit(most)];
    let found = reader.all(NEGATIVE, params, rows::counted_item).await?;
    Ok(found
        .into_iter()
        .filter_map(|(item, count)| Some(Inventory { item: Arc::new(item), count: count? }))
        .collect())
}

pub(super) async fn item_sums(
    reader: &Reader<'_>,
    after: Position,
    up_to: Position,
) -> Result<Vec<ItemSum>> {
    let sum = |row: &Row| {
        let row = Cells(row);
        Ok(ItemSum {
            item_id: row.item_id(0)?,
            events: row.get(1)?,
            quantity_change: row.get(2)?,
            said: (row.get(3)?, row.int(4)?),
            last_event_id: Position(row.get(5)?),
        })
    };
    reader.all(ITEM_SUMS, &[&reader.ledger(), &after.0, &up_to.0], sum).await
}

pub(super) async fn item_changes(
    reader: &Reader<'_>,
    after: i64,
    up_to: i64,
) -> Result<Vec<ItemChange>> {
    reader.all(ITEM_CHANGES, &[&reader.ledger(), &after, &up_to], rows::item_change).await
}

pub(super) async fn items_at(
    reader: &Reader<'_>,
    items: &[ItemId],
    revision: i64,
) -> Result<Vec<ItemChange>> {
    let params: Params<'_> = &[&reader.ledger(), &numbers(items), &revision];
    reader.all(ITEMS_AT, params, rows::item_change).await
}

pub(super) async fn explain(
    reader: &Reader<'_>,
    head: &Head,
    item: ItemId,
    last: usize,
) -> Result<Option<Explanation>> {
    let Some(inventory) = inventory(reader, head, item, None).await?.value else {
        return Ok(None);
    };
    let sum = |row: &Row| {
        let row = Cells(row);
        Ok(ReasonSum {
            reason: row.name(0)?,
            kind: row.optional_name(1)?,
            events: row.get(2)?,
            quantity_change: row.get(3)?,
        })
    };
    let mut sums = reader.all(REASON_SUMS, &[&reader.ledger(), &item.0], sum).await?;
    sums.sort_by_key(|sum| {
        let reason = Reason::ALL.iter().position(|reason| *reason == sum.reason);
        (reason, sum.kind.and_then(|kind| Kind::ALL.iter().position(|k| *k == kind)))
    });
    let mut query = EventQuery::all(Order::NewestFirst, last);
    query.item = Some(item);
    let last_events = events(reader, head, &query).await?;
    query.kind = Some(Kind::Correction);
    Ok(Some(Explanation {
        item: Arc::unwrap_or_clone(inventory.item),
        count: inventory.count,
        sums,
        last_count: last_counts(reader, &[item]).await?.pop(),
        last_events,
        corrections: events(reader, head, &query).await?,
    }))
}

pub(super) async fn last_counts(reader: &Reader<'_>, items: &[ItemId]) -> Result<Vec<Event>> {
    reader.all(LAST_COUNTS, &[&reader.ledger(), &numbers(items)], rows::event).await
}

pub(super) async fn correctable(
    reader: &Reader<'_>,
    positions: &[Position],
) -> Result<Vec<Correctable>> {
    let ledger = reader.ledger();
    let positions: Vec<i64> = positions.iter().map(|position| position.0).collect();
    let sum = |row: &Row| Ok((Cells(row).get::<i64>(0)?, Cells(row).get::<i64>(1)?));
    let sums = reader.all(CORRECTED_BY, &[&ledger, &positions], sum).await?;
    let sums: HashMap<i64, i64> = sums.into_iter().collect();
    let events = reader.all(EVENTS_AT, &[&ledger, &positions], rows::event).await?;
    let with_sum = |event: Event| {
        let corrected_by = sums.get(&event.id.0).copied().unwrap_or(0);
        Correctable { event, corrected_by }
    };
    Ok(events.into_iter().map(with_sum).collect())
}

pub(super) async fn changes_since(
    reader: &Reader<'_>,
    head: &Head,
    item: ItemId,
    at: Timestamp,
) -> Result<i64> {
    // Nothing is accepted that happened later than this after it was recorded.
    let after = position_at(reader, head, at.plus_micros(-MAX_CLOCK_SKEW_MICROS)).await?;
    let params: Params<'_> = &[&reader.ledger(), &item.0, &at, &after.0];
    Ok(reader.first(CHANGES_SINCE, params, |row| Cells(row).get(0)).await?.unwrap_or(0))
}

pub(super) async fn requests(
    reader: &Reader<'_>,
    keys: &[IdempotencyKey],
) -> Result<Vec<StoredRequest>> {
    let keys: Vec<&str> = keys.iter().map(IdempotencyKey::as_str).collect();
    reader.all(REQUESTS, &[&reader.ledger(), &keys], rows::request).await
}

pub(super) async fn request_traces(
    reader: &Reader<'_>,
    after: i64,
    most: usize,
) -> Result<Vec<RequestTrace>> {
    let (ledger, limit) = (reader.ledger(), limit(most));
    // Ids have no gaps, so the page ends so many on: bounded for the planner's sake, as events are.
    for up_to in [after.saturating_add(limit), i64::MAX] {
        let params: Params<'_> = &[&ledger, &after, &up_to, &limit];
        let found = reader.all(REQUEST_TRACES, params, rows::request_trace).await?;
        if !found.is_empty() {
            return Ok(found);
        }
    }
    Ok(vec![])
}

fn numbers(items: &[ItemId]) -> Vec<i64> {
    items.iter().map(|item| item.0).collect()
}

pub(super) fn limit(most: usize) -> i64 {
    i64::try_from(most).unwrap_or(i64::MAX)
}
