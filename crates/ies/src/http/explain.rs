//! Why is it 12? The sums that make the count, and what a person should look into.

use super::extract::{Id, Json};
use super::ledgers::OpenLedger;
use super::limits::{EXPLAIN_LAST, OLD_COUNT};
use super::problem::Problem;
use crate::wire;
use item_event_store::ids::ItemId;
use item_event_store::inventory::Inventory;
use item_event_store::query::{At, Explanation};
use std::sync::Arc;

/// Explains a count.
pub async fn explain(
    OpenLedger(ledger): OpenLedger,
    Id(id): Id,
) -> Result<Json<wire::Explanation>, Problem> {
    let read = ledger.store().explain(ItemId(id), EXPLAIN_LAST).await?;
    let At { position, value } = read;
    let explanation = value.ok_or_else(|| Problem::item_not_found(id))?;
    let total = explanation.sums.iter().map(|sum| sum.quantity_change).sum();
    let warnings = warnings(&explanation, total);
    let row = Inventory { item: Arc::new(explanation.item), count: explanation.count };
    let sum = |sum: item_event_store::query::ReasonSum| wire::ReasonSum {
        reason: sum.reason.to_string(),
        kind: sum.kind.as_ref().map(ToString::to_string),
        events: sum.events,
        quantity_change: sum.quantity_change,
    };
    Ok(Json(wire::Explanation {
        position: position.0,
        inventory: (&row).into(),
        sums: explanation.sums.into_iter().map(sum).collect(),
        total,
        last_count: explanation.last_count.as_ref().map(Into::into),
        last_events: explanation.last_events.iter().map(Into::into).collect(),
        corrections: explanation.corrections.iter().map(Into::into).collect(),
        warnings,
    }))
}

fn warnings(explanation: &Explanation, total: i64) -> Vec<wire::Warning> {
    let mut warnings = Vec::new();
    let mut warn = |code: &str, detail: String| {
        warnings.push(wire::Warning { code: code.to_owned(), detail });
    };
    let quantity = explanation.count.quantity;
    if quantity != total {
        warn("sums_differ", format!("The count is {quantity}, but its events add up to {total}."));
    }
    if quantity < 0 {
        warn("negative", format!("The count is {quantity}, below zero."));
    }
    match (&explanation.last_count, explanation.last_events.first()) {
        (None, Some(_)) => warn("never_counted", "The item has never been counted.".into()),
        (Some(count), Some(last)) => {
            let micros = last.effective_at().micros() - count.effective_at().micros();
            let days = micros / (24 * 60 * 60 * 1_000_000);
            if i128::from(micros) > i128::try_from(OLD_COUNT.as_micros()).unwrap_or(i128::MAX) {
                warn(
                    "count_is_old",
                    format!("The last count is {days} days older than the last event."),
                );
            }
        }
        (_, None) => {}
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;
    use item_event_store::event::Event;
    use item_event_store::ids::Position;
    use item_event_store::inventory::Count;
    use item_event_store::item::Item;
    use item_event_store::reason::{Kind, Reason};
    use item_event_store::time::Timestamp;

    const DAY: i64 = 24 * 60 * 60 * 1_000_000;

    fn event(day: i64, kind: Option<Kind>) -> Event {
        Event {
            id: Position(1),
            item_id: ItemId(1),
            version: 1,
            quantity_change: 1,
            quantity_after: 1,
            reason: if kind.is_some() { Reason::Adjustment } else { Reason::Batch },
            kind,
            occurred_at: None,
            created_at: Timestamp::from_micros(day * DAY),
            actor: None,
            reference: None,
            note: None,
            corrects_event_id: None,
            request_id: None,
        }
    }

    fn codes(quantity: i64, total: i64, count: Option<Event>, last: Option<Event>) -> String {
        let at = Timestamp::from_micros(0);
        let explanation = Explanation {
            item: Item {
                id: ItemId(1),
                name: "Croissant".parse().expect("a name"),
                sku: None,
                unit: "piece".parse().expect("a unit"),
                allow_negative: true,
                archived_at: None,
                created_at: at,
                updated_at: at,
                revision: 1,
            },
            count: Count { quantity, ..Count::empty(at) },
            sums: Vec::new(),
            last_count: count,
            last_events: last.into_iter().collect(),
            corrections: Vec::new(),
        };
        let warnings = warnings(&explanation, total);
        warnings.iter().map(|warning| warning.code.as_str()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn warnings_are_about_what_a_person_can_put_right() {
        let count = || Some(event(0, Some(Kind::Count)));
        assert_eq!(codes(0, 0, None, None), "");
        assert_eq!(codes(1, 1, None, Some(event(0, None))), "never_counted");
        assert_eq!(codes(1, 1, count(), Some(event(30, None))), "");
        assert_eq!(codes(1, 1, count(), Some(event(31, None))), "count_is_old");
        assert_eq!(codes(-1, 1, count(), Some(event(0, None))), "sums_differ negative");
    }
}
