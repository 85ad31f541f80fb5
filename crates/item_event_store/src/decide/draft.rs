//! A batch in the making: requests are decided one after another on the book, and a rejected one
//! leaves the book as it found it.

use super::rules::{Effect, NewEvent};
use crate::book::{Book, Entry};
use crate::command::Request;
use crate::event::Event;
use crate::facts::{Correctable, Facts, LastCount};
use crate::ids::{ItemId, Position};
use crate::inventory::{Count, Inventory};
use crate::item::{Item, ItemAction, ItemChange};
use crate::reason::Kind;
use crate::rejection::Rejected;
use crate::text::Actor;
use crate::time::Timestamp;
use std::ops::Range;
use std::sync::Arc;

/// Where a batch begins.
#[derive(Clone, Copy, Debug)]
pub struct Base {
    /// The last position before it.
    pub position: Position,
    /// The last items revision before it.
    pub items_revision: i64,
    /// The time at which all of it is recorded; never before the ledger's last.
    pub now: Timestamp,
}

/// A batch in the making.
pub struct Draft<'a> {
    pub(super) book: &'a mut Book,
    pub(super) facts: &'a Facts,
    pub(super) base: Base,
    pub(super) events: Vec<Event>,
    item_changes: Vec<ItemChange>,
    undo: Undo,
}

/// How a book gets back to where a batch began.
#[derive(Debug, Default)]
pub struct Undo(Vec<Before>);

/// What a change of the book found there.
#[derive(Debug)]
enum Before {
    Count(ItemId, Count),
    Entry(ItemId, Option<Entry>),
}

/// What became of an accepted request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decided {
    /// Its events: indexes into [`Drafted::events`].
    pub events: Range<usize>,
    /// Its item changes: indexes into [`Drafted::item_changes`].
    pub item_changes: Range<usize>,
    /// Items whose count it touched without an event, with the event that the count rests on.
    pub unchanged: Vec<(ItemId, Option<Position>)>,
    /// Every item it touched, as it was right after the request, by id.
    pub inventory: Vec<Inventory>,
}

/// What a batch has to write.
#[derive(Debug)]
pub struct Drafted {
    /// New events, in position order.
    pub events: Vec<Event>,
    /// New changes of items, in revision order.
    pub item_changes: Vec<ItemChange>,
    /// The counts of every item that the batch touched, by id.
    pub inventory: Vec<Inventory>,
    /// For a batch that is not written after all.
    pub undo: Undo,
}

impl Undo {
    /// Takes the batch out of its book again.
    pub fn apply(mut self, book: &mut Book) {
        self.back_to(0, book);
    }

    fn back_to(&mut self, length: usize, book: &mut Book) {
        for before in self.0.drain(length..).rev() {
            match before {
                Before::Count(item, before) => book.put_count(item, before),
                Before::Entry(item, before) => book.restore(item, before),
            }
        }
    }
}

impl<'a> Draft<'a> {
    /// Begins a batch on a book that is true at `base`.
    #[must_use]
    pub fn new(book: &'a mut Book, facts: &'a Facts, base: Base) -> Self {
        Self { book, facts, base, events: vec![], item_changes: vec![], undo: Undo::default() }
    }

    /// Decides one request: all of its commands in order, each seeing the ones before it, or none.
    ///
    /// # Errors
    /// The first command that is rejected, and why.
    pub fn decide(&mut self, request: &Request, request_id: i64) -> Result<Decided, Rejected> {
        let (first_event, first_change) = (self.events.len(), self.item_changes.len());
        let mut unchanged = Vec::new();
        let undone = self.undo.0.len();
        self.events.reserve(request.commands.len());
        self.undo.0.reserve(request.commands.len());
        for (index, command) in request.commands.iter().enumerate() {
            match self.judge(command) {
                Ok(Effect::Nothing(item_id)) => {
                    let last = self.book.get(item_id).and_then(|entry| entry.count.last_event_id);
                    unchanged.push((item_id, last));
                }
                Ok(Effect::Event(event)) => self.append(event, &request.actor, request_id),
                Ok(Effect::Item { item, action, initial }) => {
                    let last = self.change_item(item, action, &request.actor);
                    match initial {
                        Some(event) => self.append(*event, &request.actor, request_id),
                        None => unchanged.push(last),
                    }
                }
                Err(rejection) => {
                    self.roll_back(first_event, first_change, undone);
                    return Err(Rejected { line: index + 1, rejection });
                }
            }
        }
        let events = first_event..self.events.len();
        let touched = self.events[events.clone()].iter().map(|event| event.item_id);
        let inventory = self.rows_of(touched.chain(unchanged.iter().map(|(item, _)| *item)));
        let item_changes = first_change..self.item_changes.len();
        Ok(Decided { events, item_changes, unchanged, inventory })
    }

    /// Ends the batch.
    #[must_use]
    pub fn finish(self) -> Drafted {
        let changed = self.item_changes.iter().map(|change| change.item.id);
        let touched = self.events.iter().map(|event| event.item_id);
        let inventory = self.rows_of(touched.chain(changed));
        let Self { events, item_changes, undo, .. } = self;
        Drafted { events, item_changes, inventory, undo }
    }

    fn rows_of(&self, items: impl Iterator<Item = ItemId>) -> Vec<Inventory> {
        let mut items: Vec<ItemId> = items.collect();
        items.sort_unstable();
        items.dedup();
        items.into_iter().filter_map(|id| self.book.get(id)).map(Entry::inventory).collect()
    }

    fn append(&mut self, new: NewEvent, actor: &Actor, request_id: i64) {
        let before = self.book.get(new.item_id).expect("a judged event has an item").count;
        self.undo.0.push(Before::Count(new.item_id, before));
        let event = Event {
            id: self.base.position.plus(self.events.len() + 1),
            item_id: new.item_id,
            version: before.version + 1,
            quantity_change: new.quantity_change,
            quantity_after: before.quantity + new.quantity_change,
            reason: new.reason,
            kind: new.kind,
            occurred_at: new.occurred_at,
            created_at: self.base.now,
            actor: Some(actor.clone()),
            reference: new.reference,
            note: new.note,
            corrects_event_id: new.corrects_event_id,
            request_id: Some(request_id),
        };
        self.book.apply(event.balance());
        self.events.push(event);
    }

    fn change_item(
        &mut self,
        mut item: Item,
        action: ItemAction,
        actor: &Actor,
    ) -> (ItemId, Option<Position>) {
        self.undo.0.push(Before::Entry(item.id, self.book.get(item.id).cloned()));
        let made = i64::try_from(self.item_changes.len()).expect("a batch is small") + 1;
        item.revision = self.base.items_revision + made;
        let position = self.base.position.plus(self.events.len());
        self.book.put_item(Arc::new(item.clone()));
        let last = self.book.get(item.id).and_then(|entry| entry.count.last_event_id);
        let id = item.id;
        self.item_changes.push(ItemChange {
            revision: item.revision,
            action,
            actor: Some(actor.clone()),
            position,
            item,
        });
        (id, last)
    }

    fn roll_back(&mut self, first_event: usize, first_change: usize, undone: usize) {
        self.events.truncate(first_event);
        self.item_changes.truncate(first_change);
        self.undo.back_to(undone, self.book);
    }

    /// The event at a position and what corrections made of it, this batch's among them.
    pub(super) fn correctable(&self, position: Position) -> Option<Correctable> {
        let mut found = match self.facts.correctable.get(&position) {
            Some(found) => found.clone(),
            None => {
                let index = position.0.checked_sub(self.base.position.0 + 1)?;
                let index = usize::try_from(index).ok()?;
                Correctable { event: self.events.get(index)?.clone(), corrected_by: 0 }
            }
        };
        let corrections = self.events.iter().filter(|e| e.corrects_event_id == Some(position));
        found.corrected_by += corrections.map(|event| event.quantity_change).sum::<i64>();
        Some(found)
    }

    /// The item's latest count or override, this batch's among them.
    pub(super) fn last_count(&self, item: ItemId) -> Option<LastCount> {
        let settles = |e: &&Event| e.item_id == item && e.kind.is_some_and(Kind::settles);
        match self.events.iter().rev().find(settles) {
            Some(event) => Some(LastCount { position: event.id, at: event.effective_at() }),
            None => self.facts.last_counts.get(&item).copied(),
        }
    }

    /// The sum of the item's changes that took effect after `at`, this batch's among them.
    pub(super) fn changes_since(&self, item: ItemId, at: Timestamp) -> i64 {
        let logged = self.facts.changes_since.get(&(item, at)).copied().unwrap_or(0);
        let later = self.events.iter().filter(|e| e.item_id == item && e.effective_at() > at);
        logged + later.map(|event| event.quantity_change).sum::<i64>()
    }

    /// The item and its count now.
    pub(super) fn entry(&self, item: ItemId) -> Option<(&Item, Count)> {
        self.book.get(item).map(|entry| (entry.item.as_ref(), entry.count))
    }
}
