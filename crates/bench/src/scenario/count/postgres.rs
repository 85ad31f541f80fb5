//! The designs on PostgreSQL.

use super::{READ, READING, REFRESH, point};
use crate::bench::Bench;
use crate::cluster::Database;
use crate::grown::{Backend, GROWN_ITEMS, Past};
use crate::measure::Latency;
use crate::results::Record;
use crate::single::Single;
use crate::work::{ITEMS, Random};
use anyhow::Result;
use std::time::Instant;

pub const READ_GROWTH: &str = "time to read a count as the log grows, PostgreSQL";

const COLUMN: &str = "PostgreSQL: column";
const SUM: &str = "PostgreSQL: sum of the log";
const VIEW: &str = "PostgreSQL: materialized view";
const OURS: &str = "ItemEventStore, PostgreSQL";

/// The log without anything that keeps a count.
pub fn log_alone(load: Single<'_>, name: &str, record: &mut Record) -> Result<()> {
    let database = load.bench.cluster()?.database()?;
    let items = ITEMS.to_string();
    database.script(include_str!("../../../sql/postgres/items.sql"), &[("items", &items)])?;
    let script = include_str!("../../../sql/postgres/write_log.sql");
    let events = load.pgbench(&database, script, name, record)?;
    database.expect_count("item_event_store", events)?;
    database.discard()
}

/// Reads and refreshes at growing lengths of the log.
pub fn growth(bench: &Bench, record: &mut Record) -> Result<()> {
    let cluster = bench.cluster()?;
    let (log, column) = (cluster.database()?, cluster.database()?);
    let items = GROWN_ITEMS.to_string();
    log.script(include_str!("../../../sql/postgres/items.sql"), &[("items", &items)])?;
    log.script(include_str!("../../../sql/postgres/materialized_view.sql"), &[])?;
    column.script(include_str!("../../../sql/postgres/column.sql"), &[("items", &items)])?;
    let lengths: &[i64] = bench.size.pick(
        &[10_000, 100_000, 1_000_000, 10_000_000],
        &[10_000, 100_000, 1_000_000],
        &[10_000],
    );
    let mut before = 0;
    let mut curves = [COLUMN, SUM, VIEW].map(|who| (who, Vec::new()));
    let mut refreshes = Vec::new();
    for &events in lengths {
        grow(&log, before, events)?;
        before = events;
        let begun = Instant::now();
        log.psql(&["-c", "REFRESH MATERIALIZED VIEW item_inventory"])?;
        let took = begun.elapsed().as_secs_f64() * 1e3;
        point(record, &mut refreshes, (VIEW, REFRESH, "ms"), (events, took));
        let reads = [
            (&column, include_str!("../../../sql/postgres/count_in_column.sql")),
            (&log, include_str!("../../../sql/postgres/count_by_sum.sql")),
            (&log, include_str!("../../../sql/postgres/count_in_table.sql")),
        ];
        for ((who, points), (database, sql)) in curves.iter_mut().zip(reads) {
            let took = time_to_read(bench, database, sql)?;
            point(record, points, (who, READ, "µs"), (events, took));
        }
    }
    for (who, points) in curves {
        record.curve(who, READ_GROWTH, points);
    }
    record.curve(VIEW, REFRESH, refreshes);
    log.discard()?;
    column.discard()?;
    let mut points = Vec::new();
    for past in Past::BOTH {
        let grown = bench.grown(Backend::Postgres, past)?;
        let Some(database) = &grown.database else { continue };
        let sql = include_str!("../../../sql/postgres/count_in_ours.sql");
        let took = time_to_read(bench, database, sql)?;
        point(record, &mut points, (OURS, READ, "µs"), (grown.events, took));
    }
    record.curve(OURS, READ_GROWTH, points);
    Ok(())
}

fn grow(log: &Database, before: i64, events: i64) -> Result<()> {
    let (from, to) = ((before + 1).to_string(), events.to_string());
    let items = GROWN_ITEMS.to_string();
    let grow = include_str!("../../../sql/postgres/grow.sql");
    log.script(grow, &[("from", &from), ("to", &to), ("items", &items)])?;
    log.psql(&["-c", "VACUUM (ANALYZE) item_event_store"]).map(drop)
}

/// Microseconds that a prepared statement takes over one connection: the median.
fn time_to_read(bench: &Bench, database: &Database, sql: &str) -> Result<f64> {
    bench.runtime.block_on(async {
        let client = database.connect().await?;
        let statement = client.prepare(sql).await?;
        let mut random = Random::new(9);
        let mut read = async || {
            let item = i32::try_from(random.up_to(GROWN_ITEMS.unsigned_abs()))?;
            client.query_one(&statement, &[&item]).await?;
            anyhow::Ok(())
        };
        for _ in 0..20 {
            read().await?;
        }
        let (begun, mut latency) = (Instant::now(), Latency::default());
        while begun.elapsed() < READING {
            let sent = Instant::now();
            read().await?;
            latency.record(sent.elapsed());
        }
        Ok(latency.millis(50.0) * 1e3)
    })
}
