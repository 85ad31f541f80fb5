//! Backup and restore of one ledger: its rows as the server copies them out, in one file. A file
//! gets its name when it is complete and on stable storage, and ends with its own SHA-256.

use super::connection::{Connection, Connections, InTransaction};
use super::ledger;
use super::reads::{self, Reader};
use super::statements::{
    CLOSE_RANGE, COPY_IN_ITEM_CHANGES, COPY_IN_ITEM_EVENT_STORE, COPY_IN_ITEM_INVENTORY,
    COPY_IN_ITEMS, COPY_IN_REQUESTS, COPY_OUT_ITEM_CHANGES, COPY_OUT_ITEM_EVENT_STORE,
    COPY_OUT_ITEM_INVENTORY, COPY_OUT_ITEMS, COPY_OUT_REQUESTS, OPEN_RANGE, SET_SESSION_LEDGER,
};
use super::write::Writing;
use crate::error::StoreError;
use crate::ids::LedgerName;
use crate::settings::Settings;
use crate::store::{Head, Mode, Result, WriteTx as _};
use crate::time::Timestamp;
use futures_util::{SinkExt as _, TryStreamExt as _};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::fs::File;
use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

const FORMAT: &str = "item_event_store backup 1";
/// The line after the last row of a table, as in the server's own dumps.
const END_OF_TABLE: &[u8] = b"\\.\n";
const CHUNK_BYTES: usize = 64 * 1024;

/// Each table: how its rows go out and in. What explains comes before what is explained.
const TABLES: [(&str, &str); 5] = [
    (COPY_OUT_ITEM_CHANGES, COPY_IN_ITEM_CHANGES),
    (COPY_OUT_ITEMS, COPY_IN_ITEMS),
    (COPY_OUT_ITEM_EVENT_STORE, COPY_IN_ITEM_EVENT_STORE),
    (COPY_OUT_ITEM_INVENTORY, COPY_IN_ITEM_INVENTORY),
    (COPY_OUT_REQUESTS, COPY_IN_REQUESTS),
];

/// The first line of a backup.
#[derive(Serialize, Deserialize)]
struct Start {
    format: String,
    position: i64,
    items_revision: i64,
    last_request_id: i64,
    last_created_at: i64,
    time_zone: String,
    day_start_hour: i8,
    archived_at: Option<i64>,
}

/// A file that is hashed while it is written.
struct Hashed {
    file: BufWriter<File>,
    hash: Sha256,
}

impl Hashed {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.hash.update(bytes);
        self.file.write_all(bytes)
    }
}

fn failed(doing: &str, path: &Path, error: &std::io::Error) -> StoreError {
    let text = format!("{doing} {}: {error}", path.display());
    match error.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
            StoreError::Full(text)
        }
        std::io::ErrorKind::NotFound => StoreError::NotFound(text),
        _ => StoreError::Failed(text),
    }
}

/// Copies the ledger as the connection's snapshot sees it into a new file.
pub(super) async fn backup(conn: &Connection, name: &LedgerName, to: &Path) -> Result<Head> {
    if to.exists() {
        return Err(StoreError::Refused(format!(
            "{} exists: name one that does not",
            to.display()
        )));
    }
    let mut partial = to.as_os_str().to_owned();
    partial.push(".partial");
    let partial = PathBuf::from(partial);
    let copied = write_out(conn, name, &partial).await;
    let named = copied.and_then(|head| {
        std::fs::rename(&partial, to).map_err(|e| failed("making", to, &e))?;
        Ok(head)
    });
    if named.is_err() {
        // What is not there needs no removing; what cannot be removed is overwritten next time.
        let _ = std::fs::remove_file(&partial);
    }
    named
}

async fn write_out(conn: &Connection, name: &LedgerName, to: &Path) -> Result<Head> {
    let head = reads::head(&Reader::new(conn, name)).await?;
    conn.query(SET_SESSION_LEDGER, &[&name.as_str()]).await?;
    let io = |e: std::io::Error| failed("writing", to, &e);
    let mut options = File::options();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = BufWriter::new(options.open(to).map_err(io)?);
    let mut out = Hashed { file, hash: Sha256::new() };
    let start = Start {
        format: FORMAT.into(),
        position: head.position.0,
        items_revision: head.items_revision,
        last_request_id: head.last_request_id,
        last_created_at: head.last_created_at.micros(),
        time_zone: head.settings.time_zone.clone(),
        day_start_hour: head.settings.day_start_hour,
        archived_at: head.settings.archived_at.map(Timestamp::micros),
    };
    let line = serde_json::to_string(&start).expect("numbers and text are JSON");
    out.write(format!("{line}\n").as_bytes()).map_err(io)?;
    for (copy_out, _) in TABLES {
        // The letters, digits and signs of a ledger's name need no quoting.
        let rows = conn.client().copy_out(&copy_out.replace("LEDGER", name.as_str())).await?;
        let mut rows = std::pin::pin!(rows);
        while let Some(bytes) = rows.try_next().await? {
            out.write(&bytes).map_err(io)?;
        }
        out.write(END_OF_TABLE).map_err(io)?;
    }
    let hash = out.hash.finalize();
    let mut file = out.file;
    file.write_all(&hash).map_err(io)?;
    file.into_inner().map_err(|e| io(e.into_error()))?.sync_all().map_err(io)?;
    Ok(head)
}

/// Makes a ledger from a file that [`backup`] wrote, with an epoch of its own.
pub(super) async fn restore(
    connections: &Arc<Connections>,
    name: &LedgerName,
    from: &Path,
) -> Result<Head> {
    if connections.mode() == Mode::Read {
        return Err(StoreError::ReadOnly);
    }
    let start = check(from)?;
    let conn = InTransaction::new(connections.get().await?);
    conn.begin_write().await?;
    read_in(&conn, name, from, &start).await?;
    conn.batch("COMMIT").await?;
    conn.end().await;
    // On Citus its node may be another server than the one that made the row: then it has a new
    // epoch from here on.
    Writing::to(connections, name).await?.begin(&[]).await?.head().await
}

/// Whether the file is whole, and its first line.
fn check(from: &Path) -> Result<Start> {
    let io = |e: std::io::Error| failed("reading", from, &e);
    let damaged = || StoreError::Corrupt(format!("{} is no whole backup", from.display()));
    let bytes = std::fs::metadata(from).map_err(io)?.len();
    let mut left = bytes.checked_sub(32).ok_or_else(damaged)?;
    let mut file = BufReader::with_capacity(CHUNK_BYTES, File::open(from).map_err(io)?);
    let mut hash = Sha256::new();
    let mut start = Vec::new();
    while left > 0 {
        let chunk = file.fill_buf().map_err(io)?;
        let length = chunk.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        if length == 0 {
            return Err(damaged());
        }
        if start.is_empty() {
            start.extend(chunk[..length].split(|byte| *byte == b'\n').next().unwrap_or_default());
        }
        hash.update(&chunk[..length]);
        file.consume(length);
        left -= length as u64;
    }
    let mut stored = [0; 32];
    std::io::Read::read_exact(&mut file, &mut stored).map_err(io)?;
    if stored != *hash.finalize() {
        return Err(damaged());
    }
    let start: Start = serde_json::from_slice(&start).map_err(|_| damaged())?;
    if start.format == FORMAT { Ok(start) } else { Err(damaged()) }
}

async fn read_in(conn: &Connection, name: &LedgerName, from: &Path, start: &Start) -> Result<()> {
    let ledger = name.as_str();
    conn.query(SET_SESSION_LEDGER, &[&ledger]).await?;
    let settings = Settings {
        time_zone: start.time_zone.clone(),
        day_start_hour: start.day_start_hour,
        archived_at: start.archived_at.map(Timestamp::from_micros),
    };
    if !ledger::insert(conn, name, &settings).await? {
        return Err(StoreError::Refused(format!("ledger {name} exists: name one that does not")));
    }
    let last_created_at = Timestamp::from_micros(start.last_created_at);
    conn.execute(
        OPEN_RANGE,
        &[
            &ledger,
            &start.position,
            &start.items_revision,
            &start.last_request_id,
            &last_created_at,
        ],
    )
    .await?;
    let io = |e: std::io::Error| failed("reading", from, &e);
    let mut lines = BufReader::new(File::open(from).map_err(io)?);
    let mut line = Vec::new();
    lines.read_until(b'\n', &mut line).map_err(io)?;
    for (_, copy_in) in TABLES {
        let mut sink = std::pin::pin!(conn.client().copy_in::<_, bytes::Bytes>(copy_in).await?);
        let mut chunk = Vec::with_capacity(2 * CHUNK_BYTES);
        loop {
            line.clear();
            lines.read_until(b'\n', &mut line).map_err(io)?;
            let ended = line == END_OF_TABLE || line.is_empty();
            if !ended {
                chunk.extend_from_slice(&line);
            }
            if chunk.len() > CHUNK_BYTES || (ended && !chunk.is_empty()) {
                sink.send(std::mem::take(&mut chunk).into()).await?;
            }
            if ended {
                break;
            }
        }
        sink.finish().await?;
    }
    conn.execute(CLOSE_RANGE, &[&ledger]).await?;
    Ok(())
}
