//! The log: lists of events, and one.

use super::extract::{Id, Json, Query};
use super::inventory::parse_time;
use super::items::text_filter;
use super::ledgers::OpenLedger;
use super::page::{self, Page};
use super::problem::{Problem, kinds};
use crate::wire;
use axum::http::Uri;
use axum::response::Response;
use item_event_store::Ledger;
use item_event_store::ids::{ItemId, Position};
use item_event_store::query::{EventQuery, Order};
use item_event_store::reason::UnknownName;
use item_event_store::rejection::Rejection;
use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// Which events a list has, in which order.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Filter {
    item_id: Option<i64>,
    reason: Option<String>,
    kind: Option<String>,
    actor: Option<String>,
    from: Option<String>,
    to: Option<String>,
    after: Option<i64>,
    order: Option<OrderName>,
    #[serde(skip_serializing)]
    limit: Option<usize>,
    #[serde(skip_serializing)]
    cursor: Option<String>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum OrderName {
    Newest,
    Oldest,
}

/// A page of the log.
pub async fn list(
    OpenLedger(ledger): OpenLedger,
    uri: Uri,
    Query(filter): Query<Filter>,
) -> Result<Response, Problem> {
    page_of(&ledger, &uri, filter).await
}

/// A page of one item's events.
pub async fn list_of_item(
    OpenLedger(ledger): OpenLedger,
    uri: Uri,
    Id(id): Id,
    Query(mut filter): Query<Filter>,
) -> Result<Response, Problem> {
    if filter.item_id.is_some() {
        return Err(Problem::new(&kinds::INVALID_QUERY, "the item is in the path already"));
    }
    let item = ledger.store().inventory(ItemId(id), None).await?;
    if item.value.is_none() {
        return Err(Problem::item_not_found(id));
    }
    filter.item_id = Some(id);
    page_of(&ledger, &uri, filter).await
}

/// One event.
pub async fn get(
    OpenLedger(ledger): OpenLedger,
    Id(position): Id,
) -> Result<Json<wire::EventReply>, Problem> {
    let read = ledger.store().event(Position(position)).await?;
    let missing = || Problem::rejection(&Rejection::EventNotFound { position });
    let event = read.value.as_ref().ok_or_else(missing)?.into();
    Ok(Json(wire::EventReply { position: read.position.0, event }))
}

async fn page_of(ledger: &Ledger, uri: &Uri, filter: Filter) -> Result<Response, Problem> {
    let page = Page::new("events", &filter, filter.limit, filter.cursor.as_deref())?;
    let query = filter.query(&page)?;
    let read = ledger.store().events(&query).await?;
    let mut rows = read.value;
    let next_cursor = page.cut(&mut rows, |event| event.id.0);
    let events = rows.iter().map(Into::into).collect();
    let body =
        wire::EventPage { events, next_cursor: next_cursor.clone(), position: read.position.0 };
    Ok(page::reply(uri, next_cursor.as_deref(), body))
}

impl Filter {
    /// Newest first, unless the caller reads on from a position.
    fn query(self, page: &Page) -> Result<EventQuery, Problem> {
        let order = match (self.order, self.after) {
            (Some(OrderName::Oldest), _) | (None, Some(_)) => Order::OldestFirst,
            (Some(OrderName::Newest), _) | (None, None) => Order::NewestFirst,
        };
        let continued = page.after.map(Position);
        let asked = self.after.map(Position);
        let (after, before) = match order {
            Order::OldestFirst => (continued.max(asked), None),
            Order::NewestFirst => (asked, continued),
        };
        let time =
            |name: &str, text: Option<String>| text.map(|text| parse_time(name, &text)).transpose();
        Ok(EventQuery {
            item: self.item_id.map(ItemId),
            reason: name_filter("reason", self.reason.as_deref())?,
            kind: name_filter("kind", self.kind.as_deref())?,
            actor: text_filter("actor", self.actor)?,
            from: time("from", self.from)?,
            to: time("to", self.to)?,
            after,
            before,
            order,
            limit: page.rows(),
        })
    }
}

/// One of a few names, in a query.
pub fn name_filter<T: FromStr<Err = UnknownName>>(
    name: &str,
    value: Option<&str>,
) -> Result<Option<T>, Problem> {
    let invalid = |error| Problem::new(&kinds::INVALID_QUERY, format!("{name}: {error}"));
    value.map(|value| value.parse().map_err(invalid)).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(text: &str, cursor_at: Option<i64>) -> EventQuery {
        let uri: Uri = format!("/v1/events?{text}").parse().expect("a URI");
        let filter = axum::extract::Query::<Filter>::try_from_uri(&uri).expect("a query").0;
        let mut page = Page::new("events", &filter, filter.limit, None).expect("a page");
        page.after = cursor_at;
        filter.query(&page).expect("a query")
    }

    #[test]
    fn a_list_is_newest_first_unless_it_reads_on() {
        let newest = query("", Some(9));
        assert_eq!((newest.order, newest.before), (Order::NewestFirst, Some(Position(9))));
        let on = query("after=5", None);
        assert_eq!((on.order, on.after), (Order::OldestFirst, Some(Position(5))));
        let next = query("after=5", Some(8));
        assert_eq!((next.after, next.before), (Some(Position(8)), None));
        let back = query("after=5&order=newest", Some(8));
        assert_eq!((back.after, back.before), (Some(Position(5)), Some(Position(8))));
    }
}
