//! The steps, each in a process of its own under valgrind: prepared, then done so many times.

use crate::work::{Movements, Shape, create_items, request};
use anyhow::{Context as _, Result, ensure};
use item_event_store::Ledger;
use item_event_store::access::Role;
use item_event_store::book::Book;
use item_event_store::clock::SystemClock;
use item_event_store::decide::{Base, Draft};
use item_event_store::facts::Facts;
use item_event_store::ids::{LedgerName, Position};
use item_event_store::request::Answer;
use item_event_store::store::{Mode, open};
use item_event_store::time::Timestamp;
use std::sync::Arc;

/// Events of a step.
pub const EVENTS: usize = 8_192;
const ITEMS: i64 = 1_000;
/// Requests of one command that are committed together.
const TOGETHER: usize = 64;

type Step = fn(u32) -> Result<()>;

pub const STEPS: [(&str, Step); 4] =
    [("decide", decide), ("append", append), ("single", single), ("fold", fold)];

/// `bench step NAME TIMES`.
pub fn run_step(name: &str, times: u32) -> Result<()> {
    let step = STEPS.iter().find(|(known, _)| *known == name).context("no such step")?;
    (step.1)(times)
}

fn decide(times: u32) -> Result<()> {
    let (mut book, facts) = (Book::default(), Facts::default());
    let mut base = Base {
        position: Position::START,
        items_revision: 0,
        now: Timestamp::from_micros(1_790_000_000_000_000),
    };
    let items = request("items", create_items(1, ITEMS));
    let mut draft = Draft::new(&mut book, &facts, base);
    draft.decide(&items, 1).map_err(|rejected| anyhow::anyhow!("{rejected:?}"))?;
    let made = draft.finish();
    base.position = base.position.plus(made.events.len());
    base.items_revision = ITEMS;
    let movements = request("movements", Movements::new(1, Shape::Spread, ITEMS).commands(EVENTS));
    for _ in 0..times {
        let mut draft = Draft::new(&mut book, &facts, base);
        draft.decide(&movements, 2).map_err(|rejected| anyhow::anyhow!("{rejected:?}"))?;
        let drafted = draft.finish();
        ensure!(drafted.events.len() == EVENTS, "{} events", drafted.events.len());
        base.position = base.position.plus(EVENTS);
    }
    Ok(())
}

/// A ledger whose writer runs on the only thread there is.
fn on_a_ledger<F: Future<Output = Result<()>>>(work: impl FnOnce(Ledger) -> F) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let folder = tempfile::tempdir()?;
    runtime.block_on(async {
        let store = open(&folder.path().display().to_string(), Mode::Write).await?;
        let tables = store.ledger(&LedgerName::default()).await?;
        let (ledger, writer) = Ledger::with_writer(tables, Arc::new(SystemClock)).await?;
        let writer = tokio::spawn(writer);
        execute(&ledger, "items", create_items(1, ITEMS)).await?;
        work(ledger.clone()).await?;
        ledger.close().await;
        Ok(writer.await?)
    })
}

async fn execute(
    ledger: &Ledger,
    key: &str,
    commands: Vec<item_event_store::command::Command>,
) -> Result<()> {
    let answer = ledger.execute(request(key, commands), Role::Manager).await?;
    ensure!(matches!(answer, Answer::Recorded(_)), "{answer:?}");
    Ok(())
}

fn append(times: u32) -> Result<()> {
    on_a_ledger(async move |ledger| {
        let mut movements = Movements::new(1, Shape::Spread, ITEMS);
        for time in 0..times {
            execute(&ledger, &format!("append-{time}"), movements.commands(EVENTS)).await?;
        }
        Ok(())
    })
}

fn single(times: u32) -> Result<()> {
    on_a_ledger(async move |ledger| {
        let mut movements = Movements::new(1, Shape::Spread, ITEMS);
        for commit in 0..times as usize * EVENTS / TOGETHER {
            let together = (0..TOGETHER).map(|number| {
                let commands = movements.commands(1);
                let ledger = &ledger;
                async move { execute(ledger, &format!("single-{commit}-{number}"), commands).await }
            });
            futures_util::future::try_join_all(together).await?;
        }
        Ok(())
    })
}

fn fold(times: u32) -> Result<()> {
    on_a_ledger(async move |ledger| {
        let commands = Movements::new(1, Shape::Spread, ITEMS).commands(EVENTS);
        execute(&ledger, "log", commands).await?;
        for _ in 0..times {
            let report = ledger.verify(false, &|_, _| {}).await?;
            ensure!(report.clean(), "{report:?}");
        }
        Ok(())
    })
}
