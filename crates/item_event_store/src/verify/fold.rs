//! The fold of the log: what every event must be, given the ones before it.

use super::Findings;
use crate::error::StoreError;
use crate::event::Event;
use crate::ids::{ItemId, Position};
use crate::inventory::Count;
use crate::item::{Item, ItemChange};
use crate::limits::{MAX_CLOCK_SKEW_MICROS, MAX_QUANTITY};
use crate::reason::{Kind, Reason};
use crate::store::LedgerStore;
use crate::time::Timestamp;
use rustc_hash::FxHashMap;

pub(super) struct Fold {
    pub events: u64,
    last: Option<(Position, Timestamp)>,
    items: FxHashMap<ItemId, Folded>,
    /// What corrections made of the events they correct.
    corrected_by: FxHashMap<Position, i64>,
}

/// One item as the log has it so far.
#[derive(Default)]
struct Folded {
    quantity: i64,
    version: i64,
    last_event: Option<(Position, Timestamp)>,
    last_count: Option<Position>,
    /// From which head position on the count may, or may not, fall below zero.
    allow_negative: Vec<(Position, bool)>,
    known: bool,
}

impl Fold {
    pub fn new(changes: &[ItemChange]) -> Self {
        let mut fold = Self {
            events: 0,
            last: None,
            items: FxHashMap::default(),
            corrected_by: FxHashMap::default(),
        };
        fold.know_items(changes);
        fold
    }

    /// Takes over what items may do, from the beginning.
    pub fn know_items(&mut self, changes: &[ItemChange]) {
        for folded in self.items.values_mut() {
            folded.allow_negative.clear();
        }
        for change in changes {
            let folded = self.items.entry(change.item.id).or_default();
            folded.known = true;
            folded.allow_negative.push((change.position, change.item.allow_negative));
        }
    }

    /// The last position that was folded.
    pub fn position(&self) -> Position {
        self.last.map_or(Position::START, |(position, _)| position)
    }

    pub fn last_created_at(&self) -> Option<Timestamp> {
        self.last.map(|(_, at)| at)
    }

    /// The count of an item as the log has it.
    pub fn count(&self, item: &Item) -> Count {
        let mut count = Count::empty(item.created_at);
        if let Some(folded) = self.items.get(&item.id) {
            count.quantity = folded.quantity;
            count.version = folded.version;
            count.last_event_id = folded.last_event.map(|(position, _)| position);
            count.updated_at = folded.last_event.map_or(item.created_at, |(_, at)| at);
        }
        count
    }

    /// Folds the next events of the log.
    pub async fn page(
        &mut self,
        store: &dyn LedgerStore,
        events: &[Event],
        findings: &mut Findings,
    ) -> Result<(), StoreError> {
        for event in events {
            self.events += 1;
            self.check_order(event, findings);
            if let Some(broken) = broken_form(event) {
                findings.add("rule_broken", Some(event.item_id), Some(event.id), broken);
            }
            if let Some(target) = event.corrects_event_id {
                let original = store.event(target).await?.value;
                if let Some(broken) = self.broken_correction(event, original.as_ref()) {
                    findings.add("rule_broken", Some(event.item_id), Some(event.id), broken);
                }
            }
            self.check_item(event, findings);
        }
        Ok(())
    }

    fn check_order(&mut self, event: &Event, findings: &mut Findings) {
        let due = self.position().plus(1);
        if event.id != due {
            let detail = format!("position {} where {due} was due", event.id);
            findings.add("position_gap", Some(event.item_id), Some(event.id), detail);
        }
        if let Some((_, before)) = self.last.filter(|(_, before)| event.created_at < *before) {
            let detail = format!("recorded at {}, before {before}", event.created_at);
            findings.add("created_at_back", Some(event.item_id), Some(event.id), detail);
        }
        self.last = Some((event.id, event.created_at));
    }

    /// The running version and balance of the event's item. The event's own word is taken after
    /// a mistake, so that one mistake is found once.
    fn check_item(&mut self, event: &Event, findings: &mut Findings) {
        let mut add =
            |code, detail| findings.add(code, Some(event.item_id), Some(event.id), detail);
        let item = self.items.entry(event.item_id).or_default();
        if !item.known {
            add("item_unknown", format!("there is no item {}", event.item_id));
        }
        if event.version != item.version + 1 {
            let due = item.version + 1;
            add("version_gap", format!("version {} where {due} was due", event.version));
        }
        let balance = item.quantity + event.quantity_change;
        if event.quantity_after != balance {
            let said = event.quantity_after;
            add("balance_wrong", format!("says {said}, the changes add up to {balance}"));
        }
        let allowed = item.allow_negative.iter().rfind(|(since, _)| *since < event.id);
        if balance < 0 && event.quantity_change < 0 && !allowed.is_some_and(|(_, may)| *may) {
            add("rule_broken", format!("the count fell to {balance}"));
        }
        item.quantity = event.quantity_after;
        item.version = event.version;
        item.last_event = Some((event.id, event.created_at));
        if event.kind.is_some_and(Kind::settles) {
            item.last_count = Some(event.id);
        }
    }

    fn broken_correction(&mut self, event: &Event, original: Option<&Event>) -> Option<String> {
        let Some(original) = original.filter(|original| original.id < event.id) else {
            return Some("corrects an event that is not before it".into());
        };
        let corrected_by = self.corrected_by.entry(original.id).or_default();
        *corrected_by += event.quantity_change;
        let effective = original.quantity_change + *corrected_by;
        if original.item_id != event.item_id {
            return Some(format!("corrects an event of item {}", original.item_id));
        }
        if original.kind.is_some_and(|kind| kind.settles() || kind == Kind::Correction) {
            return Some("corrects a count, an override or a correction".into());
        }
        if effective.signum() * original.quantity_change.signum() < 0 {
            return Some(format!("turns the sign of event {}", original.id));
        }
        if event.occurred_at != Some(original.effective_at()) {
            return Some("a correction happened when its original happened".into());
        }
        let last_count = self.items.get(&event.item_id).and_then(|item| item.last_count);
        if last_count.is_some_and(|counted| original.id < counted) {
            return Some("corrects what a later count has absorbed".into());
        }
        None
    }
}

/// What every event must be by itself.
fn broken_form(event: &Event) -> Option<String> {
    let change = event.quantity_change;
    if change.abs() > MAX_QUANTITY || event.quantity_after.abs() > MAX_QUANTITY {
        return Some("a quantity is out of range".into());
    }
    if (event.reason == Reason::Initial) && event.version != 1 {
        return Some("initial is not the item's first event".into());
    }
    if (event.reason == Reason::Adjustment) != event.kind.is_some() {
        return Some("an adjustment has a kind, and nothing else has one".into());
    }
    if (event.kind == Some(Kind::Correction)) != event.corrects_event_id.is_some() {
        return Some("a correction names an event, and nothing else does".into());
    }
    let sign = event.kind.map_or(event.reason.sign(), Kind::sign);
    let confirms = change == 0 && event.kind == Some(Kind::Count);
    if !confirms && !sign.admits(change) {
        let reason = event.kind.map_or(event.reason.as_str(), Kind::as_str);
        return Some(format!("{change} has the wrong sign for {reason}"));
    }
    if event.effective_at() > event.created_at.plus_micros(MAX_CLOCK_SKEW_MICROS) {
        return Some("it happened after it was recorded".into());
    }
    None
}
