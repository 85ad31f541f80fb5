//! Stores that already have a past, and the library's way of writing one: requests of many commands
//! one behind another, so that the writer always has its next batch waiting.

use crate::measure::Growth;
use crate::work::{Movements, Shape, create_items, request};
use anyhow::{Result, bail, ensure};
use item_event_store::Ledger;
use item_event_store::access::Role;
use item_event_store::clock::SystemClock;
use item_event_store::ids::LedgerName;
use item_event_store::request::Answer;
use item_event_store::settings::Settings;
use item_event_store::store::{Mode, Store, open};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinHandle;

/// The commands of one request: as many as the peer that is measured beside it takes.
pub const REQUEST_COMMANDS: usize = 8_189;
/// Requests under way at one time: one is decided and written while the next is made.
pub const UNDER_WAY: usize = 2;
/// Items are made so many at a time.
const ITEMS_PER_REQUEST: i64 = 5_000;

/// A ledger of a store, open for writing.
pub struct Filler {
    pub ledger: Ledger,
    /// Of requests; begins at the log's end, so that no key comes twice.
    keys: i64,
}

impl Filler {
    /// Opens the ledger `name` of a store, and makes it if there is none.
    pub async fn of(store: Arc<dyn Store>, name: &str) -> Result<Self> {
        let name: LedgerName = name.parse()?;
        if name != LedgerName::default() {
            store.create_ledger(&name, &Settings::default()).await?;
        }
        let ledger = Ledger::open(store.ledger(&name).await?, Arc::new(SystemClock)).await?;
        let end = ledger.store().head().await?.position;
        Ok(Self { ledger, keys: end.0 })
    }

    pub async fn create_items(&mut self, items: i64) -> Result<()> {
        let mut made = 0;
        while made < items {
            let count = ITEMS_PER_REQUEST.min(items - made);
            self.send(create_items(made + 1, count)).await??;
            made += count;
        }
        Ok(())
    }

    /// Writes movements in requests of `commands`, as long as `more` says so of what is sent.
    /// Answers how the log grew.
    pub async fn write(
        &mut self,
        movements: &mut Movements,
        commands: usize,
        more: impl Fn(usize) -> bool,
    ) -> Result<Growth> {
        let mut under_way: VecDeque<JoinHandle<Result<()>>> = VecDeque::new();
        let mut growth = Growth::begin();
        let mut sent = 0;
        loop {
            let go_on = more(sent);
            if go_on && under_way.len() < UNDER_WAY {
                under_way.push_back(self.send(movements.commands(commands)));
                sent += commands;
                continue;
            }
            let Some(sending) = under_way.pop_front() else { break };
            sending.await??;
            growth.add(commands);
        }
        Ok(growth)
    }

    fn send(
        &mut self,
        commands: Vec<item_event_store::command::Command>,
    ) -> JoinHandle<Result<()>> {
        self.keys += 1;
        let request = request(&format!("fill-{}", self.keys), commands);
        let ledger = self.ledger.clone();
        tokio::spawn(async move {
            match ledger.execute(request, Role::Manager).await? {
                Answer::Recorded(_) => Ok(()),
                Answer::Rejected { rejected, .. } => bail!("rejected: {rejected:?}"),
            }
        })
    }

    /// Finishes what is queued, and checks that the log has so many events.
    pub async fn close(self, events: i64) -> Result<()> {
        let head = self.ledger.store().head().await?;
        self.ledger.close().await;
        ensure!(head.position.0 == events, "{} events, {events} expected", head.position.0);
        Ok(())
    }
}

/// Makes ledgers with so many items and events each (the initial ones are among them).
pub async fn fill(url: &str, ledgers: &[&str], items: i64, events: i64) -> Result<()> {
    let begun = Instant::now();
    let store = open(url, Mode::Write).await?;
    for name in ledgers {
        let mut filler = Filler::of(Arc::clone(&store), name).await?;
        filler.create_items(items).await?;
        let mut spread = Movements::new(1, Shape::Spread, items);
        let mut left = usize::try_from(events - items)?;
        let whole = left - left % REQUEST_COMMANDS;
        filler.write(&mut spread, REQUEST_COMMANDS, |sent| sent < whole).await?;
        left -= whole;
        if left > 0 {
            filler.write(&mut spread, left, |sent| sent < left).await?;
        }
        filler.close(events).await?;
    }
    if begun.elapsed() > Duration::from_secs(5) {
        eprintln!("  filled {events} events in {:.1} s", begun.elapsed().as_secs_f64());
    }
    Ok(())
}
