//! The daily summary: reading it, and the transactions that take it on. They lock the ledger's row
//! of summaries and never its head: no other writer waits for them.

use super::append::column;
use super::connection::{Connection, Connections, InTransaction, Params};
use super::error::{interpret, is_plain_error, with_cause};
use super::reads::{self, Reader};
use super::rows;
use super::statements::{
    ADD_SUMS, CLEAR_SUMMARY, CLOSE_SUMMARY, DELETE_SUMS, END_CLEARING, INSERT_SUMMARY,
    LOCK_SUMMARY, OPEN_SUMMARY, SUMMARY, SUMMARY_ALL, SUMMARY_ITEM, SUMMARY_OPENING,
};
use crate::error::StoreError;
use crate::ids::{LedgerName, Position};
use crate::limits::SUMMARY_STEP_ROWS;
use crate::query::{DailySummary, SummaryQuery};
use crate::reason::{Kind, Reason};
use crate::store::{Head, Result, SummaryStep, summary_key};
use crate::summary::{Summary, SummaryRow};
use crate::time::Day;
use tokio_postgres::Row;

/// Rows, and how far they are true.
pub(super) async fn read(
    reader: &Reader<'_>,
    head: Head,
    query: &SummaryQuery,
) -> Result<DailySummary> {
    let summary = reader.first(SUMMARY, &[&reader.ledger()], rows::summary).await?;
    let summary = summary.ok_or_else(|| StoreError::Failed("no row of summaries".into()))?;
    let (opening, rows) = if summary.clearing {
        (query.item.map(|_| 0), Vec::new())
    } else {
        (opening(reader, query).await?, list(reader, query).await?)
    };
    Ok(DailySummary { summary, head, opening, rows })
}

async fn list(reader: &Reader<'_>, query: &SummaryQuery) -> Result<Vec<SummaryRow>> {
    if query.limit == 0 {
        return Ok(Vec::new());
    }
    let (day, after_item, after_reason, after_kind) = summary_key::start(query);
    let (ledger, to, limit) =
        (reader.ledger(), query.to.unwrap_or(Day::MAX), reads::limit(query.limit));
    let (reason, kind) = (query.reason.map(Reason::as_str), query.kind.map(Kind::as_str));
    let Some(item) = query.item else {
        let params: Params<'_> = &[
            &ledger,
            &to,
            &reason,
            &kind,
            &limit,
            &day,
            &after_item.0,
            &after_reason,
            &after_kind,
        ];
        return reader.all(SUMMARY_ALL, params, rows::summary_row).await;
    };
    let params: Params<'_> =
        &[&ledger, &to, &reason, &kind, &limit, &day, &after_reason, &after_kind, &item.0];
    reader.all(SUMMARY_ITEM, params, rows::summary_row).await
}

async fn opening(reader: &Reader<'_>, query: &SummaryQuery) -> Result<Option<i64>> {
    let (Some(item), Some(from)) = (query.item, query.from) else {
        return Ok(query.item.map(|_| 0));
    };
    let sum = |row: &Row| rows::Cells(row).get(0);
    reader.first(SUMMARY_OPENING, &[&reader.ledger(), &item.0, &from], sum).await
}

/// Takes a step in a transaction of its own. Where it is not known whether it was committed, the
/// next step sees what the summary is.
pub(super) async fn step(
    connections: &Connections,
    ledger: &LedgerName,
    seen: &Summary,
    step: &SummaryStep,
) -> Result<bool> {
    let conn = InTransaction::new(connections.get().await?);
    let ledger = ledger.as_str();
    conn.begin_write().await?;
    conn.execute(INSERT_SUMMARY, &[&ledger]).await?;
    let locked = conn.query(LOCK_SUMMARY, &[&ledger]).await?;
    if locked.first().map(rows::summary).transpose()?.as_ref() != Some(seen) {
        conn.end().await;
        return Ok(false);
    }
    match step {
        SummaryStep::Clear { time_zone, day_start_hour } => {
            let hour = i16::from(*day_start_hour);
            conn.execute(CLEAR_SUMMARY, &[&ledger, time_zone, &hour]).await?;
            conn.execute(DELETE_SUMS, &[&ledger, &reads::limit(SUMMARY_STEP_ROWS)]).await?;
            conn.execute(END_CLEARING, &[&ledger]).await?;
        }
        SummaryStep::Add { up_to, rows } => add(&conn, ledger, *up_to, rows).await?,
    }
    match conn.client().batch_execute("COMMIT").await {
        Ok(()) => {
            conn.ended();
            Ok(true)
        }
        Err(error) if is_plain_error(&error) => Err(interpret(&error)),
        Err(error) => {
            conn.close();
            Err(StoreError::CommitUnknown(with_cause(&error)))
        }
    }
}

/// Adds sums between the opening and the closing of the range of positions that they are of.
async fn add(conn: &Connection, ledger: &str, up_to: Position, rows: &[SummaryRow]) -> Result<()> {
    let days = column(rows, |row| row.key.day);
    let items = column(rows, |row| row.key.item_id.0);
    let reasons = column(rows, |row| row.key.reason.as_str());
    let kinds = column(rows, |row| summary_key::kind_name(row.key.kind));
    let events = column(rows, |row| row.sum.events);
    let changes = column(rows, |row| row.sum.quantity_change);
    conn.execute(OPEN_SUMMARY, &[&ledger, &up_to.0]).await?;
    conn.execute(ADD_SUMS, &[&ledger, &days, &items, &reasons, &kinds, &events, &changes]).await?;
    conn.execute(CLOSE_SUMMARY, &[&ledger]).await?;
    Ok(())
}
