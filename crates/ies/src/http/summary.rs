//! The daily summary: reading it, and bringing it up to date. A refresh may be asked for as often
//! as one likes, so it takes no idempotency key.

use super::events::name_filter;
use super::extract::{Json, Query};
use super::ledgers::OpenLedger;
use super::page::{self, Page};
use super::problem::{Problem, kinds};
use crate::wire;
use axum::http::Uri;
use axum::response::Response;
use item_event_store::Ledger;
use item_event_store::ids::ItemId;
use item_event_store::query::SummaryQuery;
use item_event_store::reason::Kind;
use item_event_store::summary::{SummaryKey, SummaryRow};
use item_event_store::time::Day;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Which rows a list has.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Filter {
    item_id: Option<i64>,
    from: Option<String>,
    to: Option<String>,
    reason: Option<String>,
    kind: Option<String>,
    #[serde(skip_serializing)]
    limit: Option<usize>,
    #[serde(skip_serializing)]
    cursor: Option<String>,
}

/// The key of a row as a cursor holds it: `2026-11-23/1/adjustment/waste`.
struct RowKey(SummaryKey);

impl fmt::Display for RowKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let SummaryKey { day, item_id, reason, kind } = self.0;
        write!(f, "{day}/{item_id}/{reason}/{}", kind.map_or("", Kind::as_str))
    }
}

impl FromStr for RowKey {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let parts: Vec<_> = text.split('/').collect();
        let [day, item_id, reason, kind] = parts[..] else { return Err(()) };
        Ok(Self(SummaryKey {
            day: day.parse().map_err(|_| ())?,
            item_id: item_id.parse().map(ItemId).map_err(|_| ())?,
            reason: reason.parse().map_err(|_| ())?,
            kind: if kind.is_empty() { None } else { Some(kind.parse().map_err(|_| ())?) },
        }))
    }
}

/// A page of the summary.
pub async fn list(
    OpenLedger(ledger): OpenLedger,
    uri: Uri,
    Query(filter): Query<Filter>,
) -> Result<Response, Problem> {
    let page = Page::new("summary", &filter, filter.limit, filter.cursor.as_deref())?;
    let read = ledger.store().daily_summary(&filter.query(&page)?).await?;
    let mut rows = read.rows;
    let next_cursor = page.cut(&mut rows, |row| RowKey(row.key));
    let body = wire::DailySummaryPage {
        summary: rows.iter().map(Into::into).collect(),
        opening: read.opening,
        next_cursor: next_cursor.clone(),
        position: read.summary.position.0,
        head_position: read.head.position.0,
        time_zone: read.summary.time_zone,
        day_start_hour: i64::from(read.summary.day_start_hour),
    };
    Ok(page::reply(&uri, next_cursor.as_deref(), body))
}

/// Goes on to the log's last position.
pub async fn refresh(OpenLedger(ledger): OpenLedger) -> Result<Json<wire::RefreshReport>, Problem> {
    bring_up_to_date(&ledger, false).await
}

/// Makes it from the log's beginning.
pub async fn rebuild(OpenLedger(ledger): OpenLedger) -> Result<Json<wire::RefreshReport>, Problem> {
    bring_up_to_date(&ledger, true).await
}

async fn bring_up_to_date(
    ledger: &Ledger,
    anew: bool,
) -> Result<Json<wire::RefreshReport>, Problem> {
    let report = ledger.refresh_summary(anew, &|_, _| {}).await?;
    Ok(Json(wire::RefreshReport {
        position: report.position.0,
        events: report.events,
        rebuilt: report.rebuilt,
    }))
}

impl Filter {
    fn query(&self, page: &Page<RowKey>) -> Result<SummaryQuery, Problem> {
        Ok(SummaryQuery {
            item: self.item_id.map(ItemId),
            from: day_filter("from", self.from.as_deref())?,
            to: day_filter("to", self.to.as_deref())?,
            reason: name_filter("reason", self.reason.as_deref())?,
            kind: name_filter("kind", self.kind.as_deref())?,
            after: page.after.as_ref().map(|key| key.0),
            limit: page.rows(),
        })
    }
}

fn day_filter(name: &str, value: Option<&str>) -> Result<Option<Day>, Problem> {
    let invalid = |error| Problem::new(&kinds::INVALID_QUERY, format!("{name}: {error}"));
    value.map(|value| value.parse().map_err(invalid)).transpose()
}

impl From<&SummaryRow> for wire::DaySum {
    fn from(row: &SummaryRow) -> Self {
        let SummaryKey { day, item_id, reason, kind } = row.key;
        Self {
            day: day.to_string(),
            item_id: item_id.0,
            reason: reason.to_string(),
            kind: kind.map(|kind| kind.to_string()),
            events: row.sum.events,
            quantity_change: row.sum.quantity_change,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_reads_back_what_it_prints() {
        for text in ["2026-11-23/1/batch/", "0000-01-01/2147483647/adjustment/waste"] {
            let key: RowKey = text.parse().expect("a key");
            assert_eq!(key.to_string(), text);
        }
        for bad in ["", "1", "2026-11-23/1/batch", "2026-11-23/1/batch//", "x/1/batch/", "//batch/"]
        {
            assert!(bad.parse::<RowKey>().is_err(), "{bad}");
        }
    }
}
