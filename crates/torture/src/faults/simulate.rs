//! Deterministic simulation (F30): clients, writer and store on one thread, on a disk that fails,
//! is full and loses power, with a clock that jumps; all of it by a seed. The same seed gives the
//! same log.

use crate::check::{self, Promise, Violation};
use crate::generate::{Generator, Seen};
use crate::history::{Action, Answer, History, Op};
use crate::local::{self, Local};
use crate::random::Random;
use crate::run::{Run, Tally};
use crate::witness::{Witness, read_sqlite};
use crate::worker::{Holder, KINDS, Worker};
use anyhow::{Result, bail, ensure};
use futures_util::future::{join_all, poll_immediate};
use item_event_store::clock::SetClock;
use item_event_store::time::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::Mutex;

const TICKS: u64 = 40;
/// Seeds of a run that are simulated twice.
const DOUBLE: u64 = 100;
const TRIES: usize = 20;
/// 2026-11-23T00:00:00Z.
const MONDAY: i64 = 1_795_392_000_000_000;

pub fn run(run: &Run, seeds: u64) -> Result<Tally> {
    let mut tally = Tally::default();
    for number in 0..seeds {
        let seed = Random::of(run.seed, &[6, number]).next();
        let first = one(run, seed, &mut tally)?;
        if number < DOUBLE {
            let again = one(run, seed, &mut Tally::default())?;
            tally.add("seeds run twice with the same log", 1);
            if first != again {
                let what = format!("seed {seed} gave two logs: {first} and {again}");
                tally.broken.push(Violation::new(Promise::I7Order, what));
            }
        }
        tally.add("simulation seeds", 1);
        run.say(format!("simulation: {tally}"));
        if !tally.broken.is_empty() {
            break;
        }
    }
    Ok(tally)
}

/// Simulates one seed; the hash of its log.
fn one(run: &Run, seed: u64, tally: &mut Tally) -> Result<String> {
    let mut worker = Worker::start(run, &["simulate", &seed.to_string()])?;
    let said: Value = serde_json::from_str(&worker.serve()?)?;
    report(&said, &format!("seed {seed}"), tally);
    Ok(said["hash"].as_str().unwrap_or_default().to_owned())
}

/// Takes over what a worker counted and found.
pub fn report(said: &Value, of: &str, tally: &mut Tally) {
    for what in ["acknowledged writes", "losses of power", "deaths", "faults met"] {
        tally.add(what, usize::try_from(said[what].as_u64().unwrap_or(0)).unwrap_or(0));
    }
    for found in said["broken"].as_array().into_iter().flatten() {
        let name = found["promise"].as_str().unwrap_or_default();
        let promise = Promise::ALL.into_iter().find(|promise| promise.says().0 == name);
        let what = format!("{of}: {}", found["what"].as_str().unwrap_or_default());
        tally.broken.push(Violation::new(promise.unwrap_or(Promise::I11Errors), what));
    }
}

/// A simulated machine with its clients.
pub struct Machine {
    disk: PathBuf,
    local: Option<Local>,
    pub history: History,
    pub seen: Seen,
    clock: Arc<SetClock>,
    now: Timestamp,
    losses: u64,
    deaths: u64,
    failures: u64,
}

impl Machine {
    pub fn new(disk: &Path) -> Result<Self> {
        let now = Timestamp::from_micros(MONDAY);
        Ok(Self {
            disk: disk.to_path_buf(),
            local: None,
            history: History::in_memory()?,
            seen: Seen::default(),
            clock: Arc::new(SetClock::new(now)),
            now,
            losses: 0,
            deaths: 0,
            failures: 0,
        })
    }

    /// The store, open. What keeps it from opening is taken away once it has struck.
    pub async fn open(&mut self) -> Result<&Local> {
        if self.local.is_none() {
            for last in [false, true] {
                match Local::open(&self.disk, &self.clock).await {
                    Ok(local) => {
                        self.local = Some(local);
                        break;
                    }
                    Err(error) if last => bail!("the store does not open again: {error}"),
                    Err(_) => {
                        self.failures += 1;
                        Holder::disarm()?;
                        self.disk = Holder::restart()?;
                    }
                }
            }
        }
        self.local.as_ref().ok_or_else(|| anyhow::anyhow!("open"))
    }

    pub async fn lose_power(&mut self, seed: u64, keep: &str) -> Result<()> {
        self.losses += 1;
        self.disk = Holder::lose_power(seed, keep)?;
        self.let_go().await;
        Ok(())
    }

    pub async fn die(&mut self) -> Result<()> {
        self.deaths += 1;
        self.disk = Holder::restart()?;
        self.let_go().await;
        Ok(())
    }

    async fn let_go(&mut self) {
        if let Some(local) = self.local.take() {
            local.kill().await;
        }
    }

    async fn close(&mut self) {
        if let Some(local) = self.local.take() {
            local.close().await;
        }
    }

    pub fn set_clock(&mut self, random: &mut Random) {
        self.now = self.now.plus_micros(random.number(-600, 3_600) * 1_000_000);
        self.clock.set(self.now);
    }

    /// A few requests at once; some clients go away before they are answered. An answer that is
    /// told again is read on another thread: two of them at once would read in an order that no
    /// seed gives, so they take turns.
    pub async fn tick(&mut self, random: &mut Random, tick: u64) -> Result<()> {
        let actor = "admin".parse()?;
        let mut calls = Vec::new();
        for number in 0..=random.below(4) {
            let again = if random.one_in(8) { self.history.recent(random.index(8)) } else { None };
            let mut generator =
                Generator { random: random.clone(), seen: &self.seen, now: self.now };
            random.next();
            let fresh = || Arc::new(generator.call(&format!("{tick}-{number}"), &actor));
            let told_again = again.is_some();
            calls.push((again.unwrap_or_else(fresh), told_again, random.one_in(16)));
        }
        self.open().await?;
        let (local, history) = (self.local.as_ref(), &self.history);
        let Some(local) = local else { bail!("the store is open") };
        let turns = Mutex::new(());
        let answers = calls.iter().map(async |(call, told_again, vanishes)| {
            if *vanishes {
                let number = history.invoke(Action::Write(Arc::clone(call)))?;
                let answer = poll_immediate(Box::pin(local.execute(call))).await;
                let answer = answer.unwrap_or(Answer::Lost("the client went away".into()));
                history.answer(number, answer.clone())?;
                return anyhow::Ok(answer);
            }
            let _turn = if *told_again { Some(turns.lock().await) } else { None };
            local.call(history, call).await
        });
        for answer in join_all(answers).await {
            self.seen.note(&answer?);
        }
        Ok(())
    }

    /// Whether the process would have ended by now.
    pub fn has_failed(&self) -> bool {
        self.local.as_ref().is_some_and(Local::has_failed)
    }

    /// All works again: finds out what became of every request.
    pub async fn resolve(&mut self) -> Result<()> {
        Holder::disarm()?;
        let mut open: BTreeMap<(String, [u8; 32]), (bool, Arc<crate::call::Call>)> =
            BTreeMap::new();
        for op in self.history.ops() {
            let Op { action: Action::Write(call), answer, .. } = op else { continue };
            let entry = open.entry((call.key.to_string(), call.hash()));
            entry.or_insert_with(|| (false, call)).0 |= answer.is_definite();
        }
        for (_, call) in open.into_values().filter(|(known, _)| !known) {
            for _ in 0..TRIES {
                if self.has_failed() {
                    self.die().await?;
                }
                self.open().await?;
                let Some(local) = &self.local else { break };
                if local.call(&self.history, &call).await?.is_definite() {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Closes it, and holds all that was seen against what is on the disk.
    pub async fn settle(&mut self) -> Result<(Witness, Vec<Violation>)> {
        self.resolve().await?;
        self.open().await?;
        self.close().await;
        let witness = read_sqlite(&local::file(&self.disk))?;
        let broken = check::check(&self.history.ops(), &witness);
        Ok((witness, broken))
    }

    pub fn said(&self, hash: &str, broken: &[Violation]) -> Value {
        let broken: Vec<_> = broken
            .iter()
            .map(|found| json!({ "promise": found.promise.says().0, "what": found.what }))
            .collect();
        json!({ "hash": hash, "broken": broken, "losses of power": self.losses,
            "deaths": self.deaths, "faults met": self.failures,
            "acknowledged writes": crate::load::acknowledged(&self.history.ops()) })
    }
}

/// What a worker does: a whole life by one seed.
pub async fn work(disk: &Path, seed: u64) -> Result<String> {
    let mut machine = Machine::new(disk)?;
    let lived = live(&mut machine, seed).await;
    let (hash, broken) = match lived {
        Ok((witness, broken)) => (log_hash(&witness), broken),
        Err(error) => {
            let what = format!("{error:#}");
            (String::new(), vec![Violation::new(Promise::I11Errors, what)])
        }
    };
    Ok(machine.said(&hash, &broken).to_string())
}

async fn live(machine: &mut Machine, seed: u64) -> Result<(Witness, Vec<Violation>)> {
    let mut random = Random::new(seed);
    for tick in 0..TICKS {
        machine.set_clock(&mut random);
        match random.below(20) {
            0 => machine.lose_power(random.next(), "any").await?,
            1 => machine.die().await?,
            2 => machine.close().await,
            3 | 4 => {
                let hows = [
                    "io",
                    "io-half",
                    "io-good",
                    "space",
                    "space-half",
                    "quota",
                    "late",
                    "late-good",
                ];
                let (kind, how) = (*random.pick(&KINDS), *random.pick(&hows));
                Holder::arm(kind, random.below(12) + 1, how)?;
            }
            5 => Holder::room(random.below(60_000))?,
            6 | 7 => Holder::disarm()?,
            _ => {}
        }
        machine.tick(&mut random, tick).await?;
        if machine.has_failed() {
            machine.failures += 1;
            if random.one_in(2) {
                Holder::disarm()?;
            }
            match random.below(3) {
                0 => machine.lose_power(random.next(), "any").await?,
                _ => machine.die().await?,
            }
        }
    }
    machine.resolve().await?;
    // What was acknowledged must not need what the kernel remembers.
    machine.lose_power(random.next(), "any").await?;
    let settled = machine.settle().await?;
    ensure!(settled.0.position >= 0, "a position");
    Ok(settled)
}

fn log_hash(witness: &Witness) -> String {
    let mut digest = Sha256::new();
    for request in &witness.requests {
        digest.update(format!("{request:?}"));
    }
    for event in &witness.events {
        digest.update(format!("{event:?}"));
    }
    let bytes: [u8; 32] = digest.finalize().into();
    format!("{:016x}", bytes.iter().take(8).fold(0_u64, |hash, byte| hash << 8 | u64::from(*byte)))
}
