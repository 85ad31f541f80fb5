//! An item's past: its latest events, and its count as of a position.

use super::Scenario;
use crate::bench::{Bench, Contender};
use crate::grown::{Backend, Grown, Past};
use crate::http::{Load, Pace};
use crate::page::{Axis, Picture};
use crate::results::Record;
use crate::work::{Random, get};
use anyhow::Result;

const CONNECTIONS: usize = 16;
/// Far below what can be answered: what is measured is the time of one answer.
const PER_SECOND: f64 = 500.0;

const LATENCY: &str = "latency";

pub const SCENARIO: Scenario = Scenario {
    name: "history",
    title: "An item's past",
    about: "500 questions a second, each about a random one of 1,000 items: its latest 50 \
            events, or its count as of a random position. Of a small log (10,000 events) and of \
            a large one (SQLite: 10 million; PostgreSQL: 1 million, 10 million with --full). \
            Latency begins when a question was due.",
    measure,
    pictures: &[Picture::Lines {
        file: "latency",
        title: "Latency of questions about the past",
        measure: LATENCY,
        only: "",
        x: Axis::Share,
        y: Axis::log("ms"),
    }],
};

fn measure(bench: &Bench, record: &mut Record) -> Result<()> {
    let mut contenders = Vec::new();
    for backend in Backend::BOTH {
        for past in Past::BOTH {
            for (what, path) in [("latest 50", LATEST), ("as of", AS_OF)] {
                let name = format!("{}, {}: {what}", backend.name(), past.name());
                contenders.push(Contender::new(name, move |name, record| {
                    ask(bench, &*bench.grown(backend, past)?, path, name, record)
                }));
            }
        }
    }
    bench.in_turn(contenders, record)
}

/// Writes a path about an item and a position.
type Path = fn(i64, i64) -> String;

const LATEST: Path = |item, _| format!("/v1/items/{item}/events?order=newest&limit=50");
const AS_OF: Path = |item, position| format!("/v1/items/{item}/inventory?as_of={position}");

fn ask(bench: &Bench, grown: &Grown, path: Path, name: &str, record: &mut Record) -> Result<()> {
    grown.warm()?;
    let server = grown.serve(bench)?;
    let mut random = Random::new(8);
    let loaded = Load {
        addresses: &[server.address],
        connections: CONNECTIONS,
        pace: Pace::Open { per_second: PER_SECOND },
        warm_up: bench.size.warm_up(),
        length: bench.size.turn(),
        most: u64::MAX,
        status: 200,
        render: &mut |_, out| {
            let item = Grown::item(&mut random);
            let position = random.up_to(grown.events.unsigned_abs()).cast_signed();
            get(out, &path(item, position), (server.address, &server.token));
        },
    }
    .run()?;
    record.latency(name, LATENCY, &loaded.latency);
    server.stop()
}
