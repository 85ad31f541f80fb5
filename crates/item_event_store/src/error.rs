//! The world failed: errors of the store and of the way to it. What the business refuses is a
//! [`crate::rejection::Rejection`], and what we got wrong is a panic.

use crate::access::Role;
use crate::ids::Position;
use crate::rejection::Rejected;

/// Why a store could not do something.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Someone else holds what we need; trying again later helps.
    #[error("{0}")]
    Busy(String),
    /// The database gave the transaction up for another one's sake: the same again may do.
    #[error("{0}")]
    Aborted(String),
    /// Another server process has the store open for writing.
    #[error("{0}")]
    InUse(String),
    /// No room for another event. Reads go on.
    #[error("the storage is full: {0}")]
    Full(String),
    /// The store was opened for reading only.
    #[error("the store is open for reading only")]
    ReadOnly,
    /// There is no such store or ledger.
    #[error("{0}")]
    NotFound(String),
    /// The store's address or its server's settings are not what they must be, or the server is
    /// not the one that it should be.
    #[error("{0}")]
    Config(String),
    /// The store's schema is newer or older than this program.
    #[error("the ledger's schema is version {found}, this program's is {supported}")]
    SchemaVersion {
        /// In the store.
        found: i64,
        /// In this program.
        supported: i64,
    },
    /// What was read cannot be right.
    #[error("the store is damaged: {0}")]
    Corrupt(String),
    /// The database refused a row: a guard or a constraint.
    #[error("the database refused it: {0}")]
    Refused(String),
    /// Any other failure of the database.
    #[error("the database failed: {0}")]
    Failed(String),
    /// The storage fails: an I/O error. Nothing that it says is to be trusted any more before the
    /// process has restarted.
    #[error("the storage fails: {0}")]
    Broken(String),
    /// The commit was sent and its answer is not known: it may have happened.
    #[error("it is not known whether the commit happened: {0}")]
    CommitUnknown(String),
}

/// Why a request has no answer that says done or rejected-and-stored. See DESIGN: the four
/// answers.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExecuteError {
    /// Certainly not recorded, and not stored under its key either.
    #[error("{0}")]
    Rejected(#[from] Rejected),
    /// The role may not give one of the commands.
    #[error("command {line} needs the role {required}")]
    Forbidden {
        /// Which command, counted from 1.
        line: usize,
        /// The weakest role that may.
        required: Role,
    },
    /// Refused before it was tried: certainly not recorded. Send it again later.
    #[error("not started: {0}")]
    NotStarted(String),
    /// It may have been recorded: send the same key again.
    #[error("unknown whether it was recorded: send the same key again ({0})")]
    Unknown(String),
    /// Certainly not recorded: the store failed on this request.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a follower cannot resume where its cursor points.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FollowError {
    /// The history that the cursor belongs to is not this ledger's.
    #[error("the cursor belongs to another history of this ledger: {reason}")]
    HistoryDiverged {
        /// What differs.
        reason: String,
        /// The ledger's last position.
        position: Position,
    },
    /// The store could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}
