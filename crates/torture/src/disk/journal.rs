//! What happened to the files, in order: what was written, and what was made to last.

use super::files::Files;

/// One thing that happened. Files and folders are named by number.
#[derive(Clone, Debug)]
pub enum Entry {
    Write {
        file: u64,
        at: usize,
        bytes: Vec<u8>,
    },
    Truncate {
        file: u64,
        len: usize,
    },
    /// A file's bytes last from here on.
    Sync {
        file: u64,
    },
    /// They were to last and did not: what was on its way is lost, and nobody tries again.
    SyncFailed {
        file: u64,
    },
    /// A name leads to a file or folder.
    Link {
        folder: u64,
        name: String,
        to: u64,
        is_folder: bool,
    },
    Unlink {
        folder: u64,
        name: String,
    },
    /// A folder's names last from here on.
    SyncFolder {
        folder: u64,
    },
    /// Something that we want to find again.
    Mark(u64),
}

/// All of it, from the files that were there at the beginning.
#[derive(Clone, Debug)]
pub struct Journal {
    pub begin: Files,
    pub entries: Vec<Entry>,
}

impl Journal {
    pub fn new(files: &Files) -> Self {
        Self { begin: files.clone(), entries: Vec::new() }
    }

    pub fn add(&mut self, entry: Entry) {
        self.entries.push(entry);
    }

    pub fn mark(&mut self, mark: u64) {
        self.add(Entry::Mark(mark));
    }
}
