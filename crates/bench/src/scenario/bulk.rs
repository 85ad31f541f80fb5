//! Many movements at a time: how fast a log grows, and whether it stays fast as it does.

use super::Scenario;
use crate::bench::{Bench, Contender};
use crate::fill::{Filler, REQUEST_COMMANDS, fill};
use crate::http::{Load, Pace, head};
use crate::measure::Growth;
use crate::page::{Axis, Picture};
use crate::peer::tigerbeetle;
use crate::process;
use crate::results::Record;
use crate::server::Server;
use crate::single;
use crate::work::{ITEMS, Movements, Shape};
use anyhow::{Context as _, Result, ensure};
use item_event_store::store::{Mode, open};
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

pub const RATE: &str = "events per second";
pub const FIRST: &str = "events per second, first million";
pub const LAST: &str = "events per second, last million";
pub const MEMORY: &str = "peak memory";
pub const BYTES: &str = "file per event";
pub const GROWTH: &str = "events per second as the log grows";

pub const LIBRARY: &str = "ItemEventStore, library";
pub const OVER_HTTP: &str = "ItemEventStore, HTTP";
pub const LIBRARY_LONG: &str = "ItemEventStore, library, 20 million";
pub const OVER_HTTP_LONG: &str = "ItemEventStore, HTTP, 20 million";
pub const BARE: &str = "SQLite, bare inserts";

/// Bodies that a client over HTTP has ready, so that it need not make any while it measures.
const BODIES: usize = 32;
/// Requests under way at one time over HTTP.
const CONNECTIONS: usize = 2;

pub const SCENARIO: Scenario = Scenario {
    name: "bulk",
    title: "Many events at a time",
    about: "Requests of 8,189 commands on 10,000 items, at most two under way at a time. \
            ItemEventStore judges every command on the newest count, and its guards, its running \
            balances and the way to an item's history are on. Beside it a bare loop: the same \
            rows by a prepared INSERT into a plain SQLite table without any index, as many to a \
            commit; and TigerBeetle's own benchmark with its default batch, where there is one \
            at hand.",
    measure,
    pictures: &[
        Picture::Bars {
            file: "rate",
            title: "Events per second, in bulk",
            measure: RATE,
            only: "",
        },
        Picture::Lines {
            file: "growth",
            title: "Events per second as the log grows",
            measure: GROWTH,
            only: "",
            x: Axis::linear("million events"),
            y: Axis::linear("events per second"),
        },
        Picture::Bars { file: "bytes", title: "Bytes of file per event", measure: BYTES, only: "" },
    ],
};

fn measure(bench: &Bench, record: &mut Record) -> Result<()> {
    let events = bench.size.pick(2_000_000, 2_000_000, 50_000);
    let contenders = vec![
        Contender::new(LIBRARY, |name, record| library_apart(bench, events, name, record)),
        Contender::new(OVER_HTTP, |name, record| http(bench, events, name, record)),
        Contender::new(BARE, |name, record| bare(bench, events, name, record)),
        Contender::new(tigerbeetle::NAME, |name, record| {
            tigerbeetle::bulk(bench, events, name, record)
        }),
    ];
    bench.in_turn(contenders, record)?;
    let many = bench.size.pick(20_000_000, 20_000_000, 100_000);
    let contenders = vec![
        Contender::new(LIBRARY_LONG, |name, record| library_apart(bench, many, name, record)),
        Contender::new(OVER_HTTP_LONG, |name, record| http(bench, many, name, record)),
    ];
    bench.long_ones(contenders, record)
}

/// The library in a process of its own, so that its memory is its own too.
fn library_apart(bench: &Bench, events: usize, name: &str, record: &mut Record) -> Result<()> {
    let folder = bench.folder()?;
    let output = Command::new(std::env::current_exe()?)
        .args(["ingest", &events.to_string()])
        .arg(folder.path())
        .output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let ingested: Ingested = serde_json::from_slice(&output.stdout).context("the growth")?;
    ingested.record(folder.path(), name, record)
}

/// How a log grew, and what it took.
#[derive(serde::Serialize, serde::Deserialize)]
struct Ingested {
    growth: Growth,
    peak_resident_bytes: u64,
}

impl Ingested {
    fn record(&self, store: &Path, name: &str, record: &mut Record) -> Result<()> {
        let events = self.growth.events();
        record.figure(name, RATE, "per second", self.growth.rate_after(Duration::ZERO));
        let pieces = self.growth.pieces(1_000_000.min(events / 2));
        if let ([(_, first), ..], [.., (_, last)]) = (pieces.as_slice(), pieces.as_slice()) {
            record.figure(name, FIRST, "per second", *first);
            record.figure(name, LAST, "per second", *last);
        }
        record.figure(name, MEMORY, "MB", self.peak_resident_bytes as f64 / 1e6);
        record.figure(name, BYTES, "bytes", folder_bytes(store)? as f64 / events as f64);
        if events > 5_000_000 {
            let points = pieces.iter().map(|(end, rate)| (*end as f64 / 1e6, *rate)).collect();
            record.curve(name, GROWTH, points);
        }
        Ok(())
    }
}

/// `bench ingest`: fills a store through the library, and prints how it grew.
pub async fn ingest(events: usize, folder: &Path) -> Result<()> {
    let store = open(&folder.display().to_string(), Mode::Write).await?;
    let mut filler = Filler::of(store, "main").await?;
    filler.create_items(ITEMS).await?;
    let mut movements = Movements::new(3, Shape::Spread, ITEMS);
    let growth = filler.write(&mut movements, REQUEST_COMMANDS, |sent| sent < events).await?;
    let peak_resident_bytes = process::peak_resident_bytes(std::process::id())?;
    filler.close(ITEMS + i64::try_from(growth.events())?).await?;
    println!("{}", serde_json::to_string(&Ingested { growth, peak_resident_bytes })?);
    Ok(())
}

fn http(bench: &Bench, events: usize, name: &str, record: &mut Record) -> Result<()> {
    let folder = bench.folder()?;
    let store = folder.path().display().to_string();
    bench.runtime.block_on(fill(&store, &["main"], ITEMS, ITEMS))?;
    let server = Server::start(&bench.program, &store, None)?;
    let mut movements = Movements::new(3, Shape::Spread, ITEMS);
    let bodies: Vec<String> = (0..BODIES).map(|_| movements.json(REQUEST_COMMANDS)).collect();
    let requests = events.div_ceil(REQUEST_COMMANDS);
    let mut growth = Growth::begin();
    let cpu = process::cpu(server.pid())?;
    let loaded = Load {
        addresses: &[server.address],
        connections: CONNECTIONS,
        pace: Pace::Closed,
        warm_up: Duration::ZERO,
        length: Duration::from_hours(1),
        most: requests as u64,
        status: 201,
        render: &mut |number, out| {
            // A request is sent when one is answered, but for the first ones.
            if number >= CONNECTIONS as u64 {
                growth.add(REQUEST_COMMANDS);
            }
            let body = &bodies[usize::try_from(number).unwrap_or(0) % BODIES];
            head(out, "POST", "/v1/events", server.address, &server.token);
            let _ = write!(
                out,
                "content-type: application/json\r\nidempotency-key: \"bulk-{number}\"\r\n\
                 content-length: {}\r\n\r\n{body}",
                body.len()
            );
        },
    }
    .run()?;
    let events = requests * REQUEST_COMMANDS;
    growth.add(events - growth.events());
    let cpu = process::cpu(server.pid())?.saturating_sub(cpu);
    let per_event = |time: Duration| single::micros(time.div_f64(events as f64));
    record.figure(name, single::SERVER_CPU, "µs", per_event(cpu));
    let client = loaded.client_cpu.mul_f64(requests as f64);
    record.figure(name, single::CLIENT_CPU, "µs", per_event(client));
    let expected = ITEMS + i64::try_from(events)?;
    let position = server.position()?;
    ensure!(position == expected, "{position} events, {expected} expected");
    let peak_resident_bytes = process::peak_resident_bytes(server.pid())?;
    server.stop()?;
    Ingested { growth, peak_resident_bytes }.record(folder.path(), name, record)
}

/// A prepared INSERT of the same columns, as many rows to a commit, and nothing else.
fn bare(bench: &Bench, events: usize, name: &str, record: &mut Record) -> Result<()> {
    let folder = bench.folder()?;
    let mut database = rusqlite::Connection::open(folder.path().join("bare.db"))?;
    database.pragma_update(None, "journal_mode", "WAL")?;
    database.pragma_update(None, "synchronous", "FULL")?;
    database.execute_batch(include_str!("../../sql/sqlite/bare.sql"))?;
    let mut movements = Movements::new(3, Shape::Spread, ITEMS);
    let mut balances = vec![0_i64; usize::try_from(ITEMS)? + 1];
    let mut growth = Growth::begin();
    let mut written = 0;
    while written < events {
        let size = REQUEST_COMMANDS.min(events - written);
        let transaction = database.transaction()?;
        let mut insert =
            transaction.prepare_cached(include_str!("../../sql/sqlite/bare_insert.sql"))?;
        for number in 0..size {
            let moved = movements.next();
            let balance = &mut balances[usize::try_from(moved.item)?];
            *balance += moved.change();
            let id = i64::try_from(written + number + 1)?;
            let (change, reason) = (moved.change(), moved.reason());
            insert.execute((id, moved.item, change, reason, id, id, *balance, "bench", id))?;
        }
        drop(insert);
        transaction.commit()?;
        written += size;
        growth.add(size);
    }
    let count: i64 =
        database.query_row("SELECT count(*) FROM item_event_store", [], |row| row.get(0))?;
    ensure!(count == i64::try_from(events)?, "{count} rows, {events} expected");
    drop(database);
    record.figure(name, RATE, "per second", growth.rate_after(Duration::ZERO));
    let bytes = folder_bytes(folder.path())? as f64 / events as f64;
    record.figure(name, BYTES, "bytes", bytes);
    Ok(())
}

/// The bytes of a folder's files.
pub fn folder_bytes(folder: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let about = entry.metadata()?;
        bytes += if about.is_dir() { folder_bytes(&entry.path())? } else { about.len() };
    }
    Ok(bytes)
}
