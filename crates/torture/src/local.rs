//! The library in our own process, on one thread: clients, writer and store take turns as the seed
//! says.

use crate::call::Call;
use crate::history::{Action, Answer, History};
use crate::load::BAKER;
use crate::model::event_json;
use anyhow::Result;
use item_event_store::Ledger;
use item_event_store::access::Role;
use item_event_store::clock::SetClock;
use item_event_store::command::Request;
use item_event_store::error::{ExecuteError, StoreError};
use item_event_store::ids::LedgerName;
use item_event_store::request::{self, Recorded};
use item_event_store::store::sqlite::SqliteStore;
use item_event_store::store::{Mode, Store as _};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::task::JoinHandle;

/// The store's folder on its disk: one whose name has to be made to last too.
const STORE: &str = "store";

/// The file of the ledger of a disk.
pub fn file(disk: &Path) -> PathBuf {
    disk.join(STORE).join("main.db")
}

/// An open ledger of a SQLite store.
pub struct Local {
    pub ledger: Ledger,
    writer: JoinHandle<()>,
    _store: SqliteStore,
}

impl Local {
    /// Opens the store of a disk. The writer runs on the thread that we are on.
    pub async fn open(disk: &Path, clock: &Arc<SetClock>) -> Result<Self, StoreError> {
        let store = SqliteStore::open(&disk.join(STORE), Mode::Write)?;
        let tables = store.ledger(&LedgerName::default()).await?;
        let clock: Arc<SetClock> = Arc::clone(clock);
        let (ledger, writer) = Ledger::with_writer(tables, clock).await?;
        Ok(Self { ledger, writer: tokio::spawn(writer), _store: store })
    }

    /// Closes it in peace: what is queued is done.
    pub async fn close(self) {
        self.ledger.close().await;
        let _ = self.writer.await;
    }

    /// Lets go of it as it is.
    pub async fn kill(self) {
        self.writer.abort();
        let _ = self.writer.await;
    }

    /// Whether the writer has stopped for good.
    pub fn has_failed(&self) -> bool {
        let mut failed = Box::pin(self.ledger.failed());
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        Future::poll(failed.as_mut(), &mut context).is_ready()
    }

    /// Makes a call, with the answer that the service would give.
    pub async fn call(&self, history: &History, call: &Arc<Call>) -> Result<Answer> {
        let number = history.invoke(Action::Write(Arc::clone(call)))?;
        let answer = self.execute(call).await;
        history.answer(number, answer.clone())?;
        Ok(answer)
    }

    /// The answer alone.
    pub async fn execute(&self, call: &Call) -> Answer {
        let role = if call.actor.as_str() == BAKER { Role::Baker } else { Role::Admin };
        let (key, actor) = (call.key.clone(), call.actor.clone());
        let request = Request { key, actor, commands: call.commands.clone() };
        match self.ledger.execute(request, role).await {
            Ok(request::Answer::Recorded(recorded)) => {
                let status = if recorded.replayed { 200 } else { 201 };
                reply(status, recorded.replayed, said(&recorded))
            }
            Ok(request::Answer::Rejected { replayed, rejected }) => {
                rejected_reply(replayed, &rejected)
            }
            Err(ExecuteError::Rejected(rejected)) => rejected_reply(false, &rejected),
            Err(ExecuteError::Forbidden { .. }) => {
                reply(403, false, json!({ "code": "forbidden_for_role" }))
            }
            Err(ExecuteError::NotStarted(why)) => not_started(&why),
            Err(ExecuteError::Unknown(why)) => Answer::Lost(why),
            Err(ExecuteError::Store(
                error @ (StoreError::Busy(_)
                | StoreError::Full(_)
                | StoreError::Broken(_)
                | StoreError::Corrupt(_)),
            )) => not_started(&error.to_string()),
            Err(ExecuteError::Store(error)) => {
                reply(500, false, json!({ "detail": error.to_string(), "executed": "no" }))
            }
        }
    }
}

fn reply(status: u16, replayed: bool, body: Value) -> Answer {
    Answer::Reply { status, replayed, body }
}

fn not_started(why: &str) -> Answer {
    reply(503, false, json!({ "detail": why, "executed": "no" }))
}

fn rejected_reply(replayed: bool, rejected: &item_event_store::rejection::Rejected) -> Answer {
    let mut body = serde_json::to_value(&rejected.rejection).unwrap_or_default();
    body["line"] = json!(rejected.line);
    reply(409, replayed, body)
}

fn said(recorded: &Recorded) -> Value {
    let range = recorded.events.first().zip(recorded.events.last());
    let range = range.map(|(first, last)| json!({ "first": first.id.0, "last": last.id.0 }));
    let counts = recorded.inventory.iter().map(|row| {
        json!({ "item_id": row.item.id.0, "name": row.item.name.as_str(),
            "sku": row.item.sku.as_ref().map(ToString::to_string),
            "unit": row.item.unit.as_str(), "quantity": row.count.quantity,
            "version": row.count.version,
            "last_event_id": row.count.last_event_id.map(|position| position.0) })
    });
    json!({ "position": recorded.position.0, "replayed": recorded.replayed, "range": range,
        "events": recorded.events.iter().map(event_json).collect::<Vec<_>>(),
        "inventory": counts.collect::<Vec<_>>() })
}
