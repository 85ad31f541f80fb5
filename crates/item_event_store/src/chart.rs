//! The stock over time, by business day. Follows when things happened, not when they were
//! recorded, so that an imported history is spread over its real days.

use crate::error::StoreError;
use crate::event::Event;
use crate::ids::ItemId;
use crate::limits::LOG_PAGE_EVENTS;
use crate::query::{At, EventQuery, Order};
use crate::reason::Reason;
use crate::store::LedgerStore;
use crate::time::{BusinessDay, Day, Timestamp};

/// One business day of one item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChartDay {
    /// The business day.
    pub day: Day,
    /// The balance when it began.
    pub opening: i64,
    /// Changes by reason, in the order of [`Reason::ALL`](crate::reason::Reason::ALL).
    pub changes: [i64; 5],
    /// The balance when it ended.
    pub closing: i64,
    /// The lowest balance within it, its opening included.
    pub lowest: i64,
}

/// The stock of one item over time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chart {
    /// The item.
    pub item_id: ItemId,
    /// Every day from the first to the last that has an event, without gaps.
    pub days: Vec<ChartDay>,
}

/// What a chart needs of an event.
struct Change {
    at: Timestamp,
    reason: Reason,
    quantity_change: i64,
}

pub(crate) async fn chart(
    store: &dyn LedgerStore,
    item_id: ItemId,
) -> Result<At<Option<Chart>>, StoreError> {
    let At { position, value } = store.inventory(item_id, None).await?;
    if value.is_none() {
        return Ok(At { position, value: None });
    }
    let head = store.head().await?;
    let business_day = head.settings.business_day().map_err(StoreError::Corrupt)?;
    let mut changes = Vec::new();
    let mut query = EventQuery {
        item: Some(item_id),
        before: Some(position.plus(1)),
        ..EventQuery::all(Order::OldestFirst, LOG_PAGE_EVENTS)
    };
    loop {
        let page = store.events(&query).await?.value;
        let Some(last) = page.last() else { break };
        query.after = Some(last.id);
        changes.extend(page.iter().map(Change::of));
    }
    Ok(At { position, value: Some(Chart { item_id, days: days(changes, &business_day) }) })
}

impl Change {
    fn of(event: &Event) -> Self {
        let at = event.effective_at();
        Self { at, reason: event.reason, quantity_change: event.quantity_change }
    }
}

/// Spreads changes over business days. Events of the same moment keep the order of the log.
fn days(mut changes: Vec<Change>, business_day: &BusinessDay) -> Vec<ChartDay> {
    changes.sort_by_key(|change| change.at);
    let mut days: Vec<ChartDay> = Vec::new();
    for change in changes {
        let day = business_day.day_of(change.at);
        while days.last().is_none_or(|last| last.day < day) {
            let (next, opening) = match days.last() {
                Some(last) => (last.day.next(), last.closing),
                None => (day, 0),
            };
            let closing = opening;
            days.push(ChartDay { day: next, opening, changes: [0; 5], closing, lowest: opening });
        }
        let today = days.last_mut().expect("the day was just pushed");
        today.changes[change.reason as usize] += change.quantity_change;
        today.closing += change.quantity_change;
        today.lowest = today.lowest.min(today.closing);
    }
    days
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(at: &str, reason: Reason, quantity_change: i64) -> Change {
        Change { at: at.parse().expect("a time"), reason, quantity_change }
    }

    #[test]
    fn days_follow_when_things_happened_and_have_no_gaps() {
        let utc = BusinessDay::new("UTC", 0).expect("UTC");
        let changes = vec![
            change("2026-11-03T09:00:00Z", Reason::Bakeoff, -3),
            change("2026-11-01T05:00:00Z", Reason::Batch, 24),
            change("2026-11-01T09:00:00Z", Reason::Bakeoff, -6),
        ];
        let days = days(changes, &utc);
        let shown: Vec<_> = days
            .iter()
            .map(|d| (d.day.to_string(), d.opening, d.changes, d.closing, d.lowest))
            .collect();
        assert_eq!(
            shown,
            [
                ("2026-11-01".into(), 0, [0, 24, -6, 0, 0], 18, 0),
                ("2026-11-02".into(), 18, [0, 0, 0, 0, 0], 18, 18),
                ("2026-11-03".into(), 18, [0, 0, -3, 0, 0], 15, 15),
            ]
        );
    }
}
