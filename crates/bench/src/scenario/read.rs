//! The count of an item, asked by many at a time.

use super::Scenario;
use crate::bench::{Bench, Contender};
use crate::grown::{Backend, GROWN_ITEMS, Grown, Past};
use crate::http::{Load, Loaded, Pace};
use crate::page::{Axis, Picture};
use crate::pgbench::PgBench;
use crate::results::Record;
use crate::server::Server;
use crate::single::micros;
use crate::work::{Movements, Posts, Random, Shape, get};
use anyhow::{Context as _, Result};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const CONNECTIONS: usize = 64;

pub const RATE: &str = "answers per second";
const LATENCY: &str = "latency";
const CLIENT_CPU: &str = "client's CPU per answer";

pub const SCENARIO: Scenario = Scenario {
    name: "read",
    title: "The count of an item",
    about: "64 connections ask for the count of a random one of 1,000 items, as fast as they are \
            answered, of a small log (10,000 events) and of a large one (SQLite: 10 million; \
            PostgreSQL: 1 million, 10 million with --full). Beside it the same server's \
            `/livez`, which touches no database, and on PostgreSQL pgbench with a SELECT of the \
            same row. Then the same while 64 more connections write as fast as they can.",
    measure,
    pictures: &[
        Picture::Bars {
            file: "rate",
            title: "Answers per second, 64 connections",
            measure: RATE,
            only: "",
        },
        Picture::Lines {
            file: "latency",
            title: "Latency of a count while all 64 connections are busy",
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
        let mut add = |past: Past, what: &str, turn: &'static Turn| {
            let name = format!("{}, {}: {what}", backend.name(), past.name());
            contenders.push(Contender::new(name, move |name, record| {
                turn(bench, &*bench.grown(backend, past)?, name, record)
            }));
        };
        add(Past::Large, "/livez", &livez);
        add(Past::Small, "GET inventory", &inventory);
        add(Past::Large, "GET inventory", &inventory);
        if backend == Backend::Postgres {
            add(Past::Large, "pgbench SELECT", &select);
        }
        add(Past::Large, "GET inventory while written to", &while_written_to);
    }
    bench.in_turn(contenders, record)
}

type Turn = dyn Fn(&Bench, &Grown, &str, &mut Record) -> Result<()>;

fn livez(bench: &Bench, grown: &Grown, name: &str, record: &mut Record) -> Result<()> {
    let server = grown.serve(bench)?;
    load(bench, &server, name, record, &mut |_, out| {
        get(out, "/livez", (server.address, &server.token));
    })?;
    server.stop()
}

fn inventory(bench: &Bench, grown: &Grown, name: &str, record: &mut Record) -> Result<()> {
    let server = grown.serve(bench)?;
    ask_for_counts(bench, &server, name, record)?;
    server.stop()
}

fn while_written_to(bench: &Bench, grown: &Grown, name: &str, record: &mut Record) -> Result<()> {
    let server = grown.serve(bench)?;
    let size = bench.size;
    let begun = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let writing = scope.spawn(|| {
            let movements = Movements::new(5, Shape::Spread, GROWN_ITEMS);
            let mut posts = Posts::new(movements, (server.address, &server.token), &[]);
            let key = server.position()?.cast_unsigned();
            Load {
                addresses: &[server.address],
                connections: CONNECTIONS,
                pace: Pace::Closed,
                warm_up: size.warm_up() / 2,
                length: size.warm_up() + size.turn(),
                most: u64::MAX,
                status: 201,
                render: &mut |number, out| {
                    begun.store(true, Ordering::Relaxed);
                    posts.render(key + number, out);
                },
            }
            .run()
        });
        while !begun.load(Ordering::Relaxed) && !writing.is_finished() {
            std::thread::sleep(Duration::from_millis(5));
        }
        ask_for_counts(bench, &server, name, record)?;
        let written: Loaded = writing.join().ok().context("the writing thread")??;
        record.figure(name, "events per second beside it", "per second", written.per_second());
        anyhow::Ok(())
    })?;
    server.stop()
}

fn ask_for_counts(bench: &Bench, server: &Server, name: &str, record: &mut Record) -> Result<()> {
    let mut random = Random::new(6);
    load(bench, server, name, record, &mut |_, out| {
        let path = format!("/v1/items/{}/inventory", Grown::item(&mut random));
        get(out, &path, (server.address, &server.token));
    })
}

fn load(
    bench: &Bench,
    server: &Server,
    name: &str,
    record: &mut Record,
    render: &mut dyn FnMut(u64, &mut Vec<u8>),
) -> Result<()> {
    let loaded = Load {
        addresses: &[server.address],
        connections: CONNECTIONS,
        pace: Pace::Closed,
        warm_up: bench.size.warm_up(),
        length: bench.size.turn(),
        most: u64::MAX,
        status: 200,
        render,
    }
    .run()?;
    record.figure(name, RATE, "per second", loaded.per_second());
    record.latency(name, LATENCY, &loaded.latency);
    record.figure(name, CLIENT_CPU, "µs", micros(loaded.client_cpu));
    Ok(())
}

fn select(bench: &Bench, grown: &Grown, name: &str, record: &mut Record) -> Result<()> {
    let script = include_str!("../../sql/postgres/read_own_inventory.sql");
    let database = grown.database.as_ref().context("a database")?;
    let pgbench = PgBench { script, items: GROWN_ITEMS, connections: CONNECTIONS, rate: None };
    let ran = pgbench.run(bench, database)?;
    record.figure(name, RATE, "per second", ran.per_second);
    record.latency(name, LATENCY, &ran.latency);
    record.figure(name, CLIENT_CPU, "µs", micros(ran.client_cpu));
    Ok(())
}
