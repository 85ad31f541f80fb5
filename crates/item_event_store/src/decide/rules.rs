//! The rules of the bakery: what a command does, or why it is refused. The order of the checks in
//! each function is the order of precedence that [`Rejection`] documents.

use super::draft::Draft;
use crate::command::{
    Adjust, Command, Correct, CreateItem, EditItem, Expected, Record, SetInventory, SetKind,
};
use crate::ids::{ItemId, Position};
use crate::inventory::Count;
use crate::item::{Item, ItemAction};
use crate::limits::{MAX_CLOCK_SKEW_MICROS, MAX_QUANTITY};
use crate::reason::{Kind, Reason, Sign};
use crate::rejection::Rejection;
use crate::text::{Note, Reference, Sku};
use crate::time::Timestamp;

/// What an accepted command does.
pub(super) enum Effect {
    /// It is done, and there is nothing to record.
    Nothing(ItemId),
    /// One event.
    Event(NewEvent),
    /// The item is made or edited; made with stock, it has its initial event.
    Item { item: Item, action: ItemAction, initial: Option<Box<NewEvent>> },
}

/// An event before it has a position, a version and a balance.
pub(super) struct NewEvent {
    pub item_id: ItemId,
    pub quantity_change: i64,
    pub reason: Reason,
    pub kind: Option<Kind>,
    pub occurred_at: Option<Timestamp>,
    pub reference: Option<Reference>,
    pub note: Option<Note>,
    pub corrects_event_id: Option<Position>,
}

impl Draft<'_> {
    /// Judges a command on the counts as they are now. Changes nothing.
    pub(super) fn judge(&self, command: &Command) -> Result<Effect, Rejection> {
        match command {
            Command::CreateItem(create) => self.create_item(create),
            Command::EditItem(edit) => self.edit_item(edit),
            Command::Record(record) => self.record(record),
            Command::Adjust(adjust) => self.adjust(adjust),
            Command::SetInventory(set) => self.set_inventory(set),
            Command::Correct(correct) => self.correct(correct),
        }
    }

    fn create_item(&self, create: &CreateItem) -> Result<Effect, Rejection> {
        let quantity = create.initial_quantity;
        if quantity != 0 {
            check_form(quantity, Sign::In, Reason::Initial.as_str())?;
        }
        self.check_past(create.occurred_at)?;
        let id = self.book.next_item_id();
        self.check_sku_free(create.sku.as_ref(), id)?;
        let item = Item {
            id,
            name: create.name.clone(),
            sku: create.sku.clone(),
            unit: create.unit.clone().unwrap_or_else(|| "piece".parse().expect("a unit")),
            allow_negative: create.allow_negative,
            archived_at: None,
            created_at: self.base.now,
            updated_at: self.base.now,
            revision: 0,
        };
        let initial = (quantity != 0).then(|| {
            Box::new(NewEvent {
                item_id: id,
                quantity_change: quantity,
                reason: Reason::Initial,
                kind: None,
                occurred_at: create.occurred_at,
                reference: create.reference.clone(),
                note: create.note.clone(),
                corrects_event_id: None,
            })
        });
        Ok(Effect::Item { item, action: ItemAction::Created, initial })
    }

    fn edit_item(&self, edit: &EditItem) -> Result<Effect, Rejection> {
        let (before, count) =
            self.entry(edit.item_id).ok_or(Rejection::item_not_found(edit.item_id))?;
        if before.archived_at.is_some() && edit.archived != Some(false) {
            return Err(Rejection::ItemArchived { item_id: edit.item_id.0 });
        }
        check_version(edit.item_id, count, edit.expected_version)?;
        let mut item = before.clone();
        if let Some(name) = &edit.name {
            item.name = name.clone();
        }
        if let Some(sku) = &edit.sku {
            self.check_sku_free(sku.as_ref(), item.id)?;
            item.sku.clone_from(sku);
        }
        if let Some(unit) = &edit.unit {
            item.unit = unit.clone();
        }
        item.allow_negative = edit.allow_negative.unwrap_or(item.allow_negative);
        item.archived_at = match edit.archived {
            Some(true) => Some(self.base.now),
            Some(false) => None,
            None => item.archived_at,
        };
        if item == *before {
            return Ok(Effect::Nothing(item.id));
        }
        let action = match (before.archived_at, item.archived_at) {
            (None, Some(_)) => ItemAction::Archived,
            (Some(_), None) => ItemAction::Unarchived,
            _ => ItemAction::Edited,
        };
        item.updated_at = self.base.now;
        Ok(Effect::Item { item, action, initial: None })
    }

    fn record(&self, record: &Record) -> Result<Effect, Rejection> {
        let reason = record.movement.reason();
        check_form(record.quantity, Sign::In, reason.as_str())?;
        self.check_past(record.occurred_at)?;
        let (item, count) = self.open_item(record.item_id)?;
        check_version(item.id, count, record.expected_version)?;
        let quantity_change = match reason.sign() {
            Sign::Out => -record.quantity,
            Sign::In | Sign::Either => record.quantity,
        };
        check_balance(item, count, quantity_change)?;
        Ok(Effect::Event(NewEvent {
            item_id: item.id,
            quantity_change,
            reason,
            kind: None,
            occurred_at: record.occurred_at,
            reference: record.reference.clone(),
            note: record.note.clone(),
            corrects_event_id: None,
        }))
    }

    fn adjust(&self, adjust: &Adjust) -> Result<Effect, Rejection> {
        if adjust.kind.settles() || adjust.kind == Kind::Correction {
            return Err(Rejection::KindNotAllowed { kind: adjust.kind.to_string() });
        }
        check_form(adjust.quantity_change, adjust.kind.sign(), adjust.kind.as_str())?;
        self.check_past(adjust.occurred_at)?;
        let (item, count) = self.open_item(adjust.item_id)?;
        check_version(item.id, count, adjust.expected_version)?;
        check_balance(item, count, adjust.quantity_change)?;
        Ok(Effect::Event(NewEvent {
            item_id: item.id,
            quantity_change: adjust.quantity_change,
            reason: Reason::Adjustment,
            kind: Some(adjust.kind),
            occurred_at: adjust.occurred_at,
            reference: adjust.reference.clone(),
            note: adjust.note.clone(),
            corrects_event_id: None,
        }))
    }

    fn set_inventory(&self, set: &SetInventory) -> Result<Effect, Rejection> {
        if set.expected_quantity == Expected::Unstated {
            return Err(Rejection::ExpectedQuantityRequired {});
        }
        check_range(set.quantity, -MAX_QUANTITY)?;
        let (kind, counted_at) = match set.kind {
            SetKind::Override => (Kind::Override, None),
            SetKind::Count { counted_at } => (Kind::Count, counted_at),
        };
        self.check_past(counted_at)?;
        let (item, count) = self.open_item(set.item_id)?;
        check_version(item.id, count, set.expected_version)?;
        if let Expected::Exactly(expected) = set.expected_quantity
            && expected != count.quantity
        {
            return Err(Rejection::ExpectedQuantityStale {
                item_id: item.id.0,
                current_quantity: count.quantity,
                expected_quantity: expected,
            });
        }
        let mut balance_then = count.quantity;
        if let Some(at) = counted_at {
            if let Some(last) = self.last_count(item.id).filter(|last| at < last.at) {
                return Err(before_last_count(item.id, last.position));
            }
            balance_then -= self.changes_since(item.id, at);
        }
        let least = if item.allow_negative { -MAX_QUANTITY } else { 0 };
        check_range(set.quantity, least)?;
        let quantity_change = set.quantity - balance_then;
        if quantity_change == 0 && kind == Kind::Override {
            return Ok(Effect::Nothing(item.id));
        }
        check_balance(item, count, quantity_change)?;
        Ok(Effect::Event(NewEvent {
            item_id: item.id,
            quantity_change,
            reason: Reason::Adjustment,
            kind: Some(kind),
            occurred_at: counted_at,
            reference: set.reference.clone(),
            note: set.note.clone(),
            corrects_event_id: None,
        }))
    }

    fn correct(&self, correct: &Correct) -> Result<Effect, Rejection> {
        check_range(correct.quantity_change, -MAX_QUANTITY)?;
        let target = self
            .correctable(correct.position)
            .ok_or(Rejection::event_not_found(correct.position))?;
        let original = &target.event;
        let (item, count) = self.open_item(original.item_id)?;
        if let Some(kind) = original.kind.filter(|k| k.settles() || *k == Kind::Correction) {
            let position = correct.position.0;
            return Err(Rejection::NotCorrectable { position, kind: kind.to_string() });
        }
        if correct.quantity_change.signum() * original.quantity_change.signum() < 0 {
            let reason = original.kind.map_or(original.reason.as_str(), Kind::as_str);
            return Err(Rejection::InvalidSign {
                quantity: correct.quantity_change,
                reason: reason.to_owned(),
            });
        }
        if let Some(last) = self.last_count(item.id).filter(|last| original.id < last.position) {
            return Err(before_last_count(item.id, last.position));
        }
        let effective = original.quantity_change + target.corrected_by;
        let quantity_change = correct.quantity_change - effective;
        if quantity_change == 0 {
            return Ok(Effect::Nothing(item.id));
        }
        check_balance(item, count, quantity_change)?;
        Ok(Effect::Event(NewEvent {
            item_id: item.id,
            quantity_change,
            reason: Reason::Adjustment,
            kind: Some(Kind::Correction),
            occurred_at: Some(original.effective_at()),
            reference: original.reference.clone(),
            note: correct.note.clone(),
            corrects_event_id: Some(original.id),
        }))
    }

    fn open_item(&self, item_id: ItemId) -> Result<(&Item, Count), Rejection> {
        let (item, count) = self.entry(item_id).ok_or(Rejection::item_not_found(item_id))?;
        if item.archived_at.is_some() {
            return Err(Rejection::ItemArchived { item_id: item_id.0 });
        }
        Ok((item, count))
    }

    fn check_past(&self, occurred_at: Option<Timestamp>) -> Result<(), Rejection> {
        match occurred_at {
            Some(at) if at > self.base.now.plus_micros(MAX_CLOCK_SKEW_MICROS) => {
                Err(Rejection::OccurredInFuture {
                    occurred_at: at.to_string(),
                    now: self.base.now.to_string(),
                })
            }
            _ => Ok(()),
        }
    }

    fn check_sku_free(&self, sku: Option<&Sku>, item: ItemId) -> Result<(), Rejection> {
        let Some(sku) = sku else { return Ok(()) };
        match self.book.item_with_sku(sku) {
            Some(owner) if owner != item => {
                Err(Rejection::SkuTaken { sku: sku.to_string(), item_id: owner.0 })
            }
            _ => Ok(()),
        }
    }
}

/// A quantity as the caller wrote it: not zero, the right sign, within the range.
fn check_form(quantity: i64, sign: Sign, reason: &str) -> Result<(), Rejection> {
    if quantity == 0 {
        return Err(Rejection::ZeroQuantity {});
    }
    if !sign.admits(quantity) {
        return Err(Rejection::InvalidSign { quantity, reason: reason.to_owned() });
    }
    check_range(quantity, if sign == Sign::In { 1 } else { -MAX_QUANTITY })
}

fn check_range(quantity: i64, minimum: i64) -> Result<(), Rejection> {
    if (minimum..=MAX_QUANTITY).contains(&quantity) {
        Ok(())
    } else {
        Err(Rejection::out_of_range(quantity, minimum))
    }
}

fn check_version(item: ItemId, count: Count, expected: Option<i64>) -> Result<(), Rejection> {
    match expected {
        Some(expected_version) if expected_version != count.version => {
            Err(Rejection::VersionMismatch {
                item_id: item.0,
                current_version: count.version,
                expected_version,
            })
        }
        _ => Ok(()),
    }
}

/// The count that the change would make: not below zero unless the item says so, and within the
/// range. All terms are within ±2^33, so nothing can overflow.
fn check_balance(item: &Item, count: Count, quantity_change: i64) -> Result<(), Rejection> {
    let after = count.quantity + quantity_change;
    if quantity_change < 0 && after < 0 && !item.allow_negative {
        return Err(Rejection::InsufficientStock {
            item_id: item.id.0,
            available: count.quantity,
            requested: -quantity_change,
        });
    }
    check_range(after, -MAX_QUANTITY)?;
    check_range(quantity_change, -MAX_QUANTITY)
}

fn before_last_count(item: ItemId, last_count: Position) -> Rejection {
    Rejection::BeforeLastCount { item_id: item.0, last_count_event_id: last_count.0 }
}
