//! The rules written down once more, plainly and without the product's help: what each request
//! must have become, given the ones before it. Fed with the requests in the order in which the
//! ledger says that it decided them, it says what must stand in the log and in every answer.

mod rules;

use item_event_store::command::Request;
use item_event_store::event::Event;
use item_event_store::ids::{ItemId, Position};
use item_event_store::reason::{Kind, Reason};
use item_event_store::rejection::Rejected;
use item_event_store::text::Actor;
use item_event_store::time::Timestamp;
use serde_json::{Value, json};
use std::collections::{BTreeSet, HashMap};

/// An item and its count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    pub name: String,
    pub sku: Option<String>,
    pub unit: String,
    pub allow_negative: bool,
    pub archived: bool,
    pub quantity: i64,
    pub version: i64,
    pub last_event: Option<i64>,
    /// The latest count or override, and when it took effect.
    last_count: Option<(i64, Timestamp)>,
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    Recorded {
        /// The head position right after it.
        position: i64,
        events: Vec<Event>,
        /// The items it touched as they were right after it, by id.
        touched: Vec<(i64, Item)>,
    },
    Rejected(Rejected),
}

/// A ledger, as the rules make it.
#[derive(Clone, Debug, Default)]
pub struct Model {
    pub items: Vec<Item>,
    pub log: Vec<Event>,
    of_item: Vec<Vec<usize>>,
    corrected_by: HashMap<i64, i64>,
    /// The number of changes of items.
    pub revision: i64,
}

/// What a request changes as it is tried; taken back if one of its commands is rejected.
struct Trial<'a> {
    model: &'a mut Model,
    actor: Actor,
    request_id: i64,
    now: Timestamp,
    before: Vec<(usize, Option<Item>)>,
    log_before: usize,
    revision_before: i64,
    touched: BTreeSet<usize>,
}

/// An event to be.
struct New {
    item: usize,
    change: i64,
    why: (Reason, Option<Kind>),
    occurred: Option<Timestamp>,
    reference: Option<item_event_store::text::Reference>,
    note: Option<item_event_store::text::Note>,
    corrects: Option<i64>,
}

impl Model {
    /// Decides a request that was decided at `now`.
    pub fn decide(&mut self, request: &Request, request_id: i64, now: Timestamp) -> Verdict {
        let now = self.log.last().map_or(now, |event| event.created_at.max(now));
        let mut trial = Trial {
            actor: request.actor.clone(),
            request_id,
            now,
            before: Vec::new(),
            log_before: self.log.len(),
            revision_before: self.revision,
            touched: BTreeSet::new(),
            model: self,
        };
        for (command, line) in request.commands.iter().zip(1..) {
            if let Err(rejection) = trial.command(command) {
                trial.take_back();
                return Verdict::Rejected(Rejected { line, rejection });
            }
        }
        let touched = trial.touched.iter().map(|item| (number(*item), trial.item(*item).clone()));
        let touched = touched.collect();
        let events = trial.model.log[trial.log_before..].to_vec();
        Verdict::Recorded { position: trial.model.head(), events, touched }
    }

    /// The last position.
    pub fn head(&self) -> i64 {
        i64::try_from(self.log.len()).expect("a log in memory")
    }

    /// The quantity and version of an item right after a position.
    pub fn count_at(&self, item: i64, position: i64) -> Option<(i64, i64)> {
        let of_item = self.of_item.get(usize::try_from(item - 1).ok()?)?;
        let upto = of_item.partition_point(|index| self.log[*index].id.0 <= position);
        let last = upto.checked_sub(1).map(|last| &self.log[of_item[last]]);
        Some(last.map_or((0, 0), |event| (event.quantity_after, event.version)))
    }
}

/// The number of the item at an index.
fn number(index: usize) -> i64 {
    i64::try_from(index).expect("few items") + 1
}

impl Trial<'_> {
    fn item(&self, item: usize) -> &Item {
        &self.model.items[item]
    }

    fn change_item(&mut self, item: usize) -> &mut Item {
        self.before.push((item, Some(self.model.items[item].clone())));
        &mut self.model.items[item]
    }

    fn add_item(&mut self, item: Item) -> usize {
        let index = self.model.items.len();
        self.before.push((index, None));
        self.model.items.push(item);
        self.model.of_item.push(Vec::new());
        index
    }

    fn append(&mut self, new: New) {
        let New { item, change, why: (reason, kind), occurred, reference, note, corrects } = new;
        let id = self.model.head() + 1;
        let (actor, request_id, now) = (self.actor.clone(), self.request_id, self.now);
        let count = self.change_item(item);
        count.quantity += change;
        count.version += 1;
        count.last_event = Some(id);
        if matches!(kind, Some(Kind::Count | Kind::Override)) {
            count.last_count = Some((id, occurred.unwrap_or(now)));
        }
        let event = Event {
            id: Position(id),
            item_id: ItemId(number(item)),
            version: count.version,
            quantity_change: change,
            quantity_after: count.quantity,
            reason,
            kind,
            occurred_at: occurred,
            created_at: now,
            actor: Some(actor),
            reference,
            note,
            corrects_event_id: corrects.map(Position),
            request_id: Some(request_id),
        };
        if let Some(corrected) = corrects {
            *self.model.corrected_by.entry(corrected).or_default() += change;
        }
        self.model.of_item[item].push(self.model.log.len());
        self.model.log.push(event);
        self.touched.insert(item);
    }

    /// The sum of an item's changes that took effect after a time.
    fn changes_after(&self, item: usize, at: Timestamp) -> i64 {
        let events = self.model.of_item[item].iter().map(|index| &self.model.log[*index]);
        let later = events.filter(|e| e.occurred_at.unwrap_or(e.created_at) > at);
        later.map(|event| event.quantity_change).sum()
    }

    fn take_back(&mut self) {
        while self.model.log.len() > self.log_before {
            let event = self.model.log.pop().expect("longer than before");
            let item = usize::try_from(event.item_id.0 - 1).expect("an item");
            self.model.of_item[item].pop();
            if let Some(corrected) = event.corrects_event_id {
                *self.model.corrected_by.entry(corrected.0).or_default() -= event.quantity_change;
            }
        }
        self.model.revision = self.revision_before;
        while let Some((index, before)) = self.before.pop() {
            match before {
                Some(item) => self.model.items[index] = item,
                None => {
                    self.model.items.pop();
                    self.model.of_item.pop();
                }
            }
        }
    }
}

impl Verdict {
    /// What the answer to the request must contain; `bulk` answers say which command it was.
    pub fn reply(&self, bulk: bool) -> Value {
        match self {
            Self::Recorded { position, events, touched } => {
                let range = events.first().zip(events.last());
                let range = range.map(|(a, b)| json!({ "first": a.id.0, "last": b.id.0 }));
                let events: Vec<_> = events.iter().map(event_json).collect();
                let counts: Vec<_> =
                    touched.iter().map(|(id, item)| count_json(*id, item)).collect();
                json!({ "position": position, "range": range, "events": events,
                    "inventory": counts })
            }
            Self::Rejected(Rejected { line, rejection }) => {
                let mut said = serde_json::to_value(rejection).expect("JSON");
                if bulk {
                    said["line"] = json!(line);
                }
                said
            }
        }
    }
}

/// An event as the service shows it.
pub fn event_json(event: &Event) -> Value {
    json!({
        "id": event.id.0, "item_id": event.item_id.0, "version": event.version,
        "quantity_change": event.quantity_change, "quantity_after": event.quantity_after,
        "reason": event.reason.as_str(), "kind": event.kind.map(Kind::as_str),
        "occurred_at": event.occurred_at.map(|at| at.to_string()),
        "created_at": event.created_at.to_string(),
        "actor": event.actor.as_ref().map(ToString::to_string),
        "reference": event.reference.as_ref().map(ToString::to_string),
        "note": event.note.as_ref().map(ToString::to_string),
        "corrects_event_id": event.corrects_event_id.map(|position| position.0),
    })
}

fn count_json(id: i64, item: &Item) -> Value {
    json!({ "item_id": id, "name": item.name, "sku": item.sku, "unit": item.unit,
        "quantity": item.quantity, "version": item.version, "last_event_id": item.last_event })
}
