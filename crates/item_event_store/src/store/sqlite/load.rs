//! All items with their counts, as stored and as the log has them.

use super::reads::{self, all};
use super::rows;
use super::statements::{ITEMS_WITH_COUNTS, LAST_COUNTS_BY_SCAN, STRAY_COUNTS};
use crate::ids::{ItemId, Position};
use crate::inventory::{Count, Inventory};
use crate::item::Item;
use crate::store::{Discrepancy, Head, Loaded, Result, Snapshot};
use crate::time::Timestamp;
use rusqlite::{Connection, Row};
use std::collections::HashMap;
use std::sync::Arc;

/// An item, what `item_inventory` says of it and what its last event says.
struct Counted {
    item: Item,
    stored: Option<Count>,
    logged: Count,
}

/// Every item with its stored count, and with the count of the event that this one names.
fn named(conn: &Connection) -> Result<Vec<Counted>> {
    all(conn, ITEMS_WITH_COUNTS, [], |row| {
        let item = rows::item(row)?;
        let stored = rows::count(row, 9)?;
        let created_at = stored.map_or(item.created_at, |count| count.created_at);
        Ok(Counted { item, stored, logged: logged(row, 14, created_at)? })
    })
}

/// Four columns from `first` on: the count after an event; empty when there is none.
fn logged(row: &Row<'_>, first: usize, created_at: Timestamp) -> rusqlite::Result<Count> {
    let Some(quantity) = row.get(first)? else { return Ok(Count::empty(created_at)) };
    Ok(Count {
        quantity,
        version: row.get(first + 1)?,
        last_event_id: row.get(first + 2)?,
        created_at,
        updated_at: row.get(first + 3)?,
    })
}

/// Every item with what its last event says. The events that the rows of `item_inventory` name are
/// their items' last ones if their versions add up to the number of events in the log: no item's
/// last event can have a smaller version than the one that is named. If they do not, the log itself
/// is searched.
fn counted(conn: &Connection, head: &Head) -> Result<Vec<Counted>> {
    let mut counted = named(conn)?;
    if counted.iter().map(|c| c.logged.version).sum::<i64>() == head.position.0 {
        return Ok(counted);
    }
    let last = all(conn, LAST_COUNTS_BY_SCAN, [], |row| {
        Ok((row.get::<_, ItemId>(0)?, logged(row, 1, Timestamp::MIN)?))
    })?;
    let last: HashMap<ItemId, Count> = last.into_iter().collect();
    for c in &mut counted {
        let created_at = c.logged.created_at;
        let empty = Count::empty(created_at);
        c.logged = last.get(&c.item.id).map_or(empty, |count| Count { created_at, ..*count });
    }
    Ok(counted)
}

fn strays(conn: &Connection) -> Result<Vec<(ItemId, Count)>> {
    let rows = all(conn, STRAY_COUNTS, [], |row| Ok((row.get(0)?, rows::count(row, 1)?)))?;
    Ok(rows.into_iter().filter_map(|(item, count)| Some((item, count?))).collect())
}

fn differing(counted: &[Counted], strays: &[(ItemId, Count)]) -> Vec<Discrepancy> {
    let wrong = counted.iter().filter(|c| !c.stored.is_some_and(|s| s.agrees_with(&c.logged)));
    let wrong =
        wrong.map(|c| Discrepancy { item_id: c.item.id, stored: c.stored, logged: Some(c.logged) });
    let stray = strays.iter().map(|(item_id, stored)| Discrepancy {
        item_id: *item_id,
        stored: Some(*stored),
        logged: None,
    });
    wrong.chain(stray).collect()
}

/// Rows of `item_inventory` that are not what the log says.
pub(super) fn discrepancies(conn: &Connection, head: &Head) -> Result<Vec<Discrepancy>> {
    Ok(differing(&counted(conn, head)?, &strays(conn)?))
}

/// The book, with the log's word where `item_inventory` differs.
pub(super) fn load(conn: &Connection) -> Result<Loaded> {
    let head = reads::head(conn)?;
    let counted = counted(conn, &head)?;
    let discrepancies = differing(&counted, &strays(conn)?);
    let rows = counted
        .into_iter()
        .map(|c| Inventory { item: Arc::new(c.item), count: c.logged })
        .collect();
    Ok(Loaded { head, rows, discrepancies })
}

/// The counts as they are stored, and the log from a position on.
pub(super) fn snapshot_after(conn: &Connection, position: Position) -> Result<Snapshot> {
    let head = reads::head(conn)?;
    let tail = reads::tail(conn, &head, position)?;
    let items = named(conn)?.into_iter().map(|c| (c.item, c.stored)).collect();
    Ok(Snapshot { head, tail, items, strays: strays(conn)? })
}
