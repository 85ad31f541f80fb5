//! The service: JSON over HTTP. [`router`] has every route and its role on one screen; a handler
//! extracts, calls the library and answers. The web framework appears nowhere else.

mod around;
mod auth;
mod body;
mod bulk;
mod chart;
mod coding;
mod corrections;
mod docs;
mod events;
mod explain;
mod extract;
mod headers;
mod health;
mod inventory;
mod items;
mod known;
mod ledgers;
mod limit;
pub mod limits;
mod maintenance;
mod metrics;
mod movements;
pub mod openapi;
mod page;
mod problem;
mod router;
mod serve;
mod stream;
mod summary;
#[cfg(test)]
mod tests;
mod tokens;
mod write;

pub use auth::LocalCaller;
pub use serve::serve;

use item_event_store::Ledgers;
use std::num::NonZeroU32;
use std::ops::Deref;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// What the operator may choose. The limits that are part of the contract are in [`limits`].
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// Requests that one token may send in a second; no limit when `None`.
    pub requests_per_second: Option<NonZeroU32>,
}

impl Default for Options {
    fn default() -> Self {
        Self { requests_per_second: NonZeroU32::new(limits::REQUESTS_PER_SECOND) }
    }
}

/// The ledgers of a store as a service. Cheap to clone.
#[derive(Clone)]
pub struct Service(Arc<Shared>);

/// What all requests share.
pub struct Shared {
    ledgers: Ledgers,
    known_tokens: known::KnownTokens,
    rates: limit::Rates,
    streams: limit::Streams,
    metrics: metrics::Metrics,
    /// Cancelled when the service shuts down: streams end, and it is not ready any more.
    closing: CancellationToken,
}

impl Service {
    /// A service for the ledgers of a store, with its tokens.
    pub fn new(ledgers: Ledgers, options: Options) -> Self {
        Self(Arc::new(Shared {
            known_tokens: known::KnownTokens::default(),
            rates: limit::Rates::new(options.requests_per_second),
            streams: limit::Streams::default(),
            metrics: metrics::Metrics::new(ledgers.clone()),
            ledgers,
            closing: CancellationToken::new(),
        }))
    }

    /// Every route. Callers in the same process put a [`LocalCaller`] into the extensions of
    /// their requests.
    pub fn router(&self) -> axum::Router {
        router::build(self.clone())
    }
}

impl Deref for Service {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}
