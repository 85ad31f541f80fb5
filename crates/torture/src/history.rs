//! The history: a line before and after each call, on a disk that no fault reaches. The order of
//! its lines is the order of real time: a call whose answer stands before another call's beginning
//! was over before that one began.

use crate::call::Call;
use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What was done.
#[derive(Clone, Debug)]
pub enum Action {
    /// A request that may write.
    Write(Arc<Call>),
    /// The count of an item was read.
    Read { item: i64 },
}

/// What came back.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// Nothing yet.
    Pending,
    /// An HTTP answer.
    Reply { status: u16, replayed: bool, body: Value },
    /// The connection was lost, or it took too long.
    Lost(String),
}

/// What an answer says of the write that it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Recorded.
    Done,
    /// Certainly not recorded.
    Rejected,
    /// Refused before it was tried.
    NotStarted,
    /// It may have been recorded.
    Unknown,
}

/// One call. Times are line numbers.
#[derive(Clone, Debug)]
pub struct Op {
    pub action: Action,
    pub invoked: u64,
    /// `None` until it is answered.
    pub returned: Option<u64>,
    pub answer: Answer,
}

impl Answer {
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Pending | Self::Lost(_) => Outcome::Unknown,
            Self::Reply { status, body, .. } => match status {
                200..=299 => Outcome::Done,
                429 => Outcome::NotStarted,
                503 if body["executed"] == "no" => Outcome::NotStarted,
                408 | 500..=599 => Outcome::Unknown,
                _ => Outcome::Rejected,
            },
        }
    }

    /// Whether what became of the request is known from now on.
    pub fn is_definite(&self) -> bool {
        matches!(self.outcome(), Outcome::Done | Outcome::Rejected)
    }
}

/// All calls of a run.
pub struct History {
    inner: Mutex<Inner>,
}

struct Inner {
    file: File,
    line: u64,
    ops: Vec<Op>,
}

impl History {
    pub fn create(path: &Path) -> Result<Self> {
        let file = File::create(path).with_context(|| format!("making {}", path.display()))?;
        Ok(Self { inner: Mutex::new(Inner { file, line: 0, ops: Vec::new() }) })
    }

    /// One that nobody reads afterwards: of a run that its seed repeats.
    pub fn in_memory() -> Result<Self> {
        Self::create(Path::new("/dev/null"))
    }

    /// Writes down that a call begins, and gives it its number.
    pub fn invoke(&self, action: Action) -> Result<usize> {
        let mut inner = self.lock();
        let number = inner.ops.len();
        let said = match &action {
            Action::Write(call) => json!({ "invoke": number, "key": call.key.as_str(),
                "actor": call.actor.as_str(), "method": call.method(), "path": call.path(),
                "body": call.body() }),
            Action::Read { item } => json!({ "invoke": number, "read": item }),
        };
        let invoked = inner.write(&said)?;
        inner.ops.push(Op { action, invoked, returned: None, answer: Answer::Pending });
        Ok(number)
    }

    /// Writes down how it ended.
    pub fn answer(&self, number: usize, answer: Answer) -> Result<()> {
        let mut inner = self.lock();
        let said = match &answer {
            Answer::Pending => json!({ "return": number }),
            Answer::Reply { status, replayed, body } => {
                json!({ "return": number, "status": status, "replayed": replayed, "body": body })
            }
            Answer::Lost(why) => json!({ "return": number, "lost": why }),
        };
        let returned = inner.write(&said)?;
        inner.ops[number].returned = Some(returned);
        inner.ops[number].answer = answer;
        Ok(())
    }

    /// Every call so far.
    pub fn ops(&self) -> Vec<Op> {
        self.lock().ops.clone()
    }

    pub fn len(&self) -> usize {
        self.lock().ops.len()
    }

    /// One of the latest requests.
    pub fn recent(&self, back: usize) -> Option<Arc<Call>> {
        self.lock().ops.iter().rev().skip(back).find_map(|op| match &op.action {
            Action::Write(call) => Some(Arc::clone(call)),
            Action::Read { .. } => None,
        })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// One write a line: what is written is there even if we are killed.
    fn write(&mut self, said: &Value) -> Result<u64> {
        let mut line = said.to_string();
        line.push('\n');
        self.file.write_all(line.as_bytes()).context("writing the history")?;
        self.line += 1;
        Ok(self.line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(status: u16, body: Value) -> Answer {
        Answer::Reply { status, replayed: false, body }
    }

    #[test]
    fn an_answer_is_one_of_four() {
        for (answer, outcome) in [
            (reply(201, json!({})), Outcome::Done),
            (reply(200, json!({})), Outcome::Done),
            (reply(409, json!({})), Outcome::Rejected),
            (reply(422, json!({})), Outcome::Rejected),
            (reply(429, json!({})), Outcome::NotStarted),
            (reply(503, json!({ "executed": "no" })), Outcome::NotStarted),
            (reply(503, json!({ "executed": "unknown" })), Outcome::Unknown),
            (reply(503, json!({})), Outcome::Unknown),
            (reply(500, json!({ "executed": "no" })), Outcome::Unknown),
            (Answer::Lost("reset".into()), Outcome::Unknown),
            (Answer::Pending, Outcome::Unknown),
        ] {
            assert_eq!(answer.outcome(), outcome, "{answer:?}");
        }
    }

    #[test]
    fn lines_are_written_before_and_after() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("history.jsonl");
        let history = History::create(&path).expect("a history");
        let number = history.invoke(Action::Read { item: 3 }).expect("written");
        let before = std::fs::read_to_string(&path).expect("text");
        assert_eq!(before, "{\"invoke\":0,\"read\":3}\n");
        history.answer(number, Answer::Lost("reset".into())).expect("written");
        let op = &history.ops()[0];
        assert_eq!((op.invoked, op.returned), (1, Some(2)));
        assert_eq!(std::fs::read_to_string(&path).expect("text").lines().count(), 2);
    }
}
