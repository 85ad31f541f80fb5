//! disintegrate on PostgreSQL: a decision reads its item's events (or a snapshot of every tenth),
//! and is recorded if nobody has added to them since.

use crate::Work;
use crate::load::{Tried, Writer, drive};
use anyhow::Result;
use disintegrate::serde::json::Json;
use disintegrate::{Decision, DecisionError, Event, StateMutate, StateQuery};
use disintegrate_postgres::{
    Error, PgDecisionMaker, PgEventStore, PgSnapshotter, WithPgSnapshot, decision_maker,
};
use serde::{Deserialize, Serialize};
use sqlx::postgres::PgPoolOptions;

/// Events between two snapshots of an item.
const SNAPSHOT_EVERY: u64 = 10;

#[derive(Debug, Clone, PartialEq, Eq, Event, Serialize, Deserialize)]
#[stream(ItemEvent, [Batch])]
enum StoreEvent {
    Batch {
        #[id]
        item_id: String,
        quantity: u32,
    },
}

#[derive(Default, StateQuery, Clone, Serialize, Deserialize)]
#[state_query(ItemEvent)]
struct Stock {
    #[id]
    item_id: String,
    quantity: i64,
}

impl StateMutate for Stock {
    fn mutate(&mut self, event: Self::Event) {
        let ItemEvent::Batch { quantity, .. } = event;
        self.quantity += i64::from(quantity);
    }
}

#[derive(Debug, thiserror::Error)]
#[error("out of range")]
struct OutOfRange;

struct Batch {
    item_id: String,
    quantity: u32,
}

impl Decision for Batch {
    type Event = StoreEvent;
    type StateQuery = Stock;
    type Error = OutOfRange;

    fn state_query(&self) -> Stock {
        Stock { item_id: self.item_id.clone(), quantity: 0 }
    }

    fn process(&self, stock: &Stock) -> Result<Vec<StoreEvent>, OutOfRange> {
        stock.quantity.checked_add(self.quantity.into()).ok_or(OutOfRange)?;
        Ok(vec![StoreEvent::Batch { item_id: self.item_id.clone(), quantity: self.quantity }])
    }
}

#[derive(Clone)]
struct Connection(PgDecisionMaker<StoreEvent, Json<StoreEvent>, WithPgSnapshot>);

impl Writer for Connection {
    async fn write(&mut self, item: u64, quantity: u32) -> Result<Tried> {
        let batch = Batch { item_id: format!("item-{item}"), quantity };
        match self.0.make(batch).await {
            Ok(_) => Ok(Tried::Written),
            Err(DecisionError::StateStore(error) | DecisionError::EventStore(error))
                if is_conflict(error.as_ref()) =>
            {
                Ok(Tried::Conflict)
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// Its own word for it, or PostgreSQL's: a transaction that could not be serialized.
fn is_conflict(error: &(dyn std::error::Error + 'static)) -> bool {
    match error.downcast_ref::<Error>() {
        Some(Error::Concurrency) => true,
        Some(Error::Database(sqlx::Error::Database(error))) => {
            matches!(error.code().as_deref(), Some("40001" | "40P01"))
        }
        _ => false,
    }
}

pub async fn run(work: &Work) -> Result<()> {
    let connections = u32::try_from(work.connections)?;
    let pool = PgPoolOptions::new().min_connections(connections).max_connections(connections);
    let pool = pool.connect(&work.url).await?;
    let store = PgEventStore::try_new(pool.clone(), Json::<StoreEvent>::default()).await?;
    let snapshots = WithPgSnapshot::new(PgSnapshotter::try_new(pool, SNAPSHOT_EVERY).await?);
    let maker = Connection(decision_maker(store, snapshots));
    let writers = vec![maker; work.connections];
    drive(work, writers, &["disintegrate", "disintegrate-postgres"]).await.map(drop)
}
