//! Items: make, list, show, edit.

use super::extract::{Id, Json, Query};
use super::headers::IfMatch;
use super::ledgers::OpenLedger;
use super::page::{self, Page};
use super::problem::{Problem, kinds};
use super::write::{Shape, Write};
use crate::wire;
use axum::http::{HeaderValue, Uri, header};
use axum::response::Response;
use item_event_store::ids::ItemId;
use item_event_store::query::ItemQuery;
use item_event_store::text::Text;
use serde::{Deserialize, Serialize};

/// Which items a list has.
#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Filter {
    sku: Option<String>,
    name: Option<String>,
    archived: Option<bool>,
    #[serde(skip_serializing)]
    limit: Option<usize>,
    #[serde(skip_serializing)]
    cursor: Option<String>,
}

/// Makes an item.
pub async fn create(write: Write, Json(body): Json<wire::CreateItem>) -> Result<Response, Problem> {
    write.execute_one(body.into_command(), Shape::Item).await
}

/// Renames, archives or otherwise edits an item.
pub async fn edit(
    write: Write,
    Id(id): Id,
    IfMatch(version): IfMatch,
    Json(body): Json<wire::EditItem>,
) -> Result<Response, Problem> {
    let command = body.into_command(ItemId(id), version);
    write.execute_one(command, Shape::Item).await
}

/// One item.
pub async fn get(
    OpenLedger(ledger): OpenLedger,
    Id(id): Id,
) -> Result<Json<wire::ItemReply>, Problem> {
    let read = ledger.store().inventory(ItemId(id), None).await?;
    let row = read.value.ok_or_else(|| Problem::item_not_found(id))?;
    let item = row.item.as_ref().into();
    Ok(Json(wire::ItemReply { position: read.position.0, item }))
}

/// A page of items.
pub async fn list(
    OpenLedger(ledger): OpenLedger,
    uri: Uri,
    Query(filter): Query<Filter>,
) -> Result<Response, Problem> {
    let page = Page::new("items", &filter, filter.limit, filter.cursor.as_deref())?;
    let query = item_query(filter.sku, filter.name, filter.archived, &page)?;
    let read = ledger.store().inventories(&query, None).await?;
    let mut rows = read.value;
    let next_cursor = page.cut(&mut rows, |row| row.item.id.0);
    let items = rows.iter().map(|row| row.item.as_ref().into()).collect();
    let body =
        wire::ItemPage { items, next_cursor: next_cursor.clone(), position: read.position.0 };
    Ok(page::reply(&uri, next_cursor.as_deref(), body))
}

/// The query of a page with these filters.
pub fn item_query(
    sku: Option<String>,
    name: Option<String>,
    archived: Option<bool>,
    page: &Page,
) -> Result<ItemQuery, Problem> {
    Ok(ItemQuery {
        item: None,
        sku: text_filter("sku", sku)?,
        name: text_filter("name", name)?,
        archived,
        after: page.after.map(ItemId),
        limit: page.rows(),
    })
}

/// A text in a query.
pub fn text_filter<const MAX: usize>(
    name: &str,
    value: Option<String>,
) -> Result<Option<Text<MAX>>, Problem> {
    let invalid = |error| Problem::new(&kinds::INVALID_QUERY, format!("{name}: {error}"));
    value.map(|value| value.parse().map_err(invalid)).transpose()
}

/// The header that names what was made.
pub fn location(path: &str) -> Option<(header::HeaderName, HeaderValue)> {
    HeaderValue::from_str(path).ok().map(|value| (header::LOCATION, value))
}
