//! Writing a batch: rows go many to a statement, and all of them are held to the guards together.

use super::chain::{Chains, Links};
use super::history::History;
use super::insert::{Cells, insert};
use super::reads::first;
use super::statements::{
    CLOSE_RANGE, INSERT_EVENT, INSERT_EVENTS, INSERT_ITEM, INSERT_ITEM_CHANGE, INSERT_REQUEST,
    INSERT_REQUESTS, OPEN_RANGE, PUT_COUNT, PUT_COUNTS, UNEXPLAINED, UPDATE_ITEM,
};
use crate::error::StoreError;
use crate::event::Event;
use crate::failpoint::failpoint;
use crate::inventory::Inventory;
use crate::item::{ItemAction, ItemChange};
use crate::request::StoredRequest;
use crate::store::{Batch, Head, Result, outcome};
use rusqlite::{Connection, params};

/// Writes a batch between the opening and the closing of its range of positions.
pub(super) fn append(conn: &Connection, chains: &mut Chains, batch: &Batch) -> Result<()> {
    let Head { position, items_revision, last_request_id, last_created_at, .. } = &batch.head;
    conn.prepare_cached(OPEN_RANGE)?.execute((
        position,
        items_revision,
        last_request_id,
        last_created_at,
    ))?;
    for change in &batch.item_changes {
        insert_item_change(conn, change)?;
    }
    insert_events(conn, chains, &batch.events)?;
    failpoint!("after_events");
    put_counts(conn, &batch.inventory)?;
    failpoint!("after_counts");
    insert_requests(conn, &batch.requests)?;
    let unexplained: Option<Option<String>> =
        first(conn, UNEXPLAINED, [batch.base.items_revision], |row| row.get(0))?;
    if let Some(what) = unexplained.flatten() {
        return Err(StoreError::Refused(format!("unexplained: {what}")));
    }
    conn.prepare_cached(CLOSE_RANGE)?.execute([])?;
    Ok(())
}

/// The change first: it explains the item's row.
fn insert_item_change(conn: &Connection, change: &ItemChange) -> Result<()> {
    let item = &change.item;
    conn.prepare_cached(INSERT_ITEM_CHANGE)?.execute(params![
        change.revision,
        item.id,
        change.action,
        change.actor,
        change.position,
        item.name,
        item.sku,
        item.unit,
        item.allow_negative,
        item.archived_at,
        item.created_at,
        item.updated_at,
    ])?;
    let changed = match change.action {
        ItemAction::Created => conn.prepare_cached(INSERT_ITEM)?.execute([change.revision])?,
        ItemAction::Edited | ItemAction::Archived | ItemAction::Unarchived => {
            conn.prepare_cached(UPDATE_ITEM)?.execute((change.revision, item.id))?
        }
    };
    if changed == 1 {
        Ok(())
    } else {
        Err(StoreError::Refused(format!("item_not_found: there is no item {}", item.id)))
    }
}

fn insert_events(conn: &Connection, chains: &mut Chains, events: &[Event]) -> Result<()> {
    insert(conn, (INSERT_EVENTS, INSERT_EVENT), events, |cells, event, before| {
        let read = || History::of(conn, event.item_id)?.chain(event.version);
        let links = chains.at(event.item_id, event.version, read)?.push(event.id);
        Ok(put_event(cells, event, before, links)?)
    })
}

fn put_event(
    cells: &mut Cells<'_>,
    event: &Event,
    before: Option<&Event>,
    links: Links,
) -> rusqlite::Result<()> {
    cells.put(event.id)?;
    cells.put(event.item_id)?;
    cells.put(event.quantity_change)?;
    cells.put(event.reason)?;
    cells.put_new(before.map(|e| e.created_at), event.created_at)?;
    cells.put(event.version)?;
    cells.put(event.quantity_after)?;
    cells.put_new(before.map(|e| e.kind), event.kind)?;
    cells.put_new(before.map(|e| e.occurred_at), event.occurred_at)?;
    cells.put_new(before.map(|e| &e.actor), &event.actor)?;
    cells.put_new(before.map(|e| &e.reference), &event.reference)?;
    cells.put_new(before.map(|e| &e.note), &event.note)?;
    cells.put_new(before.map(|e| e.corrects_event_id), event.corrects_event_id)?;
    cells.put_new(before.map(|e| e.request_id), event.request_id)?;
    cells.put(links.previous)?;
    cells.put(links.middle)?;
    cells.put(links.jump)
}

fn insert_requests(conn: &Connection, requests: &[StoredRequest]) -> Result<()> {
    insert(conn, (INSERT_REQUESTS, INSERT_REQUEST), requests, |cells, request, _| {
        cells.put(request.id)?;
        cells.put(&request.key)?;
        cells.put(request.hash)?;
        cells.put(&request.actor)?;
        cells.put(request.created_at)?;
        cells.put(request.position)?;
        Ok(cells.put(outcome::encode(&request.outcome))?)
    })
}

/// Writes the rows of `item_inventory`.
pub(super) fn put_counts(conn: &Connection, rows: &[Inventory]) -> Result<()> {
    insert(conn, (PUT_COUNTS, PUT_COUNT), rows, |cells, Inventory { item, count }, _| {
        cells.put(item.id)?;
        cells.put(count.quantity)?;
        cells.put(count.version)?;
        cells.put(count.last_event_id)?;
        cells.put(count.created_at)?;
        Ok(cells.put(count.updated_at)?)
    })
}
