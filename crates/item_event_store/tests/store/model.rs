//! A second opinion: the rules written down once more, as plainly as can be. Every answer is worked
//! out anew from the whole list of events, with no caches, no batches and no positions kept.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "the model's numbers are small, and casts keep it plain"
)]

use crate::backend::{TestLedger, at};
use futures_util::future::join_all;
use item_event_store::access::Role;
use item_event_store::command::{
    Adjust, Command, Correct, CreateItem, EditItem, Expected, Movement, Record, Request,
    SetInventory, SetKind,
};
use item_event_store::ids::{ItemId, Position};
use item_event_store::reason::{Kind, Reason};
use item_event_store::rejection::{Rejected, Rejection};
use item_event_store::request::Answer;
use item_event_store::time::Timestamp;

const LIMIT: i64 = 2_000_000_000;
const SKEW: i64 = 300_000_000;

#[derive(Clone)]
struct ModelItem {
    name: String,
    sku: Option<String>,
    negative: bool,
    archived: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ModelEvent {
    item: usize,
    change: i64,
    after: i64,
    reason: Reason,
    kind: Option<Kind>,
    occurred: Option<Timestamp>,
    created: Timestamp,
    corrects: Option<usize>,
}

#[derive(Default)]
pub struct Model {
    items: Vec<ModelItem>,
    log: Vec<ModelEvent>,
    now: Option<Timestamp>,
}

impl Model {
    fn request(&mut self, request: &Request, now: Timestamp) -> Result<Vec<ModelEvent>, Rejected> {
        let last = self.log.last().map_or(Timestamp::MIN, |event| event.created);
        self.now = Some(now.max(last));
        let (items, length) = (self.items.clone(), self.log.len());
        for (index, command) in request.commands.iter().enumerate() {
            if let Err(rejection) = self.command(command) {
                self.items = items;
                self.log.truncate(length);
                return Err(Rejected { line: index + 1, rejection });
            }
        }
        Ok(self.log[length..].to_vec())
    }

    fn quantity(&self, item: usize) -> i64 {
        self.log.iter().filter(|e| e.item == item).map(|e| e.change).sum()
    }

    fn last_count(&self, item: usize) -> Option<(usize, &ModelEvent)> {
        let settles = |e: &ModelEvent| matches!(e.kind, Some(Kind::Count | Kind::Override));
        self.log.iter().enumerate().rfind(|(_, e)| e.item == item && settles(e))
    }

    fn open_item(&self, id: ItemId, version: Option<i64>) -> Result<usize, Rejection> {
        let item = usize::try_from(id.0).unwrap_or(0);
        let Some(found) = item.checked_sub(1).and_then(|index| self.items.get(index)) else {
            return Err(Rejection::ItemNotFound { item_id: id.0 });
        };
        if found.archived {
            return Err(Rejection::ItemArchived { item_id: id.0 });
        }
        self.check_version(item, version)?;
        Ok(item)
    }

    fn check_version(&self, item: usize, expected: Option<i64>) -> Result<(), Rejection> {
        let current_version = self.log.iter().filter(|e| e.item == item).count() as i64;
        match expected {
            Some(expected_version) if expected_version != current_version => {
                Err(Rejection::VersionMismatch {
                    item_id: item as i64,
                    current_version,
                    expected_version,
                })
            }
            _ => Ok(()),
        }
    }

    fn in_past(&self, time: Option<Timestamp>) -> Result<(), Rejection> {
        let now = self.now.expect("a time");
        match time {
            Some(time) if time.micros() - now.micros() > SKEW => {
                let (occurred_at, now) = (time.to_string(), now.to_string());
                Err(Rejection::OccurredInFuture { occurred_at, now })
            }
            _ => Ok(()),
        }
    }

    fn sku_free(&self, sku: Option<&str>, item: usize) -> Result<(), Rejection> {
        let Some(sku) = sku else { return Ok(()) };
        let owner = self.items.iter().position(|other| other.sku.as_deref() == Some(sku));
        match owner.map(|index| index + 1) {
            Some(owner) if owner != item => {
                Err(Rejection::SkuTaken { sku: sku.to_owned(), item_id: owner as i64 })
            }
            _ => Ok(()),
        }
    }

    fn push(
        &mut self,
        item: usize,
        change: i64,
        (reason, kind): (Reason, Option<Kind>),
        occurred: Option<Timestamp>,
        corrects: Option<usize>,
    ) -> Result<(), Rejection> {
        let available = self.quantity(item);
        let after = available + change;
        let item_id = item as i64;
        if change < 0 && after < 0 && !self.items[item - 1].negative {
            return Err(Rejection::InsufficientStock { item_id, available, requested: -change });
        }
        for quantity in [after, change] {
            in_range(quantity, -LIMIT)?;
        }
        let created = self.now.expect("a time");
        self.log.push(ModelEvent {
            item,
            change,
            after,
            reason,
            kind,
            occurred,
            created,
            corrects,
        });
        Ok(())
    }

    fn command(&mut self, command: &Command) -> Result<(), Rejection> {
        match command {
            Command::CreateItem(c) => {
                if c.initial_quantity != 0 {
                    positive(c.initial_quantity, "initial")?;
                }
                self.in_past(c.occurred_at)?;
                let sku = c.sku.as_ref().map(ToString::to_string);
                self.sku_free(sku.as_deref(), self.items.len() + 1)?;
                let (name, negative) = (c.name.to_string(), c.allow_negative);
                self.items.push(ModelItem { name, sku, negative, archived: false });
                if c.initial_quantity != 0 {
                    let why = (Reason::Initial, None);
                    self.push(self.items.len(), c.initial_quantity, why, c.occurred_at, None)?;
                }
                Ok(())
            }
            Command::EditItem(c) => self.edit(c),
            Command::Record(c) => {
                let reason = c.movement.reason();
                positive(c.quantity, reason.as_str())?;
                self.in_past(c.occurred_at)?;
                let item = self.open_item(c.item_id, c.expected_version)?;
                let out = c.movement != Movement::Batch;
                let change = if out { -c.quantity } else { c.quantity };
                self.push(item, change, (reason, None), c.occurred_at, None)
            }
            Command::Adjust(c) => self.adjust(c),
            Command::SetInventory(c) => self.set(c),
            Command::Correct(c) => self.correct(c),
        }
    }

    fn edit(&mut self, c: &EditItem) -> Result<(), Rejection> {
        let index = usize::try_from(c.item_id.0 - 1).unwrap_or(usize::MAX);
        let Some(mut item) = self.items.get(index).cloned() else {
            return Err(Rejection::ItemNotFound { item_id: c.item_id.0 });
        };
        if item.archived && c.archived != Some(false) {
            return Err(Rejection::ItemArchived { item_id: c.item_id.0 });
        }
        self.check_version(index + 1, c.expected_version)?;
        if let Some(sku) = &c.sku {
            let sku = sku.as_ref().map(ToString::to_string);
            self.sku_free(sku.as_deref(), index + 1)?;
            item.sku = sku;
        }
        item.name = c.name.as_ref().map_or(item.name, ToString::to_string);
        item.negative = c.allow_negative.unwrap_or(item.negative);
        item.archived = c.archived.unwrap_or(item.archived);
        self.items[index] = item;
        Ok(())
    }

    fn adjust(&mut self, c: &Adjust) -> Result<(), Rejection> {
        let kind = c.kind;
        if matches!(kind, Kind::Override | Kind::Count | Kind::Correction) {
            return Err(Rejection::KindNotAllowed { kind: kind.to_string() });
        }
        let quantity = c.quantity_change;
        if quantity == 0 {
            return Err(Rejection::ZeroQuantity {});
        }
        let wrong = match kind {
            Kind::Waste | Kind::Damage | Kind::Expired | Kind::Sample => quantity > 0,
            Kind::Return => quantity < 0,
            _ => false,
        };
        if wrong {
            return Err(Rejection::InvalidSign { quantity, reason: kind.to_string() });
        }
        in_range(quantity, if kind == Kind::Return { 1 } else { -LIMIT })?;
        self.in_past(c.occurred_at)?;
        let item = self.open_item(c.item_id, c.expected_version)?;
        self.push(item, quantity, (Reason::Adjustment, Some(kind)), c.occurred_at, None)
    }

    fn set(&mut self, c: &SetInventory) -> Result<(), Rejection> {
        if c.expected_quantity == Expected::Unstated {
            return Err(Rejection::ExpectedQuantityRequired {});
        }
        in_range(c.quantity, -LIMIT)?;
        let (kind, counted) = match c.kind {
            SetKind::Override => (Kind::Override, None),
            SetKind::Count { counted_at } => (Kind::Count, counted_at),
        };
        self.in_past(counted)?;
        let item = self.open_item(c.item_id, c.expected_version)?;
        let (item_id, current_quantity) = (item as i64, self.quantity(item));
        if let Expected::Exactly(expected_quantity) = c.expected_quantity
            && expected_quantity != current_quantity
        {
            return Err(Rejection::ExpectedQuantityStale {
                item_id,
                current_quantity,
                expected_quantity,
            });
        }
        let mut book = current_quantity;
        if let Some(time) = counted {
            if let Some((last, event)) = self.last_count(item)
                && time < event.occurred.unwrap_or(event.created)
            {
                let last_count_event_id = last as i64 + 1;
                return Err(Rejection::BeforeLastCount { item_id, last_count_event_id });
            }
            let effective = |e: &&ModelEvent| e.occurred.unwrap_or(e.created) > time;
            let of_item = self.log.iter().filter(|e| e.item == item);
            book -= of_item.filter(effective).map(|e| e.change).sum::<i64>();
        }
        in_range(c.quantity, if self.items[item - 1].negative { -LIMIT } else { 0 })?;
        let change = c.quantity - book;
        if change == 0 && kind == Kind::Override {
            return Ok(());
        }
        self.push(item, change, (Reason::Adjustment, Some(kind)), counted, None)
    }

    fn correct(&mut self, c: &Correct) -> Result<(), Rejection> {
        in_range(c.quantity_change, -LIMIT)?;
        let position = c.position.0;
        let index = usize::try_from(position - 1).unwrap_or(usize::MAX);
        let Some(original) = self.log.get(index).cloned() else {
            return Err(Rejection::EventNotFound { position });
        };
        let item = self.open_item(ItemId(original.item as i64), None)?;
        if let Some(kind @ (Kind::Count | Kind::Override | Kind::Correction)) = original.kind {
            return Err(Rejection::NotCorrectable { position, kind: kind.to_string() });
        }
        let turns = c.quantity_change > 0 && original.change < 0
            || c.quantity_change < 0 && original.change > 0;
        if turns {
            let reason = original.kind.map_or(original.reason.to_string(), |k| k.to_string());
            return Err(Rejection::InvalidSign { quantity: c.quantity_change, reason });
        }
        if let Some((last, _)) = self.last_count(item).filter(|(last, _)| *last > index) {
            let (item_id, last_count_event_id) = (item as i64, last as i64 + 1);
            return Err(Rejection::BeforeLastCount { item_id, last_count_event_id });
        }
        let corrections = self.log.iter().filter(|e| e.corrects == Some(index));
        let effective = original.change + corrections.map(|e| e.change).sum::<i64>();
        if c.quantity_change == effective {
            return Ok(());
        }
        let why = (Reason::Adjustment, Some(Kind::Correction));
        let happened = Some(original.occurred.unwrap_or(original.created));
        self.push(item, c.quantity_change - effective, why, happened, Some(index))
    }
}

fn positive(quantity: i64, reason: &str) -> Result<(), Rejection> {
    if quantity == 0 {
        return Err(Rejection::ZeroQuantity {});
    }
    if quantity < 0 {
        return Err(Rejection::InvalidSign { quantity, reason: reason.to_owned() });
    }
    in_range(quantity, 1)
}

fn in_range(quantity: i64, minimum: i64) -> Result<(), Rejection> {
    if quantity < minimum || quantity > LIMIT {
        return Err(Rejection::QuantityOutOfRange { quantity, minimum, maximum: LIMIT });
    }
    Ok(())
}

/// Small random numbers from a seed (`SplitMix64`, Steele, Lea and Flood 2014).
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % end
    }

    fn chance(&mut self, one_in: u64) -> bool {
        self.below(one_in) == 0
    }

    fn number(&mut self, from: i64, to: i64) -> i64 {
        from + self.below((to - from + 1) as u64) as i64
    }

    fn quantity(&mut self) -> i64 {
        match self.below(40) {
            0 => 0,
            1 => self.number(-5, -1),
            2 => LIMIT + self.number(-1, 1),
            _ => self.number(1, 30),
        }
    }

    fn time(&mut self, now: Timestamp) -> Option<Timestamp> {
        match self.below(6) {
            0 => Some(now.plus_micros(self.number(-7_200, 0) * 1_000_000)),
            1 => Some(now.plus_micros(self.number(-400, 400) * 1_000_000)),
            _ => None,
        }
    }

    fn item_command(
        &mut self,
        model: &Model,
        item_id: ItemId,
        occurred_at: Option<Timestamp>,
    ) -> Command {
        let sku = format!("S{}", self.below(6)).parse().ok();
        if model.items.len() < 8 && self.chance(2) {
            return Command::CreateItem(CreateItem {
                name: format!("Item {}", self.below(5)).parse().expect("a name"),
                sku: sku.filter(|_| self.chance(2)),
                unit: None,
                initial_quantity: if self.chance(3) { 0 } else { self.quantity() },
                allow_negative: self.chance(3),
                occurred_at,
                reference: None,
                note: None,
            });
        }
        Command::EditItem(EditItem {
            item_id,
            name: if self.chance(2) { "Edited".parse().ok() } else { None },
            sku: if self.chance(3) { Some(sku) } else { None },
            unit: None,
            allow_negative: if self.chance(4) { Some(self.chance(2)) } else { None },
            archived: if self.chance(2) { Some(self.chance(3)) } else { None },
            expected_version: None,
        })
    }

    fn command(&mut self, model: &Model, now: Timestamp) -> Command {
        let item_id = ItemId(self.number(1, model.items.len() as i64 + 1).min(9));
        let expected_version = if self.chance(12) { Some(self.number(0, 30)) } else { None };
        let (occurred_at, reference, note) = (self.time(now), None, None);
        match self.below(20) {
            0 | 1 => self.item_command(model, item_id, occurred_at),
            2..=9 => {
                let movement = [Movement::Batch, Movement::Bakeoff, Movement::SpecialOrder]
                    [self.below(3) as usize];
                let quantity = self.quantity();
                Command::Record(Record {
                    item_id,
                    movement,
                    quantity,
                    occurred_at,
                    reference,
                    note,
                    expected_version,
                })
            }
            10..=12 => Command::Adjust(Adjust {
                item_id,
                kind: Kind::ALL[self.below(10) as usize],
                quantity_change: if self.chance(2) { self.quantity() } else { -self.quantity() },
                occurred_at,
                reference,
                note,
                expected_version,
            }),
            13..=15 => Command::SetInventory(SetInventory {
                item_id,
                kind: if self.chance(3) {
                    SetKind::Override
                } else {
                    SetKind::Count { counted_at: self.time(now) }
                },
                quantity: self.quantity(),
                expected_quantity: match self.below(8) {
                    0 => Expected::Unstated,
                    1 => Expected::Exactly(self.number(0, 20)),
                    _ => Expected::Any,
                },
                reference,
                note,
                expected_version,
            }),
            _ => {
                let length = model.log.len() as i64;
                let position = Position(self.number((length - 12).max(0), length + 1));
                let quantity = self.quantity();
                let quantity_change = if self.chance(2) { quantity } else { -quantity };
                Command::Correct(Correct { position, quantity_change, note })
            }
        }
    }
}

/// Sends random requests to the ledger and to the model, and holds every answer against the
/// model's. The seed is printed when they differ; `IES_TEST_SEED` runs it again.
pub async fn compare(t: &TestLedger, commands: usize) {
    let seed = seed();
    let (mut random, mut model) = (Random(seed), Model::default());
    let (mut sent, mut recorded, mut last) = (0, 0, None::<(Request, Answer)>);
    let mut now = at(crate::backend::MORNING);
    while sent < commands {
        if random.chance(5) {
            now = now.plus_micros(random.number(-600, 3_600) * 1_000_000);
            t.clock.set(now);
        }
        if random.chance(200) {
            t.reopen().await;
        }
        if let Some((request, first)) = last.as_ref().filter(|_| random.chance(15)) {
            let again = t.ledger().execute(request.clone(), Role::Manager).await;
            assert_eq!(again, Ok(as_replay(first.clone())), "seed {seed}, replay of {request:?}");
        }
        let count = if random.chance(4) { random.below(4) + 1 } else { 1 };
        let request = t.request((0..count).map(|_| random.command(&model, now)).collect());
        sent += request.commands.len();
        let expected = model.request(&request, now);
        let answer = t.ledger().execute(request.clone(), Role::Manager).await.expect("an answer");
        recorded += usize::from(expected.is_ok());
        assert_eq!(said(&answer), expected, "seed {seed}, request {request:?}");
        check_counts(&answer, &model, seed);
        last = Some((request, answer));
    }
    assert!(recorded > commands / 10, "seed {seed}: only {recorded} of {sent} were recorded");
    for (index, event) in model.log.iter().enumerate() {
        let stored = &t.log().await[index];
        assert_eq!((stored.quantity_change, stored.quantity_after), (event.change, event.after));
        if index > 50 {
            break;
        }
    }
    assert_eq!(t.log().await.len(), model.log.len(), "seed {seed}");
}

/// Requests that are sent together to two backends: a commit costs, and they share it.
const MOST_AT_ONCE: u64 = 64;

/// Sends requests at once: they are queued in this order. Gives what is answered to each.
async fn say(t: &TestLedger, requests: &[Request]) -> Vec<String> {
    let ledger = t.ledger();
    let send = |request: &Request| ledger.execute(request.clone(), Role::Manager);
    let answers = join_all(requests.iter().map(send)).await;
    answers.iter().map(|answer| format!("{answer:?}")).collect()
}

/// Sends the same random requests to two backends, and holds the answers against each other to the
/// letter; in the end the logs too.
pub async fn compare_backends(one: &TestLedger, other: &TestLedger, commands: usize) {
    let seed = seed();
    let (mut random, mut model, mut sent) = (Random(seed), Model::default(), 0);
    let mut now = at(crate::backend::MORNING);
    while sent < commands {
        if random.chance(5) {
            now = now.plus_micros(random.number(-600, 3_600) * 1_000_000);
            one.clock.set(now);
            other.clock.set(now);
        }
        let mut requests = Vec::new();
        for _ in 0..=random.below(MOST_AT_ONCE) {
            let count = if random.chance(4) { random.below(4) + 1 } else { 1 };
            let request = one.request((0..count).map(|_| random.command(&model, now)).collect());
            sent += request.commands.len();
            let _ = model.request(&request, now);
            let again = usize::from(random.chance(15));
            requests.extend(std::iter::repeat_n(request, 1 + again));
        }
        let (said, said_too) = tokio::join!(say(one, &requests), say(other, &requests));
        for ((request, said), said_too) in requests.iter().zip(said).zip(said_too) {
            assert_eq!(said, said_too, "seed {seed}, request {request:?}");
        }
    }
    assert_eq!(one.log().await, other.log().await, "seed {seed}");
}

/// Printed with what fails; `IES_TEST_SEED` runs it again.
pub fn seed() -> u64 {
    let seed = std::env::var("IES_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
    seed.unwrap_or_else(|| Timestamp::now().micros().unsigned_abs())
}

fn as_replay(answer: Answer) -> Answer {
    match answer {
        Answer::Recorded(mut recorded) => {
            recorded.replayed = true;
            Answer::Recorded(recorded)
        }
        Answer::Rejected { rejected, .. } => Answer::Rejected { replayed: true, rejected },
    }
}

fn said(answer: &Answer) -> Result<Vec<ModelEvent>, Rejected> {
    match answer {
        Answer::Rejected { rejected, .. } => Err(rejected.clone()),
        Answer::Recorded(recorded) => Ok(recorded
            .events
            .iter()
            .map(|event| ModelEvent {
                item: event.item_id.0 as usize,
                change: event.quantity_change,
                after: event.quantity_after,
                reason: event.reason,
                kind: event.kind,
                occurred: event.occurred_at,
                created: event.created_at,
                corrects: event.corrects_event_id.map(|position| position.0 as usize - 1),
            })
            .collect()),
    }
}

/// The answer's counts are the model's.
fn check_counts(answer: &Answer, model: &Model, seed: u64) {
    let Answer::Recorded(recorded) = answer else { return };
    assert_eq!(recorded.position.0 as usize, model.log.len(), "seed {seed}");
    for row in &recorded.inventory {
        let item = row.item.id.0 as usize;
        assert_eq!(row.count.quantity, model.quantity(item), "seed {seed}, item {item}");
        assert_eq!(row.item.name.as_str(), model.items[item - 1].name, "seed {seed}");
    }
}
