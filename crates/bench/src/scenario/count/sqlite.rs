//! The designs on SQLite, in process, over one connection: others would stand in line for it.

use super::{READ, READING, REFRESH, point};
use crate::bench::Bench;
use crate::grown::{Backend, GROWN_ITEMS, Past};
use crate::machine::disk_flushes;
use crate::measure::Latency;
use crate::results::Record;
use crate::single::{FLUSHES, LATENCY, RATE, Single};
use crate::work::{ITEMS, Movements, Random};
use anyhow::{Context as _, Result, ensure};
use rusqlite::Connection;
use std::path::Path;
use std::time::Instant;

pub const READ_GROWTH: &str = "time to read a count as the log grows, SQLite";

const COLUMN: &str = "SQLite: column";
const SUM: &str = "SQLite: sum of the log";
const REFRESHED: &str = "SQLite: refreshed table";
const OURS: &str = "ItemEventStore, SQLite";

const COLUMN_TABLES: &str = include_str!("../../../sql/sqlite/column.sql");
const LOG_TABLES: &str = include_str!("../../../sql/sqlite/log.sql");
const ADD_TO_COLUMN: &str = "UPDATE items SET quantity = quantity + ?2 WHERE id = ?1";
const ADD_TO_LOG: &str =
    "INSERT INTO item_event_store (item_id, quantity_change, reason) VALUES (?1, ?2, 'batch')";
const COUNT_IN_COLUMN: &str = "SELECT quantity FROM items WHERE id = ?1";
const COUNT_BY_SUM: &str = "SELECT sum(quantity_change) FROM item_event_store WHERE item_id = ?1";
const COUNT_IN_TABLE: &str = "SELECT quantity FROM item_inventory WHERE item_id = ?1";

/// A durable database with tables.
pub fn database(file: &Path, tables: &[&str]) -> Result<Connection> {
    let database = Connection::open(file)?;
    let mode: String = database.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    ensure!(mode == "wal", "the journal is {mode}");
    database.pragma_update(None, "synchronous", "FULL")?;
    for tables in tables {
        database.execute_batch(tables)?;
    }
    Ok(database)
}

/// Makes items. `more`: what follows the name in their rows.
pub fn fill_items(database: &Connection, items: i64, more: &str) -> Result<()> {
    let numbers = "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < ?1)";
    let insert = format!("{numbers} INSERT INTO items SELECT n, 'Item ' || n {more} FROM n");
    let made = database.execute(&insert, [items])?;
    ensure!(i64::try_from(made)? == items, "{made} items");
    Ok(())
}

pub fn column(load: Single<'_>, name: &str, record: &mut Record) -> Result<()> {
    write(load, &[COLUMN_TABLES], ADD_TO_COLUMN, name, record)
}

pub fn log_alone(load: Single<'_>, name: &str, record: &mut Record) -> Result<()> {
    write(load, &[LOG_TABLES], ADD_TO_LOG, name, record)
}

pub fn row_trigger(load: Single<'_>, name: &str, record: &mut Record) -> Result<()> {
    let trigger = include_str!("../../../sql/sqlite/row_trigger.sql");
    write(load, &[LOG_TABLES, trigger], ADD_TO_LOG, name, record)
}

fn write(
    load: Single<'_>,
    tables: &[&str],
    statement: &str,
    name: &str,
    record: &mut Record,
) -> Result<()> {
    let bench = load.bench;
    let folder = bench.folder()?;
    let database = database(&folder.path().join("count.db"), tables)?;
    fill_items(&database, ITEMS, if tables[0] == COLUMN_TABLES { ", 0" } else { "" })?;
    let mut statement = database.prepare(statement)?;
    let mut movements = Movements::new(4, load.shape, ITEMS);
    let mut latency = Latency::default();
    let flushes = disk_flushes(bench.scratch())?;
    let begun = Instant::now();
    let (from, mut written) = (begun + bench.size.warm_up(), 0_u32);
    let to = from + bench.size.turn();
    while Instant::now() < to {
        let moved = movements.next();
        let sent = Instant::now();
        ensure!(statement.execute((moved.item, moved.quantity))? == 1, "one row");
        if sent >= from {
            latency.record(sent.elapsed());
            written += 1;
        }
    }
    let flushes = disk_flushes(bench.scratch())? - flushes;
    ensure!(flushes > 0, "{name}: nothing was made to last");
    record.figure(name, RATE, "per second", f64::from(written) / (to - from).as_secs_f64());
    record.latency(name, LATENCY, &latency);
    record.figure(name, FLUSHES, "per second", flushes as f64 / begun.elapsed().as_secs_f64());
    Ok(())
}

/// Reads and refreshes at growing lengths of the log.
pub fn growth(bench: &Bench, record: &mut Record) -> Result<()> {
    let folder = bench.folder()?;
    let table = include_str!("../../../sql/sqlite/refreshed_table.sql");
    let log = database(&folder.path().join("log.db"), &[LOG_TABLES, table])?;
    let column = database(&folder.path().join("column.db"), &[COLUMN_TABLES])?;
    fill_items(&column, GROWN_ITEMS, ", 1000")?;
    fill_items(&log, GROWN_ITEMS, "")?;
    let lengths: &[i64] = bench.size.pick(
        &[10_000, 100_000, 1_000_000, 10_000_000],
        &[10_000, 100_000, 1_000_000],
        &[10_000],
    );
    let mut before = 0;
    let mut curves = [COLUMN, SUM, REFRESHED].map(|who| (who, Vec::new()));
    let mut refreshes = Vec::new();
    for &events in lengths {
        let grow = include_str!("../../../sql/sqlite/grow.sql");
        log.execute(grow, (before + 1, events, GROWN_ITEMS))?;
        before = events;
        let begun = Instant::now();
        log.execute_batch(include_str!("../../../sql/sqlite/refresh.sql"))?;
        let took = begun.elapsed().as_secs_f64() * 1e3;
        point(record, &mut refreshes, (REFRESHED, REFRESH, "ms"), (events, took));
        let reads = [(&column, COUNT_IN_COLUMN), (&log, COUNT_BY_SUM), (&log, COUNT_IN_TABLE)];
        for ((who, points), (database, sql)) in curves.iter_mut().zip(reads) {
            point(record, points, (who, READ, "µs"), (events, time_to_read(database, sql)?));
        }
    }
    for (who, points) in curves {
        record.curve(who, READ_GROWTH, points);
    }
    record.curve(REFRESHED, REFRESH, refreshes);
    let mut points = Vec::new();
    for past in Past::BOTH {
        let grown = bench.grown(Backend::Sqlite, past)?;
        let folder = grown.folder.as_ref().context("a folder")?;
        let database = Connection::open(folder.path().join("main.db"))?;
        let took = time_to_read(&database, COUNT_IN_TABLE)?;
        point(record, &mut points, (OURS, READ, "µs"), (grown.events, took));
    }
    record.curve(OURS, READ_GROWTH, points);
    Ok(())
}

/// Microseconds that a prepared statement takes: the median.
fn time_to_read(database: &Connection, sql: &str) -> Result<f64> {
    let mut statement = database.prepare(sql)?;
    let mut random = Random::new(9);
    let mut read = || {
        let item = random.up_to(GROWN_ITEMS.unsigned_abs()).cast_signed();
        statement.query_row([item], |row| row.get::<_, i64>(0))
    };
    for _ in 0..20 {
        read()?;
    }
    let (begun, mut latency) = (Instant::now(), Latency::default());
    while begun.elapsed() < READING {
        let sent = Instant::now();
        read()?;
        latency.record(sent.elapsed());
    }
    Ok(latency.millis(50.0) * 1e3)
}
