//! The load that most contenders share: movements one at a time, each durable before its answer,
//! from so many connections, on all items alike or on a single one.

use crate::bench::Bench;
use crate::cluster::Database;
use crate::fill::fill;
use crate::http::{Load, Loaded, Pace};
use crate::machine::disk_flushes;
use crate::pgbench::PgBench;
use crate::process;
use crate::relay::Relay;
use crate::results::Record;
use crate::server::Server;
use crate::work::{ITEMS, Movements, Posts, Shape};
use anyhow::{Result, ensure};
use std::time::{Duration, Instant};
use tempfile::TempDir;

pub const RATE: &str = "events per second";
pub const LATENCY: &str = "latency";
pub const CLIENT_CPU: &str = "client's CPU per event";
pub const SERVER_CPU: &str = "server's CPU per event";
/// Answers that said "somebody else was first", after which the driver tried again.
pub const CONFLICTS: &str = "conflicts per second";
pub const FLUSHES: &str = "disk flushes per second";

/// The load.
#[derive(Clone, Copy)]
pub struct Single<'a> {
    pub bench: &'a Bench,
    pub shape: Shape,
    pub connections: usize,
    /// How far away PostgreSQL is: what every byte takes, in either direction.
    pub way: Duration,
}

/// How ItemEventStore is set up.
#[derive(Clone, Copy, Default)]
pub struct Setup<'a> {
    /// Processes on the same ledgers, beside the first.
    pub more_instances: usize,
    /// Written to in turn; the default one when there are none.
    pub ledgers: &'a [String],
}

/// A database that is some way off, as long as this is there.
struct Away {
    database: Database,
    _relay: Option<Relay>,
    _folder: TempDir,
}

impl Single<'_> {
    /// The items that are written to.
    pub fn items(&self) -> i64 {
        if self.shape == Shape::Hot { 1 } else { ITEMS }
    }

    /// A way to a database, as far as it shall be.
    fn away(&self, database: &Database) -> Result<Away> {
        let folder = self.bench.folder()?;
        let way = (!self.way.is_zero())
            .then(|| Relay::start(folder.path().to_owned(), database.socket(), self.way));
        let relay = way.transpose()?;
        let database = relay.as_ref().map_or(database.clone(), |relay| database.by(relay.folder()));
        Ok(Away { database, _relay: relay, _folder: folder })
    }

    /// ItemEventStore on a folder of SQLite files.
    pub fn sqlite(&self, name: &str, record: &mut Record) -> Result<()> {
        let folder = self.bench.folder()?;
        let store = folder.path().display().to_string();
        let (answered, token) = self.ies(&store, &[], Setup::default(), name, record)?;
        // What was answered is there, also after a kill.
        let server = Server::start(&self.bench.program, &store, Some(&token))?;
        let position = server.position()?;
        ensure!(position == ITEMS + answered, "{position} events, {answered} and {ITEMS} expected");
        server.stop()
    }

    /// ItemEventStore on a database of its own.
    pub fn postgres(&self, setup: Setup<'_>, name: &str, record: &mut Record) -> Result<()> {
        let cluster = self.bench.cluster()?;
        let database = cluster.database()?;
        let away = self.away(&database)?;
        let (answered, _) = self.ies(&away.database.url, &[cluster.pid()?], setup, name, record)?;
        let ledgers = i64::try_from(setup.ledgers.len().max(1))?;
        database.expect_count("item_event_store", ITEMS * ledgers + answered)?;
        database.discard()
    }

    /// Fills the ledgers, loads them, kills who serves them. Answers how many events were answered,
    /// and the token. `others`: whose CPU counts as the server's too.
    fn ies(
        &self,
        store: &str,
        others: &[u32],
        setup: Setup<'_>,
        name: &str,
        record: &mut Record,
    ) -> Result<(i64, String)> {
        let bench = self.bench;
        let mut ledgers: Vec<&str> = setup.ledgers.iter().map(String::as_str).collect();
        if ledgers.is_empty() {
            ledgers.push("main");
        }
        bench.runtime.block_on(fill(store, &ledgers, ITEMS, ITEMS))?;
        let first = Server::start(&bench.program, store, None)?;
        let token = first.token.clone();
        let mut servers = vec![first];
        for _ in 0..setup.more_instances {
            servers.push(Server::start(&bench.program, store, Some(&token))?);
        }
        let addresses: Vec<_> = servers.iter().map(|server| server.address).collect();
        let pids: Vec<u32> =
            servers.iter().map(Server::pid).chain(others.iter().copied()).collect();
        let movements = Movements::new(2, self.shape, ITEMS);
        let mut posts = Posts::new(movements, (addresses[0], &token), setup.ledgers);
        let loaded = watched(bench, &pids, name, record, || {
            let loaded = Load {
                addresses: &addresses,
                connections: self.connections,
                pace: Pace::Closed,
                warm_up: bench.size.warm_up(),
                length: bench.size.turn(),
                most: u64::MAX,
                status: 201,
                render: &mut |number, out| posts.render(number, out),
            }
            .run()?;
            Ok((loaded.answers_all, loaded))
        })?;
        record_load(&loaded, name, record);
        servers.into_iter().try_for_each(Server::kill)?;
        Ok((i64::try_from(loaded.answers_all)?, token))
    }

    /// The log of the note with its trigger.
    pub fn row_trigger(&self, name: &str, record: &mut Record) -> Result<()> {
        let database = self.bench.cluster()?.database()?;
        let items = ITEMS.to_string();
        database.script(include_str!("../sql/postgres/items.sql"), &[("items", &items)])?;
        database.script(include_str!("../sql/postgres/row_trigger.sql"), &[])?;
        let script = include_str!("../sql/postgres/write_log.sql");
        let events = self.pgbench(&self.away(&database)?.database, script, name, record)?;
        database.expect_count("item_event_store", events)?;
        let differing = include_str!("../sql/postgres/differing_counts.sql");
        ensure!(database.script(differing, &[])? == "0", "counts differ from the log");
        database.discard()
    }

    /// A column, and no log.
    pub fn update(&self, name: &str, record: &mut Record) -> Result<()> {
        let database = self.bench.cluster()?.database()?;
        let items = ITEMS.to_string();
        database.script(include_str!("../sql/postgres/column.sql"), &[("items", &items)])?;
        let script = include_str!("../sql/postgres/write_column.sql");
        self.pgbench(&database, script, name, record)?;
        database.discard()
    }

    /// Drives SQL by pgbench; answers how many transactions there were.
    pub fn pgbench(
        &self,
        database: &Database,
        script: &str,
        name: &str,
        record: &mut Record,
    ) -> Result<i64> {
        let (items, connections) = (self.items(), self.connections);
        let pgbench = PgBench { script, items, connections, rate: None };
        let server = self.bench.cluster()?.pid()?;
        let ran = watched(self.bench, &[server], name, record, || {
            let ran = pgbench.run(self.bench, database)?;
            Ok((ran.transactions_all, ran))
        })?;
        record.figure(name, RATE, "per second", ran.per_second);
        record.latency(name, LATENCY, &ran.latency);
        record.figure(name, CLIENT_CPU, "µs", micros(ran.client_cpu));
        Ok(i64::try_from(ran.transactions_all)?)
    }
}

pub fn record_load(loaded: &Loaded, name: &str, record: &mut Record) {
    record.figure(name, RATE, "per second", loaded.per_second());
    record.latency(name, LATENCY, &loaded.latency);
    record.figure(name, CLIENT_CPU, "µs", micros(loaded.client_cpu));
}

/// Runs a load, and takes down what the servers used of the CPU for each event and how often the
/// disk was told to make things last. A load without a flush was not durable.
pub fn watched<T>(
    bench: &Bench,
    servers: &[u32],
    name: &str,
    record: &mut Record,
    load: impl FnOnce() -> Result<(u64, T)>,
) -> Result<T> {
    let cpu = || servers.iter().map(|pid| process::cpu(*pid)).sum::<Result<Duration>>();
    let begun = Instant::now();
    let (cpu_before, flushes) = (cpu()?, disk_flushes(bench.scratch())?);
    let (events, loaded) = load()?;
    let flushes = disk_flushes(bench.scratch())? - flushes;
    let cpu = cpu()?.saturating_sub(cpu_before);
    ensure!(flushes > 0, "{name}: nothing was made to last");
    let (events, flushes) = (events as f64, flushes as f64);
    record.figure(name, SERVER_CPU, "µs", micros(cpu.div_f64(events)));
    record.figure(name, FLUSHES, "per second", flushes / begun.elapsed().as_secs_f64());
    Ok(loaded)
}

pub fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}
