//! Hints between the programs that have a database's ledgers open: NOTIFY after a commit, LISTEN on
//! one connection a store and only while somebody follows. Whoever misses one looks a little later.

use super::address::{Address, CONNECT_TIMEOUT};
use super::connection::{Connections, WAIT_TIMEOUT};
use super::statements::{ANNOUNCE, LISTEN};
use crate::entropy::random_bytes;
use crate::error::StoreError;
use crate::ids::LedgerName;
use crate::store::{Bell, Listening, Result};
use futures_util::TryStreamExt as _;
use std::future::pending;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_postgres::{AsyncMessage, Notification};

/// How long to wait before a lost connection is made again: ever longer while that fails.
const RECONNECT_WAIT: Duration = Duration::from_millis(200);
const MAX_RECONNECT_WAIT: Duration = Duration::from_secs(30);

/// What an open store tells others, and hears from them.
pub(super) struct Hints {
    address: Address,
    /// An open store's own word comes back to it, and is known by this.
    speaker: String,
    listener: Mutex<Weak<Listener>>,
}

impl Hints {
    pub fn new(address: Address) -> Self {
        let speaker = format!("{:016x}", u64::from_be_bytes(random_bytes()));
        Self { address, speaker, listener: Mutex::default() }
    }

    /// Tells that a ledger's log has grown.
    pub async fn announce(&self, connections: &Connections, ledger: &LedgerName) {
        let announced = async {
            let conn = connections.get().await?;
            conn.query(ANNOUNCE, &[&ledger.as_str(), &self.speaker]).await
        };
        match timeout(WAIT_TIMEOUT, announced).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => tracing::debug!(%ledger, %error, "no hint was sent"),
            Err(_) => tracing::debug!(%ledger, "no hint was sent in time"),
        }
    }

    /// Rings a ledger's bell for as long as what comes back is held.
    pub fn listen(&self, ledger: &LedgerName, bell: &Arc<Bell>) -> Listening {
        let mut listener = self.listener.lock().unwrap_or_else(PoisonError::into_inner);
        let running = listener.upgrade().unwrap_or_else(|| {
            let bells = Arc::new(Bells { own: self.speaker.clone(), hung: Mutex::default() });
            let task = tokio::spawn(listen(self.address.clone(), Arc::clone(&bells)));
            Arc::new(Listener { bells, task })
        });
        *listener = Arc::downgrade(&running);
        running.bells.hang(ledger, bell);
        running
    }
}

/// The listening connection of a store. It ends with the last one who follows.
struct Listener {
    bells: Arc<Bells>,
    task: JoinHandle<()>,
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The bells of those who follow.
struct Bells {
    own: String,
    hung: Mutex<Vec<(LedgerName, Weak<Bell>)>>,
}

impl Bells {
    fn hang(&self, ledger: &LedgerName, bell: &Arc<Bell>) {
        let mut hung = self.hung.lock().unwrap_or_else(PoisonError::into_inner);
        hung.retain(|(_, other)| other.strong_count() > 0);
        if !hung.iter().any(|(_, other)| other.as_ptr() == Arc::as_ptr(bell)) {
            hung.push((ledger.clone(), Arc::downgrade(bell)));
        }
    }

    /// Rings the bells of one ledger, or all.
    fn ring(&self, ledger: Option<&str>) {
        let hung = self.hung.lock().unwrap_or_else(PoisonError::into_inner);
        let meant = hung.iter().filter(|(name, _)| ledger.is_none_or(|l| l == name.as_str()));
        for bell in meant.filter_map(|(_, bell)| bell.upgrade()) {
            bell.send_replace(());
        }
    }

    fn heard(&self, notification: &Notification) {
        let (ledger, speaker) = notification.payload().split_once(' ').unwrap_or_default();
        if speaker != self.own {
            self.ring(Some(ledger));
        }
    }
}

/// Listens for ever, on one connection after another.
async fn listen(address: Address, bells: Arc<Bells>) {
    let mut wait = RECONNECT_WAIT;
    loop {
        if let Err(error) = listen_once(&address, &bells, &mut wait).await {
            tracing::debug!(%error, "no hints of others for now: followers look for themselves");
        }
        sleep(wait).await;
        wait = (2 * wait).min(MAX_RECONNECT_WAIT);
    }
}

/// Listens until the connection is lost.
async fn listen_once(address: &Address, bells: &Bells, wait: &mut Duration) -> Result<()> {
    let connecting = address.config.connect(address.tls.clone());
    let (client, mut connection) = timeout(CONNECT_TIMEOUT, connecting)
        .await
        .map_err(|_| StoreError::Busy("no connection to the database in time".into()))??;
    let messages = futures_util::stream::poll_fn(move |cx| connection.poll_message(cx));
    let mut messages = pin!(messages);
    let hearing = async {
        while let Some(message) = messages.try_next().await? {
            if let AsyncMessage::Notification(notification) = message {
                bells.heard(&notification);
            }
        }
        Ok(())
    };
    let listening = async {
        client.batch_execute(LISTEN).await?;
        *wait = RECONNECT_WAIT;
        // What was said before is not heard any more.
        bells.ring(None);
        pending().await
    };
    tokio::select! {
        ended = hearing => ended,
        failed = listening => failed,
    }
}
