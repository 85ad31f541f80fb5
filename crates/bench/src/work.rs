//! The work, the same for everyone: items with plenty in stock, and movements of them, on all items
//! alike or on a single one.

use crate::http;
use item_event_store::command::{Command, CreateItem, Movement, Record, Request};
use item_event_store::ids::ItemId;
use std::net::SocketAddr;

/// Items of the scenarios that write.
pub const ITEMS: i64 = 10_000;
/// What every item begins with: no movement is ever refused.
pub const INITIAL_QUANTITY: i64 = 1_000_000;
/// The largest quantity that a movement has.
const MOST_MOVED: u64 = 24;

/// Which items are written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// All alike.
    Spread,
    /// One of them.
    Hot,
}

impl Shape {
    pub const BOTH: [Self; 2] = [Self::Spread, Self::Hot];

    pub fn name(self) -> &'static str {
        match self {
            Self::Spread => "spread",
            Self::Hot => "one hot item",
        }
    }
}

/// Numbers that look random and are the same in every run (xorshift64).
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(0x9E37_79B9_7F4A_7C15 ^ seed.wrapping_mul(0xBF58_476D_1CE4_E5B9) | 1)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// 1 to `most`.
    pub fn up_to(&mut self, most: u64) -> u64 {
        (self.next() >> 16) % most + 1
    }
}

/// One movement.
#[derive(Clone, Copy, Debug)]
pub struct Moved {
    pub item: i64,
    pub into: bool,
    pub quantity: i64,
}

impl Moved {
    /// What it adds to the count.
    pub fn change(&self) -> i64 {
        if self.into { self.quantity } else { -self.quantity }
    }

    /// Why, as the log says it.
    pub fn reason(&self) -> &'static str {
        if self.into { "batch" } else { "bakeoff" }
    }
}

/// Movements without end.
pub struct Movements {
    random: Random,
    shape: Shape,
    items: i64,
}

impl Movements {
    pub fn new(seed: u64, shape: Shape, items: i64) -> Self {
        Self { random: Random::new(seed), shape, items }
    }

    pub fn next(&mut self) -> Moved {
        let item = match self.shape {
            Shape::Spread => self.random.up_to(self.items.unsigned_abs()).cast_signed(),
            Shape::Hot => 1,
        };
        let into = self.random.next() & (1 << 40) == 0;
        Moved { item, into, quantity: self.random.up_to(MOST_MOVED).cast_signed() }
    }

    /// As the library takes them.
    pub fn commands(&mut self, count: usize) -> Vec<Command> {
        let one = |_| {
            let next = self.next();
            Command::Record(Record {
                item_id: ItemId(next.item),
                movement: if next.into { Movement::Batch } else { Movement::Bakeoff },
                quantity: next.quantity,
                occurred_at: None,
                reference: None,
                note: None,
                expected_version: None,
            })
        };
        (0..count).map(one).collect()
    }

    /// As `POST /v1/events` takes them.
    pub fn json(&mut self, count: usize) -> String {
        let one = |_| {
            let Moved { item, into, quantity } = self.next();
            let command = if into { "batch" } else { "bakeoff" };
            format!(r#"{{"command":"{command}","item_id":{item},"quantity":{quantity}}}"#)
        };
        format!("[{}]", (0..count).map(one).collect::<Vec<_>>().join(","))
    }
}

/// Makes the items, with their initial quantity.
pub fn create_items(from: i64, count: i64) -> Vec<Command> {
    let one = |number: i64| {
        Command::CreateItem(CreateItem {
            name: format!("Item {number}").parse().expect("a name"),
            sku: None,
            unit: None,
            initial_quantity: INITIAL_QUANTITY,
            allow_negative: false,
            occurred_at: None,
            reference: None,
            note: None,
        })
    };
    (from..from + count).map(one).collect()
}

/// A request of the library under a key of its own.
pub fn request(key: &str, commands: Vec<Command>) -> Request {
    let (key, actor) = (key.parse().expect("a key"), "bench".parse().expect("an actor"));
    Request::new(key, actor, commands).expect("not too many commands")
}

/// Renders single movements as `POST /v1/items/{id}/…`, each with a key of its own.
pub struct Posts {
    movements: Movements,
    /// What follows the item's id, of the batch's and of the bakeoff's path; for each ledger.
    tails: Vec<[Vec<u8>; 2]>,
}

impl Posts {
    /// `ledgers`: each in turn; when there are none, the default one.
    pub fn new(movements: Movements, to: (SocketAddr, &str), ledgers: &[String]) -> Self {
        let tail = |path: &str, ledger: &str| {
            let mut head = Vec::new();
            http::head(&mut head, "POST", path, to.0, to.1);
            let head = String::from_utf8(head).expect("ASCII");
            let after_id = head.split_once("{id}").expect("a path with an id").1;
            let key = "content-type: application/json\r\nidempotency-key: \"post-";
            format!("{after_id}{ledger}{key}").into_bytes()
        };
        let both = |ledger: &str| {
            ["/v1/items/{id}/batches", "/v1/items/{id}/bakeoffs"].map(|path| tail(path, ledger))
        };
        let named = ledgers.iter().map(|name| both(&format!("ledger: {name}\r\n")));
        let tails = if ledgers.is_empty() { vec![both("")] } else { named.collect() };
        Self { movements, tails }
    }

    pub fn render(&mut self, number: u64, out: &mut Vec<u8>) {
        use std::io::Write as _;
        let Moved { item, into, quantity } = self.movements.next();
        let length = r#"{"quantity":}"#.len() + if quantity < 10 { 1 } else { 2 };
        let ledger = usize::try_from(number).unwrap_or(0) % self.tails.len();
        let _ = write!(out, "POST /v1/items/{item}");
        out.extend_from_slice(&self.tails[ledger][usize::from(!into)]);
        let _ = write!(
            out,
            "{number}\"\r\ncontent-length: {length}\r\n\r\n{{\"quantity\":{quantity}}}"
        );
    }
}

/// Renders a GET of a path.
pub fn get(out: &mut Vec<u8>, path: &str, to: (SocketAddr, &str)) {
    http::head(out, "GET", path, to.0, to.1);
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn movements_reach_every_item_or_only_one() {
        let mut spread = Movements::new(1, Shape::Spread, 50);
        let items: std::collections::BTreeSet<_> =
            (0..10_000).map(|_| spread.next().item).collect();
        assert_eq!(items, (1..=50).collect());
        let mut hot = Movements::new(1, Shape::Hot, 50);
        assert!((0..100).all(|_| hot.next().item == 1));
    }

    #[test]
    fn a_rendered_post_is_a_request_of_the_length_it_says() {
        let address = "127.0.0.1:80".parse().expect("an address");
        let ledgers = ["north".to_owned(), "south".to_owned()];
        let movements = Movements::new(7, Shape::Spread, 500);
        let mut posts = Posts::new(movements, (address, "t"), &ledgers);
        for number in 0..100 {
            let mut out = Vec::new();
            posts.render(number, &mut out);
            let mut headers = [httparse::EMPTY_HEADER; 8];
            let mut request = httparse::Request::new(&mut headers);
            let httparse::Status::Complete(head) = request.parse(&out).expect("a request") else {
                panic!("a whole head")
            };
            let header = |name: &str| {
                let found = request.headers.iter().find(|header| header.name == name);
                String::from_utf8(found.expect(name).value.to_vec()).expect("ASCII")
            };
            assert_eq!(header("content-length"), (out.len() - head).to_string());
            assert_eq!(header("idempotency-key"), format!("\"post-{number}\""));
            assert_eq!(header("ledger"), ledgers[usize::from(number % 2 == 1)]);
            assert!(request.path.expect("a path").starts_with("/v1/items/"));
        }
    }
}
