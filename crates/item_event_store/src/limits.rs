//! Every limit of the library, by name. Nothing here is configurable: a limit is part of the
//! contract.

/// The largest magnitude of a change and of a count, in the item's unit. It fits the note's
/// `INTEGER` (32 bits) on every backend.
pub const MAX_QUANTITY: i64 = 2_000_000_000;

/// The most commands that one request may carry.
pub const MAX_REQUEST_COMMANDS: usize = 8_192;

/// The longest item name, in characters.
pub const MAX_NAME_CHARS: usize = 200;
/// The longest stock keeping unit, in characters.
pub const MAX_SKU_CHARS: usize = 64;
/// The longest name of a unit, in characters.
pub const MAX_UNIT_CHARS: usize = 32;
/// The longest reference to an outside document, in characters.
pub const MAX_REFERENCE_CHARS: usize = 200;
/// The longest note, in characters.
pub const MAX_NOTE_CHARS: usize = 1_000;
/// The longest actor, in characters.
pub const MAX_ACTOR_CHARS: usize = 100;
/// The longest idempotency key, in visible ASCII characters.
pub const MAX_KEY_CHARS: usize = 200;
/// The longest name of a ledger, in characters.
pub const MAX_LEDGER_NAME_CHARS: usize = 63;

/// How far a client's clock may run ahead of ours before `occurred_in_future`, in microseconds.
pub const MAX_CLOCK_SKEW_MICROS: i64 = 5 * 60 * 1_000_000;

/// Events that one commit takes, unless a single request alone is larger.
pub const BATCH_EVENTS: usize = 8_192;
/// Batches of one ledger that are being written at one time, each behind the one before it.
pub const BATCHES_UNDER_WAY: usize = 2;
/// How long a batch waits for more requests while others write to its ledger, at most.
pub const GATHER_WAIT: std::time::Duration = std::time::Duration::from_millis(10);
/// How often a batch that the database gave up for another transaction's sake is tried again.
pub const BATCH_RETRIES: usize = 5;
/// Requests that may wait for the writer.
pub const QUEUE_REQUESTS: usize = 4_096;
/// Commands that may wait for the writer.
pub const QUEUE_COMMANDS: usize = 16 * MAX_REQUEST_COMMANDS;
/// Bytes of text that may wait for the writer.
pub const QUEUE_BYTES: usize = 64 * 1024 * 1024;

/// Rows of a page when the caller does not say.
pub const PAGE_DEFAULT: usize = 100;
/// The most rows of a page.
pub const PAGE_MAX: usize = 1_000;
/// Events that one short read of the log takes (verify, rebuild, follow, charts).
pub const LOG_PAGE_EVENTS: usize = 8_192;

/// Events that one read of the log adds up for a rebuild, at most.
pub const REBUILD_STEP_EVENTS: usize = 1_000_000;

/// Events that one transaction adds to the daily summary, at most: no more than a batch has.
pub const SUMMARY_STEP_EVENTS: usize = 8_192;
/// Rows that one transaction clears from the daily summary, at most.
pub const SUMMARY_STEP_ROWS: usize = 8_192;
/// How many times as long as a step took, a refresh that nobody waits for rests after it: three
/// quarters of the time are the writers'.
pub const SUMMARY_RESTS: u32 = 3;
/// Ledgers that are refreshed like that at one time: while one of them works, the others rest.
pub const SUMMARY_REFRESHES: usize = 4;

/// Ledgers that are open at one time; one that is not in use is closed for another.
pub const MAX_OPEN_LEDGERS: usize = 256;
/// How long a ledger stays open that nobody uses.
pub const LEDGER_IDLE: std::time::Duration = std::time::Duration::from_mins(5);

/// Connections to PostgreSQL that an open store has for its writers, one for each ledger that is
/// being written.
pub const WRITE_CONNECTIONS: usize = 8;
/// Connections to PostgreSQL that an open store has for all else.
pub const READ_CONNECTIONS: usize = 16;

/// How long a ledger's announcements to other programs are apart at least.
pub const ANNOUNCE_PAUSE: std::time::Duration = std::time::Duration::from_millis(10);

/// How long a follower waits before it looks for itself, should a hint be lost.
pub const FOLLOW_POLL: std::time::Duration = std::time::Duration::from_millis(500);
