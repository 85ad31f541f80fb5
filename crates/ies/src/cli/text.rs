//! How events and counts are said in one line, everywhere the same.

use crate::cli::output::signed;
use crate::wire;

/// What an event did: `batch +24`, `waste -2`, `correction +3 of event 4`.
pub fn event(event: &wire::Event) -> String {
    let what = event.kind.as_ref().unwrap_or(&event.reason);
    let change = signed(event.quantity_change);
    match event.corrects_event_id {
        Some(original) => format!("{what} {change} of event {original}"),
        None => format!("{what} {change}"),
    }
}

/// A count, and what the request did to it: `Croissant: 28 piece (batch +24, position 2)`.
pub fn count(row: &wire::Inventory, events: &[wire::Event]) -> String {
    let done: Vec<String> = events
        .iter()
        .filter(|event| event.item_id == row.item_id)
        .map(|done| format!("{}, position {}", event(done), done.id))
        .collect();
    let done = if done.is_empty() { "nothing changed".to_owned() } else { done.join("; ") };
    format!("{}: {} {} ({done})", row.name, row.quantity, row.unit)
}

/// The answer to a write, one line an item.
pub fn recorded(answer: &wire::Recorded) -> String {
    let events = answer.events.as_deref().unwrap_or_default();
    let mut text = String::new();
    for row in &answer.inventory {
        text += &count(row, events);
        text += if answer.replayed { ", recorded earlier under the same key\n" } else { "\n" };
    }
    text
}

/// An item in a few words: `item 1: Croissant (CR-01)`.
pub fn item(item: &wire::Item) -> String {
    let sku = item.sku.as_ref().map(|sku| format!(" ({sku})")).unwrap_or_default();
    format!("item {}: {}{sku}", item.id, item.name)
}

#[cfg(test)]
pub mod tests {
    use super::*;

    pub fn an_event(id: i64, reason: &str, kind: Option<&str>, change: i64) -> wire::Event {
        wire::Event {
            id,
            item_id: 1,
            version: id,
            quantity_change: change,
            quantity_after: 28,
            reason: reason.to_owned(),
            kind: kind.map(str::to_owned),
            occurred_at: None,
            created_at: "2026-11-23T05:00:00.000000Z".to_owned(),
            actor: Some("cli".to_owned()),
            reference: None,
            note: None,
            corrects_event_id: None,
        }
    }

    pub fn a_count(quantity: i64) -> wire::Inventory {
        wire::Inventory {
            item_id: 1,
            name: "Croissant".to_owned(),
            sku: Some("CR-01".to_owned()),
            unit: "piece".to_owned(),
            quantity,
            version: 2,
            last_event_id: Some(2),
            created_at: "2026-11-23T05:00:00.000000Z".to_owned(),
            updated_at: "2026-11-23T05:00:00.000000Z".to_owned(),
        }
    }

    #[test]
    fn a_write_is_answered_in_one_line() {
        let mut answer = wire::Recorded {
            position: 2,
            replayed: false,
            item: None,
            range: None,
            events: Some(vec![an_event(2, "batch", None, 24)]),
            inventory: vec![a_count(28)],
        };
        assert_eq!(recorded(&answer), "Croissant: 28 piece (batch +24, position 2)\n");
        answer.replayed = true;
        answer.events = Some(Vec::new());
        assert_eq!(
            recorded(&answer),
            "Croissant: 28 piece (nothing changed), recorded earlier under the same key\n"
        );
    }

    #[test]
    fn an_adjustment_is_named_by_its_kind() {
        assert_eq!(event(&an_event(3, "adjustment", Some("waste"), -2)), "waste -2");
        let mut correction = an_event(6, "adjustment", Some("correction"), 3);
        correction.corrects_event_id = Some(4);
        assert_eq!(event(&correction), "correction +3 of event 4");
    }
}
