//! The bench that the tables run on: reads a table, decides its requests, compares.

use crate::book::Book;
use crate::command::{
    Adjust, Command, Correct, CreateItem, EditItem, Expected, Movement, Record, Request,
    SetInventory, SetKind,
};
use crate::decide::{Base, Draft, Drafted};
use crate::event::Event;
use crate::facts::{Correctable, Facts, LastCount, Wanted};
use crate::ids::{ItemId, Position};
use crate::reason::Kind;
use crate::time::Timestamp;
use std::collections::{BTreeSet, HashMap};

/// Runs a table twice: a batch for each request, and as few batches as the clock allows.
pub(super) fn check(table: &str) {
    for batch_size in [1, usize::MAX] {
        let mut ledger = Bench::default();
        let mut waiting: Vec<(&str, Request)> = Vec::new();
        for line in table.lines() {
            let (left, expected) = line.split_once("->").expect("a line has an arrow");
            if let Some(time) = left.trim().strip_prefix("now ") {
                ledger.run(&std::mem::take(&mut waiting));
                ledger.now = clock(time.trim());
                continue;
            }
            waiting.push((expected.trim(), request(left)));
            if waiting.len() >= batch_size {
                ledger.run(&std::mem::take(&mut waiting));
            }
        }
        ledger.run(&waiting);
    }
}

/// Commands parted by `;`.
pub(super) fn request(text: &str) -> Request {
    let key = format!("line-{}", text.len()).parse().expect("a key");
    let actor = "anna".parse().expect("an actor");
    Request { key, actor, commands: text.split(';').map(command).collect() }
}

/// A ledger without a store: the log is a vector, and facts are found by reading all of it.
struct Bench {
    book: Book,
    log: Vec<Event>,
    items_revision: i64,
    now: Timestamp,
}

impl Default for Bench {
    fn default() -> Self {
        Self { book: Book::default(), log: vec![], items_revision: 0, now: clock("00:00") }
    }
}

impl Bench {
    fn run(&mut self, requests: &[(&str, Request)]) {
        let facts = self.facts(requests);
        let before = self.book.clone();
        let position = Position::START.plus(self.log.len());
        let base = Base { position, items_revision: self.items_revision, now: self.now };
        let mut draft = Draft::new(&mut self.book, &facts, base);
        for (expected, request) in requests {
            let outcome = match draft.decide(request, 1) {
                Ok(decided) if decided.events.is_empty() => "nothing".to_owned(),
                Ok(decided) => {
                    draft.events[decided.events].iter().map(say).collect::<Vec<_>>().join(", ")
                }
                Err(rejected) => format!("{}:{}", rejected.line, rejected.rejection.code()),
            };
            assert_eq!(outcome, *expected, "{:?}", request.commands);
        }
        let drafted = draft.finish();
        self.hold(&before, &drafted);
        let mut taken_back = self.book.clone();
        drafted.undo.apply(&mut taken_back);
        assert_eq!(taken_back, before, "a batch that is not written leaves no trace");
        self.items_revision += i64::try_from(drafted.item_changes.len()).expect("few");
        self.log.extend(drafted.events);
    }

    /// What is written makes the same book, and says of every item that was touched what it is.
    fn hold(&self, before: &Book, drafted: &Drafted) {
        let mut replayed = before.clone();
        drafted.item_changes.iter().for_each(|change| replayed.apply_item_change(change));
        drafted.events.iter().for_each(|event| replayed.apply(event.balance()));
        assert_eq!(replayed, self.book);
        let changed = drafted.item_changes.iter().map(|change| change.item.id);
        let touched: BTreeSet<_> =
            drafted.events.iter().map(|event| event.item_id).chain(changed).collect();
        let written = Book::load(drafted.inventory.iter().cloned());
        assert_eq!(drafted.inventory.len(), touched.len());
        for item in touched {
            assert_eq!(written.get(item), self.book.get(item));
        }
    }

    fn facts(&self, requests: &[(&str, Request)]) -> Facts {
        let wanted = Wanted::by(requests.iter().map(|(_, request)| request));
        let mut facts = Facts::default();
        for event in &self.log {
            if event.kind.is_some_and(Kind::settles) {
                let last = LastCount { position: event.id, at: event.effective_at() };
                facts.last_counts.insert(event.item_id, last);
            }
        }
        for position in wanted.corrected {
            let corrections = self.log.iter().filter(|e| e.corrects_event_id == Some(position));
            let corrected_by = corrections.map(|event| event.quantity_change).sum();
            if let Some(event) = self.log.iter().find(|event| event.id == position).cloned() {
                facts.correctable.insert(position, Correctable { event, corrected_by });
            }
        }
        for (item, at) in wanted.counted {
            let later = self.log.iter().filter(|e| e.item_id == item && e.effective_at() > at);
            facts.changes_since.insert((item, at), later.map(|e| e.quantity_change).sum());
        }
        facts
    }
}

fn say(event: &Event) -> String {
    let kind = event.kind.map(|kind| format!("/{kind}")).unwrap_or_default();
    format!("{}{kind} {:+} = {}", event.reason, event.quantity_change, event.quantity_after)
}

pub(super) fn clock(hour_minute: &str) -> Timestamp {
    format!("2026-11-23T{hour_minute}:00Z").parse().expect("a time of day")
}

fn command(text: &str) -> Command {
    let mut words = text.split_whitespace();
    let verb = words.next().expect("a verb");
    let (named, plain): (Vec<&str>, Vec<&str>) = words.partition(|word| word.contains('='));
    let named: HashMap<&str, &str> =
        named.into_iter().map(|word| word.split_once('=').expect("a name")).collect();
    let number = |index: usize| plain[index].parse::<i64>().expect("a number");
    let time = |name: &str| named.get(name).map(|text| clock(text));
    let expected_version = named.get("v").map(|text| text.parse().expect("a version"));
    let item_id = ItemId(plain.first().and_then(|word| word.parse().ok()).unwrap_or(0));
    let (occurred_at, reference, note) = (time("at"), None, None);
    let record = |movement| {
        let quantity = number(1);
        Command::Record(Record {
            item_id,
            movement,
            quantity,
            occurred_at,
            reference: None,
            note: None,
            expected_version,
        })
    };
    let set = |kind| {
        let expected_quantity = match named["expect"] {
            "unstated" => Expected::Unstated,
            "any" => Expected::Any,
            quantity => Expected::Exactly(quantity.parse().expect("a quantity")),
        };
        let quantity = number(1);
        Command::SetInventory(SetInventory {
            item_id,
            kind,
            quantity,
            expected_quantity,
            reference: None,
            note: None,
            expected_version,
        })
    };
    match verb {
        "create" | "edit" => item_command(verb, &plain, &named),
        "batch" => record(Movement::Batch),
        "bakeoff" => record(Movement::Bakeoff),
        "special_order" => record(Movement::SpecialOrder),
        "adjust" => Command::Adjust(Adjust {
            item_id,
            kind: plain[1].parse().expect("a kind"),
            quantity_change: number(2),
            occurred_at,
            reference,
            note,
            expected_version,
        }),
        "override" => set(SetKind::Override),
        "count" => set(SetKind::Count { counted_at: time("counted") }),
        "correct" => Command::Correct(Correct {
            position: Position(item_id.0),
            quantity_change: number(1),
            note,
        }),
        other => panic!("unknown verb {other}"),
    }
}

fn item_command(verb: &str, plain: &[&str], named: &HashMap<&str, &str>) -> Command {
    if verb == "create" {
        return Command::CreateItem(CreateItem {
            name: plain[0].parse().expect("a name"),
            sku: named.get("sku").map(|sku| sku.parse().expect("a sku")),
            unit: None,
            initial_quantity: plain.get(1).map_or(0, |word| word.parse().expect("a number")),
            allow_negative: plain.get(2) == Some(&"negative"),
            occurred_at: named.get("at").map(|text| clock(text)),
            reference: None,
            note: None,
        });
    }
    Command::EditItem(EditItem {
        item_id: ItemId(plain[0].parse().expect("an item")),
        name: named.get("name").map(|name| name.parse().expect("a name")),
        sku: named.get("sku").map(|sku| sku.parse().ok()),
        unit: None,
        allow_negative: (plain.get(1) == Some(&"strict")).then_some(false),
        archived: match plain.get(1) {
            Some(&"archive") => Some(true),
            Some(&"back") => Some(false),
            _ => None,
        },
        expected_version: None,
    })
}
