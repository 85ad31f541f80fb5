//! Telling other programs that the log has grown: after the commit and beside the writer, one
//! announcement at a time. What comes while one is on its way is told by the next.

use crate::store::LedgerStore;
use std::sync::Arc;
use tokio::sync::watch;

/// Announces what is due, until nothing can become due any more.
pub(super) async fn announce(store: Arc<dyn LedgerStore>, mut due: watch::Receiver<()>) {
    while due.changed().await.is_ok() {
        store.announce().await;
    }
}
