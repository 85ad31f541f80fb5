//! The tables against the model, and against themselves: the log row by row, the counts, the items,
//! the head. What is checked by itself does not need the history.

use super::{Promise, Violation};
use crate::model::Model;
use crate::witness::{CountRow, ItemRow, Witness};
use item_event_store::event::Event;
use std::collections::HashMap;

/// How many differences of one kind are worth telling.
const TELL: usize = 5;

pub fn check(model: &Model, witness: &Witness, broken: &mut Vec<Violation>) {
    log(model, witness, broken);
    let items: Vec<_> = model.items.iter().zip(1..).collect();
    let counts = items.iter().map(|(item, id)| CountRow {
        item_id: *id,
        quantity: item.quantity,
        version: item.version,
        last_event_id: item.last_event,
    });
    differ(
        "item_inventory",
        Promise::I3Counts,
        &counts.collect::<Vec<_>>(),
        &witness.counts,
        broken,
    );
    let rows = items.iter().map(|(item, id)| ItemRow {
        id: *id,
        name: item.name.clone(),
        sku: item.sku.clone(),
        unit: item.unit.clone(),
        allow_negative: item.allow_negative,
        archived: item.archived,
    });
    differ("items", Promise::I1Acknowledged, &rows.collect::<Vec<_>>(), &witness.items, broken);
    if model.revision != witness.item_changes {
        let (rows, due) = (witness.item_changes, model.revision);
        let what = format!("item_changes has {rows} rows where {due} were due");
        broken.push(Violation::new(Promise::I4Gapless, what));
    }
    check_alone(witness, broken);
}

fn log(model: &Model, witness: &Witness, broken: &mut Vec<Violation>) {
    let mut told = 0;
    for (due, found) in model.log.iter().zip(&witness.events) {
        if due != found && told < TELL {
            told += 1;
            let what = format!("event {}: {found:?} where the rules say {due:?}", found.id);
            broken.push(Violation::new(Promise::I1Acknowledged, what));
        }
    }
    let (due, found) = (model.log.len(), witness.events.len());
    if due > found {
        let what = format!("the log ends at {found}, the requests account for {due} events");
        broken.push(Violation::new(Promise::I1Acknowledged, what));
    }
    if due < found {
        let what = format!("the log has {found} events, the requests account for {due}");
        broken.push(Violation::new(Promise::I2NoPhantom, what));
    }
}

fn differ<T: PartialEq + std::fmt::Debug>(
    table: &str,
    promise: Promise,
    due: &[T],
    found: &[T],
    broken: &mut Vec<Violation>,
) {
    for (due, found) in due.iter().zip(found).filter(|(due, found)| due != found).take(TELL) {
        let what = format!("{table}: {found:?} where {due:?} was due");
        broken.push(Violation::new(promise, what));
    }
    if due.len() != found.len() {
        let what = format!("{table} has {} rows where {} were due", found.len(), due.len());
        broken.push(Violation::new(promise, what));
    }
}

/// What can be told from the tables alone.
pub fn check_alone(witness: &Witness, broken: &mut Vec<Violation>) {
    broken.extend(
        witness.storage.iter().map(|fault| Violation::new(Promise::I10Storage, fault.clone())),
    );
    let last = witness.events.last().map_or(0, |event| event.id.0);
    if witness.position != last {
        let what = format!("the head says {}, the last event is {last}", witness.position);
        broken.push(Violation::new(Promise::I4Gapless, what));
    }
    let mut counts: HashMap<i64, CountRow> = HashMap::new();
    for (event, id) in witness.events.iter().zip(1..) {
        if event.id.0 != id {
            let what = format!("position {} where {id} was due", event.id);
            broken.push(Violation::new(Promise::I4Gapless, what));
            return;
        }
        add(&mut counts, event, broken);
    }
    let stored = witness.counts.iter().filter(|count| count.version > 0);
    let stored: HashMap<i64, &CountRow> = stored.map(|count| (count.item_id, count)).collect();
    for (item, count) in &counts {
        if stored.get(item).is_none_or(|stored| *stored != count) {
            let what = format!("item {item}: {:?}, the log says {count:?}", stored.get(item));
            broken.push(Violation::new(Promise::I3Counts, what));
        }
    }
    if stored.len() != counts.len() {
        let what = format!("{} counts of {} items with events", stored.len(), counts.len());
        broken.push(Violation::new(Promise::I3Counts, what));
    }
}

fn add(counts: &mut HashMap<i64, CountRow>, event: &Event, broken: &mut Vec<Violation>) {
    let item_id = event.item_id.0;
    let fresh = CountRow { item_id, quantity: 0, version: 0, last_event_id: None };
    let count = counts.entry(item_id).or_insert(fresh);
    count.version += 1;
    count.quantity += event.quantity_change;
    count.last_event_id = Some(event.id.0);
    if event.version != count.version {
        let what = format!("event {}: version {}, not {}", event.id, event.version, count.version);
        broken.push(Violation::new(Promise::I4Gapless, what));
    }
    if event.quantity_after != count.quantity {
        let (says, sum) = (event.quantity_after, count.quantity);
        let what = format!("event {}: balance {says}, the sum is {sum}", event.id);
        broken.push(Violation::new(Promise::I3Counts, what));
    }
}
