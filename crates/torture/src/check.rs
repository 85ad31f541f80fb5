//! The checker: when all is over, what clients saw is held against what the database holds. The
//! log is the witness: its requests are replayed through the model in the order in which they were
//! decided, and every row and every answer must be what the model says. Then real time: nothing
//! that was over may stand behind what began later.

mod answers;
mod order;
pub mod tables;

use crate::call::Call;
use crate::history::{Action, Op};
use crate::model::Model;
use crate::witness::Witness;
use item_event_store::command::Request;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

/// What is promised. The names are those of RELIABILITY.md.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Promise {
    /// An acknowledged write is in the log, as it was answered.
    I1Acknowledged,
    /// Nothing is in the log that nobody asked for.
    I2NoPhantom,
    /// The counts are the sum of the log.
    I3Counts,
    /// Versions and positions have no gaps.
    I4Gapless,
    /// The rules hold after every event.
    I5Rules,
    /// A key has one effect and one answer.
    I6OneEffect,
    /// Answers are those of one order, which is that of real time.
    I7Order,
    /// A follower sees every event once, in order.
    I8Followers,
    /// What was seen once stays as it was, or is said to have changed.
    I9History,
    /// The storage is sound.
    I10Storage,
    /// Only allowed errors; ready again without a human.
    I11Errors,
    /// Nothing is left behind.
    I12Leaks,
    /// Who may not, cannot.
    Access,
}

impl Promise {
    pub const ALL: [Self; 13] = [
        Self::I1Acknowledged,
        Self::I2NoPhantom,
        Self::I3Counts,
        Self::I4Gapless,
        Self::I5Rules,
        Self::I6OneEffect,
        Self::I7Order,
        Self::I8Followers,
        Self::I9History,
        Self::I10Storage,
        Self::I11Errors,
        Self::I12Leaks,
        Self::Access,
    ];

    /// Its name and what it says.
    pub fn says(self) -> (&'static str, &'static str) {
        match self {
            Self::I1Acknowledged => ("I1", "what was acknowledged is in the log, as answered"),
            Self::I2NoPhantom => ("I2", "nothing is in the log that nobody asked for"),
            Self::I3Counts => ("I3", "the counts are the sum of the log"),
            Self::I4Gapless => ("I4", "positions and versions have no gaps"),
            Self::I5Rules => ("I5", "the rules hold after every event"),
            Self::I6OneEffect => ("I6", "a key has one effect and one answer"),
            Self::I7Order => ("I7", "answers are those of one order, that of real time"),
            Self::I8Followers => ("I8", "followers see every event once, in order"),
            Self::I9History => ("I9", "what was seen stays, or is said to have changed"),
            Self::I10Storage => ("I10", "the storage is sound"),
            Self::I11Errors => ("I11", "only allowed errors, ready again without a human"),
            Self::I12Leaks => ("I12", "nothing is left behind"),
            Self::Access => ("ACCESS", "who may not, cannot"),
        }
    }
}

impl fmt::Display for Promise {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, text) = self.says();
        write!(f, "{name} ({text})")
    }
}

/// A promise that was broken.
#[derive(Clone, Debug)]
pub struct Violation {
    pub promise: Promise,
    pub what: String,
}

impl Violation {
    pub fn new(promise: Promise, what: impl Into<String>) -> Self {
        Self { promise, what: what.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} broken: {}", self.promise, self.what)
    }
}

/// What became of the requests of a key.
struct Decided {
    /// Its place in the order.
    id: i64,
    hash: [u8; 32],
    bulk_reply: serde_json::Value,
    reply: serde_json::Value,
    /// The head before and after it.
    positions: (i64, i64),
}

/// All calls of a history by their key.
fn by_key(ops: &[Op]) -> HashMap<&str, Vec<(&Op, &Arc<Call>)>> {
    let mut keys: HashMap<&str, Vec<_>> = HashMap::new();
    for op in ops {
        if let Action::Write(call) = &op.action {
            keys.entry(call.key.as_str()).or_default().push((op, call));
        }
    }
    keys
}

/// Holds a history against the witness.
pub fn check(ops: &[Op], witness: &Witness) -> Vec<Violation> {
    let mut broken = Vec::new();
    let keys = by_key(ops);
    let mut model = Model::default();
    let decided = replay(&keys, witness, &mut model, &mut broken);
    tables::check(&model, witness, &mut broken);
    answers::check(ops, &keys, &decided, &mut broken);
    order::check_requests(&keys, &decided, &mut broken);
    order::check_reads(ops, &keys, &decided, &model, &mut broken);
    broken
}

/// Replays the requests of the witness through the model.
fn replay<'a>(
    keys: &HashMap<&'a str, Vec<(&Op, &'a Arc<Call>)>>,
    witness: &Witness,
    model: &mut Model,
    broken: &mut Vec<Violation>,
) -> HashMap<&'a str, Decided> {
    let mut decided = HashMap::new();
    for (row, id) in witness.requests.iter().zip(1..) {
        if row.id != id {
            let what = format!("request {} where {id} was due", row.id);
            broken.push(Violation::new(Promise::I4Gapless, what));
        }
        let same = |(_, call): &&(&Op, &'a Arc<Call>)| call.hash().as_slice() == row.hash;
        let Some((key, calls)) = keys.get_key_value(row.key.as_str()) else {
            let what = format!("request {id} has the key {}, which nobody sent", row.key);
            broken.push(Violation::new(Promise::I2NoPhantom, what));
            continue;
        };
        let Some((_, call)) = calls.iter().find(same) else {
            let what = format!("request {id}, key {}: its content was never sent", row.key);
            broken.push(Violation::new(Promise::I2NoPhantom, what));
            continue;
        };
        let before = model.head();
        let (key_of, actor) = (call.key.clone(), call.actor.clone());
        let request = Request { key: key_of, actor, commands: call.commands.clone() };
        let verdict = model.decide(&request, row.id, row.created_at);
        if model.head() != row.position {
            let what = format!(
                "request {id}, key {}: the ledger says position {} after it, the rules {}",
                row.key,
                row.position,
                model.head()
            );
            broken.push(Violation::new(Promise::I5Rules, what));
        }
        let (bulk_reply, reply) = (verdict.reply(true), verdict.reply(false));
        let (hash, positions) = (call.hash(), (before, model.head()));
        let one = Decided { id, hash, bulk_reply, reply, positions };
        if decided.insert(*key, one).is_some() {
            let what = format!("the key {} is stored twice", row.key);
            broken.push(Violation::new(Promise::I6OneEffect, what));
        }
    }
    decided
}
