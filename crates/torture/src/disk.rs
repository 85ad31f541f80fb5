//! A disk of our own: a file system in memory, mounted by FUSE, under a real server or under the
//! library. It writes down what is written and when it is made to last, it can be told to fail, to
//! be full and to be slow, and it gives the images that a loss of power could leave.

mod fault;
mod files;
mod fuse;
mod image;
mod journal;

pub use fault::{Errno, Fault, Kind};
pub use image::{Images, Keep};
pub use journal::Entry;

use crate::random::Random;
use anyhow::{Context as _, Result};
use fault::Faults;
use files::Files;
use fuser::{BackgroundSession, Config, MountOption, SessionACL};
use journal::Journal;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The files of a disk, by their paths from its root. Folders are made as they are needed.
pub type Image = BTreeMap<String, Vec<u8>>;

/// What is on the disk and what happens to it.
struct State {
    files: Files,
    journal: Journal,
    faults: Faults,
}

/// A mounted disk; unmounted when it is dropped.
pub struct Disk {
    path: PathBuf,
    state: Arc<Mutex<State>>,
    session: Option<BackgroundSession>,
}

impl Disk {
    /// Mounts a disk that holds these files for good.
    pub fn mount(path: &Path, image: &Image) -> Result<Self> {
        std::fs::create_dir_all(path)?;
        let mut files = Files::default();
        for (name, data) in image {
            files.put(name, data);
        }
        let journal = Journal::new(&files);
        Self::mount_state(path, State { files, journal, faults: Faults::default() })
    }

    /// The same disk once more, in another place: what was written is there, what was not made to
    /// last still is not, and nothing is armed.
    pub fn again(&self, path: &Path) -> Result<Self> {
        std::fs::create_dir_all(path)?;
        let (files, journal) = {
            let state = self.state();
            (state.files.clone(), state.journal.clone())
        };
        Self::mount_state(path, State { files, journal, faults: Faults::default() })
    }

    fn mount_state(path: &Path, state: State) -> Result<Self> {
        let state = Arc::new(Mutex::new(state));
        let mut config = Config::default();
        config.mount_options = vec![MountOption::FSName("torture".into())];
        config.acl = SessionACL::All;
        config.n_threads = Some(2);
        let mounted = fuser::spawn_mount(fuse::Mounted::new(Arc::clone(&state)), path, &config);
        let session = mounted.with_context(|| {
            format!(
                "mounting a disk at {}: this needs root and /dev/fuse (Linux with FUSE)",
                path.display()
            )
        })?;
        Ok(Self { path: path.to_path_buf(), state, session: Some(session) })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Arms a fault; the operations that it counts are counted from now on.
    pub fn arm(&self, fault: Fault) {
        self.state().faults.arm(fault);
    }

    /// Works again as it should.
    pub fn disarm(&self) {
        self.state().faults.disarm();
    }

    /// How often the armed fault has struck.
    pub fn struck(&self) -> u64 {
        self.state().faults.struck
    }

    /// How many bytes may be on it; `None` for no limit.
    pub fn limit(&self, bytes: Option<u64>) {
        self.state().faults.capacity = bytes;
    }

    /// Every sync takes so long from now on.
    pub fn slow_down(&self, sync: Duration) {
        self.state().faults.sync_takes = sync;
    }

    /// The bytes on it.
    pub fn used(&self) -> u64 {
        self.state().files.used()
    }

    /// Writes a mark of ours among what is written down.
    pub fn mark(&self, mark: u64) {
        self.state().journal.mark(mark);
    }

    /// All that was written down, for making images.
    pub fn images(&self) -> Images {
        Images::new(&self.state().journal)
    }

    /// What a loss of power right now leaves.
    pub fn lose_power(&self, random: &mut Random, keep: Keep) -> Image {
        Images::new(&self.state().journal).now(random, keep)
    }

    /// What is on it, made to last or not.
    pub fn contents(&self) -> Image {
        self.state().files.contents()
    }

    #[cfg(test)]
    /// Unmounts it: nobody may have a file of it open.
    pub fn unmount(mut self) -> Result<()> {
        let Some(session) = self.session.take() else { return Ok(()) };
        session.umount_and_join().with_context(|| format!("unmounting {}", self.path.display()))
    }

    /// Takes it out of the tree of files, whoever still has a file of it open.
    pub fn abandon(mut self) {
        self.detach();
    }

    /// Lazily, so that nobody is waited for who may be waiting for us.
    fn detach(&mut self) {
        if let Some(session) = self.session.take() {
            let flags = rustix::mount::UnmountFlags::DETACH;
            let _ = rustix::mount::unmount(&self.path, flags);
            drop(session);
        }
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        self.detach();
    }
}

/// Lays an image out in a folder.
pub fn lay_out(image: &Image, folder: &Path) -> Result<()> {
    for (name, data) in image {
        let path = folder.join(name);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::write(path, data)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
