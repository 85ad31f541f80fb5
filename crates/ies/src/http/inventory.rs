//! The counts: now or as of a position or a time, and setting them.

use super::extract::{Id, Json, Query};
use super::headers::{IfMatch, etag, none_match_names};
use super::items::item_query;
use super::ledgers::OpenLedger;
use super::page::{self, Page};
use super::problem::{Problem, kinds};
use super::write::{Shape, Write};
use crate::wire;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use item_event_store::Ledger;
use item_event_store::ids::{ItemId, Position};
use item_event_store::query::AsOf;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// Which counts a list has.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Filter {
    sku: Option<String>,
    name: Option<String>,
    archived: Option<bool>,
    as_of: Option<String>,
    #[serde(skip_serializing)]
    limit: Option<usize>,
    #[serde(skip_serializing)]
    cursor: Option<String>,
}

/// When.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct When {
    as_of: Option<String>,
}

/// One count.
pub async fn get(
    OpenLedger(ledger): OpenLedger,
    Id(id): Id,
    Query(when): Query<When>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let as_of = as_of(&ledger, when.as_of.as_deref()).await?;
    let read = ledger.store().inventory(ItemId(id), as_of).await?;
    let row = read.value.ok_or_else(|| Problem::item_not_found(id))?;
    let etag = etag(row.count.version);
    if none_match_names(&headers, &etag) {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, etag)]).into_response());
    }
    let position = read.position.0;
    let body = wire::InventoryReply { position, inventory: (&row).into() };
    Ok(([(header::ETAG, etag)], Json(body)).into_response())
}

/// A page of counts.
pub async fn list(
    OpenLedger(ledger): OpenLedger,
    uri: Uri,
    Query(filter): Query<Filter>,
) -> Result<Response, Problem> {
    let page = Page::new("inventory", &filter, filter.limit, filter.cursor.as_deref())?;
    let as_of = as_of(&ledger, filter.as_of.as_deref()).await?;
    let query = item_query(filter.sku, filter.name, filter.archived, &page)?;
    let read = ledger.store().inventories(&query, as_of).await?;
    let mut rows = read.value;
    let next_cursor = page.cut(&mut rows, |row| row.item.id.0);
    let inventory = rows.iter().map(Into::into).collect();
    let position = read.position.0;
    let body = wire::InventoryPage { inventory, next_cursor: next_cursor.clone(), position };
    Ok(page::reply(&uri, next_cursor.as_deref(), body))
}

/// Sets a count.
pub async fn set(
    write: Write,
    Id(id): Id,
    IfMatch(version): IfMatch,
    Json(body): Json<wire::SetInventory>,
) -> Result<Response, Problem> {
    let command = body.into_command(ItemId(id), version);
    write.execute_one(command, Shape::Events).await
}

async fn as_of(ledger: &Ledger, text: Option<&str>) -> Result<Option<AsOf>, Problem> {
    let Some(as_of) = text.map(parse_as_of).transpose()? else { return Ok(None) };
    if let AsOf::Position(position) = as_of {
        let head = ledger.store().head().await?.position;
        if position > head {
            let detail = format!("the last position is {head}");
            return Err(Problem::new(&kinds::POSITION_NOT_REACHED, detail)
                .member("position", json!(head.0)));
        }
    }
    Ok(Some(as_of))
}

fn parse_as_of(text: &str) -> Result<AsOf, Problem> {
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        let too_large = |_| Problem::new(&kinds::INVALID_QUERY, "as_of: too large a position");
        return text.parse().map(|n| AsOf::Position(Position(n))).map_err(too_large);
    }
    parse_time("as_of", text).map(AsOf::Time)
}

/// A point in time in a query. A plus sign that was not escaped has arrived as a space.
pub fn parse_time(name: &str, text: &str) -> Result<item_event_store::time::Timestamp, Problem> {
    let invalid = |error| Problem::new(&kinds::INVALID_QUERY, format!("{name}: {error}"));
    text.replace(' ', "+").parse().map_err(invalid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_of_is_a_position_or_a_time() {
        assert_eq!(parse_as_of("0").ok(), Some(AsOf::Position(Position(0))));
        assert_eq!(parse_as_of("42").ok(), Some(AsOf::Position(Position(42))));
        let time = |text: &str| AsOf::Time(text.parse().expect("a time"));
        let noon = "2026-11-23T12:00:00Z";
        assert_eq!(parse_as_of(noon).ok(), Some(time(noon)));
        assert_eq!(parse_as_of("2026-11-23T13:00:00 01:00").ok(), Some(time(noon)));
        for bad in ["", "-1", "1.5", "now", "2026-11-23", "99999999999999999999"] {
            assert!(parse_as_of(bad).is_err(), "{bad}");
        }
    }
}
