//! cqrs-es on postgres-es: an aggregate an item. Its aggregate store keeps the newest state beside
//! the events, which spares it from replaying them.

use crate::Work;
use crate::load::{Tried, Writer, drive};
use anyhow::Result;
use cqrs_es::event_sink::EventSink;
use cqrs_es::{Aggregate, AggregateError, DomainEvent};
use postgres_es::{PostgresCqrs, postgres_aggregate_cqrs};
use serde::{Deserialize, Serialize};
use sqlx::postgres::PgPoolOptions;
use std::sync::Arc;

/// As the crate's own db/init.sql makes them.
const TABLES: &str = "
CREATE TABLE events (
  aggregate_type text NOT NULL,
  aggregate_id text NOT NULL,
  sequence bigint CHECK (sequence >= 0) NOT NULL,
  event_type text NOT NULL,
  event_version text NOT NULL,
  payload json NOT NULL,
  metadata json NOT NULL,
  PRIMARY KEY (aggregate_type, aggregate_id, sequence)
);
CREATE TABLE snapshots (
  aggregate_type text NOT NULL,
  aggregate_id text NOT NULL,
  last_sequence bigint CHECK (last_sequence >= 0) NOT NULL,
  current_snapshot bigint CHECK (current_snapshot >= 0) NOT NULL,
  payload json NOT NULL,
  PRIMARY KEY (aggregate_type, aggregate_id, last_sequence)
)";

#[derive(Default, Serialize, Deserialize)]
struct Item {
    quantity: i64,
}

struct Batch(u32);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Event {
    Batch { quantity: u32 },
}

impl DomainEvent for Event {
    fn event_type(&self) -> String {
        "batch".into()
    }

    fn event_version(&self) -> String {
        "1".into()
    }
}

#[derive(Debug, thiserror::Error)]
#[error("out of range")]
struct OutOfRange;

impl Aggregate for Item {
    const TYPE: &'static str = "item";
    type Command = Batch;
    type Event = Event;
    type Error = OutOfRange;
    type Services = ();

    async fn handle(
        &mut self,
        Batch(quantity): Batch,
        (): &(),
        sink: &EventSink<Self>,
    ) -> Result<(), OutOfRange> {
        self.quantity.checked_add(quantity.into()).ok_or(OutOfRange)?;
        sink.write(Event::Batch { quantity }, self).await;
        Ok(())
    }

    fn apply(&mut self, Event::Batch { quantity }: Event) {
        self.quantity += i64::from(quantity);
    }
}

struct Connection(Arc<PostgresCqrs<Item>>);

impl Writer for Connection {
    async fn write(&mut self, item: u64, quantity: u32) -> Result<Tried> {
        match self.0.execute(&format!("item-{item}"), Batch(quantity)).await {
            Ok(()) => Ok(Tried::Written),
            Err(AggregateError::AggregateConflict) => Ok(Tried::Conflict),
            Err(error) => Err(error.into()),
        }
    }
}

pub async fn run(work: &Work) -> Result<()> {
    let connections = u32::try_from(work.connections)?;
    let pool = PgPoolOptions::new().min_connections(connections).max_connections(connections);
    let pool = pool.connect(&work.url).await?;
    for table in TABLES.split(";\n") {
        sqlx::query(table).execute(&pool).await?;
    }
    let store = Arc::new(postgres_aggregate_cqrs::<Item>(pool, vec![], ()));
    let writers = (0..work.connections).map(|_| Connection(Arc::clone(&store))).collect();
    drive(work, writers, &["cqrs-es", "postgres-es"]).await.map(drop)
}
