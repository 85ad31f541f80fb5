//! Writing a batch: a table's rows go as arrays in one statement, and the statements together, or
//! all of them to one function.

use super::connection::{Connection, Params};
use super::rows::{self, Cells};
use super::statements::{
    CLOSE_RANGE, INSERT_EVENTS, INSERT_ITEM_CHANGES, INSERT_ITEMS, INSERT_REQUESTS, OPEN_RANGE,
    PUT_COUNTS, UPDATE_COUNTS, UPDATE_ITEMS,
};
use crate::error::StoreError;
use crate::event::Event;
use crate::ids::LedgerName;
use crate::inventory::Inventory;
use crate::item::{ItemAction, ItemChange};
use crate::reason::Kind;
use crate::request::StoredRequest;
use crate::store::{Appended, Batch, Head, Others, Place, Result, outcome};
use crate::text::Text;
use std::collections::HashSet;
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

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
        let (opened, inserted, counts, stored, closed) = tokio::join!(
            conn.execute(OPEN_RANGE, head),
            put(conn, INSERT_EVENTS, ledger, &batch.events, events),
            put(conn, UPDATE_COUNTS, ledger, &batch.inventory, changed_counts),
            put(conn, INSERT_REQUESTS, ledger, &batch.requests, requests),
            conn.execute(CLOSE_RANGE, only_ledger),
        );
        let updated = opened.and(inserted).and(counts)?;
        stored.and(closed)?;
        if updated < batch.inventory.len() as u64 {
            // Somebody took a row away.
            put_counts(conn, ledger, &batch.inventory).await?;
        }
        return Ok(());
    }
    conn.execute(OPEN_RANGE, head).await?;
    put(conn, INSERT_ITEM_CHANGES, ledger, &batch.item_changes, item_changes).await?;
    change_items(conn, ledger, batch).await?;
    put(conn, INSERT_EVENTS, ledger, &batch.events, events).await?;
    put_counts(conn, ledger, &batch.inventory).await?;
    put(conn, INSERT_REQUESTS, ledger, &batch.requests, requests).await?;
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

/// Columns of a table's rows, each as an array.
pub(super) type Columns<'a> = Vec<Box<dyn ToSql + Sync + Send + 'a>>;

/// A column of rows, as an array.
pub(super) fn column<'a, R, T>(rows: &'a [R], cell: impl Fn(&'a R) -> T) -> Vec<T> {
    rows.iter().map(cell).collect()
}

/// Columns of the rows of one table.
macro_rules! columns {
    ($rows:ident: $($cell:expr),* $(,)?) => {{
        let columns: Columns<'_> = vec![$(Box::new(column($rows, $cell)),)*];
        columns
    }};
}

fn optional<const MAX: usize>(text: Option<&Text<MAX>>) -> Option<&str> {
    text.map(Text::as_str)
}

fn events(rows: &[Event]) -> Columns<'_> {
    columns![rows:
        |e| e.id.0,
        |e| e.item_id.0,
        |e| e.quantity_change,
        |e| e.reason.as_str(),
        |e| e.created_at,
        |e| e.version,
        |e| e.quantity_after,
        |e| e.kind.map(Kind::as_str),
        |e| e.occurred_at,
        |e| optional(e.actor.as_ref()),
        |e| optional(e.reference.as_ref()),
        |e| optional(e.note.as_ref()),
        |e| e.corrects_event_id.map(|position| position.0),
        |e| e.request_id,
    ]
}

fn item_changes(rows: &[ItemChange]) -> Columns<'_> {
    columns![rows:
        |c| c.revision,
        |c| c.item.id.0,
        |c| c.action.as_str(),
        |c| optional(c.actor.as_ref()),
        |c| c.position.0,
        |c| c.item.name.as_str(),
        |c| optional(c.item.sku.as_ref()),
        |c| c.item.unit.as_str(),
        |c| c.item.allow_negative,
        |c| c.item.archived_at,
        |c| c.item.created_at,
        |c| c.item.updated_at,
    ]
}

/// What changes of a count that has a row.
fn changed_counts(rows: &[Inventory]) -> Columns<'_> {
    columns![rows:
        |row| row.item.id.0,
        |row| row.count.quantity,
        |row| row.count.version,
        |row| row.count.last_event_id.map(|position| position.0),
        |row| row.count.updated_at,
    ]
}

fn whole_counts(rows: &[Inventory]) -> Columns<'_> {
    let mut columns = changed_counts(rows);
    columns.push(Box::new(column(rows, |row| row.count.created_at)));
    columns
}

fn requests(rows: &[StoredRequest]) -> Columns<'_> {
    columns![rows:
        |r| r.id,
        |r| r.key.as_str(),
        |r| r.hash.as_slice(),
        |r| r.actor.as_str(),
        |r| r.created_at,
        |r| r.position.0,
        |r| outcome::encode(&r.outcome),
    ]
}

/// Runs a statement on the rows of a ledger, unless there are none: how many it changed.
async fn put<R>(
    conn: &Connection,
    sql: &str,
    ledger: &str,
    rows: &[R],
    columns: impl FnOnce(&[R]) -> Columns<'_>,
) -> Result<u64> {
    if rows.is_empty() {
        return Ok(0);
    }
    let columns = columns(rows);
    let ledger: &(dyn ToSql + Sync) = &ledger;
    let params: Vec<_> = std::iter::once(ledger).chain(params(&columns)).collect();
    conn.execute(sql, &params).await
}

/// As the driver takes them.
pub(super) fn params<'a>(columns: &'a Columns<'_>) -> impl Iterator<Item = &'a (dyn ToSql + Sync)> {
    columns.iter().map(|column| -> &(dyn ToSql + Sync) { column.as_ref() })
}

/// Writes the rows of `item_inventory`, whether there are any yet or not.
pub(super) async fn put_counts(conn: &Connection, ledger: &str, rows: &[Inventory]) -> Result<u64> {
    put(conn, PUT_COUNTS, ledger, rows, whole_counts).await
}

/// What [`APPEND_BATCH`] is told: a batch, who writes it, and where it may be written. Numbers
/// and times that follow from its head's are left out.
///
/// [`APPEND_BATCH`]: super::statements::APPEND_BATCH
pub(super) fn whole_batch<'a>(
    ledger: &'a LedgerName,
    writer: &'a str,
    batch: &'a Batch,
    place: Place<'_>,
) -> Columns<'a> {
    let judged_by = match place {
        Place::Base | Place::Following => None,
        Place::Behind(items) => Some(column(items, |item| item.0)),
    };
    let Batch { base, head, events, requests, .. } = batch;
    let decided_at = requests.first().map_or(head.last_created_at, |request| request.created_at);
    let mut told: Columns<'a> = vec![
        Box::new(ledger.as_str()),
        Box::new(base.epoch.as_str()),
        Box::new(base.position.0),
        Box::new(base.items_revision),
        Box::new(base.counts_revision),
        Box::new(base.last_request_id),
        Box::new(base.last_created_at),
        Box::new(decided_at),
        Box::new(judged_by),
        Box::new(writer),
        Box::new(matches!(place, Place::Following)),
    ];
    told.extend(columns![events:
        |e| e.item_id.0,
        |e| e.quantity_change,
        |e| e.reason.as_str(),
        |e| e.version,
        |e| e.quantity_after,
        |e| e.kind.map(Kind::as_str),
        |e| e.occurred_at,
        |e| optional(e.actor.as_ref()),
        |e| optional(e.reference.as_ref()),
        |e| optional(e.note.as_ref()),
        |e| e.corrects_event_id.map(|position| position.0),
        |e| e.request_id,
    ]);
    told.extend(columns![requests:
        |r| r.key.as_str(),
        |r| r.hash.as_slice(),
        |r| r.actor.as_str(),
        |r| r.position.0,
        |r| outcome::encode(&r.outcome),
    ]);
    told
}

/// What it answers.
pub(super) fn appended(rows: &[Row], base: &Head) -> Result<Appended> {
    let Some(row) = rows.first() else { return Ok(Appended::Nothing) };
    let cells = Cells(row);
    if !cells.get(0)? {
        return Ok(Appended::Nothing);
    }
    let (last_request_id, balances) = (cells.get(1)?, rows::balances(row, 3)?);
    if last_request_id == base.last_request_id && balances.is_empty() {
        return Ok(Appended::AsDecided);
    }
    let since = balances.into_iter().filter(|balance| balance.id > base.position).collect();
    Ok(Appended::Behind(Others { last_request_id, recorded_at: cells.get(2)?, balances: since }))
}
