//! A proxy between the service and PostgreSQL that cuts a connection right after a commit was sent:
//! before it arrives, or before its answer comes back. Which of the two, the service cannot know.

#[path = "../../item_event_store/tests/postgres/commits.rs"]
mod commits;

use crate::random::Random;
use anyhow::{Context as _, Result};
use commits::Commits;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};

/// What is cut, and how often.
pub struct Proxy {
    random: Mutex<Random>,
    /// One in so many commits is cut; 0 for none.
    one_in: AtomicU64,
    pub cut_before: AtomicU64,
    pub cut_after: AtomicU64,
}

enum Cut {
    Before,
    After,
}

impl Proxy {
    /// Listens where PostgreSQL would in `folder`, for the one whose socket is `to`.
    pub fn listen(folder: &Path, to: &Path, seed: u64) -> Result<Arc<Self>> {
        std::fs::create_dir_all(folder)?;
        let socket = format!(".s.PGSQL.{}", crate::cluster::PORT);
        let listener = UnixListener::bind(folder.join(&socket)).context("listening")?;
        let to = to.join(&socket);
        let proxy = Arc::new(Self {
            random: Mutex::new(Random::new(seed)),
            one_in: AtomicU64::new(0),
            cut_before: AtomicU64::new(0),
            cut_after: AtomicU64::new(0),
        });
        let serving = Arc::clone(&proxy);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if let Ok(server) = UnixStream::connect(&to).await {
                    tokio::spawn(Arc::clone(&serving).carry(client, server));
                }
            }
        });
        Ok(proxy)
    }

    pub fn cut_one_in(&self, n: u64) {
        self.one_in.store(n, Ordering::SeqCst);
    }

    pub fn cuts(&self) -> u64 {
        self.cut_before.load(Ordering::SeqCst) + self.cut_after.load(Ordering::SeqCst)
    }

    fn cut(&self) -> Option<Cut> {
        let one_in = self.one_in.load(Ordering::SeqCst);
        let mut random = self.random.lock().unwrap_or_else(PoisonError::into_inner);
        if one_in == 0 || !random.one_in(one_in) {
            return None;
        }
        if random.one_in(2) {
            self.cut_before.fetch_add(1, Ordering::SeqCst);
            return Some(Cut::Before);
        }
        self.cut_after.fetch_add(1, Ordering::SeqCst);
        Some(Cut::After)
    }

    async fn carry(self: Arc<Self>, client: UnixStream, server: UnixStream) {
        let (from_client, mut to_client) = client.into_split();
        let (mut from_server, to_server) = server.into_split();
        let replies = tokio::spawn(async move {
            let _ = tokio::io::copy(&mut from_server, &mut to_client).await;
        });
        self.requests(from_client, to_server, &replies).await;
        replies.abort();
    }

    /// Carries what the client sends, until there is a cut. Both ends are closed when it ends.
    async fn requests(
        &self,
        mut from: OwnedReadHalf,
        mut to: OwnedWriteHalf,
        replies: &tokio::task::JoinHandle<()>,
    ) {
        let mut buffer = vec![0; 64 * 1024];
        let mut commits = Commits::default();
        loop {
            let Ok(n @ 1..) = from.read(&mut buffer).await else { return };
            let sent = &buffer[..n];
            match if commits.among(sent) { self.cut() } else { None } {
                None => {
                    if to.write_all(sent).await.is_err() {
                        return;
                    }
                }
                Some(Cut::Before) => return,
                Some(Cut::After) => {
                    // The answer must not come through.
                    replies.abort();
                    let _ = to.write_all(sent).await;
                    let _ = to.shutdown().await;
                    return;
                }
            }
        }
    }
}
