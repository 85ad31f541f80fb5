//! A stand-in for the service, with the shape that the command line relies on.
#![allow(
    dead_code,
    clippy::unused_async,
    clippy::unnecessary_wraps,
    clippy::needless_pass_by_value
)]

use item_event_store::access::Caller;
use item_event_store::ledger::Ledger;
use item_event_store::store::Store;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

pub mod openapi {
    //! The document.
    pub fn document() -> String {
        String::from("{}\n")
    }
}

#[derive(Clone, Debug)]
pub struct LocalCaller(pub Caller);

#[derive(Clone, Debug, Default)]
pub struct Options {}

#[derive(Clone)]
pub struct Service {}

impl Service {
    pub fn new(_store: Arc<dyn Store>, _ledger: Ledger, _options: Options) -> Self {
        Self {}
    }
    pub fn router(&self) -> axum::Router {
        axum::Router::new()
    }
}

pub async fn serve(
    _listener: tokio::net::TcpListener,
    _service: Service,
    shutdown: CancellationToken,
) -> std::io::Result<()> {
    shutdown.cancelled().await;
    Ok(())
}
