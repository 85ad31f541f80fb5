//! A socket between a client and the server that can cut a connection around a COMMIT.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};

pub struct Proxy {
    folder: tempfile::TempDir,
    pub cut: Arc<Cut>,
}

#[derive(Default)]
pub struct Cut {
    /// At the next COMMIT.
    pub armed: AtomicBool,
    /// After the server has it, or before.
    pub delivered: AtomicBool,
}

impl Proxy {
    pub fn start(server: PathBuf) -> Self {
        let folder = tempfile::Builder::new().prefix("ies-px-").tempdir_in("/tmp");
        let folder = folder.expect("a folder");
        let listener = UnixListener::bind(folder.path().join(".s.PGSQL.5432")).expect("a socket");
        let cut = Arc::new(Cut::default());
        let of_proxy = Arc::clone(&cut);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = UnixStream::connect(&server).await.expect("a server");
                tokio::spawn(forward(client, server, Arc::clone(&of_proxy)));
            }
        });
        Self { folder, cut }
    }

    pub fn url(&self, database: &str) -> String {
        format!("postgres://ies_app@/{database}?host={}", self.folder.path().display())
    }
}

async fn forward(client: UnixStream, server: UnixStream, cut: Arc<Cut>) {
    let ((mut from_client, mut to_client), (mut from_server, mut to_server)) =
        (client.into_split(), server.into_split());
    let answers = tokio::spawn(async move {
        let _ = tokio::io::copy(&mut from_server, &mut to_client).await;
    });
    let mut bytes = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = from_client.read(&mut bytes).await {
        let sent = &bytes[..length];
        let commits = sent.windows(7).any(|word| word == b"COMMIT\0");
        if commits && cut.armed.swap(false, Ordering::SeqCst) {
            // No answer comes back any more.
            answers.abort();
            if cut.delivered.load(Ordering::SeqCst) {
                to_server.write_all(sent).await.expect("sent");
                // The server carries it out, whoever listens.
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            return;
        }
        if to_server.write_all(sent).await.is_err() {
            return;
        }
    }
}
