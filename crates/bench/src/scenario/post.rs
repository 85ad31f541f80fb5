//! Single movements, one at a time, from 64 connections: each is durable before its answer.

use super::Scenario;
use crate::bench::{Bench, Contender};
use crate::page::{Axis, Picture};
use crate::peer;
use crate::results::Record;
use crate::single::{LATENCY, RATE, Setup, Single};
use crate::work::Shape;
use anyhow::Result;
use std::time::Duration;

/// Connections of every contender.
const CONNECTIONS: usize = 64;

pub const SCENARIO: Scenario = Scenario {
    name: "post",
    title: "One event at a time",
    about: "64 connections send one movement after another, each waiting for its answer, on \
            10,000 items alike or all on one. ItemEventStore takes them over HTTP with a token, \
            an idempotency key and JSON each, and checks stock, version and role; the others are \
            driven as their makers show. The disk's flushes are those of the whole machine. Not \
            here: eventually-postgres, which no longer compiles, and disintegrate where \
            PostgreSQL is older than 16, which its SQL needs.",
    measure,
    pictures: &[
        Picture::Bars {
            file: "rate",
            title: "Events per second, 64 connections",
            measure: RATE,
            only: "",
        },
        Picture::Lines {
            file: "latency",
            title: "Latency while all 64 connections are busy, spread",
            measure: LATENCY,
            only: "spread",
            x: Axis::Share,
            y: Axis::log("ms"),
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
        add("ItemEventStore, SQLite", &|load, name, record| load.sqlite(name, record));
        add("ItemEventStore, PostgreSQL", &|load, name, record| {
            load.postgres(Setup::default(), name, record)
        });
        add("PostgreSQL, row trigger", &|load, name, record| load.row_trigger(name, record));
        add("PostgreSQL, UPDATE only", &|load, name, record| load.update(name, record));
        for peer in &peer::ALL {
            add(peer.name, &peer.post);
        }
    }
    bench.in_turn(contenders, record)
}

type Turn = dyn Fn(Single<'_>, &str, &mut Record) -> Result<()>;
