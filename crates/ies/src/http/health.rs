//! Whether the process answers, and whether it can do its work.

use super::Service;
use super::extract::Json;
use super::problem::{Problem, kinds};
use axum::extract::State;
use futures_util::FutureExt;
use item_event_store::ids::LedgerName;
use serde_json::{Value, json};

/// The process answers.
pub async fn livez() -> Json<Value> {
    Json(json!({ "status": "pass" }))
}

/// The store can be read, the writer runs, and nobody has told the service to stop.
pub async fn readyz(State(service): State<Service>) -> Result<Json<Value>, Problem> {
    let not_ready = |detail: &str| Problem::new(&kinds::NOT_READY, detail).retry_after(1);
    if service.closing.is_cancelled() {
        return Err(not_ready("the service is shutting down"));
    }
    if let Some(reason) = service.ledgers.failed().now_or_never() {
        tracing::error!(reason, "not ready: the writer has stopped");
        return Err(not_ready("the writer has stopped"));
    }
    let head = match service.ledgers.get(&LedgerName::default()).await {
        Ok(ledger) => ledger.store().head().await,
        Err(error) => Err(error),
    };
    if let Err(error) = head {
        tracing::error!(%error, "not ready: the store cannot be read");
        return Err(not_ready("the store cannot be read"));
    }
    Ok(Json(json!({ "status": "pass" })))
}
