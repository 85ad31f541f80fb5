//! All items with their counts, as stored and as the log has them: one index seek an item.

use super::reads::{self, all};
use super::rows;
use super::statements::{ITEMS_WITH_COUNTS, STRAY_COUNTS};
use crate::book::Book;
use crate::ids::{ItemId, Position};
use crate::inventory::{Count, Inventory};
use crate::item::Item;
use crate::store::{Discrepancy, Loaded, Result, Snapshot};
use rusqlite::Connection;
use std::sync::Arc;

/// An item, what `item_inventory` says of it and what its last event says.
struct Counted {
    item: Item,
    stored: Option<Count>,
    logged: Count,
}

fn counted(conn: &Connection) -> Result<Vec<Counted>> {
    all(conn, ITEMS_WITH_COUNTS, [], |row| {
        let item = rows::item(row)?;
        let stored = rows::count(row, 9)?;
        let created_at = stored.map_or(item.created_at, |count| count.created_at);
        let logged = match row.get(14)? {
            None => Count::empty(created_at),
            Some(quantity) => Count {
                quantity,
                version: row.get(15)?,
                last_event_id: row.get(16)?,
                created_at,
                updated_at: row.get(17)?,
            },
        };
        Ok(Counted { item, stored, logged })
    })
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
pub(super) fn discrepancies(conn: &Connection) -> Result<Vec<Discrepancy>> {
    Ok(differing(&counted(conn)?, &strays(conn)?))
}

/// The book, with the log's word where `item_inventory` differs.
pub(super) fn load(conn: &Connection) -> Result<Loaded> {
    let counted = counted(conn)?;
    let discrepancies = differing(&counted, &strays(conn)?);
    let rows = counted.into_iter().map(|c| Inventory { item: Arc::new(c.item), count: c.logged });
    Ok(Loaded { head: reads::head(conn)?, book: Book::load(rows), discrepancies })
}

/// The counts as they are stored, and the log from a position on.
pub(super) fn snapshot_after(conn: &Connection, position: Position) -> Result<Snapshot> {
    let head = reads::head(conn)?;
    let tail = reads::tail(conn, &head, position)?;
    let items = counted(conn)?.into_iter().map(|c| (c.item, c.stored)).collect();
    Ok(Snapshot { head, tail, items, strays: strays(conn)? })
}
