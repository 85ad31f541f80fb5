//! ItemEventStore on PostgreSQL beside plain SQL on the same server: single movements, batches,
//! several instances, several ledgers.

use super::Scenario;
use crate::bench::{Bench, Contender};
use crate::cluster::Database;
use crate::fill::{Filler, UNDER_WAY};
use crate::measure::Growth;
use crate::page::Picture;
use crate::results::Record;
use crate::single::{RATE, Setup, Single};
use crate::work::{ITEMS, Moved, Movements, Shape};
use anyhow::{Result, ensure};
use futures_util::future::try_join_all;
use item_event_store::store::{Mode, open};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// As many connections as pgbench is known to like, and as many as everybody has elsewhere.
pub const CONNECTIONS: [usize; 2] = [16, 64];
/// How far away a database is that is not on the same machine: half of a round trip.
const WAY: Duration = Duration::from_micros(500);
/// Events of a batch.
pub const BATCHES: [usize; 3] = [100, 1_000, 8_192];
/// Ledgers that are written to at one time.
const LEDGERS: usize = 8;
/// Events of a batch where there are several ledgers.
const LEDGERS_BATCH: usize = 1_000;

pub const BATCH_RATE: &str = "events per second, in batches";

pub const SCENARIO: Scenario = Scenario {
    name: "postgres",
    title: "On PostgreSQL, beside plain SQL",
    about: "Single movements over HTTP beside pgbench, which inserts into the note's log with a \
            row trigger that keeps the counts: as many connections for both; also far away, \
            where every byte takes half a millisecond in either direction. Then batches \
            through the library, with every check, guard and running balance, beside one \
            statement for each batch that takes positions from the ledger's row, inserts the \
            events from arrays, and keeps the counts by a statement-level trigger: no rules, no \
            keys, no balances. Both have two batches under way for each ledger. Then two \
            instances of the service on one ledger, and eight ledgers behind one instance.",
    measure,
    pictures: &[
        Picture::Bars {
            file: "single",
            title: "Events per second, one at a time",
            measure: RATE,
            only: "",
        },
        Picture::Bars {
            file: "batches",
            title: "Events per second, in batches",
            measure: BATCH_RATE,
            only: "",
        },
    ],
};

fn measure(bench: &Bench, record: &mut Record) -> Result<()> {
    let ledgers: Vec<String> = (1..=LEDGERS).map(|number| format!("bakery-{number}")).collect();
    let mut contenders = Vec::new();
    for connections in CONNECTIONS {
        for shape in Shape::BOTH {
            let load = Single { bench, shape, connections, way: Duration::ZERO };
            let named = |who: &str| format!("{who}, {connections} connections, {}", shape.name());
            contenders.push(Contender::new(named("ItemEventStore"), move |name, record| {
                load.postgres(Setup::default(), name, record)
            }));
            contenders.push(Contender::new(named("row trigger"), move |name, record| {
                load.row_trigger(name, record)
            }));
        }
    }
    for connections in CONNECTIONS {
        let load = Single { bench, shape: Shape::Spread, connections, way: WAY };
        let named = |who: &str| format!("{who}, {connections} connections, far away");
        contenders.push(Contender::new(named("ItemEventStore"), move |name, record| {
            load.postgres(Setup::default(), name, record)
        }));
        contenders.push(Contender::new(named("row trigger"), move |name, record| {
            load.row_trigger(name, record)
        }));
    }
    let load = Single { bench, shape: Shape::Spread, connections: 64, way: Duration::ZERO };
    contenders.push(Contender::new("ItemEventStore, two instances", move |name, record| {
        load.postgres(Setup { more_instances: 1, ..Setup::default() }, name, record)
    }));
    contenders.push(Contender::new("ItemEventStore, eight ledgers", |name, record| {
        load.postgres(Setup { ledgers: &ledgers, ..Setup::default() }, name, record)
    }));
    for size in BATCHES {
        let named = |who: &str| format!("{who}, batches of {}", crate::page::count(size));
        contenders.push(Contender::new(named("ItemEventStore"), move |name, record| {
            batches(bench, size, &["main".to_owned()], name, record)
        }));
        contenders.push(Contender::new(named("one statement"), move |name, record| {
            statements(bench, size, &["main".to_owned()], name, record)
        }));
    }
    let of_each = format!("eight ledgers, batches of {}", crate::page::count(LEDGERS_BATCH));
    contenders.push(Contender::new(format!("ItemEventStore, {of_each}"), |name, record| {
        batches(bench, LEDGERS_BATCH, &ledgers, name, record)
    }));
    contenders.push(Contender::new(format!("one statement, {of_each}"), |name, record| {
        statements(bench, LEDGERS_BATCH, &ledgers, name, record)
    }));
    bench.in_turn(contenders, record)
}

/// Batches through the library.
fn batches(
    bench: &Bench,
    size: usize,
    ledgers: &[String],
    name: &str,
    record: &mut Record,
) -> Result<()> {
    let cluster = bench.cluster()?;
    let database = cluster.database()?;
    let stored = bench.runtime.block_on(async {
        let store = open(&database.url, Mode::Write).await?;
        let mut fillers = Vec::new();
        for ledger in ledgers {
            let mut filler = Filler::of(Arc::clone(&store), ledger).await?;
            filler.create_items(ITEMS).await?;
            fillers.push(filler);
        }
        let time = Time::begin(bench);
        let filling = fillers.into_iter().zip(0..).map(async |(mut filler, seed)| {
            let mut movements = Movements::new(seed, Shape::Spread, ITEMS);
            let growth = filler.write(&mut movements, size, |_| !time.is_over()).await?;
            filler.close(ITEMS + i64::try_from(growth.events())?).await?;
            anyhow::Ok(growth)
        });
        rates(bench, record, name, &try_join_all(filling).await?)
    })?;
    let initial = ITEMS * i64::try_from(ledgers.len())?;
    database.expect_count("item_event_store", initial + i64::try_from(stored)?)?;
    database.discard()
}

/// The same movements by one statement for each batch.
fn statements(
    bench: &Bench,
    size: usize,
    ledgers: &[String],
    name: &str,
    record: &mut Record,
) -> Result<()> {
    let cluster = bench.cluster()?;
    let database = cluster.database()?;
    database.script(include_str!("../../sql/postgres/ledgers.sql"), &[])?;
    for ledger in ledgers {
        let make = include_str!("../../sql/postgres/insert_ledger.sql");
        database.script(make, &[("ledger", ledger), ("items", &ITEMS.to_string())])?;
    }
    let stored = bench.runtime.block_on(async {
        let time = Time::begin(bench);
        let writers = ledgers.iter().flat_map(|ledger| (0..UNDER_WAY).map(move |n| (ledger, n)));
        let writing = writers
            .zip(0..)
            .map(|((ledger, _), seed)| write_statements(&database, ledger, seed, size, time));
        rates(bench, record, name, &try_join_all(writing).await?)
    })?;
    database.expect_count("item_event_store", i64::try_from(stored)?)?;
    let differing = include_str!("../../sql/postgres/differing_ledgers.sql");
    ensure!(database.script(differing, &[])? == "0", "counts or positions differ from the log");
    database.discard()
}

async fn write_statements(
    database: &Database,
    ledger: &str,
    seed: u64,
    size: usize,
    time: Time,
) -> Result<Growth> {
    let client = database.connect().await?;
    let append = client.prepare(include_str!("../../sql/postgres/append.sql")).await?;
    let mut movements = Movements::new(seed, Shape::Spread, ITEMS);
    let mut growth = Growth::begin();
    while !time.is_over() {
        let moved: Vec<_> = (0..size).map(|_| movements.next()).collect();
        let items: Vec<i32> =
            moved.iter().map(|m| i32::try_from(m.item)).collect::<Result<_, _>>()?;
        let changes = moved.iter().map(|m| i32::try_from(m.change()));
        let changes: Vec<i32> = changes.collect::<Result<_, _>>()?;
        let reasons: Vec<&str> = moved.iter().map(Moved::reason).collect();
        let rows = client.execute(&append, &[&ledger, &items, &changes, &reasons]).await?;
        ensure!(rows == u64::try_from(size)?, "{rows} rows");
        growth.add(size);
    }
    Ok(growth)
}

/// Takes down the rate of all writers together; answers how many events there were.
fn rates(bench: &Bench, record: &mut Record, name: &str, grown: &[Growth]) -> Result<usize> {
    let rates = grown.iter().map(|growth| growth.rate_after(bench.size.warm_up()));
    record.figure(name, BATCH_RATE, "per second", rates.sum());
    let events = grown.iter().map(Growth::events).sum();
    ensure!(events > 0, "no events");
    Ok(events)
}

/// The time of one turn.
#[derive(Clone, Copy)]
struct Time {
    end: Instant,
}

impl Time {
    fn begin(bench: &Bench) -> Self {
        Self { end: Instant::now() + bench.size.warm_up() + bench.size.turn() }
    }

    fn is_over(self) -> bool {
        Instant::now() >= self.end
    }
}
