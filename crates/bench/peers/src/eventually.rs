//! eventually on PostgreSQL: events appended to an item's stream by a function of its own. The
//! version that is published is old; it needs the runtime of its time.

use crate::Work;
use crate::load::{Tried, Writer, drive};
use anyhow::Result;
use eventually_core::store::{EventStore as _, Expected};
use eventually_postgres::{Error, EventStore, EventStoreBuilder};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use tokio_postgres_05::error::SqlState;
use tokio_postgres_05::{Client, NoTls};

#[derive(Debug, Serialize, Deserialize)]
struct Batch {
    quantity: u32,
}

struct Connection(EventStore<String, Batch>);

impl Writer for Connection {
    async fn write(&mut self, item: u64, quantity: u32) -> Result<Tried> {
        let events = vec![Batch { quantity }];
        match self.0.append(format!("item-{item}"), Expected::Any, events).await {
            Ok(_) => Ok(Tried::Written),
            // Two took the same version of the stream.
            Err(Error::Postgres(error)) if error.code() == Some(&SqlState::UNIQUE_VIOLATION) => {
                Ok(Tried::Conflict)
            }
            Err(error) => Err(error.into()),
        }
    }
}

pub async fn run(work: &Work) -> Result<()> {
    let mut client = connect(&work.url).await?;
    EventStoreBuilder::migrate_database(&mut client).await?;
    let mut writers = Vec::new();
    for _ in 0..work.connections {
        let mut client = connect(&work.url).await?;
        let builder = EventStoreBuilder::migrate_database(&mut client).await?;
        writers.push(Connection(builder.builder(Arc::new(client)).build("item").await?));
    }
    drive(work, writers, &["eventually-core", "eventually-postgres"]).await.map(drop)
}

async fn connect(url: &str) -> Result<Client> {
    let (client, connection) = tokio_postgres_05::connect(url, NoTls).await?;
    tokio_02::spawn(connection);
    Ok(client)
}
