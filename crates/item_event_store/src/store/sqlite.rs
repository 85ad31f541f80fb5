//! SQLite: a store is a folder, one file is one ledger, no set-up.

use super::Result;
use std::path::Path;

/// What the store is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Reading and writing; one process at a time.
    Write,
    /// Reading, also beside a process that writes.
    Read,
}

/// A folder of SQLite files.
pub struct SqliteStore {}

impl SqliteStore {
    /// Opens a folder, making it first in [`Mode::Write`]. Makes, migrates and locks.
    pub fn open(dir: &Path, mode: Mode) -> Result<Self> {
        todo!("{dir:?} {mode:?}")
    }
}
