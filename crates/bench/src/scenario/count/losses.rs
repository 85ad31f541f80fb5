//! What each design loses: updates that cross each other, the record of what happened, and the
//! truth of a count between two refreshes. Shown by small runs.

use super::{BEHIND, LOST, MOST_BEHIND, ON_RECORD, sqlite};
use crate::bench::{Bench, Contender};
use crate::cluster::Database;
use crate::fill::Filler;
use crate::measure::median;
use crate::results::Record;
use crate::work::request;
use anyhow::{Context as _, Result, ensure};
use futures_util::future::try_join_all;
use item_event_store::Ledger;
use item_event_store::access::Role;
use item_event_store::command::{Command, Movement, Record as Recorded};
use item_event_store::ids::ItemId;
use item_event_store::request::Answer;
use item_event_store::store::{Mode, open};
use std::path::Path;
use std::time::{Duration, Instant};

/// Who updates one item at the same time, and how often each.
const WRITERS: usize = 8;
const UPDATES: usize = 125;
/// Time between two refreshes.
const REFRESH_EVERY: Duration = Duration::from_secs(1);
/// Time between two looks at how far behind a count is.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Who writes meanwhile.
const BUSY_WRITERS: usize = 4;

const READ: &str = "SELECT quantity FROM items WHERE id = 1";
const SET: &str = "UPDATE items SET quantity = $1 WHERE id = 1";
const ADD: &str = "UPDATE items SET quantity = quantity + 1 WHERE id = 1";
const LOG: &str =
    "INSERT INTO item_event_store (item_id, quantity_change, reason) VALUES (1, 1, 'batch')";

pub fn contenders(bench: &Bench) -> Vec<Contender<'_>> {
    let column = &[include_str!("../../../sql/postgres/column.sql")];
    let log = include_str!("../../../sql/postgres/items.sql");
    let trigger = include_str!("../../../sql/postgres/row_trigger.sql");
    let view = include_str!("../../../sql/postgres/materialized_view.sql");
    let crossing = |name: &str, how: How, tables: &[&'static str]| {
        let tables = tables.to_vec();
        Contender::new(format!("PostgreSQL: {name}"), move |name, record| {
            on_postgres(bench, &tables, how, name, record)
        })
    };
    vec![
        crossing("column, read then set", How::ReadThenSet, column),
        crossing("column", How::Add, column),
        crossing("row trigger", How::Log, &[log, trigger]),
        Contender::new("SQLite: column, read then set", |name, record| {
            crossing_on_sqlite(bench, name, record)
        }),
        Contender::new("ItemEventStore, PostgreSQL", |name, record| ours(bench, name, record)),
        Contender::new("PostgreSQL: materialized view", move |name, record| {
            behind(bench, &[log, view], true, name, record)
        }),
        Contender::new("PostgreSQL: row trigger", move |name, record| {
            behind(bench, &[log, trigger], false, name, record)
        }),
        Contender::new("ItemEventStore, PostgreSQL", |name, record| {
            ours_behind(bench, name, record)
        }),
    ]
}

/// How a writer updates the count.
#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    /// As a program does that has the item in memory: reads it, changes it, writes it back.
    ReadThenSet,
    Add,
    Log,
}

fn database(bench: &Bench, tables: &[&str]) -> Result<Database> {
    let database = bench.cluster()?.database()?;
    for tables in tables {
        database.script(tables, &[("items", "1")])?;
    }
    Ok(database)
}

fn record_losses(name: &str, record: &mut Record, added: i64, on_record: i64) -> Result<()> {
    let updates = i64::try_from(WRITERS * UPDATES)?;
    ensure!(added <= updates, "{added} added by {updates} updates");
    record.figure(name, LOST, "", (updates - added) as f64);
    record.figure(name, ON_RECORD, "", on_record as f64);
    Ok(())
}

/// Everybody adds one to the same item at the same time.
fn on_postgres(
    bench: &Bench,
    tables: &[&str],
    how: How,
    name: &str,
    record: &mut Record,
) -> Result<()> {
    let database = database(bench, tables)?;
    let count = || -> Result<i64> {
        let table = if how == How::Log { "item_inventory" } else { "items" };
        let sum = format!("SELECT coalesce(sum(quantity), 0) FROM {table}");
        Ok(database.ask(&sum)?.parse()?)
    };
    let before = count()?;
    bench.runtime.block_on(async {
        let updating = (0..WRITERS).map(async |_| {
            let client = database.connect().await?;
            for _ in 0..UPDATES {
                match how {
                    How::ReadThenSet => {
                        let quantity: i32 = client.query_one(READ, &[]).await?.get(0);
                        client.execute(SET, &[&(quantity + 1)]).await?;
                    }
                    How::Add => drop(client.execute(ADD, &[]).await?),
                    How::Log => drop(client.execute(LOG, &[]).await?),
                }
            }
            anyhow::Ok(())
        });
        try_join_all(updating).await
    })?;
    let on_record = if how == How::Log {
        database.ask("SELECT count(*) FROM item_event_store")?.parse()?
    } else {
        0
    };
    record_losses(name, record, count()? - before, on_record)?;
    database.discard()
}

fn crossing_on_sqlite(bench: &Bench, name: &str, record: &mut Record) -> Result<()> {
    let folder = bench.folder()?;
    let file = folder.path().join("count.db");
    let database = sqlite::database(&file, &[include_str!("../../../sql/sqlite/column.sql")])?;
    sqlite::fill_items(&database, 1, ", 0")?;
    std::thread::scope(|scope| {
        let start = |file: &Path| {
            let file = file.to_owned();
            scope.spawn(move || {
                let database = sqlite::database(&file, &[])?;
                database.busy_timeout(Duration::from_mins(1))?;
                let mut set = database.prepare(SET)?;
                for _ in 0..UPDATES {
                    let quantity: i64 = database.query_row(READ, [], |row| row.get(0))?;
                    set.execute([quantity + 1])?;
                }
                anyhow::Ok(())
            })
        };
        let writers: Vec<_> = (0..WRITERS).map(|_| start(&file)).collect();
        writers.into_iter().try_for_each(|writer| writer.join().ok().context("a writer")?)
    })?;
    let quantity: i64 = database.query_row(READ, [], |row| row.get(0))?;
    record_losses(name, record, quantity, 0)
}

/// Adds one through the library, under a key of its own.
async fn add_one(ledger: &Ledger, key: &str) -> Result<()> {
    let one = Command::Record(Recorded {
        item_id: ItemId(1),
        movement: Movement::Batch,
        quantity: 1,
        occurred_at: None,
        reference: None,
        note: None,
        expected_version: None,
    });
    let answer = ledger.execute(request(key, vec![one]), Role::Baker).await?;
    ensure!(matches!(answer, Answer::Recorded(_)), "{answer:?}");
    Ok(())
}

/// A ledger with one item.
async fn ledger(database: &Database) -> Result<Filler> {
    let store = open(&database.url, Mode::Write).await?;
    let mut filler = Filler::of(store, "main").await?;
    filler.create_items(1).await?;
    Ok(filler)
}

fn ours(bench: &Bench, name: &str, record: &mut Record) -> Result<()> {
    let database = bench.cluster()?.database()?;
    bench.runtime.block_on(async {
        let Filler { ledger, .. } = ledger(&database).await?;
        let quantity = async || {
            let found = ledger.store().inventory(ItemId(1), None).await?;
            anyhow::Ok(found.value.context("the item")?.count.quantity)
        };
        let before = quantity().await?;
        let adding = (0..WRITERS).map(async |writer| {
            for update in 0..UPDATES {
                add_one(&ledger, &format!("{writer}-{update}")).await?;
            }
            anyhow::Ok(())
        });
        try_join_all(adding).await?;
        let added = quantity().await? - before;
        // The first event is the initial one.
        let on_record = ledger.store().head().await?.position.0 - 1;
        ledger.close().await;
        record_losses(name, record, added, on_record)
    })?;
    database.discard()
}

/// How far a count is behind its log while others write.
fn behind(
    bench: &Bench,
    tables: &[&str],
    refreshed: bool,
    name: &str,
    record: &mut Record,
) -> Result<()> {
    let database = database(bench, tables)?;
    bench.runtime.block_on(async {
        let end = Instant::now() + bench.size.turn() * 2;
        let writing = try_join_all((0..BUSY_WRITERS).map(async |_| {
            let client = database.connect().await?;
            while Instant::now() < end {
                client.execute(LOG, &[]).await?;
            }
            anyhow::Ok(())
        }));
        let refreshing = async {
            let client = database.connect().await?;
            while refreshed && Instant::now() < end {
                client.execute("REFRESH MATERIALIZED VIEW item_inventory", &[]).await?;
                tokio::time::sleep(REFRESH_EVERY).await;
            }
            anyhow::Ok(())
        };
        let looking = look(&database, end);
        let (_, (), seen) = tokio::try_join!(writing, refreshing, looking)?;
        record_behind(name, record, &seen)
    })?;
    database.discard()
}

fn ours_behind(bench: &Bench, name: &str, record: &mut Record) -> Result<()> {
    let database = bench.cluster()?.database()?;
    bench.runtime.block_on(async {
        let Filler { ledger, .. } = ledger(&database).await?;
        let end = Instant::now() + bench.size.turn() * 2;
        let writing = try_join_all((0..BUSY_WRITERS).map(async |writer| {
            let mut written = 0;
            while Instant::now() < end {
                add_one(&ledger, &format!("{writer}-{written}")).await?;
                written += 1;
            }
            anyhow::Ok(())
        }));
        let (_, seen) = tokio::try_join!(writing, look(&database, end))?;
        ledger.close().await;
        record_behind(name, record, &seen)
    })?;
    database.discard()
}

/// Looks again and again, each time in one snapshot. Every change is one, so the difference of the
/// sums is in events.
async fn look(database: &Database, end: Instant) -> Result<Vec<f64>> {
    let client = database.connect().await?;
    let behind = client.prepare(include_str!("../../../sql/postgres/behind.sql")).await?;
    let mut seen = Vec::new();
    while Instant::now() < end {
        tokio::time::sleep(LOOK_EVERY).await;
        seen.push(client.query_one(&behind, &[]).await?.get::<_, i64>(0) as f64);
    }
    Ok(seen)
}

fn record_behind(name: &str, record: &mut Record, seen: &[f64]) -> Result<()> {
    ensure!(!seen.is_empty(), "nobody looked");
    record.figure(name, BEHIND, "events", median(seen));
    record.figure(name, MOST_BEHIND, "events", seen.iter().copied().fold(0.0, f64::max));
    Ok(())
}
