//! The daily summary: reading it, and the transactions that take it on.

use super::insert::insert;
use super::reads::{self, all, first};
use super::rows;
use super::statements::{
    ADD_SUM, ADD_SUMS, CLEAR_SUMMARY, DELETE_SUMS, END_CLEARING, MOVE_SUMMARY, SUMMARY,
    SUMMARY_ALL, SUMMARY_ITEM, SUMMARY_OPENING,
};
use super::write::SqliteTx;
use crate::error::StoreError;
use crate::ids::Position;
use crate::limits::SUMMARY_STEP_ROWS;
use crate::query::{DailySummary, SummaryQuery};
use crate::store::{Result, SummaryStep, summary_key};
use crate::summary::{Summary, SummaryKey, SummaryRow};
use crate::time::Day;
use rusqlite::Connection;

/// What the summary is made of.
fn state(conn: &Connection) -> Result<Summary> {
    first(conn, SUMMARY, [], rows::summary)?
        .ok_or_else(|| StoreError::Corrupt("the ledger's row of summaries is missing".into()))
}

/// Rows, and how far they are true.
pub(super) fn read(conn: &Connection, query: &SummaryQuery) -> Result<DailySummary> {
    let (head, summary) = (reads::head(conn)?, state(conn)?);
    let (opening, rows) = if summary.clearing {
        (query.item.map(|_| 0), Vec::new())
    } else {
        (opening(conn, query)?, list(conn, query)?)
    };
    Ok(DailySummary { summary, head, opening, rows })
}

fn list(conn: &Connection, query: &SummaryQuery) -> Result<Vec<SummaryRow>> {
    let (day, after_item, reason, kind) = summary_key::start(query);
    let to = query.to.unwrap_or(Day::MAX);
    let limit = reads::limit(query.limit);
    let Some(item) = query.item else {
        let params = (to, query.reason, query.kind, limit, day, after_item, reason, kind);
        return all(conn, SUMMARY_ALL, params, rows::summary_row);
    };
    let params = (to, query.reason, query.kind, limit, day, reason, kind, item);
    all(conn, SUMMARY_ITEM, params, rows::summary_row)
}

fn opening(conn: &Connection, query: &SummaryQuery) -> Result<Option<i64>> {
    match (query.item, query.from) {
        (Some(item), Some(from)) => first(conn, SUMMARY_OPENING, (item, from), |row| row.get(0)),
        (item, _) => Ok(item.map(|_| 0)),
    }
}

/// Takes a step in a transaction of its own.
pub(super) fn step(mut tx: SqliteTx, seen: &Summary, step: &SummaryStep) -> Result<bool> {
    let taken = tx.step(|conn, _| {
        if state(conn)? != *seen {
            return Ok(false);
        }
        match step {
            SummaryStep::Clear { time_zone, day_start_hour } => {
                conn.prepare_cached(CLEAR_SUMMARY)?.execute((time_zone, day_start_hour))?;
                conn.prepare_cached(DELETE_SUMS)?.execute([reads::limit(SUMMARY_STEP_ROWS)])?;
                conn.prepare_cached(END_CLEARING)?.execute([])?;
            }
            SummaryStep::Add { up_to, rows } => add(conn, *up_to, rows)?,
        }
        Ok(true)
    })?;
    tx.end()?;
    Ok(taken)
}

fn add(conn: &Connection, up_to: Position, rows: &[SummaryRow]) -> Result<()> {
    insert(conn, (ADD_SUMS, ADD_SUM), rows, |cells, SummaryRow { key, sum }, before| {
        cells.put_new(before.map(|row| row.key.day), key.day)?;
        cells.put(key.item_id)?;
        cells.put(key.reason)?;
        let kind = |key: &SummaryKey| summary_key::kind_name(key.kind);
        cells.put_new(before.map(|row| kind(&row.key)), kind(key))?;
        cells.put(sum.events)?;
        Ok(cells.put(sum.quantity_change)?)
    })?;
    conn.prepare_cached(MOVE_SUMMARY)?.execute([up_to])?;
    Ok(())
}
