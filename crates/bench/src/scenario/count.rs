//! Where should the count live? A column that is updated, a sum over the log, a materialized view,
//! a table kept by triggers, or ours: what writing and reading cost, how that grows with the log,
//! and what each loses.

mod losses;
mod postgres;
mod sqlite;

use super::Scenario;
use crate::bench::{Bench, Contender};
use crate::page::{Axis, Picture};
use crate::results::Record;
use crate::single::{RATE, Single};
use crate::work::Shape;
use anyhow::Result;
use std::time::Duration;

/// Of everyone who writes.
const CONNECTIONS: usize = 16;
/// How long a way to read a count is timed.
const READING: Duration = Duration::from_millis(300);

const READ: &str = "time to read a count";
const REFRESH: &str = "time of a refresh";
const LOST: &str = "lost, of 1,000 updates at once";
const ON_RECORD: &str = "on record, of 1,000 changes";
const BEHIND: &str = "events behind, median";
const MOST_BEHIND: &str = "events behind, most";

pub const SCENARIO: Scenario = Scenario {
    name: "count",
    title: "Where the count lives",
    about: "The same movements into each design: 16 connections on PostgreSQL (pgbench, and \
            ItemEventStore over HTTP), one connection in process on SQLite (beside it \
            ItemEventStore over HTTP from 16 connections). Then the time to read one count from \
            logs of growing length, by SQL over one connection; the time of a refresh; and what \
            becomes of 1,000 updates from 8 connections at once, of the record of them, and of a \
            count that is refreshed every second while 4 connections write.",
    measure,
    pictures: &[
        Picture::Bars {
            file: "write-postgres",
            title: "Events per second on PostgreSQL, one at a time",
            measure: RATE,
            only: "PostgreSQL",
        },
        Picture::Bars {
            file: "write-sqlite",
            title: "Events per second on SQLite, one at a time",
            measure: RATE,
            only: "SQLite",
        },
        Picture::Lines {
            file: "read-postgres",
            title: "Time to read one count as the log grows, PostgreSQL",
            measure: postgres::READ_GROWTH,
            only: "",
            x: Axis::log("events"),
            y: Axis::log("µs"),
        },
        Picture::Lines {
            file: "read-sqlite",
            title: "Time to read one count as the log grows, SQLite",
            measure: sqlite::READ_GROWTH,
            only: "",
            x: Axis::log("events"),
            y: Axis::log("µs"),
        },
        Picture::Lines {
            file: "refresh",
            title: "Time of a refresh as the log grows",
            measure: REFRESH,
            only: "",
            x: Axis::log("events"),
            y: Axis::log("ms"),
        },
        Picture::Bars {
            file: "lost",
            title: "Updates lost, of 1,000 at once",
            measure: LOST,
            only: "",
        },
        Picture::Bars {
            file: "behind",
            title: "How many events a count is behind, at most",
            measure: MOST_BEHIND,
            only: "",
        },
    ],
};

fn measure(bench: &Bench, record: &mut Record) -> Result<()> {
    let mut contenders = Vec::new();
    for shape in Shape::BOTH {
        let load = Single { bench, shape, connections: CONNECTIONS, way: Duration::ZERO };
        let mut add = |who: &str, turn: &'static Turn| {
            let name = format!("{who}, {}", shape.name());
            contenders.push(Contender::new(name, move |name, record| turn(load, name, record)));
        };
        add("PostgreSQL: column", &|load, name, record| load.update(name, record));
        add("PostgreSQL: log alone", &postgres::log_alone);
        add("PostgreSQL: row trigger", &|load, name, record| load.row_trigger(name, record));
        add("ItemEventStore, PostgreSQL", &|load, name, record| {
            load.postgres(crate::single::Setup::default(), name, record)
        });
        add("SQLite: column", &sqlite::column);
        add("SQLite: log alone", &sqlite::log_alone);
        add("SQLite: row trigger", &sqlite::row_trigger);
        add("ItemEventStore, SQLite", &|load, name, record| load.sqlite(name, record));
    }
    bench.in_turn(contenders, record)?;
    let once = vec![
        Contender::new("PostgreSQL: growth", |_, record| postgres::growth(bench, record)),
        Contender::new("SQLite: growth", |_, record| sqlite::growth(bench, record)),
    ];
    bench.once(once, record)?;
    bench.long_ones(losses::contenders(bench), record)
}

type Turn = dyn Fn(Single<'_>, &str, &mut Record) -> Result<()>;

/// Takes down how long something took at a length of the log; the points of one curve come
/// together in `points`.
fn point(
    record: &mut Record,
    points: &mut Vec<(f64, f64)>,
    (who, measure, unit): (&str, &str, &str),
    (events, took): (i64, f64),
) {
    record.figure(&format!("{who}, {} events", crate::page::count(events)), measure, unit, took);
    points.push((events as f64, took));
}
