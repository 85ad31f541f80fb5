//! UmaDB: a server over gRPC. Events are appended without a condition, which is the least that it
//! does; each carries its item as a tag.

use crate::Work;
use crate::load::{Tried, Writer, drive};
use anyhow::{Result, ensure};
use std::net::TcpListener;
use std::path::Path;
use umadb_client::{AsyncUmaDbClient, UmaDbClient};
use umadb_dcb::{DcbEvent, DcbEventStoreAsync as _};
use umadb_server::{ServerOptions, start_server_with_options};

struct Connection(AsyncUmaDbClient);

impl Writer for Connection {
    async fn write(&mut self, item: u64, quantity: u32) -> Result<Tried> {
        let event = DcbEvent::default()
            .event_type("batch")
            .tags([format!("item-{item}")])
            .data(format!("{{\"quantity\":{quantity}}}").into_bytes());
        self.0.append(vec![event], None, None).await?;
        Ok(Tried::Written)
    }
}

pub async fn run(work: &Work) -> Result<()> {
    let client = UmaDbClient::new(work.url.clone());
    let mut writers = Vec::new();
    for _ in 0..work.connections {
        writers.push(Connection(client.connect_async().await?));
    }
    let before = UmaDbClient::new(work.url.clone()).connect_async().await?.head().await?;
    ensure!(before.unwrap_or(0) == 0, "the store is not empty");
    let answered = drive(work, writers, &["umadb-client", "umadb-server"]).await?;
    let stored = client.connect_async().await?.head().await?.unwrap_or(0);
    ensure!(stored == answered, "{stored} events, {answered} expected");
    Ok(())
}

/// Serves a new store until it is killed, and prints its address first.
pub async fn serve(folder: &Path) -> Result<()> {
    let free = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    println!("http://{free}");
    let mut options = ServerOptions {
        listen_addr: free.to_string(),
        tls: None,
        api_key: None,
        storage: Default::default(),
    };
    options.storage.db_path = folder.join("uma.db");
    let (_stop, stopped) = tokio::sync::oneshot::channel();
    start_server_with_options(options, stopped)
        .await
        .map_err(|error| anyhow::anyhow!("UmaDB: {error}"))
}
