//! From the start of the program to its first correct answer.

use super::Scenario;
use crate::bench::{Bench, Contender};
use crate::grown::{Backend, GROWN_ITEMS, Grown, Past};
use crate::http::{Load, Pace};
use crate::page::Picture;
use crate::results::Record;
use crate::server::Server;
use crate::work::{Movements, Posts, Shape};
use anyhow::{Context as _, Result, ensure};
use std::time::{Duration, Instant};

const TIME: &str = "time to first answer";
/// Movements that were just written when the program is killed or stopped.
const BEFORE: u64 = 500;
/// Starts in a turn: the median of them counts.
const STARTS: usize = 5;

pub const SCENARIO: Scenario = Scenario {
    name: "start",
    title: "From start to first answer",
    about: "`ies serve` is started on a small log (10,000 events) and on a large one (SQLite: 10 \
            million; PostgreSQL: 1 million, 10 million with --full) of the same 1,000 items, \
            after it was stopped, and after it was killed with movements just written. Time runs \
            from the start of the process until the right count of an item is read. The files \
            are in the system's cache.",
    measure,
    pictures: &[Picture::Bars {
        file: "time",
        title: "Start to first correct answer",
        measure: TIME,
        only: "",
    }],
};

fn measure(bench: &Bench, record: &mut Record) -> Result<()> {
    let mut contenders = Vec::new();
    for backend in Backend::BOTH {
        for past in Past::BOTH {
            for (how, end) in [("stopped", Server::stop as End), ("killed", Server::kill as End)] {
                let name = format!("{}, {}: {how}", backend.name(), past.name());
                contenders.push(Contender::new(name, move |name, record| {
                    start(bench, &*bench.grown(backend, past)?, end, name, record)
                }));
            }
        }
    }
    bench.in_turn(contenders, record)
}

type End = fn(Server) -> Result<()>;

fn start(bench: &Bench, grown: &Grown, end: End, name: &str, record: &mut Record) -> Result<()> {
    let mut times = Vec::new();
    for _ in 0..STARTS {
        let server = grown.serve(bench)?;
        write(&server)?;
        let expected = (server.position()?, quantity(&server)?);
        end(server)?;
        let begun = Instant::now();
        let server = grown.serve(bench)?;
        let quantity = quantity(&server)?;
        times.push(begun.elapsed().as_secs_f64() * 1e3);
        let found = (server.position()?, quantity);
        ensure!(found == expected, "position and count are {found:?}, {expected:?} expected");
        server.stop()?;
    }
    record.figure(name, TIME, "ms", crate::measure::median(&times));
    Ok(())
}

fn write(server: &Server) -> Result<()> {
    let key = server.position()?.cast_unsigned();
    let movements = Movements::new(key, Shape::Spread, GROWN_ITEMS);
    let mut posts = Posts::new(movements, (server.address, &server.token), &[]);
    Load {
        addresses: &[server.address],
        connections: 16,
        pace: Pace::Closed,
        warm_up: Duration::ZERO,
        length: Duration::from_mins(1),
        most: BEFORE,
        status: 201,
        render: &mut |number, out| posts.render(key + number, out),
    }
    .run()
    .map(drop)
}

fn quantity(server: &Server) -> Result<i64> {
    let reply = server.caller()?.get("/v1/items/1/inventory")?;
    ensure!(reply.status == 200, "answered {}: {}", reply.status, reply.body);
    reply.body["inventory"]["quantity"].as_i64().context("a quantity")
}
