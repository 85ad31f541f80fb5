//! Writing a batch: a table's rows go as arrays in one statement, and the statements together.

use super::connection::{Connection, Params};
use super::statements::{
    CLOSE_RANGE, INSERT_EVENTS, INSERT_ITEM_CHANGES, INSERT_ITEMS, INSERT_REQUESTS, OPEN_RANGE,
    PUT_COUNTS, UPDATE_COUNTS, UPDATE_ITEMS,
};
use crate::error::StoreError;
use crate::event::Event;
use crate::inventory::Inventory;
use crate::item::{ItemAction, ItemChange};
use crate::reason::Kind;
use crate::request::StoredRequest;
use crate::store::{Batch, Head, Result, outcome};
use crate::text::Text;
use std::collections::HashSet;

/// Writes a batch between the opening and the closing of its range of positions.
pub(super) async fn append(conn: &Connection, ledger: &str, batch: &Batch) -> Result<()> {
    let Head { position, items_revision, last_request_id, last_created_at, .. } = &batch.head;
    // Prepared before the first is sent, so that they are sent in this order.
    for sql in [OPEN_RANGE, INSERT_EVENTS, UPDATE_COUNTS, INSERT_REQUESTS, CLOSE_RANGE] {
        conn.prepare(sql).await?;
    }
    let (head, only_ledger): (Params<'_>, Params<'_>) =
        (&[&ledger, &position.0, items_revision, last_request_id, last_created_at], &[&ledger]);
    if batch.item_changes.is_empty() {
        let (opened, events, counts, requests, closed) = tokio::join!(
            conn.execute(OPEN_RANGE, head),
            insert_events(conn, ledger, &batch.events),
            update_counts(conn, ledger, &batch.inventory),
            insert_requests(conn, ledger, &batch.requests),
            conn.execute(CLOSE_RANGE, only_ledger),
        );
        let updated = opened.and(events).and(counts)?;
        requests.and(closed)?;
        if updated < batch.inventory.len() as u64 {
            // Somebody took a row away.
            put_counts(conn, ledger, &batch.inventory).await?;
        }
        return Ok(());
    }
    conn.execute(OPEN_RANGE, head).await?;
    insert_item_changes(conn, ledger, &batch.item_changes).await?;
    change_items(conn, ledger, batch).await?;
    insert_events(conn, ledger, &batch.events).await?;
    put_counts(conn, ledger, &batch.inventory).await?;
    insert_requests(conn, ledger, &batch.requests).await?;
    conn.execute(CLOSE_RANGE, only_ledger).await?;
    Ok(())
}

/// The changes are there already: they explain the items' rows. A sku is given up before it is
/// taken.
async fn change_items(conn: &Connection, ledger: &str, batch: &Batch) -> Result<()> {
    let (before, after) = (batch.base.items_revision, batch.head.items_revision);
    let changed: HashSet<_> = batch.item_changes.iter().map(|change| change.item.id).collect();
    let made = batch.item_changes.iter().filter(|c| c.action == ItemAction::Created).count() as u64;
    let updated = conn.execute(UPDATE_ITEMS, &[&ledger, &before, &after]).await?;
    let inserted = conn.execute(INSERT_ITEMS, &[&ledger, &before, &after]).await?;
    if inserted == made && inserted + updated == changed.len() as u64 {
        Ok(())
    } else {
        Err(StoreError::Refused("item_not_found: there is no such item".into()))
    }
}

fn optional<const MAX: usize>(text: Option<&Text<MAX>>) -> Option<&str> {
    text.map(Text::as_str)
}

/// A column of rows, as an array.
pub(super) fn column<'a, R, T>(rows: &'a [R], cell: impl Fn(&'a R) -> T) -> Vec<T> {
    rows.iter().map(cell).collect()
}

async fn insert_events(conn: &Connection, ledger: &str, rows: &[Event]) -> Result<u64> {
    if rows.is_empty() {
        return Ok(0);
    }
    conn.execute(
        INSERT_EVENTS,
        &[
            &ledger,
            &column(rows, |e| e.id.0),
            &column(rows, |e| e.item_id.0),
            &column(rows, |e| e.quantity_change),
            &column(rows, |e| e.reason.as_str()),
            &column(rows, |e| e.created_at),
            &column(rows, |e| e.version),
            &column(rows, |e| e.quantity_after),
            &column(rows, |e| e.kind.map(Kind::as_str)),
            &column(rows, |e| e.occurred_at),
            &column(rows, |e| optional(e.actor.as_ref())),
            &column(rows, |e| optional(e.reference.as_ref())),
            &column(rows, |e| optional(e.note.as_ref())),
            &column(rows, |e| e.corrects_event_id.map(|position| position.0)),
            &column(rows, |e| e.request_id),
        ],
    )
    .await
}

async fn insert_item_changes(conn: &Connection, ledger: &str, rows: &[ItemChange]) -> Result<u64> {
    conn.execute(
        INSERT_ITEM_CHANGES,
        &[
            &ledger,
            &column(rows, |c| c.revision),
            &column(rows, |c| c.item.id.0),
            &column(rows, |c| c.action.as_str()),
            &column(rows, |c| optional(c.actor.as_ref())),
            &column(rows, |c| c.position.0),
            &column(rows, |c| c.item.name.as_str()),
            &column(rows, |c| optional(c.item.sku.as_ref())),
            &column(rows, |c| c.item.unit.as_str()),
            &column(rows, |c| c.item.allow_negative),
            &column(rows, |c| c.item.archived_at),
            &column(rows, |c| c.item.created_at),
            &column(rows, |c| c.item.updated_at),
        ],
    )
    .await
}

/// Changes rows of `item_inventory`: how many there were.
async fn update_counts(conn: &Connection, ledger: &str, rows: &[Inventory]) -> Result<u64> {
    if rows.is_empty() {
        return Ok(0);
    }
    conn.execute(
        UPDATE_COUNTS,
        &[
            &ledger,
            &column(rows, |row| row.item.id.0),
            &column(rows, |row| row.count.quantity),
            &column(rows, |row| row.count.version),
            &column(rows, |row| row.count.last_event_id.map(|position| position.0)),
            &column(rows, |row| row.count.updated_at),
        ],
    )
    .await
}

/// Writes the rows of `item_inventory`, whether there are any yet or not.
pub(super) async fn put_counts(conn: &Connection, ledger: &str, rows: &[Inventory]) -> Result<u64> {
    if rows.is_empty() {
        return Ok(0);
    }
    conn.execute(
        PUT_COUNTS,
        &[
            &ledger,
            &column(rows, |row| row.item.id.0),
            &column(rows, |row| row.count.quantity),
            &column(rows, |row| row.count.version),
            &column(rows, |row| row.count.last_event_id.map(|position| position.0)),
            &column(rows, |row| row.count.created_at),
            &column(rows, |row| row.count.updated_at),
        ],
    )
    .await
}

async fn insert_requests(conn: &Connection, ledger: &str, rows: &[StoredRequest]) -> Result<u64> {
    conn.execute(
        INSERT_REQUESTS,
        &[
            &ledger,
            &column(rows, |r| r.id),
            &column(rows, |r| r.key.as_str()),
            &column(rows, |r| r.hash.as_slice()),
            &column(rows, |r| r.actor.as_str()),
            &column(rows, |r| r.created_at),
            &column(rows, |r| r.position.0),
            &column(rows, |r| outcome::encode(&r.outcome)),
        ],
    )
    .await
}
