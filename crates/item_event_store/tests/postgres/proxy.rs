//! A socket between a client and the server that goes wrong at a commit.

use super::commits::Commits;
use std::future::pending;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};

/// What happens to a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It does not reach the server; both connections are cut.
    Lost,
    /// The server has it; then both connections are cut.
    Unanswered,
    /// It does not reach the server, whose transaction stays open; the client is cut off.
    Lingering,
    /// The same, and the client is not told either.
    Silence,
}

pub struct Proxy {
    folder: tempfile::TempDir,
    next: Arc<Mutex<Option<Fault>>>,
}

impl Proxy {
    pub fn start(server: PathBuf) -> Self {
        let folder = tempfile::Builder::new().prefix("ies-px-").tempdir_in("/tmp");
        let folder = folder.expect("a folder");
        let listener = UnixListener::bind(folder.path().join(".s.PGSQL.5432")).expect("a socket");
        let next = Arc::new(Mutex::default());
        let of_proxy = Arc::clone(&next);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = UnixStream::connect(&server).await.expect("a server");
                tokio::spawn(forward(client, server, Arc::clone(&of_proxy)));
            }
        });
        Self { folder, next }
    }

    pub fn url(&self, database: &str) -> String {
        format!("postgres://ies_app@/{database}?host={}", self.folder.path().display())
    }

    /// What happens to the next commit.
    pub fn arm(&self, fault: Fault) {
        *self.next.lock().expect("unpoisoned") = Some(fault);
    }

    /// Whether it has happened.
    pub fn struck(&self) -> bool {
        self.next.lock().expect("unpoisoned").is_none()
    }
}

async fn forward(client: UnixStream, server: UnixStream, next: Arc<Mutex<Option<Fault>>>) {
    let ((mut from_client, mut to_client), (mut from_server, mut to_server)) =
        (client.into_split(), server.into_split());
    let answers = tokio::spawn(async move {
        let _ = tokio::io::copy(&mut from_server, &mut to_client).await;
    });
    let mut bytes = vec![0; 64 * 1024];
    let mut commits = Commits::default();
    while let Ok(length @ 1..) = from_client.read(&mut bytes).await {
        let sent = &bytes[..length];
        let fault =
            if commits.among(sent) { next.lock().expect("unpoisoned").take() } else { None };
        match fault {
            None if to_server.write_all(sent).await.is_err() => return,
            None => continue,
            Some(Fault::Silence) => return pending().await,
            Some(_) => answers.abort(),
        }
        if fault == Some(Fault::Unanswered) {
            to_server.write_all(sent).await.expect("sent");
            // The server carries it out, whoever listens.
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        if fault == Some(Fault::Lingering) {
            drop(from_client);
            return pending().await;
        }
        return;
    }
}
