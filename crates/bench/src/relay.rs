//! A database that is some way off: a relay in front of its socket, through which every byte takes
//! its time in either direction. Loopback knows no distance, and most databases are on a machine of
//! their own.

use crate::cluster::SOCKET;
use anyhow::Result;
use std::io::{Read as _, Write as _};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{sleep, spawn};
use std::time::{Duration, Instant};

/// Takes connections until it is dropped; those that it has go on until either side ends them.
pub struct Relay {
    folder: PathBuf,
    stopped: Arc<AtomicBool>,
}

impl Relay {
    /// A socket in `folder` that leads to the one in `to`, so far away.
    pub fn start(folder: PathBuf, to: &Path, way: Duration) -> Result<Self> {
        let listener = UnixListener::bind(folder.join(SOCKET))?;
        let (to, stopped) = (to.join(SOCKET), Arc::new(AtomicBool::new(false)));
        let ended = Arc::clone(&stopped);
        spawn(move || {
            for near in listener.incoming().flatten() {
                if ended.load(Ordering::SeqCst) {
                    return;
                }
                // A client finds out by itself that there is no server.
                let _ = UnixStream::connect(&to).and_then(|far| join(near, far, way));
            }
        });
        Ok(Self { folder, stopped })
    }

    /// Where its socket is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::SeqCst);
        // Wakes whoever waits for the next connection.
        let _ = UnixStream::connect(self.folder.join(SOCKET));
    }
}

fn join(near: UnixStream, far: UnixStream, way: Duration) -> std::io::Result<()> {
    for (from, to) in [(near.try_clone()?, far.try_clone()?), (far, near)] {
        let (sent, under_way) = channel();
        spawn(move || take(from, &sent));
        spawn(move || bring(to, &under_way, way));
    }
    Ok(())
}

fn take(mut from: UnixStream, sent: &Sender<(Instant, Vec<u8>)>) {
    let mut bytes = vec![0; 1 << 16];
    while let Ok(length @ 1..) = from.read(&mut bytes) {
        if sent.send((Instant::now(), bytes[..length].to_vec())).is_err() {
            return;
        }
    }
}

fn bring(mut to: UnixStream, under_way: &Receiver<(Instant, Vec<u8>)>, way: Duration) {
    for (sent, bytes) in under_way {
        sleep(way.saturating_sub(sent.elapsed()));
        if to.write_all(&bytes).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_arrives_whole_and_late() -> Result<()> {
        let (there, here) = (tempfile::tempdir()?, tempfile::tempdir()?);
        let server = UnixListener::bind(there.path().join(SOCKET))?;
        let way = Duration::from_millis(20);
        let relay = Relay::start(here.path().to_owned(), there.path(), way)?;
        let mut client = UnixStream::connect(relay.folder().join(SOCKET))?;
        let begun = Instant::now();
        client.write_all(b"croissant")?;
        let (mut far, _) = server.accept()?;
        let mut bytes = [0; 9];
        far.read_exact(&mut bytes)?;
        far.write_all(&bytes)?;
        client.read_exact(&mut bytes)?;
        assert_eq!(&bytes, b"croissant");
        assert!(begun.elapsed() >= 2 * way, "each way takes its time");
        drop(far);
        assert_eq!(client.read(&mut bytes)?, 0, "the end arrives too");
        Ok(())
    }
}
