//! Load: many clients at once on one server, each a stream of random requests and reads. They send
//! keys again, also with other content and while the first is under way.

use crate::call::Call;
use crate::client::{Client, MAIN};
use crate::generate::{Generator, Seen};
use crate::history::{Action, Answer, History, Op, Outcome};
use crate::random::Random;
use anyhow::{Context as _, Result, ensure};
use item_event_store::time::Timestamp;
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::task::JoinSet;

/// The name of the token that may do less.
pub const BAKER: &str = "baker";
const ADMIN: &str = "admin";
/// One turn in so many brings the daily summary up to date.
const SUMMARY_ONE_IN: u64 = 40;
const SUMMARY: &str = "/v1/summary/daily/refresh";

/// The tokens of a store, and the ledger that they are used for.
#[derive(Clone, Debug)]
pub struct Tokens {
    pub admin: String,
    pub baker: String,
    pub ledger: String,
}

impl Tokens {
    /// Makes the second token with the first.
    pub async fn make(url: &str, admin: &str) -> Result<Self> {
        let body = json!({ "name": BAKER, "role": "baker" });
        let client = Client::new(url, admin, ADMIN);
        let key = [("idempotency-key", "baker-token"), ("content-type", "application/json")];
        let made = client.ask("POST", "/v1/tokens", &key, &body).await?;
        let baker = made.body["secret"].as_str().context("a token's secret")?.to_owned();
        Ok(Self { admin: admin.to_owned(), baker, ledger: MAIN.to_owned() })
    }

    pub fn admin(&self, url: &str) -> Client {
        Client::new(url, &self.admin, ADMIN).of_ledger(&self.ledger)
    }

    fn baker(&self, url: &str) -> Client {
        Client::new(url, &self.baker, BAKER).of_ledger(&self.ledger)
    }

    /// The client that sends a call.
    fn of(&self, url: &str, call: &Call) -> Client {
        if call.actor.as_str() == BAKER { self.baker(url) } else { self.admin(url) }
    }
}

/// What all clients of a run share.
#[derive(Clone)]
pub struct Load {
    pub history: Arc<History>,
    pub seen: Arc<Seen>,
    pub tokens: Tokens,
    /// Of this load: begins every key.
    pub name: String,
    pub seed: u64,
    pub clients: u64,
    /// Whether a lost connection is the end, or only one more answer that is not known.
    pub goes_on: bool,
}

/// Clients at work.
pub struct Running {
    stop: Arc<AtomicBool>,
    clients: JoinSet<Result<()>>,
}

impl Load {
    pub fn start(&self, url: &str) -> Running {
        let stop = Arc::new(AtomicBool::new(false));
        let mut clients = JoinSet::new();
        for number in 0..self.clients {
            let one = One {
                load: self.clone(),
                // Every client but the last may do all.
                client: if number + 1 == self.clients && number > 0 {
                    self.tokens.baker(url)
                } else {
                    self.tokens.admin(url)
                },
                random: Random::of(self.seed, &[number]),
                number,
            };
            clients.spawn(one.run(Arc::clone(&stop)));
        }
        Running { stop, clients }
    }

    /// Sends every request whose end is not known again until it is, and some of the others.
    pub async fn resolve(&self, url: &str, since: usize) -> Result<()> {
        let ops = self.history.ops();
        let mut random = Random::of(self.seed, &[u64::MAX]);
        let mut known: HashMap<(String, [u8; 32]), (bool, Arc<Call>)> = HashMap::new();
        for op in &ops[since.min(ops.len())..] {
            if let Action::Write(call) = &op.action {
                let entry = known.entry((call.key.to_string(), call.hash()));
                let known = entry.or_insert_with(|| (false, Arc::clone(call)));
                known.0 |= op.answer.is_definite();
            }
        }
        let mut again: Vec<_> = known.into_values().collect();
        again.sort_by(|(_, a), (_, b)| (&a.key, a.hash()).cmp(&(&b.key, b.hash())));
        for (known, call) in again {
            if !known || random.one_in(12) {
                self.tokens.of(url, &call).call_until_known(&self.history, &call).await?;
            }
        }
        Ok(())
    }

    /// Makes a few items, so that there is something to work on.
    pub async fn prepare(&self, url: &str) -> Result<()> {
        let client = self.tokens.admin(url);
        for number in 0..4_i64 {
            let key = format!("{}-start-{number}", self.name);
            let call = Arc::new(Call::creating(&key, &client.actor, 40 * (number + 1)));
            let answer = client.call_until_known(&self.history, &call).await?;
            self.seen.note(&answer);
        }
        ensure!(self.seen.items() >= 4, "the first items were made");
        Ok(())
    }
}

impl Running {
    /// Tells them to stop after the request they are at, and waits for them.
    pub async fn stop(mut self) -> Result<()> {
        self.stop.store(true, Ordering::Relaxed);
        while let Some(client) = self.clients.join_next().await {
            client??;
        }
        Ok(())
    }
}

struct One {
    load: Load,
    client: Client,
    random: Random,
    number: u64,
}

impl One {
    async fn run(mut self, stop: Arc<AtomicBool>) -> Result<()> {
        for turn in 0.. {
            if stop.load(Ordering::Relaxed) {
                break;
            }
            if self.random.one_in(SUMMARY_ONE_IN) {
                // Its steps take turns with the requests; what it holds in the end is verified.
                let _ = self.client.ask("POST", SUMMARY, &[], &Value::Null).await;
            }
            let answer = if self.random.one_in(8) {
                let item = self.random.number(1, self.load.seen.items().max(1));
                self.client.read(&self.load.history, item).await?
            } else {
                let call = self.next_call(turn);
                self.client.call(&self.load.history, &call).await?
            };
            self.load.seen.note(&answer);
            if matches!(answer, Answer::Lost(_)) {
                if !self.load.goes_on {
                    break;
                }
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
        }
        Ok(())
    }

    fn next_call(&mut self, turn: u64) -> Arc<Call> {
        let (load, number) = (&self.load, self.number);
        if self.random.one_in(10)
            && let Some(earlier) = load.history.recent(self.random.index(40))
            && earlier.actor == self.client.actor
        {
            if !self.random.one_in(8) {
                return earlier;
            }
            // The same key with other content.
            let mut other = (*earlier).clone();
            other.commands = vec![other.commands[0].clone(); other.commands.len() + 1];
            other.bulk = true;
            return Arc::new(other);
        }
        let random = Random::of(load.seed, &[number, turn]);
        let now = Timestamp::now();
        let mut generator = Generator { random, seen: &load.seen, now };
        let key = format!("{}-{number}-{turn}", load.name);
        Arc::new(generator.call(&key, &self.client.actor))
    }
}

/// Requests that were acknowledged as recorded.
pub fn acknowledged_keys(ops: &[Op]) -> usize {
    let keys = ops.iter().filter_map(|op| match &op.action {
        Action::Write(call) if op.answer.outcome() == Outcome::Done => Some(call.key.as_str()),
        _ => None,
    });
    keys.collect::<HashSet<_>>().len()
}

/// Writes that were acknowledged.
pub fn acknowledged(ops: &[Op]) -> usize {
    let done =
        |op: &&Op| matches!(op.action, Action::Write(_)) && op.answer.outcome() == Outcome::Done;
    ops.iter().filter(done).count()
}
