//! Random requests: what the bakers and managers of a busy bakery send, and what they should not.

use crate::call::Call;
use crate::history::Answer;
use crate::random::Random;
use item_event_store::command::{
    Adjust, Command, Correct, CreateItem, EditItem, Expected, Movement, Record, SetInventory,
    SetKind,
};
use item_event_store::ids::{ItemId, Position};
use item_event_store::limits::MAX_QUANTITY;
use item_event_store::reason::Kind;
use item_event_store::text::Actor;
use item_event_store::time::Timestamp;
use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, PoisonError};

/// The most items that a run makes: few, so that commands meet.
const MAX_ITEMS: i64 = 12;

/// What the clients have seen of the ledger; it steers what they ask for, and need not be exact.
#[derive(Debug, Default)]
pub struct Seen {
    items: AtomicI64,
    position: AtomicI64,
    /// By item.
    versions: Mutex<HashMap<i64, i64>>,
}

impl Seen {
    fn position(&self, position: i64) {
        self.position.fetch_max(position, Ordering::Relaxed);
    }

    fn item(&self, item: i64) {
        self.items.fetch_max(item, Ordering::Relaxed);
    }

    /// Remembers what an answer tells of the ledger.
    pub fn note(&self, answer: &Answer) {
        let Answer::Reply { body, .. } = answer else { return };
        self.position(body["position"].as_i64().unwrap_or(0));
        let mut versions = self.versions.lock().unwrap_or_else(PoisonError::into_inner);
        for count in body["inventory"].as_array().into_iter().flatten() {
            let item = count["item_id"].as_i64().unwrap_or(0);
            self.item(item);
            versions.insert(item, count["version"].as_i64().unwrap_or(0));
        }
    }

    /// The item's, when it was last told.
    fn version(&self, item: ItemId) -> Option<i64> {
        self.versions.lock().unwrap_or_else(PoisonError::into_inner).get(&item.0).copied()
    }

    pub fn items(&self) -> i64 {
        self.items.load(Ordering::Relaxed)
    }
}

/// Draws requests for one client.
pub struct Generator<'a> {
    pub random: Random,
    pub seen: &'a Seen,
    pub now: Timestamp,
}

impl Generator<'_> {
    /// A request with this key.
    pub fn call(&mut self, key: &str, actor: &Actor) -> Call {
        let commands = if self.random.one_in(5) { self.random.number(1, 5) } else { 1 };
        let commands: Vec<_> = (0..commands).map(|_| self.command()).collect();
        let bulk = commands.len() > 1 || self.random.one_in(4);
        Call { key: key.parse().expect("a key"), actor: actor.clone(), commands, bulk }
    }

    fn command(&mut self) -> Command {
        let items = self.seen.items();
        if items == 0 {
            return self.create();
        }
        // One beyond the last: an item that does not exist.
        let beyond = i64::from(self.random.one_in(30));
        let item_id = ItemId(self.random.number(1, items + beyond));
        let expected_version =
            if self.random.one_in(20) { Some(self.version(item_id)) } else { None };
        let occurred_at = self.time();
        match self.random.below(24) {
            0 if items < MAX_ITEMS => self.create(),
            0 | 1 => self.edit(item_id, expected_version),
            2..=13 => Command::Record(Record {
                item_id,
                movement: *self.random.pick(&[
                    Movement::Batch,
                    Movement::Batch,
                    Movement::Bakeoff,
                    Movement::SpecialOrder,
                ]),
                quantity: self.quantity(),
                occurred_at,
                reference: self.text("order").parse().ok(),
                note: self.text("a note of the baker").parse().ok(),
                expected_version,
            }),
            14..=16 => self.adjust(item_id, expected_version, occurred_at),
            17..=20 => self.set(item_id, expected_version),
            _ => self.correct(),
        }
    }

    /// As likely the one that was told last as any other.
    fn version(&mut self, item: ItemId) -> i64 {
        let any = self.random.number(0, 40);
        let told = if self.random.one_in(2) { self.seen.version(item) } else { None };
        told.unwrap_or(any)
    }

    fn create(&mut self) -> Command {
        let quantity = self.quantity();
        Command::CreateItem(CreateItem {
            name: format!("Item {}", self.random.below(1_000)).parse().expect("a name"),
            sku: if self.random.one_in(2) { self.sku() } else { None },
            unit: if self.random.one_in(3) { "tray".parse().ok() } else { None },
            initial_quantity: if self.random.one_in(3) { 0 } else { quantity },
            allow_negative: self.random.one_in(4),
            occurred_at: self.time(),
            reference: None,
            note: None,
        })
    }

    fn edit(&mut self, item_id: ItemId, expected_version: Option<i64>) -> Command {
        Command::EditItem(EditItem {
            item_id,
            name: if self.random.one_in(2) { "Edited".parse().ok() } else { None },
            sku: if self.random.one_in(3) { Some(self.sku()) } else { None },
            unit: None,
            allow_negative: if self.random.one_in(4) { Some(self.random.one_in(2)) } else { None },
            // Brought back more often than archived, so that work goes on.
            archived: if self.random.one_in(2) { Some(self.random.one_in(4)) } else { None },
            expected_version,
        })
    }

    fn adjust(
        &mut self,
        item_id: ItemId,
        expected_version: Option<i64>,
        occurred_at: Option<Timestamp>,
    ) -> Command {
        let quantity = self.quantity();
        let kind = *self.random.pick(&Kind::ALL);
        let out = matches!(kind, Kind::Waste | Kind::Damage | Kind::Expired | Kind::Sample);
        let turned = out != self.random.one_in(6);
        Command::Adjust(Adjust {
            item_id,
            kind,
            quantity_change: if turned { -quantity } else { quantity },
            occurred_at,
            reference: None,
            note: self.text("why").parse().ok(),
            expected_version,
        })
    }

    fn set(&mut self, item_id: ItemId, expected_version: Option<i64>) -> Command {
        Command::SetInventory(SetInventory {
            item_id,
            kind: if self.random.one_in(3) {
                SetKind::Override
            } else {
                SetKind::Count { counted_at: self.time() }
            },
            quantity: self.quantity(),
            expected_quantity: match self.random.below(10) {
                0 => Expected::Unstated,
                1..=3 => Expected::Exactly(self.random.number(0, 40)),
                _ => Expected::Any,
            },
            reference: None,
            note: None,
            expected_version,
        })
    }

    fn correct(&mut self) -> Command {
        let last = self.seen.position.load(Ordering::Relaxed);
        let position = Position(self.random.number((last - 10).max(0), last + 1));
        let quantity = self.quantity();
        let quantity_change = if self.random.one_in(2) { quantity } else { -quantity };
        Command::Correct(Correct { position, quantity_change, note: None })
    }

    fn quantity(&mut self) -> i64 {
        match self.random.below(60) {
            0 => 0,
            1 => self.random.number(-5, -1),
            2 => MAX_QUANTITY + self.random.number(-1, 1),
            _ => self.random.number(1, 30),
        }
    }

    /// Far from the edge of what may be in the future: the server's clock is not ours.
    fn time(&mut self) -> Option<Timestamp> {
        match self.random.below(8) {
            0 => Some(self.now.plus_micros(self.random.number(-7_200, 0) * 1_000_000)),
            1 if self.random.one_in(4) => Some(self.now.plus_micros(7_200_000_000)),
            _ => None,
        }
    }

    fn sku(&mut self) -> Option<item_event_store::text::Sku> {
        format!("S{}", self.random.below(8)).parse().ok()
    }

    /// Empty, and so no text at all, most of the time.
    fn text(&mut self, what: &str) -> String {
        match self.random.below(6) {
            0 => format!("{what} {}", self.random.below(100)),
            1 if self.random.one_in(10) => {
                "'; DROP TABLE items; -- \u{201c}Brötchen\u{201d}".into()
            }
            _ => String::new(),
        }
    }
}
