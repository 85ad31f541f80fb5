//! What can go wrong with a disk's operations.

use std::time::Duration;

/// A kind of operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    Write,
    Sync,
    Truncate,
    /// A file or folder is made.
    Create,
    Remove,
    Rename,
    Read,
}

impl Kind {
    pub const ALL: [Self; 7] = [
        Self::Write,
        Self::Sync,
        Self::Truncate,
        Self::Create,
        Self::Remove,
        Self::Rename,
        Self::Read,
    ];
}

/// The errors that are injected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Errno {
    Io,
    NoSpace,
    Quota,
    /// A disk behind a network that does not answer.
    TimedOut,
}

/// Operations of a kind fail.
#[derive(Clone, Copy, Debug)]
pub struct Fault {
    pub kind: Kind,
    /// The first that fails, counted from 1.
    pub nth: u64,
    /// Whether all later ones fail too.
    pub for_good: bool,
    pub errno: Errno,
    /// A write that fails has written the first half.
    pub half: bool,
}

#[derive(Debug, Default)]
pub struct Faults {
    armed: Option<Fault>,
    passed: u64,
    pub struck: u64,
    pub capacity: Option<u64>,
    pub sync_takes: Duration,
}

impl Faults {
    pub fn arm(&mut self, fault: Fault) {
        self.armed = Some(fault);
        self.passed = 0;
        self.struck = 0;
    }

    pub fn disarm(&mut self) {
        self.armed = None;
    }

    /// An operation is to be carried out: the fault that strikes it, if one does.
    pub fn meet(&mut self, kind: Kind) -> Option<Fault> {
        let fault = self.armed.filter(|fault| fault.kind == kind)?;
        self.passed += 1;
        let strikes = self.passed == fault.nth || (fault.for_good && self.passed > fault.nth);
        if !strikes {
            return None;
        }
        self.struck += 1;
        Some(fault)
    }
}

impl From<Errno> for fuser::Errno {
    fn from(errno: Errno) -> Self {
        match errno {
            Errno::Io => Self::EIO,
            Errno::NoSpace => Self::ENOSPC,
            Errno::Quota => Self::EDQUOT,
            Errno::TimedOut => Self::ETIMEDOUT,
        }
    }
}
