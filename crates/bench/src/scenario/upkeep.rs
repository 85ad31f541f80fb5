//! Rebuilding and verifying: how long it takes beside the bare sum, and whether writers notice.

use super::Scenario;
use crate::bench::{Bench, Contender};
use crate::grown::{Backend, GROWN_ITEMS, Grown, Past};
use crate::http::{Load, Pace};
use crate::page::{Axis, Picture};
use crate::results::Record;
use crate::server::Server;
use crate::single::LATENCY;
use crate::work::{Movements, Posts, Shape};
use anyhow::{Context as _, Result, ensure};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

const CONNECTIONS: usize = 64;
/// Movements a second while something else goes on.
const PER_SECOND: f64 = 1_000.0;
const TIME: &str = "time";
const REBUILD: (&str, &str) = ("/v1/rebuild", "{}");
/// Without the storage's own check of itself.
const VERIFY: (&str, &str) = ("/v1/verify", r#"{"storage":false}"#);

pub const SCENARIO: Scenario = Scenario {
    name: "upkeep",
    title: "Rebuild and verify",
    about: "On a large log (SQLite: 10 million events; PostgreSQL: 1 million, 10 million with \
            --full) of 1,000 items: the time of a rebuild and of a verify (without the storage's \
            own check) beside the bare `SELECT item_id, SUM(quantity_change) … GROUP BY \
            item_id`, at rest and while 1,000 movements a second are written. Then the latency \
            of these movements, alone and while rebuilds and verifies follow one another; it \
            begins when a movement was due.",
    measure,
    pictures: &[
        Picture::Bars {
            file: "time",
            title: "Time of a rebuild and of a verify",
            measure: TIME,
            only: "",
        },
        Picture::Lines {
            file: "latency",
            title: "Latency of 1,000 movements a second",
            measure: LATENCY,
            only: "",
            x: Axis::Share,
            y: Axis::log("ms"),
        },
    ],
};

fn measure(bench: &Bench, record: &mut Record) -> Result<()> {
    let mut contenders = Vec::new();
    for backend in Backend::BOTH {
        let mut add = |what: &str, turn: &'static Turn| {
            let name = format!("{}, {what}", backend.name());
            contenders.push(Contender::new(name, move |name, record| {
                turn(bench, &*bench.grown(backend, Past::Large)?, name, record)
            }));
        };
        add("bare sum", &bare_sum);
        add("rebuild", &|bench, grown, name, record| at_rest(bench, grown, REBUILD, name, record));
        add("verify", &|bench, grown, name, record| at_rest(bench, grown, VERIFY, name, record));
        add("rebuild while written to", &|bench, grown, name, record| {
            while_written_to(bench, grown, REBUILD, name, record)
        });
        add("verify while written to", &|bench, grown, name, record| {
            while_written_to(bench, grown, VERIFY, name, record)
        });
        add("POST alone", &|bench, grown, name, record| write(bench, grown, false, name, record));
        add("POST beside rebuild and verify", &|bench, grown, name, record| {
            write(bench, grown, true, name, record)
        });
    }
    bench.in_turn(contenders, record)
}

type Turn = dyn Fn(&Bench, &Grown, &str, &mut Record) -> Result<()>;

fn bare_sum(bench: &Bench, grown: &Grown, name: &str, record: &mut Record) -> Result<()> {
    const SUM: &str = include_str!("../../sql/sum_by_item.sql");
    let items = if let Some(database) = &grown.database {
        bench.runtime.block_on(async {
            let client = database.connect().await?;
            let begun = Instant::now();
            let rows = client.query(SUM, &[]).await?;
            record.figure(name, TIME, "s", begun.elapsed().as_secs_f64());
            anyhow::Ok(rows.len())
        })?
    } else {
        let folder = grown.folder.as_ref().context("a folder")?;
        let database = rusqlite::Connection::open(folder.path().join("main.db"))?;
        let begun = Instant::now();
        let mut sum = database.prepare(SUM)?;
        let rows = sum.query_map([], |row| row.get::<_, i64>(1))?;
        let items = rows.collect::<Result<Vec<_>, _>>()?.len();
        record.figure(name, TIME, "s", begun.elapsed().as_secs_f64());
        items
    };
    ensure!(i64::try_from(items)? == GROWN_ITEMS, "{items} items, {GROWN_ITEMS} expected");
    Ok(())
}

fn at_rest(
    bench: &Bench,
    grown: &Grown,
    what: (&str, &str),
    name: &str,
    record: &mut Record,
) -> Result<()> {
    let server = grown.serve(bench)?;
    record.figure(name, TIME, "s", done(&server, what)?.as_secs_f64());
    server.stop()
}

/// Carries it out; answers how long it took, and makes sure that all was well.
fn done(server: &Server, (path, body): (&str, &str)) -> Result<Duration> {
    let mut caller = server.caller()?;
    let begun = Instant::now();
    let reply = caller.exchange("POST", path, body)?;
    let took = begun.elapsed();
    ensure!(reply.status == 200, "answered {}: {}", reply.status, reply.body);
    let well = if path == VERIFY.0 {
        reply.body["clean"] == true
    } else {
        reply.body["changed"].as_array().is_some_and(Vec::is_empty)
    };
    ensure!(well, "{path}: {}", reply.body);
    Ok(took)
}

fn while_written_to(
    bench: &Bench,
    grown: &Grown,
    what: (&str, &str),
    name: &str,
    record: &mut Record,
) -> Result<()> {
    let server = grown.serve(bench)?;
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let writing = scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                write_on(&server, Duration::ZERO, Duration::from_millis(500))?;
            }
            anyhow::Ok(())
        });
        let took = done(&server, what);
        over.store(true, Ordering::Relaxed);
        writing.join().ok().context("the writing thread")??;
        record.figure(name, TIME, "s", took?.as_secs_f64());
        anyhow::Ok(())
    })?;
    server.stop()
}

/// Writes at a fixed rate, alone or while rebuilds and verifies follow one another.
fn write(
    bench: &Bench,
    grown: &Grown,
    upkeep: bool,
    name: &str,
    record: &mut Record,
) -> Result<()> {
    let server = grown.serve(bench)?;
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let keeping = scope.spawn(|| {
            let mut done_with = 0_u32;
            while upkeep && !over.load(Ordering::Relaxed) {
                done(&server, if done_with.is_multiple_of(2) { REBUILD } else { VERIFY })?;
                done_with += 1;
            }
            anyhow::Ok(done_with)
        });
        let length = bench.size.pick(20, 10, 1);
        let loaded = write_on(&server, bench.size.warm_up(), Duration::from_secs(length));
        over.store(true, Ordering::Relaxed);
        let done_with = keeping.join().ok().context("the other thread")??;
        record.latency(name, LATENCY, &loaded?.latency);
        if upkeep {
            record.figure(name, "rebuilds and verifies", "in all", f64::from(done_with));
        }
        anyhow::Ok(())
    })?;
    server.stop()
}

fn write_on(server: &Server, warm_up: Duration, length: Duration) -> Result<crate::http::Loaded> {
    let key = server.position()?.cast_unsigned();
    let movements = Movements::new(key, Shape::Spread, GROWN_ITEMS);
    let mut posts = Posts::new(movements, (server.address, &server.token), &[]);
    Load {
        addresses: &[server.address],
        connections: CONNECTIONS,
        pace: Pace::Open { per_second: PER_SECOND },
        warm_up,
        length,
        most: u64::MAX,
        status: 201,
        render: &mut |number, out| posts.render(key + number, out),
    }
    .run()
}
