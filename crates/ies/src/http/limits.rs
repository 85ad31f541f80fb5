//! Every limit of the service, by name. Those of the ledger itself are in the library.

use std::time::Duration;

/// The largest body of a request.
pub const BODY_BYTES: usize = 64 * 1024;
/// The largest body of `POST /v1/events`.
pub const BULK_BODY_BYTES: usize = 8 * 1024 * 1024;

/// The largest window of a body that is compressed with zstd (RFC 9659).
pub const ZSTD_WINDOW_BYTES: u64 = 8 * 1024 * 1024;

/// How long a client may take to send the head of a request. On HTTP/1.1 the time begins with the
/// end of the answer before, so that it bounds idle connections too.
pub const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a client may take to send a body.
pub const BODY_TIMEOUT: Duration = Duration::from_secs(30);
/// How long an answer may take. Streams, verify and rebuild take as long as they take.
pub const REQUEST_TIMEOUT: Duration = Duration::from_mins(1);
/// How long a client may leave bytes that we want to send unread.
pub const WRITE_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a connection stays open after its last answer, for a client that is still sending.
pub const LINGER_TIMEOUT: Duration = Duration::from_secs(2);
/// How many bytes such a client may still send.
pub const LINGER_BYTES: usize = 16 * 1024 * 1024;
/// How long a connection may stay open without a request.
pub const IDLE_TIMEOUT: Duration = Duration::from_mins(1);
/// How long requests may go on after the service was told to stop.
pub const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);

/// Connections at one time; others wait to be accepted.
pub const MAX_CONNECTIONS: usize = 1_024;
/// Requests at one time on one HTTP/2 connection.
pub const MAX_REQUESTS_PER_CONNECTION: u32 = 128;
/// The largest head of a request.
pub const MAX_HEADER_BYTES: usize = 32 * 1024;
/// The most header fields of a request.
pub const MAX_HEADERS: usize = 64;

/// Requests that one token may send in a second, unless the operator says otherwise.
pub const REQUESTS_PER_SECOND: u32 = 5_000;
/// How long a request may rely on what a token was when it was last looked up. What the same
/// process changes holds at once.
pub const TOKEN_MEMORY: Duration = Duration::from_secs(1);
/// Event streams that one token may have open.
pub const STREAMS_PER_TOKEN: usize = 64;

/// How often a silent stream says that it is alive.
pub const HEARTBEAT: Duration = Duration::from_secs(15);
/// How often a stream asks whether its token still holds.
pub const TOKEN_RECHECK: Duration = Duration::from_secs(3);
/// Events that a stream sends in one piece.
pub const STREAM_CHUNK_EVENTS: usize = 256;
/// How long a stream's client should wait before it connects again, in milliseconds.
pub const STREAM_RETRY_MILLIS: u32 = 2_000;

/// How often the daily summaries of open ledgers are refreshed, unless the operator says otherwise.
pub const SUMMARY_EVERY: Duration = Duration::from_mins(1);
/// The most often that they may be.
pub const SUMMARY_EVERY_LEAST: Duration = Duration::from_secs(1);
/// The least often: a ledger stays open for as long after its last use, so none is passed over.
pub const SUMMARY_EVERY_MOST: Duration = item_event_store::limits::LEDGER_IDLE;

/// Events and corrections that an explanation shows.
pub const EXPLAIN_LAST: usize = 10;
/// A count is old when the last event is this much later.
pub const OLD_COUNT: Duration = Duration::from_hours(30 * 24);
