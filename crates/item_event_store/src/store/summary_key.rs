//! How the key of the daily summary stands in its table, and where a list of its rows begins.

use crate::ids::ItemId;
use crate::query::SummaryQuery;
use crate::reason::Kind;
use crate::time::Day;

/// The kind as a text: nothing in a key may be absent.
pub(super) fn kind_name(kind: Option<Kind>) -> &'static str {
    kind.map_or("", Kind::as_str)
}

/// The day, item, reason and kind that the first row comes after.
pub(super) fn start(query: &SummaryQuery) -> (Day, ItemId, &'static str, &'static str) {
    let from = query.from.unwrap_or(Day::MIN);
    match query.after.filter(|after| after.day >= from) {
        Some(after) => (after.day, after.item_id, after.reason.as_str(), kind_name(after.kind)),
        None => (from, ItemId(0), "", ""),
    }
}
