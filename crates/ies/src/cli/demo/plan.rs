//! What happens in the demo bakery, moment by moment. Pure: the same day gives the same plan. It
//! keeps the counts itself, so that it never takes what is not there.

use super::chance::Chance;
use item_event_store::access::Role;
use item_event_store::command::{
    Adjust, Command, Correct, CreateItem, Expected, Movement, Record, SetInventory, SetKind,
};
use item_event_store::ids::{ItemId, Position};
use item_event_store::reason::Kind;
use item_event_store::time::Timestamp;

/// A day, in microseconds.
pub const DAY: i64 = 24 * HOUR;
const HOUR: i64 = 3_600_000_000;
const DAYS: i64 = 30;
const SEED: u64 = 20_260_101;
/// The day (counted from 0) on which a mistake of the morning is corrected.
const DAY_OF_THE_MISTAKE: i64 = 17;

/// Something that is recorded at one time, by one actor, in one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: &'static str,
    /// What the actor may do.
    pub role: Role,
    /// What.
    pub commands: Vec<Command>,
}

/// A product of the bakery.
struct Product {
    name: &'static str,
    sku: &'static str,
    initial: i64,
    /// What a usual weekday sells.
    sells: i64,
}

const PRODUCTS: [Product; 6] = [
    Product { name: "Croissant", sku: "CR-01", initial: 48, sells: 60 },
    Product { name: "Pain au chocolat", sku: "PC-01", initial: 36, sells: 36 },
    Product { name: "Cinnamon roll", sku: "CI-01", initial: 24, sells: 30 },
    Product { name: "Country bread", sku: "BR-01", initial: 12, sells: 18 },
    Product { name: "Baguette", sku: "BA-01", initial: 40, sells: 48 },
    Product { name: "Apple strudel", sku: "AS-01", initial: 0, sells: 10 },
];

/// Who works there.
const BAKER: (&str, Role) = ("anna", Role::Baker);
const COUNTER: (&str, Role) = ("ben", Role::Baker);
const MANAGER: (&str, Role) = ("clara", Role::Manager);

/// The bakery as the plan knows it.
struct Bakery {
    chance: Chance,
    counts: [i64; PRODUCTS.len()],
    position: i64,
    moments: Vec<Moment>,
}

/// The 30 days before the midnight of `today`.
pub fn plan(today: Timestamp) -> Vec<Moment> {
    let mut bakery = Bakery {
        chance: Chance::new(SEED),
        counts: [0; PRODUCTS.len()],
        position: 0,
        moments: Vec::new(),
    };
    let first = today.plus_micros(-DAYS * DAY);
    bakery.open(first);
    for day in 0..DAYS {
        bakery.day(day, first.plus_micros(day * DAY));
    }
    bakery.moments
}

impl Bakery {
    fn moment(&mut self, at: Timestamp, who: (&'static str, Role), commands: Vec<Command>) {
        if !commands.is_empty() {
            self.moments.push(Moment { at, actor: who.0, role: who.1, commands });
        }
    }

    /// The items, with what was in the freezer on the first day.
    fn open(&mut self, at: Timestamp) {
        let mut commands = Vec::new();
        for (place, product) in PRODUCTS.iter().enumerate() {
            self.counts[place] = product.initial;
            self.position += i64::from(product.initial > 0);
            commands.push(Command::CreateItem(CreateItem {
                name: text(product.name),
                sku: Some(text(product.sku)),
                unit: None,
                initial_quantity: product.initial,
                allow_negative: false,
                occurred_at: None,
                reference: None,
                note: None,
            }));
        }
        self.moment(at.plus_micros(4 * HOUR), MANAGER, commands);
    }

    fn day(&mut self, day: i64, midnight: Timestamp) {
        let weekday = midnight.micros().div_euclid(DAY).rem_euclid(7);
        // The first day of the epoch was a Thursday: 2 is a Saturday, 3 a Sunday.
        let demand = match weekday {
            2 => 140,
            3 => 60,
            _ => 100,
        };
        let at = |hour: i64| midnight.plus_micros(hour * HOUR);
        let mistaken = self.batches(at(5), demand);
        if day == DAY_OF_THE_MISTAKE {
            self.correct(at(6), mistaken);
        }
        for hour in [7, 9, 11, 14, 16] {
            let minutes = self.chance.between(0, 50) * (HOUR / 60);
            self.bakeoffs(at(hour).plus_micros(minutes), demand);
            if hour == 11 && self.chance.percent(40) {
                self.special_order(at(12), day);
            }
        }
        self.waste(at(18));
        if weekday == 3 {
            self.count(at(19));
        }
    }

    /// What is made at five. Answers the position of the first batch and its quantity.
    fn batches(&mut self, at: Timestamp, demand: i64) -> (i64, i64) {
        let mut commands = Vec::new();
        let mut first = (0, 0);
        for (place, product) in PRODUCTS.iter().enumerate() {
            let wanted = product.sells * demand / 100 + self.chance.between(0, 12);
            let missing = (wanted - self.counts[place] / 2).max(6);
            // Dough is made by the half dozen.
            let quantity = (missing + 5) / 6 * 6;
            commands.push(self.record(place, Movement::Batch, quantity, None));
            if place == 0 {
                first = (self.position, quantity);
            }
        }
        self.moment(at, BAKER, commands);
        first
    }

    fn bakeoffs(&mut self, at: Timestamp, demand: i64) {
        let mut commands = Vec::new();
        for (place, product) in PRODUCTS.iter().enumerate() {
            let share = product.sells * demand / 500;
            let quantity = (share + self.chance.between(-2, 3)).min(self.counts[place]);
            if quantity > 0 {
                commands.push(self.record(place, Movement::Bakeoff, quantity, None));
            }
        }
        self.moment(at, COUNTER, commands);
    }

    fn special_order(&mut self, at: Timestamp, day: i64) {
        let place = usize::try_from(self.chance.between(0, 5)).unwrap_or_default();
        let quantity = self.chance.between(4, 12).min(self.counts[place]);
        if quantity > 0 {
            let reference = Some(format!("order-{}", 1_000 + day));
            let order = self.record(place, Movement::SpecialOrder, quantity, reference);
            self.moment(at, COUNTER, vec![order]);
        }
    }

    fn record(
        &mut self,
        place: usize,
        movement: Movement,
        quantity: i64,
        reference: Option<String>,
    ) -> Command {
        self.position += 1;
        self.counts[place] += if movement == Movement::Batch { quantity } else { -quantity };
        Command::Record(Record {
            item_id: item(place),
            movement,
            quantity,
            occurred_at: None,
            reference: reference.map(|reference| text(&reference)),
            note: None,
            expected_version: None,
        })
    }

    fn waste(&mut self, at: Timestamp) {
        let mut commands = Vec::new();
        for place in 0..PRODUCTS.len() {
            if self.chance.percent(12) && self.counts[place] > 3 {
                let quantity = self.chance.between(1, 3);
                let burnt = self.chance.percent(50);
                self.counts[place] -= quantity;
                self.position += 1;
                commands.push(Command::Adjust(Adjust {
                    item_id: item(place),
                    kind: if burnt { Kind::Waste } else { Kind::Sample },
                    quantity_change: -quantity,
                    occurred_at: None,
                    reference: None,
                    note: burnt.then(|| text("burnt")),
                    expected_version: None,
                }));
            }
        }
        self.moment(at, COUNTER, commands);
    }

    /// The freezer is counted on Sundays, and now and then something is missing.
    fn count(&mut self, at: Timestamp) {
        let mut commands = Vec::new();
        for place in 0..PRODUCTS.len() {
            let missing = if self.chance.percent(30) { self.chance.between(1, 2) } else { 0 };
            let counted = (self.counts[place] - missing).max(0);
            let expected = std::mem::replace(&mut self.counts[place], counted);
            self.position += 1;
            commands.push(Command::SetInventory(SetInventory {
                item_id: item(place),
                kind: SetKind::Count { counted_at: None },
                quantity: counted,
                expected_quantity: Expected::Exactly(expected),
                reference: None,
                note: (missing > 0).then(|| text("weekly count")),
                expected_version: None,
            }));
        }
        self.moment(at, MANAGER, commands);
    }

    /// A batch was six more than was written down.
    fn correct(&mut self, at: Timestamp, (position, quantity): (i64, i64)) {
        self.counts[0] += 6;
        self.position += 1;
        let correct = Command::Correct(Correct {
            position: Position(position),
            quantity_change: quantity + 6,
            note: Some(text("one tray was not written down")),
        });
        self.moment(at, MANAGER, vec![correct]);
    }
}

/// An empty ledger numbers its items from 1.
fn item(place: usize) -> ItemId {
    ItemId(i64::try_from(place + 1).unwrap_or(i64::MAX))
}

/// A text of this file, all of which are well-formed.
fn text<const MAX: usize>(text: &str) -> item_event_store::text::Text<MAX> {
    text.parse().expect("the demo's texts are well-formed")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn today() -> Timestamp {
        "2026-11-23T00:00:00Z".parse().expect("a time")
    }

    #[test]
    fn the_same_day_gives_the_same_bakery() {
        assert_eq!(plan(today()), plan(today()));
    }

    #[test]
    fn the_clock_only_goes_forward_and_ends_today() {
        let moments = plan(today());
        assert!(moments.windows(2).all(|pair| pair[0].at <= pair[1].at));
        assert!(moments[0].at >= today().plus_micros(-30 * DAY));
        assert!(moments.last().expect("something happens").at < today());
    }

    #[test]
    fn every_actor_may_do_what_it_does() {
        for moment in plan(today()) {
            for command in &moment.commands {
                assert!(Role::required_for(command) <= moment.role, "{command:?}");
            }
        }
    }

    #[test]
    fn counts_are_never_negative_and_everything_happens() {
        let mut counts = [0_i64; PRODUCTS.len()];
        let mut seen = std::collections::BTreeMap::<&str, u32>::new();
        for command in plan(today()).into_iter().flat_map(|moment| moment.commands) {
            let index = |id: ItemId| usize::try_from(id.0 - 1).expect("an item");
            let what = match command {
                Command::CreateItem(_) => "item",
                Command::Record(record) if record.movement == Movement::Batch => {
                    counts[index(record.item_id)] += record.quantity;
                    "batch"
                }
                Command::Record(record) => {
                    counts[index(record.item_id)] -= record.quantity;
                    if record.movement == Movement::Bakeoff { "bakeoff" } else { "order" }
                }
                Command::Adjust(adjust) => {
                    counts[index(adjust.item_id)] += adjust.quantity_change;
                    "waste"
                }
                Command::SetInventory(_) => "count",
                Command::Correct(_) => "correction",
                Command::EditItem(_) => "edit",
            };
            *seen.entry(what).or_default() += 1;
            // Initial stock is left out here, so this is the stricter bound.
            let initial = |place: usize| PRODUCTS[place].initial + 6;
            assert!(counts.iter().enumerate().all(|(at, count)| count + initial(at) >= 0));
        }
        for (what, least) in [("item", 6), ("batch", 180), ("bakeoff", 600), ("order", 5)] {
            assert!(seen[what] >= least, "{what}: {seen:?}");
        }
        assert_eq!((seen["correction"], seen["count"] >= 24), (1, true), "{seen:?}");
    }
}
