//! What the writer keeps in its memory: all items with their counts, as stored and as the log has
//! them, one index seek an item; and what has come since.

use super::connection::Params;
use super::reads::{self, Reader};
use super::rows::{self, Cells};
use super::statements::{BALANCES_FROM, ITEMS_WITH_COUNTS, STRAY_COUNTS};
use crate::event::Balance;
use crate::ids::{ItemId, Position};
use crate::inventory::{Count, Inventory};
use crate::item::Item;
use crate::store::{Discrepancy, Head, Loaded, Result, Snapshot, Tail};
use std::sync::Arc;
use tokio_postgres::Row;

/// An item, what `item_inventory` says of it and what its last event says.
struct Counted {
    item: Item,
    stored: Option<Count>,
    logged: Count,
}

fn counted_row(row: &Row) -> Result<Counted> {
    let (item, stored) = rows::counted_item(row)?;
    let created_at = stored.map_or(item.created_at, |count| count.created_at);
    let cells = Cells(row);
    let logged = match cells.get::<Option<i32>>(14)? {
        None => Count::empty(created_at),
        Some(quantity) => Count {
            quantity: quantity.into(),
            version: cells.get(15)?,
            last_event_id: cells.get::<Option<i64>>(16)?.map(Position),
            created_at,
            updated_at: cells.get(17)?,
        },
    };
    Ok(Counted { item, stored, logged })
}

async fn counted(reader: &Reader<'_>) -> Result<Vec<Counted>> {
    reader.all(ITEMS_WITH_COUNTS, &[&reader.ledger()], counted_row).await
}

async fn strays(reader: &Reader<'_>) -> Result<Vec<(ItemId, Count)>> {
    let stray = |row: &Row| Ok((Cells(row).item_id(0)?, rows::count(row, 1)?));
    let rows = reader.all(STRAY_COUNTS, &[&reader.ledger()], stray).await?;
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
pub(super) async fn discrepancies(reader: &Reader<'_>) -> Result<Vec<Discrepancy>> {
    Ok(differing(&counted(reader).await?, &strays(reader).await?))
}

/// The book, with the log's word where `item_inventory` differs.
pub(super) async fn load(reader: &Reader<'_>, head: Head) -> Result<Loaded> {
    let counted = counted(reader).await?;
    let discrepancies = differing(&counted, &strays(reader).await?);
    let rows = counted
        .into_iter()
        .map(|c| Inventory { item: Arc::new(c.item), count: c.logged })
        .collect();
    Ok(Loaded { head, rows, discrepancies })
}

/// What a ledger has beyond a remembered head.
pub(super) async fn tail(reader: &Reader<'_>, head: &Head, remembered: &Head) -> Result<Tail> {
    let params: Params<'_> = &[&reader.ledger(), &remembered.position.0];
    let balances = reader.first(BALANCES_FROM, params, |row| rows::balances(row, 0)).await?;
    beyond(reader, head, remembered, balances.unwrap_or_default()).await
}

/// The same, by the balances from the remembered position on.
pub(super) async fn beyond(
    reader: &Reader<'_>,
    head: &Head,
    remembered: &Head,
    mut balances: Vec<Balance>,
) -> Result<Tail> {
    let known = balances.first().is_some_and(|balance| balance.id == remembered.position);
    let last_balance = known.then(|| balances.remove(0));
    let item_changes = if head.items_revision == remembered.items_revision {
        vec![]
    } else {
        reads::item_changes(reader, remembered.items_revision, head.items_revision).await?
    };
    Ok(Tail { last_balance, item_changes, balances })
}

/// The counts as they are stored, and the log from a position on.
pub(super) async fn snapshot_after(
    reader: &Reader<'_>,
    head: Head,
    position: Position,
) -> Result<Snapshot> {
    let tail = reads::tail(reader, &head, position).await?;
    let items = counted(reader).await?.into_iter().map(|c| (c.item, c.stored)).collect();
    Ok(Snapshot { head, tail, items, strays: strays(reader).await? })
}
